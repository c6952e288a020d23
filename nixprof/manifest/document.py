"""A manifest as a tomlkit document: where its values and tables are, and how new ones are written."""

from __future__ import annotations

import re
import tomllib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Comment, InlineTable, Table

from nixprof.errors import NixprofError, Reason
from nixprof.manifest.positions import line_of
from nixprof.manifest.toml_list import TomlList

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tomlkit.items import Item, Key

    Path = tuple[str | int, ...]
    Body = list[tuple[Key | None, Item]]


class Document:
    """A manifest's text while it is edited. What is not edited keeps every byte."""

    def __init__(self, text: str, path: Path = (), by_hand: str = "make the change") -> None:
        """Take a valid text; `path` and `by_hand` say in the error where and how to make the edit if nixprof cannot."""
        self.text = text
        self.path = path
        self.by_hand = by_hand
        self.newline = "\r\n" if "\r\n" in text else "\n"
        # So that lines can be written after the last one.
        self._line_end = "" if not text or text.endswith("\n") else self.newline
        try:
            self._root = tomlkit.parse(text + self._line_end)
        except TOMLKitError:
            raise self.refusal() from None

    def refusal(self) -> NixprofError:
        """Return the error for an edit that cannot be made."""
        message = "the manifest is written in a way that nixprof cannot edit"
        hint = f"by hand, at line {line_of(self.text, self.path)}: {self.by_hand}"
        return NixprofError(message, Reason.CANNOT_EDIT, hints=(hint,))

    def edited(self, wanted: Mapping[Path, object]) -> str:
        """Return the new text, which must say what is `wanted` at some key paths, else what the old one says."""
        data = tomllib.loads(self.text)
        for path, value in wanted.items():
            inner: Any = data
            for step in path[:-1]:
                inner = inner.setdefault(step, {}) if isinstance(inner, dict) else inner[step]
            inner[path[-1]] = value
        text = self._root.as_string().removesuffix(self._line_end)
        with suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(text) == data:
                return text
        raise self.refusal()

    def find(self, path: Path) -> Any:
        """Return the tomlkit item at a key path, None if there is none; of a table in several parts, the first."""
        return next((part.item for part in self._parts(path)), None)

    def values(self, path: Path) -> TomlList | None:
        """Return the list at a key path, or the pairs of the inline table; None if there is neither."""
        item = self.find(path)
        if isinstance(item, Array):
            return TomlList(item.as_string(), (value.as_string() for value in item), self.newline)
        if isinstance(item, InlineTable):
            pairs = [_text(key, value) for key, value in _body(item) if key]
            return TomlList(item.as_string() if pairs else "{ }", pairs, self.newline)
        return None

    def replace(self, path: Path, value: object) -> None:
        """Write another TOML value at a key path; the comment behind it stays."""
        part = self._parts(path)[0]
        try:
            part.holder[part.step] = tomlkit.value(str(value))
        except TOMLKitError:
            raise self.refusal() from None

    def add_pair(self, table: tuple[str, ...], key: str, value: str, in_line: str) -> None:
        """Write a new key into a table that may not be there; `in_line` is its value in an inline table."""
        depth = next(depth for depth in range(len(table), -1, -1) if self._parts(table[:depth]))
        outer = self.find(table[:depth])
        pair = f"{toml_key(key)} = {value}"
        if isinstance(outer, InlineTable) and (pairs := self.values(table[:depth])):
            pair = f"{toml_key(key)} = {in_line}"
            for step in reversed(table[depth:]):
                pair = f"{toml_key(step)} = {{ {pair} }}"
            pairs.append([pair])
            self.replace(table[:depth], pairs)
        elif not isinstance(outer, Table | tomlkit.TOMLDocument):
            raise self.refusal()
        elif depth < len(table) or not self._add_to_table(table, pair):
            text = self._root.as_string()
            apart = self.newline if text and not text.endswith(("\n\n", "\n\r\n")) else ""
            header = f"{apart}[{'.'.join(map(toml_key, table))}]{self.newline}"
            self._insert(self._root.body, len(self._root.body), header + pair)

    def remove_pair(self, path: Path) -> None:
        """Remove a key with its value, be it a table; a comment on its line goes too."""
        table, names = self.find(path[:-1]), self.values(path[:-1])
        if isinstance(table, InlineTable) and names:
            names.remove([key.key for key, _ in _body(table) if key].index(str(path[-1])))
            self.replace(path[:-1], names)
            return
        # The parts of a table that dotted keys make are in one holder, and go together.
        for holder in {id(part.holder): part.holder for part in self._parts(path)}.values():
            holder.remove(path[-1])

    def _add_to_table(self, table: tuple[str, ...], pair: str) -> bool:
        """Write a pair below the last one of a table; return False if it has neither a header nor dotted keys."""
        depth = len(table)
        while depth and not any(part.has_header for part in self._parts(table[:depth])):
            if not any(part.is_dotted for part in self._parts(table[:depth])):
                return False
            depth -= 1
            pair = f"{toml_key(table[depth])}.{pair}"
        body = next((_body(part.item) for part in self._parts(table[:depth]) if part.has_header), self._root.body)
        names = table[depth : depth + 1]
        pairs = [index for index, (key, item) in enumerate(body) if key and _is_pair(key, item, names)]
        if pairs:
            self._insert(body, pairs[-1] + 1, _indent(body[pairs[-1]][1]) + pair)
        else:
            at = 0 if depth else _end_of_top_level(body)
            self._insert(body, at, pair if depth or at == len(body) else pair + self.newline)
        return True

    def _insert(self, body: Body, at: int, lines: str) -> None:
        body[at:at] = tomlkit.parse(lines + self.newline).body

    def _parts(self, path: Path) -> list[_Part]:
        """Return what is at a key path: one value, or the parts of a table, which may be in several places."""
        parts = [_Part(None, "", is_dotted=False, item=self._root)]
        for step in path:
            parts = [inner for part in parts for inner in _inside(part.item, step)]
        return parts


class _Part(NamedTuple):
    """A value, or a part of a table, in what holds it; `is_dotted` if a dotted key makes it a table."""

    holder: Any
    step: str | int
    is_dotted: bool
    item: Any

    @property
    def has_header(self) -> bool:
        return isinstance(self.item, Table) and not self.item.is_super_table()


def _inside(item: object, step: str | int) -> Iterator[_Part]:
    if isinstance(item, Array) and isinstance(step, int) and step < len(item):
        yield _Part(item, step, is_dotted=False, item=item[step])
    for key, inner in _body(item):
        if key is not None and key.key == step:
            yield _Part(item, step, key.is_dotted(), inner)


def _body(item: object) -> Body:
    if isinstance(item, tomlkit.TOMLDocument):
        return item.body
    return item.value.body if isinstance(item, Table | InlineTable) else []


def _text(key: Key, item: Item) -> str:
    """Return a pair of an inline table as it is written."""
    [*rest] = (_text(inner, value) for inner, value in _body(item) if inner) if isinstance(item, Table) else ()
    return f"{key.as_string()}.{rest[0]}" if rest else f"{key.as_string()}{key.sep}{item.as_string()}"


def _is_pair(key: Key, item: Item, names: tuple[str, ...]) -> bool:
    """Tell `key = value` from a table with a header; `names` are the keys that count, if not all do."""
    return (key.is_dotted() or not isinstance(item, Table | AoT)) and (not names or key.key in names)


def _indent(item: Item) -> str:
    """Return the white space before a pair; for a dotted key, tomlkit keeps it with the value."""
    while isinstance(item, Table):
        item = item.value.body[0][1]
    return item.trivia.indent


def _end_of_top_level(body: Body) -> int:
    """Return the index of the first table, or of the comments directly above it; the length if there is none."""
    at = next((index for index, (key, _) in enumerate(body) if key is not None), len(body))
    while 0 < at < len(body) and isinstance(body[at - 1][1], Comment):
        at -= 1
    return at


def toml_string(text: str) -> str:
    """Write any text as a TOML string in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\u{ord(match[0]):04x}", escaped) + '"'


def toml_key(name: str) -> str:
    """Write any text as a TOML key."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_string(name)
