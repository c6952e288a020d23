"""What it takes to have store paths, as `nix-store --realise --dry-run` tells it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADS = re.compile(
    r"(?:this|these \d+) (?:path|paths|derivation|derivations) will be (?P<what>fetched|built)"
    r"(?: \((?P<download>[^,]+) download, (?P<unpacked>[^)]+) unpacked\))?:"
)
_UNITS: dict[str, int] = {"B": 0, "bytes": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}


@dataclass(frozen=True, slots=True)
class Weight:
    """What it takes to have store paths.

    Attributes:
        fetched: the store paths that come from a cache.
        built: the derivations that are built.
        download_bytes: what is fetched, packed.
        unpacked_bytes: the same, unpacked.

    """

    fetched: tuple[str, ...]
    built: tuple[str, ...]
    download_bytes: int
    unpacked_bytes: int

    @classmethod
    def parse(cls, said: str) -> Weight:
        """Read what Nix writes to stderr: a head for each kind, and its paths below it, indented."""
        paths: dict[str, list[str]] = {"fetched": [], "built": []}
        sizes = [0, 0]
        below: list[str] | None = None
        for line in said.splitlines():
            head = _HEADS.fullmatch(line.strip())
            if head:
                below = paths[head["what"]]
                if head["download"]:
                    sizes = [_bytes(head["download"]), _bytes(head["unpacked"])]
            elif below is not None and line.startswith("  /"):
                below.append(line.strip())
            else:
                below = None
        return cls(tuple(paths["fetched"]), tuple(paths["built"]), sizes[0], sizes[1])


def _bytes(text: str) -> int:
    number, _, unit = text.partition(" ")
    return int(float(number) * (1 << _UNITS.get(unit, 0)))
