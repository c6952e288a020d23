"""Collisions told to the user: all of them in one report, with the ways out as commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.collisions import Collision, Provider, find_collisions, find_profile_collisions
from nixprof.change.failures import Failure, PackagesError
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import count, package_name, shell_quote
from nixprof.nix.profile import sole_path
from nixprof.nix.version import Feature
from nixprof.record import replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from nixprof.change.environment import Environment, EnvironmentEntry
    from nixprof.nix.operations import Nix
    from nixprof.nix.profile import Element


def check_collisions(
    nix: Nix,
    packages: Sequence[EnvironmentEntry],
    foreign: Sequence[Element],
    *,
    before: Sequence[Environment],
    listed: Collection[str],
    there: Sequence[Element],
    chosen_profile: Path | None,
) -> bool:
    """Make sure that no two packages provide one file, nor a package and an element that is not nixprof's.

    Args:
        nix: knows what it refuses in a profile.
        packages: what is to be linked; in the store already.
        foreign: the elements that stay in the profile.
        before: nixprof's environments in the profile as it is.
        listed: the keys of those packages that the list on disk has.
        there: all elements of the profile as it is.
        chosen_profile: the profile that the user named; None for the usual one.

    Returns: whether packages and elements have a file of one name, which Nix then needs two priorities for.

    Raises: NixprofError that names every pair, the files and the ways out.

    """
    own = _providers(packages)
    linked, environment = (_providers(before[0].packages), before[0].store_path) if before else ([], "")
    elements = {Provider(one.title, one.priority, path): one for one in foreign for path in one.store_paths}
    among, shared = find_collisions(own, linked, environment), find_profile_collisions(own, list(elements))
    # A Nix that cannot rank elements refuses even two equal files.
    in_profile = [one for one in shared if one.files or not nix.version.has(Feature.PRIORITY)]
    if not among and not in_profile:
        return bool(shared)
    lines = [f"{_typed(one.other.name)} and {_typed(one.one.name)} both provide {_files(one)}" for one in among]
    lines += [
        f"{_typed(one.one.name)} and the {one.other.name} that nixprof did not install both provide {_files(one)}"
        for one in in_profile
    ]
    flag = f" --profile {shell_quote(str(chosen_profile))}" if chosen_profile else ""
    hints = [
        *_ways_out_of_list(own, among, listed, flag),
        *_ways_out_of_profile(nix, list(dict.fromkeys(elements[one.other] for one in in_profile)), there, flag),
    ]
    width = max(len(what) for what, _ in hints)
    error = NixprofError(
        lines[0] if len(lines) == 1 else f"{count(len(lines), 'pair')} of packages provide the same files",
        Reason.COLLISION,
        cause=None if len(lines) == 1 else "\n".join(lines),
        hints=tuple(f"{what:<{width}}  {how}" for what, how in hints),
    )
    keys = [*((one.one.name, one.other.name) for one in among), *((one.one.name,) for one in in_profile)]
    groups = [dict.fromkeys(pair, Failure(Reason.COLLISION, line)) for pair, line in zip(keys, lines, strict=True)]
    raise PackagesError(error, groups)


def _providers(packages: Iterable[EnvironmentEntry]) -> list[Provider]:
    return [Provider(one.key, one.priority, path) for one in packages for path in one.paths]


def _files(collision: Collision) -> str:
    first, *rest = collision.files or collision.harmless
    return f"{first} and {count(len(rest), 'more file')}" if rest else first


def _ways_out_of_list(
    own: Sequence[Provider], collisions: Sequence[Collision], listed: Collection[str], flag: str
) -> Iterator[tuple[str, str]]:
    """Say how to have no collision left: by leaving packages out, and where that is possible by ranking them."""
    if not collisions:
        return
    first, last = (
        dict.fromkeys(one.one.name for one in collisions),
        dict.fromkeys(one.other.name for one in collisions),
    )
    for leaving in (first, last):
        if leaving.keys() <= set(listed) and not find_collisions([one for one in own if one.name not in leaving]):
            yield "keep one:", f"nixprof remove {_typed(*leaving)}{flag}"
            break
    else:
        yield "keep one:", f"do not add {_typed(*([key for key in last if key not in listed] or last))}"
    lowest = min(one.one.priority for one in collisions) - 1
    for winning in (last, first):
        if not find_collisions([replace(one, priority=lowest) if one.name in winning else one for one in own]):
            yield "rank them:", f"nixprof add {_typed(*winning)} --priority {lowest}{flag}"
            break


def _typed(*keys: str) -> str:
    return " ".join(shell_quote(package_name(key)) for key in keys)


def _ways_out_of_profile(
    nix: Nix, elements: Sequence[Element], there: Sequence[Element], flag: str
) -> Iterator[tuple[str, str]]:
    """Say how to be rid of foreign elements: by taking them over, or by removing them."""
    if not elements:
        return
    it = "it" if len(elements) == 1 else "them"
    from nixprof.importers.candidate import candidate, hint_name, only

    candidates = [candidate(one) for one in there]
    names = only([hint_name(candidate(one), candidates) for one in elements])
    yield f"take {it} over:", f"nixprof freeze {names}{flag}"
    paths = [path for one in elements if (path := sole_path(one, there))]
    if len(paths) == len(elements):
        yield f"remove {it}:", f"{nix.removal(paths)}{flag}"
