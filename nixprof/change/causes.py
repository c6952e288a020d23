"""Why packages change: what made a rebuilt one another, and which security patches are new.

Known is what the derivations say, where the store has both of them. Else what the outputs refer to gives a guess.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from nixprof.change.differences import Cause, Kind
from nixprof.errors import NixprofError
from nixprof.nix.derivation import names_in, read_derivation, same_recipe
from nixprof.record import replace
from nixprof.store_path import built_name, outputs_of, package_of, split_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from nixprof.change.differences import Change
    from nixprof.change.environment import EnvironmentEntry
    from nixprof.nix.derivation import Derivation
    from nixprof.nix.operations import Nix
    from nixprof.nix.store_graph import StoreGraph

    Pair = tuple[str, str]

# Looking on would take longer than the answer is worth.
_MAX_PAIRS = 300


def explained(
    nix: Nix,
    changes: Sequence[Change],
    old: Sequence[EnvironmentEntry],
    new: Sequence[EnvironmentEntry],
    derivations: Mapping[str, str],
    changelogs: Mapping[str, str],
) -> tuple[Change, ...]:
    """Say why packages change, as far as that can be known without building or fetching anything.

    Args:
        nix: asked once, and only where something has changed.
        changes: what turns `old` into `new`.
        old: the packages as they were.
        new: as they are, or will be.
        derivations: what builds the new ones, by key, as far as that is known.
        changelogs: where the new ones say what has changed, by key.

    """
    before, after = ({one.key: one for one in some} for some in (old, new))
    moved = {one.key for one in changes if one.kind in (Kind.CHANGED, Kind.REBUILT)}
    if not moved:
        return tuple(changes)
    changes = [replace(one, changelog=changelogs.get(one.key, "")) if one.key in moved else one for one in changes]
    paths = {path for key in moved for one in (before[key], after[key]) for path in one.paths}
    try:
        graph = nix.graph(path for path in paths if os.path.lexists(path))
    except NixprofError:  # something was deleted by hand
        return tuple(changes)
    why = _Why(graph)
    return tuple(
        why.of(one, before[one.key].paths, after[one.key].paths, derivations.get(one.key, ""))
        if one.key in moved
        else one
        for one in changes
    )


class _Why:
    def __init__(self, graph: StoreGraph) -> None:
        self._graph = graph
        # Packages need the same: each is read and compared once.
        self._read: Callable[[str], Derivation | None] = cache(read_derivation)
        self._compared = cache(self._compare)

    def of(self, change: Change, old: Sequence[str], new: Sequence[str], derivation: str) -> Change:
        """Add to a change why it is, given the paths of the package and what builds the new one."""
        pair = (self._deriver(old), derivation or self._deriver(new))
        cause = None
        if change.kind is Kind.REBUILT:
            cause = self._cause(pair) or self._guess(old, new)
        return replace(change, cause=cause, cves=self._cves(pair))

    def _deriver(self, paths: Sequence[str]) -> str:
        return next((drv for path in paths if (drv := self._graph.derivers.get(path))), "")

    def _cves(self, pair: Pair) -> tuple[str, ...] | None:
        """Give the security patches that are new; None where that is not known."""
        one, other = map(self._read, pair)
        return tuple(sorted(other.cves - one.cves)) if one and other else None

    def _cause(self, start: Pair) -> Cause | None:
        """Find the nearest change by the derivations; None where they do not tell."""
        ahead = [start]
        for pair in ahead:  # which grows: nearest first
            if len(ahead) > _MAX_PAIRS:
                break
            is_changed, below = self._compared(pair)
            name, version = _name_and_version(pair[1])
            if is_changed:
                return Cause("" if pair == start else name, version, version, self._cves(pair) or ())
            for one in below:
                (name, was), (_, now) = map(_name_and_version, one)
                if was != now:
                    return Cause(name, was, now, self._cves(one) or ())
            ahead += [one for one in below if one not in ahead]
        return None

    def _compare(self, pair: Pair) -> tuple[bool, tuple[Pair, ...]]:
        """Tell whether something is itself built in another way, and pair what it needs that is another, by name."""
        one, other = map(self._read, pair)
        if not (one and other):
            return False, ()
        gone, come = one.inputs - other.inputs, other.inputs - one.inputs
        fixed = {path: found.fixed for path in (*gone, *come) if (found := self._read(path)) and found.fixed}
        downloads = ({fixed[path] for path in some & fixed.keys()} for some in (gone, come))
        is_changed = not same_recipe(one, other) or one.sources != other.sources or next(downloads) != next(downloads)
        below = _paired(gone - fixed.keys(), come - fixed.keys(), lambda path: _name_and_version(path)[0])
        libraries = names_in(other.recipe.get("buildInputs", "")).split()
        return is_changed, tuple(sorted(below, key=lambda pair: _name_and_version(pair[1])[0] not in libraries))

    def _guess(self, old: Sequence[str], new: Sequence[str]) -> Cause | None:
        """Find the nearest other version among what the outputs refer to; None where there is none, or no outputs."""
        graph = self._graph
        ahead = list(_paired(old, new, _output_name))
        for pair in ahead:
            if len(ahead) > _MAX_PAIRS or not graph.references.keys() >= set(pair):
                continue
            gone, come = (set(graph.references[path]) for path in pair)
            below = list(_paired(gone - come, come - gone, _output_name))
            for was, now in below:
                before, after = package_of([was], [])[1], package_of([now], [])[1]
                if before != after:
                    return Cause(package_of([now], [])[0], before, after, (), guessed=True)
            ahead += [one for one in below if one not in ahead]
        return None


def _paired(old: Collection[str], new: Collection[str], name: Callable[[str], str]) -> Iterator[Pair]:
    """Pair paths that have the same name; a name that is there more often than once says nothing."""
    before, after = _by_name(old, name), _by_name(new, name)
    for key in sorted(before.keys() & after.keys()):
        if len(before[key]) == len(after[key]) == 1 and before[key] != after[key]:
            yield before[key][0], after[key][0]


def _by_name(paths: Collection[str], name: Callable[[str], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(name(path), []).append(path)
    return found


def _name_and_version(derivation: str) -> tuple[str, str]:
    return split_name(built_name(derivation))


def _output_name(path: str) -> str:
    """Name a path by package and output, without the version."""
    return f"{package_of([path], [])[0]}^{next(iter(outputs_of([path], [])))}"
