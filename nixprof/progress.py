"""What a long step tells while it runs. The default tells nothing; the command line passes one that does."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from nixprof.console import own
from nixprof.redact import one_line, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nixprof.nix.activity import Activities

# What is over sooner needs no word.
_PATIENCE_SECONDS = 0.5
# How often a log that nobody watches gets another line: less often the longer it takes.
_INTERVAL_SECONDS = 5.0
_INTERVAL_GROWTH = 1.3
_FRAMES_A_SECOND = 8
# The time that a rate is of: short enough to be true, long enough to be calm.
_RATE_SECONDS = 4.0


class Progress:
    """Silent progress."""

    def step(self, text: str) -> AbstractContextManager[object]:
        """Say for as long as the context lasts what is being done, such as `building hello`."""
        del text
        return nullcontext()

    def note(self, text: str) -> None:
        """Say something once, such as that another nixprof is being waited for."""

    def nix_said(self, text: str) -> None:
        """Take what Nix wrote beside its result: warnings, traces, what it fetches and builds."""

    def nix_does(self, activities: Activities) -> None:
        """Take what Nix is doing; called again and again while it does."""


class _Rate:
    """How fast bytes come in, lately."""

    def __init__(self) -> None:
        self._of: Activities | None = None
        self._samples: deque[tuple[float, int]] = deque()

    def sample(self, activities: Activities | None, now: float) -> float | None:
        """Take what has come in by now; give bytes a second, None where that cannot be told."""
        if activities is not self._of:
            self._of = activities
            self._samples.clear()
        if activities is None:
            return None
        self._samples.append((now, activities.downloaded_bytes))
        while now - self._samples[0][0] > _RATE_SECONDS:
            self._samples.popleft()
        since, before = self._samples[0]
        return (activities.downloaded_bytes - before) / (now - since) if now > since else None


class Lines(Progress):
    """A few plain lines, for a stderr that is no terminal."""

    def __init__(self) -> None:
        """Begin without a step."""
        self._texts: list[str] = []
        self._since = self._next = 0.0
        self._interval = _INTERVAL_SECONDS
        self._rate = _Rate()

    def note(self, text: str) -> None:
        """Write a line."""
        sys.stderr.write(f"{one_line(redact(text))}\n")
        sys.stderr.flush()

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Write `text` only if the step takes long enough for somebody to wonder."""
        self._texts.append(text)
        self._since = time.monotonic()
        self._next, self._interval = self._since + _PATIENCE_SECONDS, _INTERVAL_SECONDS
        try:
            yield
        finally:
            self._texts.pop()

    def nix_does(self, activities: Activities) -> None:
        """Write how far it is, from time to time."""
        now = time.monotonic()
        rate = self._rate.sample(activities, now)
        if not self._texts or now < self._next:
            return
        from nixprof.activity_display import Moment, so_far

        self._next = now + self._interval
        self._interval *= _INTERVAL_GROWTH
        self.note(so_far(Moment(self._texts[-1], activities, self._since, now, rate)))


class Words(Lines):
    """Everything, Nix's own words included: for `--verbose`."""

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Write a line for each step."""
        self.note(text)
        yield

    def nix_said(self, text: str) -> None:
        """Write it, line by line."""
        for line in text.split("\n"):
            self.note(line)


class Display(Progress):
    """A few lines on a terminal that are always true, and go when the step is done."""

    def __init__(self) -> None:
        """Begin without a step."""
        self._texts: list[str] = []
        self._activities: Activities | None = None
        self._since = 0.0
        self._shown: list[str] = []

    def note(self, text: str) -> None:
        """Write a line above the display."""
        self._draw([], f"{one_line(redact(text))}\n")

    def nix_does(self, activities: Activities) -> None:
        """Show it with the next frame."""
        self._activities = activities

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show `text`, and below it what is fetched and built."""
        from threading import Event, Thread

        self._texts.append(text)
        self._activities, self._since = None, time.monotonic()
        if len(self._texts) > 1:  # within another step: its display shows this one
            try:
                yield
            finally:
                self._texts.pop()
            return
        done = Event()
        drawing = Thread(target=self._run, args=(done.wait,), daemon=True)
        drawing.start()
        try:
            yield
        finally:
            done.set()
            drawing.join()
            self._texts.pop()
            self._draw([])

    def _run(self, over: Callable[[float], bool]) -> None:
        """Draw until the step is over."""
        from nixprof.activity_display import Moment, frame

        rate, drawn = _Rate(), 0
        while not over(1 / _FRAMES_A_SECOND):
            now, activities = time.monotonic(), self._activities
            with activities.steady if activities else nullcontext():
                moment = Moment(self._texts[-1], activities, self._since, now, rate.sample(activities, now), drawn)
                lines = frame(moment, _columns())
            if now - self._since >= _PATIENCE_SECONDS:
                self._draw(lines)
                drawn += 1

    def _draw(self, lines: list[str], above: str = "") -> None:
        """Replace what is shown by other lines, in one write, so that nothing flickers."""
        if not self._shown and not lines and not above:
            return
        # A terminal that was made narrower has wrapped what is shown.
        columns = _columns()
        rows = sum(max(1, -(-len(line) // columns)) for line in self._shown)
        up = f"\x1b[{rows - 1}A" if rows > 1 else ""
        clear = own(f"\r{up}\x1b[J") if self._shown else ""
        self._shown = lines
        sys.stderr.write(clear + above + "\n".join(lines))
        sys.stderr.flush()


def _columns() -> int:
    """Tell how wide the terminal is now."""
    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        columns = 0
    if columns:
        return columns
    import shutil

    return shutil.get_terminal_size().columns
