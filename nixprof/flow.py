"""How a change flows, the same way for every command that changes something.

    parse → compile → lock → resolve → realise → build → activate

Until everything that the manifest asks for has been built, nothing that the user owns has changed: the generated
folder is put together on a stage.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nixprof.activate import Activation, check_collisions, check_profile
from nixprof.changes import Change, compare
from nixprof.draft import Draft
from nixprof.environment import expected
from nixprof.exclusive import exclusive
from nixprof.files import check_writable, content, contents, replace_file, restore
from nixprof.interrupts import uninterrupted
from nixprof.nix.command import Nix
from nixprof.stage import Stage
from nixprof.state import Project, State, read_draft

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nixprof.environment import Linked
    from nixprof.flake.inputs import LockedInput
    from nixprof.flake.packages import LockedPackage
    from nixprof.manifest.model import Manifest

    Propose = Callable[[Manifest], Draft]


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

    """

    manifest: Manifest
    locked: Mapping[str, LockedPackage]
    changes: tuple[Change, ...]
    moved: tuple[MovedInput, ...]
    packages: tuple[Linked, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change.

    Attributes:
        plan: what was to be done.
        done: whether it was: not for a dry run, nor where the user declined.
        generation: the number of the profile's generation now.
        seconds: how long it took.

    """

    plan: Plan
    done: bool
    generation: int | None
    seconds: float


def nothing(manifest: Manifest) -> Draft:
    """Propose no change."""
    del manifest
    return Draft()


def always(plan: Plan) -> bool:
    """Confirm everything."""
    del plan
    return True


def change(
    project: Project,
    propose: Propose = nothing,
    *,
    template: str | None = None,
    dry_run: bool = False,
    confirm: Callable[[Plan], bool] = always,
) -> Outcome:
    """Make the machine match the manifest, after a change of it.

    Args:
        project: whose.
        propose: says what to change; called again where the user has changed the manifest in the meantime.
        template: the manifest to begin with where there is none; None where there has to be one.
        dry_run: only plan.
        confirm: asked before anything is fetched or built.

    Raises: NixprofError; then the manifest, the locks and the profile are as before.

    """
    started = time.monotonic()
    manifest = project.places.manifest
    with exclusive(project), Nix(project.progress.nix_said) as nix:
        while True:
            start = {} if template is None or manifest.exists() else {manifest: template.encode()}
            outcome = _attempt(project, nix, start, propose, dry_run=dry_run, confirm=confirm)
            if outcome is not None:
                return replace(outcome, seconds=time.monotonic() - started)
            project.progress.note("the manifest was changed meanwhile: starting again with it")


def _attempt(
    project: Project,
    nix: Nix,
    start: Mapping[Path, bytes],
    propose: Propose,
    *,
    dry_run: bool,
    confirm: Callable[[Plan], bool],
) -> Outcome | None:
    """Go the whole way once; None where the manifest has changed under way."""
    before = State(project, start)
    on_disk = {source.path: content(source.path) for source in before.manifest.sources}
    draft = propose(before.manifest)
    files = {**start, **{path: text.encode() for path, text in draft.files.items()}}
    if not dry_run:
        for path in (*files, project.places.flake / "flake.nix"):
            check_writable(path)
        if draft.activates:
            check_profile(before.profile, draft.elements)
    manifest = read_draft(project.places.manifest, files) if files else before.manifest
    with Stage.of(project, nix, manifest, before) as stage:
        stage.adopt(draft.adopted)
        stage.lock_inputs()
        stage.move(draft.moves)
        stage.resolve()
        plan = _plan(project, manifest, before, draft, stage)
        if dry_run or not confirm(plan):
            return Outcome(plan, done=False, generation=before.generation, seconds=0)
        stage.realise(plan.packages)
        check_collisions(plan.packages)
        built = stage.build()
        activation = None
        if draft.activates:
            activation = Activation.of(nix, before, draft.elements, plan.packages, built, stage.attribute)
        if any(data != content(path) for path, data in on_disk.items()):
            return None
        with uninterrupted():
            generation = _commit(project, nix, stage, files, activation) or before.generation
        return Outcome(plan, done=True, generation=generation, seconds=0)


def _plan(project: Project, manifest: Manifest, before: State, draft: Draft, stage: Stage) -> Plan:
    wanted = manifest.for_machine(project.machine.system, project.machine.host)
    packages = expected(wanted, stage.locked, project.machine.system)
    moved = tuple(
        MovedInput(name, before.inputs.get(name), locked)
        for name, locked in stage.inputs().items()
        if name not in before.inputs or before.inputs[name].identity != locked.identity
    )
    return Plan(manifest, stage.locked, compare((*before.installed, *draft.standing), packages), moved, packages)


def _commit(
    project: Project, nix: Nix, stage: Stage, files: Mapping[Path, bytes], activation: Activation | None
) -> int | None:
    """Write the generated folder, then the manifest, and let the profile follow where it has to.

    A stop between two of the files leaves a mixture from which the next `sync` derives everything anew; the manifest
    is last, so that what it asks for has been built by then.

    Returns: the generation of the profile.
    """
    flake = project.places.flake
    new = {flake / name: data for name, data in stage.files().items()} | dict(files)
    old = contents(new)
    try:
        for path, data in new.items():
            if old[path] != data:
                replace_file(path, data)
        if activation is None:
            return None
        with project.progress.step("switching the profile"):
            return activation.perform(nix, project)
    except BaseException:
        restore({path: data for path, data in old.items() if data != new[path]})
        raise
