"""What can be searched before anything is locked: inputs at their newest revisions, which the cache remembers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nixprof.change.staging import Staging
from nixprof.formatting import DAY_SECONDS
from nixprof.index.files import unlocked_folder
from nixprof.lock.flake_nix import used_inputs
from nixprof.lock.freshness import LockedManifest
from nixprof.lock.lock import Lock
from nixprof.manifest.model import EVERYWHERE, Package
from nixprof.manifest.spec import Spec
from nixprof.record import replace

if TYPE_CHECKING:
    from pathlib import Path

    from nixprof.change.state import State
    from nixprof.context import Context

# By then there may be much that is newer.
_MAX_AGE_SECONDS = 7 * DAY_SECONDS


def locked_to_search(context: Context, state: State, source: str) -> LockedManifest:
    """Lock an input that no package of the list has needed yet, in the cache: the list and its locks stay as they are.

    Returns: a manifest that needs this input as well, with its lock.

    Raises: NixprofError where the input cannot be fetched.
    """
    package = Package(Spec(source, ("any",)), source, None, False, EVERYWHERE, state.manifest.path, ())  # noqa: FBT003 - not pinned
    needed = replace(state.manifest, packages=(*state.manifest.packages, package))
    folder = unlocked_folder(context.folders.cache, state.manifest.path, source)
    lock = Lock.read(folder)
    if lock.is_complete(used_inputs(needed, lock.packages)) and _still_holds(lock, state.lock, folder):
        return LockedManifest(needed, lock, state.machine)
    folder.mkdir(parents=True, exist_ok=True)
    with context.nix() as nix:
        lock = Staging(context, nix, folder, {source}).lock_inputs(needed, state.lock)
    return LockedManifest(needed, lock, state.machine)


def _still_holds(lock: Lock, own: Lock, folder: Path) -> bool:
    """Tell whether a lock in the cache has what the list's own has, and is not old."""
    age = time.time() - (folder / "flake.lock").stat().st_mtime
    return age < _MAX_AGE_SECONDS and all(lock.inputs.get(name) == one for name, one in own.inputs.items())
