"""Reading the locks: what git leaves in one when two machines' versions do not merge, and what else may be wrong."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, TypeVar

from nixprof.errors import NixprofError, Reason
from nixprof.files import permission_hint, read_file
from nixprof.formatting import shell_quote
from nixprof.schema import MISSHAPEN, wrong_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

Parsed = TypeVar("Parsed")

_MARKER = rb"^(<{7}|={7}|>{7})( |$)"


def read_lock(path: Path) -> bytes | None:
    """Read a lock; None where it is not there.

    Raises: NixprofError where it cannot be read, or has a conflict in it.
    """
    try:
        data = read_file(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from error
    _check_merged(path, data)
    return data


def parsed(path: Path, data: bytes, parse: Callable[[Any], Parsed], *, wrong: str, hints: tuple[str, ...]) -> Parsed:
    """Parse what was read from a lock.

    Raises: NixprofError that says what is `wrong` with the file where `parse` cannot understand its JSON.
    """
    try:
        return parse(json.loads(data))
    except MISSHAPEN as error:
        raise NixprofError(f"{path} {wrong}", Reason.DAMAGED, cause=wrong_with(error), hints=hints) from error


def _check_merged(path: Path, data: bytes) -> None:
    """Make sure that a generated file has no conflict in it.

    Raises: NixprofError that names the lines, and how to take one side.
    """
    if b"<<<<<<< " not in data or not re.search(rb"(?m)^<{7} ", data):
        return
    lines = [number for number, line in enumerate(data.splitlines(), 1) if re.match(_MARKER, line)]
    where = f"line {lines[0]}" if len(lines) == 1 else f"lines {lines[0]} to {lines[-1]}"
    folder = shell_quote(str(path.parent))
    raise NixprofError(
        f"{path} has an unresolved merge conflict in {where}",
        Reason.MERGE_CONFLICT,
        hints=(
            f"take both locks from one side: git -C {folder} checkout --ours packages.json flake.lock",
            "or from the other: the same with --theirs; then: nixprof sync",
        ),
    )


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
