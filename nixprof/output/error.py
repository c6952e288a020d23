"""How errors read: what, why, and which command to run next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.refusal import UnresolvableError, sentence, words
from nixprof.formatting import display_path
from nixprof.manifest.problems import ManifestError
from nixprof.output.table import cells, column_widths
from nixprof.redact import MAX_LINE_LENGTH, one_line, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.errors import NixprofError
    from nixprof.manifest.problems import Problem


# What says more than this in a line was not written for people. A command is never cut.
_LONGEST_LINE = 1000
# So wide is the longest label.
_LABEL = 6
_LEAST_COLUMNS = 20


def report(error: NixprofError, width: int | None = None) -> Iterator[str]:
    """Write an error as lines, the labels aligned and the home shortened.

    Args:
        error: what to write.
        width: of the terminal, for what can be broken at a space; a command never is. None where there is none.

    """
    yield from _labelled("error", error.message, width)
    match error:
        case ManifestError():
            yield from _problem_lines(error, width)
        case UnresolvableError() if len(error.refusals) > 1:
            yield from _refusals(error, width)
    if error.cause:
        yield from _labelled("cause", error.cause, width)
    yield from _labelled("hint", "\n".join(line for hint in error.hints for line in _reason_first(hint, width)))


def _labelled(label: str, text: str, width: int | None = None) -> Iterator[str]:
    most = MAX_LINE_LENGTH if label == "hint" else _LONGEST_LINE
    lines = [part for line in text.splitlines() for part in _broken(one_line(_shortened(redact(line)), most), width)]
    for index, line in enumerate(lines):
        yield f"{f'{label}:' if index == 0 else '':<{_LABEL}} {line}".rstrip()


def _reason_first(hint: str, width: int | None) -> list[str]:
    """Put the command of a hint, `what for: nixprof …`, on the next line where the line would be too long."""
    lines = []
    for line in hint.splitlines():
        reason, found, command = line.partition(": ")
        too_long = width is not None and len(_shortened(line)) >= width - _LABEL
        lines += [f"{reason}:", f"  {command}"] if found and too_long and not reason.startswith("nix") else [line]
    return lines


def _broken(line: str, width: int | None, beside: int = _LABEL + 1) -> list[str]:
    """Break a line at spaces where it is longer than what is left beside other columns."""
    if width is None or len(line) <= width - beside:
        return [line]
    import textwrap

    indent = line[: len(line) - len(line.lstrip())]
    room = max(width - beside, _LEAST_COLUMNS)
    return textwrap.wrap(line, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _shortened(text: str) -> str:
    return " ".join(display_path(word) for word in text.split(" "))


def _problem_lines(error: ManifestError, width: int | None) -> Iterator[str]:
    """Align the problems; a message that is too long goes on below its beginning."""
    rows = cells([_problem_row(problem, error) for problem in error.problems])
    widths = column_widths(rows, width)
    column = sum(widths) + 2 * len(widths)
    for row in rows:
        beginning = "".join(f"{cell:<{size}}  " for cell, size in zip(row, widths, strict=False))
        first, *rest = _broken(row[-1], width, column)
        if width is not None and len(beginning) > column and len(beginning) + len(first) > width:
            yield beginning.rstrip()
            beginning = " " * column
        yield f"{beginning}{first}".rstrip()
        yield from (f"{'':<{column}}{line}" for line in rest)


def _problem_row(problem: Problem, error: ManifestError) -> tuple[str, str, str]:
    elsewhere = "" if problem.file == error.manifest else f"{display_path(problem.file)} "
    fix = f"; {problem.fix}" if problem.fix else ""
    return f"  {elsewhere}line {problem.line}", problem.text, f"{problem.message}{fix}"


def _refusals(error: UnresolvableError, width: int | None) -> Iterator[str]:
    for refusal in error.refusals:
        yield from _broken(f"  {sentence(refusal, error.inputs)}", width, 0)
        yield from (part for line in words(refusal) for part in _broken(f"    {line}", width, 0))
