"""One Nix that is asked again and again: what it has evaluated stays in its memory, and no failure ends it."""

from __future__ import annotations

import json
import os
import secrets
import select
import subprocess
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from nixprof.files import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

# How long Nix may take to stop.
_PATIENCE_SECONDS = 1
# The end of an answer that nobody waits for.
_END = b"end"
_CHUNK_BYTES = 64 << 10
# More is taken by what never ends; with it, Nix fails as it does for lack of memory, and the machine goes on.
_MAX_HEAP = "4G"
_PURE = ("--option", "pure-eval", "true", "--option", "allow-import-from-derivation", "false")


class Repl:
    """A `nix repl` at the other end of a pipe, as a context manager.

    It answers by `builtins.trace`, which every version writes to stderr as it is, behind a word that nothing that is
    evaluated can know.
    """

    def __init__(self, command: Sequence[str], definitions: Sequence[str]) -> None:
        self.command = (*command, *_PURE)
        self._definitions = definitions
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: deque[bytes] = deque()  # that are not read yet
        self._begun: list[bytes] = []  # parts of a line
        self.said: list[str] = []  # what Nix has written besides the answers to the last question
        self.is_late = False  # whether it was stopped for taking too long over the last question
        self._word = secrets.token_hex(16)
        self._scratch: AbstractContextManager[Path] = scratch_folder()

    def __enter__(self) -> Self:
        """Make the folder for what it leaves behind. Nix is started by the first question."""
        self._folder = self._scratch.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.restart()
        self._scratch.__exit__(None, None, None)

    def ask(self, expression: str, seconds: float | None = None) -> Any:
        """Give what an expression evaluates to, as JSON has it; None where that fails, however it does."""
        answers = list(self.answers(f"[ ({expression}) ]", seconds))
        return answers[0] if answers else None

    def answers(self, items: str, seconds: float | None = None) -> Iterator[Any]:
        """Give what each item of a list evaluates to, as JSON has it, up to the first that fails, however it does.

        That is known when it is: a question costs the same wherever it ends. One item may take so many `seconds`; a
        Nix that takes longer, or has died, is replaced by the next question.
        """
        self.said.clear()
        self.is_late = False
        process = self._process = self._process or self._started()
        say = f'one: builtins.trace ("{self._word} " + builtins.toJSON one) null'
        try:
            self._write(process, f"builtins.foldl' (_: {say}) null ({items})", f'builtins.trace "{self._word} end" 0')
            while (answer := self._read(process, seconds)) != _END:
                yield json.loads(answer.decode(errors="replace"))
        except (BrokenPipeError, EOFError, TimeoutError) as error:
            self.is_late = isinstance(error, TimeoutError)
            self.restart()

    @property
    def is_running(self) -> bool:
        """Whether it knows what it has evaluated so far."""
        return self._process is not None

    def restart(self) -> None:
        """Forget everything, for the memory that it takes: the next question starts another Nix."""
        process, self._process = self._process, None
        self._lines.clear()
        self._begun.clear()
        if process is None:
            return
        process.terminate()
        for stream in (process.stdin, process.stderr):
            with suppress(BrokenPipeError):
                if stream:
                    stream.close()
        try:
            process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        # It keeps a history of what is typed.
        history = {"XDG_DATA_HOME": str(self._folder), "TERM": "dumb", "NO_COLOR": "1"}
        process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"GC_MAXIMUM_HEAP_SIZE": _MAX_HEAP, **os.environ, **history},
            cwd=self._folder,
            process_group=0,
        )
        self._write(process, *self._definitions)
        return process

    def _write(self, process: subprocess.Popen[bytes], *lines: str) -> None:
        assert process.stdin  # noqa: S101 - it is a pipe
        process.stdin.writelines(f"{line}\n".encode() for line in lines)
        process.stdin.flush()

    def _read(self, process: subprocess.Popen[bytes], seconds: float | None) -> bytes:
        """Read up to the next answer. Raise EOFError where Nix has died, TimeoutError where it takes too long."""
        mark = f"trace: {self._word} ".encode()
        until = None if seconds is None else time.monotonic() + seconds
        while not (line := self._line(process, until)).startswith(mark):
            self.said.append(f"{line.decode(errors='replace')}\n")
        return line.removeprefix(mark)

    def _line(self, process: subprocess.Popen[bytes], until: float | None) -> bytes:
        while not self._lines:
            *whole, rest = self._more(process, until).split(b"\n")
            if whole:
                whole[0] = b"".join((*self._begun, whole[0]))
                self._begun.clear()
                self._lines.extend(whole)
            self._begun.append(rest)
        return self._lines.popleft()

    def _more(self, process: subprocess.Popen[bytes], until: float | None) -> bytes:
        assert process.stderr  # noqa: S101 - it is a pipe
        left = None if until is None else max(until - time.monotonic(), 0)
        if not select.select([process.stderr], [], [], left)[0]:
            raise TimeoutError
        data = os.read(process.stderr.fileno(), _CHUNK_BYTES)
        if not data:
            raise EOFError
        return data
