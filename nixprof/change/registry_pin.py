"""The user's flake registry, with `nixpkgs` at the revision that the list is locked to; it moves with the lock.

The format: https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-registry#registry-format
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nixprof.errors import NixprofError, Reason
from nixprof.files import check_writable, discard, read_file, read_json
from nixprof.lock.flake_lock import locked_node
from nixprof.manifest.spec import DEFAULT_INPUT
from nixprof.nix.local_flakes import user_registry
from nixprof.record import record
from nixprof.schema import MISSHAPEN, fits, wrong_with

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nixprof.folders import Folders

    Attributes = Mapping[str, Any]  # of a flake reference

_MEANT = {"type": "indirect", "id": DEFAULT_INPUT}


@record
class Pin:
    """What nixprof has put into the registry, and what was there before; None for nothing."""

    before: Attributes | None
    ours: Attributes


def read_pin(folders: Folders) -> Pin | None:
    """Read what nixprof has put into the registry; None where it has not."""
    data = read_json(_file(folders))
    return Pin(data["before"], data["ours"]) if fits(data, {"before": object, "ours": dict}) else None


def pinned(folders: Folders, flake_lock: bytes | None) -> dict[Path, bytes]:
    """Give the files that pin the registry, or move the pin, by a `flake.lock`; the registry comes last.

    Raises: NixprofError where no nixpkgs is locked, or the registry cannot be changed.
    """
    node = locked_node(flake_lock, DEFAULT_INPUT)
    if node is None:
        message = f"the input {DEFAULT_INPUT} is not locked, as no package of the list needs it"
        raise NixprofError(message, Reason.NO_SUCH_INPUT, hints=("nixprof input",))
    entries, known = read_entries(), read_pin(folders)
    there = meaning(entries)
    before = known.before if known and there == known.ours else there
    return {_file(folders): _text({"before": before, "ours": node}), **_with(entries, node)}


def unpinned(pin: Pin) -> dict[Path, bytes]:
    """Give the registry without the pin; none where it says something else by now, which stays."""
    entries = read_entries()
    return _with(entries, pin.before) if meaning(entries) == pin.ours else {}


def forget(folders: Folders) -> None:
    """Forget a pin that was undone."""
    discard(_file(folders))


def moved_pin(folders: Folders, flake_lock: bytes | None) -> dict[Path, bytes]:
    """Give the files of a pin that moves with a `flake.lock`; none without one, or where another has the registry."""
    pin = read_pin(folders)
    try:
        return pinned(folders, flake_lock) if pin and meaning(read_entries()) == pin.ours else {}
    except (NixprofError, *MISSHAPEN):  # no change fails for what the registry says, or a lock that is damaged
        return {}


def read_entries() -> list[Any]:
    """Read what the user's registry has.

    Raises: NixprofError where it cannot be understood.
    """
    path = user_registry()
    try:
        data = json.loads(read_file(path))
    except FileNotFoundError:
        return []
    except (OSError, *MISSHAPEN) as error:
        why = error.strerror if isinstance(error, OSError) else wrong_with(error)
        raise NixprofError(f"cannot read {path}", Reason.CANNOT_READ, cause=why) from error
    if not fits(data, {"flakes": list}):
        raise NixprofError(f"{path} is not a registry of flakes", Reason.DAMAGED)
    return list(data["flakes"])


def meaning(entries: list[Any]) -> Attributes | None:
    """Tell what `nixpkgs` means in a registry; None where it does not say."""
    return next((one["to"] for one in entries if _is_meant(one) and fits(one, {"to": dict})), None)


def _is_meant(entry: Any) -> bool:
    return fits(entry, {"from": dict}) and entry["from"] == _MEANT


def _with(entries: list[Any], to: Attributes | None) -> dict[Path, bytes]:
    """Give the registry with another meaning of `nixpkgs`."""
    check_writable(user_registry())
    kept = [one for one in entries if not _is_meant(one)]
    own = [] if to is None else [{"from": _MEANT, "to": to}]
    return {user_registry(): _text({"version": 2, "flakes": [*kept, *own]})}


def _text(data: Any) -> bytes:
    return (json.dumps(data, indent=2, sort_keys=True) + "\n").encode()


def _file(folders: Folders) -> Path:
    return folders.data / "registry.json"
