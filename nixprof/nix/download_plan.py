"""What it takes to have store paths, as `nix-store --realise --dry-run` tells it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nixprof.record import record
from nixprof.store_path import name_of, split_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HEADS = re.compile(
    r"(?:this|these \d+) (?:path|paths|derivation|derivations) will be (?P<what>fetched|built)"
    r"(?: \((?P<download>\d{1,9}(?:\.\d+)? \w+) download, (?P<unpacked>\d{1,9}(?:\.\d+)? \w+) unpacked\))?:",
    re.ASCII,
)
_UNITS: dict[str, int] = {"B": 0, "bytes": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}


@record
class DownloadPlan:
    """What it takes to have store paths.

    Attributes:
        fetched: the store paths that come from a cache.
        built: the derivations that are built.
        download_bytes: what is fetched, packed.
        unpacked_bytes: the same, unpacked.
        difference_bytes: how much more, or less, the packages will take than those that they take the place of;
            None where there are none, or it cannot be told before it is done.

    """

    fetched: tuple[str, ...]
    built: tuple[str, ...]
    download_bytes: int
    unpacked_bytes: int
    difference_bytes: int | None = None

    @classmethod
    def parse(cls, said: str) -> DownloadPlan:
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

    @classmethod
    def total(cls, parts: Iterable[DownloadPlan]) -> DownloadPlan:
        """Add up what several questions found.

        What is needed for more than one of them is listed once, but its size counts each time: there is more than one
        only for thousands of missing paths.
        """
        found = list(parts)
        return cls(
            tuple(dict.fromkeys(path for one in found for path in one.fetched)),
            tuple(dict.fromkeys(path for one in found for path in one.built)),
            sum(one.download_bytes for one in found),
            sum(one.unpacked_bytes for one in found),
        )


def difference(leaving: Mapping[str, int], staying: Iterable[str], downloads: DownloadPlan | None) -> int | None:
    """Tell how much more packages will take than before.

    Args:
        leaving: what the packages of before need, with the size of each store path.
        staying: what of the new ones there is already.
        downloads: what has to be fetched for them; None for nothing.

    Returns: bytes; None where something has to be built, whose size nobody knows.

    """
    gone = leaving.keys() - set(staying)
    if downloads is None:
        return -sum(leaving[path] for path in gone)
    if downloads.built:
        return None
    # What a path that is not there yet needs is not known: only what has a successor is sure to go.
    succeeded = {_pname(path) for path in downloads.fetched}
    return downloads.unpacked_bytes - sum(leaving[path] for path in gone if _pname(path) in succeeded)


def _pname(path: str) -> str:
    return split_name(name_of(path))[0]


def _bytes(text: str) -> int:
    number, _, unit = text.partition(" ")
    return int(float(number) * (1 << _UNITS.get(unit, 0)))
