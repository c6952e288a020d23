"""Where an element of a profile came from: the input that it belongs to, by the references that the profile keeps.

The forms of references: https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#flake-references
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nixprof.manifest.installable import input_name
from nixprof.manifest.model import DEFAULT_NIXPKGS, Input
from nixprof.manifest.spec import DEFAULT_INPUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.nix.profile import Element

_REVISION = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# What a channel, one of its releases, or an archive of nixpkgs is downloaded from; the group is the branch.
_TARBALLS = (
    (re.compile(r"https?://(?:channels\.nixos\.org|nixos\.org/channels)/([^/]+)(?:/.*)?"), "{}"),
    (re.compile(r"https?://releases\.nixos\.org/nixos/([^/]+)/.*"), "nixos-{}"),
    (re.compile(r"https?://releases\.nixos\.org/(nixpkgs)/.*"), ""),
    # FlakeHub calls nixpkgs-unstable 0.1 and the release 24.05 0.2405.
    (re.compile(r"https?://flakehub\.com/f/NixOS/nixpkgs/[~^=]?(0\.1)(?:\..*)?"), ""),
    (re.compile(r"https?://flakehub\.com/f/NixOS/nixpkgs/[~^=]?0\.(\d\d)(\d\d)(?:\..*)?"), "nixos-{}.{}"),
    (
        re.compile(
            r"https?://github\.com/nixos/nixpkgs/(?:archive|tarball)/(?:refs/heads/)?(.+?)(?:\.tar\.gz|\.zip)?",
            re.IGNORECASE,
        ),
        "{}",
    ),
)
_SCHEME = re.compile(r"(?:tarball|file)\+(?=https?:)")
_FORGES = ("github", "gitlab", "sourcehut")
# Branches that a user who says just `nixpkgs` may mean.
_USUAL_BRANCHES = ("", "nixpkgs-unstable", "nixos-unstable", "master")
# What a locked reference has beyond the one that can move: what says where the flake is stays.
_LOCKING = ("rev", "revCount", "narHash", "lastModified", "lastModifiedDate", "dirtyRev", "dirtyShortRev")


@dataclass(frozen=True, slots=True)
class Reference:
    """A flake reference, taken apart.

    Attributes:
        base: everything but the branch, the revision and what else locks it, such as `github:NixOS/nixpkgs`.
        branch: empty where none is named.
        rev: the commit; empty likewise.
        query: the other parameters, such as `dir`, in order.

    """

    base: str
    branch: str
    rev: str
    query: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, url: str) -> Reference:
        """Take a reference apart; whatever it is, something comes of it."""
        from urllib.parse import parse_qsl

        place, _, text = url.partition("#")[0].partition("?")
        query = dict(parse_qsl(text, keep_blank_values=True))
        branch, rev = query.pop("ref", ""), query.get("rev", "")
        scheme = place.partition(":")[0]
        rest = tuple((key, value) for key, value in query.items() if key not in _LOCKING)
        parts = place.split("/")
        at = 2 if scheme in _FORGES else 1 if scheme == "flake" else 0
        if at and len(parts) > at:
            words = parts[at:]
            rev = rev or next((word for word in words if _REVISION.fullmatch(word)), "")
            branch = branch or "/".join(word for word in words if not _REVISION.fullmatch(word))
            place = "/".join(parts[:at])
        return cls(place, branch.removeprefix("refs/heads/"), rev, rest)

    @property
    def is_indirect(self) -> bool:
        """Whether it means an entry of the registry."""
        return self.base.startswith("flake:")

    def moving(self, branch: str) -> str:
        """Write the reference with a branch (empty for none) and no revision, so that it can be updated."""
        from urllib.parse import urlencode

        in_path = self.base.partition(":")[0] in _FORGES or self.is_indirect
        query = [*self.query, *([("ref", branch)] if branch and not in_path else [])]
        place = f"{self.base}/{branch}" if branch and in_path else self.base
        return f"{place}?{urlencode(query)}" if query else place


@dataclass(frozen=True, slots=True)
class Origin:
    """What an element came from.

    Attributes:
        input: the name of the input that its package belongs to.
        new_input: that input, if it has to be added.
        held: the locked reference of its revision; empty where there is none that is locked.

    """

    input: str
    new_input: Input | None
    held: str


def find_origin(element: Element, inputs: Sequence[Input], registry: Mapping[str, str] | None = None) -> Origin:
    """Choose the input of an element.

    Elements of a nixpkgs, at whatever revision and by whatever usual name, belong to the one input `nixpkgs`; a
    release branch of it is an input of its own, like every other flake.

    Args:
        element: one that has references.
        inputs: those that there are; a new one is named apart from them.
        registry: what names of the registry mean on the machine of the profile, as far as that is known.

    """
    url = element.url or element.original_url
    typed = element.original_url or url
    original, locked = Reference.parse(typed), Reference.parse(url)
    held = url if is_locked(url) else ""
    if original.is_indirect and not (original.branch or original.rev):
        # A locked reference no longer tells the branch that the registry named.
        meant = (registry or {}).get(original.base.removeprefix("flake:"), "")
        if meant and _same_flake(Reference.parse(meant), locked):
            typed, original = meant, replace(original, branch=Reference.parse(meant).branch)
        elif held and _is_nixpkgs(locked) and not _is_nixpkgs(original):
            # Some nixpkgs, perhaps a release: no branch that it could be moved along is known.
            return Origin(*find_revision(original.base.removeprefix("flake:"), held, inputs), held)
    channel = _channel(typed)
    if channel is None and not (_is_nixpkgs(original) or _is_nixpkgs(locked)):
        # What the registry said then, it may not say on another machine.
        moving = locked.moving(original.branch) if original.is_indirect else original.moving(original.branch)
        return Origin(*_input(moving, inputs), held)
    branch = original.branch if channel is None else channel
    reference = _nixpkgs_url(locked, branch)
    if branch not in _USUAL_BRANCHES or (branch and any(one.url == reference for one in inputs)):
        return Origin(*_input(reference, inputs), held)
    default = Input(DEFAULT_INPUT, _nixpkgs_url(locked, ""))
    # The list may name the usual one itself, which then stays.
    there = any(one.name == DEFAULT_INPUT and one is not DEFAULT_NIXPKGS for one in inputs)
    return Origin(DEFAULT_INPUT, None if there or default == DEFAULT_NIXPKGS else default, held)


def is_locked(url: str) -> bool:
    """Tell whether a reference means one revision for ever."""
    return bool(Reference.parse(url).rev) or "narHash=" in url


def find_revision(name: str, url: str, inputs: Sequence[Input]) -> tuple[str, Input | None]:
    """Choose the input for a second revision of what an input has already: one that stays there.

    Args:
        name: of the input.
        url: the locked reference of the revision.
        inputs: those that there are.

    Returns: its name, and the input where it has to be added.

    """
    known = next((one for one in inputs if one.url == url), None)
    if known:
        return known.name, None
    taken = {one.name for one in inputs}
    wanted = f"{name}-{Reference.parse(url).rev[:7] or 'other'}"
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3)))
    new = Input(next(free for free in names if free not in taken), url)
    return new.name, new


def _channel(url: str) -> str | None:
    """Tell the branch of a nixpkgs that is downloaded as an archive; None for anything else."""
    place = _SCHEME.sub("", url.partition("?")[0])
    for pattern, branch in _TARBALLS:
        found = pattern.fullmatch(place)
        if found:
            return "" if _REVISION.fullmatch(found[1]) else branch.format(*found.groups())
    return None


def _is_nixpkgs(reference: Reference) -> bool:
    base = reference.base.casefold().removesuffix(".git")
    base = re.sub(r"^git\+(?:https?|ssh)://(?:git@)?github\.com/", "github:", base)
    return base in ("flake:nixpkgs", "github:nixos/nixpkgs", "github:nixos/nixpkgs-channels")


def _same_flake(meant: Reference, locked: Reference) -> bool:
    """Tell whether what the registry says now can be what it said when an element was installed."""
    if _channel(meant.base) is not None:
        return _SCHEME.sub("", locked.base).startswith(("http:", "https:"))
    return meant.base == locked.base or (_is_nixpkgs(meant) and _is_nixpkgs(locked))


def _nixpkgs_url(locked: Reference, branch: str) -> str:
    """Write the reference of a nixpkgs: the usual one, unless this machine's registry means another repository."""
    elsewhere = locked.base.startswith(("git+", "github:", "gitlab:", "sourcehut:"))
    if elsewhere and not _is_nixpkgs(locked):
        return locked.moving(branch)
    return f"github:NixOS/nixpkgs/{branch}" if branch else DEFAULT_NIXPKGS.url


def _canonical(url: str) -> str:
    """Write a reference so that two of one flake are equal: only forges take names in any case."""
    return url.casefold() if url.startswith(tuple(f"{forge}:" for forge in _FORGES)) else url


def _input(url: str, inputs: Sequence[Input]) -> tuple[str, Input | None]:
    """Find the input with a reference, or make one."""
    known = next((one for one in inputs if _canonical(one.url) == _canonical(url)), None)
    if known:
        return known.name, None
    new = Input(input_name(url, [one.name for one in inputs]), url)
    return new.name, new
