"""A command as it was typed, and how it is read where no option is given; all else is read by typer, see `cli.py`.

To load typer and to declare options with it takes longer than `list` does, and most commands are typed without any.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.errors import NixprofError, Reason
from nixprof.record import field, record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALIASES = {
    "install": "add",
    "i": "add",
    "rm": "remove",
    "uninstall": "remove",
    "delete": "remove",
    "ls": "list",
    "upgrade": "update",
    "up": "update",
}
# The commands that change neither the list nor the locks nor the profile.
_READING = {
    *("bisect", "check", "diff", "doctor", "export", "history", "list", "machines", "outdated", "push"),
    *("search", "show", "space", "status", "try", "which", "why"),
}
_LIST = sys.maxsize
# How many words are read without typer, at least and at most; those of a list are one argument.
WORDS = {
    **dict.fromkeys(("check", "diff", "doctor", "edit", "history", "init", "input", "list", "lock"), (0, 0)),
    **dict.fromkeys(("outdated", "pin-registry", "space", "status", "tidy"), (0, 0)),
    "rollback": (0, 1),
    **dict.fromkeys(("show", "why"), (1, 1)),
    **dict.fromkeys(("machines", "search", "sync", "update"), (0, _LIST)),
    **dict.fromkeys(("add", "adopt", "pin", "remove", "try", "unpin", "which"), (1, _LIST)),
}


@record
class Command:
    """What to do, and with what."""

    name: str
    words: Sequence[object] = ()  # what `run` of its module is given by position
    given: Mapping[str, Any] = field(default_factory=dict)  # and by name
    shared: Mapping[str, Any] = field(default_factory=dict)  # the options that commands have in common

    @property
    def changes(self) -> bool:
        """Whether it is one that changes something."""
        return self.name not in _READING


class MistypedError(NixprofError):
    """What was typed cannot be read; `command` is its name, as far as that is known."""

    def __init__(self, message: str, command: str) -> None:
        super().__init__(message, Reason.USAGE, hints=(f"nixprof {command}".rstrip() + " --help",))
        self.command = command


def of_words(arguments: Sequence[str]) -> Command | None:
    """Read a command line that has no options; None where typer has to read it, or to say what is wrong."""
    name, *words = arguments or ("",)
    name = ALIASES.get(name, name)
    fewest, most = WORDS.get(name, (1, 0))
    if not fewest <= len(words) <= most or any(not word or word.startswith("-") for word in words):
        return None
    return Command(name, [words] if words and most == _LIST else words)
