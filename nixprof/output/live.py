"""The live display of a long step, drawn by rich."""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext
from itertools import islice
from typing import IO, TYPE_CHECKING, cast

import rich.live
from rich.console import Console, ConsoleDimensions, Group
from rich.control import Control
from rich.progress import Progress
from rich.progress_bar import ProgressBar
from rich.segment import ControlType
from rich.spinner import Spinner
from rich.text import Text

from nixprof.console import own
from nixprof.formatting import duration, part, size
from nixprof.redact import clean, one_line, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nixprof.nix.activity import Activities, Build

    # What is being done, since when by `time.monotonic`, and what Nix does for it as far as it has told.
    Look = Callable[[], tuple[str, float, Activities | None]]

# The display never has more lines, however many downloads and builds there are.
MAX_LINES = 5
_FRAMES_PER_SECOND = 8
# The speed is that of the last seconds: few enough to be true, enough to be calm.
_SPEED_SECONDS = 4.0
# Earlier, a guess of what remains would only jump about.
_GUESSES_AFTER_SECONDS = 2
_LABEL_COLUMNS = 13
_MIN_BAR_COLUMNS, _MAX_BAR_COLUMNS = 8, 32
_MIN_NAME_COLUMNS = 8


class _Stderr:
    """Where rich writes: what it writes is nixprof's own, and every text that it is given was cleaned before."""

    @property
    def encoding(self) -> str:
        return sys.stderr.encoding

    def write(self, text: str) -> int:
        return sys.stderr.write(own(text))

    def flush(self) -> None:
        sys.stderr.flush()


class _Terminal(Console):
    """A terminal, without two ways of rich's.

    It would hide the cursor, and a nixprof that is killed could not bring it back. And it would go by COLUMNS, where
    that is set, also when the terminal has another size since.
    """

    def show_cursor(self, show: bool = True) -> bool:  # noqa: FBT001, FBT002 - so rich calls it
        """Leave it as it is."""
        del show
        return False

    @property
    def size(self) -> ConsoleDimensions:
        """How large the terminal is now."""
        try:
            columns, lines = os.get_terminal_size(sys.stderr.fileno())
        except (OSError, ValueError):
            return super().size
        return ConsoleDimensions(columns, lines) if columns and lines else super().size

    @size.setter
    def size(self, new: tuple[int, int]) -> None:
        self._width, self._height = new


class Live:
    """Shows a step, below what is written with `note`."""

    def __init__(self, look: Look, *, colours: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._look = look
        self._clock = clock
        self._spinner = Spinner("dots")
        self._widths: list[int] = []  # of the lines as they were drawn last
        self.terminal = _Terminal(
            file=cast("IO[str]", _Stderr()),
            color_system="standard" if colours else None,
            force_terminal=True,
            force_interactive=True,
            highlight=False,
            markup=False,
            emoji=False,
            get_time=clock,
        )
        self._meter = Progress(console=self.terminal, speed_estimate_period=_SPEED_SECONDS)
        self._download = self._meter.add_task("", total=None)
        self._live = rich.live.Live(
            console=self.terminal,
            get_renderable=self.draw,
            refresh_per_second=_FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self.start, self.stop = self._live.start, self._live.stop

    def note(self, line: str) -> None:
        """Write a line above the display."""
        self.terminal.print(_text(line), soft_wrap=True)

    def draw(self) -> Group:
        """Draw the next frame: lines that are cut to the width of the terminal."""
        self._erase_wrapped()
        lines = list(self._lines())[:MAX_LINES]
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
            line.truncate(max(self.terminal.width - 1, 1))
        self._widths = [line.cell_len for line in lines]
        return Group(*lines)

    def _erase_wrapped(self) -> None:
        """Erase the rows that a terminal has got by wrapping lines when it was made narrower; rich knows of none."""
        width = self.terminal.width
        extra = sum((columns - 1) // width for columns in self._widths if columns)
        if extra:
            self.terminal.control(Control(*((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)) * extra))

    def _lines(self) -> Iterator[Text]:
        """Show the step, and below it what Nix fetches and builds for it."""
        (step, since, doing), now = self._look(), self._clock()
        with doing.steady if doing else nullcontext():
            self._spinner.update(text=_text(f"{step}{_counts(doing)}"))
            yield cast("Text", self._spinner.render(now))
            if doing:
                transfers = list(self._transfer(doing, now - since))
                yield from transfers
                yield from _builds(doing.builds, now, MAX_LINES - 1 - len(transfers))

    def _transfer(self, doing: Activities, seconds: float) -> Iterator[Text]:
        """Show what comes from the network, or is unpacked."""
        (done, expected), (unpacked, unpacking) = doing.downloaded_bytes, doing.unpacked_bytes
        if done < expected:
            self._meter.update(self._download, completed=done, total=expected)
            task = self._meter.tasks[0]
            left = task.time_remaining if seconds >= _GUESSES_AFTER_SECONDS else None
            words = [
                part(done, expected).rjust(2 * len(size(expected)) - 3),
                f"{size(round(task.speed or 0))}/s".rjust(11),
                f"{duration(left)} left" if left else "",
            ]
            yield self._bar("downloading", done / expected, words, next(iter(doing.names.values()), ""))
        elif unpacked < unpacking:
            label = "copying" if doing.sends else "unpacking"
            yield self._bar(label, unpacked / unpacking, [part(unpacked, unpacking)])
        elif doing.fetching:
            came = f"  {size(doing.fetched_bytes)}" if doing.fetched_bytes else ""
            what = _text(next(iter(doing.fetching.values())))
            what.truncate(max(self.terminal.width - 1 - _LABEL_COLUMNS - len(came), 0), overflow="ellipsis")
            yield Text.assemble(_label("fetching"), what, came)

    def _bar(self, label: str, share: float, words: list[str], name: str = "") -> Text:
        """Draw a bar, as many words as fit next to it, and what there is room for of a name."""
        room = self.terminal.width - 1 - _LABEL_COLUMNS - _MIN_BAR_COLUMNS
        shown: list[str | Text] = []
        for word in filter(None, words):
            room -= len(word) + 2
            if room < 0:
                break
            shown += ["  ", word]
        wider = max(min(room, _MAX_BAR_COLUMNS - _MIN_BAR_COLUMNS), 0)
        bar = ProgressBar(
            1, share, _MIN_BAR_COLUMNS + wider, complete_style="green", finished_style="green", style="dim"
        )
        drawn = Text.assemble(*((each.text, each.style or "") for each in self.terminal.render(bar)))
        drawn.pad_right(_MIN_BAR_COLUMNS + wider - drawn.cell_len)
        if name and room - wider - 2 >= _MIN_NAME_COLUMNS:
            shown += ["  ", _text(name)]
        return Text.assemble(_label(label), drawn, *shown)


def _text(text: str) -> Text:
    """Take a text from outside as data: no markup of it counts, and no control character of it arrives."""
    return Text(clean(one_line(redact(text))), no_wrap=True, overflow="ellipsis")


def _label(word: str) -> Text:
    return Text(f"{word:<{_LABEL_COLUMNS}}")


def _counts(doing: Activities | None) -> str:
    """Count what is done of many: ` · 17 of 50 paths · 1 built`.

    How many builds there will be is in the plan: Nix counts as one what it may yet fetch, and changes its mind.
    """
    if doing is None:
        return ""
    fetched, paths = doing.fetched
    built, _ = doing.built
    return (f" · {fetched} of {paths} paths" if paths > 1 else "") + (f" · {built} built" if built else "")


def _builds(builds: Mapping[int, Build], now: float, room: int) -> Iterator[Text]:
    shown = list(islice(builds.values(), room if len(builds) <= room else room - 1))
    for label, build in zip(("building", *[""] * len(shown)), shown, strict=False):
        phase = f"{build.phase.removesuffix('Phase')} phase, " if build.phase else ""
        where = f" on {build.machine}" if build.machine else ""
        yield Text.assemble(_label(label), _text(f"{build.name}{where}  ({phase}{duration(now - build.since)})"))
    if len(shown) < len(builds):
        yield Text.assemble(_label("" if shown else "building"), f"and {len(builds) - len(shown)} more")
