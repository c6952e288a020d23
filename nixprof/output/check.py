"""`nixprof check`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nixprof.formatting import count
from nixprof.output.held import held_title
from nixprof.output.table import cut, fold, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.check import Checked
    from nixprof.context import Context

# More hints say nothing new.
_MAX_HINTS = 3


def show(result: Checked, context: Context) -> None:
    """Show what cannot be had, one package a line, with the reason and where."""
    context.console.out(_lines(result, context.console.width(sys.stdout)))


def exit_code(result: Checked) -> int:
    """Give 3 where something cannot be had."""
    return 3 if result.unavailable else 0


def _lines(result: Checked, width: int | None) -> Iterator[str]:
    rows = _rows(result)
    if rows:
        yield from wrapped(rows, width)
    for gap in result.held:
        yield cut(f"held back on {gap.system}: {held_title(gap)}", width)
    if result.unchecked:
        yield from fold([f"cannot be checked here: {result.unchecked[0]}", *result.unchecked[1:]], ", ", width)
    if result.hints:
        yield "to list a package only where it can be had:"
        yield from (f"  {hint}" for hint in result.hints[:_MAX_HINTS])
    yield from fold(_verdict(result), ", ", width)


def _rows(result: Checked) -> list[tuple[str, str, str]]:
    """Put together the places where a package cannot be had for the same reason."""
    places: dict[tuple[str, str], list[str]] = {}
    for gap in result.unavailable:
        place = f"host {gap.package.scope.name}" if gap.package.scope.kind == "host" else gap.system
        found = places.setdefault((gap.package.written, gap.why.message), [])
        if place not in found:
            found.append(place)
    return [(name, message, ", ".join(found)) for (name, message), found in places.items()]


def _verdict(result: Checked) -> list[str]:
    """Sum up, in words that a line may be broken between."""
    others = [*result.others, *(f"host {name}" for name in result.hosts)]
    missing = len({gap.package for gap in result.unavailable})
    if missing:
        return [f"✗ {missing} of {count(result.packages, 'package')} cannot be had everywhere"]
    return [f"✓ {count(result.packages, 'package')} can be had on {result.systems[0]}", *result.systems[1:], *others]
