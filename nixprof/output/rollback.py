"""`nixprof rollback`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.commands.take_back import TakenBack
from nixprof.formatting import display_path, listed_name, package_name
from nixprof.output import change
from nixprof.output.change import change_lines, counts, dry_run, on_disk
from nixprof.output.history import when
from nixprof.output.table import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.rollback import Rollback
    from nixprof.console import Console
    from nixprof.context import Context


def show(result: Rollback | TakenBack, context: Context) -> None:
    """Show a way back before it is gone, and what became of it; or of a package."""
    console = context.console
    if isinstance(result, TakenBack):
        change.show(result.outcome, context)
    elif not result.is_needed:
        console.say(f"✓ already at generation {result.after}: nothing to change")
    elif result.done:
        console.say(f"✓ {counts(result.changes) or 'no package changes'} · generation {result.after}")
        if result.before != result.after:
            console.say(f"  to undo: nixprof rollback {result.before}")
    elif result.declined:
        console.say("Nothing was changed.")
    else:
        console.say(*_way(result, console))
        if context.dry_run:
            console.say(dry_run(result.changes))


def as_json(result: Rollback | TakenBack) -> dict[str, Any]:
    """Give what a way back comes to, or what became of a package."""
    if isinstance(result, TakenBack):
        return change.as_json(result.outcome) | {"package": package_name(result.key), "takenFrom": result.generation}
    return {
        "done": result.done,
        "before": result.before,
        "after": result.after,
        "changes": result.changes,
        "restoresList": result.restores_list,
        "differenceBytes": result.difference_bytes,
        "edited": result.edited,
        "copy": result.copy if result.edited else None,
        "foreign": result.foreign,
        "unpinned": [listed_name(key) for key in result.unpinned],
    }


def _way(result: Rollback, console: Console) -> Iterator[str]:
    yield f"going back from generation {result.before} to {result.after} ({when(result.time)})"
    if result.changes:
        yield ""
    yield from change_lines(result.changes, {}, console, sys.stderr)
    yield from (f"  {part}" for part in on_disk(result.difference_bytes))
    if result.foreign:
        yield f"  not installed by nixprof, and removed too: {', '.join(result.foreign)}"
    if not result.restores_list:
        yield "  only the profile goes back: the list stays as it is"
    for package in result.unpinned:
        yield f"  {package_name(package)} is no longer pinned"
    for path in result.edited:
        yield f"  your edits of {display_path(path)} since then are undone"
    if result.edited:
        width = console.width(sys.stderr)
        copy = fold(["a copy will be kept in", display_path(result.copy)], " ", width and width - 2)
        yield from (f"  {line}" for line in copy)
