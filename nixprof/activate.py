"""Put the environment into the profile, beside whatever else is there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof.environment import in_profile
from nixprof.errors import NixprofError, OvertakenError
from nixprof.nix.profile import USUAL_PRIORITY, Keeper
from nixprof.remedies import shared_with
from nixprof.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        before: State,
        adopted: tuple[Element, ...],
        packages: Sequence[Linked],
        built: str,
        attribute: str,
    ) -> Activation:
        """Prepare it; `packages` are what was built into the environment."""
        priority = _priority_beside(beside(before, adopted), packages)
        return cls(before.profile, _leaving(before, adopted), built, attribute, priority)

    def perform(self, nix: Nix, project: Project) -> Profile:
        """Do it; the generated flake is written already.

        Returns: the profile as it is then.

        Raises: NixprofError; the profile is then as before. OvertakenError where it is another than was read.

        """
        if project.profile() != self.profile:
            raise OvertakenError("the profile")
        try:
            self._switch(nix, project)
        except NixprofError as error:
            if not _has(project.profile(), self.built):
                raise
            project.progress.note(f"the profile has been switched, and then: {error.message}")
        return _verify(project, self.built)

    def _switch(self, nix: Nix, project: Project) -> None:
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


def beside(before: State, adopted: tuple[Element, ...]) -> tuple[Element, ...]:
    """Give the elements of a profile that stay beside the environment, when it has taken the place of its own.

    Args:
        before: the profile as it is.
        adopted: what the environment takes the place of besides.

    """
    gone = set(_leaving(before, adopted))
    return tuple(element for element in (before.profile.elements if before.profile else ()) if element not in gone)


def _leaving(before: State, adopted: tuple[Element, ...]) -> tuple[Element, ...]:
    there = before.profile.elements if before.profile else ()
    ours = (environment.element for environment in before.environments)
    return (*ours, *(element for element in adopted if element in there))


def _priority_beside(foreign: Sequence[Element], packages: Sequence[Linked]) -> int:
    """Choose the priority of nixprof's element.

    Nix refuses two elements of one priority that share even an identical file, so that one gets a number of its own
    that shares files with others.
    """
    if not shared_with(packages, foreign):
        return USUAL_PRIORITY
    taken = {element.priority for element in foreign}
    return next(number for number in range(USUAL_PRIORITY, USUAL_PRIORITY + len(taken) + 1) if number not in taken)


def _verify(project: Project, built: str) -> Profile:
    """Make sure that the profile now has what was built, whatever Nix said."""
    profile = project.profile()
    if profile is None or not _has(profile, built):
        raise NixprofError(
            "Nix reported success, but the profile does not have the new environment",
            hints=("nixprof status", "nixprof sync"),
        )
    return profile


def _has(profile: Profile | None, built: str) -> bool:
    return built in [environment.store_path for environment in in_profile(profile)]
