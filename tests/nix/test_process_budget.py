"""How many processes of Nix each command may start: each takes a tenth of a second, and more on a Mac."""

import pytest
from conftest import Prepare
from support.binary_cache import BinaryCache
from support.claims import agree, started
from support.world import World

# Where sizes are shown, one process asks for them.
BUDGET = {
    ("sync",): 0,
    ("list",): 0,
    ("status",): 0,
    ("add", "fd"): 2,  # eval, upgrade
    ("pin", "jq"): 1,
    ("remove", "jq", "--yes"): 2,
    ("rollback", "1", "--yes"): 2,
    ("update", "--dry-run"): 1,
}


def with_a_pin(world: World) -> World:
    world.build(f"{world.nixpkgs_url}#fd")
    world.sync('packages = ["jq", "hello"]\n')
    world.nixprof("pin", "hello")
    return world


@pytest.mark.parametrize(("command", "most"), BUDGET.items(), ids=map(" ".join, BUDGET))
def test_what_is_in_the_store_takes_few_processes(prepare: Prepare, command: tuple[str, ...], most: int) -> None:
    world = prepare(with_a_pin)
    processes = started(world, *command)
    assert len(processes) <= most, "\n".join(map(str, processes))
    agree(world)


def test_a_locked_list_on_a_new_machine(world: World, binary_cache: BinaryCache) -> None:
    world.sync('packages = ["jq", "hello"]\n')
    binary_cache.push(world, *(linked for element in world.profile_elements() for linked in element.store_paths))
    world.move()
    binary_cache.use_in(world)
    world.nixprof("list")  # gets to know this Nix, with one more
    processes = started(world, "sync")
    assert len(processes) <= 3, "\n".join(map(str, processes))
    agree(world)


def test_a_nix_is_asked_once_what_it_is(world: World) -> None:
    world.write_manifest('packages = ["jq"]\n')
    assert len(started(world, "list")) == 1
    assert [argv for argv in started(world, "sync") if "--version" in argv] == []
