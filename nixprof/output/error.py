"""How errors read: what, why, and which command to run next."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nixprof.change.failures import UnresolvableError
from nixprof.change.hints import hints_of
from nixprof.console import unwritten
from nixprof.errors import Reason
from nixprof.formatting import display_path
from nixprof.manifest.problems import ManifestError
from nixprof.output.table import cells, column_widths
from nixprof.redact import MAX_LINE_LENGTH, one_line, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.console import Console
    from nixprof.errors import NixprofError
    from nixprof.manifest.problems import Problem


# A longer line of words was not written for people. A command is never cut.
_MAX_WORDS_LENGTH = 1000
_LABEL_COLUMNS = len("error: ")
_MIN_TEXT_COLUMNS = 20


def show(error: NixprofError, console: Console, *, changes: bool = False) -> None:
    """Show what a command fails at; `changes` tells whether it is one that changes something."""
    if console.json:
        from nixprof.output.json import envelope

        sys.stdout.write(envelope(console.command, {"error": error}))
        if unwritten() is None:
            return
    if error.reason is Reason.INTERRUPTED:
        sys.stderr.write(f"\n{error.message}.\n")
        return
    console.say(*report(error, console.width(sys.stderr)))
    if (changes or error.reason is Reason.NEEDS_CONFIRMATION) and not error.changed:
        console.say("Nothing was changed.")


def report(error: NixprofError, width: int | None = None) -> Iterator[str]:
    """Write an error as lines, labels aligned and the home shortened, broken at spaces for a terminal of `width`."""
    yield from _labelled("error", error.message, width)
    match error:
        case ManifestError():
            yield from _problem_lines(error, width)
        case UnresolvableError() if len(error.sentences) > 1:
            for text, words in error.sentences.items():
                yield from _broken(f"  {text}", width, 0)
                yield from (part for line in words for part in _broken(f"    {line}", width, 0))
    yield from reasons(error, width)


def reasons(error: NixprofError, width: int | None = None) -> Iterator[str]:
    """Write why an error came, where that is known, and what to do."""
    yield from _labelled("cause", error.cause or "", width)
    yield from _labelled("hint", "\n".join(line for hint in hints_of(error) for line in _hint_lines(hint, width)))


def _labelled(label: str, text: str, width: int | None = None) -> Iterator[str]:
    max_length = MAX_LINE_LENGTH if label == "hint" else _MAX_WORDS_LENGTH
    start = f"{label}:"
    for whole in text.splitlines():
        for line in _broken(one_line(_with_short_paths(redact(whole)), max_length), width):
            yield f"{start:<{_LABEL_COLUMNS}}{line}".rstrip()
            start = ""


def _hint_lines(hint: str, width: int | None) -> Iterator[str]:
    """Put the command of a hint, `what for: nixprof …`, on the next line where the line would be too long."""
    for line in hint.splitlines():
        purpose, found, command = line.partition(": ")
        too_long = width is not None and len(_with_short_paths(line)) > width - _LABEL_COLUMNS
        yield from (f"{purpose}:", f"  {command}") if found and too_long and not purpose.startswith("nix") else (line,)


def _broken(line: str, width: int | None, taken: int = _LABEL_COLUMNS) -> list[str]:
    """Break a line at spaces where it is longer than the columns that are left of the terminal."""
    if width is None or len(line) <= width - taken:
        return [line]
    import textwrap

    indent = line[: len(line) - len(line.lstrip())]
    room = max(width - taken, _MIN_TEXT_COLUMNS)
    return textwrap.wrap(line, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _with_short_paths(text: str) -> str:
    return " ".join(display_path(word) for word in text.split(" "))


def _problem_lines(error: ManifestError, width: int | None) -> Iterator[str]:
    """Align the problems; a message that is too long goes on below its beginning."""
    rows = cells([_problem_row(problem, error) for problem in error.problems])
    widths = column_widths(rows, width)
    column = sum(widths) + 2 * len(widths)
    for row in rows:
        start = "".join(f"{cell:<{size}}  " for cell, size in zip(row, widths, strict=False))
        first, *rest = _broken(row[-1], width, column)
        if width is not None and len(start) > column and len(start) + len(first) > width:
            yield start.rstrip()
            start = " " * column
        yield f"{start}{first}".rstrip()
        yield from (f"{'':<{column}}{line}" for line in rest)


def _problem_row(problem: Problem, error: ManifestError) -> tuple[str, str, str]:
    elsewhere = "" if problem.file == error.manifest else f"{display_path(problem.file)} "
    fix = f"; {problem.fix}" if problem.fix else ""
    return f"  {elsewhere}line {problem.line}", problem.text, f"{problem.message}{fix}"
