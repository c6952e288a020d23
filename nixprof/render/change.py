"""What a change will do and what it did, as text."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, TextIO

from nixprof.changes import Kind
from nixprof.render.table import columns
from nixprof.words import count, package_name, revision, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nixprof.changes import Change
    from nixprof.console import Console
    from nixprof.flow import MovedInput, Outcome, Plan
    from nixprof.nix.weight import Weight

# So many lines a log has of one change.
_FOLDED = 12
_SIGNS = {
    Kind.ADDED: ("+", "green"),
    Kind.REMOVED: ("-", "red"),
    Kind.CHANGED: ("~", "yellow"),
    Kind.REBUILT: ("~", "yellow"),
    Kind.RANKED: ("~", "yellow"),
}


def plan(result: Plan, console: Console, *, folded: bool = False) -> Iterator[str]:
    """Show what a change comes to; `folded` where a long list would only fill a log."""
    shown = False
    for moved in result.moved:
        if moved.before is not None:
            yield _moved_line(moved)
            shown = True
    if shown and result.changes:
        yield ""
    descriptions = {
        key: next(iter(locked.systems.values())).description for key, locked in result.locked.items() if locked.systems
    }
    lines = list(change_lines(result.changes, descriptions, console, sys.stderr))
    yield from lines[: _FOLDED if folded else None]
    if folded and len(lines) > _FOLDED:
        yield f"  and {count(len(lines) - _FOLDED, 'more package')}"
    if result.asked.inputs or result.asked.packages:
        yield _standing_line(result)
    if result.weight and (result.weight.fetched or result.weight.built):
        yield _weight_line(result.weight, result)


def _standing_line(result: Plan) -> str:
    """Say how many packages an update leaves as they are, and which of them because they are pinned."""
    unchanged = len(result.packages) - sum(change.after is not None for change in result.changes)
    pins = {package.spec.key for package in result.manifest.packages if package.pin}
    pinned = [f"{package_name(one.key)} {one.version}".rstrip() for one in result.packages if one.key in pins]
    return f"  {unchanged} unchanged" + (f" · {len(pinned)} pinned: {', '.join(pinned)}" if pinned else "")


def _weight_line(weight: Weight, result: Plan) -> str:
    """Say what has to be fetched and built beyond the packages themselves."""
    own = {path for package in result.packages for path in package.paths}
    others = len([path for path in weight.fetched if path not in own])
    parts = [
        *([f"and {others} {'dependency' if others == 1 else 'dependencies'}"] if others else []),
        *([f"{size(weight.download_bytes)} to download"] if weight.fetched else []),
        *([f"{size(weight.unpacked_bytes)} on disk"] if weight.fetched else []),
        *([f"{len(weight.built)} to build"] if weight.built else []),
    ]
    return f"  {' · '.join(parts)}"


def _moved_line(moved: MovedInput) -> str:
    before = revision(moved.before) if moved.before else ""
    return f"{moved.name}  {before or 'another revision'} → {revision(moved.after) or 'another revision'}"


def change_lines(
    changes: Sequence[Change], descriptions: Mapping[str, str], console: Console, stream: TextIO
) -> Iterator[str]:
    """Show changes, one a line, with the sign and the versions of each.

    Args:
        changes: what to show.
        descriptions: what to say of added packages, by key.
        console: how to colour.
        stream: where the lines go.

    """
    if not changes:
        return
    rows = []
    for change in changes:
        detail = descriptions.get(change.key, "") if change.kind is Kind.ADDED else ""
        rows.append((package_name(change.key), _versions(change), detail))
    width = console.width(stream)
    for change, line in zip(changes, columns(rows, width and width - 2), strict=True):
        sign, style = _SIGNS[change.kind]
        yield f"{console.styled(sign, style, stream)} {_emphasised(change, line, console, stream)}"


def _emphasised(change: Change, line: str, console: Console, stream: TextIO) -> str:
    """Set off the part of a version that changed."""
    if change.kind is not Kind.CHANGED or not change.before or not change.after:
        return line
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(change.before, change.after, strict=False))
    same = "".join(one for one, _ in pairs)
    same = same[: same.rfind(".") + 1]
    bold = same + console.styled(change.after[len(same) :], "bold", stream)
    return line.replace(f"→ {change.after}", f"→ {bold}", 1)


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
