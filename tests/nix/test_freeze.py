"""`nixprof freeze` on every Nix: a profile of `nix profile` or of nix-env becomes the list, and nothing changes."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Prepare
from support.binary_cache import BinaryCache
from support.claims import always_there, lock, refused, run_counted, versions
from support.faults import Stages
from support.world import World

# What a freeze adds to a store: the environment with its record and source, and generations of the profile. A name
# may have the `.drv` that makes it.
ITS_OWN = re.compile(r"[a-z0-9]{32}-(nixprof|nixprof-environment\.json|nixprof-keeps|source|profile)(\.drv)?")


def modern(world: World) -> bool:
    """Whether `nix profile` knows priorities and chosen outputs."""
    return world.install.release >= (2, 9)


def install(world: World, *arguments: str, **variables: str) -> None:
    verb = "add" if world.install.release >= (2, 30) else "install"
    world.nix("profile", verb, *arguments, env=variables)


def flake(world: World, name: str, *packages: str, version: str = "1.0") -> str:
    """Publishes a flake of packages that print their own name; returns its reference."""
    folder = world.root / name
    folder.mkdir()
    lines = "".join(
        f'"{package}" = derivation {{ name = "{package}-{version}"; pname = "{package}"; version = "{version}"; '
        f'inherit system; builder = "/bin/sh"; args = [ "-c" "PATH=/bin:/usr/bin; mkdir -p $out/bin; '
        f"echo '#!/bin/sh\necho {package} of {name}' > $out/bin/{package}; chmod +x $out/bin/{package}\" ]; }}; "
        for package in packages
    )
    system = world.system
    (folder / "flake.nix").write_text(
        f'{{ outputs = _: let system = "{system}"; in {{ packages.{system} = {{ {lines} }}; }}; }}\n'
    )
    commit(world, folder)
    return f"git+file://{folder}"


def commit(world: World, folder: Path) -> None:
    if not (folder / ".git").exists():
        world.command("git", "-C", folder, "init", "--quiet", "--initial-branch=main")
    world.command("git", "-C", folder, "add", "--all")
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    world.command("git", "-C", folder, *who, "commit", "--quiet", "--message", "as it is")


def helix(world: World) -> str:
    """Publishes the flake `helix`, with its lock."""
    url = world.publish_helix()
    world.nix("flake", "lock", url)
    if world.command("git", "-C", world.root / "helix", "status", "--porcelain").stdout:
        commit(world, world.root / "helix")
    return url


def years_of_nix_profile(world: World) -> World:
    """What issue 3 asks a profile to hold, as far as this Nix can make it."""
    git = "nixpkgs#git^out,doc" if modern(world) else "nixpkgs#git"
    install(world, "nixpkgs#hello", git, "nixpkgs#python3Packages.black", 'nixpkgs#"zig-0.15"')
    install(world, "nixpkgs#ripgrep")
    install(world, helix(world))
    install(world, flake(world, "mine", "greet", "htop") + "#htop")
    install(world, world.build_expr('pkgs.stdenv.mkDerivation { pname = "my-tool"; version = "0.3"; }'))
    install(world, "--impure", "nixpkgs#vscode", NIXPKGS_ALLOW_UNFREE="1")
    world.publish(2)
    install(world, "nixpkgs#jq", "--refresh")
    if modern(world):
        install(world, "nixpkgs#sqlite^out", "nixpkgs#pcre2^*")
        install(world, "nixpkgs#coreutils", "--priority", "7")
        install(world, "nixpkgs#hello", "--priority", "6")
    return world


def years_of_nix_env(world: World) -> World:
    """The same for nix-env, from a channel that is still there."""
    channel = world.home / ".nix-defexpr/channels/nixpkgs"
    channel.parent.mkdir(parents=True)
    shutil.copytree(world.nixpkgs, channel, ignore=shutil.ignore_patterns(".git"))
    world.command("nix-env", "-f", channel, "-iA", "hello", "git", "nodejs_24", "python3Packages.black", "coreutils")
    world.command("nix-env", "-f", channel, "-iA", "vscode", env={"NIXPKGS_ALLOW_UNFREE": "1"})
    world.command("nix-env", "--set-flag", "priority", "7", "coreutils")
    own = world.build_expr('pkgs.stdenv.mkDerivation { pname = "my-tool"; version = "0.3"; }')
    world.command("nix-env", "-i", own)
    # Its last: with such an element, newer versions of nix-env refuse to do anything more.
    world.command("nix-env", "-f", channel, "-iA", "sqlite", "pcre2.dev", check=False)
    return world


MAKERS = {"nix profile": years_of_nix_profile, "nix-env": years_of_nix_env}


@pytest.fixture(params=MAKERS)
def grown(request: pytest.FixtureRequest, prepare: Prepare) -> World:
    """A user with a profile that grew over years."""
    return prepare(MAKERS[request.param])


def resolved(world: World) -> list[dict[str, Any]]:
    return [one for entry in lock(world).values() for one in entry["systems"].values()]


def in_store(world: World) -> set[str]:
    return {path.name for path in world.store.store_dir.iterdir() if not path.name.startswith(".")}


def settled(world: World) -> None:
    """The list, the lock and the profile agree, and there is nothing more to do."""
    [element] = [one for one in world.profile_elements() if (one.attr_path or "").endswith(".nixprof")]
    assert element.original_url == f"path:{world.flake}"
    assert "in sync" in world.nixprof("sync").stderr
    assert world.nixprof("status", "--check").code == 0
    again = world.nixprof("freeze")
    assert "nothing to import" in again.stderr, str(again)


# --- the whole of it


def test_nothing_changes_but_what_keeps_it(grown: World) -> None:
    world = grown
    tree, store = world.tree(), in_store(world)
    before = world.profile.resolve()
    generations = len(world.generations())
    with always_there(*(world.profile / file for file in tree)):
        result = world.nixprof("freeze")
    assert world.tree() == tree
    assert "no package changes" in result.stderr
    added = in_store(world) - store
    assert {name for name in added if not ITS_OWN.fullmatch(name) and not name.endswith(".lock")} == set()
    assert len(world.profile_elements()) == 1
    assert len(world.generations()) == generations + 1
    assert not (world.flake / "flake.lock").exists() or "nodes" in (world.flake / "flake.lock").read_text()
    settled(world)
    assert world.tree() == tree

    command = ("nix-env", "--rollback") if (before / "manifest.nix").exists() else None
    world.command(*command) if command else world.nix("profile", "rollback")
    assert world.profile.resolve() == before
    assert world.tree() == tree


def test_the_list_is_readable(grown: World) -> None:
    world = grown
    world.nixprof("freeze")
    text = world.manifest.read_text()
    for line in ('"hello",', '"vscode",'):
        assert f"  {line}" in text
    assert re.search(r'my-tool-0.3",  # kept by store path', text)
    assert re.search(r"^my-tool +0\.3$", world.nixprof("list").stdout, re.MULTILINE)
    if "mine#htop" in text:
        assert '  "python3Packages.black",' in text
        assert '  "helix#default",' in text
        assert '  "\\"zig-0.15\\"",' in text or "'\"zig-0.15\"'" in text
        assert f'nixpkgs = "{world.nixpkgs_url}"' in text
    else:
        assert '{ package = "coreutils", priority = 7 }' in text
        assert '"nodejs_24",' in text
        assert "nodejs-24.10.0" not in text


def test_outputs_priorities_and_second_versions_become_entries(prepare: Prepare) -> None:
    world = prepare(years_of_nix_profile)
    if not modern(world):  # it has neither
        return
    world.nixprof("freeze")
    text = world.manifest.read_text()
    assert '"pcre2^*"' in text
    assert '"sqlite^out"' in text
    assert re.search(r'"git\^(out,doc|doc,out)"', text)
    assert '{ package = "coreutils", priority = 7 }' in text
    # The same attribute at another revision needs a name of its own for it.
    [rev] = re.findall(r'package = "nixpkgs-([0-9a-f]{7})#hello", priority = 6', text)
    assert f"rev={rev}" in text
    assert versions(world)["nixpkgs#hello"] == "2.12.1"
    assert versions(world)[f"nixpkgs-{rev}#hello"] == "2.12.2"


def test_update_brings_everything_to_one_revision(grown: World) -> None:
    world = grown
    world.publish(2)
    world.nixprof("freeze")
    text = world.manifest.read_text()
    if "\n[inputs]" not in text:
        text += f'\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n'
    world.manifest.write_text(text + '\n[nixpkgs]\nallow-unfree = ["vscode"]\n')
    world.nixprof("update")
    assert world.run("hello") == "hello 2.12.2"
    assert world.run("code") == "vscode 1.107"
    assert world.run("my-tool") == "my-tool 0.3"
    nixpkgs = [entry for key, entry in lock(world).items() if key.startswith("nixpkgs#")]
    assert {entry.get("held") for entry in nixpkgs} == {None}
    assert len({one["source"] for entry in nixpkgs for one in entry["systems"].values()}) == 1
    settled(world)


def test_a_second_machine_gets_the_same_paths(grown: World, binary_cache: BinaryCache) -> None:
    world = grown
    world.nixprof("freeze")
    tree = world.tree()
    binary_cache.push(world, *{path for one in resolved(world) for path in one["outputs"].values()})

    world.move()
    binary_cache.use_in(world)
    (world.nixpkgs / ".git").rename(world.nixpkgs / "gone")
    world.map_registry()
    world.nixprof("sync")
    assert world.tree() == tree


# --- never a gap


@contextmanager
def running_all_the_time(program: Path) -> Iterator[None]:
    """Runs a program every few milliseconds, and fails if it was not there once."""
    done = threading.Event()
    failures: list[str] = []
    runs = 0

    def run() -> None:
        nonlocal runs
        while not done.is_set():
            try:
                subprocess.run([program], check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError) as error:
                failures.append(repr(error))
            runs += 1
            time.sleep(0.002)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert failures == []
    assert runs > 5


def test_a_command_of_the_profile_always_runs(grown: World) -> None:
    with running_all_the_time(grown.profile / "bin/hello"):
        grown.nixprof("freeze")


@pytest.mark.newest_nix
@pytest.mark.parametrize("grown", ["nix-env"], indirect=True)  # test_faults has one of `nix profile`
def test_killed_at_any_point_the_profile_is_the_old_or_the_new_one(grown: World) -> None:
    world = grown
    tree = world.tree()
    stages = Stages(world, ("freeze",))
    # Every point of the switch itself, and some of all the rest.
    chosen = sorted(
        {*range(1, len(stages.points) + 1, 17), *range(max(1, len(stages.points) - 12), len(stages.points) + 1)}
    )
    for at in chosen:
        stages.disturbed(at, "kill")
        assert world.tree() == tree, stages.points[at - 1]
        world.nixprof("freeze")
        assert world.tree() == tree
        assert len(world.profile_elements()) == 1, stages.points[at - 1]
        assert world.nixprof("status", "--check").code == 0


@pytest.mark.newest_nix
@pytest.mark.parametrize("grown", ["nix-env"], indirect=True)
def test_an_error_leaves_everything_as_it_was(grown: World) -> None:
    world = grown
    before = world.snapshot()
    world.config_dir.mkdir(parents=True)
    stages = Stages(world, ("freeze",))
    for at in range(2, len(stages.points) + 1, 9):
        result = stages.disturbed(at, "ENOSPC", lasts=True)
        assert result.code in (0, 1), str(result)
        assert "Traceback" not in result.stderr
        if result.code == 1:
            assert world.snapshot()["profile"] == before["profile"], str(result)


# --- what is left alone


def test_nix_itself_and_home_manager_stay_in_a_profile_of_nix_profile(fresh_world: World) -> None:
    world = fresh_world
    install(world, "nixpkgs#hello")
    system = flake(world, "system", "nix", "nss-cacert", "home-manager-path")
    install(world, f"{system}#nix", f"{system}#nss-cacert")
    install(world, *world.build(f"{system}#home-manager-path"))
    tree = world.tree()
    said = world.nixprof("freeze").stderr
    for reason in ("(Nix itself)", "(the certificates of Nix itself)", "(managed by home-manager)"):
        assert reason in said
    assert world.tree() == tree
    left = [Path(path).name[33:] for one in world.profile_elements() for path in one.store_paths]
    assert sorted(left) == ["home-manager-path-1.0", "nix-1.0", "nixprof", "nss-cacert-1.0"]
    assert "nix" not in world.manifest.read_text().split("packages = [")[1].split("]")[0].split('"')
    assert "nothing to import" in world.nixprof("freeze").stderr


def test_nix_itself_stays_in_a_profile_of_nix_env(fresh_world: World) -> None:
    world = fresh_world
    folder = flake(world, "system", "nix", "nss-cacert").removeprefix("git+file://")
    expression = f'(builtins.getFlake "git+file://{folder}").packages.{world.system}'
    features = ("--option", "extra-experimental-features", "nix-command flakes")
    world.command("nix-env", *features, "-f", world.nixpkgs, "-iA", "hello")
    world.command("nix-env", *features, "-iE", f"_: ({expression}).nix")
    world.command("nix-env", *features, "-iE", f"_: ({expression}).nss-cacert")
    world.command("nix-env", "--set-flag", "priority", "6", "nss-cacert")
    tree = world.tree()
    before = world.profile.resolve()
    said = world.nixprof("freeze").stderr
    assert "(Nix itself)" in said
    assert world.tree() == tree
    left = [Path(path).name[33:] for one in world.profile_elements() for path in one.store_paths]
    assert sorted(left) == ["nix-1.0", "nixprof", "nss-cacert-1.0"]
    assert "nothing to import" in world.nixprof("freeze").stderr
    assert "in sync" in world.nixprof("sync").stderr
    world.command("nix-env", "--rollback")
    assert world.profile.resolve() == before


# --- into a list that is there


HAND_WRITTEN = """\
# mine, by hand
packages = [
  "fd",        # faster
  { package = "ripgrep", pin = true },
  'jq', "tree",
]
systems = ["x86_64-linux"]  # for now

[system.darwin]
packages = ["mas", "hello"]
"""


def test_an_existing_list_only_gets_what_is_missing(world: World) -> None:
    world.write_manifest(HAND_WRITTEN)
    install(world, "nixpkgs#fd", "nixpkgs#jq", "nixpkgs#git", "nixpkgs#hello")
    tree = world.tree()
    said = world.nixprof("freeze").stderr
    assert re.search(r"on the list already +2 +fd, jq", said)
    assert set(tree.items()) <= set(world.tree().items())
    text = world.manifest.read_text()
    for line in HAND_WRITTEN.splitlines():
        assert line in text
    assert text.count('"hello"') == 2
    assert '  "git",\n' in text
    assert f"[system.{world.system}]" in text
    settled(world)


def test_what_differs_is_shown_and_kept_unless_told_otherwise(world: World) -> None:
    install(world, "nixpkgs#ripgrep", "nixpkgs#jq")
    world.publish(2)
    world.write_manifest('packages = [\n  { package = "ripgrep", pin = true },  # mine\n  "fd",\n]\n')
    world.nixprof("sync", "--profile", world.root / "other")
    said = world.nixprof("freeze", "--dry-run").stderr
    assert "differs from the list  1  ripgrep  (14.1.1 is installed, the list has 15.1.0)" in said
    assert "ripgrep" in refused(world, "freeze")

    tree = world.tree()
    world.nixprof("freeze", "--overwrite")
    assert '  { package = "ripgrep", pin = true },  # mine\n' in world.manifest.read_text()
    assert versions(world)["nixpkgs#ripgrep"] == "14.1.1"
    assert set(tree.items()) <= set(world.tree().items())
    settled(world)


def test_overwriting_rewrites_outputs_where_they_differ(world: World) -> None:
    install(world, "nixpkgs#git")
    world.write_manifest('packages = [\n  "git^doc",  # only to read\n]\n')
    world.nixprof("sync", "--profile", world.root / "other")
    tree = world.tree()
    world.nixprof("freeze", "--overwrite")
    assert '  "git",  # only to read\n' in world.manifest.read_text()
    assert world.tree() == tree


def test_a_list_that_was_synced_before_stays_as_it_is(world: World) -> None:
    world.sync('packages = ["hello", "git"]\n')
    before = world.snapshot()
    assert "nothing to import" in world.nixprof("freeze").stderr
    assert world.snapshot() == before


# --- modes


def test_the_modes_that_write_nothing(world: World) -> None:
    install(world, "nixpkgs#hello", "nixpkgs#git")
    before = world.snapshot()
    shown = world.nixprof("freeze", "--dry-run")
    assert "imported exactly  2  from nixpkgs" in shown.stderr
    assert "Nothing was changed." in shown.stderr
    printed = world.nixprof("freeze", "--stdout")
    assert '  "hello",' in printed.stdout
    assert printed.stderr == ""
    assert world.snapshot() == before
    (world.root / "elsewhere").mkdir()
    (world.root / "elsewhere/nixprof.toml").write_text(printed.stdout)
    listed = world.nixprof("list", "--json", env={"NIXPROF_CONFIG_DIR": str(world.root / "elsewhere")}).json
    assert [one["package"] for one in listed["packages"]] == ["hello", "git"] or world.install.release >= (2, 20)


def test_keep_writes_the_list_and_leaves_the_profile(world: World) -> None:
    install(world, "nixpkgs#hello", "nixpkgs#git")
    profile = world.profile.resolve()
    said = world.nixprof("freeze", "--keep").stderr
    assert "The profile stays as it is." in said
    assert world.profile.resolve() == profile
    assert lock(world).keys() == {"nixpkgs#hello", "nixpkgs#git"}
    tree = world.tree()
    assert "on the list already" in world.nixprof("freeze").stderr
    assert world.tree() == tree
    settled(world)


@pytest.mark.newest_nix
def test_json_says_it_all(grown: World) -> None:
    result = grown.nixprof("freeze", "--json").json
    states = {one["state"] for one in result["elements"]}
    assert "kept by store path" in states
    assert states & {"identified", "imported exactly"}
    assert result["outcome"]["done"]
    assert result["outcome"]["changes"] == []
    assert grown.nixprof("freeze", "--json").json["outcome"] is None


def test_latest_takes_the_newest_and_shows_the_changes_first(world: World) -> None:
    install(world, "nixpkgs#hello", "nixpkgs#git")
    world.publish(2)
    said = world.nixprof("freeze", "--latest", "--dry-run").stderr
    assert "~ hello  2.12.1 → 2.12.2" in said
    assert not world.manifest.exists()
    assert "2 packages will change." in world.nixprof("freeze", "--latest").stderr
    assert world.run("hello") == "hello 2.12.2"
    settled(world)


def test_only_and_except(world: World) -> None:
    install(world, "nixpkgs#hello", "nixpkgs#git", "nixpkgs#ripgrep", "nixpkgs#fd")
    tree = world.tree()
    world.nixprof("freeze", "--only", "hello", "git")
    assert lock(world).keys() == {"nixpkgs#hello", "nixpkgs#git"}
    assert len(world.profile_elements()) == 3
    assert world.tree() == tree
    world.nixprof("freeze", "--except", "fd")
    assert lock(world).keys() == {"nixpkgs#hello", "nixpkgs#git", "nixpkgs#ripgrep"}
    assert len(world.profile_elements()) == 2
    assert world.tree() == tree
    assert "did you mean fd" in refused(world, "freeze", "--only", "fdd")


def test_an_element_has_one_name_everywhere(fresh_world: World) -> None:
    """In the report, JSON, `status` and `--only`; also where Nix itself has none, and every attribute is `default`."""
    world = fresh_world
    for name in ("one", "two"):
        url = flake(world, f"flake-{name}", name)
        file = world.root / f"flake-{name}" / "flake.nix"
        file.write_text(file.read_text().replace(f'"{name}" =', "default ="))
        commit(world, file.parent)
        install(world, url)
    install(world, world.build_expr('pkgs.stdenv.mkDerivation { pname = "my-tool"; version = "0.3"; }'))
    tree = world.tree()
    names = [one["name"] for one in world.nixprof("freeze", "--dry-run", "--json").json["elements"]]
    assert sorted(names) == ["flake-one", "flake-two", "my-tool"]
    world.write_manifest("packages = []\n")
    assert sorted(one["name"] for one in world.nixprof("status", "--json").json["foreign"]) == sorted(names)
    assert "nixprof freeze --only flake-one flake-two my-tool" in world.nixprof("status").stdout
    world.nixprof("freeze", "--only", "flake-two")
    assert lock(world).keys() == {"flake-two#default"}
    assert world.tree() == tree
    world.nixprof("freeze", "--except", "flake-one")
    assert "flake-one#default" not in lock(world)
    assert world.tree() == tree


def test_a_registry_that_means_a_release_is_frozen_as_that_release(world: World) -> None:
    world.command("git", "-C", world.nixpkgs, "branch", "nixos-24.05")
    registry = world.root / "etc/registry.json"
    data = json.loads(registry.read_text())
    data["flakes"][0]["to"]["ref"] = "nixos-24.05"
    registry.write_text(json.dumps(data))
    install(world, "nixpkgs#hello")
    tree = world.tree()
    world.publish(2)
    world.write_manifest("packages = []\n")
    world.nixprof("freeze")
    assert world.tree() == tree
    assert f"{world.nixpkgs_url}?ref=nixos-24.05" in world.manifest.read_text()
    # Only the other branch has moved.
    world.nixprof("update", "nixos-24-05")
    assert world.run("hello") == "hello 2.12.1"


def test_only_of_a_profile_of_nix_env(prepare: Prepare) -> None:
    world = prepare(years_of_nix_env)
    tree = world.tree()
    world.nixprof("freeze", "--only", "hello", "git")
    assert world.tree() == tree
    assert lock(world).keys() == {"nixpkgs#hello", "nixpkgs#git"}
    # The rest are elements of `nix profile` now, and none of them is lost; what the channel still gives is known.
    world.nixprof("freeze")
    assert world.tree() == tree
    assert "nixpkgs#nodejs_24" in lock(world)
    settled(world)


def test_another_generation(world: World) -> None:
    install(world, "nixpkgs#hello", "nixpkgs#fd")
    tree = world.tree()
    [first] = world.generations()
    world.publish(2)
    world.nix("profile", "remove", "hello" if world.install.release >= (2, 20) else ".*hello")
    install(world, "nixpkgs#hello", "nixpkgs#jq", "--refresh")
    assert world.run("hello") == "hello 2.12.2"
    said = world.nixprof("freeze", "--generation", str(first)).stderr
    assert "~ hello  2.12.2 → 2.12.1" in said
    assert world.run("hello") == "hello 2.12.1"
    assert set(tree.items()) <= set(world.tree().items())
    assert world.run("jq").startswith("jq")
    assert "has no generation 77" in refused(world, "freeze", "--generation", "77")


@pytest.mark.newest_nix
def test_descriptions_become_comments_only_where_wanted(prepare: Prepare) -> None:
    world = prepare(years_of_nix_env)
    assert "greeting" not in world.nixprof("freeze", "--stdout").stdout
    assert (
        '"hello",  # Program that produces a familiar, friendly greeting'
        in world.nixprof("freeze", "--stdout", "--comments").stdout
    )


# --- from files


def test_from_the_manifest_of_another_machine(world: World) -> None:
    install(world, "nixpkgs#hello", "nixpkgs#git")
    file = world.root / "manifest.json"
    text = (world.profile / "manifest.json").read_text()
    file.write_text(text.replace(world.system, "aarch64-darwin"))
    world.nix("profile", "remove", "--all") if world.install.release >= (2, 21) else world.nix(
        "profile", "remove", ".*"
    )
    assert world.tree() == {}
    world.publish(2)
    # Of another system: by name, at the locked nixpkgs of this machine.
    world.nixprof("freeze", "--from", file)
    assert world.run("hello") == "hello 2.12.2"
    settled(world)


def test_from_the_manifest_of_a_machine_of_this_system(world: World) -> None:
    install(world, "nixpkgs#hello", "nixpkgs#git")
    tree = world.tree()
    file = world.root / "manifest.json"
    file.write_bytes((world.profile / "manifest.json").read_bytes())
    world.nix("profile", "remove", "--all") if world.install.release >= (2, 21) else world.nix(
        "profile", "remove", ".*"
    )
    world.publish(2)
    said = world.nixprof("freeze", "--from", file).stderr
    assert "+ hello" in said
    assert world.tree() == tree
    settled(world)


def test_from_a_manifest_of_nix_env(prepare: Prepare) -> None:
    world = prepare(years_of_nix_env)
    tree = world.tree()
    file = world.root / "manifest.nix"
    file.write_text((world.profile / "manifest.nix").read_text())
    shutil.rmtree(world.home / ".local")
    (world.home / ".local/state/nix/profiles").mkdir(parents=True)
    world.nixprof("freeze", "--from", file)
    # A path of unknown origin is linked too: it is in this store.
    assert world.tree() == tree


def names_of_nix_env(world: World) -> str:
    world.command("nix-env", "-f", world.nixpkgs, "-iA", "hello", "nodejs_24", "fd", "--profile", world.root / "old")
    return world.command("nix-env", "-q", "--profile", world.root / "old").stdout


def list_of_nix_profile(world: World) -> str:
    profile = ("--profile", str(world.root / "old"))
    install(world, *profile, "nixpkgs#hello", "nixpkgs#nodejs_24", "nixpkgs#fd")
    return world.nix("profile", "list", *profile).stdout


@pytest.mark.parametrize(
    "make", [names_of_nix_env, list_of_nix_profile, lambda _: "hello\nnodejs_24\n\n# fast\nfd # x\n"]
)
def test_from_what_was_printed(world: World, make: object) -> None:
    file = world.root / "list.txt"
    file.write_text(make(world))  # type: ignore[operator]
    # So that names can be looked up.
    world.sync('packages = ["tree"]\n')
    world.nixprof("freeze", "--from", file)
    assert world.run("hello") == "hello 2.12.1"
    assert world.run("node") == "nodejs 24.10.0"
    assert world.run("fd") == "fd 10.3.0"
    settled(world)


# --- where there is nothing to look packages up in


def of_nix_env(world: World, *attributes: str) -> dict[str, str]:
    """A profile of nix-env without a channel, and a list that has not been locked; returns what is installed."""
    world.command("nix-env", "-f", world.nixpkgs, "-iA", *attributes)
    own = world.build_expr('pkgs.stdenv.mkDerivation { pname = "my-tool"; version = "0.3"; }')
    world.command("nix-env", "-i", own)
    world.write_manifest("packages = [\n]\n")
    return world.tree()


def states(world: World, *arguments: str) -> dict[str, str]:
    found = world.nixprof("freeze", "--dry-run", "--json", *arguments).json
    return {one["name"]: one["state"] for one in found["elements"]}


def test_what_is_kept_for_want_of_a_nixpkgs_is_identified_later(fresh_world: World) -> None:
    world = fresh_world
    tree = of_nix_env(world, "hello", "nodejs_24", '"zig-0.15"')
    # What the profile keeps of `hello` names its file.
    kept = dict.fromkeys(["nodejs-24.10.0", "zig-0.15.2", "my-tool-0.3"], "kept by store path")
    assert states(world, "--offline", "--yes") == {"hello-2.12.1": "guessed", **kept}
    said = world.nixprof("freeze").stderr
    assert "3 packages cannot be identified with what is on this machine." in said
    assert "later, with a download of nixpkgs: nixprof freeze --identify --yes" in said
    assert world.tree() == tree
    text = world.manifest.read_text()
    mine = text.replace('zig-0.15.2",  # kept by store path: source unknown', 'zig-0.15.2",  # mine')
    assert mine != text
    world.manifest.write_text(mine)

    before = world.snapshot()
    assert "3 packages cannot be identified" in world.nixprof("freeze", "--identify").stderr
    shown = world.nixprof("freeze", "--identify", "--yes", "--dry-run").stderr
    assert re.search(r"identified +2 +nodejs-24.10.0 → nodejs_24 +\(same store path\)", shown)
    assert re.search(r"kept by store path +1 +my-tool-0.3 +\(source unknown\)", shown)
    assert world.snapshot() == before

    said = world.nixprof("freeze", "--identify", "--yes").stderr
    assert "No package changes.\nThe list names 2 packages that were kept by store path." in said
    assert world.tree() == tree
    text = world.manifest.read_text()
    assert '  "nodejs_24",\n' in text
    assert '  "\\"zig-0.15\\"",  # mine\n' in text
    assert 'my-tool-0.3",  # kept by store path' in text
    assert lock(world)["nixpkgs#nodejs_24"]["held"].startswith(f"{world.nixpkgs_url}?")
    assert "in sync" in world.nixprof("sync").stderr
    assert "nothing to identify" in world.nixprof("freeze", "--identify", "--yes").stderr
    assert "nothing to import" in world.nixprof("freeze").stderr


def test_a_lookup_is_asked_for_on_a_terminal(fresh_world: World) -> None:
    world = fresh_world
    tree = of_nix_env(world, "nodejs_24")
    shown = world.nixprof_on_terminal("freeze", typed="y\ny\n", env={"NO_COLOR": "1"}).stdout
    assert "Look in nixpkgs? This downloads nixpkgs once. [Y/n]" in shown
    assert "No package changes.\nnixprof replaces the 2 profile entries with one of its own." in shown
    assert world.tree() == tree
    assert '  "nodejs_24",\n' in world.manifest.read_text()
    settled(world)


def test_a_lookup_that_fails_keeps_everything_by_store_path(fresh_world: World) -> None:
    world = fresh_world
    tree = of_nix_env(world, "nodejs_24")
    (world.nixpkgs / ".git").rename(world.nixpkgs / "gone")
    said = world.nixprof("freeze", "--yes").stderr
    assert "packages could not be looked up: " in said
    assert "2 packages cannot be identified" in said
    assert world.tree() == tree
    assert "in sync" in world.nixprof("sync").stderr


def test_a_file_of_another_machine_is_looked_up_or_nothing_of_it_is_taken(fresh_world: World) -> None:
    world = fresh_world
    of_nix_env(world, "hello", "nodejs_24")
    file = world.root / "manifest.nix"
    file.write_bytes((world.profile / "manifest.nix").read_bytes())
    world.new_machine()
    world.write_manifest("packages = []\n")
    before = world.snapshot()
    said = world.nixprof("freeze", "--from", file).stderr
    assert "not looked up, and its store path is not on this machine" in said
    assert f"later, with a download of nixpkgs: nixprof freeze --from {file} --yes" in said
    assert "nothing to import" in said
    assert world.snapshot() == before
    said = world.nixprof("freeze", "--from", file, "--yes").stderr
    assert re.search(r"left alone +1 +my-tool-0.3 +\(a store path that this machine does not have\)", said)
    assert world.run("hello") == "hello 2.12.1"
    assert world.run("node") == "nodejs 24.10.0"
    assert "in sync" in world.nixprof("sync").stderr


def test_identifying_what_the_list_has_twice(world: World) -> None:
    """Two outputs become one entry, and what the list names already is not named again."""
    [hello] = world.build("nixpkgs#hello")
    out, doc = world.build("nixpkgs#git.out", "nixpkgs#git.doc")
    comment = "  # kept by store path: it is not known what it came from"
    lines = "".join(f'  "{path}",{comment}\n' for path in (hello, out, doc))
    world.sync(f'packages = [\n  "fd",\n{lines}]\n')
    tree = world.tree()
    names = [name for name, state in states(world, "--identify").items() if state == "identified"]
    assert sorted(names) == sorted(Path(path).name[33:] for path in (hello, out, doc))
    world.nixprof("freeze", "--identify", "--only", "hello-2.12.1")
    assert world.tree() == tree
    world.manifest.write_text(
        world.manifest.read_text().replace('  "hello",\n', f'  "hello",\n  "{hello}",{comment}\n')
    )
    world.nixprof("freeze", "--identify")
    assert world.tree() == tree
    [packages] = re.findall(r"packages = \[\n(.*?)\]", world.manifest.read_text(), re.DOTALL)
    assert packages.split() == ['"fd",', '"hello",', '"git^out,doc",']
    assert "in sync" in world.nixprof("sync").stderr


def test_identifying_goes_over_the_list_alone(world: World) -> None:
    for option in (("--from", "x"), ("--generation", "1")):
        result = world.nixprof("freeze", "--identify", *option, check=False)
        assert result.code == 2
        assert "--identify reads the list" in result.stderr


# --- what is not active


def test_inactive_packages_stay_and_stay_off(fresh_world: World) -> None:
    world = fresh_world
    world.command("nix-env", "-f", world.nixpkgs, "-iA", "hello", "fd", "jq")
    world.command("nix-env", "--set-flag", "active", "false", "fd")
    world.write_manifest("packages = []\n")
    tree = world.tree()
    assert not [name for name in tree if "fd" in name]
    before = world.profile.resolve()
    [fd] = world.build("nixpkgs#fd")
    for names in (("--only", "hello"), ()):
        said = world.nixprof("freeze", *names).stderr
        assert re.search(r"left alone .* fd(-10.3.0)? +\(not active\)", said)
        assert world.tree() == tree
        entries = json.loads((world.profile / "manifest.json").read_text())["elements"]
        entries = entries.values() if isinstance(entries, dict) else entries
        assert [entry["storePaths"] for entry in entries if not entry["active"]] == [[fd]]
    world.nixprof("add", "tree")
    assert not [name for name in world.tree() if "fd" in name]
    world.command("nix-env", "--rollback")
    world.command("nix-env", "--rollback")
    world.command("nix-env", "--rollback")
    assert world.profile.resolve() == before


# --- formats that no Nix here writes


def hand_made(world: World, manifest: object, *links: str) -> None:
    """Makes the profile one with a manifest.json of our own, as another Nix would have left it."""
    folder = world.root / "hand-made"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for link in links:
        for file in Path(link).rglob("*"):
            if file.is_file():
                place = folder / file.relative_to(link)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(file)
    text = manifest if isinstance(manifest, str | bytes) else json.dumps(manifest)
    (folder / "manifest.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    path = world.nix("store", "add-path", folder, "--name", "profile").stdout.strip()
    world.command("nix-env", "--profile", world.profile.readlink(), "--set", path)


def test_version_1(world: World) -> None:
    """As Nix 2.4 to 2.7 wrote it: https://github.com/NixOS/nix/blob/2.7.0/src/nix/profile.md."""
    [hello] = world.build("nixpkgs#hello")
    [tree] = world.build("nixpkgs#tree")
    locked = f"{world.nixpkgs_url}?ref=main&rev={'0' * 40}"
    elements = [
        {
            "active": True,
            "attrPath": f"legacyPackages.{world.system}.hello",
            "originalUri": "flake:nixpkgs",
            "storePaths": [hello],
            "uri": locked,
        },
        {"active": True, "storePaths": [tree]},
    ]
    hand_made(world, {"version": 1, "elements": elements}, hello, tree)
    before = world.tree()
    world.nixprof("freeze")
    assert world.tree() == before
    assert lock(world)["nixpkgs#hello"]["held"] == locked
    assert lock(world)[tree]["held"] == ""
    settled(world)


# --- broken and hostile ones


def elements(**fields: object) -> dict[str, object]:
    path = "/nix/store/00000000000000000000000000000000-x-1.0"
    usual = {"active": True, "attrPath": "legacyPackages.x86_64-linux.x", "originalUrl": "flake:nixpkgs"}
    return {
        "version": 2,
        "elements": [{**usual, "url": "github:NixOS/nixpkgs/" + "1" * 40, "storePaths": [path], **fields}],
    }


BROKEN: dict[str, str | bytes] = {
    "truncated": '{"version": 2, "elements": [{"active": tr',
    "empty": "",
    "binary": bytes(range(256)) * 9,
    "unknown version": '{"version": 99, "elements": []}',
    "a list": "[1, 2]",
    "no elements": '{"version": 2}',
    "elements that are texts": '{"version": 2, "elements": ["a", "b"]}',
    "nested": '{"version": 2, "elements": ' + "[" * 100000,
}


@pytest.mark.newest_nix
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_profile_is_refused_and_nothing_changes(world: World, name: str) -> None:
    hand_made(world, BROKEN[name])
    assert "manifest" in refused(world, "freeze")


@pytest.mark.newest_nix
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_and_nothing_changes(world: World, name: str) -> None:
    content = BROKEN[name]
    file = world.root / "manifest.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert "manifest.json" in refused(world, "freeze", "--from", file)


@pytest.mark.newest_nix
@pytest.mark.parametrize("name", ["manifest.json", "manifest.nix", "list"])
def test_a_huge_file_is_refused(world: World, name: str) -> None:
    file = world.root / name
    with file.open("wb") as out:
        out.truncate(100 << 20)
    assert "larger than 64 MiB" in refused(world, "freeze", "--from", file)
    if name != "list":
        folder = world.root / "huge"
        folder.mkdir()
        (folder / name).symlink_to(file)
        (world.profile.readlink().parent / "profile-1-link").symlink_to(folder)
        world.profile.readlink().symlink_to("profile-1-link")
        assert "larger than 64 MiB" in refused(world, "freeze")


HOSTILE = [
    "${builtins.readFile /etc/passwd}",
    'x" + builtins.abort "y',
    "a\nb",
    "a\x00b",
    "../../etc",
    "''${x}''",
    "a;b",
    "\\",
]


@pytest.mark.newest_nix
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("key", ["attrPath", "originalUrl", "url", "outputs", "storePaths", "name"])
def test_a_hostile_name_never_becomes_nix_code(world: World, key: str, name: str) -> None:
    [path] = world.build("nixpkgs#hello")
    fields: dict[str, object] = {"storePaths": [path], "attrPath": f"legacyPackages.{world.system}.hello"}
    named = {"attrPath": f"legacyPackages.{world.system}.{name}", "outputs": [name], "storePaths": [name]}
    fields |= {key: named.get(key, name)} if key != "name" else {}
    manifest = elements(**fields)
    if key == "name":
        manifest = {"version": 3, "elements": {name: manifest["elements"][0]}}  # type: ignore[index]
    hand_made(world, manifest, path)
    before = world.tree()
    result = world.nixprof("freeze", check=False)
    assert "Traceback" not in result.stderr
    assert result.code in (0, 1)
    assert world.tree() == before
    if result.code == 0 and world.manifest.exists():
        listed = world.nixprof("list", "--json").json["packages"]
        assert len(listed) <= 1
        assert world.nixprof("sync").code == 0


CODE = {
    "reads a file": '[ { name = builtins.readFile "SECRET"; outPath = "x"; } ]',
    "fetches": '[ (builtins.fetchurl "http://127.0.0.1:9/x") ]',
    "throws": 'throw "no"',
    "recurses": "let x = x; in x",
    "recurses in a set": "rec { a = b; b = a; }",
    "runs for ever": "let f = n: f (n + 1); in f 0",
    "interpolates": '[ { name = "${builtins.readFile SECRET}"; outPath = "x"; } ]',
    "is a set": "{ }",
    "is a number": "1",
    "is a list of numbers": "[ 1 2 ]",
    "has no path": '[ { name = "hello"; } ]',
    "breaks off": '[ { name = "hello',
    "is nested": "[" * 100000,
}


@pytest.mark.newest_nix
@pytest.mark.parametrize("name", CODE)
def test_a_hostile_manifest_of_nix_env_is_not_evaluated(world: World, name: str) -> None:
    secret = world.root / "secret"
    secret.write_text("the-secret")
    text = CODE[name].replace("SECRET", str(secret))
    file = world.root / "manifest.nix"
    file.write_text(text)
    said = refused(world, "freeze", "--from", file)
    assert "the-secret" not in said
    folder = world.root / "hostile"
    folder.mkdir()
    (folder / "manifest.nix").write_text(text)
    (world.profile.readlink().parent / "profile-1-link").symlink_to(folder)
    world.profile.readlink().symlink_to("profile-1-link")
    assert "the-secret" not in refused(world, "freeze")


# --- many


def many(world: World, number: int) -> None:
    """A profile of so many elements, each a package of its own."""
    world.build_expr(
        f'derivation {{ name = "many-{number}"; system = builtins.currentSystem; builder = "/bin/sh"; '
        'args = [ "-c" "echo > $out" ]; }'
    )
    program = world.root / "make.py"
    program.write_text(_MAKE_MANY)
    made = world.command(sys.executable, program, str(number), str(world.store.store_dir)).stdout
    paths = json.loads(made)
    entries = {
        f"tool{index}": {
            "active": True,
            "attrPath": f"legacyPackages.{world.system}.tool{index}",
            "originalUrl": "flake:nixpkgs",
            "url": f"{world.nixpkgs_url}?ref=refs/heads/main&rev={index % 7:040x}",
            "outputs": None,
            "priority": 5,
            "storePaths": [path],
        }
        for index, path in enumerate(paths)
    }
    manifest = {"version": 3, "elements": entries}
    if world.install.release < (2, 20):
        manifest = {"version": 2, "elements": list(entries.values())}
    hand_made(world, manifest, *paths)


_MAKE_MANY = """
import json, os, pathlib, subprocess, sys, tempfile
number, store = int(sys.argv[1]), sys.argv[2]
with tempfile.TemporaryDirectory() as folder:
    made = []
    for index in range(number):
        place = pathlib.Path(folder, f"tool{index}-1.{index}")
        (place / "bin").mkdir(parents=True)
        (place / "bin" / f"tool{index}").write_text(f"#!/bin/sh\\necho {index}\\n")
        (place / "bin" / f"tool{index}").chmod(0o755)
        made.append(place)
    paths = []
    for start in range(0, number, 500):
        add = ["nix-store", "--add", *made[start:start + 500]]
        paths += subprocess.run(add, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
print(json.dumps(paths))
"""


@pytest.mark.newest_nix
def test_a_thousand_elements_cost_no_evaluation_and_linear_time(fresh_world: World) -> None:
    world = fresh_world
    seconds = {}
    for number in (250, 1000):
        many(world, number)
        shutil.rmtree(world.config_dir, ignore_errors=True)
        tree = world.tree()
        before = time.monotonic()
        result, processes = run_counted(world, "freeze")
        seconds[number] = time.monotonic() - before
        assert world.tree() == tree
        assert f"nixprof replaces the {number} profile entries with one of its own" in result.stderr
        # What names store paths, so that they are kept, evaluates no package.
        asked = [one for one in processes if "builtins.currentSystem" not in one and "nixprof-keeps" not in one[-1]]
        evaluating = [one for one in asked if "eval" in one or "nix-instantiate" in one[0]]
        assert evaluating == []
        assert len(processes) < 12
    assert seconds[1000] < 6 * seconds[250] + 1


@pytest.mark.newest_nix
def test_a_long_report_fits_a_terminal(fresh_world: World) -> None:
    world = fresh_world
    many(world, 250)
    shown = world.nixprof_on_terminal("freeze", "--dry-run", env={"NO_COLOR": "1"}).stdout
    assert all(len(line) <= 80 for line in shown.splitlines()), shown
    assert len(shown.splitlines()) < 40


# --- on a terminal


@pytest.mark.newest_nix
def test_the_question_is_asked_on_a_terminal_only(world: World) -> None:
    install(world, "nixpkgs#hello")
    before = world.snapshot()
    shown = world.nixprof_on_terminal("freeze", typed="n\n").stdout
    assert "Switch the profile over? [Y/n]" in shown
    assert "Nothing was changed." in shown
    assert world.snapshot() == before
    shown = world.nixprof_on_terminal("freeze", typed="\n", env={"NO_COLOR": "1"}).stdout
    assert "✓ 1 package under nixprof" in shown
    assert os.access(world.profile / "bin/hello", os.X_OK)


# --- the list on another system


def test_what_has_no_known_source_goes_with_its_input_on_other_systems(world: World) -> None:
    """A list that was frozen on another system: `hello` was known by its file alone."""
    world.command("nix-env", "-f", world.nixpkgs, "-iA", "hello")
    world.write_manifest("packages = []\n")
    world.nixprof("freeze")
    frozen = lock(world)["nixpkgs#hello"]
    assert frozen["held"] == ""

    text = (world.flake / "packages.json").read_text()
    (world.flake / "packages.json").write_text(text.replace(world.system, "aarch64-darwin"))
    shutil.rmtree(world.home / ".local")
    (world.home / ".local/state/nix/profiles").mkdir(parents=True)
    world.publish(2)
    world.nixprof("sync")
    assert world.run("hello") == "hello 2.12.2"
    entry = lock(world)["nixpkgs#hello"]
    assert entry["systems"]["aarch64-darwin"] == frozen["systems"][world.system]
    assert "in sync" in world.nixprof("sync").stderr
    assert json.loads((world.flake / "flake.lock").read_text())["nodes"]["root"]["inputs"].keys() == {"nixpkgs"}
