"""`nixprof history`, shown."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, Any

from nixprof.change.differences import Kind
from nixprof.formatting import package_name, package_title
from nixprof.output.change import common_part
from nixprof.output.table import columns, cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.change.differences import Change
    from nixprof.commands.history import Entry, History
    from nixprof.console import Console
    from nixprof.context import Context

_DAY_SECONDS = 86400
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
    return {
        "generations": [
            {"generation": one.generation, "time": one.time, "current": one.current}
            | {"byNixprof": one.by_nixprof, "command": one.command, "changes": one.changes}
            for one in result.generations
        ],
        "rollbacks": [
            {"time": int(one.time), "before": one.before, "after": one.after, "command": one.command}
            for one in result.rollbacks
        ],
    }


def history(result: History, console: Console) -> Iterator[str]:
    """Align the generations, and the ways back among them."""
    width = console.width(sys.stdout)
    heads = [_head(entry) for entry in result.generations]
    room = None if width is None else width - sum(max(map(len, cells)) + 2 for cells in zip(*heads, strict=True))
    rows = [(*head, _changed(entry, room)) for head, entry in zip(heads, result.generations, strict=True)]
    for back in result.rollbacks:
        # Above the newest generation that there was, and below the ways back that came after it.
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


def _changed(entry: Entry, width: int | None) -> str:
    """Say what a generation changed, as far as that can be known."""
    return "(the generation before it was deleted)" if entry.changes is None else summary(entry.changes, width)


def _emphasised(line: str, console: Console) -> str:
    """Set off the parts of versions that changed."""

    def bold(found: re.Match[str]) -> str:
        same = common_part(found["before"], found["after"])
        return f"{found['before']} → {found['after'][:same]}" + console.styled(
            found["after"][same:], "bold", sys.stdout
        )

    return re.sub(r"(?P<before>\S+) → (?P<after>[^\s,…]+)", bold, line)


def when(seconds: float) -> str:
    """Write a moment as somebody would say it who looks back: today's with the time, older ones by the date."""
    then, now = time.localtime(seconds), time.localtime()
    yesterday = time.localtime(time.time() - _DAY_SECONDS)
    clock = time.strftime("%H:%M", then)
    if then[:3] == now[:3]:
        return f"today {clock}"
    if then[:3] == yesterday[:3]:
        return f"yesterday {clock}"
    return time.strftime("%Y-%m-%d", then)


def summary(changes: Sequence[Change], width: int | None) -> str:
    """Write changes on one line: the first of each kind by name, the rest as a number.

    Args:
        changes: what to write.
        width: as many names as fit into it, up to two of a kind; None for two.

    """
    if width is not None and len(_summary(changes, 2)) > width:
        return _summary(changes, 1)
    return _summary(changes, 2)


def _summary(changes: Sequence[Change], most: int) -> str:
    parts = []
    for sign, kinds in (("+", (Kind.ADDED,)), ("-", (Kind.REMOVED,)), ("~", (Kind.CHANGED, Kind.REBUILT, Kind.RANKED))):
        those = [one for one in changes if one.kind in kinds]
        if those:
            named = ", ".join(_brief(one) for one in those[:most])
            more = f" and {len(those) - most} more" if len(those) > most else ""
            parts.append(f"{sign} {named}{more}")
    return "  ".join(parts) or "no package changes"


def _brief(change: Change) -> str:
    version = change.after or change.before or ""
    if change.kind is Kind.CHANGED:
        return f"{package_name(change.key)} {change.before or '?'} → {change.after or '?'}"
    return f"{package_title(change.key, version)} {version}".rstrip()
