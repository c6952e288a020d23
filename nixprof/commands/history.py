"""`nixprof history`: the generations of the profile, and what each one changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof.changes import Change, compare
from nixprof.generations import Generation, generations

if TYPE_CHECKING:
    from nixprof.state import Project


@dataclass(frozen=True, slots=True)
class Entry:
    """A generation, what it changed, and whether it is the current one.

    Attributes:
        generation: the generation.
        changes: against the generation before it; for the oldest that there is, against nothing.
        by_nixprof: whether it was nixprof's environment that changed.
        current: whether the profile is at it.

    """

    generation: Generation
    changes: tuple[Change, ...]
    by_nixprof: bool
    current: bool


@dataclass(frozen=True, slots=True)
class History:
    """All generations, the newest first."""

    entries: tuple[Entry, ...]


def run(project: Project) -> History:
    """List the generations. Starts no Nix."""
    found = generations(project)
    profile = project.profile()
    current = profile.generation if profile else None
    before: Generation | None = None
    entries = []
    for one in found:
        entries.append(
            Entry(
                one,
                compare(before.packages if before else (), one.packages),
                one.environment is not None and (before is None or _path(before) != _path(one)),
                one.number == current,
            )
        )
        before = one
    return History(tuple(reversed(entries)))


def _path(one: Generation) -> str | None:
    return one.environment.store_path if one.environment else None
