"""What git has of the generated folder, where it is in a repository: read without a network or hooks."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# Look at most at this many commits.
_MAX_COMMITS = 200


def commits(folder: Path, name: str) -> list[tuple[str, int]]:
    """List the commits that changed a file of a folder, the newest first, each with its time; none without git."""
    printed = _git(folder, "rev-list", "--timestamp", f"--max-count={_MAX_COMMITS}", "HEAD", "--", name)
    lines = (line.split() for line in printed.decode(errors="replace").splitlines())
    return [(commit, int(time)) for time, commit in lines]


def contents(folder: Path, names: Sequence[str]) -> Iterator[bytes | None]:
    """Give what files were, each named as `COMMIT:./NAME` or, in a conflict, `:2:./NAME`; None where there was none."""
    printed = _git(folder, "cat-file", "--batch", asked="".join(f"{name}\n" for name in names))
    while printed:
        head, _, printed = printed.partition(b"\n")
        words = head.split()
        if words[-1:] == [b"missing"]:
            yield None
            continue
        size = int(words[2])
        yield printed[:size]
        printed = printed[size + 1 :]


def _git(folder: Path, *words: str, asked: str = "") -> bytes:
    """Ask git; nothing where there is no git, or it refuses."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_NO_LAZY_FETCH"] = "1"
    try:
        return subprocess.run(
            ["git", "-C", os.path.realpath(folder), *words],
            input=asked.encode(),
            capture_output=True,
            check=True,
            env=environment,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""
