"""Whether `packages.json` still says what a package is, and which packages cannot be had.

An entry stays fresh while its fingerprint does: the locked input with all that it depends on, the overlays, and what
the policy allowed; a policy that allows more changes nothing that was resolved. A package that is held goes by its own
locked reference instead.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.lock.packages_json import HeldAt, KeptByPath
from nixprof.record import record
from nixprof.schema import MISSHAPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from nixprof.lock.lock import Lock
    from nixprof.lock.packages_json import Hold, Resolved, Unavailable
    from nixprof.machine import Machine
    from nixprof.manifest.model import Manifest, Package, Policy


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


@record
class Gap:
    """A package of the list that cannot be had on a system that the list is for."""

    package: Package
    system: str
    why: Unavailable
    kept: Resolved | None  # what it is held back at there; None where it is not installed there at all


class LockedManifest:
    """A manifest with its lock, for a machine: what is resolved, what is held back, and what cannot be had."""

    def __init__(self, manifest: Manifest, lock: Lock, machine: Machine) -> None:
        self._manifest = manifest
        self._lock = lock
        self.machine = machine

    @property
    def manifest(self) -> Manifest:
        """What the user wants."""
        return self._manifest

    @property
    def lock(self) -> Lock:
        """What was resolved."""
        return self._lock

    def with_lock(self, lock: Lock) -> LockedManifest:
        """Give the same manifest with another lock."""
        return LockedManifest(self.manifest, lock, self.machine)

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """The fingerprint of what is resolved from each locked input now, by its name.

        It identifies the contents, and has behind a space what the policy allows as JSON, if anything.
        """
        policy, inputs = self.manifest.policy, self.lock.inputs
        names = sorted(_allowed(policy))
        allowed = f" {json.dumps(names, ensure_ascii=False)}" if names else ""
        if not policy.overlays:
            return {name: locked.identity + allowed for name, locked in inputs.items()}
        from nixprof.lock.flake_lock import digest

        overlays = [(name, inputs[name].identity) for name in policy.overlays if name in inputs]
        return {name: digest(f"{locked.identity} {overlays}") + allowed for name, locked in inputs.items()}

    def is_resolved(self, package: Package, system: str) -> bool:
        """Tell whether it is known what a package is on a system.

        An output that is not known is asked for again, which ends in a proper refusal.
        """
        known = self.lock.package(package.spec.key)
        resolved = known.systems.get(system)
        if resolved is None or package.spec.is_store_path:
            return resolved is not None
        fingerprint = self.fingerprints.get(package.spec.input)
        return has_outputs(package, resolved) and _is_fresh(known.hold, resolved, fingerprint, _still_holds)

    def is_held_back(self, package: Package, system: str) -> bool:
        """Tell whether it is known that a package cannot be had on a system, where it stays at what it was."""
        kept = self.lock.package(package.spec.key).systems.get(system)
        return bool(kept and has_outputs(package, kept) and self.is_unavailable(package, system))

    def is_unavailable(self, package: Package, system: str) -> bool:
        """Tell whether it is known that a package cannot be had on a system. What more is allowed may change that."""
        known = self.lock.package(package.spec.key)
        why, fingerprint = known.unavailable.get(system), self.fingerprints.get(package.spec.input)
        return why is not None and _is_fresh(known.hold, why, fingerprint, str.__eq__)

    def is_settled(self, package: Package, system: str, named: Collection[str] = ()) -> bool:
        """Tell whether it is known what a package is on a system, or that it cannot be had where it may be lacking.

        What is `named`, by its key, has to be had here, whatever this system goes without.
        """
        if self.is_resolved(package, system) or self.is_held_back(package, system):
            return True
        key, is_here = package.spec.key, system == self.machine.system
        goes_without = key not in named and system in self.lock.package(key).lacking(self.manifest.systems)
        may_lack = not is_here or package.scope.is_other_host(self.machine) or goes_without
        return may_lack and self.is_unavailable(package, system)

    def source_of(self, package: Package, system: str) -> tuple[str, str]:
        """Give the locked reference that a package is resolved from on a system, and its fingerprint.

        What is held has none: once it is let go, it has to be resolved again.
        """
        hold = self.lock.package(package.spec.key).hold_on(system)
        if isinstance(hold, HeldAt):
            return hold.reference, ""
        return self.lock.inputs[package.spec.input].url, self.fingerprints[package.spec.input]

    def named(self, name: str, command: str) -> tuple[Package, ...]:
        """Find the entries of the package that a name means, see `find_packages`."""
        from nixprof.manifest.installable import find_packages

        packages = self.lock.packages.items()
        own_names = {key: {resolved.pname for resolved in one.systems.values()} for key, one in packages}
        return find_packages(name, self.manifest, own_names, command)

    def key_of(self, name: str, command: str) -> str | None:
        """Find the key of the package that a name means; None where it means none."""
        try:
            return self.named(name, command)[0].spec.key
        except NixprofError as error:
            if error.reason is Reason.NOT_LISTED:
                return None
            raise

    def entry(self, key: str) -> Package | None:
        """Give the entry that this machine has of a package; None where it has none that is resolved."""
        entries = self.manifest.for_machine(self.machine) if self.resolved(key) else ()
        return next((one for one in entries if one.spec.key == key), None)

    def resolved(self, key: str) -> Resolved | None:
        """Give what a package is on this machine; None where that is not known."""
        return self.lock.package(key).systems.get(self.machine.system)

    @cached_property
    def wanted(self) -> tuple[Package, ...]:
        """The packages of the manifest that apply to this machine, but for those that its system goes without."""
        packages, systems = self.lock.packages, self.manifest.systems
        lacking = {key for key, one in packages.items() if self.machine.system in one.lacking(systems)}
        return tuple(one for one in self.manifest.for_machine(self.machine) if one.spec.key not in lacking)

    @cached_property
    def unresolved(self) -> frozenset[Package]:
        """What has to be resolved first for this machine, at what the inputs are locked to now."""
        packages, system = self.manifest.for_machine(self.machine), self.machine.system
        return frozenset(package for package in packages if not self.is_settled(package, system))

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """What systems that the list is for go without, and what no other host can have, in the order of the list."""
        found = (gap for system in self.manifest.systems for gap in self._gaps(system))
        wanted, here = set(self.wanted), self.machine.system
        return tuple(gap for gap in found if gap.system != here or gap.package not in wanted)

    @cached_property
    def held(self) -> tuple[Gap, ...]:
        """What is held back on this machine, in the order of the list."""
        found = (gap for gap in self._gaps(self.machine.system) if gap.kept and gap.package not in self.unresolved)
        return tuple(gap for gap in found if not gap.package.scope.is_other_host(self.machine))

    def _gaps(self, system: str) -> Iterator[Gap]:
        for package in self.manifest.for_system(system, self.machine):
            known = self.lock.package(package.spec.key)
            may_be_had = known.systems and package.scope.is_other_host(self.machine)
            if system in known.unavailable and not may_be_had:
                yield Gap(package, system, known.unavailable[system], known.systems.get(system))


def has_outputs(package: Package, resolved: Resolved) -> bool:
    """Tell whether the outputs that the list chooses are known."""
    return package.spec.outputs == ("*",) or resolved.outputs.keys() >= set(package.spec.outputs)


def _is_fresh(
    hold: Hold, found: Resolved | Unavailable, fingerprint: str | None, same: Callable[[str, str], bool]
) -> bool:
    match hold:
        case HeldAt(reference):
            return found.source == reference
        case KeptByPath() if not found.source:
            return True
    return fingerprint is not None and same(found.fingerprint, fingerprint)
