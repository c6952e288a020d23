"""`nixprof freeze`: an existing profile becomes the list, and not one store path changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nixprof import flow
from nixprof.commands.init import TEMPLATE
from nixprof.draft import Draft
from nixprof.environment import Linked
from nixprof.errors import NixprofError
from nixprof.exclusive import warn
from nixprof.freeze.decide import Choice, Ground, decide, element_names, is_untouched, own_name
from nixprof.freeze.findings import Finding, How, Import
from nixprof.freeze.identify import Identified, Nixpkgs, channel, identify
from nixprof.freeze.reading import Kind, read_file, read_profile
from nixprof.manifest.edit import NewPackage, add_input, add_packages, comment_packages, replace_packages
from nixprof.manifest.parse import parse_text
from nixprof.match import suggest
from nixprof.nix.command import Nix
from nixprof.state import State
from nixprof.words import display_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from nixprof.flow import Outcome, Plan
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
        identified: what the elements without an attribute path are.
        manifest: the file of the list.
        texts: what the files of the list will say, as far as they change.
        text: what `manifest` will say.
        listed: how many packages the list will have for this machine.

    """

    reading: Reading
    findings: tuple[Finding, ...]
    identified: Identified
    manifest: Path
    texts: Mapping[Path, str]
    text: str
    listed: int

    @property
    def imports(self) -> tuple[Import, ...]:
        """The elements that become packages of the list."""
        return tuple(one for one in self.findings if isinstance(one, Import))

    @property
    def elements(self) -> tuple[Element, ...]:
        """Those elements."""
        return tuple(dict.fromkeys(element for one in self.imports for element in one.elements))


@dataclass(frozen=True, slots=True)
class Frozen:
    """What `freeze` did; `outcome` is None where there was nothing to do or it was not to be done."""

    survey: Survey
    outcome: Outcome | None


def survey(project: Project, options: Options) -> Survey:
    """Find out what each element is and what the list would become. Changes nothing.

    Raises: NixprofError where there is nothing to read, or a name that the user gave means no element.
    """
    warn(project)
    manifest = project.places.manifest
    state = State(project, {} if manifest.exists() else {manifest: TEMPLATE.encode()})
    reading = read_profile(project, options.generation) if options.file is None else read_file(options.file)
    _check_names(options.choice, reading)
    return _survey(options, reading, _identify(project, options, state, reading), state)


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

    def propose(manifest: Manifest) -> Draft:
        state = State(project, {source.path: source.data for source in manifest.sources})
        now = _survey(options, found.reading, found.identified, state)
        taken = _taken(now, state)
        return Draft(
            now.texts,
            adopted={one.spec.key: one.locked for one in now.imports if one.locked},
            elements=tuple(dict.fromkeys(element for _, elements in taken for element in elements)),
            standing=tuple(_linked(one, elements, state) for one, elements in taken if elements),
            activates=not options.keep,
        )

    outcome = flow.change(project, propose, dry_run=dry_run, confirm=confirm, template=TEMPLATE)
    return Frozen(found, outcome)


def _survey(options: Options, reading: Reading, identified: Identified, state: State) -> Survey:
    manifest, machine = state.manifest, state.machine
    ground = Ground(manifest, state.locked, machine.system, machine.host, here=reading.kind is not Kind.FILE)
    findings = decide(reading.elements, ground, identified.identities, options.choice)
    imports = [one for one in findings if isinstance(one, Import)]
    before = manifest.texts()
    after = _written(before, manifest.path, imports, machine.system, options)
    texts = {path: text for path, text in after.items() if text != before[path]}
    listed = len(state.wanted) + sum(one.entry is None for one in imports)
    return Survey(reading, findings, identified, manifest.path, texts, after[manifest.path], listed)


def _identify(project: Project, options: Options, state: State, reading: Reading) -> Identified:
    """Find out what the elements without an attribute path are, of those that the user wants."""
    choice = options.choice
    unknown = [
        element
        for element in reading.elements
        if element.active
        and not element.attr_path
        and (element.label or element.store_paths)
        and not is_untouched(element)
        and (not choice.only or element_names(element) & set(choice.only))
    ]
    if not unknown:
        return Identified({})
    with Nix(project.progress) as nix, project.progress.step("identifying packages"):
        return identify(nix, unknown, _sources(state))


def _check_names(choice: Choice, reading: Reading) -> None:
    """Make sure that every name the user gave means an element."""
    known = {name for element in reading.elements for name in element_names(element)}
    for option, names in (("--only", choice.only), ("--except", choice.besides)):
        for name in names:
            if name not in known:
                hints = suggest(name, known, f"nixprof freeze {option}")
                raise NixprofError(f"{display_path(reading.place)} has no {name}", hints=hints)


def _sources(state: State) -> list[Nixpkgs]:
    """Give what elements can be looked up in without a download: the locked nixpkgs, and the user's channel."""
    locked = state.inputs.get("nixpkgs")
    found = [Nixpkgs(locked.url, locked.url)] if locked else []
    there = channel()
    return [*found, there] if there else found


def _written(
    texts: Mapping[Path, str], path: Path, imports: Sequence[Import], system: str, options: Options
) -> dict[Path, str]:
    """Write the imports into the files of the list; what is new into the file at `path`."""
    written = dict(texts)
    for file in texts:
        entries = {
            one.entry.path: _entry(one) for one in imports if one.rewrites and one.entry and one.entry.file == file
        }
        if entries:
            written[file] = replace_packages(written[file], entries)
    new = [one for one in imports if one.entry is None]
    text = written[path]
    for one in {one.new_input.name: one.new_input for one in new if one.new_input}.values():
        text = add_input(text, one.name, one.url)
    here = [one for one in new if one.elsewhere or one.how is How.KEPT]
    for table, those in (((), [one for one in new if one not in here]), (("system", system), here)):
        if those:
            text = add_packages(text, [_entry(one) for one in those], table)
    written[path] = _commented(text, path, new, options)
    return written


def _entry(one: Import) -> NewPackage:
    return NewPackage(str(one.spec), one.priority, bool(one.entry and one.entry.pin))


def _commented(text: str, path: Path, new: Sequence[Import], options: Options) -> str:
    """Say of what is kept by its store path that it is, and of the rest what it is, where that is wanted."""
    comments = {one.spec.key: KEPT_COMMENT for one in new if one.how is How.KEPT}
    if options.comments:
        comments |= {one.spec.key: one.element.description for one in new if one.element.description}
    if not comments:
        return text
    packages = parse_text(path, text.encode()).packages
    return comment_packages(
        text,
        {each.path: comments[each.spec.key] for each in packages if each.file == path and each.spec.key in comments},
    )


def _taken(found: Survey, state: State) -> list[tuple[Import, tuple[Element, ...]]]:
    """Find the elements of the profile that each import takes the place of.

    For a profile that was read as it is now, those that were imported; for another generation or a file, those that
    are of the same package.
    """
    exactly = found.reading.kind is Kind.CURRENT
    by_identity: dict[object, list[Element]] = {}
    for element in state.profile.elements if state.profile else ():
        for identity in _identities_of(element, exactly=exactly):
            by_identity.setdefault(identity, []).append(element)
    taken = []
    for one in found.imports:
        identities = [each for element in one.elements for each in _identities_of(element, exactly=exactly)]
        taken.append((one, tuple(dict.fromkeys(there for each in identities for there in by_identity.get(each, ())))))
    return taken


def _identities_of(element: Element, *, exactly: bool) -> tuple[object, ...]:
    """Give what makes an element the same package as another: the same attribute, or the same store paths."""
    if exactly:
        return (element,)
    found: list[object] = [frozenset(element.store_paths)] if element.store_paths else []
    if element.attr_path:
        found.append((element.attr_path, element.outputs, element.original_url))
    elif element.label:
        found.append(own_name(element)[0])
    return tuple(found)


def _linked(one: Import, elements: Sequence[Element], state: State) -> Linked:
    """Say what elements link now, as a package of the list."""
    paths = tuple(path for element in elements for path in element.store_paths)
    if one.spec.is_store_path:
        paths = tuple(path for path in paths if path == one.spec.attr_path[0])
    pname, version = own_name(elements[0])
    known = one.locked or state.locked.get(one.spec.key)
    resolved = known.systems.get(state.machine.system) if known else None
    if resolved and set(paths) <= set(resolved.outputs.values()):
        pname, version = resolved.pname, resolved.version
    return Linked(one.spec.key, pname, version, elements[0].priority, paths)
