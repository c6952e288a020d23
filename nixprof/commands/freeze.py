"""`nixprof freeze`: an existing profile becomes the list, and not one store path changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nixprof.change.environment import EnvironmentEntry
from nixprof.change.flow import always, begin
from nixprof.change.process_lock import warn
from nixprof.change.request import ChangeRequest
from nixprof.change.state import State, read_draft
from nixprof.commands.init import template
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import display_path, shell_quote
from nixprof.importers.decide import Choice, Ground, chosen, decide, element_names, is_untouched, own_name
from nixprof.importers.findings import Evidence, Finding, How, Import
from nixprof.importers.identify import Identified, Nixpkgs, channel, identify
from nixprof.importers.origin import is_locked
from nixprof.importers.reading import KEPT_COMMENT_START, Kind, read_file, read_list, read_profile
from nixprof.manifest.edit import (
    NewPackage,
    add_input,
    add_packages,
    comment_packages,
    remove_package,
    replace_packages,
    uncomment_packages,
)
from nixprof.manifest.find import suggest
from nixprof.manifest.parse import parse_text
from nixprof.manifest.spec import DEFAULT_INPUT
from nixprof.nix.operations import Nix
from nixprof.nix.registry import registry
from nixprof.nix.source import is_here
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from nixprof.change.flow import Outcome, Plan
    from nixprof.context import Context
    from nixprof.importers.identify import Identity, Unasked
    from nixprof.importers.reading import Reading
    from nixprof.manifest.model import Manifest, Package
    from nixprof.nix.profile import Element

KEPT_COMMENT = f"{KEPT_COMMENT_START}: source unknown"


@dataclass(frozen=True, slots=True)
class Options:
    """How to freeze.

    Attributes:
        choice: which elements, and at what.
        generation: of the profile; None for the current one.
        file: what to read instead of a profile.
        keep: whether the profile stays as it is.
        comments: whether descriptions become comments.
        identify: whether to go over what the list keeps by store path, instead of a profile.
        offline: whether nothing may be downloaded to look packages up.

    """

    choice: Choice = field(default_factory=Choice)
    generation: int | None = None
    file: Path | None = None
    keep: bool = False
    comments: bool = False
    identify: bool = False
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Lookup:
    """What looking elements up came to.

    Attributes:
        identities: what the elements without an attribute path are.
        untold: how many of them could not be told.
        asked: whether there was a nixpkgs to look them up in.
        downloaded: whether it was downloaded for that.
        later: the command that looks up what could not be told; empty where that would tell no more.
        unasked: attributes, or whole package sets, that cannot be evaluated.

    """

    identities: Mapping[Element, Identity] = field(default_factory=dict)
    untold: int = 0
    asked: bool = True
    downloaded: bool = False
    later: str = ""
    unasked: tuple[Unasked, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """What freeze found, before it does anything.

    Attributes:
        reading: where the elements come from.
        findings: what becomes of each.
        lookup: what the elements without an attribute path are.
        manifest: the file of the list.
        texts: what the files of the list will say, as far as they change.
        text: what `manifest` will say.
        listed: how many packages the list will have for this machine.

    """

    reading: Reading
    findings: tuple[Finding, ...]
    lookup: Lookup
    manifest: Path
    texts: Mapping[Path, str]
    text: str
    listed: int

    @property
    def imports(self) -> tuple[Import, ...]:
        """The elements that become packages of the list."""
        return tuple(one for one in self.findings if isinstance(one, Import) and not self.stays(one))

    def stays(self, one: Import) -> bool:
        """Tell whether something is only what the list keeps by store path, and still does."""
        return self.reading.kind is Kind.LIST and one.how is How.KEPT

    @property
    def elements(self) -> tuple[Element, ...]:
        """Those elements."""
        return tuple(dict.fromkeys(element for one in self.imports for element in one.elements))


@dataclass(frozen=True, slots=True)
class Frozen:
    """What `freeze` did; `outcome` is None where there was nothing to do or it was not to be done."""

    survey: Survey
    outcome: Outcome | None


def survey(context: Context, options: Options, agree: Callable[[int], bool] = lambda _: False) -> Survey:
    """Find out what each element is and what the list would become. Changes nothing.

    Args:
        context: whose.
        options: how to freeze.
        agree: asked whether to download a nixpkgs to look up so many packages.

    Raises: NixprofError where there is nothing to read, or a name that the user gave means no element.

    """
    warn(context)
    manifest = context.folders.manifest
    state = State(context, {} if manifest.exists() else {manifest: template(context.machine.system).encode()})
    reading = _read(context, options, state)
    _check_names(options, reading)
    return _survey(options, reading, _look_up(context, options, state, reading, agree), state)


def _read(context: Context, options: Options, state: State) -> Reading:
    if options.identify:
        return read_list(state)
    return read_profile(context, options.generation) if options.file is None else read_file(options.file)


def run(
    context: Context,
    options: Options,
    found: Survey,
    *,
    dry_run: bool = False,
    confirm: Callable[[Plan], bool] = always,
) -> Frozen:
    """Write the list and let one environment take the place of the elements that are on it.

    Args:
        context: whose.
        options: how; the same that `found` was surveyed with.
        found: what the elements are.
        dry_run: only plan.
        confirm: asked before anything changes.

    Raises: NixprofError, with the list and the profile as before.

    """
    if not found.imports:
        return Frozen(found, None)

    with begin(context, template(context.machine.system)) as change:
        request = _request(options, found, change.before)
        return Frozen(found, change.carry_out(request, dry_run=dry_run, confirm=confirm))


def _request(options: Options, found: Survey, state: State) -> ChangeRequest:
    reading = read_list(state) if options.identify else found.reading
    now = _survey(options, reading, found.lookup, state)
    adopted = {one.spec.key: one.locked for one in now.imports if one.locked}
    if options.identify:
        return ChangeRequest(
            now.texts,
            adopted=adopted,
            standing=tuple(_linked(one, one.elements, state) for one in now.imports),
            renamed=frozenset(path for element in now.elements for path in element.store_paths),
            activates=not options.keep,
        )
    taken = _taken(now, state)
    return ChangeRequest(
        now.texts,
        adopted=adopted,
        elements=tuple(dict.fromkeys(element for _, elements in taken for element in elements)),
        standing=tuple(_linked(one, elements, state) for one, elements in taken if elements),
        named=frozenset(one.spec.key for one in now.imports),
        activates=not options.keep,
    )


def _survey(options: Options, reading: Reading, lookup: Lookup, state: State) -> Survey:
    manifest, machine = state.manifest, state.machine
    here = reading.kind is not Kind.FILE
    ground = Ground(
        manifest,
        state.locked,
        machine,
        here=here,
        registry=registry() if here else {},
        looked_up=lookup.asked,
    )
    findings = decide(reading.elements, ground, lookup.identities, options.choice)
    imports = [one for one in findings if isinstance(one, Import)]
    before = manifest.texts()
    if reading.kind is Kind.LIST:
        after = _with_names(manifest, imports, ground)
    else:
        after = _written(before, manifest.path, imports, machine.system, options)
    texts = {path: text for path, text in after.items() if text != before[path]}
    now = read_draft(manifest.path, {path: text.encode() for path, text in after.items()})
    listed = len(now.for_machine(machine))
    return Survey(reading, findings, lookup, manifest.path, texts, after[manifest.path], listed)


def _look_up(
    context: Context, options: Options, state: State, reading: Reading, agree: Callable[[int], bool]
) -> Lookup:
    """Find out what the elements without an attribute path are, of those that the user wants.

    They are looked up in what is on this machine; where nothing is, or the user wants to know more, in the nixpkgs of
    the list, if the user agrees to the download.
    """
    unknown = [
        element
        for element in chosen(reading.elements, options.choice)
        if element.active
        and not element.attr_path
        and (element.label or element.store_paths)
        and not is_untouched(element)
    ]
    if not unknown:
        return Lookup()
    sources = _sources(state)
    with Nix(context.progress) as nix:
        with context.progress.step("identifying packages"):
            # What is not on this machine needs a nixpkgs to be made from, even where its file is known.
            near = sources or reading.kind is not Kind.FILE
            told = identify(nix, unknown, sources) if near else Identified({})
        found, unasked = dict(told.identities), told.unasked
        broken = {one.source for one in unasked if not one.attribute}
        asked = not all(source.place in broken for source in sources)
        missing = [element for element in unknown if element not in found]
        if not missing or (asked and not options.identify):
            return Lookup(found, len(missing), unasked=unasked)
        if not options.offline and agree(len(missing)):
            try:
                # What was only guessed so far may turn out to be sure, or something else.
                unsure = [one for one in unknown if one in missing or found[one].evidence is not Evidence.SAME_PATH]
                told = identify(nix, unsure, [_fetched(context, nix, state)])
                found |= told.identities
                missing = [element for element in unknown if element not in found]
                return Lookup(found, len(missing), downloaded=True, unasked=(*unasked, *told.unasked))
            except NixprofError as error:
                context.progress.note(f"packages could not be looked up: {error.message}")
    return Lookup(found, len(missing), asked, later=_command_for_later(context, reading), unasked=unasked)


def _fetched(context: Context, nix: Nix, state: State) -> Nixpkgs:
    """Have the nixpkgs of the list in the store, at the revision that it is locked to, if it is."""
    locked = state.inputs.get(DEFAULT_INPUT)
    url = locked.url if locked else next(one.url for one in state.manifest.inputs if one.name == DEFAULT_INPUT)
    with context.progress.step("fetching nixpkgs, to look packages up"):
        reference = nix.locked_reference(url)
    return Nixpkgs(reference, reference if is_locked(reference) else "")


def _command_for_later(context: Context, reading: Reading) -> str:
    """Give the command that looks up what could not be told now: where nothing is written, the same with a yes."""
    written = {"--dry-run", "-n", "--stdout"}.isdisjoint(context.arguments)
    if reading.kind is not Kind.FILE and written:
        profile = ("--profile", str(context.chosen_profile)) if context.chosen_profile else ()
        return " ".join(map(shell_quote, ("nixprof", "freeze", "--identify", "--yes", *profile)))
    words = [word for word in context.arguments if word not in ("--offline", "--dry-run", "-n", "--yes", "-y")]
    return " ".join(map(shell_quote, ("nixprof", *words, "--yes")))


def _check_names(options: Options, reading: Reading) -> None:
    """Make sure that every name the user gave means an element."""
    known = {name for element in reading.elements for name in element_names(element)}
    command = "nixprof freeze --identify" if options.identify else "nixprof freeze"
    for option, names in (("--only", options.choice.only), ("--except", options.choice.besides)):
        for name in names:
            if name not in known:
                hints = suggest(name, known, f"{command} {option}")
                raise NixprofError(
                    f"{display_path(reading.place)} has no {excerpt(name)}", Reason.NOT_INSTALLED, hints=hints
                )


def _sources(state: State) -> list[Nixpkgs]:
    """Give what elements can be looked up in without a download: the locked nixpkgs, and the user's channel."""
    locked = state.inputs.get(DEFAULT_INPUT)
    found = [Nixpkgs(locked.url, locked.url)] if locked and is_here(locked.url) else []
    there = channel()
    return [*found, there] if there else found


def _with_names(manifest: Manifest, imports: Sequence[Import], ground: Ground) -> dict[Path, str]:
    """Write what entries that are store paths turned out to be, in their places and with the user's comments."""
    entries: dict[str, list[Package]] = {}
    for entry in manifest.packages:
        if entry.scope.applies(ground.machine):
            entries.setdefault(entry.spec.key, []).append(entry)
    texts = manifest.texts()
    named: dict[Path, dict[tuple[str | int, ...], NewPackage]] = {path: {} for path in texts}
    gone: list[Package] = []
    for one in imports:
        if one.how is How.KEPT:
            continue
        lists = set()
        for entry in (entry for element in one.elements for entry in entries[element.store_paths[0]]):
            # One in each list that has it, unless one is there already.
            if one.entry or (entry.file, entry.path[:-1]) in lists:
                gone.append(entry)
            else:
                named[entry.file][entry.path] = NewPackage(str(one.spec), entry.priority, entry.pin)
            lists.add((entry.file, entry.path[:-1]))
    for path, new in named.items():
        if new:
            texts[path] = uncomment_packages(replace_packages(texts[path], new), new.keys(), KEPT_COMMENT_START)
    # From the last of a list to the first, so that the places of the others stay what they are.
    for entry in sorted(gone, key=lambda entry: entry.path[-1], reverse=True):
        texts[entry.file] = remove_package(texts[entry.file], entry.path)
    return texts


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


def _linked(one: Import, elements: Sequence[Element], state: State) -> EnvironmentEntry:
    """Say what elements link now, as a package of the list."""
    paths = tuple(path for element in elements for path in element.store_paths)
    if one.spec.is_store_path:
        paths = tuple(path for path in paths if path == one.spec.attr_path[0])
    pname, version = own_name(elements[0])
    known = one.locked or state.locked.get(one.spec.key)
    resolved = known.systems.get(state.machine.system) if known else None
    if resolved and set(paths) <= set(resolved.outputs.values()):
        pname, version = resolved.pname, resolved.version
    return EnvironmentEntry(one.spec.key, pname, version, elements[0].priority, paths)
