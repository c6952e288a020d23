"""`sync --to` and `machines` against a real sshd on loopback, whose machines have a home, a store and a PATH each."""

import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.scripts import script
from support.ssh import Network
from support.world import Result, World

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
    dots = plain.manifest.rename(plain.home / "dots.toml")
    plain.manifest.symlink_to(dots)
    world.nixprof("add", "jq")
    standing = {
        name: one["standing"] for name, one in by_host(world.nixprof("machines", "--json", check=False).json).items()
    }
    assert standing == {"server": "behind", "plain": "behind", "bare": "no-nix"}
    never_reached = world.nixprof("machines", "down", "closed", check=False)
    assert (never_reached.code, never_reached.stdout.count("✗")) == (1, 2)
    assert world.nixprof("sync", "--to", "server", "--check", check=False).code == 3
    server.command("nixprof", "remove", "hello", "--yes")
    mixed = world.nixprof("sync", "--to", "server", "--to", "plain", "--json", check=False)
    found = by_host(mixed.json)
    assert (mixed.code, found["server"]["error"]["code"]) == (1, "other-list")  # type: ignore[index]
    assert [one["package"] for one in found["plain"]["changes"]] == ["jq"]  # type: ignore[attr-defined]
    assert plain.run("jq").startswith("jq 1.")
    assert plain.manifest.readlink() == dots
    assert dots.read_bytes() == world.manifest.read_bytes()
    server.manifest.write_text(server.manifest.read_text() + "# mine\n")
    world.nixprof("sync", "--to", "server", "--overwrite")
    [kept] = (server.home / ".local" / "share" / "nixprof" / "before-sync").rglob("nixprof.toml")
    assert kept.read_text().endswith("# mine\n")
    assert [server.run(name).split()[0] for name in ("hello", "jq")] == ["hello", "jq"]
    assert "sent by " in server.command("nixprof", "history").stdout
    assert (
        "did you mean nixprof machines --forget bare?"
        in world.nixprof("machines", "--forget", "bar", check=False).stderr
    )
    world.nixprof("machines", "--forget", "bare")
    assert "✓ server  in sync · 2 packages" in world.nixprof("machines", "--check").stdout


def failures(result: Result) -> dict[str, str]:
    """The reason for each machine that has failed."""
    return {str(host): one["error"]["code"] for host, one in by_host(result.json).items() if one["error"]}  # type: ignore[index]


def test_what_goes_wrong_there(network: Network, fresh_world: World) -> None:
    """Each failure is one of its own, the others are done, and the next run is right."""
    world = fresh_world
    good, full, killed, half, strict, bare = (
        network.add(name, nixprof=name not in ("half", "bare"))
        for name in ("good", "full", "killed", "half", "strict", "bare")
    )
    world.sync('packages = ["hello"]\n')

    full.first = f"mount -t tmpfs -o size=64k none {shlex.quote(str(world.store.root))}"
    (killed.programs / "nixprof").rename(killed.home / "nixprof")
    script(killed.programs / "nixprof", '[ "$1" = status ] || kill -9 $PPID')
    # Nix alone is stopped between the files and the profile.
    (half.programs / "nix").unlink()
    nix = half.install.executable
    stops = f'#!/bin/sh\ncase " $* " in *" profile "*) kill -9 $PPID ;; esac\nexec -a nix {nix} "$@"\n'
    (half.programs / "nix").write_text(stops.replace("#!/bin/sh", f"#!{shutil.which('bash')}"))
    (half.programs / "nix").chmod(0o755)
    strict.configure(trusted_users="nobody")
    strict.use_daemon()
    for program in bare.programs.iterdir():
        program.unlink()
    bare.install_nix(bare.home / ".local" / "bin")
    bare.install_nixprof(bare.home / ".local" / "bin")
    network.write()
    names = tuple(network.machines)
    result = world.nixprof("sync", "--to", *names, "down", "--json", check=False)
    assert result.code == 1
    assert failures(result) == {
        "full": "disk-full",
        "killed": "not-synced",
        "half": "not-synced",
        "strict": "unsigned",
        "down": "unreachable",
    }
    assert good.run("hello") == bare.run("hello") == "hello 2.12.1"
    hints = "".join(by_host(result.json)["strict"]["error"]["hints"])  # type: ignore[index]
    assert "trusted-public-keys = " in hints
    assert "trusted-users = " in hints

    full.first = ":"
    (killed.home / "nixprof").rename(killed.programs / "nixprof")
    (half.programs / "nix").unlink()
    (half.programs / "nix").symlink_to(nix)
    features = ("--extra-experimental-features", "nix-command")
    key = world.root / "key"
    key.write_text(world.command("nix", *features, "key", "generate-secret", "--key-name", "us-1").stdout)
    public = world.command("nix", *features, "key", "convert-secret-to-public", input=key.read_text()).stdout
    world.command("nix", *features, "store", "sign", "--all", "--key-file", key)
    strict.configure(trusted_public_keys=public.strip())
    network.write(knows=False)
    assert set(failures(world.nixprof("sync", "--to", *names, "--json", check=False)).values()) == {"host-key"}
    network.write()
    with world.spawn("sync", "--to", *names) as interrupted:
        time.sleep(0.5)
        interrupted.kill()
    world.nixprof("sync", "--to", *names)
    for machine in (full, killed, half, strict):
        assert machine.run("hello") == "hello 2.12.1"
    assert world.nixprof("machines", *names, "--check").stdout.count("in sync") == len(names)


def test_the_list_and_the_store_of_another_machine(network: Network, fresh_world: World) -> None:
    """`sync --from ssh://HOST`: no input and no cache is reached, nothing is built; and `--cache` later on."""
    world = fresh_world
    server = network.add("server")
    network.write()
    assert "there is no list on server" in world.nixprof("sync", "--from", "ssh://server", check=False).stderr
    (server.config_dir / "parts").mkdir(parents=True)
    (server.config_dir / "parts" / "work.toml").write_text('packages = ["jq"]\n')
    server.write_manifest('packages = ["hello"]\ninclude = ["parts/work.toml"]\n')
    server.command("nixprof", "sync")
    away = server.nixpkgs.rename(server.root / "away")
    refused = world.nixprof("sync", "--from", "ssh://server", check=False)
    assert "is signed by no key" in refused.stderr
    assert not world.manifest.exists()

    features = ("--extra-experimental-features", "nix-command")
    key = server.home / "key"
    key.write_text(server.command("nix", *features, "key", "generate-secret", "--key-name", "server-1").stdout)
    server.command("nix", *features, "store", "sign", "--all", "--key-file", key)
    public = server.command("sh", "-c", f"nix {shlex.join(features)} key convert-secret-to-public <{key}").stdout
    world.configure(trusted_public_keys=public.strip())
    dry = world.nixprof("sync", "--from", "ssh://server", "--dry-run")
    assert "would add 2 packages" in dry.stderr
    assert not world.manifest.exists()
    taken = world.nixprof("sync", "--from", "ssh://server")
    assert "2 store paths copied from server" in taken.stderr
    assert [world.run(name).split()[0] for name in ("hello", "jq")] == ["hello", "jq"]
    assert world.flake.joinpath("flake.lock").read_bytes() == server.flake.joinpath("flake.lock").read_bytes()
    assert "in sync" in world.nixprof("sync", "--from", "ssh://server").stderr

    away.rename(server.nixpkgs)
    server.command("nixprof", "add", "ripgrep")
    server.nixpkgs.rename(server.root / "away")
    server.command("nix", *features, "store", "sign", "--all", "--key-file", key)
    other = world.nixprof("sync", "--from", "ssh://server", check=False)
    assert "already exists, and is not what ssh://server has" in other.stderr
    world.nixprof("sync", "--from", "ssh://server", "--overwrite")
    assert world.run("rg").startswith("ripgrep")
    world.new_machine()
    (world.config_dir / "flake").mkdir(parents=True)
    for name in ("nixprof.toml", "parts/work.toml", "flake/flake.lock", "flake/packages.json"):
        (world.config_dir / name).parent.mkdir(exist_ok=True)
        shutil.copy(server.config_dir / name, world.config_dir / name)
    asked = world.nixprof("sync", "--cache", "server", "--dry-run")
    assert "3 to copy from server" in asked.stderr
    assert "to build" not in asked.stderr
    assert "3 store paths copied from server" in world.nixprof("sync", "--cache", "server").stderr
    assert world.nixprof("sync", "--from", "ssh://down", "--overwrite", check=False).code == 1
