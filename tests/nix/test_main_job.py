"""The main job, on every Nix: a list becomes a profile, and follows the list."""

import json
import sys
from pathlib import Path

from support.binary_cache import BinaryCache
from support.claims import agree, ours, versions
from support.world import World


def test_from_an_empty_list_to_an_update(world: World) -> None:
    world.nixprof("init")
    world.manifest.write_text(world.manifest.read_text() + f'\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n')

    world.nixprof("add", "hello")
    assert world.run("hello") == "hello 2.12.1"
    agree(world)
    assert ours(world) == [f"packages.{world.system}.nixprof"]

    world.nixprof("add", "ripgrep", "git^out,man")
    assert world.run("rg") == "ripgrep 14.1.1"
    assert world.run("hello") == "hello 2.12.1"
    assert '"git^out,man"' in world.manifest.read_text()
    agree(world)

    world.nixprof("remove", "hello")
    assert '"hello"' not in world.manifest.read_text()
    assert not (world.profile / "bin/hello").exists()
    assert world.run("rg") == "ripgrep 14.1.1"
    agree(world)

    world.publish(2)
    world.nixprof("sync")
    assert world.run("rg") == "ripgrep 14.1.1"
    shown = world.nixprof("update").stderr
    assert "~ ripgrep  14.1.1 → 15.1.0" in shown
    assert world.run("rg") == "ripgrep 15.1.0"
    assert versions(world) == {"nixpkgs#git": "2.52.1", "nixpkgs#ripgrep": "15.1.0"}
    agree(world)

    if world.install.release >= (2, 20):
        assert [element.name for element in world.profile_elements()] == ["nixprof"]


def test_init_is_a_start(world: World) -> None:
    said = world.nixprof("init").stderr
    assert "✓ ~/.config/nixprof/nixprof.toml" in said
    assert "packages = [" in world.manifest.read_text()
    again = world.nixprof("init", check=False)
    assert again.code == 1
    assert "already exists" in again.stderr


def test_add_starts_a_list_where_there_is_none(world: World) -> None:
    world.config_dir.mkdir(parents=True)
    result = world.nixprof("add", "nothing-like-it", check=False)
    assert result.code == 1
    assert not world.manifest.exists()
    assert not world.flake.exists()


def test_everything_at_once_by_hand(world: World) -> None:
    """Five names in a file and one command."""
    world.sync('packages = ["hello", "ripgrep", "fd", "jq", "tree"]\n')
    assert world.run("tree").startswith("tree ")
    agree(world)


def test_a_second_machine_needs_no_input(world: World, binary_cache: BinaryCache) -> None:
    world.sync('packages = ["hello", "git^*", "python3Packages.black"]\n')
    before = world.tree()
    folder = {path.name: path.read_bytes() for path in world.flake.iterdir()}
    paths = [linked for element in world.profile_elements() for linked in element.store_paths]
    binary_cache.push(world, *paths)

    world.move()
    binary_cache.use_in(world)
    (world.nixpkgs / ".git").rename(world.nixpkgs / "gone")
    world.map_registry()

    world.nixprof("sync")
    assert world.tree() == before
    assert world.run("hello") == "hello 2.12.1"
    assert {path.name: path.read_bytes() for path in world.flake.iterdir()} == folder


def test_a_package_that_no_cache_has_is_built_from_its_input(fresh_world: World) -> None:
    world = fresh_world
    world.sync('packages = ["hello", "ripgrep"]\n')
    before = world.tree()

    world.move()
    world.nixprof("sync")
    assert world.tree() == before


def test_a_locked_path_that_evaluation_does_not_give_is_an_error(fresh_world: World) -> None:
    world = fresh_world
    world.sync('packages = ["hello"]\n')
    lock = world.flake / "packages.json"
    path = json.loads(lock.read_text())["packages"]["nixpkgs#hello"]["systems"][world.system]["outputs"]["out"]
    other = path.replace(Path(path).name[:4], "0000")
    lock.write_text(lock.read_text().replace(path, other))
    result = world.nixprof("sync", check=False)
    assert result.code == 1
    assert path in result.stderr
    assert other in result.stderr
    assert "nixprof update hello" in result.stderr


_WATCHED = """
import os, runpy, sys
def watch(event, args):
    if event in ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"):
        os.write(2, f"started a process: {event} {args}".encode())
        os._exit(70)
sys.addaudithook(watch)
sys.argv = ["nixprof", *sys.argv[1:]]
runpy.run_module("nixprof", run_name="__main__")
"""


def test_nothing_to_do_starts_no_process(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    assert "started a process" in world.command(sys.executable, "-c", _WATCHED, "sync", check=False).stderr
    world.nixprof("sync")
    for command in ("sync", "list", "status"):
        done = world.command(sys.executable, "-c", _WATCHED, command)
        assert len((done.stdout + done.stderr).splitlines()) == 1


def test_dry_runs_leave_no_trace(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    world.publish(2)
    before = world.snapshot()
    assert "+ ripgrep" in world.nixprof("add", "ripgrep", "--dry-run").stderr
    assert "- hello" in world.nixprof("remove", "hello", "-n").stderr
    assert "2.12.1 → 2.12.2" in world.nixprof("update", "--dry-run").stderr
    assert world.snapshot() == before


def test_a_change_that_fails_leaves_no_trace(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    before = world.snapshot()
    for arguments in (["add", "failing"], ["add", "no-such-package"], ["remove", "ripgrep"], ["add", "oops#x"]):
        result = world.nixprof(*arguments, check=False)
        assert result.code == 1
        assert result.stderr.startswith(("error:", "+ failing"))
        assert "Traceback" not in result.stderr
    assert world.snapshot() == before
    assert world.nixprof("status", "--check").code == 0


def test_an_edit_by_hand_is_seen(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    assert world.nixprof("status", "--check", check=False).code == 3
    world.nixprof("sync")
    world.write_manifest('packages = ["ripgrep"]  # instead\n')
    status = world.nixprof("status", "--check", check=False)
    assert status.code == 3
    assert "ripgrep" in status.stdout
    assert "hello" in status.stdout
    shown = world.nixprof("sync", "--yes").stderr
    assert "+ ripgrep" in shown
    assert "- hello" in shown
    assert "# instead" in world.manifest.read_text()


def test_a_comment_is_no_change(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    world.manifest.write_text("# mine\n" + world.manifest.read_text())
    assert "in sync" in world.nixprof("sync").stderr


def test_a_deleted_or_edited_folder_is_made_again(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    good = (world.flake / "flake.nix").read_text()
    (world.flake / "flake.nix").write_text("{ }")
    world.nixprof("sync")
    assert (world.flake / "flake.nix").read_text() == good
    for path in world.flake.iterdir():
        path.unlink()
    world.flake.rmdir()
    world.nixprof("sync")
    assert (world.flake / "flake.nix").read_text() == good
    agree(world)


def test_the_empty_list(world: World) -> None:
    world.sync("packages = []\n")
    assert world.tree() == {}
    world.nixprof("add", "hello")
    world.nixprof("remove", "hello")
    assert world.tree() == {}
    assert "in sync: 0 packages" in world.nixprof("sync").stderr
