"""How a change flows, the same way for every command that changes something.

    begin → read → edit → plan (lock, resolve) → confirm → apply (realise, check collisions, commit)

Until everything that the manifest asks for is in the store, nothing that the user owns has changed: the generated
folder is put together in a staging folder.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nixprof.change.activate import Activation, check_profile, free_priority, remaining, replaced
from nixprof.change.causes import explained
from nixprof.change.collision_report import check_collisions
from nixprof.change.commit import commit
from nixprof.change.confirmation import Proposal, confirmed, loss, question, risk_of
from nixprof.change.differences import Kind, compare
from nixprof.change.environment import expected
from nixprof.change.failures import PackagesError
from nixprof.change.generations import SOURCES, remember
from nixprof.change.hints import renaming
from nixprof.change.holdback import HoldBack, check_nothing_held, told
from nixprof.change.plan import MovedInput, Outcome, Plan
from nixprof.change.probe import Probe
from nixprof.change.process_lock import process_lock
from nixprof.change.realise import Realisation, plan_downloads
from nixprof.change.registry_pin import moved_pin
from nixprof.change.request import ChangeRequest
from nixprof.change.resolve import Resolver, requests
from nixprof.change.staging import Staging, generated
from nixprof.change.state import State
from nixprof.errors import NixprofError, Reason
from nixprof.files import cannot_write, check_writable, content, private_folder, scratch_folder, unused
from nixprof.lock.freshness import LockedManifest
from nixprof.manifest.parse import parse
from nixprof.manifest.problems import ManifestError
from nixprof.nix.profile import USUAL_PRIORITY
from nixprof.nix.system import check_system

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from nixprof.change.differences import Change
    from nixprof.change.failures import Failure
    from nixprof.context import Context
    from nixprof.lock.freshness import Gap
    from nixprof.lock.lock import Lock
    from nixprof.manifest.model import Manifest, Package
    from nixprof.nix.download_plan import DownloadPlan
    from nixprof.nix.operations import Nix
    from nixprof.nix.profile import Element


@contextmanager
def begin(
    context: Context,
    template: str | None = None,
    repaired: bytes | None = None,
    received: tuple[Mapping[Path, bytes], Lock] | None = None,
) -> Iterator[Transaction]:
    """Take the lock against other nixprofs and read how things stand.

    Args:
        context: whose packages.
        template: the manifest to begin with where there is none; None where there has to be one.
        repaired: the manifest to begin with where the one that is there has mistakes.
        received: the files of a list that takes the place of the one that is there, and its lock.

    """
    started = time.monotonic()
    with (
        process_lock(context) as lock,
        context.nix(lock) as nix,
        scratch_folder(context.folders.state) as scratch,
    ):
        check_system(context.machine.system)
        files, known = received or (_begin_with(context, template, repaired), None)
        yield Transaction(context, nix, scratch, files, known, started)


class Transaction:
    """A change under way: no other nixprof changes anything, and this one has not changed anything yet."""

    def __init__(
        self,
        context: Context,
        nix: Nix,
        scratch: Path,
        begin_with: Mapping[Path, bytes],
        lock: Lock | None,
        started: float,
    ) -> None:
        """Begin, see `begin`; `begin_with` is read instead of what is there, and `lock` instead of the one there."""
        flake = context.folders.flake
        self._context = context
        self._nix = nix
        self._started = started
        self._begin_with = begin_with
        read = (*begin_with, flake / "packages.json", flake / "flake.lock")
        self._read = {path: content(path) for path in read}  # to know what somebody else changes meanwhile
        self.before = State(context, begin_with, lock)
        kept = context.folders.data / "before-merge" / time.strftime("%Y-%m-%d-%H%M%S")
        self._copy = unused(kept) if self.before.lock.merged else None
        for source in self.before.manifest.sources:
            self._read.setdefault(source.path, source.data)
        folder, self._roots = scratch / "flake", scratch / "roots"
        folder.mkdir()
        self._roots.mkdir()
        self._staging = Staging(context, nix, folder, {one.name for one in self.manifest.inputs})
        self._resolver = Resolver(context, nix, self._staging, self.manifest.places)

    @property
    def manifest(self) -> Manifest:
        """What the user wants so far."""
        return self.before.manifest

    def probe(self) -> Probe:
        """Ask what the inputs have, without a change."""
        return Probe(self._nix, self._staging, self.before)

    def verify(self) -> tuple[tuple[Gap, ...], tuple[Package, ...]]:
        """Resolve the list for every system and host that it is for, without a change; see `Resolver.verify`."""
        self._nix.builds = False
        lock = _known(self.before.lock, self.manifest, ChangeRequest(), self._context)
        return self._resolver.verify(self.before.with_lock(self._staging.lock_inputs(self.manifest, lock)))

    def carry_out(self, request: ChangeRequest) -> Outcome:
        """Plan a change, ask, and apply it; of a dry run, only plan it.

        Raises: NixprofError; then the manifest, the locks and the profile are as before. ConcurrentChangeError where
            somebody else has changed one of them in the meantime: that change is kept.
        """
        return self.finish(self.plan(request))

    def finish(self, plan: Plan, proposal: Proposal | None = None) -> Outcome:
        """Ask, by a proposal of the command's own where it has one, and apply a plan; see `carry_out`."""
        asked = time.monotonic()
        proposal = proposal or Proposal(plan, question(plan), risk_of(plan), loss(plan))
        agreed = not self._context.dry_run and confirmed(self._context, proposal)
        answered = time.monotonic()
        if not agreed:
            return Outcome(
                plan, done=False, generation=self.before.generation, seconds=0, declined=not self._context.dry_run
            )
        plan, generation = self.apply(plan)
        seconds = time.monotonic() - self._started - (answered - asked)
        return Outcome(plan, done=True, generation=generation, seconds=seconds)

    def plan(self, request: ChangeRequest) -> Plan:
        """Find out what a change comes to: lock inputs and resolve packages, in the staging folder."""
        before, context = self.before, self._context
        self._nix.builds = request.installs
        self._check(request)
        manifest = before.manifest_with(self._texts(request)) if request.files else before.manifest
        manifest = request.narrowed(manifest)
        holds = HoldBack(before.lock, request)
        lock = holds.begin(_known(before.lock, manifest, request, context))
        lock = self._staging.lock_inputs(manifest, lock)
        lock = self._staging.move(manifest, lock, request.moves)
        gone = {name: one for name, one in self._staging.staying.items() if one.reason is not Reason.TOO_NEW}
        asked = [one for one in requests(manifest, context.machine) if one.package.spec.input in gone]
        after = holds.stay_with_input(LockedManifest(manifest, lock, context.machine), asked, gone)
        after, request = self._resolver.complete(after, request, holds)
        plan = self._planned(after, request, holds)
        unbuilt = self._unbuilt(plan, holds)
        if unbuilt:
            plan = self._planned(holds.stay_after_all(after, unbuilt), request, holds)
        if request.moves.strict:
            check_nothing_held([gap for gap in plan.after.held if gap.package.spec.input in request.moves.inputs])
        for note in dict.fromkeys(self._notes(plan.downloads)):
            context.progress.note(note)
        return plan

    def _planned(self, after: LockedManifest, request: ChangeRequest, holds: HoldBack) -> Plan:
        """Say what a change comes to with everything resolved."""
        before, context, lock = self.before, self._context, after.lock
        packages = expected(after.wanted if request.installs else (), lock.packages, context.machine.system)
        installed = before.installed if request.installs and not request.is_trial else ()
        standing = (*(one for one in installed if one.key not in request.renamed), *request.standing)
        changes = compare(standing, packages)
        leaving = standing if any(one.before is not None for one in changes) else ()
        downloads = plan_downloads(context, self._nix, packages, leaving, self._resolver.evaluated, holds.failed)
        changes = explained(self._nix, changes, standing, packages, self._resolver.derivations, lock.changelogs)
        known = set(map(_identity, before.gaps))
        new_gaps = tuple(gap for gap in after.gaps if _identity(gap) not in known)
        moved = tuple(_moved_inputs(before.lock, lock))
        staying = tuple(self._staging.staying.values())
        late = tuple(self._late(request, changes))
        return Plan(
            request,
            after,
            changes,
            moved,
            packages,
            downloads,
            new_gaps,
            staying,
            late,
            self._copy,
        )

    def _late(self, request: ChangeRequest, changes: Sequence[Change]) -> Iterator[str]:
        """Name what a command that edits the list installs besides, as the list had it before."""
        listed = {package.spec.key: package for package in self.manifest.for_machine(self._context.machine)}
        for change in changes if request.files else ():
            if change.kind is Kind.ADDED and change.key in listed and change.key not in request.named:
                yield listed[change.key].written

    def _unbuilt(self, plan: Plan, holds: HoldBack) -> dict[Package, Failure]:
        """Choose the packages that have moved and are not to be built here."""
        if not plan.downloads or not plan.downloads.built:
            return {}
        machine, derivations = self._context.machine, self._resolver.derivations
        moved = {
            package: derivations[package.spec.key]
            for package in plan.after.manifest.for_machine(machine)
            if package.spec.key in derivations and holds.has_moved(plan.after.lock, package, machine.system)
        }
        return holds.unbuilt(moved, plan.downloads, plan.after.manifest.update.build)

    def apply(self, plan: Plan) -> tuple[Plan, int | None]:
        """Fetch and build what is missing, and commit. What turns out not to be had is held back.

        Returns: the plan as it was carried out, and the number of the generation.

        """
        while True:
            try:
                return plan, self._carry_through(plan)
            except PackagesError as error:
                plan = self._without(plan, error)

    def _carry_through(self, plan: Plan) -> int | None:
        """Fetch and build what is missing, and commit. Return the number of the generation.

        What is on the disk usually is in the store, and Nix protects what it links: nothing is asked then.
        """
        context, before = self._context, self.before
        realisation = Realisation(context, self._nix, self._roots, before.installed, plan, self._resolver)
        if plan.request.activates and not realisation.missing:
            try:
                return self._commit(plan)
            except NixprofError as error:
                if error.changed or not realisation.invalid():
                    raise
        realisation.perform()
        return self._commit(plan)

    def try_out(self, plan: Plan, roots: Path) -> None:
        """Fetch and build what a trial needs, and change nothing.

        Args:
            plan: of the trial.
            roots: gets links that protect it from garbage collection.

        """
        Realisation(self._context, self._nix, roots, (), plan, self._resolver).perform()

    def _without(self, plan: Plan, error: PackagesError) -> Plan:
        """Plan the same without the packages that cannot be had.

        Raises: the error, where that would not help.
        """
        holds, machine = HoldBack(self.before.lock, plan.request), self._context.machine
        packages = {package.spec.key: package for package in plan.after.manifest.for_machine(machine)}
        failures: dict[Package, Failure] = {}
        for group in error.groups:
            moved = {
                packages[key]: failure
                for key, failure in group.items()
                if holds.has_moved(plan.after.lock, packages[key], machine.system)
            }
            if not moved or plan.request.moves.strict:
                raise error
            failures |= moved
        for line in told(failures):
            self._context.progress.note(line)
        return self._planned(holds.stay_after_all(plan.after, failures), plan.request, holds)

    def _shares_files(self, plan: Plan) -> bool:
        """Check collisions. Return whether packages share files with what else is in the profile."""
        before = self.before
        return check_collisions(
            self._nix,
            plan.packages,
            self._foreign(plan),
            before=before.environments,
            listed=[package.spec.key for package in before.manifest.packages],
            there=before.profile.elements if before.profile else (),
            chosen_profile=self._context.chosen_profile,
        )

    def _foreign(self, plan: Plan) -> tuple[Element, ...]:
        """Give what stays in the profile beside the environment."""
        leaving = replaced(self.before, plan.request.elements)
        return remaining(self.before.profile, leaving) if plan.request.activates else ()

    def _commit(self, plan: Plan) -> int | None:
        """Check collisions, write the files and switch the profile. Return the number of the generation."""
        before, context, request = self.before, self._context, plan.request
        shares_files = self._shares_files(plan)
        flake = generated(plan.after.manifest, plan.after.lock)
        activation = None
        if request.activates:
            leaving = replaced(before, request.elements)
            priority = free_priority(self._foreign(plan)) if shares_files else USUAL_PRIORITY
            is_current = before.has_environment(plan.packages, flake)
            attribute = _attribute(plan.after.manifest, context)
            activation = Activation(before.profile, leaving, plan.packages, is_current, attribute, priority)
        link = before.profile.link if before.profile else context.chosen_profile
        files = {context.folders.flake / name: data for name, data in flake.items()} | self._texts(request)
        files = self._copies() | moved_pin(context.folders, plan.after.lock.flake_lock) | files
        return commit(context.folders, link, files, lambda: self._activate(activation), self._read)

    def _copies(self) -> dict[Path, bytes]:
        """Give the locks that are merged as they were, by where they are kept."""
        if self._copy is None:
            return {}
        with cannot_write(self._copy):
            private_folder(self._context.folders.data)
        return {self._copy / one.path.name: one.text for one in self.before.lock.merged}

    def _texts(self, request: ChangeRequest) -> dict[Path, bytes]:
        """Give the files of the manifest that change."""
        return {**self._begin_with, **{path: text.encode() for path, text in request.files.items()}}

    def _check(self, request: ChangeRequest) -> None:
        """Make sure that everything can be written and the profile can be changed; a dry run only says so."""
        flake = self._context.folders.flake
        if not self._context.dry_run and not request.is_trial:
            for path in (*self._texts(request), *(flake / name for name in ("flake.nix", "packages.json", SOURCES))):
                check_writable(path)
        if not request.activates:
            return
        try:
            check_profile(self.before.profile, request.elements, agreed=self._context.agrees)
        except NixprofError as error:
            if not self._context.dry_run:
                raise
            self._context.progress.note(f"without --dry-run this fails: {error.message}")

    def _activate(self, activation: Activation | None) -> int | None:
        """Let the profile follow, if it shall. Return the number of its generation."""
        if activation is None:
            return self.before.generation
        with self._context.progress.step("switching the profile"):
            profile = activation.perform(self._nix, self._context)
        remember(self._context, profile.link)
        return profile.generation

    def _notes(self, downloads: DownloadPlan | None) -> Iterator[str]:
        """Say what else is worth knowing of what was resolved: new names, and caches for what has to be built."""
        built: dict[tuple[Sequence[str], Sequence[str]], list[str]] = {}
        for request, package in self._resolver.evaluated.items():
            if package.new_name:
                yield renaming(request.package, package.new_name)
            if downloads and package.derivation in downloads.built and package.substituters:
                built.setdefault((package.substituters, package.trusted_keys), []).append(request.package.written)
        for (substituters, keys), names in built.items():
            yield f"{', '.join(names)} may be in a cache that the flake names; in nix.conf:"
            yield f"  extra-substituters = {' '.join(substituters)}"
            if keys:
                yield f"  extra-trusted-public-keys = {' '.join(keys)}"


def _begin_with(context: Context, template: str | None, repaired: bytes | None) -> dict[Path, bytes]:
    """Choose what to read instead of the manifest that is there, see `begin`."""
    path = context.folders.manifest
    if template is not None and not os.path.lexists(path):
        return {path: template.encode()}
    if repaired is not None:
        try:
            parse(path)
        except ManifestError:
            return {path: repaired}
    return {}


def _known(lock: Lock, manifest: Manifest, request: ChangeRequest, context: Context) -> Lock:
    """Give what is known of the packages of a manifest before Nix is asked."""
    lock = lock.for_manifest(manifest)
    adopted = {key: one.with_systems(lock.package(key).systems) for key, one in request.adopted.items()}
    wanted: dict[str, set[str]] = {}
    for one in requests(manifest, context.machine):
        wanted.setdefault(one.key, set()).add(one.system)
    known = {**lock.packages, **adopted}
    return lock.with_packages({key: one.kept_for(wanted.get(key, set())) for key, one in known.items()})


def _moved_inputs(before: Lock, after: Lock) -> Iterator[MovedInput]:
    for name, locked in after.inputs.items():
        known = before.inputs.get(name)
        if known is None or known.identity != locked.identity:
            yield MovedInput(name, known, locked)


def _attribute(manifest: Manifest, context: Context) -> str:
    """Name the environment of this machine among the outputs of the flake."""
    machine = context.machine
    if any(package.scope.kind == "host" and package.scope.applies(machine) for package in manifest.packages):
        return f"hosts.{machine.host}.nixprof"
    return "nixprof"


def _identity(gap: Gap) -> tuple[str, str, str]:
    return gap.package.spec.key, gap.system, gap.why.reason
