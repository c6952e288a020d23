"""What git leaves in a generated file when two machines' versions do not merge, or what is in the place of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError

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
    folder = path.parent
    raise NixprofError(
        f"{path} has a conflict from a merge in {where}",
        hints=(
            f"take both locks from one side: git -C {folder} checkout --ours packages.json flake.lock",
            "or from the other: the same with --theirs; then: nixprof sync",
        ),
    )


def in_the_way(path: Path) -> NixprofError:
    """Say that a file is where the folder of the generated files has to be."""
    return NixprofError(
        f"{path.parent} is no folder, and nixprof keeps its generated files there",
        hints=(f"move it away, then sync: mv {path.parent} {path.parent}.old && nixprof sync",),
    )
