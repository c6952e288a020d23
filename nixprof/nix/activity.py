"""What Nix is doing, from the lines that it writes with `--log-format internal-json`.

Each such line is `@nix ` and a JSON object: an activity starts, stops or has a result, or there is a message; every
other line is plain text. The numbers are those of Nix's `logging.hh`; unknown ones are passed over.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

from nixprof.files import TEMPORARY
from nixprof.redact import plain, redact
from nixprof.store_path import built_name, name_of

# Kinds of activities.
_UNKNOWN, _COPY_PATH, _TRANSFER, _COPY_PATHS, _BUILDS, _BUILD, _SUBSTITUTE, _FETCH_TREE = (
    0, 100, 101, 103, 104, 105, 108, 112,
)  # fmt: skip
# A transfer that is not of a package: Nix has the same number for both.
_OTHER_TRANSFER = -1
# Kinds of results.
_LOG_LINE, _PHASE, _PROGRESS, _EXPECTED = 101, 104, 105, 106
# Without further flags Nix writes messages up to this level.
_MAX_LEVEL = 3
# What Nix says of an activity that it has no kind for: a repository that is fetched, an input that is unpacked. Of what
# goes to a remote builder and comes back, each path has a kind.
_FETCHES = re.compile(
    r"(?:fetching|unpacking|downloading|copying(?! dependencies to| outputs from)) .*?['\"](?P<what>[^'\"]+)['\"]"
)


@dataclass(slots=True)
class Build:
    """A build that runs."""

    name: str  # of the package, with its version
    since: float  # when it began, by `time.monotonic`
    machine: str = ""  # where it runs; empty for here
    phase: str = ""  # what it is at; empty where it does not say


class Activities:
    """Everything that one command of Nix does, as far as it has told.

    The sums are kept, so that taking a line of Nix's and asking cost the same however many downloads there are.
    """

    def __init__(self) -> None:
        self.steady = Lock()  # who holds it sees nothing change
        self.builds: dict[int, Build] = {}  # those that run, by Nix's number for them
        self.names: dict[int, str] = {}  # the packages that are fetched, the longest at work first
        self.fetching: dict[int, str] = {}  # what else is fetched, such as inputs
        self.fetched = (0, 0)  # how many store paths are there, and how many there will be
        self.built = (0, 0)  # how many builds are done, and how many there will be
        self.sends = False  # whether store paths are copied to somewhere else, and not here
        self._kinds: dict[int, int] = {}  # of the activities that run
        # Bytes that are done, expected or announced of a kind: those of each activity, and their sums.
        self._bytes: dict[tuple[int, str, int], int] = {}
        self._sums: Counter[tuple[str, int]] = Counter()
        self._stderr: list[str] = []

    @property
    def stderr(self) -> str:
        """The messages and the plain text, as Nix would have written them without the format and without colour."""
        return "\n".join(self._stderr)

    @property
    def downloaded_bytes(self) -> tuple[int, int]:
        """How much of the packages has come from the caches, and will, as far as that is known; that may grow."""
        return self._bytes_of(_TRANSFER)

    @property
    def unpacked_bytes(self) -> tuple[int, int]:
        """How much of the packages is in the store, and will be, as far as that is known; that may grow."""
        return self._bytes_of(_COPY_PATH)

    @property
    def fetched_bytes(self) -> int:
        """How much has come of what is in `fetching`."""
        return self._sums["done", _OTHER_TRANSFER]

    def _bytes_of(self, kind: int) -> tuple[int, int]:
        return self._sums["done", kind], max(self._sums["expected", kind], self._sums["announced", kind])

    def feed(self, line: str) -> str | None:
        """Take one line of Nix's stderr, without its end; returns what it says to the user, None for nothing."""
        before = len(self._stderr)
        with self.steady:
            if line.startswith("@nix "):
                self._take(line[5:])
            else:
                self._stderr.append(plain(line))
        return self._stderr[-1] if len(self._stderr) > before else None

    def _take(self, text: str) -> None:
        # What Nix tells of its work is never worth failing for.
        with suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):
            event = json.loads(text)
            match event["action"]:
                case "start":
                    self._start(event["id"], event["type"], event.get("fields", []), event.get("text", ""))
                case "stop":
                    self._stop(event["id"])
                case "result":
                    self._result(event["id"], event["type"], event["fields"])
                case "msg" if event["level"] <= _MAX_LEVEL:
                    self._stderr.append(plain(str(event["msg"])))

    def _start(self, number: int, kind: int, fields: list[Any], text: str) -> None:
        self._kinds[number] = kind
        if kind == _BUILD:
            self.builds[number] = Build(built_name(fields[0]), time.monotonic(), _machine(fields))
        elif kind == _SUBSTITUTE:
            self.names[number] = name_of(fields[0])
        elif kind == _COPY_PATH:
            self.sends = "' to '" in text
        elif kind == _TRANSFER and ("/nar/" not in fields[0] or text.startswith("uploading")):
            self._kinds[number] = _OTHER_TRANSFER
            # What a cache says of packages is not worth a line, and what goes there is counted as it is copied.
            if not (fields[0].endswith((".narinfo", "/nix-cache-info")) or text.startswith("uploading")):
                self.fetching[number] = redact(plain(fields[0]))
        elif kind in (_UNKNOWN, _FETCH_TREE):
            found = _FETCHES.match(text)
            # That a folder of nixprof's own is copied into the store tells nobody anything.
            if found and TEMPORARY not in found["what"]:
                self.fetching[number] = redact(plain(found["what"]))

    def _stop(self, number: int) -> None:
        for running in (self.builds, self.names, self.fetching):
            running.pop(number, None)
        if self._kinds.pop(number, None) == _OTHER_TRANSFER:
            self._count(number, "done", _OTHER_TRANSFER, 0)

    def _result(self, number: int, kind: int, fields: list[Any]) -> None:
        if kind == _PROGRESS:
            self._progress(number, int(fields[0]), int(fields[1]))
        elif kind == _EXPECTED:
            self._count(number, "announced", int(fields[0]), int(fields[1]))
        elif kind == _PHASE and number in self.builds:
            self.builds[number].phase = plain(str(fields[0]))
        elif kind == _LOG_LINE and number in self.builds:
            self._stderr.append(plain(str(fields[0])))

    def _progress(self, number: int, done: int, expected: int) -> None:
        """Note how far an activity is, and how far it will go."""
        kind = self._kinds.get(number, _UNKNOWN)
        if kind == _COPY_PATHS:
            self.fetched = (done, expected)
        elif kind == _BUILDS:
            self.built = (done, expected)
        elif kind in (_TRANSFER, _COPY_PATH) or (kind == _OTHER_TRANSFER and number in self.fetching):
            self._count(number, "done", kind, done)
            self._count(number, "expected", kind, expected)

    def _count(self, number: int, what: str, kind: int, amount: int) -> None:
        """Note the bytes of an activity, and keep the sum of its kind."""
        self._sums[what, kind] += amount - self._bytes.get((number, what, kind), 0)
        self._bytes[number, what, kind] = amount


def _machine(fields: list[Any]) -> str:
    """Name the remote builder of a build, as `builders` in nix.conf has it without `ssh://`; empty for none."""
    return redact(plain(str(fields[1]))).rpartition("://")[2] if len(fields) > 1 else ""
