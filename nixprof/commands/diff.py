"""`nixprof diff`: package versions between two generations, or between what is installed and what the list asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof.changes import Change, compare
from nixprof.errors import NixprofError
from nixprof.generations import find, generations
from nixprof.nix.command import Nix
from nixprof.state import State

if TYPE_CHECKING:
    from nixprof.state import Project


@dataclass(frozen=True, slots=True)
class Difference:
    """What turns one into the other.

    Attributes:
        before: what is compared: `generation 3` or `installed`.
        after: with what: `generation 5` or `the list`.
        changes: by package.
        unresolved: packages of the list that have no known version yet.

    """

    before: str
    after: str
    changes: tuple[Change, ...]
    unresolved: tuple[str, ...] = ()


def run(project: Project, before: int | None, after: int | None) -> Difference:
    """Compare.

    Args:
        project: whose.
        before: the number of a generation; None to compare what is installed with the list.
        after: likewise; None for the current generation.

    Raises: NixprofError where there is no such generation.

    """
    if before is None:
        state = State(project)
        unresolved = {package.spec.key for package in state.unanswered}
        changes = tuple(one for one in compare(state.installed, state.expected) if one.key not in unresolved)
        return Difference(
            "installed", "the list", changes, tuple(one.written for one in state.wanted if one.spec.key in unresolved)
        )
    with Nix(project.progress) as nix:
        found = generations(project, nix.elements)
    profile = project.profile()
    if after is None:
        if profile is None or profile.generation is None:
            raise NixprofError("there is no profile yet", hints=("to begin: nixprof add ripgrep",))
        after = profile.generation
    changes = compare(find(found, before).packages, find(found, after).packages)
    return Difference(f"generation {before}", f"generation {after}", changes)
