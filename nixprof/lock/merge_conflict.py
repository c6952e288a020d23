"""What git leaves in a generated file when two machines' versions do not merge, or what is in the place of one."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.files import permission_hint
from nixprof.formatting import shell_quote

if TYPE_CHECKING:
    from pathlib import Path

_MARKER = re.compile(rb"^(<{7}|={7}|>{7})( |$)")


def check_merged(path: Path, data: bytes) -> None:
    """Make sure that a generated file has no conflict in it.

    Raises: NixprofError that names the lines, and how to take one side.
    """
    lines = [number for number, line in enumerate(data.splitlines(), 1) if _MARKER.match(line)]
    if not lines or not re.search(rb"(?m)^<{7} ", data):
        return
    where = f"line {lines[0]}" if len(lines) == 1 else f"lines {lines[0]} to {lines[-1]}"
    folder = shell_quote(str(path.parent))
    raise NixprofError(
        f"{path} has a conflict from a merge in {where}",
        Reason.MERGE_CONFLICT,
        hints=(
            f"take both locks from one side: git -C {folder} checkout --ours packages.json flake.lock",
            "or from the other: the same with --theirs; then: nixprof sync",
        ),
    )


def unusable(path: Path, error: OSError) -> NixprofError:
    """Say what is in the place of a generated file, or of the folder that it has to be in."""
    there = next(place for place in (path, *path.parents) if os.path.lexists(place))
    what = "file" if there == path else "folder"
    if isinstance(error, PermissionError) or (there.is_file() if there == path else there.is_dir()):
        message, cause = f"cannot read {path}", error.strerror
    else:
        message, cause = f"{there} is not a {what}, and nixprof keeps its generated files there", None
    hints = permission_hint(path) or ("move it away, then: nixprof sync",)
    return NixprofError(message, Reason.CANNOT_READ, cause=cause, hints=hints)
