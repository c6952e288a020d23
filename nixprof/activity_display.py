"""What a long step looks like while it runs: a few lines on a terminal, or one line in a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof.formatting import duration, part, size
from nixprof.output.table import cut

if TYPE_CHECKING:
    from nixprof.nix.activity import Activities, Build

# The display never has more lines, with whatever many downloads and builds.
LINES = 5
_LABEL_COLUMNS = 13
_BAR_COLUMNS = (8, 32)
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
# Before, a guess of what remains would only jump about.
_GUESSES_AFTER_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Moment:
    """A step at one moment.

    Attributes:
        text: what is being done, such as `fetching 3 packages`.
        activities: what Nix does for it; None where it has told nothing.
        since: when the step began, by `time.monotonic`.
        now: the moment, likewise.
        rate: bytes a second that come in; None where nothing does.
        drawn: how often the step has been drawn before.

    """

    text: str
    activities: Activities | None
    since: float
    now: float
    rate: float | None = None
    drawn: int = 0


def frame(moment: Moment, width: int) -> list[str]:
    """Draw a step for a terminal: at most `LINES` lines, each shorter than `width`."""
    lines = [f"{_SPINNER[moment.drawn % len(_SPINNER)]} {moment.text}{_counts(moment.activities)}"]
    if moment.activities is not None:
        lines += _transfer_lines(moment, moment.activities, width - 1)
        lines += _build_lines(moment, list(moment.activities.builds.values()), LINES - len(lines))
    return [cut(line, width - 1) for line in lines]


def so_far(moment: Moment) -> str:
    """Write a step and how far it is on one line, for a log."""
    activities, parts = moment.activities, []
    if activities is None:
        return moment.text
    if activities.expected_bytes:
        parts.append(part(activities.downloaded_bytes, activities.expected_bytes))
        parts += [f"{size(round(moment.rate))}/s"] if moment.rate else []
    elif activities.fetching:
        parts.append(next(iter(activities.fetching.values())))
    if activities.builds:
        names = [build.name for build in activities.builds.values()]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - the three that are named
        parts.append(f"building {', '.join(names[:3])}{more}")
    return f"{moment.text}: {', '.join(parts)}" if parts else moment.text


def _counts(activities: Activities | None) -> str:
    """Count what is done of many: ` · 17 of 50 paths · 1 built`.

    How many builds there will be is in the plan: Nix counts as one what it may yet fetch, and changes its mind.
    """
    if activities is None:
        return ""
    fetched, paths = activities.fetched
    built, _ = activities.built
    return (f" · {fetched} of {paths} paths" if paths > 1 else "") + (f" · {built} built" if built else "")


def _transfer_lines(moment: Moment, activities: Activities, width: int) -> list[str]:
    done, expected = activities.downloaded_bytes, activities.expected_bytes
    if done < expected:
        left = (expected - done) / moment.rate if moment.rate else None
        patient = moment.now - moment.since >= _GUESSES_AFTER_SECONDS
        words = [
            part(done, expected).rjust(2 * len(size(expected)) - 3),
            f"{size(round(moment.rate or 0))}/s".rjust(11),
            f"{duration(left)} left" if left is not None and patient else "",
        ]
        return [_bar_line("downloading", done / expected, words, next(iter(activities.names.values()), ""), width)]
    if activities.unpacked_bytes < activities.unpacking_bytes:
        done, expected = activities.unpacked_bytes, activities.unpacking_bytes
        return [_bar_line("unpacking", done / expected, [part(done, expected)], "", width)]
    if activities.fetching:
        came = f"  {size(activities.fetched_bytes)}" if activities.fetched_bytes else ""
        what = next(iter(activities.fetching.values()))
        return [f"{'fetching':<{_LABEL_COLUMNS}}{cut(what, width - _LABEL_COLUMNS - len(came))}{came}"]
    return []


def _bar_line(label: str, share: float, words: list[str], name: str, width: int) -> str:
    """Write a bar and as many words as there is room for beside it, then a name."""
    least, most = _BAR_COLUMNS
    room = width - _LABEL_COLUMNS - least
    shown: list[str] = []
    for word in words:
        room -= len(word) + 2
        if room < 0:
            break
        shown.append(word)
    columns = min(most, least + max(room, 0))
    filled = int(columns * min(share, 1))
    bar = ("━" * filled + ("╸" if filled < columns else "")).ljust(columns)
    return "  ".join((f"{label:<{_LABEL_COLUMNS}}{bar}", *shown, *([name] if room > columns else []))).rstrip()


def _build_lines(moment: Moment, builds: list[Build], room: int) -> list[str]:
    shown = builds if len(builds) <= room else builds[: room - 1]
    label = "building"
    lines = []
    for build in shown:
        phase = f"{build.phase.removesuffix('Phase')} phase, " if build.phase else ""
        lines.append(f"{label:<{_LABEL_COLUMNS}}{build.name}  ({phase}{duration(moment.now - build.since)})")
        label = ""
    if len(shown) < len(builds):
        lines.append(f"{label:<{_LABEL_COLUMNS}}and {len(builds) - len(shown)} more")
    return lines
