"""The commit of a change: the one place where files of the user's are written and the profile is moved.

All of it happens, or nothing. A journal says what is about to be written: where nixprof is killed, the next one
takes it back, or where the profile has moved already, finishes it. So all files go with the profile, and with each
other.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from nixprof.errors import ConcurrentChangeError, NixprofError
from nixprof.files import (
    TEMPORARY,
    Replacement,
    cannot_write,
    content,
    read_json,
    remove_temporary_files,
    replace_file,
    replaceable,
)
from nixprof.formatting import display_path
from nixprof.nix.profile import locate
from nixprof.schema import MISSHAPEN
from nixprof.signals import deferred_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nixprof.folders import Folders


def commit(
    folders: Folders,
    profile: Path | None,
    files: Mapping[Path, bytes],
    activate: Callable[[], int | None],
    read: Mapping[Path, bytes | None] = MappingProxyType({}),
) -> int | None:
    """Write files and let the profile follow; whatever fails before it has moved, all of it is taken back.

    Args:
        folders: where the journal is kept.
        profile: the link that moves; None for the one that Nix is going to make.
        files: the new content of each, in the order in which they are written; what is equal already is not touched.
            The manifest comes last: what it asks for has been built by then.
        activate: moves the profile; returns its generation.
        read: what the files were that the change was made from.

    Returns: what `activate` does.

    Raises: NixprofError where something cannot be written, ConcurrentChangeError where somebody else has written it,
        and whatever `activate` raises.

    """
    before = {path: read[path] if path in read else content(path) for path in files}
    changed = {path: data for path, data in files.items() if before[path] != data}
    with deferred_signals(), ExitStack() as cleanup:
        place = _place(profile)
        replacements = _prepare(folders, profile, before, changed, cleanup)
        _check(read)
        try:
            for replacement in replacements:
                _check({replacement.path: replacement.before})
                replacement.perform()
        except BaseException:
            _take_back(replacements, cleanup)
            raise
        try:
            return activate()
        except ConcurrentChangeError:
            _take_back(replacements, cleanup)
            raise
        except BaseException as error:
            # The files stay with a profile that has moved before something went wrong.
            if _place(profile) == place:
                _take_back(replacements, cleanup)
            elif isinstance(error, NixprofError):
                error.changed = True
            raise


def _prepare(
    folders: Folders,
    profile: Path | None,
    before: Mapping[Path, bytes | None],
    changed: Mapping[Path, bytes],
    cleanup: ExitStack,
) -> list[Replacement]:
    """Write everything that has to be written, none of it in its place yet."""
    if not changed:
        return []
    journal = _journal(folders)
    cleanup.callback(_forget, journal)
    replace_file(journal, _print(profile, {path: (before[path], data) for path, data in changed.items()}))
    replacements: list[Replacement] = []
    for path, data in changed.items():
        # Not beside the file: Nix copies the whole generated folder, with whatever lies in it.
        keep = journal.with_name(f".kept-{len(replacements)}{TEMPORARY}")
        replacements.append(Replacement.prepare(path, before[path], data, keep))
        cleanup.callback(replacements[-1].clear)
    return replacements


def _check(read: Mapping[Path, bytes | None]) -> None:
    changed = next((path for path, data in read.items() if content(path) != data), None)
    if changed is not None:
        raise ConcurrentChangeError(display_path(changed))


def _take_back(replacements: list[Replacement], cleanup: ExitStack) -> None:
    """Undo; where even that cannot be done, the journal stays, and the next nixprof does."""
    try:
        for replacement in reversed(replacements):
            replacement.take_back()
    except NixprofError as error:
        cleanup.pop_all()
        raise NixprofError(
            f"{error.message}, after others were written",
            error.reason,
            cause=error.cause,
            hints=("once it can be written: nixprof sync, which puts it right",),
            changed=True,
        ) from error


## the journal


def is_unfinished(folders: Folders) -> bool:
    """Tell whether a commit is under way, or was stopped."""
    return _journal(folders).exists()


def finish(folders: Folders) -> None:
    """Put right what a nixprof that was stopped had begun to write; what somebody else has written since, stays.

    Raises: NixprofError where it cannot be written.
    """
    journal = _journal(folders)
    moved, files = _read(journal)
    for path, (before, after) in files.items():
        there, wanted = (before, after) if moved else (after, before)
        if content(path) == there:
            _write(path, wanted)
        remove_temporary_files(Path(os.path.realpath(path)).parent)
    with cannot_write(journal):
        journal.unlink(missing_ok=True)


def _write(path: Path, data: bytes | None) -> None:
    if data is not None:
        replace_file(path, data)
        return
    with cannot_write(path):
        replaceable(path).unlink(missing_ok=True)


def _journal(folders: Folders) -> Path:
    return folders.state / "commit.json"


def _forget(journal: Path) -> None:
    with suppress(OSError):  # what it says is done, so that it does no harm
        journal.unlink(missing_ok=True)


def _place(profile: Path | None) -> str:
    """Tell where a profile is now; empty where there is none."""
    link = locate(None) if profile is None else profile
    return os.path.realpath(link) if link and os.path.lexists(link) else ""


def _print(profile: Path | None, files: Mapping[Path, tuple[bytes | None, bytes]]) -> bytes:
    entries = [
        {"path": str(path), "before": None if before is None else _text(before), "after": _text(after)}
        for path, (before, after) in files.items()
    ]
    link = None if profile is None else str(profile)
    return json.dumps({"version": 2, "profile": link, "at": _place(profile), "files": entries}).encode()


def _read(journal: Path) -> tuple[bool, dict[Path, tuple[bytes | None, bytes]]]:
    """Read whether the profile has moved since, and what was to be written; a damaged journal says nothing."""
    data = read_json(journal)
    try:
        profile = None if data["profile"] is None else Path(data["profile"])
        files = {
            Path(entry["path"]): (None if entry["before"] is None else _bytes(entry["before"]), _bytes(entry["after"]))
            for entry in data["files"]
        }
        return _place(profile) != data["at"], files
    except (OSError, *MISSHAPEN):
        return False, {}


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
