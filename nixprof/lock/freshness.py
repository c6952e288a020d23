"""Whether `packages.json` still says what a package is, and which packages cannot be had.

An entry stays fresh while its fingerprint does: the locked input with all that it depends on, the overlays, and what
the policy allowed; a policy that allows more changes nothing that was resolved. A package that is held goes by its own
locked reference instead.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nixprof.lock.packages_json import HeldAt, KeptByPath
from nixprof.machine import Machine
from nixprof.record import record
from nixprof.schema import MISSHAPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nixprof.lock.flake_lock import LockedInput
    from nixprof.lock.packages_json import Hold, LockedPackage, Resolved, Unavailable
    from nixprof.manifest.model import Manifest, Package, Policy


def fingerprints(manifest: Manifest, inputs: Mapping[str, LockedInput]) -> dict[str, str]:
    """Give the fingerprint of what is resolved from each input now.

    Returns: by the name of the input what identifies its contents, and behind a space what the policy allows as JSON,
        if anything.

    """
    policy = manifest.policy
    names = sorted(_allowed(policy))
    allowed = f" {json.dumps(names, ensure_ascii=False)}" if names else ""
    if not policy.overlays:
        return {name: locked.identity + allowed for name, locked in inputs.items()}
    from nixprof.lock.flake_lock import digest

    overlays = [(name, inputs[name].identity) for name in policy.overlays if name in inputs]
    return {name: digest(f"{locked.identity} {overlays}") + allowed for name, locked in inputs.items()}


def _allowed(policy: Policy) -> Iterator[str]:
    """Give what a policy allows, one by one: `allow-unfree vscode`, and `allow-unfree` for every package."""
    for key, names in policy.allowed.items():
        if isinstance(names, tuple):
            yield from (f"{key} {name}" for name in names)
        elif names:
            yield key


def _still_holds(before: str, now: str) -> bool:
    """Tell whether the contents are the same and everything that was allowed still is."""
    contents, _, allowed = before.partition(" ")
    contents_now, _, allowed_now = now.partition(" ")
    if contents != contents_now or allowed in ("", allowed_now):
        return contents == contents_now
    allows = json.loads(allowed_now or "[]")
    try:
        return all(name in allows or name.partition(" ")[0] in allows for name in json.loads(allowed))
    except MISSHAPEN:
        return False


def is_resolved(package: Package, system: str, known: LockedPackage | None, fingerprint: str | None) -> bool:
    """Tell whether it is known what a package is on a system, by the fingerprint of its input; None if not locked.

    An output that is not known is asked for again, which ends in a proper refusal.
    """
    resolved = known.systems.get(system) if known else None
    if known is None or resolved is None or package.spec.is_store_path:
        return resolved is not None
    return has_outputs(package, resolved) and _is_fresh(known.hold, resolved, fingerprint, _still_holds)


def has_outputs(package: Package, resolved: Resolved) -> bool:
    """Tell whether the outputs that the list chooses are known."""
    return package.spec.outputs == ("*",) or resolved.outputs.keys() >= set(package.spec.outputs)


def is_held_back(package: Package, system: str, known: LockedPackage | None, fingerprint: str | None) -> bool:
    """Tell whether it is known that a package cannot be had on a system, where it stays at what it was."""
    kept = known.systems.get(system) if known else None
    return bool(kept and has_outputs(package, kept) and is_unavailable(system, known, fingerprint))


def is_unavailable(system: str, known: LockedPackage | None, fingerprint: str | None) -> bool:
    """Tell whether it is known that a package cannot be had on a system. A policy that allows more may change that."""
    why = known.unavailable.get(system) if known else None
    return known is not None and why is not None and _is_fresh(known.hold, why, fingerprint, str.__eq__)


def _is_fresh(
    hold: Hold, found: Resolved | Unavailable, fingerprint: str | None, same: Callable[[str, str], bool]
) -> bool:
    match hold:
        case HeldAt(reference):
            return found.source == reference
        case KeptByPath() if not found.source:
            return True
    return fingerprint is not None and same(found.fingerprint, fingerprint)


@record
class Gap:
    """A package of the list that cannot be had on a system that the list is for."""

    package: Package
    system: str
    why: Unavailable
    kept: Resolved | None  # what it is held back at there; None where it is not installed there at all


def gaps(manifest: Manifest, locked: Mapping[str, LockedPackage], machine: Machine) -> tuple[Gap, ...]:
    """List what systems of a manifest go without, and what no other host can have, in its order."""
    systems = manifest.systems
    found = (gap for system in systems for gap in _gaps(manifest, locked, machine, system))
    wanted = set(had_on(manifest, locked, machine))
    return tuple(gap for gap in found if gap.system != machine.system or gap.package not in wanted)


def held_back(manifest: Manifest, locked: Mapping[str, LockedPackage], machine: Machine) -> tuple[Gap, ...]:
    """List what is held back on this machine, in the order of the manifest."""
    found = _gaps(manifest, locked, machine, machine.system)
    return tuple(gap for gap in found if gap.kept and not gap.package.scope.is_other_host(machine))


def had_on(manifest: Manifest, locked: Mapping[str, LockedPackage], machine: Machine) -> tuple[Package, ...]:
    """Give the packages of a machine, but for those that its system goes without."""
    lacking = {key for key, one in locked.items() if machine.system in one.lacking(manifest.systems)}
    return tuple(package for package in manifest.for_machine(machine) if package.spec.key not in lacking)


def _gaps(manifest: Manifest, locked: Mapping[str, LockedPackage], machine: Machine, system: str) -> Iterator[Gap]:
    for package in packages_of(manifest, system, machine):
        known = locked.get(package.spec.key)
        if known and system in known.unavailable and not (known.systems and package.scope.is_other_host(machine)):
            yield Gap(package, system, known.unavailable[system], known.systems.get(system))


def packages_of(manifest: Manifest, system: str, machine: Machine) -> Iterator[Package]:
    """Go through the packages that have to be resolved for a system, on a machine that may have another one.

    What another host lists is resolved for every system that the list names, as the host may have any of them; a store
    path is one of this machine.
    """
    is_here = system == machine.system
    theirs = set(manifest.for_machine(machine if is_here else Machine(system, str)))
    for package in manifest.packages:
        if package.scope.is_other_host(machine):
            is_wanted = system in manifest.systems and not package.spec.is_store_path
        else:
            is_wanted = package in theirs and (is_here or not package.spec.is_store_path)
        if is_wanted:
            yield package
