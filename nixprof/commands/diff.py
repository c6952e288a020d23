"""`nixprof diff`: package versions between two generations, or between what is installed and what the list asks."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.causes import explained
from nixprof.change.differences import Change, compare
from nixprof.change.generations import current_of, find, generations
from nixprof.change.process_lock import warn
from nixprof.change.state import State
from nixprof.errors import NixprofError
from nixprof.lock.lock import Lock
from nixprof.record import record
from nixprof.store_path import package_of

if TYPE_CHECKING:
    from nixprof.change.generations import Generation
    from nixprof.context import Context
    from nixprof.nix.operations import Nix


@record
class PathChange:
    """What becomes of the paths of one name, with all that is needed for the packages; versions may be empty."""

    name: str
    before: tuple[str, ...]  # the versions of the paths that go; none where the name is new
    after: tuple[str, ...]  # of those that come
    difference_bytes: int  # how much more there is on the disk


@record
class Difference:
    """What turns one into the other."""

    before: str  # what is compared: `generation 3` or `installed`
    after: str  # with what: `generation 5` or `the list`
    changes: tuple[Change, ...]
    unresolved: tuple[str, ...] = ()  # packages of the list that have no known version yet
    difference_bytes: int | None = None  # how much more there is on the disk; None where it is not known
    closure: tuple[PathChange, ...] | None = None  # of everything that the packages need; None where it is not known


def run(context: Context, before: int | None = None, after: int | None = None) -> Difference:
    """Compare two generations, the second by default the current one; without any, what is installed and the list."""
    if before is None:
        return _with_the_list(context)
    with context.nix() as nix:
        found = generations(context)
        one, other = find(found, before), current_of(context, found) if after is None else find(found, after)
        closure = _closure(nix, one, other)
        changes = compare(one.packages, other.packages)
        return Difference(
            f"generation {one.number}",
            f"generation {other.number}",
            explained(nix, changes, one.packages, other.packages, {}, _changelogs(other)),
            (),
            None if closure is None else sum(each.difference_bytes for each in closure),
            closure,
        )


def _closure(nix: Nix, one: Generation, other: Generation) -> tuple[PathChange, ...] | None:
    """Compare everything that two generations need; None where the store does not know."""
    if one.packages == other.packages:
        return ()
    starts = [{path for package in each.packages for path in package.paths} for each in (one, other)]
    try:
        graph = nix.graph(starts[0] | starts[1])
    except NixprofError:
        return None
    before, after = map(graph.closure, starts)
    gone, come = _by_name(before - after), _by_name(after - before)
    return tuple(
        PathChange(
            name,
            tuple(sorted({version for version, _ in gone.get(name, ())})),
            tuple(sorted({version for version, _ in come.get(name, ())})),
            graph.size(path for _, path in come.get(name, ())) - graph.size(path for _, path in gone.get(name, ())),
        )
        for name in sorted(gone.keys() | come.keys())
    )


def _by_name(paths: set[str]) -> dict[str, list[tuple[str, str]]]:
    """Give paths with their versions, by name."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in paths:
        name, version = package_of([path], [])
        found.setdefault(name, []).append((version, path))
    return found


def _changelogs(generation: Generation) -> dict[str, str]:
    """Read where the packages of a generation say what has changed, in the lock that it was made from."""
    if generation.environment is None:
        return {}
    with suppress(NixprofError):
        return Lock.read(Path(generation.environment.flake)).changelogs
    return {}


def _with_the_list(context: Context) -> Difference:
    warn(context)
    state = State(context)
    unresolved = {package.spec.key for package in state.unresolved}
    changes = tuple(one for one in compare(state.installed, state.expected) if one.key not in unresolved)
    waiting = tuple(one.written for one in state.wanted if one.spec.key in unresolved)
    return Difference("installed", "the list", changes, waiting)
