"""The two streams: data goes to stdout, everything else to stderr; colour only where it is wanted.

Both streams clean all that they are given: names, versions, descriptions, logs and arguments come from outside, and a
terminal obeys what it is shown. Colours and movements of the cursor, which are nixprof's own, are marked with `own`.

What can be written never decides what is done: a stream that is closed, full or gone swallows what it is given.
Whether all of the data was written is asked once, at the end.
"""

from __future__ import annotations

import codecs
import os
import re
import sys
from enum import StrEnum
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from nixprof.record import record
from nixprof.redact import MAX_LINE_LENGTH, clean, one_line, redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _typeshed import ReadableBuffer

# The first word of a line that tells success or failure.
_VERDICTS = {"✓": "green", "✗": "red", "error:": "red"}
_CODES = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}
# Marks nixprof's own control sequences; text from outside cannot know it.
_MARK = f"\0{os.urandom(8).hex()}"
_OWN = re.compile(rf"{_MARK}([^\0]*)\0")


def own(sequence: str) -> str:
    """Mark a control sequence as nixprof's own, so that the streams let it through."""
    return f"{_MARK}{sequence}\0"


# What is written where the locale has no such sign.
_PLAIN = {
    "✓": "ok",
    "✗": "x",
    "→": "->",
    "…": "...",
    "·": "-",
    "━": "=",
    "╸": ">",
    "\u2018": "'",
    "\u2019": "'",
    "“": '"',
    "”": '"',
}


class Colour(StrEnum):
    """When to colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@record
class Console:
    """How a command shows what it does."""

    colour: Colour = Colour.AUTO
    command: str = ""  # its name
    json: bool = False  # whether stdout gets one JSON object, and nothing else
    verbose: bool = False

    def styled(self, text: str, style: str, stream: TextIO) -> str:
        """Colour a text for a stream, or not: signs carry all meaning without it."""
        if not text or not self.colours(stream):
            return text
        return own(f"\x1b[{_CODES[style]}m") + text + own("\x1b[0m")

    def write(self, line: str, stream: TextIO) -> None:
        """Write a line to either stream; it stays one line, whatever it contains."""
        if len(line) > MAX_LINE_LENGTH:
            line = _OWN.sub("", line)  # none of them may be cut
        word, space, rest = one_line(redact(line)).partition(" ")
        stream.write(f"{self.styled(word, _VERDICTS[word], stream) if word in _VERDICTS else word}{space}{rest}\n")

    def out(self, lines: Iterable[str]) -> None:
        """Write data."""
        for line in lines:
            self.write(line, sys.stdout)

    def say(self, *lines: str) -> None:
        """Write to the user."""
        for line in lines:
            self.write(line, sys.stderr)

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to answer a question."""
        return not self.json and sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI")

    def ask(self, question: str, *, usual: bool = True) -> bool:
        """Ask a question, to which Enter alone is the usual answer; the end of the input is a no."""
        import typer

        try:
            return typer.confirm(clean(one_line(redact(question))), default=usual, err=True)
        except typer.Abort:
            sys.stderr.write("\n")
            return False

    def choose(self, question: str, words: Sequence[str]) -> str | None:
        """Ask for one of some words, or for the beginning of one; the end of the input is None."""
        import typer

        while True:
            try:
                answer = typer.prompt(f"{question} [{'/'.join(words)}]", err=True, prompt_suffix=" ").strip().lower()
            except typer.Abort:
                sys.stderr.write("\n")
                return None
            meant = [word for word in words if answer and word.startswith(answer)]
            if len(meant) == 1:
                return meant[0]

    def width(self, stream: TextIO) -> int | None:
        """Return the columns of a terminal; None where there is no terminal, and no need to shorten anything."""
        if not stream.isatty():
            return None
        import shutil

        return shutil.get_terminal_size().columns

    def colours(self, stream: TextIO) -> bool:
        """Tell whether a stream is to have colours."""
        if self.colour is not Colour.AUTO:
            return self.colour is Colour.ALWAYS
        return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


class _Stream(TextIOWrapper):
    """A stream that nothing but text and nixprof's own control sequences gets through."""

    def write(self, text: str, /) -> int:
        """Write a text, cleaned."""
        # Every second part is the inside of a mark.
        parts = _OWN.split(text) if "\0" in text else (text,)
        super().write("".join(part if index % 2 else clean(part) for index, part in enumerate(parts)))
        return len(text)


class _File(FileIO):
    """A file whose writes never fail: what cannot be written is lost, and the reason is kept."""

    failure: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """Write, or give up."""
        written = None
        try:
            while (written := super().write(data)) is None:  # another process has said not to wait
                import select

                select.select([], [self], [])
        except OSError as error:
            self.failure = error
        return memoryview(data).nbytes if written is None else written


def opened() -> None:
    """Open all three streams, even if nixprof was started without them; a failure to write stops nothing."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for as long as nixprof runs
    codecs.register_error("nixprof", _plainly)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is getattr(sys, f"__{name}__"):
            file = BufferedWriter(_File(stream.fileno(), "w", closefd=False))
            by_line = stream.line_buffering or stream.write_through  # as it comes, with PYTHONUNBUFFERED
            stream = _Stream(file, stream.encoding, line_buffering=by_line)
            setattr(sys, name, stream)
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="nixprof")


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Replace what a stream cannot encode: signs by letters, and bytes of a file name that are not text by "?"."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(char, "?") for char in error.object[error.start : error.end]), error.end


def unwritten() -> OSError | None:
    """Write all of stdout. Return why some of it was lost; a reader that stops early is no reason."""
    sys.stdout.flush()
    file = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    failure = file.failure if isinstance(file, _File) else None
    return None if isinstance(failure, BrokenPipeError) else failure
