"""`nixprof status`: how the list and the profile differ, and what settles it."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.commit import is_unfinished
from nixprof.change.differences import Change, compare
from nixprof.change.generations import SOURCES, read_sources, relative_sources
from nixprof.change.process_lock import warn
from nixprof.change.state import State
from nixprof.files import content
from nixprof.record import record

if TYPE_CHECKING:
    from nixprof.context import Context
    from nixprof.lock.freshness import Gap
    from nixprof.nix.profile import Element


class ProfileDrift(Enum):
    """What has become of the profile since nixprof left it."""

    GONE = "nixprof's element was removed from the profile"
    MOVED = "the profile is at another generation"
    TWICE = "the profile has nixprof's element more than once"


@record
class Status:
    """How things stand."""

    changes: tuple[Change, ...]  # what `sync` would do with the packages that are resolved
    unresolved: tuple[str, ...]  # the packages of the list that are not resolved yet, as written
    behind: tuple[str, ...]  # those that were resolved at another revision than their input is locked to now
    foreign: tuple[Element, ...]  # what nixprof did not install and could be on the list
    elsewhere: ProfileDrift | None  # what something else did to nixprof's part of the profile
    edited: tuple[Path, ...]  # files of the list that were changed since the last sync
    in_sync: bool  # whether `sync` would do nothing at all
    packages: int  # how many packages the list has for this machine
    generation: int | None  # of the profile; None where there is none
    unavailable: tuple[Gap, ...] = ()  # what systems that the list is for go without
    held: tuple[Gap, ...] = ()  # what stays here at what it was, because it cannot be had
    merged: tuple[str, ...] = ()  # the locks that git has left a conflict in, and that are read as `sync` merges them

    @property
    def drifts(self) -> bool:
        """Whether the list and the profile differ, either way."""
        return not self.in_sync or bool(self.foreign)


def run(context: Context) -> Status:
    """Compare what is declared, locked and installed. Starts no Nix."""
    warn(context)
    state = State(context)
    unresolved = {package.spec.key for package in state.unresolved}
    known = {key for key in unresolved if state.resolved(key)}
    edited = _edited(context, state)
    waiting = [package for package in state.wanted if package.spec.key in unresolved]
    return Status(
        # A package that is still to be resolved is neither missing nor superfluous.
        tuple(change for change in compare(state.installed, state.expected) if change.key not in unresolved),
        tuple(package.written for package in waiting if package.spec.key not in known),
        tuple(package.written for package in waiting if package.spec.key in known),
        _foreign(state),
        None if edited or state.in_sync or is_unfinished(context.folders) else _elsewhere(context, state),
        edited,
        state.in_sync,
        len(state.wanted),
        state.generation,
        state.gaps,
        state.held,
        tuple(one.path.name for one in state.lock.merged),
    )


def _foreign(state: State) -> tuple[Element, ...]:
    ours = {environment.element for environment in state.environments}
    elements = state.profile.elements if state.profile else ()
    others = [element for element in elements if element not in ours]
    if not others:
        return ()
    from nixprof.importers.candidate import is_untouched

    return tuple(element for element in others if not is_untouched(element))


def _edited(context: Context, state: State) -> tuple[Path, ...]:
    """Find the files of the list that are not what the generated folder was made from."""
    kept = content(context.folders.flake / SOURCES)
    if kept is None:
        return ()
    then, now = read_sources(kept), relative_sources(state.manifest)
    paths = (source.path for source in state.manifest.sources)
    return tuple(path for path, (name, text) in zip(paths, now.items(), strict=True) if then.get(name) != text)


def _elsewhere(context: Context, state: State) -> ProfileDrift | None:
    """Tell whether the profile is not as nixprof left it, where the list and the locks are."""
    if content(context.folders.flake / SOURCES) is None or not state.compiled or state.unresolved:
        return None
    if len(state.environments) > 1:
        return ProfileDrift.TWICE
    if not state.environments:
        return ProfileDrift.GONE if state.profile and state.generation else None
    kept = Path(state.environments[0].flake)
    same = all(content(kept / name) == content(context.folders.flake / name) for name in (SOURCES, "packages.json"))
    return None if same else ProfileDrift.MOVED
