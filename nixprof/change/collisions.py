"""Files that two packages of one priority both provide: found before anything is activated, all at once."""

from __future__ import annotations

import filecmp
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.nix.profile import USUAL_PRIORITY
from nixprof.record import record, replace
from nixprof.store_path import name_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

# What `buildEnv` leaves out of an environment, in whichever folder it is.
_LEFT_OUT = (
    "propagated-build-inputs",
    "nix-support",
    "perllocal.pod",
    "log",
    "manifest.nix",
    "manifest.json",
)


@record
class Provider:
    """A store path that is linked into an environment or a profile."""

    name: str  # what the user calls it
    priority: int  # lower wins
    path: str


@record
class Collision:
    """Two packages that provide the same files at the same priority, as paths below a store path, in order."""

    one: Provider
    other: Provider
    files: tuple[str, ...]  # no two contents fit into one file
    harmless: tuple[str, ...]  # equal ones, and those that are generated again: only Nix's own buildenv refuses them


# One file of a collision, and whether it is harmless.
_Clash = tuple[Provider, Provider, str, bool]


def find_collisions(
    providers: Sequence[Provider], linked: Collection[Provider] = (), environment: str = ""
) -> tuple[Collision, ...]:
    """Compare what packages provide, as `pkgs.buildEnv` of nixpkgs does.

    Of several that provide a file the one with the lowest priority number is linked; where two have that number
    the files must be equal in content and mode. A file and a folder of one name rarely go together. Only folders
    that more than one package has are looked into, so the cost is that of what is shared. What is linked already is
    only compared with what is new.

    Args:
        providers: one for each store path; the paths exist.
        linked: those that have been compared with each other, and are linked together.
        environment: the folder that they, and no others, are linked in.

    Returns: one collision for each pair of packages that cannot be linked.

    """
    known = {*linked}
    # What goes may have hidden what two of the others have.
    if any(gone.priority < one.priority for gone in known - {*providers} for one in providers):
        known = set()
    new, old = [one for one in providers if one not in known], [one for one in providers if one in known]
    return tuple(one for one in _by_pair(_clashes("", new, old, environment)) if one.files)


def find_profile_collisions(packages: Sequence[Provider], elements: Sequence[Provider]) -> tuple[Collision, ...]:
    """Compare the environment of packages, before it is built, with the elements that stay in its profile.

    Of several packages that provide a file, the environment has that of the lowest priority number; the priority of
    the environment itself is the usual one.

    Args:
        packages: one for each store path; the paths exist, and collisions among them are found by `find_collisions`.
        elements: one for each store path; they do not clash with each other, or Nix would not have linked them.

    Returns: one collision for each package and element that share a file, harmless or not; `one` is the package.

    """
    return _by_pair(_profile_clashes("", packages, elements))


def _by_pair(clashes: Iterable[_Clash]) -> tuple[Collision, ...]:
    found: dict[tuple[Provider, Provider], dict[bool, list[str]]] = {}
    for one, other, file, harmless in clashes:
        found.setdefault((one, other), {True: [], False: []})[harmless].append(file)
    return tuple(
        Collision(*pair, tuple(sorted(files[False])), tuple(sorted(files[True]))) for pair, files in found.items()
    )


def _clashes(below: str, new: Sequence[Provider], old: Sequence[Provider], environment: str) -> Iterator[_Clash]:
    """Go through one folder that all of them have; those that are not new are linked in the environment."""
    linked: Collection[str] = ()
    if old:
        try:
            linked = {*os.listdir(f"{environment}/{below}")}
        except OSError:  # it is not what it should be
            new, old = [*old, *new], []
    ours = _having(below, new)
    theirs = {} if ours.keys().isdisjoint(linked) else _having(below, old)
    for name, own in sorted(ours.items()):
        others = theirs.get(name, []) if name in linked else []
        if len(own) + len(others) > 1 and not _is_left_out(below, name):
            file = os.path.join(below, name)
            (folders, files), (their_folders, their_files) = _by_kind(file, own), _by_kind(file, others)
            yield from _compare(file, [*their_folders, *folders], [*their_files, *files])
            if len(folders) + len(their_folders) > 1:
                yield from _clashes(file, folders, their_folders, environment)


def _profile_clashes(below: str, packages: Sequence[Provider], elements: Sequence[Provider]) -> Iterator[_Clash]:
    """Go through one folder that both packages and elements have."""
    theirs = _having(below, elements)
    ours = _having(below, packages) if theirs else {}
    for name in sorted(ours.keys() & theirs.keys()):
        if _is_left_out(below, name):
            continue
        file = os.path.join(below, name)
        folders, files = _by_kind(file, ours[name])
        their_folders, their_files = _by_kind(file, theirs[name])
        for is_folder, best in _ranked(folders, files)[:1]:
            linked = replace(best, priority=USUAL_PRIORITY)
            all_folders = [linked, *their_folders] if is_folder else their_folders
            all_files = their_files if is_folder else [linked, *their_files]
            for one, other, _, harmless in _compare(file, all_folders, all_files):
                if linked in (one, other):
                    yield best, other if one == linked else one, file, harmless
        yield from _profile_clashes(file, folders, their_folders)


def _having(below: str, providers: Iterable[Provider]) -> dict[str, list[Provider]]:
    """Give what is in a folder, by name, with those who have it."""
    having: dict[str, list[Provider]] = {}
    for provider in providers:
        for name in _names(f"{provider.path}/{below}"):
            having.setdefault(name, []).append(provider)
    return having


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


def _by_kind(file: str, having: Sequence[Provider]) -> tuple[list[Provider], list[Provider]]:
    """Tell for whom it is a folder and for whom a file. A link that leads nowhere is neither, and is not linked."""
    folders: list[Provider] = []
    files: list[Provider] = []
    for one in having:
        with suppress(OSError):
            kind = folders if stat.S_ISDIR(os.stat(f"{one.path}/{file}").st_mode) else files
            kind.append(one)
    return folders, files


def _is_left_out(below: str, name: str) -> bool:
    return name in _LEFT_OUT or (name == "dir" and below.endswith("info"))


def _is_generated_again(file: str) -> bool:
    """Tell whether a file is of the database of MIME types, which nixpkgs and the desktop make from its packages."""
    first, second, *rest = [*file.split("/"), "", ""]
    return (first, second) == ("share", "mime") and rest[0] not in ("", "packages")


def _compare(file: str, folders: Sequence[Provider], files: Sequence[Provider]) -> Iterator[_Clash]:
    """Compare what is a folder for some and a file for others with what would be linked of it."""
    generated = _is_generated_again(file)
    first, *others = sorted(files, key=lambda one: one.priority) or (None,)
    for other in others:
        if first is not None and other.priority == first.priority:
            yield first, other, file, generated or _same(os.path.join(first.path, file), os.path.join(other.path, file))
    if not folders or not files:
        return
    # Nix links a folder, then passes over files, then adds to the folder.
    (is_folder, best), *rest = _ranked(folders, files)
    kinds = [kind for kind, _ in rest]
    if is_folder and kinds == sorted(kinds) and all(other.priority > best.priority for _, other in rest):
        return
    for kind, other in rest:
        if kind != is_folder:
            yield best, other, file, generated


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
