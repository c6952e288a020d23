"""`nixprof pin-registry`: `nixpkgs` in the user's registry is the revision that the list is locked to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nixprof.change.commit import commit
from nixprof.change.process_lock import process_lock
from nixprof.change.registry_pin import forget, meaning, pinned, read_entries, read_pin, unpinned
from nixprof.change.state import State
from nixprof.errors import NixprofError, Reason
from nixprof.files import cannot_write, content, private_folder
from nixprof.manifest.flake_reference import Reference
from nixprof.manifest.model import DEFAULT_NIXPKGS
from nixprof.manifest.spec import DEFAULT_INPUT
from nixprof.nix.local_flakes import user_registry
from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nixprof.context import Context


@record
class PinnedRegistry:
    """What became of the registry."""

    done: bool  # whether anything was written
    undone: bool
    registry: Path
    before: Mapping[str, Any] | None  # the reference that `nixpkgs` meant, as the registry writes it; None for nothing
    after: Mapping[str, Any] | None  # what it means then


def run(context: Context, *, undo: bool = False) -> PinnedRegistry:
    """Pin it, or let it be what it was before.

    Raises: NixprofError where no nixpkgs is locked, nothing is pinned, or the registry cannot be changed.
    """
    path = user_registry()
    with process_lock(context):
        before = meaning(read_entries())
        files = _undoing(context) if undo else _pinning(context)
        read = {path: content(path) for path in files}
        is_needed = any(read[path] != data for path, data in files.items())
        after = meaning(json.loads(files[path])["flakes"]) if path in files else before
        if context.dry_run:
            return PinnedRegistry(done=False, undone=undo, registry=path, before=before, after=after)
        with cannot_write(context.folders.data):
            private_folder(context.folders.data)
        commit(context.folders, None, files, lambda: None, read)
        if undo:
            forget(context.folders)
        return PinnedRegistry(is_needed, undo, path, before, after)


def _pinning(context: Context) -> dict[Path, bytes]:
    state = State(context)
    url = next((one.url for one in state.manifest.inputs if one.name == DEFAULT_INPUT), "")
    if Reference.parse(url).base == f"flake:{DEFAULT_INPUT}":
        message = f"the list takes {DEFAULT_INPUT} from the registry, so `update` would no longer move it"
        hints = (f'write in nixprof.toml, below [inputs]: {DEFAULT_INPUT} = "{DEFAULT_NIXPKGS.url}"',)
        raise NixprofError(message, Reason.INPUT_IN_USE, hints=hints)
    return pinned(context.folders, state.lock.flake_lock)


def _undoing(context: Context) -> dict[Path, bytes]:
    pin = read_pin(context.folders)
    if pin is None:
        raise NixprofError(
            "the registry is not pinned by nixprof", Reason.NOT_PINNED, hints=("to pin it: nixprof pin-registry",)
        )
    return unpinned(pin)
