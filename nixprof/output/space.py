"""`nixprof space`, shown: bars on a terminal, all numbers elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nixprof.formatting import count, listed, package_name, package_title, size
from nixprof.output.table import cut, folded
from nixprof.store_path import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.space import Cost, Space
    from nixprof.console import Console
    from nixprof.context import Context

# A terminal gets this many packages, without --verbose.
_MAX_ROWS = 20
_MAX_NAME_COLUMNS = 30
_MAX_BAR_COLUMNS = 40
# Name at most this many of what is shared.
_MAX_NAMED = 4


def show(result: Space, context: Context) -> None:
    """Show what each package takes, the largest first, and what that comes to."""
    console = context.console
    width = console.width(sys.stdout)
    console.out(_table(result, console, width))
    for parts in _sums(result):
        console.out(cut(line, width) for line in folded(parts, " · ", width))


def _table(result: Space, console: Console, width: int | None) -> Iterator[str]:
    """Show one package a line, and below them what several share."""
    shown = result.packages if console.verbose or width is None else result.packages[:_MAX_ROWS]
    rest = result.packages[len(shown) :]
    rows = [(_title(one), one.own_bytes, size(one.closure_bytes)) for one in shown]
    if rest:
        rows.append((f"and {count(len(rest), 'more package')}", sum(one.own_bytes for one in rest), ""))
    rows.append(("shared", result.shared_bytes, ""))
    most = max(bytes_ for _, bytes_, _ in rows)
    rows.append(("links", result.link_bytes, ""))
    name = min(max(len(one) for one, _, _ in rows), _MAX_NAME_COLUMNS)
    own = max(len(size(one)) for _, one, _ in rows)
    whole = max(len("in all"), *(len(one) for _, _, one in rows))
    yield console.styled(f"{'':{name}}  {'own':>{own}}  {'in all':>{whole}}", "dim", sys.stdout)
    room = 0 if width is None else min(width - name - own - whole - 6, _MAX_BAR_COLUMNS)
    for title, bytes_, all_ in rows:
        bar = console.styled(_bar(min(bytes_, most), most, room), "green", sys.stdout)
        yield f"{cut(title, name):{name}}  {size(bytes_):>{own}}  {all_:>{whole}}  {bar}".rstrip()


def _title(one: Cost) -> str:
    title = package_title(one.key, one.version)
    return title if one.by_nixprof else f"{title} (not on the list)"


def _bar(part: int, whole: int, columns: int) -> str:
    """Draw a number as a bar, in halves of a column."""
    halves = round(2 * columns * part / whole) if whole else 0
    return "━" * (halves // 2) + "╸" * (halves % 2)


def _sums(result: Space) -> Iterator[list[str]]:
    """Say what it comes to: one list for each line, with what may go on the next one."""
    yield [f"{count(len(result.packages), 'package')}: {size(result.closure_bytes)}", *_shared(result)]
    if result.revisions:
        keys = [package_name(key) for one in result.revisions for key in one.keys]
        yield [f"at other revisions: {listed(keys)}", f"{size(result.revision_bytes)} for them alone"]
    if result.older:
        older = count(len(result.older), "other generation")
        yield [f"only in {older}: {size(result.older_bytes)}", *(["nixprof tidy"] if result.older_bytes else [])]


def _shared(result: Space) -> list[str]:
    largest = [f"{name_of(one.path)} {size(one.bytes)}" for one in result.shared[:_MAX_NAMED]]
    return [f"the largest that are shared: {largest[0]}", *largest[1:]] if largest else []
