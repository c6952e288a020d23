"""What a change will do and what it did, as text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nixprof.changes import Kind
from nixprof.render.table import columns
from nixprof.words import package_name, revision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.changes import Change
    from nixprof.console import Console
    from nixprof.flow import MovedInput, Outcome, Plan

_SIGNS = {
    Kind.ADDED: ("+", "green"),
    Kind.REMOVED: ("-", "red"),
    Kind.CHANGED: ("~", "yellow"),
    Kind.REBUILT: ("~", "yellow"),
    Kind.RANKED: ("~", "yellow"),
}


def plan(result: Plan, console: Console) -> Iterator[str]:
    """Show what a change comes to."""
    shown = False
    for moved in result.moved:
        if moved.before is not None:
            yield _moved_line(moved)
            shown = True
    if shown and result.changes:
        yield ""
    yield from _change_lines(result, console)
    unchanged = len(result.packages) - sum(change.after is not None for change in result.changes)
    pins = {package.spec.key for package in result.manifest.packages if package.pin}
    pinned = [f"{package_name(one.key)} {one.version}".rstrip() for one in result.packages if one.key in pins]
    if shown:
        yield f"  {unchanged} unchanged" + (f" · {len(pinned)} pinned: {', '.join(pinned)}" if pinned else "")


def _moved_line(moved: MovedInput) -> str:
    before = revision(moved.before) if moved.before else ""
    return f"{moved.name}  {before or 'another revision'} → {revision(moved.after) or 'another revision'}"


def _change_lines(result: Plan, console: Console) -> Iterator[str]:
    if not result.changes:
        return
    descriptions = {
        key: next(iter(locked.systems.values())).description for key, locked in result.locked.items() if locked.systems
    }
    rows = []
    for change in result.changes:
        detail = descriptions.get(change.key, "") if change.kind is Kind.ADDED else ""
        rows.append((package_name(change.key), _versions(change), detail))
    width = console.width(sys.stderr)
    for change, line in zip(result.changes, columns(rows, width and width - 2), strict=True):
        sign, style = _SIGNS[change.kind]
        yield f"{console.styled(sign, style, sys.stderr)} {line}"


def _versions(change: Change) -> str:
    match change.kind:
        case Kind.ADDED:
            return change.after or ""
        case Kind.REMOVED:
            return change.before or ""
        case Kind.CHANGED:
            return f"{change.before or 'no version'} → {change.after or 'no version'}"
        case Kind.REBUILT:
            return f"{change.after} (rebuilt)".lstrip()
        case Kind.RANKED:
            return f"{change.after} (other priority)".lstrip()


def outcome(result: Outcome) -> str:
    """Sum a change up in one line."""
    counts = [
        (sum(change.kind in kinds for change in result.plan.changes), word)
        for kinds, word in (
            ((Kind.ADDED,), "added"),
            ((Kind.REMOVED,), "removed"),
            ((Kind.CHANGED, Kind.REBUILT, Kind.RANKED), "changed"),
        )
    ]
    what = ", ".join(f"{number} {word}" for number, word in counts if number) or "no package changes"
    if not result.done:
        return f"{what} · nothing was changed"
    generation = f" · generation {result.generation}" if result.generation else ""
    return f"✓ {what}{generation} · {result.seconds:.1f} s"
