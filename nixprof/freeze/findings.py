"""What became of each element that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nixprof.flake.packages import LockedPackage
    from nixprof.manifest.model import Input
    from nixprof.nix.profile import Element
    from nixprof.spec import Spec


class How(Enum):
    """How sure it is what an element is."""

    EXACT = "imported exactly"
    IDENTIFIED = "identified"
    KEPT = "kept by store path"
    UNLOCKED = "listed by name"


class Evidence(Enum):
    """What told the attribute path of an element that has none, the best first."""

    POSITION = "its file in nixpkgs"
    SAME_PATH = "same store path"
    SAME_NAME = "attribute of that name"
    SAME_VERSION = "same name and version"


@dataclass(frozen=True, slots=True)
class Import:
    """An element that becomes a package of the list.

    Attributes:
        element: as it is in the profile.
        spec: what it is called in the list.
        priority: None for the usual one.
        locked: what it is locked to; None where it is to be resolved.
        how: how sure that is.
        evidence: what told it, for an identified one.
        candidates: what else it may have been.
        new_input: the input that has to be added for it.
        listed: whether the list has it already.

    """

    element: Element
    spec: Spec
    priority: int | None
    locked: LockedPackage | None
    how: How
    evidence: Evidence | None = None
    candidates: tuple[str, ...] = ()
    new_input: Input | None = None
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Alone:
    """An element that is left as it is, and why."""

    element: Element
    reason: str


@dataclass(frozen=True, slots=True)
class Differing:
    """An element whose package is on the list at something else than what is installed."""

    element: Element
    spec: Spec
    listed: str
    installed: str


Finding = Import | Alone | Differing
