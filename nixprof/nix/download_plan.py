"""What it takes to have store paths, as `nix-store --realise --dry-run` tells it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nixprof.record import record
from nixprof.store_path import name_of, split_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HEADS = re.compile(
    r"(?:this|these \d+) (?:path|paths|derivation|derivations) will be (?P<what>fetched|built)"
    r"(?: \((?P<download>\d{1,9}(?:\.\d+)? \w+) download, (?P<unpacked>\d{1,9}(?:\.\d+)? \w+) unpacked\))?:",
    re.ASCII,
)
# Nix goes on without a cache that says nothing of itself.
_SILENT = re.compile(r"unable to download ['\"](\S+)/nix-cache-info['\"]")
_UNITS: dict[str, int] = {"B": 0, "bytes": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}


@record
class DownloadPlan:
    """What it takes to have store paths."""

    fetched: tuple[str, ...]  # the store paths that come from a cache
    built: tuple[str, ...]  # the derivations that are built
    download_bytes: int  # what is fetched, packed
    unpacked_bytes: int  # the same, unpacked
    # How much more, or less, the packages will take than those that they take the place of; None where there are none,
    # or it cannot be told before it is done.
    difference_bytes: int | None = None
    unreachable: tuple[str, ...] = ()  # the hosts of caches that did not answer: what they have counts as built
    copied: tuple[str, ...] = ()  # the store paths that come from the machine `lender`
    lender: str = ""

    @classmethod
    def parse(cls, said: str) -> DownloadPlan:
        """Read what Nix writes to stderr, perhaps several times: a head for each kind, and its paths below, indented.

        What is needed more than once is listed once, but its size counts each time.
        """
        paths: dict[str, dict[str, None]] = {"fetched": {}, "built": {}}
        download = unpacked = 0
        below: dict[str, None] | None = None
        for line in said.splitlines():
            if head := _HEADS.fullmatch(line.strip()):
                below = paths[head["what"]]
                download += _bytes(head["download"])
                unpacked += _bytes(head["unpacked"])
            elif below is not None and line.startswith("  /"):
                below[line.strip()] = None
            else:
                below = None
        hosts = tuple(dict.fromkeys(urlsplit(url).hostname or url for url in _SILENT.findall(said)))
        return cls(tuple(paths["fetched"]), tuple(paths["built"]), download, unpacked, unreachable=hosts)


def difference(leaving: Mapping[str, int], staying: Iterable[str], downloads: DownloadPlan | None) -> int | None:
    """Tell how many bytes more packages will take than before; None where something has to be built.

    `leaving` is what the packages of before need, with the size of each store path; `staying` what of the new ones
    there is already; `downloads` what has to be fetched for them.
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


def _bytes(text: str | None) -> int:
    number, _, unit = (text or "0").partition(" ")
    return int(float(number) * (1 << _UNITS.get(unit, 0)))
