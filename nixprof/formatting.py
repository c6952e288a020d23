"""How things are named to the user, in text and in JSON alike."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from nixprof.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def display_path(path: Path | str) -> str:
    """Shorten a path in the user's home to `~/…`."""
    home = os.path.expanduser("~")
    text = str(path)
    return f"~{text[len(home) :]}" if text == home or text.startswith(home.rstrip("/") + "/") else text


def package_name(key: str) -> str:
    """Name a package by its key as a user would: `nixpkgs#git` is `git`, and a store path goes by its name."""
    if key.startswith("/"):
        from nixprof.store_path import name_of

        return name_of(key)
    return listed_name(key)


def listed_name(key: str) -> str:
    """Write the key of a package as a list has it, without the input that needs no name."""
    return key.removeprefix("nixpkgs#")


def package_title(key: str, version: str) -> str:
    """Name a package where its version is shown, too: the name of a store path has the version in it."""
    name = package_name(key)
    return name.replace(f"-{version}", "", 1) if key.startswith("/") and version else name


def titled(key: str, version: str) -> str:
    """Name a package with its version, if it has one: `jq 1.7`."""
    return f"{package_title(key, version)} {version}".rstrip()


def shell_quote(word: str) -> str:
    """Write a word as it can be pasted into a shell; `unstable#neovim` needs no quotes there."""
    if re.fullmatch(r"[\w@%+=:,./-][\w@%+=:,./#-]*", word, re.ASCII):
        return word
    import shlex

    return shlex.quote(word)


def nearest(word: str, options: Iterable[str], most: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return up to `most` options that look like a word, the nearest first; a `cutoff` of 1 is for equal words."""
    import difflib

    by_folded = {option.casefold(): option for option in sorted(options, reverse=True)}
    return [by_folded[near] for near in difflib.get_close_matches(word.casefold(), by_folded, most, cutoff)]


# Options that say how a command is shown or agreed to, and not what it does.
_NOT_NAMED = ("--json", "--verbose", "-v", "--yes", "-y", "--no-wait")


def command_line(command: str, arguments: Sequence[str]) -> str:
    """Name what a user runs, for the history and for those who wait for it.

    Both are kept in files, so secrets are masked here. `arguments` begin with the command, perhaps by another name.
    """
    words = ["nixprof", command]
    for before, word in pairwise(arguments):
        if word not in _NOT_NAMED and "--color" not in (before, word.partition("=")[0]):
            words.append(redact(word))
    return " ".join(words)


DAY_SECONDS = 86400


def count(number: int, noun: str) -> str:
    """Write a number with its noun: `1 package`, `2 packages`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """Name the first of some, as many as are read at a glance: `jq, fd and 3 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def size(number: int) -> str:
    """Write a number of bytes: `812 B`, `6.1 MiB`."""
    power = _power(number)
    return f"{_scaled(number, power)} {_UNITS[power]}"


def size_difference(number: int) -> str:
    """Write how many bytes more or less there are: `+6.1 MiB`."""
    return f"{'-' if number < 0 else '+'}{size(abs(number))}"


def part(done: int, whole: int) -> str:
    """Write how much there is of a number of bytes, in one unit: `4.2/6.1 MiB`."""
    power = _power(whole)
    return f"{_scaled(done, power)}/{_scaled(whole, power)} {_UNITS[power]}"


_UNITS = ("B", "KiB", "MiB", "GiB")


def _power(number: int) -> int:
    """Choose the unit in which a number has at most three digits before the point."""
    return next((power for power in range(len(_UNITS) - 1) if number < 1000 * 1024**power), len(_UNITS) - 1)


def _scaled(number: int, power: int) -> str:
    return f"{number / 1024**power:.{min(power, 1)}f}"


def duration(seconds: float) -> str:
    """Write how long something takes: `12 s`, `3 min 20 s`, `1 h 4 min`."""
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    hours, left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {left} min"
    return f"{minutes} min {rest} s" if minutes else f"{whole} s"


def period(seconds: float) -> str:
    """Write a long time roughly: `3 days`, `5 hours`, `less than an hour`."""
    hours = int(seconds / 3600)
    days = hours // 24
    if days:
        return count(days, "day")
    return count(hours, "hour") if hours else "less than an hour"


def day(seconds: int) -> str:
    """Write a time in seconds since 1970 as a date, in UTC so that it is the same everywhere."""
    import time

    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
