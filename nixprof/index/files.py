"""Which file has the index of an input as it is locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.index.database import Index
from nixprof.lock.flake_lock import digest
from nixprof.lock.freshness import fingerprints

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nixprof.lock.flake_lock import LockedInput
    from nixprof.manifest.model import Manifest


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
