"""`sync --to` and `machines` against a real sshd on loopback, whose machines have a home, a store and a PATH each."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ssh import Network
from support.world import World

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux", reason="one store for each machine at one path takes a mount namespace"
    ),
]


@pytest.fixture
def network(fresh_world: World, demo_template: Path, tmp_path: Path) -> Iterator[Network]:
    network = Network(fresh_world, tmp_path / "network", demo_template)
    with network.serve():
        yield network


def by_host(result_json: dict[str, list[dict[str, object]]]) -> dict[object, dict[str, object]]:
    return {one["host"]: one for one in result_json["machines"]}


def test_machines_follow_the_list(network: Network, fresh_world: World) -> None:
    """One with nixprof, one with Nix alone and a shell of another kind, and three that fail: a line each."""
    world = fresh_world
    server = network.add("server")
    fish = shutil.which("fish")
    plain = network.add("plain", nixprof=False, **({"shell": fish} if fish else {}))
    bare = network.add("bare", nixprof=False)
    for command in bare.programs.iterdir():
        command.unlink()
    world.write_manifest('packages = ["hello"]\n[host.nowhere]\npackages = ["git"]\n')
    refused = world.nixprof("sync", "--to", "server", check=False)
    assert "the list here was changed since it was last synced" in refused.stderr
    world.nixprof("sync")

    first = world.nixprof("sync", "--to", "server", "plain", "down", "closed", "bare", check=False)
    assert first.code == 1
    lines = [line for line in first.stderr.splitlines() if line[:1] in "✓✗"]
    assert [line.split()[:2] for line in lines] == [
        ["✓", "server"],
        ["✓", "plain"],
        ["✗", "down"],
        ["✗", "closed"],
        ["✗", "bare"],
    ]
    assert "1 added: hello 2.12.1 · 1 store path copied from here · generation 1" in lines[0]
    assert lines[1].endswith("by Nix alone")
    assert "cannot reach down" in lines[2]
    assert "closed lets nobody in" in lines[3]
    assert "there is no Nix on bare" in lines[4]
    for machine in (server, plain):
        assert machine.run("hello") == "hello 2.12.1"
        assert machine.manifest.read_bytes() == world.manifest.read_bytes()
    assert "in sync" in server.command("nixprof", "sync").stderr
    again = by_host(world.nixprof("sync", "--to", "server", "plain", "--json").json)
    assert [(one["changes"], one["generation"]) for one in again.values()] == [([], 1), ([], 1)]

    # A new list is taken as a whole; one that was edited there stays, until told otherwise.
    world.nixprof("add", "jq")
    standing = {
        name: one["standing"] for name, one in by_host(world.nixprof("machines", "--json", check=False).json).items()
    }
    assert standing == {
        "server": "behind",
        "plain": "behind",
        "down": "unreachable",
        "closed": "unreachable",
        "bare": "no-nix",
    }
    assert world.nixprof("sync", "--to", "server", "--check", check=False).code == 3
    server.command("nixprof", "remove", "hello", "--yes")
    mixed = world.nixprof("sync", "--to", "server", "--to", "plain", "--json", check=False)
    found = by_host(mixed.json)
    assert (mixed.code, found["server"]["error"]["code"]) == (1, "other-list")  # type: ignore[index]
    assert [one["package"] for one in found["plain"]["changes"]] == ["jq"]  # type: ignore[attr-defined]
    assert plain.run("jq").startswith("jq 1.")
    server.manifest.write_text(server.manifest.read_text() + "# mine\n")
    world.nixprof("sync", "--to", "server", "--overwrite")
    [kept] = (server.home / ".local" / "share" / "nixprof" / "before-sync").rglob("nixprof.toml")
    assert kept.read_text().endswith("# mine\n")
    assert [server.run(name).split()[0] for name in ("hello", "jq")] == ["hello", "jq"]
    world.nixprof("machines", "--forget", "down", "closed", "bare")
    assert "✓ server  in sync · 2 packages" in world.nixprof("machines", "--check").stdout
