"""Reading the locks: what git leaves in one when two machines' versions do not merge, and what else may be wrong."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, TypeVar

from nixprof.errors import NixprofError, Reason
from nixprof.files import permission_hint, read_file
from nixprof.formatting import shell_quote
from nixprof.record import record
from nixprof.schema import MISSHAPEN, wrong_with

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

Parsed = TypeVar("Parsed")

# The lines that git puts around the two versions, and before what both come from, where it shows that.
_MARKER = re.compile(rb"(<{7}|\|{7}|={7}|>{7})(?: (.*?))?\r?\n?")


@record
class Sides:
    """The two versions of a file that git has left a conflict in, each whole."""

    ours: bytes
    theirs: bytes
    names: tuple[str, str]  # what git calls the two, such as `HEAD` and the name of a branch


def read_lock(path: Path) -> bytes | None:
    """Read a lock; None where it is not there.

    Raises: NixprofError where it cannot be read.
    """
    try:
        return read_file(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from error


def is_conflicted(data: bytes) -> bool:
    """Tell whether a file has a conflict in it: none that nixprof generates has such a line."""
    return b"<<<<<<< " in data and bool(re.search(rb"(?m)^<{7} ", data))


def sides(path: Path, data: bytes) -> Sides | None:
    """Take the two versions out of what was read from a lock; None where it has no conflict in it.

    Raises: NixprofError where the marks of the conflict are not those that git makes.
    """
    if not is_conflicted(data):
        return None
    lines = data.splitlines(keepends=True)
    marks = [_MARKER.fullmatch(line) for line in lines]
    found = {mark[1][:1]: (mark[2] or b"").decode(errors="replace") for mark in reversed(marks) if mark}
    order = b"".join(mark[1][:1] for mark in marks if mark)
    if not re.fullmatch(rb"(<\|?=>)+", order):
        raise unmerged(path, data)
    ours, theirs = _versions(path) or _marked(lines, marks)
    return Sides(ours, theirs, (found[b"<"] or "ours", found[b">"] or "theirs"))


def _versions(path: Path) -> tuple[bytes, bytes] | None:
    """Ask git for the two versions, as long as it has the conflict; None where it has not, or no longer."""
    from nixprof.git import contents

    match list(contents(path.parent, [f":2:./{path.name}", f":3:./{path.name}"])):
        case [bytes(ours), bytes(theirs)]:
            return ours, theirs
    return None


def _marked(lines: Sequence[bytes], marks: Sequence[re.Match[bytes] | None]) -> tuple[bytes, bytes]:
    """Take the two versions from between the marks. Where only one has changed something, git has put it in both."""
    ours, theirs, part = [], [], b">"  # outside of a conflict, as behind one
    for line, mark in zip(lines, marks, strict=True):
        if mark:
            part = mark[1][:1]
            continue
        ours += [line] if part in b"<>" else []
        theirs += [line] if part in b"=>" else []
    return b"".join(ours), b"".join(theirs)


def unmerged(path: Path, data: bytes) -> NixprofError:
    """Say that a lock has a conflict in it that nixprof cannot merge: in which lines, and how to take one side."""
    lines = [number for number, line in enumerate(data.splitlines(), 1) if _MARKER.fullmatch(line)]
    where = f"lines {lines[0]} to {lines[-1]}" if lines[1:] else f"line {lines[0] if lines else 1}"
    folder = shell_quote(str(path.parent))
    hints = (
        f"take both locks from one side: git -C {folder} checkout --ours packages.json flake.lock",
        "or from the other: the same with --theirs; then: nixprof sync",
    )
    return NixprofError(f"{path} has an unresolved merge conflict in {where}", Reason.MERGE_CONFLICT, hints=hints)


def parsed(path: Path, data: bytes, parse: Callable[[Any], Parsed], *, wrong: str, hints: tuple[str, ...]) -> Parsed:
    """Parse what was read from a lock.

    Raises: NixprofError that says what is `wrong` with the file where `parse` cannot understand its JSON.
    """
    try:
        return parse(json.loads(data))
    except MISSHAPEN as error:
        raise NixprofError(f"{path} {wrong}", Reason.DAMAGED, cause=wrong_with(error), hints=hints) from error


def _unusable(path: Path, error: OSError) -> NixprofError:
    """Say what is in the place of a generated file, or of the folder that it has to be in."""
    there = next(place for place in (path, *path.parents) if os.path.lexists(place))
    what = "file" if there == path else "folder"
    if isinstance(error, PermissionError) or (there.is_file() if there == path else there.is_dir()):
        message, cause = f"cannot read {path}", error.strerror
    else:
        message, cause = f"{there} is not a {what}, and nixprof keeps its generated files there", None
    hints = permission_hint(path) or ("move it away, then: nixprof sync",)
    return NixprofError(message, Reason.CANNOT_READ, cause=cause, hints=hints)
