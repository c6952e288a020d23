"""Imports as edits of the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.importers.decide import How
from nixprof.importers.reading import KEPT_COMMENT_START
from nixprof.manifest.edit import (
    NewPackage,
    add_input,
    add_packages,
    comments_of,
    remove_package,
    replace_packages,
    set_comments,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nixprof.importers.decide import Import
    from nixprof.manifest.model import Manifest, Package

_KEPT_COMMENT = f"{KEPT_COMMENT_START}: source unknown"


def with_imports(
    manifest: Manifest, imports: Sequence[Import], system: str, *, overwrite: bool, comments: bool
) -> dict[Path, str]:
    """Write imports into the list, and return the text of every file: what is new goes into the list's own.

    With `overwrite`, outputs and priorities of entries become those of the imports; with `comments`, descriptions
    become comments.
    """
    texts = manifest.texts()
    for file, text in texts.items():
        entries = {
            one.entry.path: NewPackage(str(one.spec), one.priority, one.entry.pin)
            for one in imports
            if overwrite and one.entry and one.entry.file == file and one.outputs is not None
            if (one.entry.spec.outputs, one.entry.priority) != (one.spec.outputs, one.priority)
        }
        texts[file] = replace_packages(text, entries) if entries else text
    new = [one for one in imports if one.entry is None]
    text = texts[manifest.path]
    for source in dict.fromkeys(one.input for one in new if one.input):
        if source not in manifest.inputs:
            text = add_input(text, source.name, source.url)
    elsewhere = {package.spec.key for package in manifest.packages}
    tables: dict[tuple[str, ...], list[NewPackage]] = {(): []}
    for one in new:
        # A store path, or what the list has for other machines, is for this system only.
        is_for_here = one.how is How.KEPT or one.spec.key in elsewhere
        table = one.candidate.scope.table or (("system", system) if is_for_here else ())
        tables.setdefault(table, []).append(_new(one, comments=comments))
    for table, some in tables.items():
        text = add_packages(text, some, table)
    return texts | {manifest.path: text}


def _new(one: Import, *, comments: bool) -> NewPackage:
    """Write an import as an entry; of what is kept by store path a comment always says so."""
    description = one.candidate.description if comments else ""
    return NewPackage(str(one.spec), one.priority, comment=_KEPT_COMMENT if one.how is How.KEPT else description)


def with_names(manifest: Manifest, entries: Sequence[Package], imports: Sequence[Import]) -> dict[Path, str]:
    """Write what the entries that are store paths turned out to be, and return the text of every file.

    They keep their places and the user's comments; those that are still kept by store path stay.
    """
    texts = manifest.texts()
    by_key: dict[str, list[Package]] = {}
    for entry in entries:
        by_key.setdefault(entry.spec.key, []).append(entry)
    named: dict[Path, dict[tuple[str | int, ...], NewPackage]] = {path: {} for path in texts}
    gone: list[Package] = []
    for one in imports:
        if one.how is How.KEPT:
            continue
        paths = [path for candidate in one.candidates for path in candidate.store_paths]
        lists = set()
        for entry in (entry for path in paths for entry in by_key.get(path, ())):
            # One in each list that has it, unless one is there already.
            if one.entry or (entry.file, entry.path[:-1]) in lists:
                gone.append(entry)
            else:
                named[entry.file][entry.path] = NewPackage(str(one.spec), entry.priority, entry.pin)
            lists.add((entry.file, entry.path[:-1]))
    for path, new in named.items():
        if new:
            text = replace_packages(texts[path], new)
            comments = comments_of(text, new.keys())
            kept = [one for one, comment in comments.items() if comment.startswith(KEPT_COMMENT_START)]
            texts[path] = set_comments(text, dict.fromkeys(kept, ""))
    # From the last of a list to the first, so that the places of the others stay what they are.
    for entry in sorted(gone, key=lambda entry: entry.path[-1], reverse=True):
        texts[entry.file] = remove_package(texts[entry.file], entry.path)
    return texts
