"""Only one nixprof changes things at a time; and the next one knows where one was stopped half-way."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.commit import is_unfinished, recover
from nixprof.errors import NixprofError, Reason
from nixprof.files import discard, permission_hint, private_folder, read_json, remove_temporary_files
from nixprof.schema import fits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.context import Context
    from nixprof.folders import Folders


@contextmanager
def process_lock(context: Context) -> Iterator[int | None]:
    """Keep other nixprofs waiting for as long as the context lasts.

    The operating system ends the lock with the process that has it. The note of who that is stays where the process
    was killed: a note without a lock says that there may be something to put right, which is done here.

    Returns: a descriptor of the lock. A process that inherits it has the lock, too.

    Raises: NixprofError where another one is at work and the user does not want to wait.
    """
    from filelock import Timeout, UnixFileLock

    class Lock(UnixFileLock):
        @property
        def descriptor(self) -> int | None:
            return self._context.lock_file_fd

    state = context.folders.state
    with ExitStack() as cleanup:
        try:
            private_folder(state)
            lock = Lock(state / "lock")
            try:
                cleanup.enter_context(lock.acquire(blocking=False))
            except Timeout:
                with _waiting(context):
                    cleanup.enter_context(lock.acquire())
            _recover(context)
            cleanup.callback(discard, _note(context.folders))
            _write_note(context)
        except OSError as error:
            raise NixprofError(
                f"cannot write below {state}",
                Reason.CANNOT_WRITE,
                cause=error.strerror or str(error),
                hints=permission_hint(state / "lock"),
            ) from error
        yield lock.descriptor


@contextmanager
def _waiting(context: Context) -> Iterator[None]:
    """Say who is waited for.

    Raises: NixprofError where the user does not want to wait.
    """
    who = _who(context.folders) or "another nixprof"
    if not context.waits:
        raise NixprofError(
            f"{who} is running", Reason.BUSY, hints=("without --no-wait, nixprof waits for it to finish",)
        )
    context.progress.note(f"waiting for {who} to finish")
    with context.progress.step(f"waiting for {who}"):
        yield


def _recover(context: Context) -> None:
    folders = context.folders
    if not was_stopped(folders):
        return
    context.progress.note(f"repairing what {_who(folders) or 'an earlier nixprof'} left when it was stopped")
    recover(folders)
    for folder in (folders.state, folders.config, folders.flake, Path(os.path.realpath(folders.manifest)).parent):
        remove_temporary_files(folder)


## for commands that do not take the lock, or not yet


def was_stopped(folders: Folders) -> bool:
    """Tell whether a nixprof is at work, or was killed and left something to put right."""
    return _note(folders).exists() or is_unfinished(folders)


def recover_first(context: Context) -> None:
    """Have no half of a change in the list, for a command that reads it before it has the lock.

    Another nixprof is only waited for while it writes; what it still builds for is not in the list yet.

    Raises: as `process_lock` does.
    """
    if is_unfinished(context.folders):
        with process_lock(context):
            pass


def warn(context: Context) -> None:
    """Say so where the list and the profile may be half of a change, for a command that only reads."""
    if is_unfinished(context.folders):
        context.progress.note(
            "another nixprof is running, or was interrupted: this may show half of a change (nixprof sync repairs it)"
        )


## the note of who is at work


def _note(folders: Folders) -> Path:
    return folders.state / "running.json"


def _who(folders: Folders) -> str | None:
    """Name the nixprof that wrote the note; None where there is no note, or none that can be understood."""
    data = read_json(_note(folders))
    return f"`{data['command']}` (process {data['process']})" if fits(data, {"command": str, "process": int}) else None


def _write_note(context: Context) -> None:
    note = _note(context.folders)
    discard(note)
    # Nothing that is there is written to: it may be a link.
    with open(note, "x", encoding="utf-8") as file:
        json.dump({"command": context.command, "process": os.getpid()}, file)
