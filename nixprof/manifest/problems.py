"""What is wrong in a manifest, in plain words and where: in its text, which may not be TOML, or in what it says."""

from __future__ import annotations

import re
import tomllib
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nixprof.errors import NixprofError, Reason
from nixprof.record import record
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from nixprof.manifest.model import Source

    KeyPath = tuple[str | int, ...]

_TEXT_WIDTH: Final = 60
MAX_DEPTH: Final = 64  # of brackets, where the text is too deep for tomllib

# Strings, comments, brackets, and whatever else is without white space.
_LEXEME: Final = r'(?s)"{3}.*?"{3}|\'{3}.*?\'{3}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}]|[^\s\[\]{}"\'#]+'
_HEADER: Final = r"(?m)[ \t]*\[{1,2}[ \t]*[\w.\"'-]+[ \t]*\]{1,2}[ \t]*(?:#.*)?$"
_BARE_WORD: Final = r"[A-Za-z_][^\s,\]}#\"']*"


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


## texts that are not TOML


class TomlError(Exception):
    """A text is not valid TOML: at which offset, why, and what to do."""

    def __init__(self, offset: int, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message
        self.fix = fix


def loads(data: bytes) -> dict[str, Any]:
    """Return what a TOML file says. Raise TomlError if it is not valid."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        offset = len(data[: error.start].decode())
        raise TomlError(offset, "the file is not UTF-8", "save it as UTF-8") from None
    if text.startswith("\ufeff"):
        raise TomlError(0, "the file starts with a byte order mark", "save it as UTF-8 without one")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise TomlError(_too_deep(text), "is nested too deeply", "a manifest needs four levels") from None
    except ValueError as error:
        raise _error(text, str(error)) from None


def _error(text: str, message: str) -> TomlError:
    """Say it better than tomllib, whose message is the only source of the place before Python 3.14."""
    conflict = re.search(r"^<{7} .*?^>{7} ", text, re.MULTILINE | re.DOTALL)
    if conflict:
        last = text.count("\n", 0, conflict.end()) + 1
        return TomlError(conflict.start(), f"an unresolved merge conflict, up to line {last}", "keep what you want")
    match = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.DOTALL)
    if match is None:  # Python itself refuses integers of thousands of digits
        number = re.search(r"[0-9][0-9_]{1000,}", text)
        return TomlError(number.start() if number else 0, "a number is too long", "write a shorter one")
    what, line, column = match.groups()
    offset = len(text)
    if line:
        offset = sum(len(above) + 1 for above in text.split("\n")[: int(line) - 1]) + int(column) - 1
    fix = "a key or table may appear only once" if "overwrite" in what or "twice" in what else None
    return _common_mistake(text, what, offset) or TomlError(offset, what[:1].lower() + what[1:], fix)


def _common_mistake(text: str, what: str, offset: int) -> TomlError | None:
    """Explain the commonest mistakes where they are made: tomllib, whose message is `what`, notices them later."""
    start = text.rfind("\n", 0, offset) + 1
    at_header = re.compile(_HEADER).match(text, start)
    before = [token for token in re.finditer(_LEXEME, text[:offset]) if token[0][0] != "#"]
    if what in ("Unclosed array", "Invalid value") and (at_header or offset == len(text)):
        opening = _unclosed(token for token in before if not at_header or token.start() < start)
        if opening is not None:
            return TomlError(opening, "the list that begins here is not closed", "write ] after its last package")
    if before and what in ("Unclosed array", "Unclosed inline table") and text[offset : offset + 1].strip():
        return TomlError(before[-1].start(), "a comma is missing after this", f"write {excerpt(before[-1][0])},")
    if what == r"Illegal character '\n'":
        return TomlError(before[-1].start() if before else offset, "a quote is missing at the end of this line")
    word = re.match(_BARE_WORD, text[offset:])
    if word and what == "Invalid value":
        if word[0].lower() in ("true", "false"):
            return TomlError(offset, f"{word[0]} must be lower case", f"write {word[0].lower()}")
        return TomlError(offset, f"{excerpt(word[0])} needs quotes", f'write "{excerpt(word[0])}"')
    return None


def _unclosed(tokens: Iterable[re.Match[str]]) -> int | None:
    """Return the offset of the last square bracket that is open, None if none is."""
    opened: list[int] = []
    for token in tokens:
        if token[0] == "[":
            opened.append(token.start())
        elif token[0] == "]" and opened:
            opened.pop()
    return opened[-1] if opened else None


def _too_deep(text: str) -> int:
    """Return the offset of the first bracket that is nested too deeply."""
    brackets = [match for match in re.finditer(_LEXEME, text) if match[0] in "[]{}"]
    depths = accumulate(1 if match[0] in "[{" else -1 for match in brackets)
    return next((match.start() for match, depth in zip(brackets, depths, strict=True) if depth > MAX_DEPTH), 0)
