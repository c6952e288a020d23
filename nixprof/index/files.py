"""What the cache has of indexes: which file has the index of an input as it is locked, and which lists it is for.

Beside an index `DIGEST.sqlite` there may be `DIGEST.failed.json`, why it could not be built. `list-DIGEST.json` says
which indexes a list uses: the lists of a user share the folder, and what none of them uses goes.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from nixprof.errors import NixprofError, Reason
from nixprof.files import discard, read_json, replace_file
from nixprof.index.database import Index
from nixprof.lock.flake_lock import digest
from nixprof.lock.lock import Lock
from nixprof.record import replace
from nixprof.schema import fits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from nixprof.context import Context
    from nixprof.lock.freshness import LockedManifest

_P = ParamSpec("_P")
_R = TypeVar("_R")

# A network that does not answer may do so again soon.
_NETWORK_SECONDS = 600


def index_files(cache: Path, locked: LockedManifest) -> dict[str, Path]:
    """Give the file of each locked input, by its name, whether it is there or not.

    What the policy allows changes nothing in an index; its overlays do.
    """
    system, found = locked.machine.system, {name: one.partition(" ")[0] for name, one in locked.fingerprints.items()}
    return {name: cache / "index" / f"{digest(f'{contents} {system}')}.sqlite" for name, contents in found.items()}


def open_indexes(files: Mapping[str, Path]) -> dict[str, Index]:
    """Open the indexes that are there, by the name of the input."""
    found = {name: Index.open(path) for name, path in files.items()}
    return {name: index for name, index in found.items() if index}


def without_damaged(
    use: Callable[Concatenate[Context, _P], _R],
) -> Callable[Concatenate[Context, _P], _R]:
    """Make what uses indexes discard those that turn out to be damaged, and begin again without them."""

    @wraps(use)
    def used(context: Context, /, *arguments: _P.args, **named: _P.kwargs) -> _R:
        try:
            return use(context, *arguments, **named)
        except (sqlite3.Error, ValueError, TypeError):
            if not _discard_damaged(context.folders.cache / "index"):
                raise
            return use(context, *arguments, **named)

    return used


def _discard_damaged(folder: Path) -> bool:
    """Discard the indexes that cannot be read to the end. Returns whether there are any."""
    opened = {path: Index.open(path) for path in folder.glob("*.sqlite")}
    damaged = [path for path, index in opened.items() if index and not index.is_whole()]
    for path in damaged:
        discard(path)
    return bool(damaged)


def unlocked_folder(cache: Path, manifest: Path, source: str) -> Path:
    """Give the folder with the lock of an input that the list's own lock does not have."""
    return cache / "index/unlocked" / digest(f"{manifest} {source}")


def with_unlocked(cache: Path, locked: LockedManifest) -> LockedManifest:
    """Add the inputs of the list that only a search has locked."""
    found = dict(locked.lock.inputs)
    for name in (one.name for one in locked.manifest.inputs if one.name not in found):
        folder = unlocked_folder(cache, locked.manifest.path, name)
        known = Lock.read(folder).inputs.get(name) if folder.is_dir() else None
        if known:
            found[name] = known
    return locked.with_lock(replace(locked.lock, inputs=found))


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
