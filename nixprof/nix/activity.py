"""What Nix is doing, from the lines that it writes with `--log-format internal-json`.

Each such line is `@nix ` and a JSON object: an activity starts, stops or has a result, or there is a message; every
other line is plain text. The numbers are those of Nix's `logging.hh`; unknown ones are passed over.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

from nixprof.files import TEMPORARY
from nixprof.nix.errors import plain
from nixprof.redact import redact
from nixprof.store_path import name_of

_UNKNOWN, _COPY_PATH, _TRANSFER, _COPY_PATHS, _BUILDS, _BUILD, _SUBSTITUTE, _FETCH_TREE = (
    0, 100, 101, 103, 104, 105, 108, 112,
)  # fmt: skip
_LOG_LINE, _PHASE, _PROGRESS, _EXPECTED = 101, 104, 105, 106
# Messages up to this level are what Nix writes without further flags.
_LEVEL = 3
_STORE_FILE = re.compile(r"\.drv$")
# What Nix says of an activity that it has no type for: a repository that is fetched, an input that is unpacked.
_FETCHES = re.compile(r"(?:fetching|unpacking|downloading|copying) .*?['\"](?P<what>[^'\"]+)['\"]")


@dataclass(slots=True)
class Build:
    """A build that runs.

    Attributes:
        name: of the package, with its version.
        since: when it began, by `time.monotonic`.
        phase: what it is at; empty where it does not say.

    """

    name: str
    since: float
    phase: str = ""


class _Transfers:
    """How far some activities are, in bytes; the sums are kept, because they are asked for at every line of Nix."""

    def __init__(self) -> None:
        self._each: dict[int, tuple[int, int]] = {}
        self.done = 0
        self.expected = 0

    def __contains__(self, number: int) -> bool:
        """Whether it is one of them."""
        return number in self._each

    def set(self, number: int, done: int = 0, expected: int = 0) -> None:
        """Note how far one of them is."""
        before = self.of(number)
        self.done += done - before[0]
        self.expected += expected - before[1]
        self._each[number] = (done, expected)

    def of(self, number: int) -> tuple[int, int]:
        """Tell how far one of them is, and how far it will go."""
        return self._each.get(number, (0, 0))


class Activities:
    """Everything that one command of Nix does, as far as it has told.

    Attributes:
        builds: those that run, by Nix's number for them.
        names: the packages that are fetched, likewise, the longest at work first.
        fetching: what else is fetched, such as inputs, likewise.
        fetched: how many store paths are there, and how many there will be.
        built: how many builds are done, and how many there will be.
        steady: nothing of this changes for whoever holds it.

    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self.builds: dict[int, Build] = {}
        self.names: dict[int, str] = {}
        self.fetching: dict[int, str] = {}
        self.steady = Lock()
        self.fetched = (0, 0)
        self.built = (0, 0)
        self._kinds: dict[int, int] = {}
        self._downloads, self._others, self._copies = _Transfers(), _Transfers(), _Transfers()
        self._expected: dict[tuple[int, int], int] = {}
        self._said: list[str] = []

    @property
    def said(self) -> str:
        """The messages and the plain text, as Nix would have written them without the format and without colour."""
        return "\n".join(self._said)

    @property
    def downloaded_bytes(self) -> int:
        """How much of the packages has come from the caches."""
        return self._downloads.done

    @property
    def expected_bytes(self) -> int:
        """How much the packages come to, as far as that is known; it may grow."""
        return max(self._downloads.expected, self._expects(_TRANSFER))

    @property
    def unpacked_bytes(self) -> int:
        """How much of the packages is in the store."""
        return self._copies.done

    @property
    def unpacking_bytes(self) -> int:
        """How much of the packages will be in the store, as far as that is known; it may grow."""
        return max(self._copies.expected, self._expects(_COPY_PATH))

    @property
    def fetched_bytes(self) -> int:
        """How much has come of what is in `fetching`."""
        return sum(self._others.of(number)[0] for number in self.fetching)

    def _expects(self, kind: int) -> int:
        return sum(number for (_, of), number in self._expected.items() if of == kind)

    def feed(self, line: str) -> str | None:
        """Take one line of Nix's stderr, without its end; returns what it says to the user, None for nothing."""
        before = len(self._said)
        with self.steady:
            if line.startswith("@nix "):
                self._take(line[5:])
            else:
                self._said.append(plain(line))
        return self._said[-1] if len(self._said) > before else None

    def _take(self, text: str) -> None:
        """Take what is told of an activity, as JSON."""
        # What Nix tells of its work is never worth failing for.
        with suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):
            event = json.loads(text)
            match event["action"]:
                case "start":
                    self._start(event)
                case "stop":
                    self._stop(event["id"])
                case "result":
                    self._result(event["id"], event["type"], event["fields"])
                case "msg":
                    self._message(event)

    def _start(self, event: dict[str, Any]) -> None:
        number, kind, fields = event["id"], event["type"], event.get("fields", [])
        self._kinds[number] = kind
        if kind == _BUILD:
            name = _STORE_FILE.sub("", name_of(fields[0]))
            self.builds[number] = Build(name, time.monotonic())
        elif kind == _SUBSTITUTE:
            self.names[number] = name_of(fields[0])
        elif kind == _COPY_PATH:
            self._copies.set(number)
        elif kind == _TRANSFER:
            self._start_transfer(number, str(fields[0]))
        elif kind in (_UNKNOWN, _FETCH_TREE):
            found = _FETCHES.match(event.get("text", ""))
            # That a folder of nixprof's own is copied into the store tells nobody anything.
            if found and TEMPORARY not in found["what"]:
                self.fetching[number] = redact(plain(found["what"]))

    def _start_transfer(self, number: int, address: str) -> None:
        """Tell packages, what a cache says of them, and everything else apart."""
        if "/nar/" in address:
            self._downloads.set(number)
        elif not address.endswith((".narinfo", "/nix-cache-info")):
            self._others.set(number)
            self.fetching[number] = redact(plain(address))

    def _stop(self, number: int) -> None:
        for running in (self.builds, self.names, self.fetching):
            running.pop(number, None)

    def _result(self, number: int, kind: int, fields: list[Any]) -> None:
        if kind == _PROGRESS and self._kinds.get(number) == _COPY_PATHS:
            self.fetched = (int(fields[0]), int(fields[1]))
        elif kind == _PROGRESS and self._kinds.get(number) == _BUILDS:
            self.built = (int(fields[0]), int(fields[1]))
        elif kind == _PROGRESS:
            for transfers in (self._downloads, self._others, self._copies):
                if number in transfers:
                    transfers.set(number, int(fields[0]), int(fields[1]))
        elif kind == _EXPECTED:
            self._expected[number, fields[0]] = int(fields[1])
        elif kind == _PHASE and number in self.builds:
            self.builds[number].phase = plain(str(fields[0]))
        elif kind == _LOG_LINE and number in self.builds:
            self._said.append(plain(str(fields[0])))

    def _message(self, event: dict[str, Any]) -> None:
        if event["level"] <= _LEVEL:
            self._said.append(plain(str(event["msg"])))
