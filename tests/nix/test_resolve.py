"""What is asked of Nix, how often, and what the answer to every kind of refusal is."""

import json
import re
import sys
from pathlib import Path

import pytest
from support.claims import agree, lock, refused, versions
from support.scripts import in_front
from support.world import World

OTHER = "aarch64-darwin"
# Of another operating system than this machine.
ELSEWHERE = "aarch64-linux" if sys.platform == "darwin" else OTHER


@pytest.fixture
def host(world: World) -> str:
    return world.command("hostname", "-s").stdout.strip().lower()


def log_nix(world: World) -> Path:
    """Writes down every start of Nix; returns the file."""
    log = world.root / "nix.log"
    # On one line each, whatever is in the arguments.
    scripts = {
        one: f'echo {one} "$@" | tr "\\n" " " >>"{log}"\necho >>"{log}"\nexec "$real"/{one} "$@"'
        for one in ("nix", "nix-store", "nix-env", "nix-instantiate", "nix-build")
    }
    world.extra_env |= in_front(world, scripts)
    return log


def starts(log: Path) -> list[str]:
    """What was started since the last look: the words that say what is done."""
    lines = log.read_text().splitlines() if log.exists() else []
    log.write_text("")
    words = (
        "--check-validity",
        "--dry-run",
        "eval",
        "build",
        "flake lock",
        "flake update",
        "profile",
        "--version",
        "--realise",
        "--set",
    )
    return [next((word for word in words if f" {word} " in f"{line} "), line) for line in lines]


def traced_flake(folder: Path, system: str) -> str:
    """A flake of 201 packages, each of which says its name when it is evaluated; all but the last are one build."""
    folder.mkdir()
    (folder / "flake.nix").write_text(
        f"""
{{
  outputs = _: {{
    packages.{system} = builtins.listToAttrs (builtins.genList (number: {{
      name = "p${{toString number}}";
      value = builtins.trace "evaluated p${{toString number}}" (derivation {{
        name = if number < 200 then "all" else "last";
        system = "{system}";
        builder = "/bin/sh";
        args = [ ./build ];
        PATH = "/usr/bin:/bin";
      }});
    }}) 201);
  }};
}}
"""
    )
    (folder / "build").write_text(
        "mkdir -p $out/bin; printf '#!/bin/sh\\necho %s\\n' $name >$out/bin/$name; chmod +x $out/bin/$name\n"
    )
    return f"path:{folder}"


def test_one_more_package_is_one_evaluation_of_it_alone(world: World) -> None:
    flake = traced_flake(world.root / "many", world.system)
    listed = "".join(f'  "p{number}",\n' for number in range(200))
    world.write_manifest(f'packages = [\n{listed}]\n\n[inputs]\nnixpkgs = "{flake}"\n')
    log = log_nix(world)
    said = world.nixprof("sync", "--verbose").stderr
    assert said.count("trace: evaluated ") == 200
    assert starts(log).count("eval") == 1

    said = world.nixprof("add", "p200", "--verbose").stderr
    assert re.findall(r"trace: evaluated (p\d+)", said) == ["p200"]
    begun = starts(log)
    assert [word for word in begun if word != "--dry-run"] == ["eval", "--realise", "profile"]
    assert len(lock(world)) == 201
    assert world.run("last") == "last"
    assert world.run("all") == "all"

    said = world.nixprof("remove", "p7", "--verbose").stderr
    assert "trace:" not in said
    begun = starts(log)
    assert begun[-1:] == ["profile"]
    assert not {"eval", "--realise"} & set(begun)


def test_everything_in_the_way_is_told_at_once(world: World) -> None:
    world.write_manifest(
        "packages = [\n"
        '  "hello", "no-such-thing", "ripgrp", "vscode", "spotify", "openssl_1_1", "brokenpkg",\n'
        '  "mas", "python3Packages", "python3Packages.blak", "git^nothing", "exa", "ag",\n'
        "]\n"
    )
    log = log_nix(world)
    said = refused(world, "sync")
    for text in (
        "12 packages cannot be had",
        "there is no package no-such-thing in nixpkgs (2026-10-30 ",
        "there is no package ripgrp in nixpkgs",
        "did you mean ripgrep?",
        "vscode-1.106 has an unfree licence, and nothing in the list allows it",
        "spotify-1.2.74 has an unfree licence",
        "openssl-1.1.1w is marked as insecure\n    OpenSSL 1.1 reached its end of life on 2023/09/11\n",
        "brokenpkg-1.0 is marked as broken",
        f"mas-2.3.0 is not available on {world.system}",
        "python3Packages is a set of packages, not a package",
        "there is no package python3Packages.blak in nixpkgs",
        "did you mean python3Packages.black?",
        "exa has been removed because it is unmaintained upstream",
        "git^nothing has no output nothing; it has doc, man, out",
        "ag is called silver-searcher now",
        "to do without them: nixprof remove no-such-thing ripgrp vscode",
        "to change the list: nixprof edit",
        "Nothing was changed.",
    ):
        assert text in said, f"{text!r} is not in\n{said}"
    assert "hello" not in said
    assert "build" not in starts(log)
    assert "--realise" not in starts(log)
    assert not world.profile.exists()


def test_the_same_as_json(world: World) -> None:
    world.write_manifest('packages = ["hello", "ripgrp", "vscode", "openssl_1_1", "brokenpkg", "mas"]\n')
    result = world.nixprof("sync", "--json", check=False)
    assert result.code == 1
    assert result.stderr == ""
    assert [(one["package"], one["reason"]) for one in result.json["error"]["packages"]] == [
        ("ripgrp", "missing"),
        ("vscode", "unfree"),
        ("openssl_1_1", "insecure"),
        ("brokenpkg", "broken"),
        ("mas", "unsupported"),
    ]


def test_an_output_that_is_not_there(world: World) -> None:
    world.write_manifest("packages = []\n")
    said = refused(world, "add", "git^man,nothing")
    assert "git^man,nothing has no output nothing; it has doc, man, out" in said
    world.sync('packages = ["git"]\n')
    world.write_manifest('packages = ["git^nothing"]\n')
    assert "git^nothing has no output nothing" in refused(world, "sync")


def test_a_package_that_aborts_is_named_and_the_others_are_not(world: World) -> None:
    world.write_manifest('packages = ["hello", "ripgrep", "tests.aborting", "jq", "fd"]\n')
    said = refused(world, "sync")
    assert "tests.aborting cannot be evaluated" in said
    assert "evaluation of tests.aborting was aborted" in said
    for name in ("hello", "ripgrep", "jq", "fd"):
        assert name not in said


def test_an_input_that_is_gone_is_no_fault_of_the_packages(fresh_world: World) -> None:
    world = fresh_world
    world.sync('packages = ["hello", "jq", "fd"]\n')
    world.write_manifest('packages = ["hello", "jq", "fd", "tree", "ripgrep"]\n')
    world.nixpkgs.rename(world.root / "elsewhere")
    world.command("nix-store", "--gc")
    world.command("rm", "-rf", world.home / ".cache")
    log = log_nix(world)
    said = refused(world, "sync")
    assert "cannot fetch the input nixpkgs: there is no " in said
    assert "nixprof remove" not in said
    assert starts(log).count("eval") == 1


def test_an_alias_that_still_works_is_installed_and_its_new_name_offered(world: World) -> None:
    world.write_manifest('packages = ["hello", { package = "vimHugeX", priority = 3 }, "python3Packages.black_old"]\n')
    aliases = world.nixpkgs / "pkgs" / "top-level" / "aliases.nix"
    alias = "lib.warnOnInstantiate \"'black_old' has been renamed to 'black'\" previous.python3Packages.black"
    packages = f"previous.python3Packages // {{ black_old = {alias}; }}"
    text = aliases.read_text().replace("  versions,", "  versions,\n  previous,", 1)
    aliases.write_text(text.replace("  vimHugeX =", f"  python3Packages = {packages};\n  vimHugeX ="))
    top = aliases.with_name("default.nix")
    top.write_text(top.read_text().replace("inherit lib versions;", "inherit lib previous versions;"))
    world.commit()
    said = world.nixprof("sync").stderr
    assert world.run("vim").startswith("vim-full ")
    agree(world)
    notes = [line for line in said.splitlines() if " now: " in line]
    assert notes == [
        "vimHugeX is called vim-full now: nixprof remove vimHugeX && nixprof add vim-full --priority 3",
        (
            "python3Packages.black_old is called python3Packages.black now: "
            "nixprof remove python3Packages.black_old && nixprof add python3Packages.black"
        ),
    ]
    for note in notes:
        for command in note.partition(": ")[2].split(" && "):
            world.nixprof(*command.split()[1:])
    assert set(lock(world)) == {"nixpkgs#hello", "nixpkgs#vim-full", "nixpkgs#python3Packages.black"}
    assert "is called" not in world.nixprof("update", check=False).stderr


def test_the_cache_that_a_flake_names_is_mentioned_where_something_is_built(fresh_world: World) -> None:
    world = fresh_world
    folder = world.root / "tool"
    folder.mkdir()
    (folder / "flake.nix").write_text(
        f"""{{
  nixConfig = {{
    extra-substituters = [ "https://tool.example.org" ];
    extra-trusted-public-keys = "tool.example.org-1:AAAA";
  }};
  outputs = _: {{
    packages.{world.system}.default = derivation {{
      name = "tool-1.0";
      system = "{world.system}";
      builder = "/bin/sh";
      args = [ "-c" "/bin/mkdir $out" ];
    }};
  }};
}}
"""
    )
    world.write_manifest("packages = []\n")
    said = world.nixprof("add", f"path:{folder}").stderr
    assert "tool#default may be in a cache that the flake names; in nix.conf:" in said
    assert "  extra-substituters = https://tool.example.org\n" in said
    assert "  extra-trusted-public-keys = tool.example.org-1:AAAA\n" in said
    world.nixprof("remove", "tool#default")
    # It is in the store.
    assert "extra-substituters" not in world.nixprof("add", f"path:{folder}").stderr


@pytest.mark.parametrize(
    ("setting", "said", "hint"),
    [
        ({"restrict_eval": "true"}, "nix.conf does not let packages be evaluated: restrict-eval", "allowed-uris = "),
        ({"max_jobs": "0"}, "this machine builds nothing, and something has to be built", "max-jobs = auto"),
        (
            {"allow_import_from_derivation": "false"},
            "tests.generated cannot be evaluated",
            "nix.conf has allow-import-from-derivation = false",
        ),
        ({"system": ELSEWHERE}, f"Nix takes this machine for {ELSEWHERE}", f"remove: system = {ELSEWHERE}"),
    ],
    ids=["restrict-eval", "max-jobs", "allow-import-from-derivation", "system"],
)
def test_a_setting_of_the_machine_is_named(fresh_world: World, setting: dict[str, str], said: str, hint: str) -> None:
    world = fresh_world
    packages = '"hello", "jq"' if "allow_import_from_derivation" not in setting else '"hello", "tests.generated"'
    world.write_manifest(f"packages = [{packages}]\n")
    world.configure(**setting)
    words = refused(world, "sync")
    if "restrict_eval" in setting and world.install.release < (2, 9):
        # Of a repository on this machine, it says what it would say without the setting of any other path.
        assert "forbidden in pure eval mode" in words
        return
    assert said in words
    assert hint in words
    assert "remove hello" not in words
    assert "nixprof edit" not in words


@pytest.mark.parametrize(
    ("package", "option", "written", "program"),
    [
        ("vscode", "--allow-unfree", 'allow-unfree = ["vscode"]', None),
        ("openssl_1_1", "--allow-insecure", 'allow-insecure = ["openssl-1.1.1w"]', None),
        ("brokenpkg", "--allow-broken", 'allow-broken = ["brokenpkg"]', "brokenpkg"),
    ],
)
def test_a_policy_is_written_for_the_package_and_for_no_other(
    world: World, package: str, option: str, written: str, program: str | None
) -> None:
    world.write_manifest('packages = ["hello"]\n')
    said = refused(world, "add", package)
    assert option in said
    assert written in said
    world.nixprof("add", package, option)
    text = world.manifest.read_text()
    assert f"[nixpkgs]\n{written}\n" in text
    assert text.count("allow-") == 1
    if program:
        assert world.run(program).startswith(program)
    agree(world)


@pytest.mark.parametrize("revision", [1, 2], ids=["old words", "new words"])
@pytest.mark.parametrize(
    ("needed", "option", "said", "written"),
    [
        ("spotify", "--allow-unfree", "spotify-1.2.74, which has an unfree licence", 'allow-unfree = ["spotify"]'),
        (
            "openssl_1_1",
            "--allow-insecure",
            "openssl-1.1.1w, which is marked as insecure",
            'allow-insecure = ["openssl-1.1.1w"]',
        ),
        ("brokenpkg", "--allow-broken", "brokenpkg-1.0, which is marked as broken", 'allow-broken = ["brokenpkg"]'),
    ],
)
def test_a_policy_for_what_a_package_needs(
    world: World, revision: int, needed: str, option: str, said: str, written: str
) -> None:
    world.publish(revision)
    world.commit(app=f"runtimeDependencies = [ pkgs.{needed} ];")
    world.write_manifest("packages = []\n")
    refusal = refused(world, "add", "app")
    assert f"app needs {said}" in refusal
    assert written in refusal
    world.nixprof("add", "app", option)
    assert written in world.manifest.read_text()
    assert world.run("app") == "app 1.0"
    agree(world)


@pytest.mark.parametrize(
    ("revision", "broken"),
    # What marks a package as broken tells its `pname` since 2026 only.
    [(1, "python3.13-licomp"), (2, "licomp")],
    ids=["old words", "new words"],
)
def test_a_policy_takes_the_name_that_nixpkgs_gives(world: World, revision: int, broken: str) -> None:
    world.publish(revision)
    world.write_manifest("packages = []\n")
    assert 'allow-unfree = ["licomp"]' in refused(world, "add", "python3Packages.licomp-toolkit")
    world.nixprof("add", "python3Packages.licomp-toolkit", "--allow-unfree", "--allow-broken")
    text = world.manifest.read_text()
    assert 'allow-unfree = ["licomp"]' in text
    assert f'allow-broken = ["{broken}"]' in text
    assert world.run("licomp-toolkit") == "licomp-toolkit 1.0"
    agree(world)


def test_a_policy_for_problems_by_name(world: World) -> None:
    world.sync('packages = ["sublime4"]\n')
    world.publish(2)
    said = refused(world, "update", "--strict")
    assert "sublime4-4200 is marked as broken" in said
    assert "It needs a library that has reached its end of life." in said
    names = 'allow-broken = ["sublime4", "sublime4.pluginHost"]'
    assert names in said
    assert "needs sublime4" not in said
    shown = world.nixprof("update").stderr
    assert "= sublime4  4200  held: marked as broken" in shown
    assert "to allow it: nixprof update --allow-broken" in shown
    agree(world)
    world.nixprof("update", "--allow-broken")
    assert names in world.manifest.read_text()
    assert "held" not in world.nixprof("list").stdout
    agree(world)
    world.commit(plugin="runtimeDependencies = [ pkgs.sublime4 ];")
    world.write_manifest("packages = []\n")
    world.nixprof("update", "--yes")
    said = refused(world, "add", "plugin")
    assert "plugin needs sublime4-4200, which is marked as broken" in said
    assert 'pluginHost (kind "broken"): Its plugins do not start.' in said
    assert names in said
    world.sync('packages = ["plugin"]\n[nixpkgs]\nallow-broken = true\n')
    assert world.run("plugin") == "plugin 1.0"


def test_an_output_that_a_package_itself_names_and_lacks(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    said = refused(world, "add", "badoutputs")
    assert "badoutputs has no output terminfo, which it names as one to install; it has out" in said
    assert "nixprof add 'badoutputs^out'" in said
    world.nixprof("add", "badoutputs^out")
    assert world.run("badoutputs") == "badoutputs 1.0"
    agree(world)


def test_packages_of_odd_shapes_are_named_with_what_is_odd(world: World) -> None:
    odd = ("outputs", "derivation", "drvPath", "meta")
    listed = ", ".join(f'"tests.odd.{name}"' for name in odd)
    world.write_manifest(f'packages = ["hello", {listed}]\n')
    said = refused(world, "sync")
    for text in (
        "3 packages cannot be had",
        "tests.odd.outputs is not a valid package: its outputs is a function",
        "tests.odd.derivation is not a valid package: its drvPath is /nonexistent/odd.drv, which is not a store path",
        "tests.odd.drvPath is not a valid package: its drvPath is a set of other things",
    ):
        assert text in said
    assert "nixprof.nix" not in said
    world.sync('packages = ["hello", "tests.odd.meta"]\n')


def test_a_package_that_another_system_has_to_build_to_evaluate_it_is_named(world: World) -> None:
    world.sync('packages = ["hello", "tests.generated", "jq"]\n')
    assert world.run("generated") == "generated 1.0"
    world.write_manifest(f'packages = ["hello", "tests.generated", "jq"]\nsystems = ["{OTHER}", "{world.system}"]\n')
    [one] = world.nixprof("sync", "--json").json["unavailable"]
    assert (one["package"], one["system"]) == ("tests.generated", OTHER)
    needs = f"tests.generated cannot be evaluated for {OTHER} here: that takes a build of generated-source-1.0"
    assert one["message"].startswith(needs)
    assert {OTHER, world.system} == set(lock(world)["nixpkgs#jq"]["systems"])


def test_a_policy_that_is_not_needed_is_not_written(world: World) -> None:
    world.write_manifest("packages = []\n")
    world.nixprof("add", "hello", "--allow-unfree", "--allow-broken")
    assert "allow-" not in world.manifest.read_text()


def test_one_policy_does_not_lift_another_obstacle(world: World) -> None:
    world.write_manifest("packages = []\n")
    said = refused(world, "add", "vscode", "brokenpkg", "--allow-unfree")
    assert "brokenpkg-1.0 is marked as broken" in said
    world.nixprof("add", "vscode", "brokenpkg", "spotify", "--allow-unfree", "--allow-broken")
    text = world.manifest.read_text()
    assert 'allow-unfree = ["vscode", "spotify"]' in text
    assert 'allow-broken = ["brokenpkg"]' in text
    agree(world)


def test_what_is_allowed_costs_one_evaluation_of_what_was_refused(world: World) -> None:
    """Numbers are the places of packages in the list."""
    world.write_manifest('packages = ["hello", "vscode", "jq"]\n')
    log = log_nix(world)

    def asked() -> list[tuple[str, str]]:
        text = log.read_text()
        log.write_text("")
        return re.findall(r"(\w+): \1 { \"[\w-]+\" = \[ ([\d ]+) \]; }", text)

    world.nixprof("sync", "--allow-unfree")
    assert asked() == [("resolve", "0 1 2"), ("resolve", "1")]
    world.nixprof("add", "fd", "brokenpkg", "--allow-broken")
    assert asked() == [("resolve", "3 4"), ("resolve", "4")]
    # What a package needs is only told by an evaluation that fails.
    world.nixprof("add", "python3Packages.licomp-toolkit", "--allow-unfree", "--allow-broken")
    assert asked() == [("resolve", "5"), ("forceEval", "5")] * 2 + [("resolve", "5")]
    agree(world)
    text = world.manifest.read_text()
    world.manifest.write_text(text.replace('allow-unfree = ["vscode", "licomp"]', "allow-unfree = true"))
    world.nixprof("sync")
    assert asked() == []
    agree(world)


def test_a_policy_that_changes_is_asked_for_again(world: World) -> None:
    world.sync('packages = ["hello", "vscode"]\n[nixpkgs]\nallow-unfree = ["vscode"]\n')
    world.write_manifest('packages = ["hello", "vscode"]\n[nixpkgs]\nallow-unfree = []\n')
    assert "vscode-1.106 has an unfree licence" in refused(world, "sync")
    world.sync('packages = ["hello", "vscode"]\n[nixpkgs]\nallow-unfree = true\n')
    agree(world)


def test_an_overlay_takes_effect_when_it_comes_and_when_it_goes(world: World) -> None:
    helix = world.publish_helix()
    inputs = f'[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nhelix = "{helix}"\n'
    world.sync(f'packages = ["hello"]\n{inputs}')
    world.sync(f'packages = ["hello"]\n{inputs}[nixpkgs]\noverlays = ["helix"]\n')
    assert world.run("hello") == "hello 2.12.1-overlay"
    world.sync(f'packages = ["hello"]\n{inputs}')
    assert world.run("hello") == "hello 2.12.1"
    agree(world)


def test_several_systems_stay_resolved_in_one_evaluation(world: World) -> None:
    world.write_manifest(
        f'packages = ["hello", "git^man"]\nsystems = ["{OTHER}", "{world.system}"]\n'
        '[system.darwin]\npackages = ["mas"]\n[system.linux]\npackages = ["strace"]\n'
    )
    log = log_nix(world)
    world.nixprof("sync")
    assert starts(log).count("eval") == 1
    entries = lock(world)
    assert set(entries["nixpkgs#hello"]["systems"]) == {OTHER, world.system}
    assert set(entries["nixpkgs#mas"]["systems"]) == {OTHER}
    assert set(entries["nixpkgs#strace"]["systems"]) == {world.system}
    assert world.run("strace").startswith("strace")
    world.update()
    systems = lock(world)["nixpkgs#hello"]["systems"]
    assert {systems[system]["version"] for system in systems} == {"2.12.2"}
    assert "in sync" in world.nixprof("sync").stderr


def test_tables_of_systems_and_hosts(world: World, host: str) -> None:
    architecture, _, system = world.system.partition("-")
    world.sync(
        'packages = ["hello"]\n'
        f'[system.{system}]\npackages = ["fd"]\n[system.{architecture}]\npackages = ["jq"]\n'
        f'[system.{world.system}]\npackages = ["tree"]\n[system.darwin]\npackages = ["mas"]\n'
        f'[host."{host.upper()}"]\npackages = ["ripgrep", {{ package = "fd", priority = 3 }}]\n'
        '[host.another]\npackages = ["no-such-thing-here"]\n'
    )
    assert {"hello", "fd", "jq", "tree", "rg"} == {path.name for path in (world.profile / "bin").iterdir()}
    assert [element.attr_path for element in world.profile_elements()] == [
        f"legacyPackages.{world.system}.hosts.{host}.nixprof"
    ]
    listed = world.nixprof("list").stdout
    assert "skipped: only on darwin" in listed
    assert "skipped: only on host another" in listed
    assert "in sync" in world.nixprof("sync").stderr
    # Another host of the same system takes nothing of this one's.
    world.nixprof("remove", "ripgrep")
    assert not (world.profile / "bin/rg").exists()


def test_a_host_table_that_comes_and_goes(world: World, host: str) -> None:
    world.sync('packages = ["hello"]\n')
    world.sync(f'packages = ["hello"]\n[host."{host}"]\npackages = ["tree"]\n')
    assert world.run("tree").startswith("tree")
    assert len(world.profile_elements()) == 1
    world.write_manifest('packages = ["hello"]\n')
    world.nixprof("sync", "--yes")
    agree(world)


def test_included_files_count_and_are_edited_where_the_entry_is(world: World) -> None:
    world.config_dir.mkdir(parents=True)
    work = world.config_dir / "work.toml"
    work.write_text('packages = ["ripgrep", "jq"] # of work\n[system.linux]\npackages = ["strace"]\n')
    world.sync('include = ["work.toml"]\npackages = ["hello"]\n')
    assert world.run("rg").startswith("ripgrep")
    assert world.run("strace").startswith("strace")
    world.nixprof("remove", "jq")
    assert work.read_text().startswith('packages = ["ripgrep"] # of work\n')
    work.write_text('packages = ["ripgrp"]\n')
    assert "did you mean ripgrep?" in refused(world, "sync")
    assert versions(world)["nixpkgs#ripgrep"] == "14.1.1"


def test_what_a_failed_build_leaves_is_not_taken_for_the_package(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    for packages in (["failing"], ["failing", "jq"]):
        said = refused(world, "add", *packages)
        assert "failing-1.0.drv" in said
        assert "exit code 3" in said


def test_nix_itself_is_missing(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    world.extra_env["PATH"] = "/nonexistent"
    said = refused(world, "sync")
    assert "there is no nix on the PATH" in said
    assert "hint:" in said


def test_the_record_of_an_environment_names_a_copy_of_the_flake_whatever_path_nix_says_it_is_at(world: World) -> None:
    # Nix with lazy trees names a place that is no path of the store.
    world.sync('packages = ["hello"]\n')
    expression = (
        f'(import {world.flake}/nixprof.nix {{ inputs.self.outPath = builtins.toFile "lazy" ""; packages = [ '
        f'{{ key = "nixpkgs#hello"; input = "nixpkgs"; attrPath = [ "hello" ]; }} ]; }})'
        f".packages.{world.system}.nixprof.manifest"
    )
    [record, kept] = (
        json.loads(Path(path).read_text())
        for path in (
            world.nix("eval", "--raw", "--impure", "--expr", expression).stdout,
            f"{world.profile_elements()[0].store_paths[0]}/manifest.nix",
        )
    )
    assert record["flake"] == kept["flake"]
    assert Path(kept["flake"], "packages.json").read_text() == (world.flake / "packages.json").read_text()
