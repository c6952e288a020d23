"""`nixprof export`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.formatting import count, display_path
from nixprof.output.table import columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.export import Export
    from nixprof.console import Console
    from nixprof.context import Context


def show(result: Export, context: Context) -> None:
    """Write the text to stdout, or say where it was written; what it does not say goes to stderr."""
    console = context.console
    if not result.places:
        sys.stdout.write(next(iter(result.files.values())))
        sys.stdout.flush()
    if result.declined:
        console.say("Nothing was changed.")
        return
    console.say(*_lines(result, console))
    names = " and ".join(map(display_path, result.places))
    if result.done:
        console.say(f"✓ {count(result.packages, 'package')} written to {names}")
    elif result.places and context.dry_run:
        console.say(f"dry run: would write {names} (nothing was written)")


def _lines(result: Export, console: Console) -> Iterator[str]:
    if result.losses:
        yield f"not expressed in {result.target}:" if result.files else "not in the image:"
        rows = [(loss.subject, loss.message) for loss in result.losses]
        yield from columns(rows, console.width(sys.stderr), indent=2)
    others = list(result.files)[1:]
    if others and not result.places:
        yield f"{others[0]} belongs to it: --output FOLDER writes both"


def as_json(result: Export) -> dict[str, Any]:
    """Give the texts, where they were written, and what they do not say."""
    return {
        "format": result.target,
        "systems": result.systems,
        "files": result.files,
        "places": result.places,
        "done": result.done,
        "packages": result.packages,
        "notExpressed": result.losses,
    }
