"""Search by halves: the first that is bad in a row, and a smallest set of changes that is bad together.

Nothing here knows what is searched: a judge is asked, never twice about the same thing.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Verdict(Enum):
    """What a try shows."""

    GOOD = "good"
    BAD = "bad"
    SKIP = "skip"  # it cannot be told


def boundary(good: int, bad: int, judge: Callable[[int], Verdict]) -> tuple[int, int]:
    """Narrow down where good becomes bad, between a number that is good and a greater one that is bad.

    Returns: the last good and the first bad; what is between them has been skipped.

    """
    skipped: set[int] = set()
    while open_ := [one for one in range(good + 1, bad) if one not in skipped]:
        middle = min(open_, key=lambda one: abs(2 * one - good - bad))
        match judge(middle):
            case Verdict.GOOD:
                good = middle
            case Verdict.BAD:
                bad = middle
            case Verdict.SKIP:
                skipped.add(middle)
    return good, bad


def culprits(number: int, judge: Callable[[frozenset[int]], Verdict]) -> frozenset[int]:
    """Find a smallest set of changes that is bad: each of them is needed for it, as far as that can be told.

    Each round adds the change that makes a growing row of them bad, and then looks only at those before it: k culprits
    among n changes take about k · log n tries.

    Args:
        number: how many changes there are; none of them is good, all of them together are bad.
        judge: tells how it is with some of the changes.

    """
    known = {frozenset[int](): Verdict.GOOD, frozenset(range(number)): Verdict.BAD}

    def once(changes: frozenset[int]) -> Verdict:
        if changes not in known:
            known[changes] = judge(changes)
        return known[changes]

    found: frozenset[int] = frozenset()
    end = number  # what is found and the changes below it are bad together
    while once(found) is not Verdict.BAD:
        start, stop = _next_culprit(found, end, once)
        found |= set(range(start, stop))
        end = start
    for one in sorted(found):
        if len(found) > 1 and once(found - {one}) is Verdict.BAD:
            found -= {one}
    return found


def _next_culprit(found: frozenset[int], end: int, judge: Callable[[frozenset[int]], Verdict]) -> tuple[int, int]:
    """Find the change that is bad with those below it and what is found; several where they cannot be told apart."""
    return boundary(0, end, lambda number: judge(found | set(range(number))))


def tries_left(number: int) -> int:
    """Estimate how many tries it takes to find one among a number."""
    return (number - 1).bit_length() if number > 0 else 0
