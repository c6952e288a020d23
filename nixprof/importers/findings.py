"""What became of each element that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nixprof.lock.packages_json import LockedPackage
    from nixprof.manifest.model import Input, Package
    from nixprof.manifest.spec import Spec
    from nixprof.nix.profile import Element


class How(Enum):
    """How sure it is what an element is."""

    EXACT = "imported exactly"
    IDENTIFIED = "identified"  # by the same store path, which is proof
    GUESSED = "guessed"  # on less evidence
    KEPT = "kept by store path"
    UNLOCKED = "listed by name"


class Evidence(Enum):
    """What told the attribute path of an element that has none, the best first; all but the first may be wrong."""

    SAME_PATH = "same store path"
    POSITION = "guess: its file in nixpkgs"
    SAME_VERSION = "guess: same name and version"
    SAME_NAME = "guess: same name, another version"


@dataclass(frozen=True, slots=True)
class Import:
    """An element that becomes a package of the list, or several elements that are outputs of one.

    Attributes:
        element: as it is in the profile; the first of several.
        spec: what it is called in the list.
        priority: None for the usual one.
        locked: what it is locked to; None where it is to be resolved.
        how: how sure that is.
        evidence: what told it, for one that is identified or guessed.
        candidates: what else it may have been.
        new_input: the input that has to be added for it.
        more: the other elements.
        elsewhere: whether the list has it for other machines only.
        entry: what the list has of it already; None where it has nothing.
        rewrites: whether that entry has to change.

    """

    element: Element
    spec: Spec
    priority: int | None
    locked: LockedPackage | None
    how: How
    evidence: Evidence | None = None
    candidates: tuple[str, ...] = ()
    new_input: Input | None = None
    more: tuple[Element, ...] = ()
    elsewhere: bool = False
    entry: Package | None = None
    rewrites: bool = False

    @property
    def elements(self) -> tuple[Element, ...]:
        """Everything in the profile that the package takes the place of."""
        return (self.element, *self.more)


@dataclass(frozen=True, slots=True)
class Alone:
    """An element that is left as it is, and why."""

    element: Element
    reason: str


@dataclass(frozen=True, slots=True)
class Differing:
    """An element whose package is on the list as something else than what is installed.

    Attributes:
        element: as it is in the profile.
        spec: the package.
        listed: what the list has: a version, or what else differs.
        installed: what is installed, likewise.

    """

    element: Element
    spec: Spec
    listed: str
    installed: str


Finding = Import | Alone | Differing
