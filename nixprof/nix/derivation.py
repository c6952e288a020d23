"""What a derivation in the store tells by itself, without asking Nix."""

from __future__ import annotations

import re
from pathlib import Path

from nixprof.files import content
from nixprof.store_path import is_store_path

# The first output of a derivation: its name, its path, and for a download how it is hashed.
_HASHED = re.compile(rb'Derive\(\[\("[^"]*","[^"]*","[^"]+"')


def is_download(path: str) -> bool:
    """Tell whether a derivation only fetches something whose hash is known: then, and only then, it has a network."""
    return is_store_path(path) and bool(_HASHED.match(content(Path(path)) or b""))
