"""Files that two packages of one priority both provide: found before anything is activated, all at once."""

from __future__ import annotations

import filecmp
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# What `buildEnv` leaves out of an environment, wherever it is.
_LEFT_OUT = (
    "propagated-build-inputs",
    "nix-support",
    "perllocal.pod",
    "log",
    "manifest.nix",
    "manifest.json",
)


@dataclass(frozen=True, slots=True)
class Provider:
    """Something that is linked into an environment or a profile.

    Attributes:
        name: what the user calls it.
        priority: lower wins.
        path: a store path of it.

    """

    name: str
    priority: int
    path: str


@dataclass(frozen=True, slots=True)
class Collision:
    """Two packages, and the files that both provide with different contents, as paths below a store path."""

    one: Provider
    other: Provider
    files: tuple[str, ...]


def find_collisions(providers: Sequence[Provider], *, identical: bool = False) -> tuple[Collision, ...]:
    """Compare what packages provide, as `pkgs.buildEnv` of nixpkgs does.

    Of several that provide a file the one with the lowest priority number is linked; where two have that number
    the files must be equal in content and mode. Only folders that more than one package has are looked into, so
    the cost is that of what is shared.

    Args:
        providers: one for each store path; the paths exist.
        identical: whether equal files count as well, as they do for Nix's own `builtin:buildenv`.

    Returns: one collision for each pair of packages, with all of its files in order.

    """
    found: dict[tuple[Provider, Provider], list[str]] = {}
    for one, other, file in _clashes("", providers, identical=identical):
        found.setdefault((one, other), []).append(file)
    return tuple(Collision(one, other, tuple(sorted(files))) for (one, other), files in found.items())


def _clashes(below: str, providers: Iterable[Provider], *, identical: bool) -> Iterator[tuple[Provider, Provider, str]]:
    """Go through one folder that all of `providers` have."""
    having: dict[str, list[Provider]] = {}
    for provider in providers:
        for name in _names(os.path.join(provider.path, below)):
            having.setdefault(name, []).append(provider)
    for name, those in sorted(having.items()):
        if len(those) == 1 or name in _LEFT_OUT or (name == "dir" and below.endswith("info")):
            continue
        file = os.path.join(below, name)
        folders = [one for one in those if os.path.isdir(os.path.join(one.path, file))]
        if len(folders) == len(those):
            yield from _clashes(file, those, identical=identical)
        else:
            yield from _differing(file, those, identical=identical)


def _names(folder: str) -> list[str]:
    """List a folder; a package that is a single file cannot be linked, which Nix passes over."""
    try:
        return os.listdir(folder)
    except NotADirectoryError:
        return []


def _differing(file: str, those: Sequence[Provider], *, identical: bool) -> Iterator[tuple[Provider, Provider, str]]:
    """Compare one file with that of the provider whose file would be linked."""
    ranked = sorted(those, key=lambda provider: provider.priority)
    first = ranked[0]
    for other in ranked[1:]:
        if other.priority == first.priority and (
            identical or not _same(os.path.join(first.path, file), os.path.join(other.path, file))
        ):
            yield first, other, file


def _same(one: str, other: str) -> bool:
    try:
        first, second = os.stat(one), os.stat(other)
    except OSError:  # a dangling link
        return os.path.realpath(one) == os.path.realpath(other)
    if os.path.samestat(first, second):
        return True
    regular = stat.S_ISREG(first.st_mode) and stat.S_ISREG(second.st_mode)
    return regular and first.st_mode == second.st_mode and filecmp.cmp(one, other, shallow=False)
