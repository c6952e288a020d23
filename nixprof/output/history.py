"""`nixprof history`, shown."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, Any

from nixprof.formatting import DAY_SECONDS, listed
from nixprof.output.change import KINDS, brief, common_part
from nixprof.output.table import columns, cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.change.differences import Change
    from nixprof.commands.history import Entry, History
    from nixprof.console import Console
    from nixprof.context import Context

# This much of a command tells which one it was.
_COMMAND_COLUMNS = 24


def show(result: History, context: Context) -> None:
    """Show the generations, the newest first."""
    if result.generations:
        context.console.out(history(result, context.console))
    else:
        context.console.say("There is no profile yet. To begin: nixprof add ripgrep")


def as_json(result: History) -> dict[str, Any]:
    """Give the generations by their fields."""
    backs = [(int(one.time), one.before, one.after, one.command) for one in result.rollbacks]
    rollbacks = [dict(zip(("time", "before", "after", "command"), back, strict=True)) for back in backs]
    return {"generations": result.generations, "rollbacks": rollbacks}


def history(result: History, console: Console) -> Iterator[str]:
    """Align the generations and rollbacks."""
    width = console.width(sys.stdout)
    heads = [_head(entry) for entry in result.generations]
    room = None if width is None else width - sum(max(map(len, cells)) + 2 for cells in zip(*heads, strict=True))
    rows = [(*head, _changed(entry.changes, room)) for head, entry in zip(heads, result.generations, strict=True)]
    for back in result.rollbacks:
        # Above the newest generation of its time, and below the rollbacks that came after it.
        at = next((i for i, row in enumerate(rows) if row[0] and int(row[0][1:]) <= back.newest), len(rows))
        way = f"from generation {back.before} to {back.after}"
        rows.insert(at, ("", when(back.time), cut(_command(back.command), _COMMAND_COLUMNS), way))
    for line in columns(rows, width):
        yield _emphasised(line, console)


def _head(entry: Entry) -> tuple[str, str, str]:
    command = _command(entry.command or "") or ("nixprof" if entry.by_nixprof else "(not by nixprof)")
    number = f"{'*' if entry.current else ' '}{entry.generation:>3}"
    return number, when(entry.time), cut(command, _COMMAND_COLUMNS)


def _command(text: str) -> str:
    return text.removeprefix("nixprof ")


def _emphasised(line: str, console: Console) -> str:

    def bold(found: re.Match[str]) -> str:
        same = common_part(found[1], found[2])
        return f"{found[1]} → {found[2][:same]}" + console.styled(found[2][same:], "bold", sys.stdout)

    return re.sub(r"(\S+) → ([^\s,…]+)", bold, line)


def when(seconds: float) -> str:
    """Write a moment as somebody would say it who looks back: today's with the time, older ones by the date."""
    then, now = time.localtime(seconds), time.time()
    for day, of_day in (("today", now), ("yesterday", now - DAY_SECONDS)):
        if then[:3] == time.localtime(of_day)[:3]:
            return f"{day} {time.strftime('%H:%M', then)}"
    return time.strftime("%Y-%m-%d", then)


def _changed(changes: Sequence[Change] | None, width: int | None) -> str:
    """Say on one line what a generation changed: two of each kind by name, or one where that is too long."""
    if changes is None:
        return "(the generation before it was deleted)"
    line = _summary(changes, 2)
    return line if width is None or len(line) <= width else _summary(changes, 1)


def _summary(changes: Sequence[Change], most: int) -> str:
    by_sign: dict[str, list[str]] = {"+": [], "-": [], "~": []}
    for change in changes:
        by_sign[KINDS[change.kind][0]].append(brief(change))
    parts = [f"{sign} {listed(names, most)}" for sign, names in by_sign.items() if names]
    return "  ".join(parts) or "no package changes"
