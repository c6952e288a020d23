"""The commit of a change: the one place where the user's files are written and the profile is moved.

All of it happens, or nothing. A journal says what is about to be written. Whatever goes wrong, in this nixprof or
because it is killed, is put right by the journal: the files go back, or where the profile has moved already, forward.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from nixprof import schema
from nixprof.errors import ConcurrentChangeError, NixprofError
from nixprof.files import (
    TEMPORARY,
    cannot_write,
    check_unchanged,
    content,
    discard,
    read_json,
    remove_temporary_files,
    replace_file,
    replace_files,
    replaceable,
)
from nixprof.nix.profile import locate
from nixprof.schema import MISSHAPEN, MisshapenError
from nixprof.signals import deferred_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nixprof.folders import Folders

    # What each file was and becomes, in order; None for one that is not there.
    Files = Mapping[Path, tuple[bytes | None, bytes]]


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

    Raises: NixprofError where something cannot be written, ConcurrentChangeError where something else has written it,
        and whatever `activate` raises.

    """
    before = {path: read[path] if path in read else content(path) for path in files}
    changed = {path: data for path, data in files.items() if before[path] != data}
    with deferred_signals():
        at = _place(profile)
        try:
            if changed:
                _write_journal(folders, profile, {path: (before[path], data) for path, data in changed.items()})
            check_unchanged(read)
            replace_files(changed, before)
            generation = activate()
        except BaseException as error:
            # The files stay with a profile that this change has moved before it failed.
            moved = not isinstance(error, ConcurrentChangeError) and _place(profile) != at
            if moved and isinstance(error, NixprofError):
                error.changed = True
            _settle_own(folders, moved=moved)
            raise
        _forget(folders)
        return generation


def _settle_own(folders: Folders, *, moved: bool) -> None:
    """Put right what this nixprof wrote; where that cannot be done, the journal stays, and the next nixprof does."""
    try:
        _settle(folders, _read_journal(folders)[1], moved=moved)
    except NixprofError as error:
        raise NixprofError(
            f"{error.message}; other files were already written",
            error.reason,
            cause=error.cause,
            hints=("once it can be written: nixprof sync",),
            changed=True,
        ) from error
    _forget(folders)


## the journal


def is_unfinished(folders: Folders) -> bool:
    """Tell whether a commit is under way, or was stopped."""
    return _journal(folders).exists()


def recover(folders: Folders) -> None:
    """Put right what a nixprof that was stopped had begun to write; what something else has written since, stays.

    Raises: NixprofError where it cannot be written.
    """
    moved, files = _read_journal(folders)
    _settle(folders, files, moved=moved)
    with cannot_write(_journal(folders)):
        _journal(folders).unlink(missing_ok=True)
    _forget(folders)


def _settle(folders: Folders, files: Files, *, moved: bool) -> None:
    """Let every file be what it becomes where the profile has moved, and what it was where it has not."""
    for number, (path, (before, after)) in enumerate(files.items()):
        found, wanted = (before, after) if moved else (after, before)
        if content(path) == found:
            _write(path, wanted, _kept(folders, number))
        remove_temporary_files(Path(os.path.realpath(path)).parent)


def _write(path: Path, data: bytes | None, kept: Path) -> None:
    with cannot_write(path):
        if data is None:
            replaceable(path).unlink(missing_ok=True)
        elif content(kept) == data:  # which takes no room on a full disk
            os.replace(kept, replaceable(path))
        else:
            replace_file(path, data)


def _write_journal(folders: Folders, profile: Path | None, files: Files) -> None:
    """Say what is about to be written, and keep the files that are replaced under a second name, where that works."""
    entries = [
        {"path": str(path), "before": None if before is None else _text(before), "after": _text(after)}
        for path, (before, after) in files.items()
    ]
    link = None if profile is None else str(profile)
    data = {"version": _VERSION, "profile": link, "at": _place(profile), "files": entries}
    replace_file(_journal(folders), json.dumps(data).encode())
    for number, path in enumerate(files):
        # Not next to the file: Nix copies the whole generated folder, with everything in it.
        with suppress(OSError):  # no file yet, or another disk
            os.link(replaceable(path), _kept(folders, number))


def _read_journal(folders: Folders) -> tuple[bool, Files]:
    """Read whether the profile has moved since, and what was to be written; a damaged journal says nothing."""
    data = read_json(_journal(folders))
    try:
        if data["version"] != _VERSION:
            return False, {}
        profile = None if data["profile"] is None else _absolute(data["profile"])
        files = {
            _absolute(entry["path"]): (
                None if entry["before"] is None else _bytes(entry["before"]),
                _bytes(entry["after"]),
            )
            for entry in data["files"]
        }
        return _place(profile) != schema.path(data["at"]), files
    except (OSError, *MISSHAPEN):
        return False, {}


def _absolute(written: object) -> Path:
    """Read a path of the journal, in which all are absolute; raise MisshapenError for anything else."""
    found = Path(schema.path(written))
    if not found.is_absolute():
        raise MisshapenError(f"{found} is not absolute")
    return found


def _forget(folders: Folders) -> None:
    """Remove the journal and what was kept; what it says is done, so that it does no harm where that fails."""
    for path in (_journal(folders), *folders.state.glob(f"{_KEPT}*{TEMPORARY}")):
        discard(path)


_VERSION = 2
_KEPT = ".kept-"


def _kept(folders: Folders, number: int) -> Path:
    """Name the second link to the n-th file of the journal as it was."""
    return folders.state / f"{_KEPT}{number}{TEMPORARY}"


def _journal(folders: Folders) -> Path:
    return folders.state / "commit.json"


def _place(profile: Path | None) -> str:
    """Tell where a profile is now; empty where there is none."""
    link = locate(None) if profile is None else profile
    return os.path.realpath(link) if link and os.path.lexists(link) else ""


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
