"""`nixprof status`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.change.differences import Kind
from nixprof.commands.status import ProfileDrift
from nixprof.formatting import count, package_name
from nixprof.output.table import fold, gaps_by_system
from nixprof.redact import is_clean, one_line, redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.change.differences import Change
    from nixprof.commands.status import Status
    from nixprof.console import Console
    from nixprof.context import Context

    Row = tuple[str, list[str], str]  # what it is, of which, and the command that settles it

_SYNC = "nixprof sync"
# More names than that, and the command is for all of them.
_NAMED = 4
# So many lines of names; the rest as a number.
_LINES = 3
# Where names have less than this beside what they are, they stand below it.
_LEAST_COLUMNS = 30
_INDENT = 2


def show(result: Status, context: Context) -> None:
    """Show what differs, with the commands that settle it."""
    context.console.out(status(result, context.console))


def as_json(result: Status) -> dict[str, Any]:
    """Give it by its fields, and elements of the profile by what tells them apart."""
    from nixprof.importers.decide import element_name
    from nixprof.output.json import plain

    return dict(plain(result)) | {
        "drifts": result.drifts,
        "elsewhere": result.elsewhere.name.lower() if result.elsewhere else None,
        "foreign": [
            {
                "name": element_name(element) or None,
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
    rows = [row for row in _rows(result, width) if row[1]]
    if rows:
        yield from _table(rows, width)
    yield from fold(_verdict(result), ", ", width)


def _rows(result: Status, width: int | None) -> Iterator[Row]:
    """Put together what there is to settle."""
    named = {kind: [_brief(change) for change in result.changes if change.kind is kind] for kind in Kind}
    edited = [] if result.in_sync else [path.name for path in result.edited]
    yield "edited since last sync", edited, _SYNC
    yield "changed elsewhere", [result.elsewhere.value] if result.elsewhere else [], _SYNC
    if result.elsewhere is ProfileDrift.MOVED:
        yield "", ["to take the list along"], f"nixprof rollback {result.generation}"
    yield "not installed yet", [*named[Kind.ADDED], *result.unresolved], _SYNC
    yield "no longer listed", named[Kind.REMOVED], _SYNC
    yield "other version", [*named[Kind.CHANGED], *named[Kind.REBUILT], *named[Kind.RANKED]], _SYNC
    yield "behind its input", list(result.behind), _SYNC
    yield _foreign(result, width)
    yield from ((f"not on {system}", names, "") for system, names in gaps_by_system(result.unavailable).items())


def _foreign(result: Status, width: int | None) -> Row:
    """Name what nixprof has not installed; the command names it too, where that is not more than a line."""
    from nixprof.importers.decide import element_name, only

    names = [element_name(element) for element in result.foreign]
    command = f"nixprof freeze {only(names)}"
    by_name = len(names) <= _NAMED and all(map(is_clean, names))
    fits = width is None or len(command) <= width - _LEAST_COLUMNS
    return "not on the list", names, command if by_name and fits else "nixprof freeze"


def _brief(change: Change) -> str:
    name = package_name(change.key)
    if change.kind is Kind.CHANGED:
        return f"{name} {change.before or '?'} → {change.after or '?'}"
    return name


def _table(rows: Sequence[Row], width: int | None) -> Iterator[str]:
    """Align the rows: names and command beside each other where both fit, else the command under the names."""
    rows = [(what, [one_line(redact(name)) for name in names], command) for what, names, command in rows]
    label = max(len(what) for what, _, _ in rows) + 2
    written = [len(", ".join(names)) for _, names, command in rows if command and _fits(label, names, command, width)]
    room = max(written, default=0)
    for what, names, command in rows:
        if len(", ".join(names)) <= room and (width is None or label + room + 2 + len(command) <= width):
            yield f"{what:<{label}}{', '.join(names):<{room}}  {command}".rstrip()
            continue
        below = width is not None and width - label < _LEAST_COLUMNS
        if below and what:
            yield what
        indent = _INDENT if below else label
        for index, line in enumerate(_folded(names, None if width is None else width - indent)):
            yield f"{'' if below or index else what:<{indent}}{line}"
        if command:
            yield f"{'':<{indent + _INDENT}}{command}"


def _fits(label: int, names: Sequence[str], command: str, width: int | None) -> bool:
    return width is None or label + len(", ".join(names)) + 2 + len(command) <= width


def _folded(names: Sequence[str], width: int | None) -> list[str]:
    """Write names on a few lines; the number of those that are left away is on the last."""
    if width is None:
        return [", ".join(names)]
    lines = fold(names, ", ", width)
    if len(lines) > _LINES:
        shown = lines[: _LINES - 1]
        left = len(names) - sum(len(line.rstrip(",").split(", ")) for line in shown)
        lines = [*shown, f"and {left} more"]
    return [part for line in lines for part in _broken(line, width)]


def _broken(line: str, width: int) -> list[str]:
    """Break what is longer than a line by itself, at a space if there is one."""
    if len(line) <= width:
        return [line]
    import textwrap

    return textwrap.wrap(line, width, subsequent_indent=" " * _INDENT, break_on_hyphens=False)


def _verdict(result: Status) -> list[str]:
    """Sum up, in words that a line may be broken between."""
    if result.in_sync:
        generation = [f"generation {result.generation}"] if result.generation else []
        foreign = [f"and {len(result.foreign)} not on the list"] if result.foreign else []
        return [f"✓ in sync: {count(result.packages, 'package')}", *generation, *foreign]
    kinds = [change.kind for change in result.changes]
    others = len(kinds) - kinds.count(Kind.ADDED) - kinds.count(Kind.REMOVED) + len(result.behind)
    numbers = (
        (kinds.count(Kind.ADDED) + len(result.unresolved), "to install"),
        (kinds.count(Kind.REMOVED), "to remove"),
        (others, "to change"),
        (len(result.foreign), "not on the list"),
    )
    parts = [(number, word) for number, word in numbers if number]
    if not parts:
        what = "the generated files are not up to date" if result.generation else "nothing is installed yet"
        return [f"✗ {what}: {_SYNC}"]
    (number, word), *rest = parts
    return [f"✗ {count(number, 'package')} {word}", *(f"{number} {word}" for number, word in rest)]
