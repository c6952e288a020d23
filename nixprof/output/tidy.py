"""`nixprof tidy`, shown."""

from __future__ import annotations

import sys
from itertools import zip_longest
from typing import TYPE_CHECKING

from nixprof.commands.tidy import COLLECT, Keeping
from nixprof.formatting import count, size
from nixprof.output.table import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nixprof.commands.tidy import Tidied
    from nixprof.context import Context

# `remove` and what follows it.
_TITLE_COLUMNS = 8
_WHY = {
    Keeping.CURRENT: "current",
    Keeping.NEWEST: "newest",
    Keeping.YOUNG: "in use not long ago",
    Keeping.PROVEN: "was in use for a day",
}


def show(result: Tidied, context: Context) -> None:
    """Show which generations stay and go, or what became of them and how to have the room."""
    console = context.console
    number = count(len(result.removed), "generation")
    if not result.removed:
        console.say(f"✓ nothing to remove: {count(len(result.kept), 'generation')}")
    elif result.done:
        console.say(f"✓ {number} removed, {len(result.kept)} kept")
        if result.collected is None and result.freed_bytes:
            console.say(f"  to free about {size(result.freed_bytes)}: {COLLECT}")
    elif result.declined:
        console.say("Nothing was changed.")
    else:
        console.say(*_plan(result, console.width(sys.stderr)))
        if context.dry_run:
            console.say(f"dry run: would remove {number} (nothing was changed)")
    if result.collected:
        console.say(f"  {result.collected.splitlines()[-1]}")


def _plan(result: Tidied, width: int | None) -> Iterator[str]:
    stays = [
        f"{_ranges(numbers)} ({_WHY[why]})"
        for why in Keeping
        if (numbers := [one.generation for one in result.kept if one.why is why])
    ]
    goes = _ranges(one.generation for one in result.removed).split(", ")
    for title, parts, separator in (("keep", stays, " · "), ("remove", goes, ", ")):
        lines = fold(parts, separator, width and width - _TITLE_COLUMNS)
        yield from (f"{start:{_TITLE_COLUMNS}}{line}" for start, line in zip_longest([title], lines, fillvalue=""))
    yield f"  about {size(result.freed_bytes)} can then be freed, unless something else needs it"


def _ranges(numbers: Iterable[int]) -> str:
    """Write numbers with those in a row as one: `1 to 5, 7`."""
    rows: list[list[int]] = []
    for number in sorted(numbers):
        if rows and rows[-1][-1] == number - 1:
            rows[-1].append(number)
        else:
            rows.append([number])
    return ", ".join(_range(row) for row in rows)


def _range(row: Sequence[int]) -> str:
    return f"{row[0]} to {row[-1]}" if len(row) > 2 else ", ".join(map(str, row))  # noqa: PLR2004 - two are two
