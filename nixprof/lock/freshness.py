"""Whether `packages.json` still answers what a package is, and what it has no answer for on other systems.

An answer holds while its basis does: the locked input with all that it depends on, the overlays, and what the policy
allowed; a policy that allows more than it did changes no answer. A package that is held goes by its own locked
reference instead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof.schema import MISSHAPEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nixprof.lock.flake_lock import LockedInput
    from nixprof.lock.packages_json import LockedPackage, Resolved, Unavailable
    from nixprof.machine import Machine
    from nixprof.manifest.model import Manifest, Package, Policy


def fingerprints(manifest: Manifest, inputs: Mapping[str, LockedInput]) -> dict[str, str]:
    """Give what an answer from each input rests on, by the name of the input, for `is_answered`.

    Returns: for each what identifies its contents, and behind a space as JSON what the policy allows, if anything.

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


def _holds(before: str, now: str) -> bool:
    """Tell whether an answer that rests on one basis still holds on another."""
    contents, _, allowed = before.partition(" ")
    contents_now, _, allowed_now = now.partition(" ")
    if contents != contents_now or allowed in ("", allowed_now):
        return contents == contents_now
    allows = json.loads(allowed_now or "[]")
    try:
        return all(name in allows or name.partition(" ")[0] in allows for name in json.loads(allowed))
    except MISSHAPEN:
        return False


def is_answered(package: Package, system: str, locked: Mapping[str, LockedPackage], fingerprint: str | None) -> bool:
    """Say whether it is known what a package is on a system, at what its input is locked to now.

    An output that is not known is asked for again, which ends in a proper refusal.

    Args:
        package: an entry of the manifest.
        system: where.
        locked: what `packages.json` has, by key.
        fingerprint: what an answer has to rest on; None where the input is not locked.

    """
    known = locked.get(package.spec.key)
    resolved = known.systems.get(system) if known else None
    if known is None or resolved is None:
        return False
    if package.spec.is_store_path:
        return True
    chosen_exist = package.spec.outputs == ("*",) or resolved.outputs.keys() >= set(package.spec.outputs)
    return chosen_exist and (
        resolved.source == known.held
        if _goes_by_hold(resolved, known)
        else fingerprint is not None and _holds(resolved.fingerprint, fingerprint)
    )


def is_known_unavailable(
    package: Package, system: str, locked: Mapping[str, LockedPackage], fingerprint: str | None
) -> bool:
    """Say whether it is known that a package cannot be had on a system; the arguments are those of `is_answered`.

    A policy that allows more may change that.
    """
    known = locked.get(package.spec.key)
    why = known.unavailable.get(system) if known else None
    if known is None or why is None:
        return False
    return why.source == known.held if _goes_by_hold(why, known) else why.fingerprint == fingerprint


def _goes_by_hold(answer: Resolved | Unavailable, known: LockedPackage) -> bool:
    """Tell whether an answer goes by the reference that the package is held at.

    One of unknown source is held where it is installed; elsewhere it goes with its input.
    """
    return known.held is not None and not (known.held == "" and answer.source)


@dataclass(frozen=True, slots=True)
class Gap:
    """A package of the list that cannot be had on another system that the list is for."""

    package: Package
    system: str
    why: Unavailable


def gaps(manifest: Manifest, locked: Mapping[str, LockedPackage], machine: Machine) -> tuple[Gap, ...]:
    """List what cannot be had on the other systems of a manifest, in its order."""
    return tuple(
        Gap(package, system, known.unavailable[system])
        for system in manifest.systems
        for package in packages_of(manifest, system, machine)
        for known in (locked.get(package.spec.key),)
        if system != machine.system and known and system in known.unavailable
    )


def packages_of(manifest: Manifest, system: str, machine: Machine) -> Iterator[Package]:
    """Go through the packages that have to be resolved for a system, on a machine that may have another one.

    What another host lists is left to that host; a store path is one of this machine.
    """
    for package in manifest.for_machine(machine.with_system(system)):
        if system == machine.system or not (package.scope.kind == "host" or package.spec.is_store_path):
            yield package
