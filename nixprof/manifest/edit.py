"""Changing single entries of a manifest: text in, text out, and every other byte stays.

The edits are splices at the places that `locate` finds, so that what is not spliced cannot change. Each edit
then reads the new text back and compares what it says with what it should say; where nixprof cannot do an
edit, it says which line to change by hand. The texts that come in must be valid TOML, with their own line
ends.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from nixprof.errors import NixprofError, Reason
from nixprof.manifest.positions import Place, line_column, locate, skip

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    Path = tuple[str | int, ...]
    Splice = tuple[int, int, str]

_WIDTH: Final = 100
_REST: Final = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?=\r?\n|\Z)")
_END_OF_GROUP: Final = re.compile(r"[ \t]*(?:\r?\n|\])")
_INDENT: Final = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class NewPackage:
    """An entry to write: its spec, its priority if it needs one, whether `update` leaves it alone."""

    spec: str
    priority: int | None = None
    pin: bool = False


def add_packages(text: str, entries: Sequence[NewPackage], table: tuple[str, ...] = ()) -> str:
    """Return `text` with `entries` after the last package of a table.

    `table` is () for the top level, else a path such as ("system", "darwin").

    A list on one line stays on one line; otherwise each entry gets a line of its own, indented as the last
    one is, after that one's comment. A missing list or table is written. This inserts in one place, or, where
    the last entry has a comment but no comma, in two.

    Raises:
        NixprofError: the list is written in a way that cannot be edited.
    """
    return _extended(_Text(text), (*table, "packages"), [_entry(entry) for entry in entries], lines=True)


def remove_package(text: str, path: Path) -> str:
    """Return `text` without the entry at a key path such as ("packages", 3).

    What goes with the entry, if it has its line to itself: the comment on that line, and comment lines
    directly above it that head this entry alone, that is, with a blank line or the opening of the list above
    them and a blank line or the end of the list below the entry. Blank lines above such a group go too.
    Everything else stays; of the last entry of a list, all comments above do.

    Raises:
        NixprofError: the list is written in a way that cannot be edited.
    """
    source = _Text(text)
    place = source.root.find(*path)
    array = source.root.find(*path[:-1])

    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        del data[path[-1]]

    if place is None or array is None or array.form != "array":
        raise source.refusal(array, f"remove the entry {'.'.join(map(str, path))}")
    number = int(path[-1])
    splices = _removal(source, array, number)
    if not source.says(splices, change):
        splices = _bare_removal(source, array, number)
    return source.changed(splices, change, f"remove {text[place.start : place.end]}", place)


def set_option(text: str, path: Path, key: str, value: int | None) -> str:
    """Return `text` with an option of the entry at a key path set, such as `pin = true`; None takes it out.

    An entry that is a text becomes a table, and one that would only have its package left a text.

    Raises:
        NixprofError: the entry is written in a way that cannot be edited.
    """
    source = _Text(text)
    place = source.root.find(*path)
    written = str(value).lower()
    by_hand = f"remove {key}" if value is None else f"write {key} = {written}"
    if place is None:
        raise source.refusal(place, by_hand)

    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        entry = data[path[-1]]
        table = {"package": entry} if isinstance(entry, str) else dict(entry)
        table.pop(key, None)
        if value is not None:
            table[key] = value
        data[path[-1]] = table["package"] if table.keys() == {"package"} else table

    splices = _without_option(source, place, key) if value is None else _with_option(source, place, key, written)
    return source.changed(splices, change, by_hand, place)


def _with_option(source: _Text, place: Place, key: str, value: str) -> list[Splice]:
    if place.form != "inline":
        return [(place.start, place.start, "{ package = "), (place.end, place.end, f", {key} = {value} }}")]
    written = place.children.get(key)
    return [(written.start, written.end, value)] if written else [_into_inline(source, place, f"{key} = {value}")]


def _without_option(source: _Text, place: Place, key: str) -> list[Splice]:
    """Take the key out with the comma before it, or after it where it is the first."""
    written, package = place.children.get(key), place.children.get("package")
    if written is None or package is None:
        return []
    if len(place.children) == 2:  # noqa: PLR2004 - the package and this option
        return [(place.start, package.start, ""), (package.end, place.end, "")]
    before = source.text.rfind(",", place.start, written.key_start)
    if before >= 0:
        return [(before, written.end, "")]
    after = source.comma_after(written.end)
    return [(written.key_start, package.key_start if after is None else skip(source.text, after + 1), "")]


def replace_packages(text: str, entries: Mapping[Path, NewPackage]) -> str:
    """Return `text` with other entries at key paths such as ("packages", 3); comments stay where they are.

    Raises:
        NixprofError: an entry is written in a way that cannot be edited.
    """
    source = _Text(text)
    written = {path: _entry(entry) for path, entry in entries.items()}
    folders = {path: source.root.find(*path) for path in entries}

    def change(data: Any) -> None:
        for path, entry in written.items():
            inner = data
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = tomllib.loads(f"entry = {entry}")["entry"]

    splices = [(place.start, place.end, written[path]) for path, place in folders.items() if place]
    first = next(iter(folders), ())
    return source.changed(splices, change, f"write {written[first]}" if first else "", folders.get(first))


def add_input(text: str, name: str, url: str) -> str:
    """Return `text` with one more input, in the style of those that are there.

    Raises:
        NixprofError: there is an input of that name, or the table is written in a way that cannot be edited.
    """
    source = _Text(text)
    value = _quoted(url)

    def change(data: Any) -> None:
        data.setdefault("inputs", {})[name] = url

    by_hand = f"under [inputs] write {_key(name)} = {value}"
    existing = source.root.find("inputs", name)
    if existing:
        raise source.refusal(existing, by_hand)
    splices = _new_pair(source, ("inputs",), name, value, value, by_hand=by_hand)
    return source.changed(splices, change, by_hand, source.root.find("inputs"))


def set_policy_names(text: str, key: str, names: Sequence[str]) -> str:
    """Return `text` with `names` added to a list under [nixpkgs], such as `allow-unfree`.

    Names that are listed stay as they are. `true` already allows them; `false` is replaced by the list.

    Raises:
        NixprofError: the table is written in a way that cannot be edited.
    """
    source = _Text(text)
    place = source.root.find("nixpkgs", key)
    value = text[place.start : place.end] if place else ""
    if value == "true":
        return text
    if place and value == "false":
        new = f"[{', '.join(map(_quoted, names))}]"

        def change(data: Any) -> None:
            data["nixpkgs"][key] = list(names)

        return source.changed([(place.start, place.end, new)], change, f"write {key} = {new}", place)
    present = tomllib.loads(f"x = {value}")["x"] if place and place.form == "array" else ()
    missing = [_quoted(name) for name in dict.fromkeys(names) if name not in present]
    return _extended(source, ("nixpkgs", key), missing, lines=False)


def comment_packages(text: str, comments: Mapping[Path, str]) -> str:
    """Return `text` with a comment behind entries, given by their key paths.

    An entry gets its comment where the rest of its line is empty; in a list on one line none does.

    Raises:
        NixprofError: the list is written in a way that cannot be edited.
    """
    source = _Text(text)
    splices: list[Splice] = []
    for path, comment in comments.items():
        place = source.root.find(*path)
        if place is None:
            continue
        end, line_end = source.comment(place)
        if line_end < len(text) and not text[end:line_end].strip() and text[line_end] in "\r\n":
            words = "".join(char if char.isprintable() else " " for char in comment)
            splices.append((line_end, line_end, f"  # {words}"))
    return source.changed(sorted(splices), lambda _: None, "add the comments", None)


def uncomment_packages(text: str, paths: Collection[Path], start: str) -> str:
    """Return `text` without the comments behind entries, given by their key paths, that begin with `start`.

    Raises:
        NixprofError: the list is written in a way that cannot be edited.
    """
    source = _Text(text)
    folders = filter(None, (source.root.find(*path) for path in paths))
    comments = [source.comment(place) for place in folders]
    splices = [(begin, end, "") for begin, end in comments if text[begin:end].strip().startswith(f"# {start}")]
    return source.changed(sorted(splices), lambda _: None, "remove the comments", None)


def comments_of(text: str, paths: Collection[Path]) -> dict[Path, str]:
    """Return the comments behind entries, given by their key paths, without their signs; empty where there is none."""
    source = _Text(text)
    found = {}
    for path in paths:
        place = source.root.find(*path)
        begin, end = source.comment(place) if place else (0, 0)
        found[path] = text[begin:end].strip().removeprefix("#").strip()
    return found


class _Text:
    """A manifest's text, with the places in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = locate(text)
        first = text.find("\n")
        self.newline = "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"

    def says(self, splices: list[Splice], change: Callable[[Any], None]) -> bool:
        """Tell whether the text with `splices` says what `change` makes of what it says now."""
        wanted = tomllib.loads(self.text)
        change(wanted)
        try:
            return tomllib.loads(_spliced(self.text, splices)) == wanted
        except tomllib.TOMLDecodeError:
            return False

    def changed(self, splices: list[Splice], change: Callable[[Any], None], by_hand: str, place: Place | None) -> str:
        """Return the text with `splices`; raise the refusal if it does not say what `change` wants."""
        if self.says(splices, change):
            return _spliced(self.text, splices)
        raise self.refusal(place, by_hand)

    def refusal(self, place: Place | None, by_hand: str) -> NixprofError:
        """Return the error for an edit that cannot be made, with what to do instead."""
        line = line_column(self.text, place.start)[0] if place else 1
        message = "the manifest is written in a way that nixprof cannot edit"
        return NixprofError(message, Reason.CANNOT_EDIT, hints=(f"by hand, at line {line}: {by_hand}",))

    def comma_after(self, offset: int) -> int | None:
        """Return where the comma after a value is, None if there is none."""
        offset = skip(self.text, offset)
        return offset if self.text[offset] == "," else None

    def line_start(self, offset: int) -> int:
        """Return where the line of an offset begins."""
        return self.text.rfind("\n", 0, offset) + 1

    def rest_end(self, offset: int) -> int:
        """Return the end of the line if only a comment is left on it, else `offset`."""
        rest = _REST.match(self.text, offset)
        return rest.end() if rest else offset

    def comment(self, place: Place) -> tuple[int, int]:
        """Return where the comment behind a value, and the comma of that, begins and ends; it may be empty."""
        comma = self.comma_after(place.end)
        begin = place.end if comma is None else comma + 1
        return begin, self.rest_end(begin)

    def indent(self, offset: int) -> str:
        """Return the white space that the line of an offset begins with."""
        start = self.line_start(offset)
        return self.text[start : _end(_INDENT, self.text, start)]


# -- adding --------------------------------------------------------------------------------------


def _extended(source: _Text, path: tuple[str, ...], items: list[str], *, lines: bool) -> str:
    """Add TOML values to the end of a list; a list that is missing is written, on `lines` or on one line."""
    if not items:
        return source.text
    by_hand = f"add {', '.join(items)} to {'.'.join(map(_key, path))}"
    values = [tomllib.loads(f"x = {item}")["x"] for item in items]

    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data.setdefault(step, {})
        data.setdefault(path[-1], []).extend(values)

    array = source.root.find(*path)
    if array is None:
        one = f"[{', '.join(items)}]"
        many = _on_lines(source, items, "") if lines else one
        splices = _new_pair(source, path[:-1], path[-1], one, many, by_hand=by_hand)
    elif array.form == "array":
        splices = _appended(source, array, items)
    else:
        raise source.refusal(array, by_hand)
    return source.changed(splices, change, by_hand, array)


def _appended(source: _Text, array: Place, items: list[str]) -> list[Splice]:
    """Add to a list that is there."""
    if not array.children:
        return [_into_empty(source, array, items)]
    last = array.children[len(array.children) - 1]
    comma = source.comma_after(last.end)
    line = source.text.rfind("\n", array.start, last.start)
    if line < 0:
        return [_on_same_line(source, array, last, comma, items)]
    lead = source.text[line + 1 : last.start]
    before = source.newline + lead[: _end(_INDENT, lead, 0)]
    if comma is not None:
        end = source.rest_end(comma + 1)
        return [(end, end, "".join(f"{before}{item}," for item in items))]
    end = source.rest_end(last.end)
    if lead.strip() == ",":  # commas begin the lines
        return [(end, end, "".join(f"{source.newline}{lead}{item}" for item in items))]
    new = ",".join(before + item for item in items)
    if not source.text[last.end : end].strip():
        return [(last.end, last.end, "," + new)]
    return [(last.end, last.end, ","), (end, end, new)]


def _on_same_line(source: _Text, array: Place, last: Place, comma: int | None, items: list[str]) -> Splice:
    """Add to a list whose last entry is on the line of its bracket, with the white space that it uses."""
    space = " "
    if len(array.children) > 1:
        space = source.text[array.children[len(array.children) - 2].end : last.start].partition(",")[2]
    if comma is not None:
        return comma + 1, comma + 1, "".join(f"{space}{item}," for item in items)
    return last.end, last.end, "".join(f",{space}{item}" for item in items)


def _into_empty(source: _Text, array: Place, items: list[str]) -> Splice:
    """Add to an empty list: on its line if it has one and they fit, else on new lines before its end."""
    inside = source.text[array.start + 1 : array.end - 1]
    line = inside.rfind("\n")
    if line < 0:
        new = inside + ", ".join(items)
        if array.end - source.line_start(array.start) + len(new) > _WIDTH:
            new = _on_lines(source, items, source.indent(array.start))[1:-1]
        return array.start + 1, array.start + 1, new
    offset = array.start + 1 + line + 1
    above = inside[:line].rpartition("\n")[2] if "\n" in inside[:line] else ""
    indent = source.indent(array.end) + "  "
    if above.lstrip().startswith("#"):
        indent = above[: _end(_INDENT, above, 0)]
    return offset, offset, "".join(f"{indent}{item},{source.newline}" for item in items)


def _on_lines(source: _Text, items: list[str], indent: str) -> str:
    lines = "".join(f"{indent}  {item},{source.newline}" for item in items)
    return f"[{source.newline}{lines}{indent}]"


def _new_pair(source: _Text, table: tuple[str, ...], key: str, one: str, many: str, *, by_hand: str) -> list[Splice]:
    """Write a key that is not there into a table that may not be there.

    `one` is the value on one line, `many` the one that a key on a line of its own gets.
    """
    place, rest = _deepest(source.root, table)
    if place.form == "inline":
        for step in reversed(rest):
            one, key = f"{{ {_key(key)} = {one} }}", step
        return [_into_inline(source, place, f"{_key(key)} = {one}")]
    if place.form not in ("header", "implicit"):
        raise source.refusal(place, by_hand)
    pair = f"{_key(key)} = {many}"
    if not table:
        return [_at_top(source, pair)]
    if not rest and place.last:
        prefix = "".join(f"{_key(step)}." for step in _dotted(source.root, table))
        return [_after(source, place.last, prefix + pair)]
    return [_at_end(source, f"[{'.'.join(map(_key, table))}]{source.newline}{pair}")]


def _deepest(root: Place, table: tuple[str, ...]) -> tuple[Place, tuple[str, ...]]:
    """Return the innermost table of a path that is there, and the rest of the path."""
    place = root
    for index, step in enumerate(table):
        if step not in place.children:
            return place, table[index:]
        place = place.children[step]
    return place, ()


def _dotted(root: Place, table: tuple[str, ...]) -> tuple[str, ...]:
    """Return the steps of a path that have no header: they stand before the key, with dots."""
    for length in range(len(table), 0, -1):
        if root.at(*table[:length]).form == "header":
            return table[length:]
    return table


def _into_inline(source: _Text, place: Place, pair: str) -> Splice:
    inside = source.text[place.start + 1 : place.end - 1]
    if place.children:
        end = place.start + 1 + len(inside.rstrip())
        return end, end, ", " + pair
    return place.start + 1, place.start + 1, inside + pair if inside else f" {pair} "


def _after(source: _Text, offset: int, pair: str) -> Splice:
    """Write a pair on the line after that of `offset`, which ends another pair or a header."""
    end = source.rest_end(offset)
    return end, end, source.newline + source.indent(offset) + pair


def _at_top(source: _Text, pair: str) -> Splice:
    """Write a pair at the top level: after the others, or before the first table and the comments on it."""
    text = source.text
    if source.root.last:
        return _after(source, source.root.last, pair)
    start = skip(text, 0)
    if start == len(text):
        return _at_end(source, pair, blank=False)
    start = source.line_start(start)
    while start and _line_above(source, start).startswith("#"):
        start = source.line_start(start - 1)
    return start, start, pair + 2 * source.newline


def _at_end(source: _Text, lines: str, *, blank: bool = True) -> Splice:
    """Write lines at the end, after a blank one; the file keeps having, or not having, a final line end."""
    text, newline = source.text, source.newline
    end = len(text)
    if not text or text.endswith("\n"):
        apart = newline if blank and text and not text.endswith(("\n\n", "\n\r\n")) else ""
        return end, end, apart + lines + newline
    return end, end, newline * (2 if blank else 1) + lines


# -- removing ------------------------------------------------------------------------------------


def _removal(source: _Text, array: Place, number: int) -> list[Splice]:
    """Take one element out of a list, with its comma and what belongs to it."""
    text, place, before = source.text, array.children[number], array.children.get(number - 1)
    comma = source.comma_after(place.end)
    is_late = comma is not None and "\n" in text[place.end : comma]
    end = place.end if comma is None or is_late else comma + 1
    line = text.rfind("\n", array.start, place.start) + 1
    lead = text[line : place.start]
    if not line or lead.strip(" \t,") or not _REST.match(text, end):
        return _removal_within_line(source, array, number, comma, end)
    stop = text.index("\n", source.rest_end(end)) + 1
    splices = [(_heading(source, array, before, line, stop), stop, "")]
    if "," in lead:
        return splices
    if comma is None and before:
        splices.append(_comma(source, before))
    if comma is not None and is_late:
        splices.append((comma, _end(_INDENT, text, comma + 1), ""))
    return splices


def _heading(source: _Text, array: Place, before: Place | None, line: int, stop: int) -> int:
    """Return where what belongs to an element on line `line` to `stop` begins, as `remove_package` says."""
    if len(array.children) == 1:
        return line
    floor = source.line_start(before.end if before else array.start)
    top = line
    while source.line_start(top - 1) > floor and _line_above(source, top).startswith("#"):
        top = source.line_start(top - 1)
    is_first = not before and source.line_start(top - 1) == floor
    if not _END_OF_GROUP.match(source.text, stop) or (_line_above(source, top) and not is_first):
        return line
    while not _line_above(source, top):
        top = source.line_start(top - 1)
    return top


def _line_above(source: _Text, line: int) -> str:
    """Return the line above the one that begins at `line`, without the white space around it."""
    return source.text[source.line_start(line - 1) : line].strip()


def _removal_within_line(source: _Text, array: Place, number: int, comma: int | None, end: int) -> list[Splice]:
    """Take out an element that shares its line with others or a bracket; `end` is after its comma."""
    text, place = source.text, array.children[number]
    before, after = array.children.get(number - 1), array.children.get(number + 1)
    if after and "\n" not in text[end : after.start]:
        return [(place.start, after.start, "")]
    if not before:
        start = len(text[: place.start].rstrip(" \t"))
        return [(start, source.rest_end(end), "")]
    splices = [] if comma is not None else [_comma(source, before)]
    start = len(text[: place.start].rstrip())
    if "#" in text[before.end : place.start]:  # the line above ends in a comment
        start = source.line_start(place.start)
    return [*splices, (start, end, "")]


def _bare_removal(source: _Text, array: Place, number: int) -> list[Splice]:
    """Take out an element and one comma, and leave all white space, where the commas stand in odd places."""
    place = array.children[number]
    owner = place if source.comma_after(place.end) is not None else array.children.get(number - 1, place)
    return [(place.start, place.end, ""), _comma(source, owner)]


def _comma(source: _Text, place: Place) -> Splice:
    """Take out the comma after an element that has one."""
    comma = skip(source.text, place.end)
    return comma, comma + 1, ""


# -- text ----------------------------------------------------------------------------------------


def _entry(entry: NewPackage) -> str:
    """Write a package as TOML: a text, or a table if there is more to say."""
    spec = _quoted(entry.spec)
    if entry.priority is None and not entry.pin:
        return spec
    priority = "" if entry.priority is None else f", priority = {entry.priority}"
    return f"{{ package = {spec}{priority}{', pin = true' if entry.pin else ''} }}"


def _quoted(text: str) -> str:
    """Write any text as a TOML string in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\u{ord(match[0]):04x}", escaped) + '"'


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    """Return where a pattern that always matches ends."""
    match = pattern.match(text, position)
    return match.end() if match else position


def _spliced(text: str, splices: list[Splice]) -> str:
    """Replace parts of a text that do not overlap."""
    for start, end, new in sorted(splices, reverse=True):
        text = text[:start] + new + text[end:]
    return text
