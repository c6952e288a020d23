"""What a long step shows while it runs: a live display on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nixprof.formatting import listed, part, shell_quote, size
from nixprof.nix.progress import Progress
from nixprof.redact import one_line, redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.nix.activity import Activities
    from nixprof.output.live import Live

# A step that is over sooner shows nothing.
PATIENCE_SECONDS = 0.5
# A log that nobody watches gets another line after this long, and less often the longer the step takes.
_INTERVAL_SECONDS = 5.0
_INTERVAL_GROWTH = 1.3
_MAX_BUILD_NAMES = 3


class Lines(Progress):
    """A few plain lines, for a stderr that is not a terminal."""

    def __init__(self) -> None:
        self._steps: list[str] = []
        self._since = self._next = 0.0
        self._interval = _INTERVAL_SECONDS

    def note(self, text: str) -> None:
        """Write a line."""
        sys.stderr.write(f"{one_line(redact(text))}\n")
        sys.stderr.flush()

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Write `text` only if the step takes long."""
        self._steps.append(text)
        self._since = time.monotonic()
        self._next, self._interval = self._since + PATIENCE_SECONDS, _INTERVAL_SECONDS
        try:
            yield
        finally:
            self._steps.pop()

    def nix_does(self, activities: Activities) -> None:
        """Write from time to time how far it is."""
        if self._is_time():
            self.note(so_far(self._steps[-1], activities, time.monotonic() - self._since))

    def reached(self, text: str) -> None:
        """Write it from time to time."""
        if self._is_time():
            self.note(f"{self._steps[-1]}: {text}")

    def _is_time(self) -> bool:
        now = time.monotonic()
        if not self._steps or now < self._next:
            return False
        self._next = now + self._interval
        self._interval *= _INTERVAL_GROWTH
        return True


class Verbose(Lines):
    """Every step, every command line of Nix and everything that it writes, for `--verbose`."""

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Write a line for each step."""
        self.note(text)
        yield

    def nix_runs(self, argv: Sequence[str]) -> None:
        """Write it as it can be pasted into a shell."""
        self.note(" ".join(map(shell_quote, argv)))

    def nix_said(self, text: str) -> None:
        """Write it, line by line."""
        for line in text.split("\n"):
            self.note(line)


class Display(Lines):
    """A few lines on a terminal that are always true, and go when the step is done.

    rich draws them, in a thread of its own, and is imported only for a step that takes long.
    """

    def __init__(self, *, colours: bool) -> None:
        super().__init__()
        self._activities: Activities | None = None
        self._reached = ""
        self._colours = colours
        self._live: Live | None = None

    def note(self, text: str) -> None:
        """Write a line, above the display where there is one."""
        if self._live:
            self._live.note(one_line(redact(text)))
        else:
            super().note(text)

    def nix_does(self, activities: Activities) -> None:
        """Show it with the next frame."""
        self._activities = activities

    def reached(self, text: str) -> None:
        """Show it with the next frame."""
        self._reached = f": {text}"

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show `text`, and below it what is fetched and built."""
        from threading import Timer

        self._steps.append(text)
        self._activities, self._reached, self._since = None, "", time.monotonic()
        start = Timer(PATIENCE_SECONDS, self._start)
        start.daemon = True
        if len(self._steps) == 1:  # within another step, the display of that one shows this one
            start.start()
        try:
            yield
        finally:
            if len(self._steps) == 1:
                start.cancel()
                start.join()
                self._stop()
            self._steps.pop()

    def _start(self) -> None:
        from nixprof.output.live import Live

        self._live = Live(
            lambda: (self._steps[-1] + self._reached, self._since, self._activities), colours=self._colours
        )
        self._live.start()

    def _stop(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None


def so_far(step: str, activities: Activities, seconds: float) -> str:
    """Write a step and how far it is after some seconds on one line, for a log."""
    parts = []
    (done, expected), (unpacked, unpacking) = activities.downloaded_bytes, activities.unpacked_bytes
    if expected:
        parts.append(part(done, expected))
        parts += [f"{size(round(done / seconds))}/s"] if done else []
    elif activities.sends and unpacking:
        parts.append(part(unpacked, unpacking))
    elif activities.fetching:
        parts.append(next(iter(activities.fetching.values())))
    if activities.builds:
        builds = [f"{one.name} on {one.machine}" if one.machine else one.name for one in activities.builds.values()]
        parts.append(f"building {listed(builds, _MAX_BUILD_NAMES)}")
    return f"{step}: {', '.join(parts)}" if parts else step
