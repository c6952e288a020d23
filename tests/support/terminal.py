"""A terminal with somebody in front of it: what it shows at each moment, in which colours, at which size."""

import fcntl
import os
import pty
import struct
import termios
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import pyte

from support import forks
from support.world import NIXPROF, PATIENCE_SECONDS, World

_MARKS = {"green": "green", "red": "red", "brown": "yellow", "yellow": "yellow"}


class Terminal:
    """Runs nixprof on a terminal; use as a context manager."""

    def __init__(
        self,
        world: World,
        *args: str | Path,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._ours, theirs = pty.openpty()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self.written = b""
        self._set_size(columns, rows)
        environment = {**world.env, "TERM": "xterm-256color", **(env or {})}
        self._process = forks.start_on(theirs, [*NIXPROF, *map(str, args)], environment, world.home)
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join(5)
        os.close(self._ours)

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._ours, 65536)
            except OSError:
                return
            if not chunk:
                return
            with self._lock:
                self.written += chunk
                self._stream.feed(chunk)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def resize(self, columns: int, rows: int = 24) -> None:
        with self._lock:
            self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def lines(self) -> list[str]:
        """What is shown, without the empty lines at the end."""
        with self._lock:
            return self._shown()

    def coloured(self) -> list[str]:
        """The same, with `<green>+</green>` for what stands out."""
        with self._lock:
            return [self._marked(row) for row in range(len(self._shown()))]

    def _shown(self) -> list[str]:
        shown = [line.rstrip() for line in self._screen.display]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    def _marked(self, row: int) -> str:
        text, open_mark = "", ""
        for column in range(len(self._screen.display[row].rstrip())):
            char = self._screen.buffer[row][column]
            mark = _MARKS.get(char.fg, "bold" if char.bold else "")
            if mark != open_mark:
                text += (f"</{open_mark}>" if open_mark else "") + (f"<{mark}>" if mark else "")
                open_mark = mark
            text += char.data
        return text + (f"</{open_mark}>" if open_mark else "")

    def wait_for(self, there: Callable[[list[str]], bool], seconds: float = PATIENCE_SECONDS) -> list[str]:
        """Waits until what is shown is as wanted; returns it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            shown = self.lines()
            if there(shown):
                return shown
            time.sleep(0.02)
        raise AssertionError("\n".join(["never shown; the last screen:", *self.lines()]))

    def wait(self) -> int:
        """Waits until nixprof has ended and all of it is shown; returns its exit code."""
        code = self._process.wait(PATIENCE_SECONDS)
        self._reader.join(5)
        return code
