"""Collisions told to the user: all of them in one report, with the ways out as commands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nixprof.change.collisions import Collision, Provider, find_collisions, find_collisions_beside
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import count, package_name, shell_quote
from nixprof.nix.profile import sole_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.nix.operations import Nix
    from nixprof.nix.profile import Element


class CollisionError(NixprofError):
    """Packages provide different files of one name; nothing has been changed."""


def check_collisions(
    nix: Nix,
    packages: Sequence[EnvironmentEntry],
    foreign: Sequence[Element],
    *,
    listed: Collection[str],
    there: Sequence[Element],
    chosen_profile: Path | None,
) -> None:
    """Make sure that no two packages provide one file, nor a package and an element that is not nixprof's.

    Args:
        nix: knows what it refuses beside an environment.
        packages: what is to be linked; in the store already.
        foreign: the elements that the environment goes beside.
        listed: the keys of those packages that the list on disk has.
        there: all elements of the profile as it is.
        chosen_profile: the profile that the user named; None for the usual one.

    Raises: CollisionError that names every pair, the files and the ways out.

    """
    own, elements = _providers(packages), _elements(foreign)
    among = find_collisions(own)
    # A Nix that cannot rank elements refuses even two equal files.
    beside = find_collisions_beside(own, list(elements), identical=not nix.version.ranks_elements)
    lines = [f"{_typed(one.other)} and {_typed(one.one)} both provide {_files(one)}" for one in among]
    lines += [
        f"{_typed(one.one)} and the {one.other.name} that nixprof did not install both provide {_files(one)}"
        for one in beside
    ]
    if not lines:
        return
    flag = f" --profile {shell_quote(str(chosen_profile))}" if chosen_profile else ""
    hints = [
        *_ways_out_among(own, among, listed, flag),
        *_ways_out_beside(nix, list(dict.fromkeys(elements[one.other] for one in beside)), there, flag),
    ]
    width = max(len(what) for what, _ in hints)
    raise CollisionError(
        lines[0] if len(lines) == 1 else f"{count(len(lines), 'pair')} of packages provide the same files",
        Reason.COLLISION,
        cause=None if len(lines) == 1 else "\n".join(lines),
        hints=tuple(f"{what:<{width}}  {how}" for what, how in hints),
    )


def shared_with(packages: Sequence[EnvironmentEntry], foreign: Sequence[Element]) -> bool:
    """Tell whether packages and foreign elements have a file of one name, equal or not."""
    return bool(find_collisions_beside(_providers(packages), list(_elements(foreign)), identical=True))


def name(element: Element) -> str:
    """Call a foreign element as its owner would."""
    if element.name:
        return element.name
    if element.attr_path:
        return element.attr_path.split(".", 2)[-1]
    return element.store_paths[0].partition("-")[2]


def _providers(packages: Iterable[EnvironmentEntry]) -> list[Provider]:
    """Give what packages link, by their keys."""
    return [Provider(one.key, one.priority, path) for one in packages for path in one.paths]


def _elements(foreign: Iterable[Element]) -> dict[Provider, Element]:
    return {Provider(name(one), one.priority, path): one for one in foreign for path in one.store_paths}


def _files(collision: Collision) -> str:
    first, *rest = collision.files
    return f"{first} and {count(len(rest), 'more file')}" if rest else first


def _ways_out_among(
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
            yield "keep one:", f"nixprof remove {_all_typed(leaving)}{flag}"
            break
    else:
        yield "keep one:", f"do not add {_all_typed([key for key in last if key not in listed] or last)}"
    lowest = min(one.one.priority for one in collisions) - 1
    for winning in (last, first):
        if not find_collisions([replace(one, priority=lowest) if one.name in winning else one for one in own]):
            yield "rank them:", f"nixprof add {_all_typed(winning)} --priority {lowest}{flag}"
            break


def _typed(provider: Provider) -> str:
    return _all_typed([provider.name])


def _all_typed(keys: Iterable[str]) -> str:
    return " ".join(shell_quote(package_name(key)) for key in keys)


def _ways_out_beside(
    nix: Nix, elements: Sequence[Element], there: Sequence[Element], flag: str
) -> Iterator[tuple[str, str]]:
    """Say how to be rid of foreign elements: by taking them over, or by removing them."""
    if not elements:
        return
    it = "it" if len(elements) == 1 else "them"
    from nixprof.importers.candidate import hint_name, only
    from nixprof.importers.profile import candidate

    names = only([hint_name(candidate(one), tuple(map(candidate, there))) for one in elements])
    yield f"take {it} over:", f"nixprof freeze {names}{flag}"
    paths = [path for one in elements if (path := sole_path(one, there))]
    if len(paths) == len(elements):
        yield f"remove {it}:", f"{nix.removal(paths)}{flag}"
