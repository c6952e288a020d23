"""Only one nixprof changes things at a time; and the next one knows where one was stopped half-way."""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.commit import finish, is_unfinished
from nixprof.errors import NixprofError, Reason
from nixprof.files import private_folder, read_json, remove_temporary_files, replaceable, to_put_right
from nixprof.schema import MISSHAPEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.context import Context
    from nixprof.folders import Folders

# For how long the note of one that is at work is looked for.
_LOOKS = 20
_PAUSE_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Holder:
    """The nixprof that is at work: its command line, its process, and when it began, in seconds since 1970."""

    command: str
    process: int
    since: float

    def __str__(self) -> str:
        """Name it as a message does."""
        return f"`{self.command}` (process {self.process}, since {time.strftime('%H:%M', time.localtime(self.since))})"


@contextmanager
def process_lock(context: Context) -> Iterator[int]:
    """Keep other nixprofs waiting for as long as the context lasts.

    The lock is one of the operating system's, which ends with the process that has it; beside it lies a note of who
    has it. A note without a lock is of one that was killed: what it left is put right here.

    Returns: a descriptor of the lock. A process that inherits it has the lock, too.

    Raises: NixprofError where another one is at work and the user does not want to wait.
    """
    import fcntl

    state = context.folders.state
    note = state / "running.json"
    with ExitStack() as cleanup:
        try:
            private_folder(state)
            lock = os.open(replaceable(state / "lock"), os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o600)
            cleanup.callback(os.close, lock)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _wait(context, lock, _who(note))
            _recover(context, _read(note))
            _write(note, Holder(context.command, os.getpid(), time.time()))
        except OSError as error:
            raise NixprofError(
                f"cannot write below {state}",
                Reason.CANNOT_WRITE,
                cause=error.strerror or str(error),
                hints=to_put_right(state / "lock"),
            ) from error
        cleanup.callback(_remove, note)
        yield lock


def was_stopped(folders: Folders) -> bool:
    """Tell whether a nixprof is at work, or was killed and left something to put right."""
    return (folders.state / "running.json").exists() or is_unfinished(folders)


def recover(context: Context) -> None:
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


def _recover(context: Context, killed: Holder | None) -> None:
    folders = context.folders
    if killed is None and not is_unfinished(folders):
        return
    context.progress.note(f"putting right what {killed or 'an earlier nixprof'} left when it was stopped")
    finish(folders)
    for folder in (folders.state, folders.config, folders.flake, Path(os.path.realpath(folders.manifest)).parent):
        remove_temporary_files(folder)


def _wait(context: Context, lock: int, holder: Holder | None) -> None:
    import fcntl

    who = str(holder) if holder else "another nixprof"
    if not context.waits:
        raise NixprofError(
            f"{who} is running", Reason.BUSY, hints=("without --no-wait, nixprof waits for it to finish",)
        )
    context.progress.note(f"waiting for {who} to finish")
    with context.progress.step(f"waiting for {who}"):
        fcntl.flock(lock, fcntl.LOCK_EX)


def _who(note: Path) -> Holder | None:
    """Read who is at work; whoever has just begun may not have said so yet."""
    for _ in range(_LOOKS):
        holder = _read(note)
        if holder:
            return holder
        time.sleep(_PAUSE_SECONDS)
    return None


def _read(note: Path) -> Holder | None:
    data = read_json(note)
    try:
        holder = Holder(str(data["command"]), int(data["process"]), float(data["since"]))
        str(holder)  # not every number is a time
    except (OSError, *MISSHAPEN):
        return None
    return holder


def _remove(note: Path) -> None:
    with suppress(OSError):
        note.unlink()


def _write(note: Path, holder: Holder) -> None:
    _remove(note)
    # Nothing that is there is written to: it may be a link.
    with open(note, "x", encoding="utf-8") as file:
        json.dump({"command": holder.command, "process": holder.process, "since": holder.since}, file)
