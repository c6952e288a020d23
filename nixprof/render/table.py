"""Rows of cells, aligned."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def columns(rows: Sequence[tuple[str, ...]], width: int | None) -> Iterator[str]:
    """Align rows of cells; the last cell is cut where the line would not fit.

    Args:
        rows: all of the same length.
        width: of the line; None for as long as it gets.

    """
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        padded = [cell.ljust(size) for cell, size in zip(row, widths[:-1], strict=False)]
        line = "  ".join((*padded, row[-1])).rstrip()
        yield line if width is None or len(line) <= width else f"{line[: width - 1].rstrip()}…"
