"""Complete the lock: resolve every package that is not in `packages.json`, by as few evaluations as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.evaluation import ResolveRequest, evaluate
from nixprof.change.failures import UnresolvableError, sentence
from nixprof.change.holdback import HoldBack
from nixprof.change.policy import allow
from nixprof.change.request import ChangeRequest
from nixprof.change.state import read_draft
from nixprof.errors import Reason
from nixprof.files import check_writable
from nixprof.formatting import count
from nixprof.lock.flake_nix import used_inputs
from nixprof.lock.freshness import Gap, LockedManifest
from nixprof.lock.packages_json import FollowsInput, Unavailable
from nixprof.record import replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from nixprof.change.evaluation import ResolvedPackage
    from nixprof.change.failures import Refusal
    from nixprof.change.staging import Staging
    from nixprof.context import Context
    from nixprof.machine import Machine
    from nixprof.manifest.model import Manifest, Package, Scope
    from nixprof.nix.operations import Nix


def requests(manifest: Manifest, machine: Machine) -> Iterator[ResolveRequest]:
    """Go through everything that has to be resolved: for this machine, and for every system of the manifest."""
    index_of = {package: index for index, package in enumerate(manifest.packages)}
    for system in dict.fromkeys((machine.system, *manifest.systems)):
        for package in manifest.for_system(system, machine):
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
        return {one.key: it.derivation for one, it in self.evaluated.items() if one.system == system}

    def complete(
        self, locked: LockedManifest, request: ChangeRequest, holds: HoldBack
    ) -> tuple[LockedManifest, ChangeRequest]:
        """Resolve every package for this machine and for every system of the manifest, or hold it back.

        Where the user allows what is in the way of a package, that is written into the list. Retry until nothing new is
        blocked: a blocked dependency only shows once the package itself is allowed.

        Returns: the manifest and the request with that policy, and with the packages in the lock.

        Raises: UnresolvableError that names every package that cannot be had. What cannot be had on another system is
            noted in the lock, and blocks nothing.

        """
        while True:
            locked, blocked = self._resolve(locked, request, holds)
            if blocked is None:
                return locked, request
            manifest = locked.manifest
            text = allow(blocked, manifest, self._context.allowed)
            if not self._context.dry_run and not request.is_trial:
                check_writable(manifest.path)
            request = replace(request, files={**request.files, manifest.path: text})
            draft = read_draft(manifest.path, {path: text.encode() for path, text in request.files.items()})
            locked = LockedManifest(request.narrowed(draft), locked.lock, locked.machine)

    def _resolve(
        self, locked: LockedManifest, request: ChangeRequest, holds: HoldBack
    ) -> tuple[LockedManifest, UnresolvableError | None]:
        """Resolve what is not resolved yet; returns as well what is in the way on this machine, or may be allowed."""
        manifest, machine, named = locked.manifest, locked.machine, set(request.attempt.typed.values())
        wanted = tuple(requests(manifest, machine))
        tried = tuple(sought(manifest, machine, named, wanted))
        locked, refusals = self._looked_up(*self._unsettled(locked, wanted, named), tried)
        own = set(manifest.for_machine(machine))

        def is_in_the_way(refusal: Refusal) -> bool:
            if refusal.reason in self._context.allowed and refusal.policy:
                return True
            package = refusal.package
            if refusal.systems != (machine.system,) or package not in own:
                # What is named, and no machine can have.
                return package.spec.key in named and not self._is_had(package, locked)
            others = locked.lock.package(package.spec.key).systems.keys() - {machine.system}
            goes_without = machine.system in manifest.systems and package.spec.key not in named and others
            return request.moves.strict or not (goes_without or holds.may_stay(package, machine.system))

        in_the_way = [one for one in refusals if is_in_the_way(one)]
        others = [one for one in refusals if not is_in_the_way(one)]
        locked = self._without(locked, others, wanted, holds)
        if not in_the_way:
            return locked, None
        listed = {} if request.is_trial else self._listed
        return locked, UnresolvableError(in_the_way, locked.lock.inputs, listed, request.attempt)

    def verify(self, locked: LockedManifest) -> tuple[tuple[Gap, ...], tuple[Package, ...]]:
        """Resolve everything for every system that the list is for.

        Returns: what cannot be had on which of them, and what nothing can be told of here. An entry of another host, or
            for none of these systems, cannot be had where no system has it.

        """
        manifest, machine = locked.manifest, locked.machine
        if manifest.systems and machine.system not in manifest.systems:
            machine = machine.with_system(manifest.systems[0])
        wanted = tuple(requests(manifest, machine))
        tried = tuple(sought(manifest, machine, {one.spec.key for one in manifest.packages}, wanted))
        asked = (*wanted, *tried)
        locked, unsettled = self._unsettled(locked, wanted)
        locked, refusals = self._looked_up(locked, unsettled, tried)
        lock = self._without(locked, refusals, asked, HoldBack(locked.lock, ChangeRequest())).lock
        anywhere = {one.package for one in wanted if one.package.scope.is_other_host(machine)}
        anywhere |= {one.package for one in tried}
        found = tuple(
            Gap(one.package, one.system, known.unavailable[one.system], known.systems.get(one.system))
            for one in asked
            if one.system in (known := lock.package(one.key)).unavailable
            and not (one.package in anywhere and self._is_had(one.package, locked))
        )
        told = {one.package for one in asked}
        return found, tuple(package for package in manifest.packages if package not in told)

    def _is_had(self, package: Package, locked: LockedManifest) -> bool:
        """Tell whether any system that an entry may be for has its package."""
        possible = locked.manifest.systems_of(package.scope, locked.machine)
        evaluated = (one.system for one in self.evaluated if one.key == package.spec.key)
        return not {*locked.lock.package(package.spec.key).systems, *evaluated}.isdisjoint(possible)

    def _unsettled(
        self, locked: LockedManifest, wanted: Sequence[ResolveRequest], named: Collection[str] = ()
    ) -> tuple[LockedManifest, list[ResolveRequest]]:
        """Choose what has to be resolved; the lock comes without the holds that have ended."""
        locked = locked.with_lock(locked.lock.let_go(_had_again(wanted, locked)))
        return locked, [one for one in wanted if not self._is_settled(one, locked, named)]

    def _looked_up(
        self, locked: LockedManifest, asked: Sequence[ResolveRequest], tried: Sequence[ResolveRequest]
    ) -> tuple[LockedManifest, list[Refusal]]:
        """Evaluate packages; the lock gets what is asked. What is tried besides only tells whether it exists."""
        everything, lock = (*asked, *tried), locked.lock
        if not everything:
            return locked, []
        refusals = self.evaluate(locked.with_lock(lock.let_go((one.key, one.system) for one in everything)), everything)
        packages = {one.key: lock.package(one.key) for one in asked}
        for one in asked:
            if one in self.evaluated:
                packages[one.key] = packages[one.key].on(one.system, self.evaluated[one].resolved)
        # That an input has nothing for one system says little where another refuses the package itself.
        better = {one.package for one in refusals if one.reason is not Reason.NO_SUCH_SYSTEM}
        better &= {one.package for one in tried}
        told = [one for one in refusals if one.reason is not Reason.NO_SUCH_SYSTEM or one.package not in better]
        return locked.with_lock(lock.with_packages(packages)), told

    def _without(
        self, locked: LockedManifest, refusals: Sequence[Refusal], noted: Sequence[ResolveRequest], holds: HoldBack
    ) -> LockedManifest:
        """Note in the lock why packages cannot be had, and hold them back at what they were."""
        lock = locked.lock
        free = locked.with_lock(lock.let_go((one.package.spec.key, one.systems[0]) for one in refusals))
        places = {(one.package, one.system) for one in noted}
        for refusal in refusals:
            [system] = refusal.systems
            if (refusal.package, system) in places:
                at = free.source_of(refusal.package, system)
                why = Unavailable(refusal.reason.value, sentence(refusal, lock.inputs), *at)
                lock = holds.stay(lock, refusal.package, system, why)
        return locked.with_lock(lock)

    def _is_settled(self, one: ResolveRequest, locked: LockedManifest, named: Collection[str]) -> bool:
        """Tell whether there is nothing to find out about a package, and nothing in its way that is allowed now."""
        why = locked.lock.package(one.key).unavailable.get(one.system)
        if why and why.reason in {reason.value for reason in self._context.allowed}:
            return locked.is_resolved(one.package, one.system)
        return locked.is_settled(one.package, one.system, named)

    def evaluate(self, locked: LockedManifest, asked: Sequence[ResolveRequest]) -> list[Refusal]:
        """Evaluate packages, into `evaluated`; returns why the others cannot be had."""
        manifest, lock = locked.manifest, locked.lock
        used = used_inputs(manifest, lock.packages)
        self._staging.write(manifest, lock)
        number = len({one.package for one in asked})
        from nixprof.index.files import index_files

        indexes = index_files(self._context.folders.cache, locked)
        with (
            self._context.progress.step(f"resolving {count(number, 'package')}"),
            self._staging.naming_inputs(used, lock),
        ):
            here = self._context.machine.system
            evaluated, refusals = evaluate(self._nix, self._staging.folder, asked, locked, indexes, here)
        self.evaluated |= evaluated
        return refusals

    def evaluate_again(self, locked: LockedManifest, keys: Collection[str]) -> dict[ResolveRequest, ResolvedPackage]:
        """Evaluate packages of this machine that are resolved already, to be able to build them.

        Raises: UnresolvableError where one cannot be had any more.
        """
        manifest, machine = locked.manifest, locked.machine
        listed = set(manifest.for_machine(machine))
        here = (one for one in requests(manifest, machine) if one.system == machine.system and one.package in listed)
        asked = [one for one in here if one.key in keys]
        refusals = self.evaluate(locked, asked)
        if refusals:
            raise UnresolvableError(refusals, locked.lock.inputs, self._listed)
        return {one: self.evaluated[one] for one in asked}


def _had_again(wanted: Sequence[ResolveRequest], locked: LockedManifest) -> Iterator[tuple[str, str]]:
    """Go through what is held back at what its input has: a change of the input was taken back."""
    for one in wanted:
        known = locked.lock.package(one.key)
        is_held = one.system in known.unavailable and isinstance(known.hold, FollowsInput)
        if is_held and locked.is_resolved(one.package, one.system):
            yield one.key, one.system
