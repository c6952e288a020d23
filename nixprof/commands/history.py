"""`nixprof history`: the generations of the profile, and what each one changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.differences import Change, compare
from nixprof.change.generations import Generation, PastRollback, generations, rollbacks
from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.context import Context


@record
class Entry:
    """A generation."""

    generation: int
    time: int  # in seconds since 1970
    current: bool
    by_nixprof: bool  # whether it was nixprof's environment that changed
    command: str | None  # what the user typed, where that is known
    changes: tuple[Change, ...] | None  # against the one that it was made from; None where that one was deleted


@record
class History:
    """All generations and rollbacks, the newest first."""

    generations: tuple[Entry, ...]
    rollbacks: tuple[PastRollback, ...] = ()


def run(context: Context) -> History:
    """List the generations. Starts no Nix."""
    found, gone = generations(context), rollbacks(context)
    profile = context.profile()
    current = profile.generation if profile else None
    by_number = {one.number: one for one in found}
    entries = [_entry(one, _made_from(one, by_number, gone), current) for one in found]
    return History(tuple(reversed(entries)), tuple(reversed(gone)))


def _made_from(one: Generation, found: Mapping[int, Generation], gone: Sequence[PastRollback]) -> Generation | None:
    """Find the generation that one was made from: the one before it, or the one that a rollback went to before it."""
    number = one.number - 1
    return found.get(next((back.after for back in reversed(gone) if back.newest == number), number))


def _entry(one: Generation, before: Generation | None, current: int | None) -> Entry:
    changes = None if before is None and one.number > 1 else compare(before.packages if before else (), one.packages)
    by_nixprof = one.environment is not None and (before is None or _path(before) != _path(one))
    return Entry(one.number, int(one.time), one.number == current, by_nixprof, one.command or None, changes)


def _path(one: Generation) -> str | None:
    return one.environment.store_path if one.environment else None
