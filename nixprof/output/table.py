"""Rows of cells, aligned, and words that are folded to a width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.formatting import count
from nixprof.redact import clean, excerpt, one_line, redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.lock.freshness import Gap


# The rest of a longer cell tells no more, and would only push the others aside.
_MAX_CELL_LENGTH = 200


def columns(rows: Sequence[tuple[str, ...]], width: int | None, indent: int = 0) -> Iterator[str]:
    """Align rows of cells; the last cell is cut where a line would be longer than `width`."""
    rows, width = cells(rows), width and width - indent
    widths = column_widths(rows, width) if rows else []
    for row in rows:
        padded = [cell.ljust(size) for cell, size in zip(row, widths, strict=False)]
        yield " " * indent + cut("  ".join((*padded, row[-1])), width)


def wrapped(rows: Sequence[tuple[str, ...]], width: int | None) -> Iterator[str]:
    """Align rows of cells in a table of rich's: on a terminal, what does not fit goes on below, in its column."""
    if width is None:
        widths = column_widths(rows)
        for row in rows:
            padded = [cell.ljust(size) for cell, size in zip(row, widths, strict=False)]
            yield "  ".join((*padded, row[-1])).rstrip()
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    for number in range(len(rows[0])):
        table.add_column(no_wrap=number != 1, overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(one_line(redact(cell)))) for cell in row))
    for line in Console(width=width, color_system=None).render_lines(table, pad=False):
        yield "".join(segment.text for segment in line).rstrip()


def cells(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Write rows of texts from wherever as cells: one line each, without secrets, and not too long."""
    return [tuple(one_line(redact(text), _MAX_CELL_LENGTH) for text in row) for row in rows]


def column_widths(rows: Sequence[tuple[str, ...]], width: int | None = None) -> list[int]:
    """Tell how wide each column but the last is; of a line of `width`, one long cell pushes its own row only."""
    usual = _MAX_CELL_LENGTH if width is None else width // 3
    return [max((len(cell) for cell in column if len(cell) <= usual), default=0) for column in zip(*rows, strict=True)][
        :-1
    ]


def cut(line: str, width: int | None) -> str:
    """Mask secrets in a line and shorten it to `width` columns; None for as long as it gets."""
    line = one_line(redact(line)).rstrip()
    return line if width is None or len(line) <= width else f"{line[: max(width - 1, 0)].rstrip()}…"


def folded(words: Sequence[str], separator: str, width: int | None) -> list[str]:
    """Write words as `fold` does, with all lines but the first indented."""
    first, *others = fold(words, separator, width and width - 2)
    return [first, *(f"  {line}" for line in others)]


def fold(words: Sequence[str], separator: str, width: int | None) -> list[str]:
    """Write words in a row, on as many lines of `width` columns as it takes; no word is broken."""
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]}{separator}{word}" if lines else word
        if lines and (width is None or len(longer) <= width):
            lines[-1] = longer
            continue
        if lines and separator.strip() == ",":
            lines[-1] += ","
        lines.append(word)
    return lines


# More packages than that with the same reason are told by their number.
_MAX_NAMES = 4


def gaps_by_system(gaps: Sequence[Gap]) -> dict[str, list[str]]:
    """Name what cannot be had on other systems, each with the reason, by system: `strace (unsupported)`."""
    names: dict[str, dict[str, list[str]]] = {}
    for gap in gaps:
        names.setdefault(gap.system, {}).setdefault(gap.why.reason.replace("-", " "), []).append(
            excerpt(gap.package.written)
        )
    return {
        system: [
            f"{name} ({reason})"
            for reason, found in reasons.items()
            for name in (found if len(found) <= _MAX_NAMES else [count(len(found), "package")])
        ]
        for system, reasons in names.items()
    }
