"""`nixprof show`: all that is known of one package, from the indexes, the list, the locks and the generations."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

from nixprof.change.generations import generations
from nixprof.change.state import State
from nixprof.change.versions import read_wanted
from nixprof.commands.search import check_evaluates, indexes_of, near_names
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import package_name, shell_quote
from nixprof.index.database import is_allowed
from nixprof.index.files import without_damaged
from nixprof.manifest.installable import as_installable, read_installable
from nixprof.manifest.spec import DEFAULT_INPUT, Spec, SpecError
from nixprof.record import record, replace
from nixprof.redact import excerpt
from nixprof.store_path import fits_version, outputs_of, programs_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.change.generations import Generation
    from nixprof.change.versions import Wanted
    from nixprof.context import Context
    from nixprof.index.database import Index, IndexedPackage
    from nixprof.lock.flake_lock import LockedInput
    from nixprof.lock.packages_json import Resolved
    from nixprof.manifest.model import Package


@record
class Offer:
    """A package as an input has it."""

    input: str
    version: str  # may be empty
    revision: LockedInput | None


@record
class Output:
    """An output of a package."""

    name: str
    path: str | None  # None where that is not known
    installed: bool
    bytes: int | None  # None where it is not in the store


@record
class Before:
    """A version that earlier generations have."""

    version: str  # may be empty
    generations: tuple[int, ...]


@record
class Obstacle:
    """Why a package cannot be had here."""

    reason: str
    message: str
    hint: str | None  # a command that allows it


@record
class Shown:
    """All that is known of a package."""

    spec: Spec
    version: str  # what is installed, else what is locked, else what its input has; may be empty
    description: str
    entries: tuple[Package, ...]  # on the list
    installed: bool
    held: str | None  # the locked reference that it stays at; None where it follows its input
    offers: tuple[Offer, ...]
    outputs: tuple[Output, ...]
    programs: tuple[str, ...]
    before: tuple[Before, ...]
    obstacles: tuple[Obstacle, ...]
    changelog: str
    indexed: IndexedPackage | None  # None where no index has it


@without_damaged
def run(context: Context, asked: str) -> Shown:
    """Find out all about a package. Starts no Nix, and needs neither an index nor the network.

    Raises: NixprofError where nothing is known of it.
    """
    state = State(context)
    indexes, past = indexes_of(context, state), generations(context)
    spec = _spec(asked, state, indexes, past)
    names = spec.key, package_name(spec.key)  # an element that nixprof did not install goes by its name
    index = indexes.get(spec.input)
    indexed = index.package(spec.name) if index else None
    entries = state.manifest.entries_of(spec.key)
    had = {each.number: one for each in past for one in each.packages if one.key in names}
    offers = tuple(_offers(spec, indexes, state))
    if not (indexed or entries or had):
        raise _unknown(asked, spec, offers, indexes)
    linked = had.pop(state.generation or 0, None)
    resolved = state.resolved(spec.key)
    outputs = tuple(_outputs(spec, linked, resolved, indexed))
    if resolved or indexed:
        _check_outputs(asked, outputs)
    before = tuple(_before(had))
    known = (linked, resolved, indexed, *offers, *before)
    return Shown(
        spec=spec,
        version=next((one.version for one in known if one and one.version), ""),
        description=next((one.description for one in (resolved, indexed) if one and one.description), ""),
        entries=entries,
        installed=linked is not None,
        held=state.lock.package(spec.key).held,
        offers=offers,
        outputs=outputs,
        programs=programs_in(one.path for one in outputs if one.path)
        or (index.programs_of(spec.name) if index else ()),
        before=before,
        obstacles=tuple(_obstacles(spec, state, indexed)),
        changelog=next((one.changelog for one in (resolved, indexed) if one and one.changelog), ""),
        indexed=indexed,
    )


def _spec(asked: str, state: State, indexes: Mapping[str, Index], past: Sequence[Generation]) -> Spec:
    """Find the package that is meant: on the list, else as `add` takes it where an index has it, else of a generation.

    Raises: NixprofError where it is of no input of the list.
    """
    key = state.key_of(asked, "show")
    if key:
        return Spec.parse(key)
    wanted = read_wanted(asked)
    if wanted:
        return _at_version(wanted, state, indexes, past)
    earlier = _earlier(asked, past)
    try:
        found = read_installable(asked, state.manifest.inputs)
    except NixprofError:
        if earlier is None:
            raise
        return earlier
    if found.new_input:
        message = f"{excerpt(asked)} is of no input of the list"
        raise NixprofError(message, Reason.NO_SUCH_INPUT, hints=(f"nixprof add --dry-run {shell_quote(asked)}",))
    index = indexes.get(found.spec.input)
    is_indexed = index is not None and index.package(found.spec.name) is not None
    return replace(found.spec if is_indexed or earlier is None else earlier, outputs=())


def _at_version(wanted: Wanted, state: State, indexes: Mapping[str, Index], past: Sequence[Generation]) -> Spec:
    """Find the package of the list, an index or a generation that has a version, as `nodejs@22`.

    Raises: NixprofError where none has it: to look further takes Nix.
    """
    name = wanted.package.partition("^")[0]
    source, hash_, bare = name.rpartition("#")
    index = indexes.get(source if hash_ else DEFAULT_INPUT)
    found = [index.package(bare), *index.named(bare)] if index else []
    fitting = [one.attr_path for one in found if one and fits_version(one.version, wanted.version)]
    key = state.key_of(name, "show")
    locked = state.resolved(key) if key else None
    if key and locked and fits_version(locked.version, wanted.version):
        return Spec.parse(key)
    if fitting:
        return Spec(source if hash_ else DEFAULT_INPUT, fitting[0])
    earlier = _earlier(name, past, wanted.version)
    if earlier:
        return earlier
    message = f"neither the list nor an index nor a generation has {excerpt(wanted.text)}"
    hint = f"to look for it elsewhere: nixprof add {shell_quote(wanted.text)} --dry-run"
    raise NixprofError(message, Reason.MISSING, hints=(hint, f"nixprof show {shell_quote(name)}"))


def _earlier(asked: str, past: Sequence[Generation], version: str = "") -> Spec | None:
    """Find the package that generations have by a name, the newest first; None where none has it."""
    for one in (one for generation in reversed(past) for one in generation.packages):
        if asked in (one.key, package_name(one.key), one.pname) and fits_version(one.version, version):
            with suppress(SpecError):
                return Spec.parse(one.key)
    return None


def _offers(spec: Spec, indexes: Mapping[str, Index], state: State) -> Iterator[Offer]:
    """Give what each input has by the name of a package."""
    for name, index in indexes.items():
        package = index.package(spec.name)
        if package:
            yield Offer(name, package.version, state.lock.inputs.get(name))


def _before(had: Mapping[int, EnvironmentEntry]) -> Iterator[Before]:
    """Give the versions that other generations than the current one have, the newest first."""
    for version in dict.fromkeys(one.version for _, one in sorted(had.items(), reverse=True)):
        yield Before(version, tuple(number for number, one in had.items() if one.version == version))


def _outputs(
    spec: Spec, linked: EnvironmentEntry | None, resolved: Resolved | None, indexed: IndexedPackage | None
) -> Iterator[Output]:
    """Give all outputs that are known; the path of one that is installed is that which is."""
    locked = resolved.outputs if resolved else {}
    paths = linked.paths if linked else ()
    exact = {name: path for name, path in locked.items() if path in paths}
    installed = exact if len(exact) == len(paths) else outputs_of(paths, spec.outputs)
    for name in dict.fromkeys((*(indexed.outputs if indexed else ()), *locked, *installed)):
        path = installed.get(name) or locked.get(name)
        yield Output(name, path, name in installed, _bytes(path) if path else None)


def _check_outputs(asked: str, outputs: Sequence[Output]) -> None:
    """Raise NixprofError where a package has not all outputs that were asked for."""
    name, _, chosen = asked.partition("^")
    known = [one.name for one in outputs]
    for one in filter(None, chosen.split(",")):
        if one not in (*known, "*"):
            message = f"{excerpt(name)} has no output {excerpt(one)}: it has {', '.join(known)}"
            raise NixprofError(message, Reason.NO_SUCH_OUTPUT, hints=(f"nixprof show {shell_quote(name)}",))


def _bytes(path: str) -> int | None:
    """Count what the files of a store path take; None where it is not there."""
    if not os.path.lexists(path):
        return None
    files = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    return sum(os.lstat(file).st_size for file in files) or os.lstat(path).st_size


def _obstacles(spec: Spec, state: State, indexed: IndexedPackage | None) -> Iterator[Obstacle]:
    """Say why a package cannot be had on this machine: as its input has it, and as the last update found."""
    system = state.machine.system
    for reason in indexed.refusals if indexed else ():
        if not indexed or is_allowed(reason, indexed, state.manifest.policy):
            continue
        message = reason.sentence.format_map(
            defaultdict(str, called=spec.name, written=spec.name, where=spec.input, systems=system)
        )
        allowing = f"nixprof add {shell_quote(as_installable(str(spec)))} --{reason.policy_key}"
        yield Obstacle(reason.value, message, allowing if reason.policy_key else None)
    why = state.lock.package(spec.key).unavailable.get(system)
    if why:
        yield Obstacle(why.reason, why.message, f"nixprof why {shell_quote(package_name(spec.key))}")


def _unknown(asked: str, spec: Spec, offers: Sequence[Offer], indexes: Mapping[str, Index]) -> NixprofError:
    """Say that nothing is known of a package, with what other inputs have, or the names that look like it."""
    of_input = {spec.input: indexes[spec.input]} if spec.input in indexes else {}
    check_evaluates(spec.name, of_input)
    elsewhere = (str(replace(spec, input=one.input, outputs=())) for one in offers)
    hints = tuple(f"there is one in another input: nixprof show {shell_quote(one)}" for one in elsewhere)
    hints = hints or tuple(
        f"did you mean {near}? nixprof show {shell_quote(near)}" for near in near_names(asked, indexes)
    )
    hints = hints or (f"to look for it: nixprof search {shell_quote(asked)}",)
    return NixprofError(f"nothing is known of {excerpt(asked)}", Reason.MISSING, hints=hints)
