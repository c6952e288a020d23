"""Complete the lock: resolve every package that is not in `packages.json`, by as few evaluations as possible."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nixprof.change.evaluation import ResolveRequest, evaluate, source_of
from nixprof.change.failures import UnresolvableError, sentence
from nixprof.change.holdback import HoldBack
from nixprof.change.policy import allow
from nixprof.change.request import ChangeRequest
from nixprof.change.state import read_draft
from nixprof.errors import Reason
from nixprof.files import check_writable
from nixprof.formatting import count
from nixprof.lock.flake_nix import used_inputs
from nixprof.lock.freshness import (
    Gap,
    fingerprints,
    is_held_back,
    is_resolved,
    is_unavailable,
    packages_of,
)
from nixprof.lock.packages_json import FollowsInput, Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence

    from nixprof.change.evaluation import ResolvedPackage
    from nixprof.change.failures import Refusal
    from nixprof.change.staging import Staging
    from nixprof.context import Context
    from nixprof.lock.lock import Lock
    from nixprof.machine import Machine
    from nixprof.manifest.model import Manifest, Package, Scope
    from nixprof.nix.operations import Nix


def requests(manifest: Manifest, machine: Machine) -> Iterator[ResolveRequest]:
    """Go through everything that has to be resolved: for this machine, and for every system of the manifest."""
    index_of = {package: index for index, package in enumerate(manifest.packages)}
    for system in dict.fromkeys((machine.system, *manifest.systems)):
        for package in packages_of(manifest, system, machine):
            yield ResolveRequest(index_of[package], package, system)


def sought(
    manifest: Manifest, machine: Machine, keys: Collection[str], resolved: Iterable[ResolveRequest]
) -> Iterator[ResolveRequest]:
    """Go through packages that are for none of the systems that are resolved, for every system that may have them.

    So it can be told whether there is such a package at all, on whatever machine the list is edited.
    """
    known = {one.package for one in resolved}
    for index, package in enumerate(manifest.packages):
        if package.spec.key in keys and package not in known and not package.spec.is_store_path:
            for system in manifest.systems_of(package.scope, machine):
                yield ResolveRequest(index, package, system)


class Resolver:
    """Completes the lock of one change."""

    def __init__(self, context: Context, nix: Nix, staging: Staging, listed: Mapping[str, Collection[Scope]]) -> None:
        """Begin; `listed` says where each package, by its key, is on the user's list already."""
        self.evaluated: dict[ResolveRequest, ResolvedPackage] = {}  # all that was evaluated
        self._context = context
        self._nix = nix
        self._staging = staging
        self._listed = listed

    @property
    def derivations(self) -> dict[str, str]:
        """What builds packages for this machine, by key, as far as they were evaluated; empty for a store path."""
        system = self._context.machine.system
        return {one.package.spec.key: it.derivation for one, it in self.evaluated.items() if one.system == system}

    def complete(
        self, manifest: Manifest, lock: Lock, request: ChangeRequest, holds: HoldBack
    ) -> tuple[Manifest, Lock, ChangeRequest]:
        """Resolve every package for this machine and for every system of the manifest, or hold it back.

        Where the user allows what is in the way of a package, that is written into the list. Retry until nothing new is
        blocked: a blocked dependency only shows once the package itself is allowed.

        Returns: the manifest and the request with that policy, and the lock with the packages.

        Raises: UnresolvableError that names every package that cannot be had. What cannot be had on another system is
            noted in the lock, and blocks nothing.

        """
        while True:
            lock, blocked = self._resolve(manifest, lock, request, holds)
            if blocked is None:
                return manifest, lock, request
            text = allow(blocked, manifest, self._context.allowed)
            if not self._context.dry_run and not request.is_trial:
                check_writable(manifest.path)
            request = replace(request, files={**request.files, manifest.path: text})
            draft = read_draft(manifest.path, {path: text.encode() for path, text in request.files.items()})
            manifest = request.narrowed(draft)

    def _resolve(
        self, manifest: Manifest, lock: Lock, request: ChangeRequest, holds: HoldBack
    ) -> tuple[Lock, UnresolvableError | None]:
        """Resolve what is not resolved yet; returns as well what is in the way on this machine, or may be allowed."""
        machine, named = self._context.machine, set(request.attempt.typed.values())
        wanted = tuple(requests(manifest, machine))
        lock, asked = self._unsettled(manifest, lock, wanted, named)
        tried = tuple(sought(manifest, machine, named, wanted))
        lock, refusals = self._looked_up(manifest, lock, asked, tried)
        own = set(manifest.for_machine(machine))

        def is_in_the_way(refusal: Refusal) -> bool:
            if refusal.reason in self._context.allowed and refusal.policy:
                return True
            package = refusal.package
            if refusal.systems != (machine.system,) or package not in own:
                # What is named, and no machine can have.
                return package.spec.key in named and not self._is_had(package, manifest, lock)
            others = lock.package(package.spec.key).systems.keys() - {machine.system}
            goes_without = machine.system in manifest.systems and package.spec.key not in named and others
            return request.moves.strict or not (goes_without or holds.may_stay(package, machine.system))

        in_the_way = [one for one in refusals if is_in_the_way(one)]
        others = [one for one in refusals if not is_in_the_way(one)]
        lock = self._without(manifest, lock, others, wanted, holds)
        if not in_the_way:
            return lock, None
        listed = {} if request.is_trial else self._listed
        return lock, UnresolvableError(in_the_way, lock.inputs, listed, request.attempt)

    def verify(self, manifest: Manifest, lock: Lock) -> tuple[tuple[Gap, ...], tuple[Package, ...]]:
        """Resolve everything for every system that the list is for.

        Returns: what cannot be had on which of them, and what nothing can be told of here. An entry of another host, or
            for none of these systems, cannot be had where no system has it.

        """
        machine = self._context.machine
        if manifest.systems and machine.system not in manifest.systems:
            machine = machine.with_system(manifest.systems[0])
        wanted = tuple(requests(manifest, machine))
        tried = tuple(sought(manifest, machine, {one.spec.key for one in manifest.packages}, wanted))
        lock, unsettled = self._unsettled(manifest, lock, wanted)
        lock, refusals = self._looked_up(manifest, lock, unsettled, tried)
        lock = self._without(manifest, lock, refusals, (*wanted, *tried), HoldBack(lock, ChangeRequest()))
        asked = (*wanted, *tried)
        anywhere = {one.package for one in wanted if one.package.scope.is_other_host(machine)} | {
            one.package for one in tried
        }
        found = tuple(
            Gap(one.package, one.system, known.unavailable[one.system], known.systems.get(one.system))
            for one in asked
            if one.system in (known := lock.package(one.package.spec.key)).unavailable
            and not (one.package in anywhere and self._is_had(one.package, manifest, lock))
        )
        told = {one.package for one in asked}
        return found, tuple(package for package in manifest.packages if package not in told)

    def _is_had(self, package: Package, manifest: Manifest, lock: Lock) -> bool:
        """Tell whether any system that an entry may be for has its package."""
        possible = manifest.systems_of(package.scope, self._context.machine)
        had = lock.package(package.spec.key).systems.keys() | {
            one.system for one in self.evaluated if one.package.spec.key == package.spec.key
        }
        return not had.isdisjoint(possible)

    def _unsettled(
        self, manifest: Manifest, lock: Lock, wanted: Sequence[ResolveRequest], named: Collection[str] = ()
    ) -> tuple[Lock, list[ResolveRequest]]:
        """Choose what has to be resolved; the lock comes without the holds that have ended."""
        fingerprint_of = fingerprints(manifest, lock.inputs)
        lock = lock.let_go(self._had_again(wanted, lock, fingerprint_of))
        # What is named has to be had here, whatever this system goes without.
        known = ((key, one) for key, one in lock.packages.items() if key not in named)
        lacking = {(key, system) for key, one in known for system in one.lacking(manifest.systems)}
        return lock, [one for one in wanted if not self._is_settled(one, lock, fingerprint_of, lacking)]

    def _looked_up(
        self, manifest: Manifest, lock: Lock, asked: Sequence[ResolveRequest], tried: Sequence[ResolveRequest]
    ) -> tuple[Lock, list[Refusal]]:
        """Evaluate packages; the lock gets what is asked. What is tried besides only tells whether it exists."""
        everything = (*asked, *tried)
        if not everything:
            return lock, []
        free = lock.let_go((one.package.spec.key, one.system) for one in everything)
        refusals = self.evaluate(manifest, free, everything)
        packages = {one.package.spec.key: lock.package(one.package.spec.key) for one in asked}
        for one in asked:
            if one in self.evaluated:
                key = one.package.spec.key
                packages[key] = packages[key].on(one.system, self.evaluated[one].resolved)
        # That an input has nothing for one system says little where another refuses the package itself.
        better = {one.package for one in refusals if one.reason is not Reason.NO_SUCH_SYSTEM}
        better &= {one.package for one in tried}
        told = [one for one in refusals if one.reason is not Reason.NO_SUCH_SYSTEM or one.package not in better]
        return lock.with_packages(packages), told

    def _without(
        self,
        manifest: Manifest,
        lock: Lock,
        refusals: Sequence[Refusal],
        noted: Sequence[ResolveRequest],
        holds: HoldBack,
    ) -> Lock:
        """Note in the lock why packages cannot be had, and hold them back at what they were."""
        fingerprint_of = fingerprints(manifest, lock.inputs)
        free = lock.let_go((one.package.spec.key, one.systems[0]) for one in refusals)
        places = {(one.package, one.system) for one in noted}
        for refusal in refusals:
            [system] = refusal.systems
            if (refusal.package, system) in places:
                at = source_of(refusal.package, system, free, fingerprint_of)
                why = Unavailable(refusal.reason.value, sentence(refusal, lock.inputs), *at)
                lock = holds.stay(lock, refusal.package, system, why)
        return lock

    @staticmethod
    def _had_again(
        wanted: Sequence[ResolveRequest], lock: Lock, fingerprint_of: Mapping[str, str]
    ) -> Iterator[tuple[str, str]]:
        """Go through what is held back at what its input has: a change of the input was taken back."""
        for one in wanted:
            known, fingerprint = lock.package(one.package.spec.key), fingerprint_of.get(one.package.spec.input)
            is_held = one.system in known.unavailable and isinstance(known.hold, FollowsInput)
            if is_held and is_resolved(one.package, one.system, known, fingerprint):
                yield one.package.spec.key, one.system

    def _is_settled(
        self, one: ResolveRequest, lock: Lock, fingerprint_of: Mapping[str, str], lacking: Container[tuple[str, str]]
    ) -> bool:
        """Tell whether a package is resolved, or is held back, or is known to be unavailable where that may be.

        `lacking` are the keys of what systems go without, each with the system.
        """
        key, fingerprint = one.package.spec.key, fingerprint_of.get(one.package.spec.input)
        known = lock.packages.get(key)
        if is_resolved(one.package, one.system, known, fingerprint):
            return True
        machine = self._context.machine
        may_lack = (
            one.system != machine.system or one.package.scope.is_other_host(machine) or (key, one.system) in lacking
        )
        is_known = may_lack and is_unavailable(one.system, known, fingerprint)
        if not is_known and not is_held_back(one.package, one.system, known, fingerprint):
            return False
        allowed = {reason.value for reason in self._context.allowed}
        return known is not None and known.unavailable[one.system].reason not in allowed

    def evaluate(self, manifest: Manifest, lock: Lock, asked: Sequence[ResolveRequest]) -> list[Refusal]:
        """Evaluate packages, into `evaluated`; returns why the others cannot be had."""
        declared = [one.name for one in manifest.inputs]
        used = used_inputs(manifest, lock.packages)
        self._staging.write(manifest, lock)
        number = len({one.package for one in asked})
        from nixprof.index.files import index_files

        folder, fingerprint_of = self._staging.folder, fingerprints(manifest, lock.inputs)
        indexes = index_files(self._context.folders.cache, manifest, lock.inputs, self._context.machine.system)
        with (
            self._context.progress.step(f"resolving {count(number, 'package')}"),
            self._staging.naming_inputs(used, lock),
        ):
            evaluated, refusals = evaluate(self._nix, folder, asked, lock, fingerprint_of, declared, indexes)
        self.evaluated |= evaluated
        return refusals

    def evaluate_again(
        self, manifest: Manifest, lock: Lock, keys: Collection[str]
    ) -> dict[ResolveRequest, ResolvedPackage]:
        """Evaluate packages of this machine that are resolved already, to be able to build them.

        Raises: UnresolvableError where one cannot be had any more.
        """
        system = self._context.machine.system
        everything = requests(manifest, self._context.machine)
        listed = set(manifest.for_machine(self._context.machine))
        asked = [
            one for one in everything if one.system == system and one.package in listed and one.package.spec.key in keys
        ]
        refusals = self.evaluate(manifest, lock, asked)
        if refusals:
            raise UnresolvableError(refusals, lock.inputs, self._listed)
        return {one: self.evaluated[one] for one in asked}
