"""A real shell on a terminal, with somebody who types."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import pyte

_SECONDS = 30


class TypedShell:
    """A shell on a terminal; use as a context manager."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], folder: Path, *, rows: int = 50) -> None:
        # Where that is missing, fish reads all man pages of the machine in the background, for 40 seconds.
        Path(env["HOME"], ".local/share/fish/generated_completions").mkdir(parents=True, exist_ok=True)
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 100, 0, 0))
        self._screen = pyte.Screen(100, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._process = subprocess.Popen(
            argv,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**env, "TERM": "xterm"},
            cwd=folder,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - as a terminal does
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def type(self, text: str, shown: str) -> str:
        """Types a text, and waits until the screen has what should be there then, with or without backslashes."""
        os.write(self._ours, text.encode())
        return self._wait(lambda screen: shown in screen.replace("\\", ""))

    def clear(self, prompt: str = "$") -> None:
        """Takes back what is typed, and empties the screen."""
        os.write(self._ours, b"\x05\x15\x0c")
        self._wait(lambda screen: screen == prompt)

    def _wait(self, is_there: Callable[[str], bool]) -> str:
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            if select.select([self._ours], [], [], 0.01)[0]:
                self._stream.feed(os.read(self._ours, 65536))
            elif is_there(self.screen):
                return self.screen
        raise AssertionError(f"not as it should be, the screen:\n{self.screen}")

    @property
    def screen(self) -> str:
        """What is shown, without the spaces at the ends of lines."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()
