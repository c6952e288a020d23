"""What there is to know about a set-up, gathered once; nothing here judges."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nixprof.change.commit import is_unfinished
from nixprof.change.state import State
from nixprof.doctor.path import is_among
from nixprof.errors import NixprofError
from nixprof.nix.install_hint import Host, missing_set_up
from nixprof.nix.profile import ProfileManager
from nixprof.record import record
from nixprof.store_path import is_elsewhere, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nixprof.context import Context
    from nixprof.lock.freshness import Gap
    from nixprof.nix.version import NixVersion

T = TypeVar("T")

# A cache that is there answers within that.
_CACHE_SECONDS = 3


@record
class Facts:
    """A user's set-up at one moment. What cannot be found out is empty, and `failures` say why."""

    system: str  # such as `aarch64-darwin`
    nix: NixVersion | None = None  # None without a Nix that answers
    nix_failure: NixprofError | None = None  # why it does not answer
    settings: Mapping[str, Any] = field(default_factory=dict)  # of Nix, by name
    missing_set_up: tuple[str, ...] = ()  # what makes Nix work for this user
    free_bytes: int | None = None  # where the store is
    unreachable: tuple[str, ...] = ()  # caches that do not answer
    failures: tuple[NixprofError, ...] = ()  # of reading the list, the locks and the profile
    unfinished: bool = False  # whether a change of nixprof's was stopped half-way, or is being made
    manifest: Path = Path()
    in_git: bool = True  # whether a git repository may hold the list
    lock: Mapping[str, Any] = field(default_factory=dict)  # `flake.lock` as Nix wrote it
    held: tuple[Gap, ...] = ()
    profile: Path | None = None  # the link, as a shell would name it
    manager: ProfileManager = ProfileManager.NOBODY
    foreign: int = 0  # elements of the profile that are not nixprof's
    on_path: bool = True  # whether the programs of the profile are on the PATH
    shadowed: Mapping[str, str] = field(default_factory=dict)  # its programs, with the file that runs instead
    unnamed: frozenset[str] = frozenset()  # the variables of `_VARIABLES` that should name the profile, and do not
    environment: Mapping[str, str] = field(default_factory=dict)


# Variables by which programs find files of a profile: where it has the first folder, they have to name the second.
_VARIABLES = {"TERMINFO_DIRS": ("share/terminfo", "share/terminfo"), "XDG_DATA_DIRS": ("share/applications", "share")}


def gather(context: Context) -> Facts:
    """Look at everything once. Starts Nix once, for its settings."""
    failures: list[NixprofError] = []
    state = State(context)
    profile = _tried(lambda: state.profile, failures)
    lock = _tried(lambda: state.lock, failures)
    held = _tried(lambda: state.held, failures) or ()
    nix_failures: list[NixprofError] = []
    settings = _tried(lambda: context.nix().settings(), nix_failures) or {}
    link = profile.link if profile and profile.store_path else None
    ours = {environment.element for environment in state.environments} if profile else set()
    search = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    manifest = context.folders.manifest
    return Facts(
        system=context.machine.system,
        nix=context.nix_version,
        nix_failure=next(iter(nix_failures), None),
        settings=settings,
        missing_set_up=missing_set_up(Host.this()) if settings and not is_elsewhere() else (),
        free_bytes=_free_bytes(store()),
        unreachable=unreachable(settings.get("substituters", ())),
        failures=tuple(failures),
        unfinished=is_unfinished(context.folders),
        manifest=manifest,
        in_git=any((folder / ".git").exists() for folder in Path(os.path.realpath(manifest)).parents),
        lock=json.loads(lock.flake_lock) if lock and lock.flake_lock else {},
        held=held,
        profile=link,
        manager=profile.manager if profile else ProfileManager.NOBODY,
        foreign=sum(element not in ours for element in profile.elements) if profile else 0,
        on_path=link is None or is_among(link / "bin", os.environ.get("PATH", "")),
        shadowed=shadowed(link, search) if link else {},
        unnamed=unnamed(link, os.environ) if link else frozenset(),
        environment=dict(os.environ),
    )


def _tried(find: Callable[[], T], failures: list[NixprofError]) -> T | None:
    """Find something, or note why that fails; the same failure is noted once."""
    try:
        return find()
    except NixprofError as error:
        if error.message not in [one.message for one in failures]:
            failures.append(error)
        return None


def shadowed(profile: Path, search: Sequence[str]) -> dict[str, str]:
    """Name the programs of a profile for which a PATH has another file first, with that file."""
    programs = os.path.realpath(profile / "bin")
    real = [os.path.realpath(folder) for folder in search]
    before = os.pathsep.join(search[: real.index(programs)]) if programs in real else ""
    if not before or not os.path.isdir(programs):
        return {}
    found = {name: shutil.which(name, path=before) for name in sorted(os.listdir(programs))}
    return {
        name: file
        for name, file in found.items()
        if file and os.path.realpath(file) != os.path.realpath(os.path.join(programs, name))
    }


def unnamed(profile: Path, environment: Mapping[str, str]) -> frozenset[str]:
    """Tell which variables do not name a folder that the profile has."""
    return frozenset(
        variable
        for variable, (folder, named) in _VARIABLES.items()
        if (profile / folder).is_dir() and not is_among(profile / named, environment.get(variable, ""))
    )


def unreachable(caches: Iterable[str]) -> tuple[str, ...]:
    """Name the caches that do not answer; all are asked at the same time."""
    from concurrent.futures import ThreadPoolExecutor

    known = [cache for cache in caches if cache.startswith(("https://", "http://", "file://"))]
    if not known:
        return ()
    with ThreadPoolExecutor(len(known)) as pool:
        return tuple(cache for cache, answers in zip(known, pool.map(_answers, known), strict=True) if not answers)


def _answers(cache: str) -> bool:
    """Tell whether there is something; a refusal is an answer, and Nix trusts certificates of its own."""
    import ssl
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    try:
        urlopen(f"{cache.partition('?')[0].rstrip('/')}/nix-cache-info", timeout=_CACHE_SECONDS).close()  # noqa: S310 - checked
    except HTTPError:
        return True
    except URLError as error:
        return isinstance(error.reason, ssl.SSLError)
    except (OSError, ValueError):
        return False
    return True


def _free_bytes(place: str) -> int | None:
    with suppress(OSError):
        return shutil.disk_usage(place).free
    return None
