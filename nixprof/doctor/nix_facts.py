"""What there is to know about the Nix of this machine: its settings, its store, its caches."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixprof.errors import NixprofError
from nixprof.files import text_of
from nixprof.nix.install_hint import Host, missing_set_up
from nixprof.record import field, record
from nixprof.store_path import is_elsewhere, store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nixprof.nix.operations import Nix
    from nixprof.nix.version import NixVersion

# What all caches together may take: one that is there answers within that.
_CACHE_SECONDS = 3
_ASKABLE = ("https://", "http://", "file://")
_MAX_NARINFO_BYTES = 1 << 16


@record
class NixFacts:
    """The Nix of this machine. What cannot be found out is empty, or None."""

    version: NixVersion | None = None  # None without a Nix that answers
    failure: NixprofError | None = None  # why it does not answer
    settings: Mapping[str, Any] = field(default_factory=dict)  # by name
    store: str = ""  # what it says of its store, such as `daemon` or `local`
    trusted: bool | None = None  # whether it lets this user change its settings
    ignored: tuple[str, ...] = ()  # caches in the user's own settings, which a user who is not trusted cannot add
    missing_set_up: tuple[str, ...] = ()  # what makes Nix work for this user
    unmounted: bool = False  # whether the store is on a volume that is not there
    free_bytes: int | None = None  # where the store is
    unreachable: tuple[str, ...] = ()  # caches that do not answer
    foreign_keys: Mapping[str, str] = field(default_factory=dict)  # caches with the key that Nix does not trust


def ask_nix(nix: Nix, version: NixVersion | None, installed: Sequence[str]) -> NixFacts:
    """Ask Nix for its settings and its store, and its caches for what is `installed`: store paths, the first few."""
    try:
        settings = nix.settings()
    except NixprofError as error:
        return NixFacts(version, error, unmounted=not is_elsewhere() and is_unmounted())
    missing = () if is_elsewhere() else missing_set_up(Host.this())
    failure, place, trusted = None, "", None
    try:
        place, trusted = nix.store()
    except NixprofError as error:
        failure = None if missing else error
    answers = ask_caches(settings.get("substituters", ()), installed)
    return NixFacts(
        version=version,
        failure=failure,
        settings=settings,
        store=place,
        trusted=trusted,
        ignored=_ignored(nix, settings) if trusted is False else (),
        missing_set_up=missing,
        free_bytes=_free_bytes(store()),
        unreachable=tuple(cache for cache, signers in answers.items() if signers is None),
        foreign_keys=foreign_keys(answers, settings),
    )


def _ignored(nix: Nix, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the caches that only the user's own settings have, and that an administrator has not allowed."""
    of_system = nix.settings(of_system=True)
    allowed = {*of_system.get("substituters", ()), *of_system.get("trusted-substituters", ())}
    return tuple(cache for cache in settings.get("substituters", ()) if cache not in allowed)


def is_unmounted(fstab: Path = Path("/etc/fstab"), folder: str = "/nix") -> bool:
    """Tell whether the folder of Nix is a volume of its own, by the system's list of those, which is not there."""
    listed = text_of(fstab)
    is_volume = re.search(rf"(?m)^[^#\n]*\s{re.escape(folder)}\s", listed) is not None
    return is_volume and not os.path.ismount(folder)


def ask_caches(
    caches: Iterable[str], installed: Sequence[str], patience: float = _CACHE_SECONDS
) -> dict[str, frozenset[str] | None]:
    """Ask all caches at the same time who signs what is installed; None for one that does not answer in time."""
    answers: dict[str, frozenset[str] | None] = {cache: None for cache in caches if cache.startswith(_ASKABLE)}
    # What waits for a name server cannot be stopped; a thread of this kind ends with the process.
    asking = [
        threading.Thread(target=lambda one=cache: answers.update({one: _signers(one, installed)}), daemon=True)
        for cache in answers
    ]
    until = time.monotonic() + patience
    for one in asking:
        one.start()
    for one in asking:
        one.join(max(0, until - time.monotonic()))
    return dict(answers)


def _signers(cache: str, installed: Sequence[str]) -> frozenset[str] | None:
    """Give the names of the keys with which a cache signs the first that it has of what is installed."""
    address = cache.partition("?")[0].rstrip("/")
    if _answer(f"{address}/nix-cache-info") is None:
        return None
    for path in installed:
        told = _answer(f"{address}/{os.path.basename(path)[:32]}.narinfo")
        if told:
            return frozenset(re.findall(r"(?m)^Sig: ([^:\s]+):", told))
    return frozenset()


def _answer(url: str) -> str | None:
    """Give what is at an address, or nothing: a refusal is an answer, and Nix trusts certificates of its own."""
    import ssl
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=_CACHE_SECONDS) as said:  # noqa: S310 - of these schemes alone
            return bytes(said.read(_MAX_NARINFO_BYTES)).decode(errors="replace")
    except HTTPError:
        return ""
    except URLError as error:
        return "" if isinstance(error.reason, ssl.SSLError) else None
    except (OSError, ValueError):
        return None


def foreign_keys(answers: Mapping[str, Iterable[str] | None], settings: Mapping[str, Any]) -> dict[str, str]:
    """Name the caches whose signatures Nix refuses, with the key of each."""
    if not settings.get("require-sigs", True):
        return {}
    known = {key.partition(":")[0] for key in settings.get("trusted-public-keys", ())}
    return {
        cache: min(signers)
        for cache, signers in answers.items()
        if signers and not known & {*signers} and "trusted=" not in cache
    }


def _free_bytes(place: str) -> int | None:
    with suppress(OSError):
        return shutil.disk_usage(place).free
    return None
