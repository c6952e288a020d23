"""`nixprof setup`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.commands.setup import Became, Part
from nixprof.formatting import display_path
from nixprof.output.table import columns
from nixprof.shell.startup import word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.setup import Edit, SetUp
    from nixprof.context import Context

_SIGNS = {
    Became.ADDED: ("+", "green"),
    Became.CHANGED: ("~", "yellow"),
    Became.REMOVED: ("-", "red"),
    Became.REFUSED: ("✗", "red"),
}
_HOLDS = {
    Part.STARTUP: "one line",
    Part.STATIC: "what that reads",
    Part.FONTS: "fonts",
    Part.APPLICATIONS: "applications",
}


def show(result: SetUp, context: Context) -> None:
    """Show what becomes of each file, or the line and the static file as a shell can read them."""
    console = context.console
    if result.printed:
        console.out(_printed(result))
        return
    changed = [edit for part in _HOLDS for edit in result.files if edit.part is part and edit.before != edit.after]
    # The error that follows says which start-up files are not written, and why.
    files = [edit for edit in changed if not _is_refused(edit)]
    rows = columns([(display_path(edit.path), _what(edit, result)) for edit in files], None)
    for edit, row in zip(files, rows, strict=True):
        sign, style = _SIGNS[edit.became]
        console.say(f"{console.styled(sign, style, sys.stderr)} {row}")
    if files == changed:
        console.say(*_summary(result, context, changes=bool(files)))


def as_json(result: SetUp) -> dict[str, Any]:
    """Give what becomes of each file, with line and text."""
    return {
        "done": result.done,
        "shell": result.shell,
        "profile": result.profile,
        "files": [
            {"path": edit.path, "part": edit.part, "change": edit.became, "why": edit.why} for edit in result.files
        ],
        "line": result.line,
        "text": result.text if result.printed else None,
        "commandNotFound": result.command_not_found,
        "nixPath": result.nix_path,
        "undone": result.undone,
    }


def _is_refused(edit: Edit) -> bool:
    return edit.part is Part.STARTUP and edit.became is Became.REFUSED


def _what(edit: Edit, result: SetUp) -> str:
    if edit.became is Became.REFUSED:
        return edit.why or ""
    if result.undone and edit.part is Part.STARTUP:
        return "" if edit.after is None else "one line less"
    return "" if result.undone else _HOLDS[edit.part]


def _summary(result: SetUp, context: Context, *, changes: bool) -> Iterator[str]:
    if result.undone:
        whose = f"of {_undone_shells(result)} " if result.shell else ""
        done = f"the set-up {whose}is undone" if changes else f"there is no set-up {whose}to undo"
        yield "dry run: nothing was changed" if context.dry_run and changes else f"✓ {done}"
        return
    if not changes:
        yield f"✓ {result.shell} is set up already"
        return
    if context.dry_run:
        yield "dry run: nothing was changed"
        return
    yield f"✓ {result.shell} is set up: {', '.join(_gained(result))}"
    static = next(edit.path for edit in result.files if edit.part is Part.STATIC)
    source = "source" if result.shell == "fish" else "."
    yield f"  for shells that are open: {source} {word(static, result.shell or '')}"


def _undone_shells(result: SetUp) -> str:
    """Name the shells that a set-up is taken from: bash and sh read the same file."""
    both = result.shell == "sh" and any(edit.path.name.startswith(".bash") for edit in result.files)
    return "bash and sh" if both else result.shell or ""


def _gained(result: SetUp) -> Iterator[str]:
    yield "programs"
    if result.shell != "sh":
        yield "completions"
    yield "man pages"
    if result.command_not_found and result.shell != "sh":
        yield "commands not found"


def _printed(result: SetUp) -> Iterator[str]:
    names = [display_path(edit.path) for edit in result.files if edit.part is Part.STARTUP]
    static = next(edit.path for edit in result.files if edit.part is Part.STATIC)
    yield f"# At the end of {' and '.join(names)}:"
    yield result.line or ""
    yield ""
    yield f"# In {display_path(static)}, which `nixprof setup` writes:"
    yield from (result.text or "").splitlines()
