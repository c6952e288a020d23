"""`nixprof status`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.change.differences import Kind
from nixprof.commands.status import ProfileDrift
from nixprof.formatting import count, package_name
from nixprof.output.change import brief
from nixprof.output.held import held_title
from nixprof.output.table import fold, gaps_by_system, wrapped
from nixprof.redact import is_clean, one_line, redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.commands.status import Status
    from nixprof.console import Console
    from nixprof.context import Context

    Row = tuple[str, Sequence[str], str]  # what it is, the names, and the command that settles it

_SYNC = "nixprof sync"
# With more names than this, the command is for all of them.
_MAX_NAMED = 4
# More names than this are counted.
_MAX_NAMES = 8
# A command stands in a column of its own if it takes no more than a third of what the labels leave.
_LABEL_COLUMNS = 20
# With less room, everything stands below what it is.
_MIN_TABLE_COLUMNS = 70
_MIN_NAMES_COLUMNS = 30


def show(result: Status, context: Context) -> None:
    """Show what differs, with the commands that settle it."""
    context.console.out(status(result, context.console))


def as_json(result: Status) -> dict[str, Any]:
    """Give it by its fields, and elements of the profile by what tells them apart."""
    from nixprof.importers.candidate import candidate
    from nixprof.output.json import plain

    return dict(plain(result)) | {
        "drifts": result.drifts,
        "elsewhere": result.elsewhere.name.lower() if result.elsewhere else None,
        "foreign": [
            {
                "name": candidate(element).name or None,
                "attrPath": element.attr_path or None,
                "url": element.original_url or None,
                "storePaths": element.store_paths,
            }
            for element in result.foreign
        ],
    }


def differs(result: Status) -> bool:
    """Tell whether `sync` has something to do."""
    return not result.in_sync


def status(result: Status, console: Console) -> Iterator[str]:
    """Show `nixprof status`."""
    width = console.width(sys.stdout)
    rows = [(what, _joined(names, width), command) for what, names, command in _rows(result, width) if names]
    if rows:
        yield from _table(rows, width)
    yield from fold(_verdict(result), ", ", width)


def _rows(result: Status, width: int | None) -> Iterator[Row]:
    named: dict[Kind, list[str]] = {kind: [] for kind in Kind}
    for change in result.changes:
        named[change.kind].append(brief(change) if change.kind is Kind.CHANGED else package_name(change.key))
    yield "merge conflict", result.merged, _SYNC
    yield "edited since last sync", [] if result.in_sync else [path.name for path in result.edited], _SYNC
    yield "changed elsewhere", [result.elsewhere.value] if result.elsewhere else [], _SYNC
    if result.elsewhere is ProfileDrift.MOVED:
        yield "", ["to change the list as well"], f"nixprof rollback {result.generation}"
    yield "not installed yet", [*named[Kind.ADDED], *result.unresolved], _SYNC
    yield "no longer listed", named[Kind.REMOVED], _SYNC
    yield "other version", [*named[Kind.CHANGED], *named[Kind.REBUILT], *named[Kind.RANKED]], _SYNC
    yield "behind its input", result.behind, _SYNC
    which = package_name(result.held[0].package.spec.key) if len(result.held) == 1 else "PACKAGE"
    yield "held back", [held_title(gap) for gap in result.held], f"nixprof why {which}"
    yield _foreign(result, width)
    yield from ((f"not on {system}", names, "") for system, names in gaps_by_system(result.unavailable).items())


def _foreign(result: Status, width: int | None) -> Row:
    """Name what nixprof has not installed; the command names it too, where that is not more than a line."""
    from nixprof.importers.candidate import candidate, only

    names = [candidate(element).name for element in result.foreign]
    command = f"nixprof freeze {only(names)}"
    by_name = len(names) <= _MAX_NAMED and all(map(is_clean, names))
    fits = width is None or len(command) <= width - _MIN_NAMES_COLUMNS
    return "not on the list", names, command if by_name and fits else "nixprof freeze"


def _table(rows: Sequence[tuple[str, str, str]], width: int | None) -> Iterator[str]:
    """Align the rows: a short command next to its names, a long one below them; on a narrow terminal all below."""
    if width is not None and width < _MIN_TABLE_COLUMNS:
        for what, names, command in rows:
            yield from filter(None, [what])
            yield from wrapped([("", names), *([("", f"  {command}")] if command else [])], width)
        return
    table: list[tuple[str, str, str]] = []
    for what, names, command in rows:
        if width is None or len(command) <= (width - _LABEL_COLUMNS) // 3:
            table.append((what, names, command))
        else:
            table += [(what, names, ""), ("", f"  {command}", "")]
    yield from wrapped(table, width)


def _joined(names: Sequence[str], width: int | None) -> str:
    """Name the first on a terminal, and all elsewhere."""
    more = len(names) - _MAX_NAMES if width is not None else 0
    shown = [*names[:_MAX_NAMES], f"and {more} more"] if more > 0 else names
    return ", ".join(one_line(redact(name)) for name in shown)


def _verdict(result: Status) -> list[str]:
    """Sum up, in words that a line may be broken between."""
    if result.in_sync:
        generation = [f"generation {result.generation}"] if result.generation else []
        foreign = [f"and {len(result.foreign)} not on the list"] if result.foreign else []
        return [f"✓ in sync: {count(result.packages, 'package')}", *generation, *foreign]
    kinds = [change.kind for change in result.changes]
    added, removed = kinds.count(Kind.ADDED), kinds.count(Kind.REMOVED)
    numbers = {
        "to install": added + len(result.unresolved),
        "to remove": removed,
        "to change": len(kinds) - added - removed + len(result.behind),
        "not on the list": len(result.foreign),
    }
    words = [(number, word) for word, number in numbers.items() if number]
    if not words:
        what = "the generated files are not up to date" if result.generation else "nothing is installed yet"
        return [f"✗ {what}: {_SYNC}"]
    (number, word), *rest = words
    return [f"✗ {count(number, 'package')} {word}", *(f"{number} {word}" for number, word in rest)]
