"""One Nix that is asked again and again: what it has evaluated stays in its memory, and no failure ends it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from nixprof.files import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

# How long Nix may take to stop.
_PATIENCE_SECONDS = 5
_PURE = ("--option", "pure-eval", "true", "--option", "allow-import-from-derivation", "false")


class Repl:
    """A `nix repl` at the other end of a pipe, as a context manager.

    It answers by `builtins.trace`, which every version writes to stderr as it is, behind a word that nothing that is
    evaluated can know.
    """

    def __init__(self, command: Sequence[str], definitions: Sequence[str]) -> None:
        self.command = (*command, *_PURE)
        self._definitions = definitions
        self._process: subprocess.Popen[str] | None = None
        self.said: list[str] = []  # what Nix has written beside the last answer
        self._mark = f"trace: {secrets.token_hex(16)} "
        self._scratch: AbstractContextManager[Path] = scratch_folder()

    def __enter__(self) -> Self:
        """Make the folder for what it leaves behind. Nix is started by the first question."""
        self._folder = self._scratch.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.restart()
        self._scratch.__exit__(None, None, None)

    def ask(self, expression: str) -> Any:
        """Give what an expression evaluates to, as JSON has it; None where that fails, however it does."""
        self.said.clear()
        process = self._process = self._process or self._started()
        try:
            self._write(process, f"builtins.toJSON ({expression})", '"end"')
            answer = self._read(process)
            if answer != "end":
                self._read(process)
                return json.loads(answer)
        except (BrokenPipeError, EOFError):
            self.restart()
        return None

    def restart(self) -> None:
        """Forget everything, for the memory that it takes: the next question starts another Nix."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stderr):  # the end of its input ends it
            with suppress(BrokenPipeError):
                if stream:
                    stream.close()
        try:
            process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _started(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            # It keeps a history of what is typed.
            env={**os.environ, "XDG_DATA_HOME": str(self._folder), "TERM": "dumb", "NO_COLOR": "1"},
            text=True,
            encoding="utf-8",
            errors="replace",
            bufsize=1,
            process_group=0,
        )
        assert process.stdin  # noqa: S101 - it is a pipe
        process.stdin.writelines(f"{line}\n" for line in self._definitions)
        return process

    def _write(self, process: subprocess.Popen[str], *answers: str) -> None:
        assert process.stdin  # noqa: S101 - it is a pipe
        mark = self._mark.removeprefix("trace: ")
        process.stdin.writelines(f'builtins.trace ("{mark}" + {answer}) null\n' for answer in answers)
        process.stdin.flush()

    def _read(self, process: subprocess.Popen[str]) -> str:
        """Read up to the next answer. Raise EOFError where Nix has died."""
        assert process.stderr  # noqa: S101 - it is a pipe
        for line in process.stderr:
            if line.startswith(self._mark):
                return line.removeprefix(self._mark).rstrip("\n")
            self.said.append(line)
        raise EOFError
