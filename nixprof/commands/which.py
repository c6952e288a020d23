"""`nixprof which`: what provides a program, by the store, the generations and the indexes, and which file runs."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from nixprof.change.generations import generations
from nixprof.change.state import State
from nixprof.commands.search import check_printable, indexes_of
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import listed_name, package_title, shell_quote
from nixprof.index.database import MAIN_PROGRAM
from nixprof.index.files import without_damaged
from nixprof.index.names import packages_with
from nixprof.record import record
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.change.generations import Generation
    from nixprof.context import Context
    from nixprof.index.database import Index

# The source of what was looked up in a package itself.
STORE = "store"


@record
class Provider:
    """A package of the list or of a generation that has a program."""

    key: str
    version: str  # may be empty
    file: str | None  # the program in the store; None where the package is not there
    listed: bool
    installed: bool
    generations: tuple[int, ...]  # that have it
    source: str


@record
class Offer:
    """A package of an input that would bring a program."""

    spec: str  # as `add` takes it
    input: str
    version: str  # may be empty
    source: str
    supported: bool  # whether it is for this system


@record
class Program:
    """What is known of a program."""

    program: str
    runs: str | None  # the file that a shell runs, by the PATH
    linked: str | None  # the file in the profile
    providers: tuple[Provider, ...]  # the one whose file the profile links comes first
    offers: tuple[Offer, ...]  # where it is neither installed nor on the list; the likeliest comes first

    @property
    def is_known(self) -> bool:
        """Whether anything has it."""
        return bool(self.runs or self.providers or self.offers)


@record
class Which:
    """What is known of some programs."""

    programs: tuple[Program, ...]
    indexed: tuple[str, ...]  # the inputs whose indexes were looked up


@without_damaged
def run(context: Context, programs: Sequence[str]) -> Which:
    """Find out what provides programs. Starts no Nix, and needs neither an index nor the network.

    Raises: NixprofError where a name is a path, or nothing is known of any program.
    """
    for one in programs:
        check_printable(one)
        if os.sep in one:
            hints = (f"to see what brings a file: nixprof why {shell_quote(one)}",)
            raise NixprofError(f"{excerpt(one)} is a path, not the name of a program", Reason.USAGE, hints=hints)
    state = State(context)
    indexes, past = indexes_of(context, state), generations(context)
    found = Which(tuple(_program(one, state, past, indexes) for one in dict.fromkeys(programs)), tuple(indexes))
    if not any(one.is_known for one in found.programs):
        raise _unknown(found)
    return found


def _program(name: str, state: State, past: Sequence[Generation], indexes: Mapping[str, Index]) -> Program:
    linked = os.path.join(state.profile.link, "bin", name) if state.profile else ""
    providers = [*_waiting(name, state), *_had(name, state, past)]
    providers.sort(key=lambda one: (not one.installed, bool(one.generations), not _leads_to(linked, one.file)))
    is_here = any(one.installed or not one.generations for one in providers)
    offers = () if is_here else tuple(_offers(name, indexes))
    return Program(name, shutil.which(name), linked if os.path.exists(linked) else None, tuple(providers), offers)


def _leads_to(link: str, file: str | None) -> bool:
    return file is not None and os.path.realpath(link) == os.path.realpath(file)


def _had(name: str, state: State, past: Sequence[Generation]) -> Iterator[Provider]:
    """Give the packages of generations that have a program, the newest first, each version once."""
    listed = {package.spec.key for package in state.wanted}
    entries = {one for each in past for one in each.packages}
    files = {one: file for one in entries if (file := _file(name, one.paths))}
    # What differs in its priority, or was rebuilt, is the same version.
    found: dict[tuple[str, str], tuple[EnvironmentEntry, dict[int, None]]] = {}
    for number, one in ((each.number, one) for each in reversed(past) for one in each.packages):
        if one in files:
            found.setdefault((package_title(one.key, one.version), one.version), (one, {}))[1][number] = None
    for one, numbers in found.values():
        is_installed = state.generation in numbers
        yield Provider(one.key, one.version, files[one], one.key in listed, is_installed, tuple(numbers), STORE)


def _waiting(name: str, state: State) -> Iterator[Provider]:
    """Give the packages of the list that have a program, as they are locked, and are not installed."""
    installed = {one.key for one in state.installed}
    for key in dict.fromkeys(package.spec.key for package in state.wanted if package.spec.key not in installed):
        resolved = state.resolved(key)
        file = _file(name, resolved.outputs.values()) if resolved else None
        if resolved and (file or resolved.main_program == name):
            source = STORE if file else MAIN_PROGRAM
            yield Provider(key, resolved.version, file, listed=True, installed=False, generations=(), source=source)


def _file(name: str, paths: Iterable[str]) -> str | None:
    """Find a program in store paths."""
    files = (os.path.join(path, "bin", name) for path in paths)
    return next((file for file in files if os.path.isfile(file) and os.access(file, os.X_OK)), None)


def _offers(name: str, indexes: Mapping[str, Index]) -> Iterator[Offer]:
    for source, package, told_by, supported in packages_with(name, indexes):
        found = indexes[source].package(package)
        yield Offer(listed_name(f"{source}#{package}"), source, found.version if found else "", told_by, supported)


def _unknown(found: Which) -> NixprofError:
    first = found.programs[0].program
    dashes = "-- " if first.startswith("-") else ""
    plural = "s" if len(found.programs) > 1 else ""
    what = f"the program{plural} {', '.join(excerpt(one.program) for one in found.programs)}"
    if not found.indexed:
        hints = (f"to index them: nixprof search {dashes}{shell_quote(first)}",)
        cause = "no input has an index yet to look in"
        return NixprofError(f"nothing here has {what}", Reason.NO_INDEX, cause=cause, hints=hints)
    hints = (f"to look for it by words: nixprof search {dashes}{shell_quote(first)}",)
    return NixprofError(f"nothing is known to have {what}", Reason.MISSING, hints=hints)
