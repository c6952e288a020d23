"""What a long step tells while it runs. The default tells nothing; the command line passes one that does."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from nixprof.words import size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.nix.activity import Activities

# What is over sooner needs no word.
_PATIENCE_SECONDS = 0.5
# How often a log that nobody watches gets another line.
_INTERVAL_SECONDS = 10.0
_FRAMES_A_SECOND = 8
_BAR_COLUMNS = 32
# The display never has more lines, with whatever many downloads and builds.
_LINES = 5


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


class Lines(Progress):
    """A few plain lines, for a stderr that is no terminal."""

    def __init__(self) -> None:
        """Begin without a step."""
        self._text = ""
        self._next = 0.0

    def note(self, text: str) -> None:
        """Write a line."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Write `text` only if the step takes long enough for somebody to wonder."""
        self._text, self._next = text, time.monotonic() + _PATIENCE_SECONDS
        try:
            yield
        finally:
            self._text = ""

    def nix_does(self, activities: Activities) -> None:
        """Write how far it is, from time to time."""
        now = time.monotonic()
        if not self._text or now < self._next:
            return
        self._next = now + _INTERVAL_SECONDS
        self.note(f"{self._text}{_so_far(activities)}")


class Words(Lines):
    """Everything, Nix's own words included: for `--verbose`."""

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Write a line for each step."""
        self.note(text)
        yield

    def nix_said(self, text: str) -> None:
        """Write it as it is."""
        sys.stderr.write(text)


class Display(Lines):
    """A few lines on a terminal that are always true, and go when the step is done."""

    def __init__(self) -> None:
        """Begin without a step."""
        super().__init__()
        self._activities: Activities | None = None
        self._started = 0.0

    def nix_does(self, activities: Activities) -> None:
        """Show it with the next frame."""
        self._activities = activities

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show `text` with a spinner, and below it what is fetched and built."""
        from rich.console import Console, Group
        from rich.live import Live
        from rich.spinner import Spinner
        from rich.text import Text

        console = Console(stderr=True, highlight=False)
        spinner = Spinner("dots")
        self._activities, self._started = None, time.monotonic()

        def frame() -> Group:
            if time.monotonic() - self._started < _PATIENCE_SECONDS:
                return Group()
            lines = [Text(line, no_wrap=True, overflow="ellipsis") for line in self._lines(console.width)]
            head = Text(text)
            head.truncate(console.width - 3, overflow="ellipsis")
            spinner.update(text=head)
            return Group(spinner, *lines)

        with Live(get_renderable=frame, console=console, transient=True, refresh_per_second=_FRAMES_A_SECOND):
            yield
        self._activities = None

    def _lines(self, width: int) -> list[str]:
        """Describe what Nix does, in as many lines as there may be below the first."""
        activities = self._activities
        if activities is None:
            return []
        lines = []
        if activities.expected_bytes:
            lines.append(_download_line(activities, time.monotonic() - self._started, width))
        elif activities.fetching:
            lines.append(f"fetching     {next(iter(activities.fetching.values()))}")
        builds = list(activities.builds.values())
        room = _LINES - 1 - len(lines)
        shown = builds if len(builds) <= room else builds[: room - 1]
        for build in shown:
            phase = f"{build.phase}, " if build.phase else ""
            lines.append(f"building     {build.name}  ({phase}{time.monotonic() - build.since:.0f} s)")
        if len(shown) < len(builds):
            lines.append(f"             and {len(builds) - len(shown)} more")
        return lines


def _download_line(activities: Activities, seconds: float, width: int) -> str:
    """Write a bar, the bytes, the rate and one of the names: `━━━╸   4.2/6.1 MiB  3.1 MiB/s  ripgrep`."""
    done, expected = activities.downloaded_bytes, activities.expected_bytes
    columns = min(_BAR_COLUMNS, max(4, width - 62))
    filled = columns * min(done, expected) // expected
    bar = "━" * filled + ("╸" if filled < columns else "") + " " * max(0, columns - filled - 1)
    rate = size(round(done / seconds)) if seconds > 0 else "0 B"
    name = next(reversed(activities.names.values()), "")
    return f"downloading  {bar}  {size(done)} of {size(expected)}  {rate}/s  {name}".rstrip()


def _so_far(activities: Activities) -> str:
    """Write what is known of how far it is."""
    parts = []
    if activities.expected_bytes:
        parts.append(f"{size(activities.downloaded_bytes)} of {size(activities.expected_bytes)}")
    if activities.builds:
        parts.append(f"building {', '.join(build.name for build in list(activities.builds.values())[:3])}")
    return f": {', '.join(parts)}" if parts else ""
