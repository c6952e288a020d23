"""What the cache has of indexes: which file has the index of an input as it is locked, and which lists it is for.

Beside an index `DIGEST.sqlite` there may be `DIGEST.failed.json`, why it could not be built. `list-DIGEST.json` says
which indexes a list uses: the lists of a user share the folder, and what none of them uses goes.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

from nixprof.errors import NixprofError, Reason
from nixprof.files import discard, read_json, replace_file
from nixprof.index.database import Index
from nixprof.lock.flake_lock import digest
from nixprof.lock.freshness import fingerprints
from nixprof.schema import fits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from nixprof.lock.flake_lock import LockedInput
    from nixprof.manifest.model import Manifest

# A network that does not answer may do so again soon.
_NETWORK_SECONDS = 600


def index_files(cache: Path, manifest: Manifest, inputs: Mapping[str, LockedInput], system: str) -> dict[str, Path]:
    """Give the file of each locked input, by its name, whether it is there or not.

    What the policy allows changes nothing in an index; its overlays do.
    """
    found = {name: fingerprint.partition(" ")[0] for name, fingerprint in fingerprints(manifest, inputs).items()}
    return {name: cache / "index" / f"{digest(f'{contents} {system}')}.sqlite" for name, contents in found.items()}


def open_indexes(files: Mapping[str, Path]) -> dict[str, Index]:
    """Open the indexes that are there, by the name of the input."""
    found = {name: Index.open(path) for name, path in files.items()}
    return {name: index for name, index in found.items() if index}


def remember_failure(index: Path, error: NixprofError) -> None:
    """Write down why an index could not be built."""
    told = {"reason": error.reason.value, "message": error.message, "cause": error.cause or ""}
    replace_file(_failure_file(index), json.dumps(told).encode())


def failure(index: Path) -> NixprofError | None:
    """Tell why an index could not be built; None where that is not known, or may be over."""
    path = _failure_file(index)
    told: Any = read_json(path) if path.exists() else None
    if not fits(told, {"reason": str, "message": str, "cause": str}):
        return None
    reason = next((one for one in Reason if one.value == told["reason"]), Reason.FAILED)
    if reason is Reason.NETWORK and time.time() - path.stat().st_mtime > _NETWORK_SECONDS:
        return None
    return NixprofError(told["message"], reason, cause=told["cause"] or None)


def _failure_file(index: Path) -> Path:
    return index.with_suffix(".failed.json")


def remember_use(folder: Path, manifest: Path, system: str, indexes: Iterable[Path]) -> None:
    """Write down which indexes a list uses on a system."""
    path = _use_file(folder, manifest, system)
    told = {"list": str(manifest), "indexes": sorted(one.stem for one in indexes)}
    if read_json(path) != told:
        replace_file(path, json.dumps(told).encode())


def is_used(folder: Path, manifest: Path, system: str) -> bool:
    """Tell whether a list has had an index on a system."""
    return _use_file(folder, manifest, system).exists()


def _use_file(folder: Path, manifest: Path, system: str) -> Path:
    return folder / f"list-{digest(f'{manifest} {system}')}.json"


def remove_unused(folder: Path) -> None:
    """Remove what no list uses, and what a kill has left. Nobody else may be writing an index."""
    used: set[str] = set()
    for path in folder.glob("list-*.json"):
        told = read_json(path)
        if fits(told, {"list": str, "indexes": [str]}) and os.path.exists(told["list"]):
            used.update(told["indexes"])
        else:
            discard(path)
    for path in (*folder.glob("*.sqlite*"), *folder.glob("*.failed.json")):
        if path.suffix == ".tmp" or path.name.partition(".")[0] not in used:
            discard(path)
