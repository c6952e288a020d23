"""Put the environment into the profile, beside whatever else is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof.collisions import Collision, Provider, find_collisions
from nixprof.environment import in_profile
from nixprof.errors import NixprofError
from nixprof.nix.profile import USUAL_PRIORITY, Keeper
from nixprof.words import count, package_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nixprof.environment import Linked
    from nixprof.nix.command import Nix
    from nixprof.nix.profile import Element, Profile
    from nixprof.state import Project, State


def check_profile(profile: Profile | None) -> None:
    """Make sure that an element can be added to a profile without loss.

    Raises: NixprofError where `nix profile` would drop or convert what is there.
    """
    if profile is None or profile.keeper in (Keeper.NOBODY, Keeper.NIX_PROFILE):
        return
    if profile.keeper is Keeper.NIX_ENV:
        raise NixprofError(
            f"{profile.link} is a profile of nix-env, which `nix profile` converts with losses",
            hints=("use another profile: nixprof sync --profile PATH",),
        )
    raise NixprofError(
        f"{profile.link} has files but no list of packages, and `nix profile` would drop them",
        cause="it was made by `nix-env --set` or `nix build --profile`",
        hints=("use another profile: nixprof sync --profile PATH",),
    )


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
    def of(cls, before: State, adopted: tuple[Element, ...], built: str, attribute: str) -> Activation:
        """Prepare it.

        Raises: NixprofError where a file of a foreign element is another than that of a package.
        """
        leaving = (*(environment.element for environment in before.environments), *adopted)
        elements = before.profile.elements if before.profile else ()
        foreign = [element for element in elements if element not in leaving]
        return cls(before.profile, leaving, built, attribute, _priority_beside(foreign, built))

    def perform(self, nix: Nix, project: Project) -> int | None:
        """Do it; the generated flake is written already.

        Returns: the generation of the profile.

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


def _priority_beside(foreign: Sequence[Element], built: str) -> int:
    """Choose the priority of nixprof's element.

    Nix refuses two elements of one priority that share even an identical file, so that one gets a number of its own
    that shares files with others.

    Raises: NixprofError where a file of a foreign element is another than that of a package.
    """
    providers = [
        Provider(_name(element), element.priority, path) for element in foreign for path in element.store_paths
    ]
    own = Provider("nixprof", USUAL_PRIORITY, built)
    _refuse([one for one in find_collisions([own, *providers]) if own in (one.one, one.other)])
    shared = find_collisions([own, *providers], identical=True)
    if not any(own in (one.one, one.other) for one in shared):
        return USUAL_PRIORITY
    taken = {element.priority for element in foreign}
    return next(number for number in range(USUAL_PRIORITY, USUAL_PRIORITY + len(taken) + 1) if number not in taken)


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
    lines = [_line(collision) for collision in collisions]
    names = list(dict.fromkeys(name for one in collisions for name in (one.other.name, one.one.name)))
    raise NixprofError(
        lines[0] if len(lines) == 1 else f"{count(len(lines), 'pair')} of packages provide the same files",
        cause=None if len(lines) == 1 else "\n".join(lines),
        hints=(
            f"keep one:      nixprof remove {names[0]}",
            f'or rank them:  {{ package = "{names[0]}", priority = 4 }} in nixprof.toml',
        ),
    )


def _line(collision: Collision) -> str:
    first, *rest = collision.files
    more = f" and {count(len(rest), 'more file')}" if rest else ""
    return f"{collision.other.name} and {collision.one.name} both provide {first}{more}"


def _verify(project: Project, built: str) -> int | None:
    """Make sure that the profile now has what was built, whatever Nix said."""
    profile = project.profile()
    if profile is None or built not in [environment.store_path for environment in in_profile(profile)]:
        raise NixprofError(
            "Nix reported success, but the profile does not have the new environment",
            hints=("nix profile list", "nixprof sync"),
        )
    return profile.generation
