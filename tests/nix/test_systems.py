"""Systems: the one that Nix has, others that the list is kept resolved for, and what they do not have."""

import json

from support.claims import agree, started
from support.world import World


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


def become_a_mac(world: World, architecture: str) -> None:
    """Lets the kernel say that it is a Mac's, which no other machine can be made to do, and Nix accordingly."""
    fake = world.root / "mac"
    fake.mkdir()
    (fake / "sitecustomize.py").write_text(
        "import os\n"
        f"said = os.uname_result(('Darwin', 'mac', '25.0.0', 'Darwin', {architecture!r}))\n"
        "os.uname = lambda: said\n"
    )
    world.extra_env["PYTHONPATH"] = f"{fake}:{world.env['PYTHONPATH']}"
    world.configure(system=f"{architecture.replace('arm64', 'aarch64')}-darwin")


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
    become_a_mac(world, "arm64")
    world.write_manifest(f'packages = ["iotop", "strace"]\nsystems = ["{another(world)}", "x86_64-linux"]\n')
    before = world.snapshot()
    refused = world.nixprof("sync", check=False)
    assert refused.code == 1
    assert "strace-6.17 is not available on aarch64-darwin" in refused.stderr
    assert "there is no package iotop" in refused.stderr
    assert world.snapshot() == before


def test_intel_macs_hold_nobody_back_and_are_told_what_to_do(world: World) -> None:
    world.write_manifest('packages = ["hello", "jq"]\nsystems = ["x86_64-darwin"]\n')
    world.nixprof("sync")
    world.publish(2)
    said = world.nixprof("update", "--yes").stderr
    assert "not on x86_64-darwin: hello (no such system), jq (no such system)" in said
    assert "2.12.2" in world.run("hello") or "hello" in said
    become_a_mac(world, "x86_64")
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
