"""`nixprof list`: what is on the list, and what became of it here."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from nixprof.change.process_lock import warn
from nixprof.change.state import State
from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.context import Context
    from nixprof.lock.freshness import Gap
    from nixprof.manifest.model import Package


class Presence(Enum):
    """Where a package of the list is, on this machine."""

    INSTALLED = "installed"
    PENDING = "not installed"
    SKIPPED = "skipped"


@record
class Listed:
    """One package of the list."""

    package: str  # as written
    input: str
    attr_path: tuple[str, ...]
    state: Presence
    reason: str | None  # why it is skipped
    pname: str | None
    version: str | None  # what is installed, else what it is locked to; None where it is not resolved yet
    description: str | None
    pinned: bool
    held: str | None  # the locked reference that it stays at; None where it goes with its input
    unavailable: tuple[Gap, ...]  # the other systems of the list on which it cannot be had
    held_back: Gap | None  # why it stays here at what it was; None where it does not
    on: str | None  # where it applies, as `--on` takes it: `darwin`, `host.server`; None for every machine
    versions: Mapping[str, str]  # what it is locked to, by each system that it may be for


@record
class Listing:
    """The packages of the list."""

    packages: tuple[Listed, ...]
    everything: bool  # whether to show them by where they apply, and not as they are on this machine


def run(context: Context, *, everything: bool = False) -> Listing:
    """List every package of the manifest, whether it applies here or not. Starts no Nix."""
    warn(context)
    state = State(context)
    skipped = state.manifest.skipped(state.machine)
    lacking = (gap for gap in state.gaps if gap.system == state.machine.system and gap.package not in skipped)
    skipped |= {gap.package: gap.why.message for gap in lacking}
    installed = {linked.key: linked.version for linked in state.installed}
    gaps: dict[Package, list[Gap]] = {}
    for gap in (*state.gaps, *state.held):
        gaps.setdefault(gap.package, []).append(gap)
    packages = tuple(
        _listed(state, package, skipped.get(package), installed, gaps.get(package, ()))
        for package in state.manifest.packages
    )
    return Listing(packages, everything)


def _listed(
    state: State, package: Package, reason: str | None, installed: Mapping[str, str], gaps: Sequence[Gap]
) -> Listed:
    key = package.spec.key
    locked, resolved = state.lock.package(key), state.resolved(key)
    presence = Presence.INSTALLED if key in installed else Presence.PENDING
    if reason is not None:
        presence = Presence.SKIPPED
    version = installed.get(key, resolved.version if resolved else "")
    return Listed(
        package.written,
        package.spec.input,
        package.spec.attr_path,
        presence,
        reason,
        (resolved.pname if resolved else None) or None,
        version or None,
        (resolved.description if resolved else None) or None,
        package.pin,
        locked.held,
        tuple(gap for gap in gaps if gap.system != state.machine.system),
        next((gap for gap in gaps if gap.kept and gap.system == state.machine.system), None),
        package.scope.on or None,
        {name: one.version for name, one in locked.systems.items() if package.scope.covers(name)},
    )
