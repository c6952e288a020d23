"""`nixprof history`, `diff` and `rollback` as text."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING

from nixprof.change.differences import Kind
from nixprof.formatting import display_path, package_name
from nixprof.output.change import change_lines, common_part, counts
from nixprof.output.change import difference as on_disk
from nixprof.output.change import dry_run as dry_run_of
from nixprof.output.table import columns, cut, fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.change.differences import Change
    from nixprof.change.generations import Rollback
    from nixprof.commands.diff import Difference
    from nixprof.commands.history import Entry, History
    from nixprof.commands.rollback import Return, RolledBack
    from nixprof.console import Console

_DAY_SECONDS = 86400
# So much of a command tells which one it was.
_COMMAND_COLUMNS = 24


def history(result: History, console: Console) -> Iterator[str]:
    """Show the generations, the newest first."""
    if not result.entries:
        return
    width = console.width(sys.stdout)
    heads = [_head(entry) for entry in result.entries]
    room = None if width is None else width - sum(max(map(len, cells)) + 2 for cells in zip(*heads, strict=True))
    rows = [(*head, _changed(entry, room)) for head, entry in zip(heads, result.entries, strict=True)]
    for back in result.rollbacks:
        # Above the newest generation that there was, and below the ways back that came after it.
        at = next((i for i, row in enumerate(rows) if row[0] and int(row[0][1:]) <= back.newest), len(rows))
        rows.insert(at, ("", when(back.time), cut(_command(back.command), _COMMAND_COLUMNS), _way_back(back)))
    for line in columns(rows, width):
        yield _emphasised(line, console)


def _head(entry: Entry) -> tuple[str, str, str]:
    one = entry.generation
    command = _command(one.command) or ("nixprof" if entry.by_nixprof else "(not by nixprof)")
    number = f"{'*' if entry.current else ' '}{one.number:>3}"
    return number, when(one.time), cut(command, _COMMAND_COLUMNS)


def _command(text: str) -> str:
    return text.removeprefix("nixprof ")


def _changed(entry: Entry, width: int | None) -> str:
    """Say what a generation changed, as far as that can be known."""
    if entry.changes is None:
        return "(the generation before it was deleted)"
    return summary(entry.changes, width)


def _way_back(back: Rollback) -> str:
    return f"from generation {back.before} to {back.after}"


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
    name = package_name(change.key)
    if change.kind is Kind.CHANGED:
        return f"{name} {change.before or '?'} → {change.after or '?'}"
    return f"{name} {change.after or change.before or ''}".rstrip()


def difference(result: Difference, console: Console) -> Iterator[str]:
    """Show what turns one into the other."""
    yield from change_lines(result.changes, {}, console, sys.stdout)
    width = console.width(sys.stdout)
    if result.unresolved:
        yield from (
            f"  {line}"
            for line in fold(
                [f"not resolved yet: {result.unresolved[0]}", *result.unresolved[1:]], ", ", width and width - 2
            )
        )
    yield from (f"  {part}" for part in on_disk(result.difference_bytes))


def no_difference(result: Difference) -> str:
    """Say that two are the same."""
    return f"No difference between {result.before} and {result.after}."


def way(result: Return, console: Console) -> Iterator[str]:
    """Show what a way back comes to."""
    yield f"going back from generation {result.before.number} to {result.after.number} ({when(result.after.time)})"
    if result.changes:
        yield ""
    yield from change_lines(result.changes, {}, console, sys.stderr)
    yield from (f"  {part}" for part in on_disk(result.difference_bytes))
    if result.foreign:
        yield f"  not installed by nixprof, and removed too: {', '.join(result.foreign)}"
    if not result.files:
        yield "  only the profile goes back: the list stays as it is"
    for package in result.unpinned:
        yield f"  {package_name(package)} is no longer pinned"
    for path in result.edited:
        yield f"  your edits of {display_path(path)} since then are undone"
    if result.edited:
        width = console.width(sys.stderr)
        copy = fold(["a copy will be kept in", display_path(result.copy)], " ", width and width - 2)
        yield from (f"  {line}" for line in copy)


def loss(result: Return) -> str | None:
    """Say what a way back takes away besides what nixprof has installed."""
    parts = [
        *([f"it would undo your edits of {', '.join(map(display_path, result.edited))}"] if result.edited else []),
        *([f"it would remove {', '.join(result.foreign)}, not installed by nixprof"] if result.foreign else []),
    ]
    return "\n".join(parts) or None


def rolled_back(result: RolledBack, *, dry_run: bool) -> Iterator[str]:
    """Sum a way back up."""
    if not result.done:
        yield dry_run_of(result.way.changes, "no package changes") if dry_run else "Nothing was changed."
        return
    what = counts(result.way.changes) or "no package changes"
    yield f"✓ {what} · generation {result.way.after.number}"
    if result.way.before.number != result.way.after.number:
        yield f"  to undo: nixprof rollback {result.way.before.number}"
