"""What Nix is doing, from the lines that it writes with `--log-format internal-json`.

Each such line is `@nix ` and a JSON object: an activity starts, stops or has a result, or there is a message; every
other line is plain text. The numbers are those of Nix's `logging.hh`; unknown ones are passed over.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from nixprof.storepath import name_of

_COPY_PATH, _TRANSFER, _BUILD, _SUBSTITUTE = 100, 101, 105, 108
_LOG_LINE, _PHASE, _PROGRESS, _EXPECTED = 101, 104, 105, 106
# Messages up to this level are what Nix writes without further flags.
_LEVEL = 3
_TAIL_LINES = 25
_STORE_FILE = re.compile(r"\.drv$")


@dataclass(slots=True)
class Build:
    """A build that runs.

    Attributes:
        name: of the package, with its version.
        since: when it began, by `time.monotonic`.
        phase: what it is at; empty where it does not say.
        tail: the last lines of its log.

    """

    name: str
    since: float
    phase: str = ""
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))


@dataclass(slots=True)
class _Transfer:
    done: int = 0
    expected: int = 0


class Activities:
    """Everything that one command of Nix does, as far as it has told.

    Attributes:
        builds: those that run, by Nix's number for them.
        names: the packages that are fetched, likewise.
        fetching: the addresses of other files that are fetched, such as inputs, likewise.

    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self.builds: dict[int, Build] = {}
        self.names: dict[int, str] = {}
        self.fetching: dict[int, str] = {}
        self._transfers: dict[int, _Transfer] = {}
        self._expected: dict[int, int] = {}
        self._kinds: dict[int, int] = {}
        self._said: list[str] = []

    @property
    def said(self) -> str:
        """The messages and the plain text, as Nix would have written them without the format."""
        return "\n".join(self._said)

    @property
    def downloaded_bytes(self) -> int:
        """How much of the downloads is there."""
        return sum(transfer.done for transfer in self._transfers.values())

    @property
    def expected_bytes(self) -> int:
        """How much the downloads come to, as far as that is known; it may grow."""
        known = sum(transfer.expected for transfer in self._transfers.values())
        return max(known, sum(self._expected.values()))

    def feed(self, line: str) -> None:
        """Take one line of Nix's stderr, without its end."""
        if not line.startswith("@nix "):
            self._said.append(line)
            return
        try:
            event = json.loads(line[5:])
            match event["action"]:
                case "start":
                    self._start(event)
                case "stop":
                    self._stop(event["id"])
                case "result":
                    self._result(event["id"], event["type"], event["fields"])
                case "msg":
                    self._message(event)
        except (ValueError, LookupError, TypeError, AttributeError):
            # What Nix tells of its work is never worth failing for.
            return

    def _start(self, event: dict[str, Any]) -> None:
        number, kind, fields = event["id"], event["type"], event.get("fields", [])
        self._kinds[number] = kind
        if kind == _BUILD:
            name = _STORE_FILE.sub("", name_of(fields[0]))
            self.builds[number] = Build(name, time.monotonic())
        elif kind in (_SUBSTITUTE, _COPY_PATH):
            self.names[number] = name_of(fields[0])
        elif kind == _TRANSFER:
            address = str(fields[0])
            self._transfers[number] = _Transfer()
            if "/nar/" not in address and not address.endswith(".narinfo"):
                self.fetching[number] = address

    def _stop(self, number: int) -> None:
        for running in (self.builds, self.names, self.fetching):
            running.pop(number, None)

    def _result(self, number: int, kind: int, fields: list[Any]) -> None:
        if kind == _PROGRESS and number in self._transfers:
            self._transfers[number] = _Transfer(int(fields[0]), int(fields[1]))
        elif kind == _EXPECTED and fields[0] == _TRANSFER:
            self._expected[number] = int(fields[1])
        elif kind == _PHASE and number in self.builds:
            self.builds[number].phase = str(fields[0])
        elif kind == _LOG_LINE and number in self.builds:
            self.builds[number].tail.append(str(fields[0]))
            self._said.append(str(fields[0]))

    def _message(self, event: dict[str, Any]) -> None:
        if event["level"] <= _LEVEL:
            self._said.append(str(event["msg"]))
