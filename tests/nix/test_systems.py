"""Systems: the one that Nix has, others that the list is kept resolved for, and what they do not have."""

import json

from support.claims import agree, refused, started
from support.world import NIXPROF_TYPED, World


def test_the_system_is_the_one_that_nix_has(world: World) -> None:
    world.configure(system="i686-linux")
    world.write_manifest('packages = ["hello"]\n\n[system.i686]\npackages = ["jq"]\n')
    if world.install.release < (2, 26):  # The builder of another system does not start there.
        assert "jq" in world.nixprof("sync", "--dry-run").stderr
        return
    world.nixprof("sync")
    assert world.run("jq").startswith("jq ")
    agree(world)
    assert set(json.loads((world.flake / "packages.json").read_text())["packages"]["nixpkgs#jq"]["systems"]) == {
        "i686-linux"
    }
    for command in ("sync", "list", "status"):
        assert started(world, command) == []


def another(world: World) -> str:
    """A system that this machine is not."""
    return "aarch64-darwin" if world.system != "aarch64-darwin" else "aarch64-linux"


def test_what_another_system_does_not_have_holds_only_that_back(world: World) -> None:
    other = another(world)
    world.write_manifest(
        f'packages = ["hello", "iotop", "strace", "tests.generated"]\nsystems = ["{other}"]\n\n'
        f'[system.{other}]\npackages = ["vscode"]\n'
    )
    said = world.nixprof("sync").stderr
    reasons = {"iotop": "missing", "strace": "unsupported", "tests.generated": "needs-build", "vscode": "unfree"}
    line = next(line for line in said.splitlines() if f"not on {other}: " in line)
    assert all(f"{name} ({reason.replace('-', ' ')})" in line for name, reason in reasons.items())
    assert "hello" not in line
    locked = json.loads((world.flake / "packages.json").read_text())["packages"]
    assert set(locked["nixpkgs#hello"]["systems"]) == {world.system, other}
    assert set(locked["nixpkgs#strace"]["systems"]) == {world.system}
    for name in reasons:
        assert set(locked[f"nixpkgs#{name}"]["unavailable"]) == {other}
    # It is asked once, and known without Nix.
    for command in ("sync", "list", "status"):
        assert started(world, command) == []
    assert "strace (not on aarch64-darwin: unsupported)" in world.nixprof("list").stdout.replace(
        other, "aarch64-darwin"
    )
    assert f"not on {other}" in world.nixprof("status", "--check").stdout
    for command in ("sync", "status"):
        told = world.nixprof(command, "--json").json["unavailable"]
        assert {one["package"]: one["reason"] for one in told} == reasons
    listed = {one["package"]: one["unavailable"] for one in world.nixprof("list", "--json").json["packages"]}
    assert [one["reason"] for one in listed["iotop"]] == ["missing"]
    assert listed["hello"] == []
    # What is known is not asked again, and what can be allowed is.
    assert "not on" not in world.nixprof("add", "jq").stderr
    assert "vscode" in world.nixprof("sync", "--allow-unfree").stderr + world.manifest.read_text()
    assert "unfree" in world.manifest.read_text()
    told = world.nixprof("status", "--json").json["unavailable"]
    assert {one["package"] for one in told} == set(reasons) - {"vscode"}


def test_what_this_system_does_not_have_is_an_error(world: World) -> None:
    world.become_a_mac("arm64")
    world.write_manifest(f'packages = ["iotop", "strace"]\nsystems = ["{another(world)}", "x86_64-linux"]\n')
    before = world.snapshot()
    refused = world.nixprof("sync", check=False)
    assert refused.code == 1
    assert "strace-6.17 is not available on aarch64-darwin" in refused.stderr
    assert "there is no package iotop" in refused.stderr
    assert world.snapshot() == before


def test_intel_macs_hold_nobody_back_and_are_told_what_to_do(world: World) -> None:
    world.sync('packages = ["hello", "jq"]\nsystems = ["x86_64-darwin"]\n')
    said = world.update("--yes").stderr
    assert "not on x86_64-darwin: hello (no such system), jq (no such system)" in said
    assert "2.12.2" in world.run("hello") or "hello" in said
    world.become_a_mac("x86_64")
    before = world.snapshot()
    refused = world.nixprof("add", "fd", check=False)
    assert refused.code == 1
    assert "has no packages for x86_64-darwin" in refused.stderr
    assert "Nixpkgs 26.11 has dropped support for x86_64-darwin." in refused.stderr
    assert 'nixpkgs = "github:NixOS/nixpkgs/nixpkgs-26.05-darwin"' in refused.stderr
    assert world.snapshot() == before


def test_a_list_that_an_intel_mac_begins_has_the_last_nixpkgs_for_it(world: World) -> None:
    world.nixprof("init")
    assert "26.05" not in world.manifest.read_text()
    world.manifest.unlink()
    world.configure(system="x86_64-darwin")
    world.nixprof("init")
    assert '\n[inputs]\nnixpkgs = "github:NixOS/nixpkgs/nixpkgs-26.05-darwin"\n' in world.manifest.read_text()


def test_a_flake_without_packages_for_this_system_says_which_it_has(world: World) -> None:
    url = world.publish_helix()
    world.write_manifest("packages = []\n")
    world.configure(system="armv6l-linux")
    refused = world.nixprof("add", url, check=False)
    assert refused.code == 1
    assert "helix" in refused.stderr
    assert "has no packages for armv6l-linux" in refused.stderr
    assert "it has packages for aarch64-darwin, aarch64-linux" in refused.stderr


def locked(world: World) -> dict[str, dict[str, dict[str, str]]]:
    """The store paths of packages.json: the outputs of each package on each system."""
    packages = json.loads((world.flake / "packages.json").read_text())["packages"]
    return {
        key.removeprefix("nixpkgs#"): {system: found["outputs"] for system, found in one["systems"].items()}
        for key, one in packages.items()
    }


def test_the_locks_for_other_systems_are_what_these_evaluate(world: World) -> None:
    names, systems = ("hello", "git", "python3Packages.black"), ("aarch64-darwin", "aarch64-linux")
    world.write_manifest(f"packages = {json.dumps(names)}\nsystems = {json.dumps(systems)}\n")
    assert "✓ 3 packages locked for aarch64-darwin, aarch64-linux" in world.nixprof("lock").stderr
    assert world.profile_elements() == []
    found = locked(world)
    for system in systems:
        for name in names:
            package = f'(builtins.getFlake "{world.nixpkgs_url}").legacyPackages.{system}.{name}'
            paths = "with builtins; p: listToAttrs (map (name: { inherit name; value = p.${name}.outPath; }) p.outputs)"
            expression = f"({paths}) ({package})"
            there = world.nix("eval", "--impure", "--json", "--system", system, "--expr", expression).json
            assert found[name][system] == there
    assert len({found["git"][system]["out"] for system in (*systems, world.system)}) == 3
    # A machine of that system installs just these, and asks no input for them.
    world.nixpkgs.rename(world.root / "gone")
    world.become_a_mac("arm64")
    planned = world.nixprof("sync", "--dry-run", "--json").json["weight"]
    assert planned is None or not planned["build"]


def test_a_system_goes_without_what_another_has(world: World) -> None:
    systems = '["aarch64-darwin", "x86_64-linux"]'
    world.write_manifest(f'packages = ["hello", "strace", "iotop", "mas"]\nsystems = {systems}\n')
    assert "not on x86_64-linux: mas (unsupported)" in world.nixprof("sync").stderr
    assert world.run("hello") == "hello 2.12.1"
    assert started(world, "sync") == []
    assert "✓ in sync: 3 packages" in world.nixprof("status", "--check").stdout
    world.become_a_mac("arm64")
    world.nixpkgs.rename(world.root / "gone")
    # What the lock tells is known without the input.
    said = world.nixprof("sync", "--dry-run").stderr
    assert "+ mas" in said
    assert "+ strace" not in said
    reasons = {one["package"]: one["reason"] for one in world.nixprof("list", "--json").json["packages"]}
    assert reasons["hello"] is None
    assert reasons["strace"] == "strace-6.17 is not available on aarch64-darwin"
    shown = world.nixprof("status").stdout
    assert "not on aarch64-darwin  strace (unsupported), iotop (missing)" in shown
    environment = f"path:{world.flake}#packages.aarch64-darwin.nixprof"
    assert world.eval(environment, "--apply", "p: builtins.length p.derivations") == 2 * 4

    # What is added here has to be had here.
    (world.root / "gone").rename(world.nixpkgs)
    world.manifest.write_text(world.manifest.read_text().replace(', "strace"', ""))
    assert "strace-6.17 is not available on aarch64-darwin" in refused(world, "add", "strace")
    # Nor does a name that nothing has pass for that.
    world.manifest.write_text(world.manifest.read_text().replace('"iotop"', '"iotopp"'))
    assert "there is no package iotopp" in refused(world, "sync", "--dry-run")


def test_the_whole_list_is_checked_and_told_of_where_it_is_written(world: World) -> None:
    world.write_manifest(
        'packages = ["hello", "git^out,man"]\n\n[system.darwin]\npackages = ["jq", "nonsense"]\n\n'
        '[host.server]\npackages = ["strace", "htopp"]\n[host.desk]\npackages = ["fd"]\n'
        '[system.riscv64]\npackages = ["tree"]\n'
    )
    before = world.snapshot()
    failed = world.nixprof("check", check=False)
    assert failed.code == 3
    assert world.snapshot() == before
    assert [line.split()[0] for line in failed.stdout.splitlines()] == ["nonsense", "htopp", "cannot", "✗"]
    assert "host server" in failed.stdout
    assert "cannot be checked here: tree" in failed.stdout
    assert "✗ 2 of 8 packages cannot be had everywhere" in failed.stdout
    told = world.nixprof("check", "--json", check=False).json
    assert (told["others"], {one["on"] for one in told["unavailable"]}) == (["darwin"], {"darwin", "host.server"})
    said = world.nixprof("lock").stderr
    assert f"✓ 2 packages locked for {world.system} · " in said
    assert "not locked, as the list names no such system: jq, nonsense, " in said
    assert f'  systems = ["{world.system}", "aarch64-darwin"]\n' in said

    # With systems, every one of them has to have what is for all.
    text = (
        world.manifest.read_text()
        .replace("htopp", "htop")
        .replace(', "nonsense"', "")
        .replace('"hello"', '"hello", "iotop"')
    )
    world.manifest.write_text('systems = ["x86_64-linux", "aarch64-darwin"]\n' + text)
    found = world.nixprof("check", "--json", check=False)
    assert found.code == 3
    assert [(one["package"], one["system"]) for one in found.json["unavailable"]] == [("iotop", "aarch64-darwin")]
    assert found.json["hints"] == ["nixprof remove iotop && nixprof add iotop --on linux"]
    world.command("sh", "-c", found.json["hints"][0].replace("nixprof", NIXPROF_TYPED))
    shown = world.nixprof("check").stdout
    assert shown.splitlines()[-1] == ("✓ 8 packages can be had on x86_64-linux, aarch64-darwin, host server, host desk")

    # That another system has a package says nothing of the one that an entry is for.
    text = world.manifest.read_text()
    world.manifest.write_text(text.replace('"jq"]', '"jq", "mas"]') + '[system.aarch64-linux]\npackages = ["mas"]\n')
    failed = world.nixprof("check", check=False)
    assert (failed.code, failed.stdout.splitlines()[0].split()) == (
        3,
        ["mas", "mas-2.3.0", "is", "not", "available", "on", "aarch64-linux", "aarch64-linux"],
    )
    world.manifest.write_text(text.replace('"jq"]', '"jq", "mas"]'))
    assert "mas-2.3.0 is not available on aarch64-linux" in refused(world, "add", "mas", "--on", "aarch64-linux")
    world.manifest.write_text(text)

    # What other hosts list is locked for them, and told before it is written where no system has it.
    assert set(locked(world)["htop"]) == {"x86_64-linux", "aarch64-darwin"}
    assert set(locked(world)["strace"]) == {"x86_64-linux"}
    assert "not on" not in world.nixprof("sync").stderr
    assert "no package nonsense" in refused(world, "add", "--on", "host.server", "nonsense")
    assert "✓ ripgrep listed for host.server" in world.nixprof("add", "--on", "host.server", "ripgrep").stderr
    world.nixpkgs.rename(world.root / "gone")
    assert "ripgrep" in world.nixprof("sync", "--dry-run", env={"NIXPROF_HOST": "server"}).stderr
    assert "✓" in world.nixprof("check").stdout


def test_a_package_for_others_is_looked_up_where_they_may_have_it(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    assert "no package nonsense" in refused(world, "add", "--on", "darwin", "nonsense")
    assert "strace-6.17 is not available on " in refused(world, "add", "--on", "darwin", "strace")
    assert "unfree" in refused(world, "add", "--on", "darwin", "vscode")
    said = world.nixprof("add", "--on", "darwin", "vscode", "--allow-unfree").stderr
    assert "✓ 1 added, vscode listed for darwin" in said
    assert 'allow-unfree = ["vscode"]' in world.manifest.read_text()
    assert "vscode" not in locked(world)
    said = world.nixprof("add", "--on", "riscv64", "jq").stderr
    assert "jq: written without a check, which takes such a machine\n✓ jq listed for riscv64" in said
