"""Where things are in a TOML text: tomllib gives values without places, and tomlkit keeps none.

It reads only texts that tomllib has accepted, and checks nothing. Only errors need it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Final

Step = str | int

_TRIVIA: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_KEY: Final = re.compile(r"""[ \t]*(?P<key>[A-Za-z0-9_-]+|"[^"\\]*(?:\\.[^"\\]*)*"|'[^']*')[ \t]*""")
_SCALAR: Final = re.compile(
    r"""
      "{3} [^"\\]* (?: (?: \\. | "{1,2}(?!") ) [^"\\]* )* "{3,5}
    | '{3} [^']* (?: '{1,2}(?!') [^']* )* '{3,5}
    | " [^"\\]* (?: \\. [^"\\]* )* "
    | ' [^']* '
    | [^\s,\]}\#]+ (?: [ ]\d\d:\d\d [^\s,\]}\#]* )?  # a date may hold one space
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True, eq=False)
class Place:
    """Where something is written, from `start` to `end`, as offsets into the text.

    That is `key = value`, an element of a list, the header of a `[table]`, the first header of a `[[list of tables]]`,
    or the name in a dotted key or a header that is all there is of a table.
    """

    start: int
    end: int
    children: dict[Step, Place] = field(default_factory=dict, repr=False)
    is_list_of_tables: bool = False

    def at(self, path: tuple[Step, ...]) -> Place:
        """Return the place of a key path below this one, or of as much of it as there is."""
        place = self
        for step in path:
            if step not in place.children:
                break
            place = place.children[step]
        return place


def locate(text: str) -> Place:
    """Return the place of the whole document; the text must be valid."""
    root = table = Place(0, 0)
    position = _skip(text, 0)
    while position < len(text):
        if text[position] == "[":
            table, position = _header(text, position, root)
        else:
            position = _pair(text, position, table)
        position = _skip(text, position)
    return root


def line_column(text: str, offset: int) -> tuple[int, int]:
    """Return line and column of an offset, both from 1, the column in characters."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def line_of(text: str, path: tuple[Step, ...]) -> int:
    """Return the line, from 1, of a key path, or of as much of it as there is; the text must be valid."""
    return line_column(text, locate(text).at(path).start)[0]


def _header(text: str, position: int, root: Place) -> tuple[Place, int]:
    """Read `[a.b]` or `[[a.b]]`. Return its table and the offset after it."""
    width = 2 if text.startswith("[[", position) else 1
    names, end = _names(text, position + width)
    end += width
    table = _table(root, names[:-1]).children.setdefault(names[-1][0], Place(position, end))
    if width == 1:
        table.start, table.end = position, end
        return table, end
    table.is_list_of_tables = True
    element = table.children[len(table.children)] = Place(position, end)
    return element, end


def _table(place: Place, names: list[tuple[str, int, int]]) -> Place:
    """Follow the leading names of a header or of a dotted key, into the last of a list of tables."""
    for name, start, end in names:
        place = place.children.setdefault(name, Place(start, end))
        if place.is_list_of_tables:
            place = place.children[len(place.children) - 1]
    return place


def _pair(text: str, position: int, table: Place) -> int:
    """Read `key = value`. Return the offset after it."""
    names, after = _names(text, position)
    place = _table(table, names[:-1]).children[names[-1][0]] = Place(names[0][1], after)
    place.end = _value(text, _skip(text, after + 1), place)
    return place.end


def _names(text: str, position: int) -> tuple[list[tuple[str, int, int]], int]:
    """Read a possibly dotted key: each name with its offsets. Return also the offset of what follows."""
    names: list[tuple[str, int, int]] = []
    while not names or text[position] == ".":
        match = _match(_KEY, text, position + bool(names))
        key = match["key"]
        name = str(tomllib.loads(f"key = {key}")["key"]) if key[0] in "\"'" else key
        names.append((name, *match.span("key")))
        position = match.end()
    return names, position


def _value(text: str, position: int, place: Place) -> int:
    """Read the value of `place` and everything inside it. Return the offset after it."""
    closing = {"[": "]", "{": "}"}.get(text[position])
    if closing is None:
        return _match(_SCALAR, text, position).end()
    position = _skip(text, position + 1)
    while text[position] != closing:
        if closing == "}":
            position = _pair(text, position, place)
        else:
            element = place.children[len(place.children)] = Place(position, position)
            position = element.end = _value(text, position, element)
        position = _skip(text, position)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return position + 1


def _skip(text: str, position: int) -> int:
    """Return the first offset from `position` on that is neither white space nor in a comment."""
    return _match(_TRIVIA, text, position).end()


def _match(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str]:
    match = pattern.match(text, position)
    if match is None:
        raise ValueError("only a valid text can be located")
    return match
