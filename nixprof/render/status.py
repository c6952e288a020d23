"""`nixprof status` as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.changes import Kind
from nixprof.render.table import columns
from nixprof.words import count, package_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.commands.status import Status


def status(result: Status) -> Iterator[str]:
    """Show `nixprof status`."""
    rows: list[tuple[str, str, str]] = []

    def row(label: str, names: Sequence[str], remedy: str) -> None:
        if names:
            rows.append((label, ", ".join(names), remedy))

    named = {kind: [package_name(c.key) for c in result.changes if c.kind is kind] for kind in Kind}
    row("not installed yet", [*named[Kind.ADDED], *result.unresolved], "nixprof sync")
    row("no longer listed", named[Kind.REMOVED], "nixprof sync")
    row("other version", [*named[Kind.CHANGED], *named[Kind.REBUILT], *named[Kind.RANKED]], "nixprof sync")
    foreign = [
        element.name or element.attr_path.split(".", 2)[-1] or element.store_paths[0] for element in result.foreign
    ]
    row("not in the list", foreign, "")
    if rows:
        yield from columns(rows, None)
    yield _verdict(result, any_row=bool(rows))


def _verdict(result: Status, *, any_row: bool) -> str:
    generation = f", generation {result.generation}" if result.generation else ""
    if result.in_sync:
        return f"✓ in sync: {count(result.packages, 'package')}{generation}"
    if any_row:
        pending = len(result.changes) + len(result.unresolved)
        return f"✗ {count(pending, 'package')} to change: nixprof sync"
    return "✗ the generated files are not up to date: nixprof sync"
