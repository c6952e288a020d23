"""What store paths refer to: sizes, chains of references, and who needs what; one question to Nix gives it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from nixprof.schema import MisshapenError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


class StoreGraph:
    """Store paths with everything that they need."""

    def __init__(
        self,
        sizes: Mapping[str, int],  # in bytes, as Nix counts them
        references: Mapping[str, tuple[str, ...]],  # without those of a path to itself
        derivers: Mapping[str, str],  # the derivation of a path, where Nix knows it; that may not be in the store
    ) -> None:
        self.sizes = sizes
        self.references = references
        self.derivers = derivers

    @classmethod
    def parse(cls, told: Mapping[str, Any], roots: Collection[str] = ()) -> Self:
        """Read what `nix path-info --json` says of each path that `roots` need, which has to be a whole closure."""
        references = {path: tuple(to for to in one["references"] if to != path) for path, one in told.items()}
        if not references.keys() >= {*roots, *(to for some in references.values() for to in some)}:
            raise MisshapenError("a path is missing")
        derivers = {path: str(one["deriver"]) for path, one in told.items() if one.get("deriver")}
        return cls({path: int(one["narSize"]) for path, one in told.items()}, references, derivers)

    def closure(self, roots: Iterable[str]) -> set[str]:
        """Give everything that some paths need, themselves included."""
        found: set[str] = set()
        ahead = list(roots)
        while ahead:
            path = ahead.pop()
            if path not in found:
                found.add(path)
                ahead += self.references[path]
        return found

    def size(self, paths: Iterable[str]) -> int:
        """Add up what some paths take."""
        return sum(self.sizes[path] for path in paths)

    def needed_by(self, roots: Sequence[Iterable[str]]) -> dict[str, int]:
        """Tell which sets of roots need each path: bit N of a number stands for the N-th set. All in one pass."""
        found = dict.fromkeys(self.sizes, 0)
        for number, some in enumerate(roots):
            for path in some:
                found[path] |= 1 << number
        for path in self._downwards:
            for reference in self.references[path]:
                found[reference] |= found[path]
        return found

    @cached_property
    def _downwards(self) -> tuple[str, ...]:
        """All paths, each before those that it refers to; no path of a store refers to one that refers to it."""
        from graphlib import TopologicalSorter

        return tuple(reversed(tuple(TopologicalSorter(self.references).static_order())))

    def ways_to(self, goal: str) -> dict[str, str]:
        """Give, for every path that needs `goal`, what it refers to on the shortest way there; `goal` is its own."""
        next_step = {goal: goal}
        ahead = [goal]
        for path in ahead:  # which grows: nearest first
            for referrer in self._referrers.get(path, ()):
                if referrer not in next_step:
                    next_step[referrer] = path
                    ahead.append(referrer)
        return next_step

    @cached_property
    def _referrers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self.references):
            for reference in self.references[path]:
                found.setdefault(reference, []).append(path)
        return found


def chain(start: str, next_step: Mapping[str, str]) -> tuple[str, ...]:
    """Follow what `StoreGraph.ways_to` gives, from a path that needs the goal down to it."""
    found = [start]
    while next_step[found[-1]] != found[-1]:
        found.append(next_step[found[-1]])
    return tuple(found)
