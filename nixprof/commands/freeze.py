"""`nixprof freeze`: an existing profile becomes the list, and not one store path changes.

The way of an element, in one pass: read → identify → decide → compare → edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nixprof.change.confirmation import Proposal, Risk, loss, risk_of
from nixprof.change.environment import EnvironmentEntry, expected
from nixprof.change.failures import InputError
from nixprof.change.flow import begin
from nixprof.change.process_lock import warn
from nixprof.change.request import ChangeRequest
from nixprof.change.state import State, read_draft
from nixprof.commands.init import template
from nixprof.commands.search import built_indexes
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import count, display_path, listed, nearest
from nixprof.importers.candidate import candidate, find, hint_name
from nixprof.importers.counterparts import confirmed_by, counterparts
from nixprof.importers.decide import How, Import, compare, decide
from nixprof.importers.formats import read_file
from nixprof.importers.identify import Nixpkgs, channel, described, identify
from nixprof.importers.origin import is_locked
from nixprof.importers.reading import Kind, Reading, read_kept, read_profile
from nixprof.importers.writing import with_imports, with_names
from nixprof.index.files import index_files
from nixprof.lock.packages_json import LockedPackage, Resolved, hold_at
from nixprof.manifest.spec import ALL_OUTPUTS, DEFAULT_INPUT
from nixprof.nix.local_flakes import is_here, registry
from nixprof.record import record, replace
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from nixprof.change.plan import Outcome, Plan
    from nixprof.context import Context
    from nixprof.importers.candidate import Candidate
    from nixprof.importers.decide import Finding
    from nixprof.importers.identify import Unasked
    from nixprof.nix.operations import Nix
    from nixprof.nix.profile import Element


@record
class Options:
    """What to freeze, and how."""

    only: Collection[str] = ()  # names of what to import; empty for all
    besides: Collection[str] = ()  # names of what to leave alone
    overwrite: bool = False  # whether the list takes over what is installed where they differ
    latest: bool = False  # whether everything is resolved now, and does not stay at what is installed
    generation: int | None = None  # of the profile; None for the current one
    file: str | None = None  # what to read instead of a profile, as it was typed
    keep: bool = False  # whether the profile stays as it is
    comments: bool = False  # whether descriptions become comments
    identify: bool = False  # whether to go over what the list keeps by store path, instead of a profile
    offline: bool = False  # whether nothing may be downloaded to look packages up
    stdout: bool = False  # whether the list is only printed
    adopts: bool = False  # whether it is about what is named in `only`, and about nothing else


@record
class Lookup:
    """What looking up candidates came to."""

    unidentified: int = 0  # how many nothing tells
    was_possible: bool = True  # whether there was a nixpkgs to look them up in
    downloaded: bool = False  # whether it was downloaded for that
    later: str = ""  # the command that may tell more; empty where none does
    unasked: tuple[Unasked, ...] = ()  # attributes, or whole package sets, that cannot be evaluated


@record
class Survey:
    """What freeze found, before it changes anything."""

    state: State  # what it was found in
    options: Options
    reading: Reading
    lookup: Lookup
    findings: tuple[Finding, ...]
    texts: Mapping[Path, str]  # what the files of the list will say
    listed: int  # how many packages the list will have for this machine

    @property
    def manifest(self) -> Path:
        """The file of the list."""
        return self.state.manifest.path

    @property
    def imports(self) -> tuple[Import, ...]:
        """The packages that the list gains, or takes over from the profile."""
        found = (one for one in self.findings if isinstance(one, Import) and not self.stays(one))
        # A name of another list stands for nothing that is installed, which the list could take over.
        return tuple(one for one in found if not (one.entry and one.candidate.vocabulary))

    @property
    def taken(self) -> list[tuple[Import, tuple[Candidate, ...]]]:
        """What each package takes the place of, in the profile as it is or in the list.

        For another generation or a file, those elements that are the same package.
        """
        if self.reading.kind in (Kind.CURRENT, Kind.LIST):
            return [(one, one.candidates) for one in self.imports]
        there: dict[object, list[Candidate]] = {}
        for element in self.state.profile.elements if self.state.profile else ():
            there.setdefault(_identity(candidate(element)), []).append(candidate(element))
        return [
            (one, tuple(each for same in one.candidates for each in there.get(_identity(same), ()) if not each.leave))
            for one in self.imports
        ]

    @property
    def replaced(self) -> tuple[Element, ...]:
        """The elements of the profile that leave it."""
        return tuple(dict.fromkeys(each.element for _, there in self.taken for each in there if each.element))

    def stays(self, one: Import) -> bool:
        """Tell whether something is only what the list keeps by store path, and still does."""
        return self.reading.kind is Kind.LIST and one.how is How.KEPT


@record
class Frozen:
    """What freeze found, is about to do, and did."""

    survey: Survey
    plan: Plan | None = None  # None where there is nothing to do
    outcome: Outcome | None = None  # None before it is done


def run(
    context: Context, names: Sequence[str] | None, only: Sequence[str] | None, besides: Sequence[str] | None, **how: Any
) -> Frozen:
    """Write the list, and let one environment take the place of the elements that are on it.

    `names` are more for `only`, or for `besides` where that alone is given; the rest are the other fields of `Options`.
    """
    chosen, left = list(only or ()), list(besides or ())
    (left if left and not chosen else chosen).extend(names or ())
    options = Options(chosen, left, **how)
    if options.identify and (options.file or options.generation is not None):
        message = "--identify reads the list, not a profile: leave out --from and --generation"
        raise NixprofError(message, Reason.USAGE, hints=("nixprof freeze --help",))
    return _preview(context, options) if options.stdout else freeze(context, options)


def freeze(context: Context, options: Options) -> Frozen:
    """Do what `run` does."""
    with begin(context, template(context.machine.system)) as change:
        found = survey(context, options, change.before)
        context.show(found)
        if not found.imports:
            return Frozen(found)
        try:
            plan = change.plan(_request(found))
        except InputError as error:
            error.hints += _how_to_go_without(context, found, error.name)
            raise
        return Frozen(found, plan, change.finish(plan, _proposal(found, plan)))


def _preview(context: Context, options: Options) -> Frozen:
    """Find out what `run` would write, without waiting for another nixprof."""
    warn(context)
    path = context.folders.manifest
    start = {} if path.exists() else {path: template(context.machine.system).encode()}
    return Frozen(survey(context, options, State(context, start)))


def _how_to_go_without(context: Context, found: Survey, source: str) -> tuple[str, ...]:
    """Give the command that leaves alone what comes from an input that cannot be had."""
    of_it = [one.candidate for one in found.imports if one.spec.input == source != DEFAULT_INPUT]
    names = [hint_name(one, found.reading.candidates) for one in of_it]
    options = [word for name in names for word in ("--except", name)]
    command = replace(context, arguments=[*context.arguments, *options]).typed()
    return (f"or go on without {listed(list(map(excerpt, names)), 3)}: {command}",) if names else ()


def _proposal(found: Survey, plan: Plan) -> Proposal:
    """Ask whether to switch the profile over, which always deserves a question."""
    question = "Switch the profile over?" if found.replaced else "Change the list?"
    risk, lost = risk_of(plan, Risk.NONE if found.options.keep or found.options.adopts else Risk.MANY), loss(plan)
    # What Nix had installed is as good as its name and version; names of others are not.
    guesses = sum(one.how is How.GUESSED and one.candidate.vocabulary is not None for one in found.imports)
    if guesses and not lost and not found.options.keep:
        risk, lost = Risk.GUESS, f"what {count(guesses, 'package')} should be is a guess"
    return Proposal(Frozen(found, plan), question, risk, lost)


def survey(context: Context, options: Options, state: State) -> Survey:
    """Find out what everything in a profile is, and what the list would become. Changes nothing."""
    reading = _translated(context, options, state, _chosen(context, options, _read(context, options, state)))
    candidates, lookup = _look_up(context, options, state, reading)
    is_here = reading.kind is not Kind.FILE
    decided = decide(
        candidates,
        state.manifest.inputs,
        state.machine.system,
        registry=registry() if is_here else {},
        is_here=is_here,
        was_looked_up=lookup.was_possible,
    )
    findings = _compared(decided, options, state)
    texts = _edited(findings, options, state)
    draft = read_draft(state.manifest.path, {file: text.encode() for file, text in texts.items()})
    return Survey(state, options, reading, lookup, findings, texts, len(draft.for_machine(state.machine)))


## read


def _read(context: Context, options: Options, state: State) -> Reading:
    if options.identify:
        return read_kept(state.manifest, state.wanted, _resolved(state), state.machine.system)
    return read_file(options.file) if options.file else read_profile(context, state.profile, options.generation)


def _resolved(state: State) -> dict[str, Resolved]:
    """Give what the packages of the list are locked to on this machine, by key."""
    found = ((package.spec.key, state.resolved(package.spec.key)) for package in state.wanted)
    return {key: resolved for key, resolved in found if resolved}


def _chosen(context: Context, options: Options, reading: Reading) -> Reading:
    """Leave alone what the user has not asked for; an error where a name means nothing."""
    candidates = reading.candidates
    unknown = next((name for name in (*options.only, *options.besides) if not find(name, candidates)), None)
    if unknown is not None:
        near = nearest(unknown, {name for one in candidates for name in one.names})
        hints = tuple(f"did you mean {one}? {context.retyped(unknown, one)}" for one in near)
        if options.adopts and unknown in {one.written for one in State(context).manifest.packages}:
            raise NixprofError(f"{excerpt(unknown)} is on the list already", Reason.NOT_INSTALLED)
        message = f"{display_path(reading.place)} has no {excerpt(unknown)}"
        raise NixprofError(message, Reason.NOT_INSTALLED, hints=hints or ("nixprof status",) * options.adopts)
    only, besides = (
        {one for name in names for one in find(name, candidates)} for names in (options.only, options.besides)
    )

    if options.adopts:
        _check_free(only)
        return replace(reading, candidates=tuple(one for one in candidates if one in only))

    def reason(one: Candidate) -> str:
        is_wanted = (one in only or not options.only) and one not in besides
        return one.leave or ("" if is_wanted else "not asked for")

    return replace(reading, candidates=tuple(replace(one, leave=reason(one)) for one in candidates))


def _check_free(candidates: Collection[Candidate]) -> None:
    """Make sure that elements may be taken out of the profile."""
    for one in candidates:
        if one.leave:
            message = f"{excerpt(one.name)} cannot be adopted: it is {one.leave}"
            raise NixprofError(message, Reason.LEFT_ALONE, hints=("nixprof status",))


## identify


def _translated(context: Context, options: Options, state: State, reading: Reading) -> Reading:
    """Find what the names of another list are in nixpkgs, by its index, which is built where it is missing."""
    if not any(one.is_name for one in reading.candidates):
        return reading
    if options.offline:
        return replace(reading, candidates=counterparts(reading.candidates, None, state.manifest.policy, state.machine))
    inputs, indexes = built_indexes(context, state, DEFAULT_INPUT)
    found = counterparts(reading.candidates, indexes[DEFAULT_INPUT], state.manifest.policy, state.machine)
    unsure = [one.attribute for one in found if one.is_as_written]
    if unsure:
        url = inputs[DEFAULT_INPUT].url
        with context.nix() as nix, context.progress.step("looking up what the index does not have"):
            found = confirmed_by(described(nix, unsure, Nixpkgs(url, url)), found)
    return replace(reading, candidates=found)


def _look_up(context: Context, options: Options, state: State, reading: Reading) -> tuple[Sequence[Candidate], Lookup]:
    """Find out what the candidates without an attribute path are.

    They are looked up in what is on this machine; where nothing is, or the user wants to know more, in the nixpkgs of
    the list, if the user agrees to the download.
    """
    candidates: Sequence[Candidate] = reading.candidates
    if not any(one.is_unsure for one in candidates):
        return candidates, Lookup()
    sources = _sources(context, state)
    unasked: list[Unasked] = []
    with context.nix() as nix:
        # What is not on this machine needs a nixpkgs to be made from, even where its file is known.
        if sources or reading.kind is not Kind.FILE:
            with context.progress.step("identifying packages"):
                candidates, unasked = identify(nix, candidates, sources)
        broken = {one.source for one in unasked if not one.attribute}
        was_possible, number = (
            any(one.is_here and one.place not in broken for one in sources),
            _unidentified(candidates),
        )
        if not number or (was_possible and not options.identify):
            return candidates, Lookup(number, unasked=tuple(unasked))
        if not options.offline and _may_download(context, number):
            try:
                candidates, more = identify(nix, candidates, [_fetched(context, nix, state)])
                return candidates, Lookup(_unidentified(candidates), downloaded=True, unasked=(*unasked, *more))
            except NixprofError as error:
                context.progress.note(f"packages could not be looked up: {error.message}")
    later = _command_for_later(context, reading)
    return candidates, Lookup(number, was_possible, later=later, unasked=tuple(unasked))


def _may_download(context: Context, number: int) -> bool:
    """Ask whether to download a nixpkgs; without a terminal only a yes beforehand counts."""
    if context.agrees or not context.console.can_ask:
        return context.agrees
    context.console.say(cannot_identify(number))
    return context.console.ask("Look in nixpkgs? This downloads nixpkgs once.")


def cannot_identify(number: int) -> str:
    """Say how many packages need a nixpkgs that is not on this machine."""
    return f"{count(number, 'package')} cannot be identified with what is on this machine."


def _unidentified(candidates: Sequence[Candidate]) -> int:
    return sum(one.is_unsure and not one.evidence for one in candidates)


def _sources(context: Context, state: State) -> list[Nixpkgs]:
    """Give what packages can be looked up in without a download: the locked nixpkgs, its index, the user's channel."""
    files = index_files(context.folders.cache, state)
    locked, index = state.lock.inputs.get(DEFAULT_INPUT), files.get(DEFAULT_INPUT)
    found = [Nixpkgs(locked.url, locked.url, index, is_here(locked.url))] if locked and index else []
    found = [one for one in found if one.is_here or (index and index.exists())]
    there = channel()
    return [*found, there] if there else found


def _fetched(context: Context, nix: Nix, state: State) -> Nixpkgs:
    """Fetch the nixpkgs of the list, at its locked revision if there is one."""
    locked = state.lock.inputs.get(DEFAULT_INPUT)
    url = locked.url if locked else next(one.url for one in state.manifest.inputs if one.name == DEFAULT_INPUT)
    with context.progress.step("fetching nixpkgs, to look packages up"):
        reference = nix.locked_reference(url)
    return Nixpkgs(reference, reference if is_locked(reference) else "")


def _command_for_later(context: Context, reading: Reading) -> str:
    """Give the command that looks up what could not be told now: where nothing is written, the same with a yes."""
    is_written = {"--dry-run", "-n", "--stdout"}.isdisjoint(context.arguments)
    words = [word for word in context.arguments if word not in ("--offline", "--dry-run", "-n", "--yes", "-y")]
    if reading.kind is not Kind.FILE and is_written:
        profile = ("--profile", str(context.chosen_profile)) if context.chosen_profile else ()
        words = ["freeze", "--identify", "--yes", *profile]
    else:
        words.append("--yes")
    return replace(context, arguments=words).typed()


## compare, edit


def _compared(findings: Sequence[Finding], options: Options, state: State) -> tuple[Finding, ...]:
    """Compare each package with what the list has of it."""
    entries = {package.spec.key: package for package in state.wanted}
    resolved, listed = _resolved(state), {}
    for key, entry in entries.items():
        one = resolved.get(key)
        if one and (entry.spec.outputs == ALL_OUTPUTS or set(entry.spec.outputs) <= set(one.outputs)):
            [linked] = expected([entry], state.lock.packages, state.machine.system)
            listed[key] = linked.version, linked.paths

    def compared(one: Finding) -> Finding:
        if not isinstance(one, Import):
            return one
        key, scope = one.spec.key, one.candidate.scope
        if not scope.applies(state.machine):
            same, systems = state.manifest.entries_of(key), state.manifest.systems
            return replace(one, entry=next((each for each in same if each.scope.overlaps(scope, systems)), None))
        return compare(one, entries.get(key), listed.get(key), latest=options.latest, overwrite=options.overwrite)

    return tuple(map(compared, findings))


def _edited(findings: Sequence[Finding], options: Options, state: State) -> dict[Path, str]:
    """Write the list as it would be."""
    manifest, imports = state.manifest, [one for one in findings if isinstance(one, Import)]
    if options.identify:
        return with_names(manifest, state.wanted, imports)
    system, how = state.machine.system, {"overwrite": options.overwrite, "comments": options.comments}
    return with_imports(manifest, imports, system, **how)


## change


def _request(found: Survey) -> ChangeRequest:
    """Ask for the list to be written, and for the elements that are on it to leave the profile."""
    state, system, taken = found.state, found.state.machine.system, found.taken
    adopted = {
        one.spec.key: LockedPackage({system: _frozen(one, one.outputs)}, hold_at(one.held))
        for one in found.imports
        if one.outputs is not None
    }
    resolved = _resolved(state) | {key: locked.systems[system] for key, locked in adopted.items()}
    replaced = [each for _, there in taken for each in there]
    renamed = (path for each in replaced for path in each.store_paths) if found.reading.kind is Kind.LIST else ()
    return replace(
        ChangeRequest.rewriting(state.manifest, found.texts, [one.spec.key for one in found.imports]),
        adopted=adopted,
        elements=found.replaced,
        standing=tuple(_standing(one, there, resolved) for one, there in taken if there),
        renamed=frozenset(renamed),
        activates=not found.options.keep,
    )


def _frozen(one: Import, outputs: Mapping[str, str]) -> Resolved:
    """Lock a package to what is installed."""
    pname, version = one.candidate.own_name
    description = " ".join(one.candidate.description.split())
    names = tuple(outputs)
    return Resolved(pname, version, description, "", one.candidate.priority, outputs, names, one.held, fingerprint="")


def _standing(one: Import, there: Sequence[Candidate], resolved: Mapping[str, Resolved]) -> EnvironmentEntry:
    """Say what elements of the profile link now, as a package of the list."""
    key = one.spec.key
    paths = tuple(path for each in there for path in each.store_paths)
    if one.spec.is_store_path:
        paths = tuple(path for path in paths if path == key)
    pname, version = there[0].own_name
    known = resolved.get(key)
    if known and set(paths) <= set(known.outputs.values()):
        pname, version = known.pname, known.version
    return EnvironmentEntry(key, pname, version, there[0].priority, paths)


def _identity(one: Candidate) -> object:
    """Give what makes an element the same package as one of another profile: how it is called, and its outputs."""
    is_stated = one.attribute and not one.evidence
    return one.chosen, (one.attribute, one.reference) if is_stated else one.own_name[0]
