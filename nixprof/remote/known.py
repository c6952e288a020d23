"""The machines that the list was sent to, by name: what `machines` asks without being told."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError
from nixprof.files import read_json, replace_file
from nixprof.schema import fits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from nixprof.folders import Folders


def known_machines(folders: Folders) -> list[str]:
    """Give the names of the machines that are known, in the order of the first time."""
    data = read_json(_file(folders))
    return list(data["machines"]) if fits(data, {"machines": [str]}) else []


def remember(folders: Folders, names: Iterable[str]) -> None:
    """Add machines to those that are known; failing to is no harm."""
    _write(folders, list(dict.fromkeys([*known_machines(folders), *names])))


def forget(folders: Folders, names: Sequence[str]) -> None:
    """Remove machines from those that are known."""
    _write(folders, [name for name in known_machines(folders) if name not in names])


def _write(folders: Folders, names: Sequence[str]) -> None:
    if names != known_machines(folders):
        with suppress(NixprofError):
            replace_file(_file(folders), json.dumps({"version": 1, "machines": names}, indent=2).encode())


def _file(folders: Folders) -> Path:
    return folders.state / "machines.json"
