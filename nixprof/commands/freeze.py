"""`nixprof freeze`: an existing profile becomes the list, and not one store path changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nixprof import flow
from nixprof.commands.init import TEMPLATE
from nixprof.draft import Draft
from nixprof.environment import Linked
from nixprof.errors import NixprofError
from nixprof.flake.packages import read_packages
from nixprof.freeze.decide import Choice, decide, element_names, own_name
from nixprof.freeze.findings import Finding, How, Import
from nixprof.freeze.identify import Nixpkgs, channel, identify
from nixprof.freeze.reading import read_file, read_profile
from nixprof.manifest.edit import NewPackage, add_input, add_packages, comment_packages
from nixprof.manifest.parse import parse_text
from nixprof.match import suggest
from nixprof.nix.command import Nix
from nixprof.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from nixprof.flow import Outcome, Plan
    from nixprof.freeze.identify import Identity
    from nixprof.freeze.reading import Reading
    from nixprof.manifest.model import Manifest
    from nixprof.nix.profile import Element
    from nixprof.state import Project

KEPT_COMMENT = "kept by store path: it is not known what it came from"


@dataclass(frozen=True, slots=True)
class Options:
    """How to freeze.

    Attributes:
        choice: which elements, and at what.
        generation: of the profile; None for the current one.
        file: what to read instead of a profile.
        keep: whether the profile stays as it is.
        comments: whether descriptions become comments.

    """

    choice: Choice = field(default_factory=Choice)
    generation: int | None = None
    file: Path | None = None
    keep: bool = False
    comments: bool = False


@dataclass(frozen=True, slots=True)
class Survey:
    """What freeze found, before it does anything.

    Attributes:
        reading: where the elements come from.
        findings: what becomes of each.
        manifest: the file of the list.
        text: what the list will say.
        listed: how many packages the list will have.

    """

    reading: Reading
    findings: tuple[Finding, ...]
    manifest: Path
    text: str
    listed: int

    @property
    def imports(self) -> tuple[Import, ...]:
        """The elements that become packages of the list."""
        return tuple(one for one in self.findings if isinstance(one, Import))


@dataclass(frozen=True, slots=True)
class Frozen:
    """What `freeze` did; `outcome` is None where there was nothing to do or it was not to be done."""

    survey: Survey
    outcome: Outcome | None


def survey(project: Project, options: Options) -> Survey:
    """Find out what each element is and what the list would become. Changes nothing.

    Raises: NixprofError where there is nothing to read, or a name that the user gave means no element.
    """
    start = _start(project)
    state = State(project, start)
    with Nix(project.progress.nix_said) as nix:
        reading = (
            read_profile(project, nix, options.generation) if options.file is None else read_file(options.file, nix)
        )
        _check_names(options.choice, reading)
        nameless = [one for one in reading.elements if one.label and one.active]
        with project.progress.step("identifying packages"):
            identities = identify(nix, nameless, _sources(state)) if nameless else {}
    return _survey(project, options, reading, identities, state.manifest)


def run(
    project: Project,
    options: Options,
    found: Survey,
    *,
    dry_run: bool = False,
    confirm: Callable[[Plan], bool] = flow.always,
) -> Frozen:
    """Write the list and let one environment take the place of the elements that are on it.

    Args:
        project: whose.
        options: how; the same that `found` was surveyed with.
        found: what the elements are.
        dry_run: only plan.
        confirm: asked before anything changes.

    Raises: NixprofError, with the list and the profile as before.

    """
    if not found.imports:
        return Frozen(found, None)
    identities = _identities(found)

    def propose(manifest: Manifest) -> Draft:
        now = _survey(project, options, found.reading, identities, manifest)
        text = manifest.sources[0].text
        return Draft(
            {manifest.path: now.text} if now.text != text else {},
            adopted={one.spec.key: one.locked for one in now.imports if one.locked},
            elements=_replaced(now),
            standing=tuple(_linked(one) for one in now.imports if one.element.store_paths),
            activates=not options.keep,
        )

    outcome = flow.change(project, propose, dry_run=dry_run, confirm=confirm, template=TEMPLATE)
    return Frozen(found, outcome)


def _start(project: Project) -> Mapping[Path, bytes]:
    manifest = project.places.manifest
    return {} if manifest.exists() else {manifest: TEMPLATE.encode()}


def _survey(
    project: Project,
    options: Options,
    reading: Reading,
    identities: Mapping[Element, Identity],
    manifest: Manifest,
) -> Survey:
    locked = read_packages(project.places.flake / "packages.json")
    findings = decide(reading.elements, manifest, locked, project.machine.system, identities, options.choice)
    imports = [one for one in findings if isinstance(one, Import) and not one.listed]
    text = _written(manifest.sources[0].text, manifest.path, imports, project.machine.system, options)
    return Survey(reading, findings, manifest.path, text, len(manifest.packages) + len(imports))


def _identities(found: Survey) -> dict[Element, Identity]:
    """Take back from a survey what was identified, so that it need not be asked again."""
    from nixprof.freeze.identify import Identity

    return {
        one.element: Identity(
            one.spec.attr_path,
            one.evidence,
            (one.locked.held or "") if one.locked else "",
            one.candidates,
        )
        for one in found.imports
        if one.evidence is not None
    }


def _check_names(choice: Choice, reading: Reading) -> None:
    """Make sure that every name the user gave means an element."""
    known = {name for element in reading.elements for name in element_names(element)}
    for name in (*choice.only, *choice.besides):
        if name not in known:
            raise NixprofError(f"{reading.place} has no {name}", hints=suggest(name, known, "nixprof freeze --only"))


def _sources(state: State) -> list[Nixpkgs]:
    """Give what elements can be looked up in without a download: the locked nixpkgs, and the user's channel."""
    locked = state.inputs.get("nixpkgs")
    found = [Nixpkgs(locked.url, locked.url)] if locked else []
    there = channel()
    return [*found, there] if there else found


def _written(text: str, path: Path, imports: Sequence[Import], system: str, options: Options) -> str:
    """Write the imports into the list."""
    inputs = {one.new_input.name: one.new_input for one in imports if one.new_input and one.how is How.EXACT}
    for new in inputs.values():
        text = add_input(text, new.name, new.url)
    plain = [one for one in imports if one.how is not How.KEPT]
    kept = [one for one in imports if one.how is How.KEPT]
    text = add_packages(text, [NewPackage(str(one.spec), one.priority) for one in plain])
    text = add_packages(text, [NewPackage(str(one.spec), one.priority) for one in kept], ("system", system))
    comments = {one.spec.key: KEPT_COMMENT for one in kept}
    if options.comments:
        comments |= {one.spec.key: one.element.description for one in plain if one.element.description}
    if not comments:
        return text
    places = {
        package.path: comments[package.spec.key]
        for package in parse_text(path, text.encode()).packages
        if package.file == path and package.spec.key in comments
    }
    return comment_packages(text, places)


def _linked(one: Import) -> Linked:
    """Say what an element links now, as a package of the list."""
    element = one.element
    pname, version = own_name(element)
    paths = (one.spec.attr_path[0],) if one.spec.is_store_path else element.store_paths
    return Linked(one.spec.key, pname, version, element.priority, paths)


def _replaced(found: Survey) -> tuple[Element, ...]:
    """Choose the elements of the profile that the environment takes the place of.

    Those that were imported; of another generation or a file, those of the current one that are the same.
    """
    if found.reading.profile is None:
        return ()
    imported = {one.element for one in found.imports}
    paths = {path for element in imported for path in element.store_paths}
    with Nix() as nix:
        current = nix.elements(found.reading.profile)
    return tuple(one for one in current if one in imported or (one.store_paths and paths >= set(one.store_paths)))
