"""Where things stand in a TOML text: tomllib tells values, not places, and tomlkit keeps neither.

The scanner reads only texts that tomllib has accepted. It checks nothing, so that it can stay small; it is
linear in the length of the text and keeps its own stack, so that no depth of nesting can break it. Nothing
needs it unless there is a problem to report or an edit to make.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final, Literal

Form = Literal["value", "array", "inline", "header", "tables", "implicit"]
Step = str | int

_TRIVIA: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BLANK: Final = re.compile(r"[ \t]*")
_KEY: Final = re.compile(r"""([A-Za-z0-9_-]+)|"([^"\\]*(?:\\.[^"\\]*)*)"|'([^']*)'""")
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
    """Where one key and its value stand, as offsets into the text, and what is inside.

    What `start` and `end` (of the value) enclose depends on `form`:

    - `value`, `array`, `inline`: the value itself, brackets and quotes included;
    - `header`: the header line of a `[table]`; `tables`: the first header of a `[[list of tables]]`;
    - `implicit`: a table that only exists because a dotted key or a header names it: that name.

    An array element has no key: `key_start` and `key_end` are its `start`. `last` is the end of the last key
    and value that were written directly into a table (of its header if there are none); 0 in a table that has
    neither.
    """

    key_start: int
    key_end: int
    start: int
    end: int
    form: Form = "implicit"
    last: int = 0
    children: dict[Step, Place] = field(default_factory=dict, repr=False)

    def at(self, *path: Step) -> Place:
        """Return the place of a key path below this one; KeyError if there is none."""
        place = self
        for step in path:
            place = place.children[step]
        return place

    def find(self, *path: Step) -> Place | None:
        """Return the place of a key path below this one, None if there is none."""
        try:
            return self.at(*path)
        except KeyError:
            return None


class Lines:
    """Turns offsets into lines and columns, for one text, in logarithmic time each."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def at(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, both from 1, the column in characters."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def locate(text: str) -> Place:
    """Return the place of the whole document, a table without a key.

    Raise ValueError for some of the texts that tomllib does not accept; for the others the answer is useless.
    """
    root = table = Place(0, 0, 0, 0, "header")
    position = skip(text, 0)
    while position < len(text):
        if text[position] == "[":
            table, position = _header(text, position, root)
        else:
            position = _pair(text, position, table)
        position = skip(text, position)
    return root


def line_column(text: str, offset: int) -> tuple[int, int]:
    """Return line and column of one offset, both from 1. For many offsets of one text use `Lines`."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def line_of(text: str, path: tuple[Step, ...]) -> int:
    """Return the line, from 1, of a key path, or of as much of it as there is; the text must be valid TOML."""
    place = locate(text)
    for step in path:
        place = place.children.get(step, place)
    return line_column(text, place.start)[0]


def skip(text: str, position: int) -> int:
    """Return the first offset from `position` on that is neither white space nor in a comment."""
    return _match(_TRIVIA, text, position).end()


def _header(text: str, position: int, root: Place) -> tuple[Place, int]:
    """Read `[a.b]` or `[[a.b]]`. Return its table and the offset after it."""
    width = 2 if text.startswith("[[", position) else 1
    keys, end = _keys(text, position + width)
    end += width
    parent = _descend(root, keys[:-1])
    name, key_start, key_end = keys[-1]
    place = parent.children.setdefault(name, Place(key_start, key_end, position, end))
    if width == 1:
        place.key_start, place.key_end, place.start, place.end = key_start, key_end, position, end
        place.form, place.last = "header", end
        return place, end
    place.form = "tables"
    table = Place(key_start, key_end, position, end, "header", end)
    place.children[len(place.children)] = table
    return table, end


def _descend(place: Place, keys: list[tuple[str, int, int]]) -> Place:
    """Follow the leading keys of a header or of a dotted key, into the newest of a list of tables."""
    for name, start, end in keys:
        place = place.children.setdefault(name, Place(start, end, start, end))
        if place.form == "tables":
            place = place.children[len(place.children) - 1]
    return place


def _pair(text: str, position: int, table: Place) -> int:
    """Read `key = value`. Return the offset after it."""
    keys, position = _keys(text, position)
    position = _value(text, skip(text, position + 1), _enter(table, keys))
    for name, _, _ in keys:
        table.last = position
        table = table.children[name]
    return position


def _enter(table: Place, keys: list[tuple[str, int, int]]) -> Place:
    """Make the place of a new pair, and of the tables that its dotted key implies."""
    name, start, end = keys[-1]
    place = Place(keys[0][1], end, start, end, "value")
    _descend(table, keys[:-1]).children[name] = place
    return place


def _keys(text: str, position: int) -> tuple[list[tuple[str, int, int]], int]:
    """Read a possibly dotted key: each part with its offsets. Return also the offset of what follows it."""
    keys: list[tuple[str, int, int]] = []
    while True:
        match = _match(_KEY, text, _match(_BLANK, text, position).end())
        bare, basic, literal = match.groups()
        name = bare if bare is not None else literal if literal is not None else _unescaped(basic)
        keys.append((name, *match.span()))
        position = _match(_BLANK, text, match.end()).end()
        if text[position] != ".":
            return keys, position
        position += 1


def _value(text: str, position: int, place: Place) -> int:
    """Read the value of `place` and everything inside it. Return the offset after it."""
    opened: list[Place] = []
    while True:
        place.start = position
        if text[position] in "[{":
            place.form = "array" if text[position] == "[" else "inline"
            opened.append(place)
            position += 1
        else:
            position = place.end = _match(_SCALAR, text, position).end()
        position = _close(text, position, opened)
        if not opened:
            return position
        parent = opened[-1]
        if parent.form == "array":
            place = Place(position, position, position, position, "value")
            parent.children[len(parent.children)] = place
        else:
            keys, position = _keys(text, position)
            place = _enter(parent, keys)
            position = skip(text, position + 1)


def _close(text: str, position: int, opened: list[Place]) -> int:
    """Go from the end of a value to the start of the next one, or to the end of the outermost value."""
    while opened:
        position = skip(text, position)
        if text[position] == ",":
            position = skip(text, position + 1)
        if text[position] not in "]}":
            break
        position += 1
        opened.pop().end = position
    return position


def _match(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str]:
    match = pattern.match(text, position)
    if match is None:
        raise ValueError("only a text that tomllib accepts can be located")
    return match


def _unescaped(basic: str) -> str:
    """Return what a key in double quotes spells."""
    if "\\" not in basic:
        return basic
    import tomllib

    return str(tomllib.loads(f'key = "{basic}"')["key"])
