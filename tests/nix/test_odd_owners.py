"""Files that are root's since a command was run with sudo: who is in the way is named, with the command that helps."""

import subprocess
from pathlib import Path

import pytest
from support import needs
from support.world import NIXPROF, Result, World

WHO = "nobody"


@pytest.fixture
def world(fresh_world: World) -> World:
    """One whose user, store and all, is not root."""
    needs.root("become another user")
    world = fresh_world
    world.sync('packages = ["hello"]\n')
    for parent in world.root.parents:
        parent.chmod(parent.stat().st_mode | 0o001)
    subprocess.run(["chown", "-R", WHO, world.root], check=True)
    world.extra_env["USER"] = WHO
    return world


def run(world: World, *args: str) -> Result:
    uid = world.home.stat().st_uid
    user = ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups")
    return world.command(*user, *NIXPROF, *args, check=False, cwd=Path("/"))


def give_to_root(path: Path) -> None:
    subprocess.run(["chown", "-R", "root", path], check=True)


def told(world: World, *args: str) -> str:
    result = run(world, *args)
    assert result.code == 1, str(result)
    assert "Nix may have been installed" not in result.stderr
    return result.stderr


def recover(world: World, said: str) -> None:
    """Does what the hint says."""
    command = next(line for line in said.splitlines() if "to fix this: " in line).partition("to fix this: ")[2]
    world.command("/bin/sh", "-c", command.replace("sudo ", "").replace("~", str(world.home)))
    after = run(world, "add", "jq")
    assert after.code == 0, str(after)


@pytest.mark.parametrize("folder", [".cache", ".cache/nix"])
def test_the_cache_of_nix(world: World, folder: str) -> None:
    give_to_root(world.home / folder)
    said = told(world, "add", "jq")
    assert "error: Nix has no access to ~/.cache/nix/" in said
    assert f'sudo chown -R "$USER" ~/{folder}\n' in said
    recover(world, said)


@pytest.mark.parametrize(
    ("place", "named"),
    [
        (".config/nixprof/nixprof.toml", ".config/nixprof/nixprof.toml"),
        (".config/nixprof/flake", ".config/nixprof/flake/flake.nix"),
        (".config/nixprof", ".config/nixprof/nixprof.toml"),
    ],
)
def test_the_files_of_nixprof(world: World, place: str, named: str) -> None:
    give_to_root(world.home / place)
    said = told(world, "add", "jq")
    assert f"error: cannot write ~/{named}\ncause: ~/{named} belongs to root" in said
    assert f'sudo chown -R "$USER" ~/{place}\n' in said
    recover(world, said)


@pytest.mark.parametrize("command", ["sync", "list", "add jq"])
def test_the_state_of_nixprof(world: World, command: str) -> None:
    state = world.home / ".local" / "state" / "nixprof"
    give_to_root(state)
    state.chmod(0o700)
    said = told(world, *command.split())
    assert 'sudo chown -R "$USER" ~/.local/state/nixprof\n' in said
    recover(world, said)


@pytest.mark.parametrize("owned", ["by root", "read-only"])
def test_the_folder_of_the_generations(world: World, owned: str) -> None:
    folder = world.profile.readlink().parent
    if owned == "by root":
        give_to_root(folder)
    else:
        folder.chmod(0o555)
    said = told(world, "add", "jq")
    assert "error: cannot write ~/.local/state/nix/profiles, where the generations of the profile are" in said
    assert "to build" not in said
    recover(world, said)
