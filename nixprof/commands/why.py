"""`nixprof why`: what brings a package, a store path or a program, and the story of an entry of the list."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nixprof.change.hold_story import hold_story
from nixprof.change.needs import Needs
from nixprof.change.process_lock import warn
from nixprof.change.state import State
from nixprof.errors import NixprofError, Reason
from nixprof.manifest.installable import suggest
from nixprof.nix.store_graph import chain
from nixprof.record import record
from nixprof.redact import excerpt
from nixprof.store_path import name_of, package_of, store

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from nixprof.change.hold_story import HoldStory
    from nixprof.context import Context
    from nixprof.lock.flake_lock import LockedInput
    from nixprof.manifest.model import Package


@record
class Way:
    """A package of the profile that needs a path, and by what."""

    key: str
    chain: tuple[str, ...]  # the shortest one: from a path of its own down to the one that was asked for


@record
class Reached:
    """A path that was asked for."""

    path: str
    bytes: int
    needed_by: tuple[Way, ...]  # the shortest first
    generations: tuple[int, ...]  # which need it, where the current one does not


@record
class Story:
    """An entry of the list: where it is from, and what it takes."""

    package: Package
    version: str  # may be empty
    input: LockedInput | None  # the input as it is locked now; None where it is not, or the package has none
    held: str | None  # the locked reference that it stays at, empty for its store path; None where it follows its input
    own_bytes: int  # what would go without it
    closure_bytes: int  # what it needs in all
    held_back: HoldStory | None  # why it stays at what it was; None where it does not


@record
class Why:
    """What brings what was asked for."""

    asked: str
    story: Story | None  # where it is an entry of the list that is installed; then `paths` are its own
    paths: tuple[Reached, ...]


def run(context: Context, asked: str) -> Why:
    """Find out what needs something; Nix is asked once, once more for the log of a build, and no network.

    Args:
        context: whose profile.
        asked: an entry of the list, a package that one needs, a program, or a file that is or leads to a store path.

    Raises: NixprofError where nothing that is installed needs it.

    """
    warn(context)
    state = State(context)
    with context.nix() as nix:
        needs = Needs(context, nix)
        key = _listed(asked, state)
        paths = [path for one in needs.packages if one.key == key for path in one.paths] or list(_paths(asked, needs))
        if not paths:
            raise _not_there(asked, needs)
        key = _owner(paths, state, needs)
        held_back = hold_story(nix, key, state.held) if key else None
    reached = (_reached(path, needs, key) for path in dict.fromkeys(paths))
    return Why(asked, _story(key, state, needs, held_back) if key else None, tuple(reached))


def _listed(asked: str, state: State) -> str | None:
    """Find the key of the entry that has this name; None where none has."""
    return None if _store_path_of(asked) else state.key_of(asked, "why")


def _owner(paths: Collection[str], state: State, needs: Needs) -> str | None:
    """Find the key of the entry that has all of the paths itself; None where none has."""
    listed = {package.spec.key for package in state.manifest.packages}
    return next((one.key for one in needs.packages if one.key in listed and set(paths) <= set(one.paths)), None)


def _store_path_of(asked: str) -> str | None:
    """Give the store path that a file is in; None for what is no file.

    Raises: NixprofError where a file is elsewhere.
    """
    if os.sep not in asked:
        return None
    path = os.path.realpath(os.path.expanduser(asked))
    inside = os.path.relpath(path, os.path.realpath(store()))
    if inside.partition(os.sep)[0] not in (os.pardir, os.curdir):
        return os.path.join(store(), inside.partition(os.sep)[0])
    if not os.path.lexists(path):
        return None
    raise NixprofError(f"{excerpt(asked)} is not in the Nix store", Reason.NOT_INSTALLED)


def _paths(asked: str, needs: Needs) -> Iterator[str]:
    """Find the store paths that are meant: among what the profile needs now, then among what others need."""
    path = _store_path_of(asked)
    if path:
        yield from {path} & needs.graph.sizes.keys()
        return
    program = os.path.realpath(os.path.join(needs.current.profile.store_path or "", "bin", asked))
    now = list(_named(asked, needs.closure_now))
    if not now and os.path.isfile(program):
        now = [found for found in (_store_path_of(program),) if found and found in needs.graph.sizes]
    yield from now or _named(asked, needs.graph.sizes)


def _named(asked: str, paths: Iterable[str]) -> Iterator[str]:
    """Find the paths that have a name, with its version or without."""
    for path in sorted(paths, key=name_of):
        name, version = package_of([path], [])
        if asked in (name, f"{name}-{version}", name_of(path)):
            yield path


def _reached(path: str, needs: Needs, key: str | None) -> Reached:
    """Tell which packages but that of a key need a path."""
    if path not in needs.closure_now:
        others = tuple(one.number for one in needs.generations if path in needs.closure([one]))
        return Reached(path, needs.graph.sizes[path], (), others)
    next_step = needs.graph.ways_to(path)
    ways = [
        Way(one.key, min((chain(own, next_step) for own in starts), key=len))
        for one in needs.packages
        if one.key != key and (starts := [own for own in one.paths if own in next_step])
    ]
    return Reached(path, needs.graph.sizes[path], tuple(sorted(ways, key=lambda one: len(one.chain))), ())


def _story(key: str, state: State, needs: Needs, held_back: HoldStory | None) -> Story:
    one = next(one for one in needs.packages if one.key == key)
    package = next(package for package in (*state.wanted, *state.manifest.packages) if package.spec.key == key)
    return Story(
        package,
        one.version,
        state.lock.inputs.get(package.spec.input),
        state.lock.package(key).held,
        needs.own_bytes({key}),
        needs.graph.size(needs.graph.closure(one.paths)),
        held_back,
    )


def _not_there(asked: str, needs: Needs) -> NixprofError:
    names = {package_of([path], [])[0] for path in needs.closure_now}
    hints = suggest(asked, names, "nixprof why") or ("to see the list: nixprof list",)
    return NixprofError(f"nothing that is installed needs {excerpt(asked)}", Reason.NOT_INSTALLED, hints=hints)
