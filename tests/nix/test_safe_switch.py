"""What happens between one Nix and the next, and with what Nix leaves behind."""

import os
import signal
from pathlib import Path

import pytest
from conftest import MakeWorld
from support.binary_cache import BinaryCache
from support.claims import agree, refused
from support.scripts import in_front
from support.world import World


def test_a_garbage_collection_between_any_two_steps_deletes_nothing_that_is_needed(
    make_world: MakeWorld, binary_cache: BinaryCache
) -> None:
    world = make_world(fresh=True)
    names = ("hello", "jq", "tree")
    binary_cache.push(world, *world.build(*(f"nixpkgs#{name}" for name in names)))
    world.new_machine()
    binary_cache.use_in(world)
    collect = '"$real"/{} "$@"; code=$?; "$real"/nix-store --gc >/dev/null 2>&1; exit $code'
    env = in_front(world, {one: collect.format(one) for one in ("nix", "nix-store", "nix-env", "nix-instantiate")})
    world.write_manifest('packages = ["hello"]\n')
    world.nixprof("sync", env=env)
    world.nixprof("add", "jq", "tree", env=env)
    world.nixprof("remove", "jq", env=env)
    assert world.run("hello")
    assert world.run("tree")
    agree(world)
    archives = [path for path in binary_cache.downloads if binary_cache.requests[path] > 1]
    assert archives == []


def test_a_derivation_that_is_collected_before_it_is_built_is_evaluated_once_more(fresh_world: World) -> None:
    world = fresh_world
    times = world.root / "times"
    script = (
        f'"$real"/nix "$@"; code=$?; n=$(cat {times})\n'
        f'case " $* " in *" eval "*) [ -z "$n" ] || {{ printf %s "${{n#x}}" >{times}; "$real"/nix-store --gc; }};; esac'
        " >/dev/null 2>&1\nexit $code"
    )
    env = in_front(world, {"nix": script})
    world.write_manifest('packages = ["hello"]\n')
    times.write_text("xx")
    said = world.nixprof("sync", env=env, check=False).stderr
    assert "error: hello cannot be built: the garbage collector keeps deleting what its build needs\n" in said
    assert not world.profile.exists()
    times.write_text("x")
    world.nixprof("sync", env=env)
    agree(world)


def test_what_was_fetched_is_no_longer_protected_when_nixprof_has_ended(fresh_world: World) -> None:
    world = fresh_world
    world.sync('packages = ["hello"]\n')
    world.nixprof("add", "jq")
    [path] = [each for each in world.closure(os.path.realpath(world.profile)) if each.endswith("-jq-1.8.1")]
    world.nixprof("remove", "jq")
    world.command("nix-env", "--profile", world.profile.readlink(), "--delete-generations", "old")
    world.command("nix-store", "--gc")
    assert not os.path.exists(path)
    assert world.run("hello")


def test_nix_leaves_nothing_in_the_temporary_folder(world: World) -> None:
    temporary = world.root / "temporary"
    temporary.mkdir()
    env = {"TMPDIR": str(temporary)}
    world.install_element("nixpkgs#tree")
    world.write_manifest('packages = ["hello"]\n')
    for command in (["sync"], ["add", "jq"], ["freeze", "--yes"], ["remove", "hello"], ["rollback", "--yes"]):
        world.nixprof(*command, env=env)
    assert list(temporary.iterdir()) == []


@pytest.mark.newest_nix
def test_a_process_that_nix_leaves_behind_does_not_hold_nixprof(world: World) -> None:
    """As the master of a shared ssh connection does, which keeps the stderr of whoever started it."""
    started = world.root / "started"
    env = in_front(world, {"nix": f'sleep 600 & echo $! >>{started}\nexec "$real"/nix "$@"'})
    world.write_manifest('packages = ["hello"]\n')
    world.nixprof("sync", env=env)
    running = [int(line) for line in started.read_text().split()]
    try:
        assert running
        assert [number for number in running if not Path(f"/proc/{number}").exists()] == []
        assert world.run("hello")
    finally:
        for number in running:
            os.kill(number, signal.SIGKILL)


def test_a_switch_that_comes_to_something_else_is_undone(world: World) -> None:
    """As by a Nix that drops elements which should stay."""
    world.install_element("nixpkgs#tree", "nixpkgs#jq", "nixpkgs#fd")
    world.write_manifest("packages = []\n")
    other = world.build("nixpkgs#hello")[0]
    script = f'case " $* " in *" --set "*) set -- "$1" "$2" --set {other} ;; esac\nexec "$real"/nix-env "$@"'
    world.extra_env |= in_front(world, {"nix-env": script})
    before = world.generations()
    said = refused(world, "freeze", "--only", "tree", "--yes")
    assert "the profile does not have what it should have" in said
    assert world.generations() == before
    assert len(world.profile_elements()) == 3
    del world.extra_env["PATH"]
    world.nixprof("freeze", "--only", "tree", "--yes")
    assert len(world.profile_elements()) == 3
