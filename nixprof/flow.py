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

from nixprof.activate import Activation, beside, check_profile
from nixprof.answers import gaps
from nixprof.changes import Change, Kind, compare
from nixprof.draft import Draft, Moves
from nixprof.environment import expected
from nixprof.errors import NixprofError
from nixprof.exclusive import exclusive
from nixprof.files import check_writable, content
from nixprof.generations import SOURCES, remember
from nixprof.machine import check_system
from nixprof.nix.command import Nix
from nixprof.refusal import UnresolvableError
from nixprof.remedies import check_collisions
from nixprof.stage import Stage
from nixprof.state import Project, State, read_draft
from nixprof.transaction import commit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nixprof.answers import Gap
    from nixprof.environment import Linked
    from nixprof.flake.inputs import LockedInput
    from nixprof.flake.packages import LockedPackage
    from nixprof.manifest.model import Manifest
    from nixprof.nix.weight import Weight

    Propose = Callable[[Manifest], Draft]
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
        weight: what has to be fetched and built for it; None where nothing is missing.
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
    packages: tuple[Linked, ...]
    weight: Weight | None = None
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


def nothing(manifest: Manifest) -> Draft:
    """Propose no change."""
    del manifest
    return Draft()


def always(plan: Plan) -> bool:
    """Confirm everything."""
    del plan
    return True


def refuse(error: UnresolvableError, manifest: Manifest) -> str:
    """Let nothing be lifted that is in the way of a package."""
    del manifest
    raise error


def change(
    project: Project,
    propose: Propose = nothing,
    *,
    template: str | None = None,
    dry_run: bool = False,
    confirm: Callable[[Plan], bool] = always,
    lift: Lift = refuse,
) -> Outcome:
    """Make the machine match the manifest, after a change of it.

    Args:
        project: whose.
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
    manifest = project.places.manifest

    def patient(plan: Plan) -> bool:
        """Ask, and do not count the time that somebody takes to answer."""
        nonlocal started
        asked = time.monotonic()
        try:
            return confirm(plan)
        finally:
            started += time.monotonic() - asked

    with exclusive(project) as lock, Nix(project.progress, lock, project.places.state) as nix:
        start = {} if template is None or os.path.lexists(manifest) else {manifest: template.encode()}
        outcome = _attempt(project, nix, start, propose, dry_run=dry_run, confirm=patient, lift=lift)
        return replace(outcome, seconds=time.monotonic() - started)


def _attempt(
    project: Project,
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
    check_system(project.machine.system)
    flake = project.places.flake
    read = {path: content(path) for path in (flake / "packages.json", flake / "flake.lock")}
    before = State(project, start)
    read |= {source.path: None if source.path in start else source.data for source in before.manifest.sources}
    draft = propose(before.manifest)
    files = {**start, **{path: text.encode() for path, text in draft.files.items()}}
    if not dry_run:
        for path in (*files, *(flake / name for name in ("flake.nix", "packages.json", SOURCES))):
            check_writable(path)
    if draft.activates:
        try:
            check_profile(before.profile, draft.elements, agreed=project.agrees)
        except NixprofError as error:
            if not dry_run:
                raise
            project.progress.note(f"without --dry-run this fails: {error.message}")
    manifest = before.manifest_with(files) if files else before.manifest
    with Stage.of(project, nix, manifest, before) as stage:
        stage.adopt(draft.adopted)
        stage.lock_inputs()
        stage.move(draft.moves)
        manifest, draft = _resolve(stage, manifest, draft, lift, dry_run=dry_run)
        plan = _plan(project, manifest, before, draft, stage)
        if dry_run or not confirm(plan):
            return Outcome(plan, done=False, generation=before.generation, seconds=0, declined=not dry_run)
        stage.realise(plan.packages, plan.weight)
        foreign = beside(before, draft.elements) if draft.activates else ()
        listed = [package.spec.key for package in before.manifest.packages]
        there = before.profile.elements if before.profile else ()
        check_collisions(nix, plan.packages, foreign, listed=listed, there=there, chosen_profile=project.chosen_profile)
        built = stage.build()
        activation = None
        if draft.activates:
            activation = Activation.of(before, draft.elements, plan.packages, built, stage.attribute)

        def activate() -> int | None:
            if activation is None:
                return before.generation
            with project.progress.step("switching the profile"):
                profile = activation.perform(nix, project)
            remember(project, profile.link)
            return profile.generation

        files |= {path: text.encode() for path, text in draft.files.items()}
        generated = {flake / name: data for name, data in stage.files().items()}
        link = before.profile.link if before.profile else project.chosen_profile
        generation = commit(project.places, link, {**generated, **files}, activate, read)
        return Outcome(plan, done=True, generation=generation, seconds=0)


def _resolve(stage: Stage, manifest: Manifest, draft: Draft, lift: Lift, *, dry_run: bool) -> tuple[Manifest, Draft]:
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


def _plan(project: Project, manifest: Manifest, before: State, draft: Draft, stage: Stage) -> Plan:
    """Make out what a change comes to, and note what else is worth knowing of its packages."""
    wanted = manifest.for_machine(project.machine)
    packages = expected(wanted, stage.locked, project.machine.system)
    moved = tuple(
        MovedInput(name, before.inputs.get(name), locked)
        for name, locked in stage.inputs().items()
        if name not in before.inputs or before.inputs[name].identity != locked.identity
    )
    standing = (*(one for one in before.installed if one.key not in draft.renamed), *draft.standing)
    changes = compare(standing, packages)
    found = gaps(manifest, stage.locked, project.machine)
    known = set(map(_named, before.gaps))
    differing = {change.key for change in changes if change.before is not None}
    leaving = standing if differing else ()
    weight = stage.weigh(packages, leaving)
    for note in dict.fromkeys(stage.notes(weight)):
        project.progress.note(note)
    return Plan(
        manifest,
        stage.locked,
        changes,
        moved,
        packages,
        weight,
        draft.moves,
        stage.inputs(),
        bool(draft.files),
        found,
        tuple(gap for gap in found if _named(gap) not in known),
        draft.named,
    )


def _named(gap: Gap) -> tuple[str, str, str]:
    return gap.package.spec.key, gap.system, gap.why.reason
