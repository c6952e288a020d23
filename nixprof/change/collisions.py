"""Files that two packages of one priority both provide: found before anything is activated, all at once."""

from __future__ import annotations

import filecmp
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.nix.profile import USUAL_PRIORITY
from nixprof.store_path import name_of

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
    the files must be equal in content and mode. A file and a folder of one name rarely go together. Only folders
    that more than one package has are looked into, so the cost is that of what is shared.

    Args:
        providers: one for each store path; the paths exist.
        identical: whether equal files count as well, as they do for Nix's own `builtin:buildenv`.

    Returns: one collision for each pair of packages, with all of its files in order.

    """
    return _by_pair(_clashes("", providers, identical=identical))


def find_collisions_beside(
    packages: Sequence[Provider], elements: Sequence[Provider], *, identical: bool = False
) -> tuple[Collision, ...]:
    """Compare the environment of packages, before it is built, with the elements of a profile that it goes beside.

    Of several packages that provide a file, the environment has that of the lowest priority number; the priority of
    the environment itself is the usual one.

    Args:
        packages: one for each store path; the paths exist, and `find_collisions` finds nothing among them, or it is
            told besides.
        elements: likewise; they do not clash among each other, or Nix would not have linked them.
        identical: whether equal files count as well.

    Returns: one collision for each package and element, with all of its files in order; `one` is the package.

    """
    return _by_pair(_clashes_beside("", packages, elements, identical=identical))


def _by_pair(clashes: Iterable[tuple[Provider, Provider, str]]) -> tuple[Collision, ...]:
    found: dict[tuple[Provider, Provider], list[str]] = {}
    for one, other, file in clashes:
        found.setdefault((one, other), []).append(file)
    return tuple(Collision(one, other, tuple(sorted(files))) for (one, other), files in found.items())


def _clashes_beside(
    below: str, packages: Sequence[Provider], elements: Sequence[Provider], *, identical: bool
) -> Iterator[tuple[Provider, Provider, str]]:
    """Go through one folder that both packages and elements have."""
    ours, theirs = _having(below, packages), _having(below, elements)
    for name in sorted(ours.keys() & theirs.keys()):
        if _is_left_out(below, name, identical=identical):
            continue
        file = os.path.join(below, name)
        (folders, files), (their_folders, their_files) = _by_kind(file, ours[name]), _by_kind(file, theirs[name])
        for first in _ranked(folders, files)[:1]:
            linked = replace(first[1], priority=USUAL_PRIORITY)
            own_folders, own_files = ([linked], []) if first[0] else ([], [linked])
            clashes = [
                *_differing(file, [*own_files, *their_files], identical=identical),
                *_mixed(file, [*own_folders, *their_folders], [*own_files, *their_files]),
            ]
            for pair in clashes:
                if linked in pair[:2]:
                    yield first[1], pair[1] if pair[0] == linked else pair[0], file
        yield from _clashes_beside(file, folders, their_folders, identical=identical)


def _clashes(below: str, providers: Iterable[Provider], *, identical: bool) -> Iterator[tuple[Provider, Provider, str]]:
    """Go through one folder that all of `providers` have."""
    for name, all_having in sorted(_having(below, providers).items()):
        if len(all_having) == 1 or _is_left_out(below, name, identical=identical):
            continue
        file = os.path.join(below, name)
        folders, files = _by_kind(file, all_having)
        yield from _differing(file, files, identical=identical)
        yield from _mixed(file, folders, files)
        if len(folders) > 1:
            yield from _clashes(file, folders, identical=identical)


def _having(below: str, providers: Iterable[Provider]) -> dict[str, list[Provider]]:
    """Give what is in a folder, by name, with those who have it."""
    having: dict[str, list[Provider]] = {}
    for provider in providers:
        for name in _names(os.path.join(provider.path, below)):
            having.setdefault(name, []).append(provider)
    return having


def _by_kind(file: str, those: Sequence[Provider]) -> tuple[list[Provider], list[Provider]]:
    """Tell for whom it is a folder and for whom a file. A link that leads nowhere is neither, and is not linked."""
    folders: list[Provider] = []
    files: list[Provider] = []
    for one in those:
        with suppress(OSError):
            kind = folders if stat.S_ISDIR(os.stat(os.path.join(one.path, file)).st_mode) else files
            kind.append(one)
    return folders, files


def _is_left_out(below: str, name: str, *, identical: bool) -> bool:
    # The database of MIME types is made anew from its packages, by nixpkgs and by the desktop.
    database = below == os.path.join("share", "mime") and name != "packages" and not identical
    return name in _LEFT_OUT or database or (name == "dir" and below.endswith("info"))


def _names(folder: str) -> list[str]:
    """List a folder; a package that is a single file cannot be linked, which Nix passes over.

    Raises: NixprofError where a package is a link that leads nowhere, which Nix fails for.
    """
    try:
        return os.listdir(folder)
    except FileNotFoundError as error:
        package = folder.rstrip("/")
        if not os.path.islink(package):
            raise
        raise NixprofError(
            f"{name_of(package)} cannot be installed: it is a link to {os.readlink(package)}, which is not there",
            Reason.MALFORMED,
        ) from error
    except NotADirectoryError:
        return []


def _differing(file: str, those: Sequence[Provider], *, identical: bool) -> Iterator[tuple[Provider, Provider, str]]:
    """Compare one file with that of the provider whose file would be linked."""
    ranked = sorted(those, key=lambda provider: provider.priority)
    for other in ranked[1:]:
        first = ranked[0]
        if other.priority == first.priority and (
            identical or not _same(os.path.join(first.path, file), os.path.join(other.path, file))
        ):
            yield first, other, file


def _mixed(
    file: str, folders: Sequence[Provider], files: Sequence[Provider]
) -> Iterator[tuple[Provider, Provider, str]]:
    """Compare what is a folder here and a file there: Nix links a folder, then passes over files, then adds to it."""
    if not folders or not files:
        return
    (is_folder, first), *others = _ranked(folders, files)
    in_order = [kind for kind, _ in others]
    if is_folder and in_order == sorted(in_order) and all(other.priority > first.priority for _, other in others):
        return
    for kind, other in others:
        if kind != is_folder:
            yield first, other, file


def _ranked(folders: Sequence[Provider], files: Sequence[Provider]) -> list[tuple[bool, Provider]]:
    """Give those that have a name, with whether it is a folder for them, in the order in which Nix links them."""
    kinds = [(True, one) for one in folders] + [(False, one) for one in files]
    return sorted(kinds, key=lambda kind: (kind[1].priority, not kind[0]))


def _same(one: str, other: str) -> bool:
    first, second = os.stat(one), os.stat(other)
    if os.path.samestat(first, second):
        return True
    regular = stat.S_ISREG(first.st_mode) and stat.S_ISREG(second.st_mode)
    return regular and first.st_mode == second.st_mode and filecmp.cmp(one, other, shallow=False)
