"""Which file has the index of an input as it is locked."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from nixprof.index.database import Index
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
    return {
        name: cache / "index" / f"{_digest(fingerprint.partition(' ')[0], system)}.sqlite"
        for name, fingerprint in fingerprints(manifest, inputs).items()
    }


def open_indexes(files: Mapping[str, Path]) -> dict[str, Index]:
    """Open the indexes that are there, by the name of the input."""
    found = {name: Index.open(path) for name, path in files.items()}
    return {name: index for name, index in found.items() if index}


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
