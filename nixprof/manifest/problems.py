"""What is wrong in a manifest: only needed where something is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a manifest, and the place to change it.

    `line` and `column` count from 1, `column` in characters. `text` is the offending source text, shortened
    to one line; empty where there is none (an empty file, the end of the file). `fix` continues `message`
    after a `;`.
    """

    file: Path
    line: int
    column: int
    text: str
    message: str
    fix: str | None = None


class ManifestError(NixprofError):
    """Everything that is wrong in a manifest and the files that it includes, in file and line order."""

    def __init__(self, manifest: Path, problems: tuple[Problem, ...]) -> None:
        """Take the main file, and at least one problem of it or of an included file."""
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        files = {problem.file for problem in problems}
        where = str(files.pop() if len(files) == 1 else manifest)
        rest = len(files - {manifest})
        if rest:
            where += f" and {rest} included file{'s' if rest > 1 else ''}"
        super().__init__(f"{count} in {where}", Reason.INVALID_MANIFEST)
        self.manifest = manifest
        self.problems = problems
