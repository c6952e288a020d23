"""How a change flows, the same way for every command that changes something.

    parse → compile → lock → resolve → realise → build → activate

Until everything that the manifest asks for has been built, nothing that the user owns has changed: the generated
folder is put together on a stage.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nixprof.change.activate import Activation, beside, check_profile
from nixprof.change.collision_report import check_collisions
from nixprof.change.commit import commit
from nixprof.change.differences import Change, Kind, compare
from nixprof.change.environment import expected
from nixprof.change.generations import SOURCES, remember
from nixprof.change.process_lock import process_lock
from nixprof.change.refusal import UnresolvableError
from nixprof.change.request import ChangeRequest, Moves
from nixprof.change.staging import Staging
from nixprof.change.state import State, read_draft
from nixprof.errors import NixprofError
from nixprof.files import check_writable, content
from nixprof.lock.freshness import gaps
from nixprof.nix.operations import Nix
from nixprof.nix.system import check_system

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.context import Context
    from nixprof.lock.flake_lock import LockedInput
    from nixprof.lock.freshness import Gap
    from nixprof.lock.packages_json import LockedPackage
    from nixprof.manifest.model import Manifest
    from nixprof.nix.download_plan import DownloadPlan

    Propose = Callable[[Manifest], ChangeRequest]
    Lift = Callable[[UnresolvableError, Manifest], str]


@dataclass(frozen=True, slots=True)
class MovedInput:
    """An input that is locked to another revision than before; `before` is None for a new one."""

    name: str
    before: LockedInput | None
    after: LockedInput


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change comes to, before it happens.

    Attributes:
        manifest: what the user will want.
        locked: everything resolved.
        changes: what becomes of the packages of this machine.
        moved: what becomes of the inputs.
        packages: what the environment will link.
        downloads: what has to be fetched and built for it; None where nothing is missing.
        asked: what was to move forward.
        inputs: what the inputs will be locked to, by name.
        edits: whether the list itself changes.
        gaps: what cannot be had on the other systems that the list is for.
        new_gaps: what of it could be had before, or was not on the list.
        named: the keys of the packages that the user has named in the command.

    """

    manifest: Manifest
    locked: Mapping[str, LockedPackage]
    changes: tuple[Change, ...]
    moved: tuple[MovedInput, ...]
    packages: tuple[EnvironmentEntry, ...]
    downloads: DownloadPlan | None = None
    asked: Moves = field(default_factory=Moves)
    inputs: Mapping[str, LockedInput] = field(default_factory=dict)
    edits: bool = False
    gaps: tuple[Gap, ...] = ()
    new_gaps: tuple[Gap, ...] = ()
    named: frozenset[str] = frozenset()

    @property
    def lost(self) -> tuple[Change, ...]:
        """The packages that go without having been named in the command."""
        return tuple(one for one in self.changes if one.kind is Kind.REMOVED and one.key not in self.named)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes that the user would notice."""
        return not (self.changes or self.moved or self.edits)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change.

    Attributes:
        plan: what was to be done.
        done: whether it was: not for a dry run, nor where the user declined.
        declined: whether the user did.
        generation: the number of the profile's generation now.
        seconds: how long it took.

    """

    plan: Plan
    done: bool
    generation: int | None
    seconds: float
    declined: bool = False


def nothing(manifest: Manifest) -> ChangeRequest:
    """Propose no change."""
    del manifest
    return ChangeRequest()


def always(plan: Plan) -> bool:
    """Confirm everything."""
    del plan
    return True


def refuse(error: UnresolvableError, manifest: Manifest) -> str:
    """Let nothing be lifted that is in the way of a package."""
    del manifest
    raise error


def change(
    context: Context,
    propose: Propose = nothing,
    *,
    template: str | None = None,
    dry_run: bool = False,
    confirm: Callable[[Plan], bool] = always,
    lift: Lift = refuse,
) -> Outcome:
    """Make the machine match the manifest, after a change of it.

    Args:
        context: whose.
        propose: says what to change.
        template: the manifest to begin with where there is none; None where there has to be one.
        dry_run: only plan.
        confirm: asked before anything is fetched or built.
        lift: called where packages are refused: gives the text of the manifest with a policy that allows them, or
            raises.

    Raises: NixprofError; then the manifest, the locks and the profile are as before. ConcurrentChangeError where
        somebody else has changed one of them in the meantime: that change is kept.

    """
    started = time.monotonic()
    manifest = context.folders.manifest

    def patient(plan: Plan) -> bool:
        """Ask, and do not count the time that somebody takes to answer."""
        nonlocal started
        asked = time.monotonic()
        try:
            return confirm(plan)
        finally:
            started += time.monotonic() - asked

    with process_lock(context) as lock, Nix(context.progress, lock, context.folders.state) as nix:
        start = {} if template is None or os.path.lexists(manifest) else {manifest: template.encode()}
        outcome = _attempt(context, nix, start, propose, dry_run=dry_run, confirm=patient, lift=lift)
        return replace(outcome, seconds=time.monotonic() - started)


def _attempt(
    context: Context,
    nix: Nix,
    start: Mapping[Path, bytes],
    propose: Propose,
    *,
    dry_run: bool,
    confirm: Callable[[Plan], bool],
    lift: Lift,
) -> Outcome:
    """Go the whole way.

    Raises: ConcurrentChangeError where the list, the locks or the profile were changed under way.
    """
    check_system(context.machine.system)
    flake = context.folders.flake
    read = {path: content(path) for path in (flake / "packages.json", flake / "flake.lock")}
    before = State(context, start)
    read |= {source.path: None if source.path in start else source.data for source in before.manifest.sources}
    draft = propose(before.manifest)
    files = {**start, **{path: text.encode() for path, text in draft.files.items()}}
    if not dry_run:
        for path in (*files, *(flake / name for name in ("flake.nix", "packages.json", SOURCES))):
            check_writable(path)
    if draft.activates:
        try:
            check_profile(before.profile, draft.elements, agreed=context.agrees)
        except NixprofError as error:
            if not dry_run:
                raise
            context.progress.note(f"without --dry-run this fails: {error.message}")
    manifest = before.manifest_with(files) if files else before.manifest
    with Staging.of(context, nix, manifest, before) as stage:
        stage.adopt(draft.adopted)
        stage.lock_inputs()
        stage.move(draft.moves)
        manifest, draft = _resolve(stage, manifest, draft, lift, dry_run=dry_run)
        plan = _plan(context, manifest, before, draft, stage)
        if dry_run or not confirm(plan):
            return Outcome(plan, done=False, generation=before.generation, seconds=0, declined=not dry_run)
        stage.realise(plan.packages, plan.downloads)
        foreign = beside(before, draft.elements) if draft.activates else ()
        listed = [package.spec.key for package in before.manifest.packages]
        there = before.profile.elements if before.profile else ()
        check_collisions(nix, plan.packages, foreign, listed=listed, there=there, chosen_profile=context.chosen_profile)
        built = stage.build()
        activation = None
        if draft.activates:
            activation = Activation.of(before, draft.elements, plan.packages, built, stage.attribute)

        def activate() -> int | None:
            if activation is None:
                return before.generation
            with context.progress.step("switching the profile"):
                profile = activation.perform(nix, context)
            remember(context, profile.link)
            return profile.generation

        files |= {path: text.encode() for path, text in draft.files.items()}
        generated = {flake / name: data for name, data in stage.files().items()}
        link = before.profile.link if before.profile else context.chosen_profile
        generation = commit(context.folders, link, {**generated, **files}, activate, read)
        return Outcome(plan, done=True, generation=generation, seconds=0)


def _resolve(
    stage: Staging, manifest: Manifest, draft: ChangeRequest, lift: Lift, *, dry_run: bool
) -> tuple[Manifest, ChangeRequest]:
    """Have an answer for every package, if need be with a policy; returns the manifest and the draft with that."""
    while True:
        try:
            stage.resolve(draft.can_be_allowed)
        except UnresolvableError as error:
            draft = replace(draft, files={**draft.files, manifest.path: lift(error, manifest)})
            if not dry_run:
                check_writable(manifest.path)
            manifest = read_draft(manifest.path, {path: text.encode() for path, text in draft.files.items()})
            stage.revise(manifest)
        else:
            return manifest, draft


def _plan(context: Context, manifest: Manifest, before: State, draft: ChangeRequest, stage: Staging) -> Plan:
    """Make out what a change comes to, and note what else is worth knowing of its packages."""
    wanted = manifest.for_machine(context.machine)
    packages = expected(wanted, stage.locked, context.machine.system)
    moved = tuple(
        MovedInput(name, before.inputs.get(name), locked)
        for name, locked in stage.inputs().items()
        if name not in before.inputs or before.inputs[name].identity != locked.identity
    )
    standing = (*(one for one in before.installed if one.key not in draft.renamed), *draft.standing)
    changes = compare(standing, packages)
    found = gaps(manifest, stage.locked, context.machine)
    known = set(map(_named, before.gaps))
    differing = {change.key for change in changes if change.before is not None}
    leaving = standing if differing else ()
    downloads = stage.plan_downloads(packages, leaving)
    for note in dict.fromkeys(stage.notes(downloads)):
        context.progress.note(note)
    return Plan(
        manifest,
        stage.locked,
        changes,
        moved,
        packages,
        downloads,
        draft.moves,
        stage.inputs(),
        bool(draft.files),
        found,
        tuple(gap for gap in found if _named(gap) not in known),
        draft.named,
    )


def _named(gap: Gap) -> tuple[str, str, str]:
    return gap.package.spec.key, gap.system, gap.why.reason
