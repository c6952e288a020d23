"""The one line in a start-up file, put there and taken out again so that the rest stays byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.shell.startup import word

if TYPE_CHECKING:
    from pathlib import Path

_MARK = b" # nixprof setup"
# What came with the line, and goes with it.
_WITH_NEWLINE = _MARK + b", with the newline before"
_WITH_NEWLINES = _MARK + b", with the two newlines before"
# By how many newlines came with the line.
_MARKS = (_MARK, _WITH_NEWLINE, _WITH_NEWLINES)
_WITH_FILE = _MARK + b", with this file"


def line_for(shell: str, static: Path) -> str:
    """Write the line that reads a static file, where there is one."""
    file = word(static, shell)
    return f"if test -r {file}; source {file}; end" if shell == "fish" else f"if [ -r {file} ]; then . {file}; fi"


def with_line(before: bytes | None, line: str) -> bytes:
    """Add the line at the end of a file, or correct the one that is there; None is the content of no file."""
    text = line.encode("utf-8", "surrogateescape")
    if before is None:
        return text + _WITH_FILE + b"\n"
    lines = before.split(b"\n")
    if any(one.strip().startswith(text) for one in lines):
        return before
    if lines_of(before):
        return b"\n".join(text + _mark(one) if _is_ours(one) else one for one in lines)
    newlines = _newlines_after(before)
    return before + newlines + text + _MARKS[len(newlines)] + b"\n"


def without_line(data: bytes) -> bytes | None:
    """Take the line out; None where the file came with it, and has nothing else."""
    lines = data.split(b"\n")
    ours = lines_of(data)
    rest = b"\n".join(one for one in lines if not _is_ours(one))
    if not rest and any(_mark(one) == _WITH_FILE for one in ours):
        return None
    # What has come after the line since then is not to end up on the line before it.
    mark = _mark(lines[-2]) if len(lines) > 1 and not lines[-1] and _is_ours(lines[-2]) else _MARK
    newlines = _MARKS.index(mark) if mark in _MARKS else 0
    return rest.removesuffix(b"\n" * newlines)


def lines_of(data: bytes) -> list[bytes]:
    """Find the lines that came from nixprof."""
    return list(filter(_is_ours, data.split(b"\n")))


def _newlines_after(text: bytes) -> bytes:
    """Give the newlines that a line of its own needs: one that comes after a backslash ends no line of a shell."""
    last = b"" if not text or text.endswith(b"\n") else b"\n"
    return last + b"\n" if (text + last).endswith(b"\\\n") else last


def _is_ours(line: bytes) -> bool:
    return line.startswith(b"if ") and bool(_mark(line))


def _mark(line: bytes) -> bytes:
    return next((mark for mark in (*_MARKS, _WITH_FILE) if line.endswith(mark)), b"")
