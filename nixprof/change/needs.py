"""What the generations of a profile need in the store, and which packages need what: Nix is asked once."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from nixprof.change.generations import current_of, generations

if TYPE_CHECKING:
    from collections.abc import Collection

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.change.generations import Generation
    from nixprof.change.state import State
    from nixprof.context import Context
    from nixprof.nix.operations import Nix


class Needs:
    """The generations of a profile, the oldest first, with everything that they need."""

    def __init__(self, context: Context, nix: Nix) -> None:
        """Ask Nix.

        Raises: NixprofError where there is no profile.
        """
        self.generations = generations(context)
        self.current = current_of(context, self.generations)
        with context.progress.step("looking through the store"):
            self.graph = nix.graph(path for one in self.generations for path in _roots(one))

    @property
    def packages(self) -> tuple[EnvironmentEntry, ...]:
        """What the profile has now: the packages of the list, and what nixprof has not installed."""
        return self.current.packages

    @cached_property
    def needed_by(self) -> dict[str, int]:
        """Which of `packages` need each path: bit N stands for the N-th."""
        return self.graph.needed_by([one.paths for one in self.packages])

    def closure(self, some: Collection[Generation]) -> set[str]:
        """Give everything that some generations need."""
        return self.graph.closure(path for one in some for path in _roots(one))

    @cached_property
    def closure_now(self) -> set[str]:
        """Everything that the profile needs now."""
        return self.closure([self.current])

    def own_bytes(self, keys: Collection[str]) -> int:
        """Tell what would go without some of the packages."""
        bits = sum(1 << number for number, one in enumerate(self.packages) if one.key in keys)
        return sum(self.graph.sizes[path] for path, users in self.needed_by.items() if users and not users & ~bits)

    def held_apart(self, state: State) -> dict[str, list[str]]:
        """Group the packages that are held at another revision than their input: by that, or by nothing for a path."""
        held: dict[str, list[str]] = {}
        for one in self.packages:
            at, now = state.lock.package(one.key).held, state.lock.inputs.get(one.key.partition("#")[0])
            if at is not None and at != (now.url if now else None):
                held.setdefault(at, []).append(one.key)
        return held


def _roots(generation: Generation) -> tuple[str, ...]:
    """Give what a generation keeps in the store; nothing where it was deleted there by hand."""
    path = generation.profile.store_path
    return (path,) if path and os.path.lexists(path) else ()
