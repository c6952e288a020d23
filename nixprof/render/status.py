"""`nixprof status` as text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nixprof.changes import Kind
from nixprof.commands.status import Elsewhere
from nixprof.render.table import cut, fold, gaps_by_system
from nixprof.words import count, is_clean, package_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.changes import Change
    from nixprof.commands.status import Status
    from nixprof.console import Console

    Row = tuple[str, list[str], str]  # what it is, of which, and the command that settles it

_SYNC = "nixprof sync"
# More names than that, and the command is for all of them.
_NAMED = 4
# So many lines of names; the rest as a number.
_LINES = 3
_LEAST_COLUMNS = 20


def status(result: Status, console: Console) -> Iterator[str]:
    """Show `nixprof status`."""
    rows = [row for row in _rows(result) if row[1]]
    if rows:
        yield from _table(rows, console.width(sys.stdout))
    yield from fold(_verdict(result), ", ", console.width(sys.stdout))


def _rows(result: Status) -> Iterator[Row]:
    """Put together what there is to settle."""
    from nixprof.freeze.decide import element_name, only

    named = {kind: [_brief(change) for change in result.changes if change.kind is kind] for kind in Kind}
    edited = [] if result.in_sync else [path.name for path in result.edited]
    yield "edited since last sync", edited, _SYNC
    yield "changed elsewhere", [result.elsewhere.value] if result.elsewhere else [], _SYNC
    if result.elsewhere is Elsewhere.MOVED:
        yield "", ["to take the list along"], f"nixprof rollback {result.generation}"
    yield "not installed yet", [*named[Kind.ADDED], *result.unresolved], _SYNC
    yield "no longer listed", named[Kind.REMOVED], _SYNC
    yield "other version", [*named[Kind.CHANGED], *named[Kind.REBUILT], *named[Kind.RANKED]], _SYNC
    yield "behind its input", list(result.behind), _SYNC
    foreign = [element_name(element) for element in result.foreign]
    by_name = len(foreign) <= _NAMED and all(map(is_clean, foreign))
    every = f"nixprof freeze {only(foreign)}" if by_name else "nixprof freeze"
    yield "not on the list", foreign, every
    yield from ((f"not on {system}", names, "") for system, names in gaps_by_system(result.gaps).items())


def _brief(change: Change) -> str:
    name = package_name(change.key)
    if change.kind is Kind.CHANGED:
        return f"{name} {change.before or '?'} → {change.after or '?'}"
    return name


def _table(rows: Sequence[Row], width: int | None) -> Iterator[str]:
    """Align the rows; names are folded, and so is a command that does not fit beside them."""
    label = max(len(one) for one, _, _ in rows) + 2
    remedy = max(len(one) for _, _, one in rows)
    longest = max(len(", ".join(names)) for _, names, _ in rows)
    room = longest if width is None else max(min(longest, width - label - remedy - 2), _LEAST_COLUMNS)
    for what, names, command in rows:
        lines = _few(fold(names, ", ", room), names)
        beside = width is None or label + room + 2 + len(command) <= width
        first = f"{what:<{label}}{cut(lines[0], room):<{room}}  {command if beside else ''}"
        yield first.rstrip()
        yield from (f"{'':<{label}}{cut(line, room)}" for line in lines[1:])
        if not beside:
            yield cut(f"{'':<{label}}{command}", width)


def _few(lines: list[str], names: Sequence[str]) -> list[str]:
    """Leave away what is on too many lines, and say how many names that were."""
    if len(lines) <= _LINES:
        return lines
    shown = lines[: _LINES - 1]
    left = len(names) - sum(len(line.rstrip(",").split(", ")) for line in shown)
    return [*shown, f"and {left} more"]


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
