"""`nixprof diff`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nixprof.formatting import size_difference
from nixprof.output.change import change_lines, on_disk
from nixprof.output.table import columns, fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.commands.diff import Difference, PathChange
    from nixprof.context import Context


# By whether the name was there, and is.
_SIGNS = {(False, True): "+", (True, False): "-", (True, True): "~"}


def show(result: Difference, context: Context) -> None:
    """Show what turns one into the other."""
    console = context.console
    console.out(change_lines(result.changes, {}, console, sys.stdout))
    width = console.width(sys.stdout)
    if result.unresolved:
        first, *others = result.unresolved
        lines = fold([f"not resolved yet: {first}", *others], ", ", width and width - 2)
        console.out(f"  {line}" for line in lines)
    if console.verbose and result.closure:
        console.out(_closure(result.closure, width))
    console.out(f"  {part}" for part in on_disk(result.difference_bytes))
    if not result.changes and not result.unresolved:
        console.say(f"No difference between {result.before} and {result.after}.")


def _closure(changes: Sequence[PathChange], width: int | None) -> Iterator[str]:
    """Show what becomes of everything that the packages need, by name; what has another path only is counted."""
    moved = [one for one in changes if one.before != one.after]
    yield "everything that is needed:"
    yield from columns([_row(one) for one in moved], width, indent=2)
    if len(moved) < len(changes):
        yield f"  and {len(changes) - len(moved)} rebuilt"


def _row(one: PathChange) -> tuple[str, ...]:
    before, after = (", ".join(version or "no version" for version in some) for some in (one.before, one.after))
    versions = f"{before} → {after}" if before and after else before or after
    return f"{_SIGNS[bool(before), bool(after)]} {one.name}", size_difference(one.difference_bytes), versions
