"""`nixprof status`: how the list and the profile differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof.changes import Change, compare
from nixprof.state import State

if TYPE_CHECKING:
    from nixprof.nix.profile import Element, Keeper
    from nixprof.state import Project


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand.

    Attributes:
        changes: what `sync` would do with the packages that are resolved.
        unresolved: the packages of the list whose version is not known yet, or no longer, as written.
        foreign: elements of the profile that nixprof did not install.
        compiled: whether the generated folder is what the manifest compiles to.
        in_sync: whether `sync` would do nothing at all.
        packages: how many packages the list has for this machine.
        generation: of the profile; None where there is none.
        keeper: which command made the profile; None where there is none.

    """

    changes: tuple[Change, ...]
    unresolved: tuple[str, ...]
    foreign: tuple[Element, ...]
    compiled: bool
    in_sync: bool
    packages: int
    generation: int | None
    keeper: Keeper | None


def run(project: Project) -> Status:
    """Compare what is declared, locked and installed. Starts no Nix."""
    state = State(project)
    ours = {environment.store_path for environment in state.environments}
    unresolved = {package.spec.key for package in state.unanswered}
    changes = compare(state.installed, state.expected)
    return Status(
        # A package that has to be resolved anew is neither missing nor superfluous.
        tuple(change for change in changes if change.key not in unresolved),
        tuple(package.written for package in state.wanted if package.spec.key in unresolved),
        tuple(
            element
            for element in (state.profile.elements if state.profile else ())
            if not ours.intersection(element.store_paths)
        ),
        state.compiled,
        state.in_sync,
        len(state.wanted),
        state.generation,
        state.profile.keeper if state.profile else None,
    )
