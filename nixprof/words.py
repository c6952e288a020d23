"""How things are named to the user, in text and in JSON alike."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nixprof.flake.inputs import LockedInput


# No part of an address has these.
_NO = r"\s'\"`‘’\\"  # noqa: RUF001 - Nix's own quotes
_NAMES = (
    r"[\w.-]*(?:token|password|secret|signature|credentials?|(?:api|access|secret|private)[_-]?key)"
    r"|(?:[\w.-]*[_.-])?(?:sig|key|auth|authorization|pass|passwd|passphrase|pwd|jwt)"
)
# A text has to hold the first for the second to be looked for, which costs more.
_SECRETS = (
    # A user with a password; for the web also a user alone, who is a token, and elsewhere one that can be no name.
    ("@", rf"(://)[^/?#@:{_NO}]*:[^/?#{_NO}]+(?=@)"),
    ("@", rf"(https?://)[^/?#{_NO}]+(?=@)"),
    ("@", r"(://)(?=[a-z_-]*\d)(?=[\d_-]*[a-z])[\w-]{20,}(?=@)"),
    # In a query; that of `github:owner/repo?token=…` as well.
    ("=", rf"((?<=\S)(?:[?&]|&amp;)(?:{_NAMES})=)[^&#{_NO}]+"),
    # What shows by itself that it is a token.
    ("gh", r"()\bgh[oprsu]_\w{10,}"),
    ("github_pat_", r"()\bgithub_pat_\w{10,}"),
    ("gl", r"()\bgl(?:pat|dt|ptt|cbt)-[\w-]{10,}"),
    # Nix's setting, netrc, and the header of a request.
    ("access-tokens", r"(\baccess-tokens['\"]?[\s=]+['\"]?)[\w-]+\.[\w./-]+=[^\n'\"]+"),
    ("machine", r"(\bmachine\s+\S+\s+login\s+\S+\s+password\s+)\S+"),
    ("uthorization:", r"(\bauthorization:\s*(?:bearer|basic|token)\s+)[^\s'\"]+"),
)


def display_path(path: Path | str) -> str:
    """Shorten a path in the user's home to `~/…`."""
    home = os.path.expanduser("~")
    text = str(path)
    return f"~{text[len(home) :]}" if text == home or text.startswith(home.rstrip("/") + "/") else text


def discreet(text: str) -> str:
    """Mask what gives access: passwords and tokens in addresses, and what shows by itself that it is a token.

    What is to be shortened is masked before: half an address no longer tells which part of it is secret.
    """
    for sign, secret in _SECRETS:
        if sign in text:
            import re

            text = re.sub(secret, r"\1***", text, flags=re.IGNORECASE)
    return text


def package_name(key: str) -> str:
    """Name a package by its key as a user would: `nixpkgs#git` is `git`, and a store path goes by its name."""
    if key.startswith("/"):
        from nixprof.storepath import name_of

        return name_of(key)
    return key.removeprefix("nixpkgs#")


def as_typed(word: str) -> str:
    """Write a word as it can be pasted into a shell; `unstable#neovim` needs no quotes there."""
    import re
    import shlex

    return word if re.fullmatch(r"[\w@%+=:,./-][\w@%+=:,./#-]*", word, re.ASCII) else shlex.quote(word)


# How a command is shown or agreed to is no part of what it does.
_MANNERS = ("--json", "--verbose", "-v", "--yes", "-y", "--no-wait")


def command_line(command: str, arguments: Sequence[str]) -> str:
    """Name what a user runs, for others who wait for it and for the history: with all that says what it does.

    Args:
        command: its name.
        arguments: the words after `nixprof`: the command, perhaps by another name, and what follows.

    """
    words = ["nixprof", command]
    for before, word in pairwise(arguments):
        if word not in _MANNERS and "--color" not in (before, word.partition("=")[0]):
            words.append(word)
    return " ".join(words)


def count(number: int, noun: str) -> str:
    """Write a number with its noun: `1 package`, `2 packages`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def size(number: int) -> str:
    """Write a number of bytes: `812 B`, `6.1 MiB`."""
    value, units = float(number), iter(("B", "KiB", "MiB", "GiB"))
    unit = next(units)
    while value >= 1000 and unit != "GiB":  # noqa: PLR2004 - four digits are one too many
        value, unit = value / 1024, next(units)
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def part(done: int, whole: int) -> str:
    """Write how much there is of a number of bytes, in one unit: `4.2/6.1 MiB`."""
    number, _, unit = size(whole).partition(" ")
    factor = 1024 ** ("B", "KiB", "MiB", "GiB").index(unit)
    return f"{done / factor:.{0 if unit == 'B' else 1}f}/{number} {unit}"


def duration(seconds: float) -> str:
    """Write how long something takes: `12 s`, `3 min 20 s`, `1 h 4 min`."""
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    hours, left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {left} min"
    return f"{minutes} min {rest} s" if minutes else f"{whole} s"


def day(seconds: int) -> str:
    """Write a time in seconds since 1970 as a date, in UTC so that it is the same everywhere."""
    import time

    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def revision(locked: LockedInput) -> str:
    """Write which revision an input is locked to: date and short commit, as far as it has them."""
    date = day(locked.last_modified) if locked.last_modified else ""
    return " ".join(part for part in (date, locked.rev[:7]) if part)
