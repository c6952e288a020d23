"""What is wrong in a manifest: only needed where something is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from nixprof.errors import NixprofError, Reason
from nixprof.record import record
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from nixprof.manifest.model import Source

    KeyPath = tuple[str | int, ...]

_TEXT_WIDTH: Final = 60


@record
class Problem:
    """One thing that is wrong in a manifest, and the place to change it."""

    file: Path
    line: int  # from 1
    column: int  # from 1, in characters
    text: str  # what is wrong, shortened to one line; empty at the end of the file
    message: str
    fix: str | None = None  # continues the message after a ";"


class ManifestError(NixprofError):
    """Everything that is wrong in a manifest and the files that it includes, in file and line order."""

    def __init__(self, manifest: Path, problems: tuple[Problem, ...]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        files = {problem.file for problem in problems}
        where = str(files.pop() if len(files) == 1 else manifest)
        rest = len(files - {manifest})
        if rest:
            where += f" and {rest} included file{'s' if rest > 1 else ''}"
        super().__init__(f"{count} in {where}", Reason.INVALID_MANIFEST)
        self.manifest = manifest
        self.problems = problems


class At(NamedTuple):
    """A key path in a file."""

    file: Path
    path: KeyPath = ()

    def below(self, *steps: str | int) -> At:
        """Return a place inside this one."""
        return At(self.file, (*self.path, *steps))


class Finding(NamedTuple):
    """Something that is wrong, before its line is known."""

    at: At
    message: str
    fix: str | None = None
    first: At | None = None  # where the same thing is already
    offset: int | None = None  # where in the text, if that is not valid TOML


def located(findings: Iterable[Finding], sources: Sequence[Source]) -> tuple[Problem, ...]:
    """Return what was found wrong with lines and columns, in file and line order."""
    from nixprof.manifest.positions import line_column, locate

    texts = {source.path: source.data.decode(errors="replace") for source in sources}
    places = [at for one in findings if one.offset is None for at in (one.at, one.first) if at]
    roots = {path: locate(texts[path]) for path in {at.file for at in places}}

    def problem(finding: Finding) -> Problem:
        file, text, message = finding.at.file, texts[finding.at.file], finding.message
        if finding.offset is None:
            place = roots[file].at(finding.at.path)
            line, column = line_column(text, place.start)
            wrong = text[place.start : place.end]
        else:
            line, column = line_column(text, finding.offset)
            wrong = text[finding.offset - column + 1 :].partition("\n")[0].strip().lstrip("\ufeff")
        if finding.first:
            first = roots[finding.first.file].at(finding.first.path).start
            where = "" if finding.first.file == file else f" of {finding.first.file.name}"
            message += f" (first on line {line_column(texts[finding.first.file], first)[0]}{where})"
        return Problem(file, line, column, excerpt(wrong, _TEXT_WIDTH), message, finding.fix)

    order = list(texts)
    return tuple(sorted(map(problem, findings), key=lambda one: (order.index(one.file), one.line, one.column)))
