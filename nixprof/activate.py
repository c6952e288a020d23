"""Put the environment into the profile, beside whatever else is there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof.collisions import Collision, Provider, find_collisions
from nixprof.environment import in_profile
from nixprof.errors import NixprofError
from nixprof.nix.profile import USUAL_PRIORITY, Keeper
from nixprof.words import count, package_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.environment import Linked
    from nixprof.nix.command import Nix
    from nixprof.nix.profile import Element, Profile
    from nixprof.state import Project, State


# So many files say which ones are meant.
_SHOWN = 3


def check_profile(profile: Profile | None, adopted: tuple[Element, ...], *, agreed: bool = False) -> None:
    """Make sure that an element can be added to a profile without loss.

    Args:
        profile: as it is.
        adopted: what the environment takes the place of; then the profile is made anew.
        agreed: whether the user has agreed to lose files that no list of packages names.

    Raises: NixprofError where `nix profile` would drop or convert what is there.
    """
    if profile is None or adopted or profile.keeper in (Keeper.NOBODY, Keeper.NIX_PROFILE):
        return
    if profile.keeper is Keeper.NIX_ENV:
        raise NixprofError(
            f"{profile.link} is a profile of nix-env, which `nix profile` converts with losses",
            hints=("to take it over without losses: nixprof freeze", "or use another: nixprof sync --profile PATH"),
        )
    if agreed:
        return
    raise NixprofError(
        f"{profile.link} has files but no list of packages, and they would be lost: {_sample(profile.store_path)}",
        cause="it was made by `nix-env --set` or `nix build --profile`",
        hints=(
            "use another profile: nixprof sync --profile PATH",
            "or go on without them: nixprof sync --yes",
            f"to come back to them then: nix-env --profile {profile.link} --rollback",
        ),
    )


def _sample(folder: str | None) -> str:
    """Name the first files of a folder, and count the others."""
    found = sorted(
        os.path.relpath(os.path.join(where, name), folder)
        for where, _, names in os.walk(folder or "", followlinks=True)
        for name in names
    )
    rest = len(found) - _SHOWN
    return ", ".join(found[:_SHOWN]) + (f" and {count(rest, 'more file')}" if rest > 0 else "")


def check_collisions(packages: Sequence[Linked]) -> None:
    """Make sure that no two packages provide one file.

    Args:
        packages: what is to be linked; in the store already.

    Raises: NixprofError that names every pair, the files and the ways out.

    """
    providers = [
        Provider(package_name(package.key), package.priority, path) for package in packages for path in package.paths
    ]
    _refuse(find_collisions(providers))


@dataclass(frozen=True, slots=True)
class Activation:
    """Giving the profile an environment, and no other of nixprof's; foreign elements stay.

    Attributes:
        profile: as it is; None where Nix has not made one yet.
        leaving: the elements that the environment takes the place of: nixprof's own, and those that it adopts.
        built: the environment, a store path.
        attribute: its attribute in the generated flake.
        priority: of its element.

    """

    profile: Profile | None
    leaving: tuple[Element, ...]
    built: str
    attribute: str
    priority: int

    @classmethod
    def of(
        cls,
        nix: Nix,
        before: State,
        adopted: tuple[Element, ...],
        packages: Sequence[Linked],
        built: str,
        attribute: str,
    ) -> Activation:
        """Prepare it; `packages` are what was built into the environment.

        Raises: NixprofError where a file of a foreign element is another than that of a package.
        """
        leaving = (*(environment.element for environment in before.environments), *adopted)
        elements = before.profile.elements if before.profile else ()
        gone = set(leaving)
        foreign = [element for element in elements if element not in gone]
        return cls(before.profile, leaving, built, attribute, _priority_beside(nix, foreign, packages, built))

    def perform(self, nix: Nix, project: Project) -> Profile:
        """Do it; the generated flake is written already.

        Returns: the profile as it is then.

        Raises: NixprofError; the profile is then as before.

        """
        flake = project.places.flake
        if self.profile is None or not self.leaving:
            link = self.profile.link if self.profile else project.chosen_profile
            nix.install(link, flake, self.attribute, self.priority)
        elif (
            len(self.leaving) > 1
            or not nix.follows(self.leaving[0], flake, self.attribute)
            or self.leaving[0].priority != self.priority
        ):
            nix.replace(self.profile, self.leaving, flake, self.attribute, self.priority)
        elif self.built not in self.leaving[0].store_paths:
            nix.upgrade(self.profile.link, self.leaving[0])
        return _verify(project, self.built)


def _priority_beside(nix: Nix, foreign: Sequence[Element], packages: Sequence[Linked], built: str) -> int:
    """Choose the priority of nixprof's element.

    Nix refuses two elements of one priority that share even an identical file, so that one gets a number of its own
    that shares files with others.

    Raises: NixprofError where a file of a foreign element is another than that of a package, or the same where
        this Nix cannot tell two elements apart by priority.
    """
    own = Provider("nixprof", USUAL_PRIORITY, built)
    others = {Provider(_name(one), one.priority, path): one for one in foreign for path in one.store_paths}
    _refuse_foreign(nix, _with(own, find_collisions([own, *others])), others, packages)
    shared = _with(own, find_collisions([own, *others], identical=True))
    if not shared:
        return USUAL_PRIORITY
    if not nix.version.ranks_elements:
        _refuse_foreign(nix, shared, others, packages)
    taken = {element.priority for element in foreign}
    return next(number for number in range(USUAL_PRIORITY, USUAL_PRIORITY + len(taken) + 1) if number not in taken)


def _with(own: Provider, collisions: Sequence[Collision]) -> list[Collision]:
    return [collision for collision in collisions if own in (collision.one, collision.other)]


def _refuse_foreign(
    nix: Nix, collisions: Sequence[Collision], others: Mapping[Provider, Element], packages: Sequence[Linked]
) -> None:
    """Refuse collisions of the environment with foreign elements, by the names of its packages."""
    if not collisions:
        return
    lines, hints = [], []
    for collision in collisions:
        other = collision.one if collision.one in others else collision.other
        ours = _provider_of(collision.files[0], packages)
        lines.append(f"{ours} and the {other.name} that nixprof did not install both provide {_files(collision)}")
        hints.append(f"keep one:          nix profile remove '{nix.selector(others[other])}'")
        hints.append(f"or take it over:   nixprof freeze --only {other.name}")
    raise NixprofError(
        lines[0] if len(lines) == 1 else f"{count(len(lines), 'element')} of the profile provide files of the list",
        cause=None if len(lines) == 1 else "\n".join(lines),
        hints=tuple(dict.fromkeys(hints)),
    )


def _provider_of(file: str, packages: Sequence[Linked]) -> str:
    """Name the package whose file an environment links."""
    ranked = sorted(packages, key=lambda package: package.priority)
    names = (package_name(p.key) for p in ranked for path in p.paths if os.path.lexists(os.path.join(path, file)))
    return next(names, "nixprof")


def _name(element: Element) -> str:
    """Call a foreign element as its owner would."""
    if element.name:
        return element.name
    if element.attr_path:
        return element.attr_path.split(".", 2)[-1]
    return element.store_paths[0].partition("-")[2]


def _refuse(collisions: Sequence[Collision]) -> None:
    if not collisions:
        return
    lines = [f"{one.other.name} and {one.one.name} both provide {_files(one)}" for one in collisions]
    keep = [f"keep one:      nixprof remove {one.one.name}" for one in collisions]
    rank = [
        f'or rank them:  {{ package = "{one.other.name}", priority = {one.one.priority - 1} }} in nixprof.toml'
        for one in collisions
    ]
    raise NixprofError(
        lines[0] if len(lines) == 1 else f"{count(len(lines), 'pair')} of packages provide the same files",
        cause=None if len(lines) == 1 else "\n".join(lines),
        hints=tuple(dict.fromkeys((*keep, *rank))),
    )


def _files(collision: Collision) -> str:
    first, *rest = collision.files
    return f"{first} and {count(len(rest), 'more file')}" if rest else first


def _verify(project: Project, built: str) -> Profile:
    """Make sure that the profile now has what was built, whatever Nix said."""
    profile = project.profile()
    if profile is None or built not in [environment.store_path for environment in in_profile(profile)]:
        raise NixprofError(
            "Nix reported success, but the profile does not have the new environment",
            hints=("nix profile list", "nixprof sync"),
        )
    return profile
