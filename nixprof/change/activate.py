"""Put the environment into the profile, next to the elements that nixprof did not install."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nixprof.change.environment import in_profile
from nixprof.errors import ConcurrentChangeError, NixprofError, Reason
from nixprof.files import cannot_write, permission_hint
from nixprof.folders import home
from nixprof.formatting import count, shell_quote
from nixprof.nix.profile import USUAL_PRIORITY, ProfileManager, sole_path
from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.change.state import State
    from nixprof.context import Context
    from nixprof.nix.operations import Nix
    from nixprof.nix.profile import Element, Profile


# Name at most this many of the files that would be lost.
_MAX_FILES = 3


def check_profile(profile: Profile | None, adopted: tuple[Element, ...], *, agreed: bool = False) -> None:
    """Make sure that an element can be added to a profile without loss.

    Args:
        profile: as it is.
        adopted: what the environment takes the place of; then Nix makes a new profile.
        agreed: whether the user has agreed to lose files that no list of packages names.

    Raises: NixprofError where `nix profile` would fail, or drop or convert what is there.
    """
    _check_place(profile.link if profile else home() / ".nix-profile")
    if profile is None or adopted or profile.manager in (ProfileManager.NOBODY, ProfileManager.NIX_PROFILE):
        return
    if profile.manager is ProfileManager.NIX_ENV:
        raise NixprofError(
            f"{profile.link} was made by nix-env; converting it with `nix profile` would lose information",
            Reason.UNSUITABLE_PROFILE,
            hints=("to import it completely: nixprof freeze", "or use another: nixprof sync --profile PATH"),
        )
    if agreed:
        return
    link = shell_quote(str(profile.link))
    if profile.generation is None:
        cause = "it is a link to a folder, and not to a generation of a profile"
        back = f"ln -sfn {shell_quote(os.readlink(profile.link))} {link}"
    else:
        cause = "it was made by `nix-env --set` or `nix build --profile`"
        back = f"nix-env --profile {link} --rollback"
    raise NixprofError(
        f"{profile.link} has files but no list of packages, and they would be lost: {_sample(profile.store_path)}",
        Reason.UNSUITABLE_PROFILE,
        cause=cause,
        hints=(
            "use another profile: nixprof sync --profile PATH",
            "or go on without them: nixprof sync --yes",
            f"to get them back afterwards: {back}",
        ),
    )


def _check_place(link: Path) -> None:
    """Make sure that Nix can put a profile where `link` is.

    Raises: NixprofError that says what is in the way.
    """
    if not os.path.lexists(link) or link.is_symlink():
        folder = next(parent for parent in link.parents if os.path.lexists(parent))
    else:
        kind = "a folder" if link.is_dir() else "a file"
        raise NixprofError(
            f"{link} is {kind}, and a profile is a link",
            Reason.UNSUITABLE_PROFILE,
            hints=("use another place: nixprof sync --profile PATH", "or move away what is there"),
        )
    if os.path.islink(os.path.realpath(link)):
        raise NixprofError(
            f"{link} is a link that leads back to itself",
            Reason.UNSUITABLE_PROFILE,
            hints=("remove that link, then: nixprof sync",),
        )
    if os.access(folder, os.W_OK | os.X_OK):
        return
    hints = permission_hint(folder)
    if not hints:
        pointer = home() / ".nix-profile"
        leads_nowhere = pointer.is_symlink() and not pointer.exists()
        new = "remove the link ~/.nix-profile, and Nix makes another: nixprof sync"
        hints = (new if leads_nowhere else "use another profile: nixprof sync --profile PATH",)
    raise NixprofError(
        f"cannot write {folder}, where the generations of the profile are", Reason.CANNOT_WRITE, hints=hints
    )


def _sample(folder: str | None) -> str:
    """Name the first files of a folder, and count the others."""
    found = sorted(
        os.path.relpath(os.path.join(where, name), folder)
        for where, _, names in os.walk(folder or "", followlinks=True)
        for name in names
    )
    rest = len(found) - _MAX_FILES
    return ", ".join(found[:_MAX_FILES]) + (f" and {count(rest, 'more file')}" if rest > 0 else "")


def replaced(before: State, adopted: tuple[Element, ...]) -> tuple[Element, ...]:
    """Give the elements that the environment takes the place of: nixprof's own, and those that it adopts."""
    elements = set(before.profile.elements) if before.profile else set()
    return (*(one.element for one in before.environments), *(one for one in adopted if one in elements))


def remaining(profile: Profile | None, leaving: tuple[Element, ...]) -> tuple[Element, ...]:
    """Give the elements that stay in the profile, and are linked together with the environment."""
    gone = set(leaving)
    return tuple(one for one in (profile.elements if profile else ()) if one.active and one not in gone)


def free_priority(foreign: Sequence[Element]) -> int:
    """Choose a priority for an environment that has files of the same names as foreign elements, perhaps equal ones.

    Nix refuses two elements of one priority that share even an identical file.
    """
    taken = {element.priority for element in foreign}
    return min(set(range(USUAL_PRIORITY, USUAL_PRIORITY + len(taken) + 1)) - taken)


@record
class Activation:
    """Giving a profile an environment in the place of some elements; all others stay."""

    profile: Profile | None  # as it was read; None where Nix has not made one yet
    leaving: tuple[Element, ...]
    packages: tuple[EnvironmentEntry, ...]  # what the environment links
    is_current: bool  # whether the profile has this very environment
    attribute: str  # of the environment, in the generated flake
    priority: int

    def perform(self, nix: Nix, context: Context) -> Profile:
        """Do it; the generated flake is written already.

        Returns: the profile as it is then.

        Raises: NixprofError, ConcurrentChangeError where it is another than was read; the profile is then as before.

        """
        if context.profile() != self.profile:
            raise ConcurrentChangeError("the profile")
        failure: NixprofError | None = None
        try:
            self._switch(nix, context)
        except ConcurrentChangeError:
            raise
        except NixprofError as error:
            failure = error
        after = context.profile()
        if failure and after == self.profile:
            raise failure
        # Nix may fail after it has switched, and it may succeed with something else.
        if after is not None and self._is_done(after, context.folders.flake):
            if failure:
                context.progress.note(f"the profile was switched, but then: {failure.message}")
            return after
        if after is not None and after != self.profile:
            self._go_back(nix, after)
        raise failure or NixprofError(
            "Nix reported success, but the profile does not have what it should have",
            Reason.FAILED,
            hints=("nixprof status", "nixprof sync"),
        )

    def _switch(self, nix: Nix, context: Context) -> None:
        flake = context.folders.flake
        if self.profile is None or not self.leaving:
            link = self.profile.link if self.profile else context.chosen_profile
            if link is not None:
                # A link may lead to a folder that is still to be made, which Nix does not do.
                with cannot_write(link.parent):
                    link.parent.mkdir(parents=True, exist_ok=True)
            nix.install(link, flake, self.attribute, self.priority)
            return
        one, *more = self.leaving
        path = sole_path(one, self.profile.elements)
        if more or path is None or not nix.follows(one, flake, self.attribute) or one.priority != self.priority:
            nix.replace(self.profile, self.leaving, flake, self.attribute, self.priority)
        elif not self.is_current:
            nix.upgrade(self.profile.link, path)

    def _is_done(self, after: Profile, flake: Path) -> bool:
        """Tell whether a profile has what was built, and every element that was to stay, whatever Nix said."""
        # Not whether it has the store path: a file such as a README in the generated folder makes another of it.
        found = [environment.packages for environment in in_profile(after, flake)]
        before = self.profile.elements if self.profile else ()
        staying = set(map(_links, set(before) - set(self.leaving)))
        return self.packages in found and staying <= set(map(_links, after.elements))

    def _go_back(self, nix: Nix, after: Profile) -> None:
        """Let the profile be as it was; where there was none there is none to go back to."""
        if self.profile is not None and self.profile.generation is not None:
            nix.go_to(self.profile.link, self.profile.generation)
            if after.generation is not None:
                nix.delete_generations(self.profile.link, after.generation)


def _links(element: Element) -> tuple[frozenset[str], bool]:
    """Give what an element does in a profile, which is the same whichever Nix has written it."""
    return frozenset(element.store_paths), element.active
