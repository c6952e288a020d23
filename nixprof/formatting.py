"""How things are named to the user, in text and in JSON alike."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


# What acts on a terminal or hides what a text really says: controls, and the marks of Unicode that are not to be seen
# (its bidirectional controls and default ignorable code points). A tab, the end of a line and \r\n may stay.
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    r"|\r(?!\n)"
)
# Nobody reads a line that is longer.
LONGEST_LINE = 10_000

# No part of an address has these.
_NO = r"\s\x00-\x1f'\"`‘’\\"  # noqa: RUF001 - Nix's own quotes
# In the query of a flake reference: what says which source it is, and gives access to nothing.
_HARMLESS = frozenset(
    "ref rev dir narHash lastModified lastModifiedDate revCount shallow submodules lfs exportIgnore allRefs host "
    "flake tag branch name type owner repo id region endpoint scheme".lower().split()
)
# A text has to hold the first for the second to be looked for, which costs more.
_SECRETS = (
    # A user with a password; for the web also a user alone, who is a token, and elsewhere one that can be no name.
    ("@", rf"(://)[^/?#@:{_NO}]*:[^/?#{_NO}]+(?=@)"),
    ("@", rf"(https?://)[^/?#{_NO}]+(?=@)"),
    ("@", rf"(://)(?![a-z_][a-z0-9_-]{{0,31}}@)[^/?#{_NO}]+(?=@)"),
    ("@", r"(://)(?=[a-z_-]*\d)(?=[\d_-]*[a-z])[\w-]{20,}(?=@)"),
    # What shows by itself that it is a token.
    ("gh", r"()\bgh[oprsu]_\w{10,}"),
    ("github_pat_", r"()\bgithub_pat_\w{10,}"),
    ("gl", r"()\bgl(?:pat|dt|ptt|cbt)-[\w-]{10,}"),
    # Nix's setting, netrc, and the header of a request.
    ("access-tokens", r"(\baccess-tokens['\"]?[\s=]+['\"]?)[\w-]+\.[\w./-]+=[^\n'\"]+"),
    ("machine", r"(\bmachine\s+\S+\s+login\s+\S+\s+password\s+)\S+"),
    ("uthorization:", r"(\bauthorization:\s*(?:bearer|basic|token)\s+)[^\s'\"]+"),
)
# What may be an address.
_WORD = re.compile(rf"[^{_NO}]+")


def display_path(path: Path | str) -> str:
    """Shorten a path in the user's home to `~/…`."""
    home = os.path.expanduser("~")
    text = str(path)
    return f"~{text[len(home) :]}" if text == home or text.startswith(home.rstrip("/") + "/") else text


def clean(text: str) -> str:
    """Replace what would act on a terminal, or hide what a text really says, by a sign for "no such character".

    Everything that nixprof writes to stdout and stderr goes through this, whoever writes it: see `console`.
    """
    return _UNSAFE.sub("\ufffd", text)


def is_clean(text: str) -> bool:
    """Tell whether a text is shown as it is; only what is may stand in a command that is to be pasted."""
    return not _UNSAFE.search(text)


def one_line(text: str, most: int = LONGEST_LINE) -> str:
    """Write a text on one line of at most `most` characters, so that it cannot pass for another line of nixprof's."""
    line = " ".join(text.split("\n")).replace("\r", "").replace("\t", " ") if not text.isprintable() else text
    return line if len(line) <= most else f"{line[: most - 1]}…"


def redact(text: str) -> str:
    """Mask what gives access: users and queries of addresses, and what shows by itself that it is a token.

    Of a query only what is known to be harmless is shown, and of users only the names of accounts that a shell has:
    there is no telling what others call their tokens. What is to be shortened is masked before: half an address no
    longer tells which part of it is secret.
    """
    for sign, secret in _SECRETS:
        if sign in text:
            text = re.sub(secret, r"\1***", text, flags=re.IGNORECASE)
    return _WORD.sub(_masked_query, text) if "?" in text else text


def _masked_query(word: re.Match[str]) -> str:
    """Mask the query of an address: after a scheme, whatever it is; elsewhere, what has the form of one."""
    before, _, rest = word[0].partition("?")
    query = rest.partition("#")[0]
    if not before or (not query[:1].isalnum() and query[:1] != "%") or (":" not in before and "=" not in query):
        return word[0]
    parts = re.split(r"(&amp;|[&;])", query)
    masked = "".join(part if index % 2 or not part else _masked_parameter(part) for index, part in enumerate(parts))
    return f"{before}?{masked}{rest[len(query) :]}"


def _masked_parameter(parameter: str) -> str:
    name, is_named, _ = parameter.partition("=")
    if name.lower() in _HARMLESS:
        return parameter
    return f"{name}=***" if is_named else "***"


def package_name(key: str) -> str:
    """Name a package by its key as a user would: `nixpkgs#git` is `git`, and a store path goes by its name."""
    if key.startswith("/"):
        from nixprof.store_path import name_of

        return name_of(key)
    return key.removeprefix("nixpkgs#")


def shell_quote(word: str) -> str:
    """Write a word as it can be pasted into a shell; `unstable#neovim` needs no quotes there."""
    import shlex

    return word if re.fullmatch(r"[\w@%+=:,./-][\w@%+=:,./#-]*", word, re.ASCII) else shlex.quote(word)


# How a command is shown or agreed to is no part of what it does.
_MANNERS = ("--json", "--verbose", "-v", "--yes", "-y", "--no-wait")


def command_line(command: str, arguments: Sequence[str]) -> str:
    """Name what a user runs, for others who wait for it and for the history: with all that says what it does.

    Both are kept in files, so that secrets are masked already here.

    Args:
        command: its name.
        arguments: the words after `nixprof`: the command, perhaps by another name, and what follows.

    """
    words = ["nixprof", command]
    for before, word in pairwise(arguments):
        if word not in _MANNERS and "--color" not in (before, word.partition("=")[0]):
            words.append(redact(word))
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
