"""Only one nixprof changes things at a time; and the next one knows where one was stopped half-way."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError
from nixprof.files import remove_temporary_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from filelock import FileLock

    from nixprof.state import Project


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
def exclusive(project: Project) -> Iterator[None]:
    """Keep other nixprofs waiting for as long as the context lasts.

    The lock is one of the operating system's, which ends with the process that has it; beside it lies a note of who
    has it. A note without a lock is of one that was killed: what it left is cleared away here, and everything else is
    derived anew by whatever change follows.

    Raises: NixprofError where another one is at work and the user does not want to wait.
    """
    from filelock import FileLock, Timeout

    state = project.places.state
    note = state / "running.json"
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(state / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _wait(project, lock, _read(note))
        killed = _read(note)
        if killed:
            project.progress.note(f"putting right what {killed} left when it was stopped")
            remove_temporary_files(project.places.config)
            remove_temporary_files(project.places.flake)
        _write(note, Holder(project.command, os.getpid(), time.time()))
    except OSError as error:
        raise NixprofError(f"cannot write below {state}", cause=error.strerror or str(error)) from error
    try:
        yield
    finally:
        with suppress(OSError):
            note.unlink()
        lock.release()


def _wait(project: Project, lock: FileLock, holder: Holder | None) -> None:
    who = str(holder) if holder else "another nixprof"
    if not project.waits:
        raise NixprofError(f"{who} is at work", hints=("without --no-wait, nixprof waits for it to finish",))
    project.progress.note(f"waiting for {who} to finish")
    with project.progress.step(f"waiting for {who}"):
        lock.acquire()


def _read(note: Path) -> Holder | None:
    try:
        data = json.loads(note.read_bytes())
        return Holder(str(data["command"]), int(data["process"]), float(data["since"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _write(note: Path, holder: Holder) -> None:
    note.write_text(
        json.dumps({"command": holder.command, "process": holder.process, "since": holder.since}), encoding="utf-8"
    )
