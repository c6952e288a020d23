"""Changing single entries of a manifest: text in, text out, and every other byte stays.

Each new text is read back and compared with what was meant. The texts that come in must be valid TOML, with their own
line ends. What is written in a way that cannot be edited raises NixprofError, which says what to change by hand.
"""

from __future__ import annotations

import re
import tomllib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tomlkit.items import InlineTable

from nixprof.manifest.document import Document, toml_key, toml_string
from nixprof.manifest.positions import line_of
from nixprof.manifest.toml_list import TomlList
from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    Path = tuple[str | int, ...]


@record
class NewPackage:
    """An entry to write."""

    spec: str
    priority: int | None = None  # if it needs one
    pin: bool = False  # whether `update` leaves it alone
    comment: str = ""  # what is to stand behind it, where it gets a line of its own


def add_packages(text: str, entries: Sequence[NewPackage], table: tuple[str, ...] = ()) -> str:
    """Return `text` with `entries` after the last package of a table: () for the top level, or ("system", "darwin").

    A list on one line stays on one line; otherwise each entry gets its own, indented like the last one. A missing list
    or table is written.
    """
    path = (*table, "packages")
    text = _extended(text, path, [_toml(entry) for entry in entries], on_lines=True)
    first = len(_value(text, path) or ()) - len(entries)
    return set_comments(text, {(*path, at): entry.comment for at, entry in enumerate(entries, first) if entry.comment})


def remove_package(text: str, path: Path) -> str:
    """Return `text` without the entry at a key path such as ("packages", 3).

    If the entry has its line to itself, the comment on that line goes too, and so do the comment lines above that
    belong to this entry alone. Of the last entry of a list, the comments above stay.
    """
    document = Document(text, path, f"remove the entry {'.'.join(map(str, path))}")
    entry, entries = document.find(path), document.values(path[:-1])
    if entry is None or entries is None:
        raise document.refusal()
    document.by_hand = f"remove {entry.as_string()}"
    entries.remove(int(path[-1]))
    document.replace(path[:-1], entries)
    rest = _value(text, path[:-1])
    del rest[path[-1]]
    return document.edited({path[:-1]: rest})


def remove_empty_table(text: str, table: tuple[str, ...]) -> str:
    """Return `text` without a table such as ("system", "darwin") that has an empty list of packages and nothing else.

    With a comment in it or above it the table stays, as it does where something else is on its lines.
    """
    if not table or _value(text, table) != {"packages": []}:
        return text
    lines, start = re.split(r"(?<=\n)", text), line_of(text, table) - 1
    end = next((at for at in range(start + 1, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))
    if any("#" in line for line in lines[max(start - 1, 0) : end]):
        return text
    before, after = "".join(lines[:start]), "".join(lines[end:])
    without = before + after if after else re.sub(r"(\r?\n)\s*\Z", r"\1", before)
    data, kind = tomllib.loads(text), table[0]
    del data[kind][table[1]]
    alone = data if data[kind] else {key: value for key, value in data.items() if key != kind}
    with suppress(tomllib.TOMLDecodeError):
        if tomllib.loads(without) in (data, alone):
            return without
    return text


def set_option(text: str, path: Path, key: str, value: int | None) -> str:
    """Return `text` with an option of the entry at a key path set, such as `pin = true`; None takes it out.

    An entry that is a string becomes a table, and one that would only have its package left a string.
    """
    written = str(value).lower()
    document = Document(text, path, f"remove {key}" if value is None else f"write {key} = {written}")
    entry = document.find(path)
    if entry is None:
        raise document.refusal()
    if not isinstance(entry, InlineTable):
        document.replace(path, f"{{ package = {entry.as_string()} }}")
    keys, options = list(document.find(path)), document.values(path)
    if value is not None and key in keys:
        document.replace((*path, key), written)
    elif options and (value is not None or key in keys):
        if value is None:
            options.remove(keys.index(key))
        else:
            options.append([f"{key} = {written}"])
        document.replace(path, options)
    if list(document.find(path)) == ["package"]:
        document.replace(path, document.find((*path, "package")).as_string())
    present = _value(text, path)
    wanted = {**(present if isinstance(present, dict) else {"package": present}), key: value}
    if value is None:
        del wanted[key]
    return document.edited({path: wanted["package"] if set(wanted) == {"package"} else wanted})


def replace_packages(text: str, entries: Mapping[Path, NewPackage]) -> str:
    """Return `text` with other entries at key paths such as ("packages", 3); comments stay where they are."""
    document = Document(text, next(iter(entries), ()), f"write {', '.join(map(_toml, entries.values()))}")
    for path, entry in entries.items():
        document.replace(path, _toml(entry))
    return document.edited({path: _parsed(_toml(entry)) for path, entry in entries.items()})


def add_input(text: str, name: str, url: str) -> str:
    """Return `text` with one more input, in the style of those that are there, none of which may have its name."""
    path, value = ("inputs", name), toml_string(url)
    document = Document(text, path, f"under [inputs] write {toml_key(name)} = {value}")
    if document.find(path):
        raise document.refusal()
    document.add_pair(("inputs",), name, value, value)
    return document.edited({path: url})


def remove_input(text: str, name: str) -> str:
    """Return `text` without an input; a comment on its line goes too."""
    path = ("inputs", name)
    document = Document(text, path, f"remove {name} from [inputs]")
    document.remove_pair(path)
    rest = _value(text, ("inputs",))
    del rest[name]
    return document.edited({("inputs",): rest})


def set_follows(text: str, name: str, theirs: str, ours: str) -> str:
    """Return `text` with an input whose own input `theirs` is replaced by our input `ours`."""
    path, pair = ("inputs", name), f"{toml_key(theirs)} = {toml_string(ours)}"
    document = Document(text, path, f"to the input {name} add follows = {{ {pair} }}")
    present, item = _value(text, path), document.find(path)
    table = present if isinstance(present, dict) else {"url": present}
    follows = {**table.get("follows", {}), theirs: ours}
    written = ", ".join(f"{toml_key(key)} = {toml_string(value)}" for key, value in follows.items())
    if isinstance(present, str):
        document.replace(path, f"{{ url = {item.as_string()}, follows = {{ {written} }} }}")
    elif document.find((*path, "follows", theirs)):
        document.replace((*path, "follows", theirs), toml_string(ours))
    else:
        document.add_pair((*path, "follows"), theirs, toml_string(ours), toml_string(ours))
    return document.edited({path: {**table, "follows": follows}})


def set_policy_names(text: str, key: str, names: Sequence[str]) -> str:
    """Return `text` with `names` added to a list under [nixpkgs], such as `allow-unfree`.

    Names that are listed stay as they are. `true` already allows them; `false` is replaced by the list.
    """
    path = ("nixpkgs", key)
    present = _value(text, path)
    if present is True:
        return text
    if present is False:
        new = f"[{', '.join(map(toml_string, names))}]"
        document = Document(text, path, f"write {key} = {new}")
        document.replace(path, new)
        return document.edited({path: list(names)})
    missing = [name for name in dict.fromkeys(names) if not (isinstance(present, list) and name in present)]
    return _extended(text, path, list(map(toml_string, missing)), on_lines=False)


def comments_of(text: str, paths: Collection[Path]) -> dict[Path, str]:
    """Return the comments behind entries, given by their key paths, without their signs; empty where there is none."""
    lists = _lists(Document(text), paths) if paths else ()
    return {(*path, number): entries.comment(number) or "" for path, entries, numbers in lists for number in numbers}


def set_comments(text: str, comments: Mapping[Path, str]) -> str:
    """Return `text` with comments behind entries that have none, given by their key paths; an empty one removes one."""
    if not comments:
        return text
    document = Document(text)
    for path, entries, numbers in _lists(document, comments):
        for number in numbers:
            comment = "".join(char if char.isprintable() else " " for char in comments[*path, number])
            present = entries.comment(number)
            if present is not None and not (present and comment):
                entries.set_comment(number, comment)
        document.replace(path, entries)
    return document.edited({})


def _lists(document: Document, paths: Collection[Path]) -> Iterator[tuple[Path, TomlList, list[int]]]:
    """Give the lists that hold the entries at key paths, with the numbers of these entries."""
    for path in dict.fromkeys(path[:-1] for path in paths):
        entries = document.values(path)
        if entries:
            yield path, entries, [int(one[-1]) for one in paths if one[:-1] == path]


def _extended(text: str, path: tuple[str, ...], items: Sequence[str], *, on_lines: bool) -> str:
    """Add TOML values to the end of a list; a missing one is written, with `on_lines` on a line for each value."""
    if not items:
        return text
    document = Document(text, path, f"add {', '.join(items)} to {'.'.join(map(toml_key, path))}")
    present = _value(text, path)
    if present is None:
        new = TomlList(f"[{document.newline}]" if on_lines else "[]", (), document.newline)
        new.append(items)
        document.add_pair(path[:-1], path[-1], str(new), f"[{', '.join(items)}]")
    elif entries := document.values(path):
        entries.append(items, document.find(path).trivia.indent)
        document.replace(path, entries)
    else:
        raise document.refusal()
    return document.edited({path: [*(present or ()), *map(_parsed, items)]})


def _value(text: str, path: Path) -> Any:
    """Return what a text says at a key path, None if that is nothing."""
    data: Any = tomllib.loads(text)
    try:
        for step in path:
            data = data[step]
    except (KeyError, IndexError, TypeError):
        return None
    return data


def _parsed(value: str) -> Any:
    return tomllib.loads(f"value = {value}")["value"]


def _toml(entry: NewPackage) -> str:
    """Write a package as TOML: a string, or a table if there is more to say."""
    spec = toml_string(entry.spec)
    if entry.priority is None and not entry.pin:
        return spec
    priority = "" if entry.priority is None else f", priority = {entry.priority}"
    return f"{{ package = {spec}{priority}{', pin = true' if entry.pin else ''} }}"
