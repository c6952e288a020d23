"""The commit of a change: the one place where files of the user's are written and the profile is moved.

All of it happens, or nothing. A journal says what is about to be written: where nixprof is killed, the next one
finishes what it finds there, and so goes by files that belong together.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError
from nixprof.files import TEMPORARY, Replacement, cannot_write, content, remove_temporary_files, replace_file
from nixprof.interrupts import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nixprof.places import Places


class OvertakenError(Exception):
    """A file has changed since it was read, and what was made of it no longer holds."""


def commit(
    places: Places,
    files: Mapping[Path, bytes],
    activate: Callable[[], int | None],
    read: Mapping[Path, bytes | None] = MappingProxyType({}),
) -> int | None:
    """Write files and let the profile follow; whatever fails, all of it is taken back.

    Args:
        places: where the journal is kept.
        files: the new content of each, in the order in which they are written; what is equal already is not touched.
            The manifest comes last: what it asks for has been built by then.
        activate: moves the profile; returns its generation.
        read: what the files were that the change was made from.

    Returns: what `activate` does.

    Raises: NixprofError where something cannot be written, OvertakenError where somebody else has written it, and
        whatever `activate` raises.

    """
    before = {path: read[path] if path in read else content(path) for path in files}
    changed = {path: data for path, data in files.items() if before[path] != data}
    with uninterrupted(), ExitStack() as cleanup:
        replacements = _prepare(_journal(places), before, changed, cleanup)
        _check(read)
        try:
            for replacement in replacements:
                _check({replacement.path: replacement.before})
                replacement.perform()
            return activate()
        except BaseException:
            _take_back(replacements, cleanup)
            raise


def _prepare(
    journal: Path, before: Mapping[Path, bytes | None], changed: Mapping[Path, bytes], cleanup: ExitStack
) -> list[Replacement]:
    """Write everything that has to be written, none of it in its place yet."""
    if not changed:
        return []
    cleanup.callback(_forget, journal)
    replace_file(journal, _print({path: (before[path], data) for path, data in changed.items()}))
    replacements: list[Replacement] = []
    for path, data in changed.items():
        # Not beside the file: Nix copies the whole generated folder, with whatever lies in it.
        keep = journal.with_name(f".kept-{len(replacements)}{TEMPORARY}")
        replacements.append(Replacement.prepare(path, before[path], data, keep))
        cleanup.callback(replacements[-1].clear)
    return replacements


def _check(read: Mapping[Path, bytes | None]) -> None:
    if any(content(path) != data for path, data in read.items()):
        raise OvertakenError


def _take_back(replacements: list[Replacement], cleanup: ExitStack) -> None:
    """Undo; where even that cannot be done, the journal stays for the next nixprof to finish."""
    try:
        for replacement in reversed(replacements):
            replacement.take_back()
    except NixprofError as error:
        cleanup.pop_all()
        raise NixprofError(
            f"{error.message}, after others were written",
            cause=error.cause,
            hints=("once it can be written: nixprof sync, which finishes it",),
        ) from error


## the journal


def is_unfinished(places: Places) -> bool:
    """Tell whether a commit is under way, or was stopped."""
    return _journal(places).exists()


def finish(places: Places) -> None:
    """Write what a nixprof that was stopped was about to, where nobody has written anything else since.

    Raises: NixprofError where it cannot be written.
    """
    journal = _journal(places)
    for path, (before, data) in _read(journal).items():
        if content(path) == before:
            replace_file(path, data)
        remove_temporary_files(Path(os.path.realpath(path)).parent)
    with cannot_write(journal):
        journal.unlink(missing_ok=True)


def _journal(places: Places) -> Path:
    return places.state / "commit.json"


def _forget(journal: Path) -> None:
    with suppress(OSError):  # what it says is done, so that it does no harm
        journal.unlink(missing_ok=True)


def _print(files: Mapping[Path, tuple[bytes | None, bytes]]) -> bytes:
    entries = [
        {"path": str(path), "before": None if before is None else _text(before), "after": _text(after)}
        for path, (before, after) in files.items()
    ]
    return json.dumps({"version": 1, "files": entries}).encode()


def _read(journal: Path) -> dict[Path, tuple[bytes | None, bytes]]:
    """Read a journal; one that cannot be read says nothing."""
    try:
        return {
            Path(entry["path"]): (None if entry["before"] is None else _bytes(entry["before"]), _bytes(entry["after"]))
            for entry in json.loads(journal.read_bytes())["files"]
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
