"""`nixprof history`, `diff` and `rollback` as text."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from nixprof.changes import Kind
from nixprof.render.change import change_lines
from nixprof.render.table import columns
from nixprof.words import count, display_path, package_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.changes import Change
    from nixprof.commands.diff import Difference
    from nixprof.commands.history import Entry, History
    from nixprof.commands.rollback import Return, RolledBack
    from nixprof.console import Console

_DAY_SECONDS = 86400


def history(result: History, console: Console) -> Iterator[str]:
    """Show the generations, the newest first."""
    if result.entries:
        yield from columns([_row(entry) for entry in result.entries], console.width(sys.stdout))


def _row(entry: Entry) -> tuple[str, str, str, str]:
    one = entry.generation
    command = one.command.removeprefix("nixprof ") or ("" if entry.by_nixprof else "(not by nixprof)")
    number = f"{'*' if entry.current else ' '}{one.number:>3}"
    return number, when(one.time), command, summary(entry.changes)


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


def summary(changes: Sequence[Change]) -> str:
    """Write changes on one line: the first of each kind by name, the rest as a number."""
    parts = []
    for sign, kinds in (("+", (Kind.ADDED,)), ("-", (Kind.REMOVED,)), ("~", (Kind.CHANGED, Kind.REBUILT, Kind.RANKED))):
        those = [one for one in changes if one.kind in kinds]
        if those:
            named = ", ".join(_brief(one) for one in those[:2])
            more = f" and {len(those) - 2} more" if len(those) > 2 else ""  # noqa: PLR2004 - the two that are named
            parts.append(f"{sign} {named}{more}")
    return "  ".join(parts) or "no package changes"


def _brief(change: Change) -> str:
    name = package_name(change.key)
    if change.kind is Kind.CHANGED:
        return f"{name} {change.before or '?'} → {change.after or '?'}"
    return f"{name} {change.after or change.before or ''}".rstrip()


def difference(result: Difference, console: Console) -> Iterator[str]:
    """Show what turns one into the other."""
    yield from change_lines(result.changes, {}, console, sys.stdout)
    if result.unresolved:
        yield f"  not resolved yet: {', '.join(result.unresolved)}"


def no_difference(result: Difference) -> str:
    """Say that two are the same."""
    return f"No difference between {result.before} and {result.after}."


def way(result: Return, console: Console) -> Iterator[str]:
    """Show what a way back comes to."""
    yield f"generation {result.before.number} → {result.after.number}, of {when(result.after.time)}"
    yield from change_lines(result.changes, {}, console, sys.stderr)
    if not result.files:
        yield "  only the profile goes back: the list stays as it is"
    for path in result.edited:
        yield f"  your changes of {display_path(path)} since then go, too"
    if result.edited:
        yield f"  a copy is kept in {display_path(result.copy)}"


def rolled_back(result: RolledBack) -> Iterator[str]:
    """Sum a way back up."""
    if not result.done:
        yield "Nothing was changed."
        return
    yield f"✓ {count(len(result.way.after.packages), 'package')} · generation {result.way.after.number}"
    yield f"  to undo: nixprof rollback {result.way.before.number}"
