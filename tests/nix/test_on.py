"""Packages for some machines only, by `add --on` and `remove --on`."""

import re

from support.claims import refused
from support.world import World


def refused_usage(world: World, *args: str) -> str:
    before = world.snapshot()
    failed = world.nixprof(*args, check=False)
    assert (failed.code, world.snapshot()) == (2, before)
    return failed.stderr


def test_some_machines_only(world: World) -> None:
    world.sync('packages = ["hello"]\n[system.darwin]\npackages = ["jq"]\n')
    desk = {"NIXPROF_HOST": "desk"}

    # Listed for other machines alone is not listed for this one.
    assert "+ jq" in world.nixprof("add", "jq").stderr
    assert '[system.linux]\npackages = [\n  "jq",\n]\n' in world.manifest.read_text()
    assert "jq is on the list already, only on linux\n" in world.nixprof("add", "jq").stderr
    # Nothing but another system of the same input tells that there is such a package at all.
    said = refused(world, "add", "--on", "darwin", "iotop", "nonsense")
    assert re.search(r"no package iotop in nixpkgs \(.*\) for x86_64-darwin, aarch64-darwin\n", said)
    assert re.search(r"no package nonsense in nixpkgs \([^)]*\)\n", said)

    said = world.nixprof("add", "--on", "macos", "--on", "host.server", "mas").stderr
    assert "✓ mas listed for macos and host.server" in said
    assert "linux and x86_64-linux have machines in common" in refused_usage(
        world, "add", "fd", "--on", "linux", "--on", "x86_64-linux"
    )
    said = refused_usage(world, "add", "mas", "--on", "aarch64")
    assert "mas is listed only on darwin, and that is not all of aarch64\nhint:  to change the list" in said
    said = world.nixprof("remove", "mas", "--on", "server").stderr
    assert "  mas: also no longer for host server\n" in said
    assert "server" not in world.manifest.read_text()
    said = refused_usage(world, "add", "--on", "darwin", "hello", "--pin")
    assert "hello is listed for all machines: what is asked for would count there, too" in said
    assert '[system.darwin]\npackages = ["jq", "mas"]\n' in world.manifest.read_text()
    assert "+ fd" in world.nixprof("add", "--on", "host", "fd", env=desk).stderr
    assert "[host.desk]" in world.manifest.read_text()
    assert "- fd" in world.nixprof("sync", "--yes", env={"NIXPROF_HOST": "laptop"}).stderr

    # The name of a machine is in a file that is not with the list.
    own = world.home / ".local" / "share" / "nixprof" / "machine.toml"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text('host = "Desk.example.org"\n')
    shown = world.nixprof("list", "--all")
    assert [" ".join(line.split()) for line in shown.stdout.splitlines()] == [
        "hello 2.12.1 every machine installed",
        "jq darwin",
        "mas darwin",
        "jq 1.8.1 linux installed",
        "fd 10.3.0 host desk not installed yet: nixprof sync",
    ]
    assert shown.stderr == f"this machine: host desk, {world.system}\n"
    own.write_text('name = "desk"\n')
    assert 'write there: host = "laptop"' in refused(world, "sync")
    own.unlink()

    # A version that this machine had comes back only where it is asked for.
    world.nixprof("remove", "--on", "host.desk", "fd", env=desk)
    said = world.nixprof("add", "fd@10", "--on", "host.server", env=desk).stderr
    assert "had it; it is pinned" in said
    assert "✓ fd listed for host.server" in said
    assert '[host.server]\npackages = [\n  { package = "fd", pin = true },\n]' in world.manifest.read_text()

    # What a system of the list lacks is refused before it is written, or told.
    world.manifest.write_text('systems = ["aarch64-darwin"]\n' + world.manifest.read_text())
    assert "no package nonsense" in refused(world, "add", "--on", "linux", "nonsense")

    before = world.manifest.read_text()
    assert "hello is not listed for darwin, but for all machines" in refused(world, "remove", "--on", "darwin", "hello")
    world.nixprof("remove", "--on", "darwin", "jq", env=desk)
    assert world.manifest.read_text() == before.replace('["jq", "mas"]', '["mas"]')
    assert world.run("jq").startswith("jq ")

    # A package that goes from other machines is said to, before it does.
    world.nixprof("add", "jq", "--on", "darwin", "--on", "host.server")
    assert "to remove it there: nixprof remove jq --on host.server\n" in refused(
        world, "remove", "jq", "--on", "host.sever"
    )
    said = world.nixprof("remove", "jq", "--dry-run", env=desk).stderr
    assert "- jq  1.8.1\n  jq: also no longer for darwin, host server\n" in said
    assert world.nixprof("remove", "jq", "--json", env=desk).json["unlisted"] == [
        {"package": "jq", "on": "darwin"},
        {"package": "jq", "on": "host.server"},
    ]
    assert "[system.linux]" not in world.manifest.read_text()
