"""`nixprof diff`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nixprof.output.change import change_lines, on_disk
from nixprof.output.table import fold

if TYPE_CHECKING:
    from nixprof.commands.diff import Difference
    from nixprof.context import Context


def show(result: Difference, context: Context) -> None:
    """Show what turns one into the other."""
    console = context.console
    console.out(change_lines(result.changes, {}, console, sys.stdout))
    width = console.width(sys.stdout)
    if result.unresolved:
        first, *others = result.unresolved
        lines = fold([f"not resolved yet: {first}", *others], ", ", width and width - 2)
        console.out(f"  {line}" for line in lines)
    console.out(f"  {part}" for part in on_disk(result.difference_bytes))
    if not result.changes and not result.unresolved:
        console.say(f"No difference between {result.before} and {result.after}.")
