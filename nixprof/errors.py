"""The one exception family. The command line catches it in one place and maps it to an exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def shown(text: str, width: int = 40) -> str:
    """Return text from outside as an error may show it: the first line, printable, at most `width` long."""
    line, more, _ = text.partition("\n")
    line = line.removesuffix("\r").replace("\t", " ")
    line = "".join(char if char.isprintable() else "\ufffd" for char in line[: width + 1])
    return line[: width - 1] + "…" if more or len(line) > width else line


class NixprofError(Exception):
    """Something that the user has to know: what happened, why, and which command helps.

    `message` is the line after `error:`, `cause` the line after `cause:` (None where it is not known),
    `hints` the lines after `hint:`, `exit_code` what the process ends with.
    """

    def __init__(
        self,
        message: str,
        *,
        cause: str | None = None,
        hints: tuple[str, ...] = (),
        exit_code: int = 1,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.hints = hints
        self.exit_code = exit_code


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
        super().__init__(f"{count} in {where}")
        self.manifest = manifest
        self.problems = problems
