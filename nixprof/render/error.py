"""How errors read: what, why, and which command to run next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.manifest.problems import ManifestError
from nixprof.refusal import UnresolvableError, sentence, words
from nixprof.render.table import columns
from nixprof.words import LONGEST_LINE, discreet, display_path, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.errors import NixprofError
    from nixprof.manifest.problems import Problem


# What says more than this in a line was not written for people. A command is never cut.
_LONGEST_LINE = 1000
# So wide is the longest label.
_LABEL = 6


def report(error: NixprofError, width: int | None = None) -> Iterator[str]:
    """Write an error as lines, the labels aligned and the home shortened.

    Args:
        error: what to write.
        width: of the terminal, for what can be broken at a space; a command never is. None where there is none.

    """
    yield from _labelled("error", error.message, width)
    match error:
        case ManifestError():
            yield from _problem_lines(error)
        case UnresolvableError() if len(error.refusals) > 1:
            yield from _refusals(error)
    if error.cause:
        yield from _labelled("cause", error.cause, width)
    yield from _labelled("hint", "\n".join(error.hints))


def _labelled(label: str, text: str, width: int | None = None) -> Iterator[str]:
    most = LONGEST_LINE if label == "hint" else _LONGEST_LINE
    lines = [part for line in text.splitlines() for part in _broken(one_line(_shortened(discreet(line)), most), width)]
    for index, line in enumerate(lines):
        yield f"{f'{label}:' if index == 0 else '':<{_LABEL}} {line}".rstrip()


def _broken(line: str, width: int | None) -> list[str]:
    """Break a line at spaces where it is longer than what is left beside the labels."""
    if width is None or len(line) < width - _LABEL:
        return [line]
    import textwrap

    indent = line[: len(line) - len(line.lstrip())]
    room = max(width - _LABEL - 1, 20)
    return textwrap.wrap(line, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _shortened(text: str) -> str:
    return " ".join(display_path(word) for word in text.split(" "))


def _problem_lines(error: ManifestError) -> Iterator[str]:
    yield from columns([_problem_row(problem, error) for problem in error.problems], None)


def _problem_row(problem: Problem, error: ManifestError) -> tuple[str, str, str]:
    elsewhere = "" if problem.file == error.manifest else f"{display_path(problem.file)} "
    fix = f"; {problem.fix}" if problem.fix else ""
    return f"  {elsewhere}line {problem.line}", problem.text, f"{problem.message}{fix}"


def _refusals(error: UnresolvableError) -> Iterator[str]:
    for refusal in error.refusals:
        yield f"  {sentence(refusal, error.inputs)}"
        yield from (f"    {line}" for line in words(refusal))
