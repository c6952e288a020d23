"""`nixprof diff`: package versions between two generations, or between what is installed and what the list asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.differences import Change, compare
from nixprof.change.generations import current_of, difference_between, find, generations
from nixprof.change.process_lock import warn
from nixprof.change.state import State
from nixprof.record import record

if TYPE_CHECKING:
    from nixprof.context import Context


@record
class Difference:
    """What turns one into the other."""

    before: str  # what is compared: `generation 3` or `installed`
    after: str  # with what: `generation 5` or `the list`
    changes: tuple[Change, ...]
    unresolved: tuple[str, ...] = ()  # packages of the list that have no known version yet
    difference_bytes: int | None = None  # how much more there is on the disk; None where it is not known


def run(context: Context, before: int | None, after: int | None) -> Difference:
    """Compare two generations, the second by default the current one; without any, what is installed and the list."""
    if before is None:
        return _with_the_list(context)
    with context.nix() as nix:
        found = generations(context)
        one, other = find(found, before), current_of(context, found) if after is None else find(found, after)
        return Difference(
            f"generation {one.number}",
            f"generation {other.number}",
            compare(one.packages, other.packages),
            difference_bytes=difference_between(nix, one, other),
        )


def _with_the_list(context: Context) -> Difference:
    warn(context)
    state = State(context)
    unresolved = {package.spec.key for package in state.unresolved}
    changes = tuple(one for one in compare(state.installed, state.expected) if one.key not in unresolved)
    waiting = tuple(one.written for one in state.wanted if one.spec.key in unresolved)
    return Difference("installed", "the list", changes, waiting)
