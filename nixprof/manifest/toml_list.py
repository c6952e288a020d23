"""How a TOML list or inline table is written: values come and go, and the rest of its text stays.

tomlkit's own arrays put new values into comments and lose commas; this is the one place that works around that.
"""

from __future__ import annotations

import re
from itertools import chain, takewhile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LINE_WIDTH: Final = 88  # of a list that gets its first values on one line
_BETWEEN_VALUES: Final = re.compile(r"(?:[\s,]|#[^\r\n]*)*")
_PIECE: Final = re.compile(r",|#[^\r\n]*|\r?\n|[ \t]+")


class TomlList:
    """The text between the brackets, in pieces: values, commas, comments, line ends, and the blanks between them."""

    def __init__(self, text: str, values: Iterable[str], newline: str) -> None:
        """Take the text with its brackets, the text of each value in it, and the line end to write."""
        self._open, self._close = text[0], text[-1]
        self._newline = newline
        self._pieces: list[str] = []
        position = 1
        for value in (*values, ""):
            between = _BETWEEN_VALUES.match(text, position, len(text) - 1)
            end = between.end() if between else position
            self._pieces += (*_PIECE.findall(text, position, end), value)
            position = end + len(value)
        self._ends_in_comma = "," in takewhile(lambda piece: not _is_value(piece), reversed(self._pieces))

    def __str__(self) -> str:
        """Return the text, with one comma between two values, and one after the last if there was one."""
        text: list[str] = []
        owed: int | None = None  # where the comma of the last value goes, if it has none
        for piece in self._pieces:
            if piece == "," and owed is None:
                continue
            if _is_value(piece) and owed is not None:
                text.insert(owed, ",")
            if _is_value(piece):
                owed = len(text) + 1
            elif piece == ",":
                owed = None
            text.append(piece)
        if owed is not None and self._ends_in_comma:
            text.insert(owed, ",")
        if owed is None and "," in text and not self._ends_in_comma:
            del text[len(text) - 1 - text[::-1].index(",")]
        return f"{self._open}{''.join(text)}{self._close}"

    def append(self, items: Sequence[str], indent: str = "") -> None:
        """Add values behind the last one, laid out like it; `indent` is that of the line on which the list begins."""
        pieces, values = self._pieces, self._values()
        if not values:
            self._fill(items, indent)
            return
        last = values[-1]
        at = pieces.index(",", last) + 1 if self._ends_in_comma else last + 1
        line = max((index + 1 for index in range(last) if _is_line_end(pieces[index])), default=0)
        if line:
            lead = [self._newline, *takewhile(lambda piece: not _is_value(piece), pieces[line:last])]
            rest = self._skip(at, " \t#")
            at = rest if _is_line_end(self._at(rest)) else at
        else:
            lead = pieces[pieces.index(",", values[-2]) + 1 : last] if len(values) > 1 else [" "]
        pieces[at:at] = [piece for item in items for piece in (*lead, item)]

    def remove(self, number: int) -> None:
        """Remove a value; with its line go the comments that head this value alone, and the blank lines above them."""
        at = self._values()[number]
        lines = self._lines()
        row = sum(map(_is_line_end, self._pieces[:at]))
        if 0 < row < len(lines) - 1 and sum(map(_is_value, lines[row])) == 1:
            del lines[_heading(lines, row) : row + 1]
            self._pieces = list(chain.from_iterable(lines))
        else:
            self._remove_within_line(at, is_first=number == 0)

    def comment(self, number: int) -> str | None:
        """Return the comment behind a value: "" where there is none yet, None where there is no room for one."""
        behind = self._at(self._behind(number))
        return behind[1:].strip() if behind.startswith("#") else "" if _is_line_end(behind) else None

    def set_comment(self, number: int, comment: str) -> None:
        """Write a comment behind a value that has room for one; "" removes it."""
        at = end = self._behind(number)
        if self._at(at).startswith("#"):
            end += 1
            at -= self._at(at - 1).isspace()
        self._pieces[at:end] = ["  ", f"# {comment}"] if comment else []

    def _fill(self, items: Sequence[str], indent: str) -> None:
        """Add the first values: on the line of the brackets if they fit, else each on a line of its own."""
        lines = self._lines()
        if len(lines) == 1 and len(", ".join(items)) <= _LINE_WIDTH:
            spaced = [piece for item in items for piece in (" ", item)]
            self._pieces = [*self._pieces, *spaced[1:], *self._pieces]
            return
        if len(lines) == 1:
            lines = [[self._newline], [indent]]
        above = re.match(r"([ \t]+)#", "".join(lines[-2])) if lines[1:-1] else None
        lead = above[1] if above else "".join(lines[-1]) + "  "
        lines[-1:-1] = [[lead, item, self._newline] for item in items]
        self._pieces = list(chain.from_iterable(lines))
        self._ends_in_comma = True

    def _remove_within_line(self, at: int, *, is_first: bool) -> None:
        """Remove a value that shares its line with others or with a bracket."""
        comma = self._skip(at + 1, " \t")
        end = comma + 1 if self._at(comma) == "," else at + 1
        rest = self._skip(end, " \t")
        if _is_value(self._at(rest)):
            end = rest
        elif is_first:
            at -= self._at(at - 1).startswith((" ", "\t")) if at else 0
            end = rest + 1 if self._at(rest).startswith("#") else end
        else:
            while self._at(at - 1).isspace() and not self._at(at - 2).startswith("#"):
                at -= 1
        del self._pieces[at:end]

    def _values(self) -> list[int]:
        return [index for index, piece in enumerate(self._pieces) if _is_value(piece)]

    def _behind(self, number: int) -> int:
        """Return the index of what stands behind a value and its comma."""
        return self._skip(self._values()[number] + 1, " \t,")

    def _skip(self, at: int, kinds: str) -> int:
        """Return the index of the first piece from `at` on that does not begin with one of `kinds`."""
        return at + sum(1 for _ in takewhile(lambda piece: piece[:1] in kinds, self._pieces[at:]))

    def _at(self, index: int) -> str:
        return self._pieces[index] if index < len(self._pieces) else ""

    def _lines(self) -> list[list[str]]:
        """Return the pieces of each line, with its line end."""
        lines: list[list[str]] = [[]]
        for piece in self._pieces:
            lines[-1].append(piece)
            if _is_line_end(piece):
                lines.append([])
        return lines


def _heading(lines: list[list[str]], row: int) -> int:
    """Return the first line of what belongs to the value that is alone on line `row`.

    Comments directly above belong to it if they head no other value: there is a blank line, or the opening of the list,
    above them, and a blank line, or the end of the list, below the value. Then the blank lines above belong to it too.
    """
    with_values = [index for index, line in enumerate(lines) if any(map(_is_value, line))]
    if with_values == [row]:
        return row
    above = max((index for index in with_values if index < row), default=0)
    top = row
    while top - 1 > above and "".join(lines[top - 1]).lstrip().startswith("#"):
        top -= 1
    is_apart = with_values[0] == row if top - 1 == above else _is_empty(lines[top - 1])
    if not (is_apart and _is_empty(lines[row + 1])):
        return row
    while top - 1 > above and _is_empty(lines[top - 1]):
        top -= 1
    return top


def _is_empty(line: list[str]) -> bool:
    return not "".join(line).strip()


def _is_value(piece: str) -> bool:
    return bool(piece.strip()) and piece[0] not in ",#"


def _is_line_end(piece: str) -> bool:
    return piece in ("\n", "\r\n")
