"""Which input a package belongs to, by the flake references that a profile keeps of it."""

from __future__ import annotations

import re
from itertools import chain, count
from typing import TYPE_CHECKING

from nixprof.manifest.flake_reference import REVISION, Reference, input_name
from nixprof.manifest.model import DEFAULT_NIXPKGS, Input
from nixprof.manifest.spec import DEFAULT_INPUT
from nixprof.nix.profile import FORGES
from nixprof.record import replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Where a channel, one of its releases, or an archive of nixpkgs is downloaded from; the groups give the branch.
_TARBALLS = (
    (r"https?://(?:channels\.nixos\.org|nixos\.org/channels)/([^/]+)(?:/.*)?", "{}"),
    (r"https?://releases\.nixos\.org/nixos/([^/]+)/.*", "nixos-{}"),
    (r"https?://releases\.nixos\.org/(nixpkgs)/.*", ""),
    # FlakeHub calls nixpkgs-unstable 0.1 and the release 24.05 0.2405.
    (r"https?://flakehub\.com/f/NixOS/nixpkgs/[~^=]?(0\.1)(?:\..*)?", ""),
    (r"https?://flakehub\.com/f/NixOS/nixpkgs/[~^=]?0\.(\d\d)(\d\d)(?:\..*)?", "nixos-{}.{}"),
    (r"(?i)https?://github\.com/nixos/nixpkgs/(?:archive|tarball)/(?:refs/heads/)?(.+?)(?:\.tar\.gz|\.zip)?", "{}"),
)
_SCHEME = re.compile(r"(?:tarball|file)\+(?=https?:)")
# Branches that a user who says just `nixpkgs` may mean.
_USUAL_BRANCHES = ("", "nixpkgs-unstable", "nixos-unstable", "master")


def find_origin(typed: str, url: str, inputs: Sequence[Input], registry: Mapping[str, str]) -> Input:
    """Choose the input of a package: one of those that there are, or a new one.

    Packages of a nixpkgs, at whatever revision and by whatever usual name, belong to the one input `nixpkgs`; a
    release branch of it is an input of its own, as is every other flake. `typed` is the flake reference as the user
    wrote it, `url` the same, locked; `registry` what the names of the registry mean where the package is installed.
    """
    original, locked = Reference.parse(typed), Reference.parse(url)
    if original.is_indirect and not (original.branch or original.rev):
        # A locked reference no longer tells the branch that the registry named.
        name = original.base.removeprefix("flake:")
        meant = Reference.parse(registry.get(name, ""))
        if name in registry and _same_flake(meant, locked):
            typed, original = registry[name], replace(original, branch=meant.branch)
        elif is_locked(url) and locked.is_nixpkgs and not original.is_nixpkgs:
            # Some nixpkgs, perhaps a release: no branch that it could be moved along is known.
            return at_revision(name, url, inputs)
    channel = _channel(typed)
    if channel is None and not (original.is_nixpkgs or locked.is_nixpkgs):
        # What the registry said then, it may not say on another machine.
        flake = locked if original.is_indirect else original
        url, default = flake.moving(original.branch), flake.moving("")
        # Of a revision, the branch is what Nix has noted: an input of the list need not name the usual one.
        is_noted = original.rev and not _known(url, inputs) and _known(default, inputs)
        return _input(default if is_noted else url, inputs)
    branch = original.branch if channel is None else channel
    reference = _nixpkgs_url(locked, branch)
    if branch not in _USUAL_BRANCHES or (branch and any(one.url == reference for one in inputs)):
        return _input(reference, inputs)
    # The list may name the usual one itself, which then stays.
    listed = next((one for one in inputs if one.name == DEFAULT_INPUT), DEFAULT_NIXPKGS)
    return listed if listed is not DEFAULT_NIXPKGS else replace(DEFAULT_NIXPKGS, url=_nixpkgs_url(locked, ""))


def is_locked(url: str) -> bool:
    """Tell whether a reference means one revision for ever."""
    return bool(Reference.parse(url).rev) or "narHash=" in url


def at_revision(name: str, url: str, inputs: Sequence[Input]) -> Input:
    """Choose an input that stays at the revision `url`, for a package that the input `name` has at another one."""
    wanted = f"{name}-{Reference.parse(url).rev[:7] or 'other'}"
    taken = {one.name for one in inputs}
    free = next(one for one in chain([wanted], (f"{wanted}-{number}" for number in count(2))) if one not in taken)
    return next((one for one in inputs if one.url == url), Input(free, url))


def _channel(url: str) -> str | None:
    """Tell the branch of a nixpkgs that is downloaded as an archive; None for anything else."""
    place = _SCHEME.sub("", url.partition("?")[0])
    for pattern, branch in _TARBALLS:
        if found := re.fullmatch(pattern, place):
            return "" if re.fullmatch(REVISION, found[1]) else branch.format(*found.groups())
    return None


def _same_flake(meant: Reference, locked: Reference) -> bool:
    """Tell whether what the registry says now can be what it said when a package was installed."""
    if _channel(meant.base) is not None:
        return _SCHEME.sub("", locked.base).startswith(("http:", "https:"))
    return meant.base == locked.base or (meant.is_nixpkgs and locked.is_nixpkgs)


def _nixpkgs_url(locked: Reference, branch: str) -> str:
    """Write the reference of a nixpkgs: the usual one, unless this machine's registry means another repository."""
    is_repository = locked.base.startswith(("git+", *(f"{forge}:" for forge in FORGES)))
    if is_repository and not locked.is_nixpkgs:
        return locked.moving(branch)
    return f"github:NixOS/nixpkgs/{branch}" if branch else DEFAULT_NIXPKGS.url


def _input(url: str, inputs: Sequence[Input]) -> Input:
    return _known(url, inputs) or Input(input_name(url, [one.name for one in inputs]), url)


def _known(url: str, inputs: Sequence[Input]) -> Input | None:
    # Forges take names in any case.
    fold = str.casefold if url.partition(":")[0] in FORGES else str
    return next((one for one in inputs if fold(one.url) == fold(url)), None)
