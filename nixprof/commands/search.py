"""`nixprof search`: packages by words, in the indexes of the inputs as they are locked."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from nixprof.change.state import State
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import listed_name, nearest, shell_quote
from nixprof.index.database import is_allowed
from nixprof.index.files import index_files, open_indexes, with_unlocked, without_damaged
from nixprof.index.names import told_elsewhere
from nixprof.manifest.spec import DEFAULT_INPUT, Spec
from nixprof.record import record, replace
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nixprof.context import Context
    from nixprof.index.database import Index, IndexedPackage
    from nixprof.lock.flake_lock import LockedInput
    from nixprof.lock.freshness import LockedManifest
    from nixprof.manifest.model import Policy

# More than that nobody reads, unless they ask for all.
_MOST = 25


@record
class Found:
    """A package that was searched for."""

    spec: str  # as `add` takes it: "ripgrep", "unstable#neovim"
    input: str
    package: IndexedPackage
    listed: bool
    installed: bool
    refusals: tuple[Reason, ...]  # why it cannot be had here, as the list allows it


@record
class Search:
    """What was found, the best match first."""

    words: tuple[str, ...]
    found: tuple[Found, ...]
    more: int  # how many more there are
    unsearched: tuple[str, ...] = ()  # inputs that no package uses, and that have no index


@record
class Indexes:
    """What can be searched."""

    built: Mapping[str, Index]  # by the name of the input
    inputs: Mapping[str, LockedInput]


@without_damaged
def run(
    context: Context,
    words: Sequence[str] | None = None,
    *,
    regex: bool = False,
    source: str | None = None,
    everything: bool = False,
) -> Search | Indexes:
    """Search the indexes; Nix is started only to build one that is missing, once for each revision of an input.

    Args:
        context: whose list, and whose inputs.
        words: all of them have to be found; without any, the indexes are described.
        regex: whether they are one regular expression.
        source: the only input to search, and to have an index of; None for all.
        everything: whether to give all that is found.

    Raises: NixprofError where nothing is found, or nothing can be.

    """
    for word in words or ():
        check_printable(word)
    state = _state(context)
    if words and source is None and not regex:
        source, words = _in_one_input(words, state)
    _check_input(source, state, words or ())
    pattern = _pattern(" ".join(words)) if regex and words else None
    inputs, built = built_indexes(context, state, source)
    if not words:
        return Indexes(built, inputs)
    found = find(state, built, words, pattern, everything=everything)
    return replace(found, unsearched=()) if source else found


def _state(context: Context) -> State:
    """Read how things stand; who has no list yet searches what a new one would have."""
    path = context.folders.manifest
    if os.path.lexists(path):
        return State(context)
    from nixprof.commands.init import template

    return State(context, {path: template(context.machine.system).encode()})


def built_indexes(
    context: Context, state: State, source: str | None
) -> tuple[Mapping[str, LockedInput], dict[str, Index]]:
    """Open the indexes, or that of one input; build those that are missing. Gives also what inputs are locked to."""
    known, locked = with_unlocked(context.folders.cache, state), state.lock.inputs
    there = _opened(context, known)
    if locked and source is None and there.keys() >= locked.keys():
        return known.lock.inputs, there
    from nixprof.index.build import up_to_date

    wanted: LockedManifest = state
    if not locked or (source and source not in locked):
        from nixprof.change.unlocked import locked_to_search

        wanted = locked_to_search(context, state, source or DEFAULT_INPUT)
    built = up_to_date(context, wanted, source)
    return {**known.lock.inputs, **wanted.lock.inputs}, _nixpkgs_first(built if source else {**there, **built})


def find(
    state: State,
    indexes: Mapping[str, Index],
    words: Sequence[str],
    pattern: re.Pattern[str] | None = None,
    *,
    everything: bool = False,
) -> Search:
    """Search indexes, by a pattern where there is one; raise NixprofError where nothing is found."""
    elsewhere = told_elsewhere(" ".join(words).lower(), indexes.values())
    numbers = {
        name: index.search(words, elsewhere) if pattern is None else index.matching(pattern)
        for name, index in indexes.items()
    }
    total = sum(map(len, numbers.values()))
    if not total:
        raise _nothing(words, indexes)
    most = total if everything else _MOST
    listed = {package.spec.key for package in state.manifest.packages}
    installed = {entry.key for entry in state.installed}
    found = [
        (place, _found(name, package, listed, installed, state.manifest.policy))
        for name, index in indexes.items()
        for place, package in enumerate(index.at(numbers[name][:most]))
    ]
    # What is called so comes first, whichever input has it; of the rest, the best of each input.
    whole = " ".join(words).lower()
    found.sort(key=lambda one: (whole != one[1].package.name.lower(), whole != one[1].package.main_program, one[0]))
    shown = tuple(one for _, one in found[:most])
    unsearched = (one.name for one in state.manifest.inputs if one.name not in {*indexes, *state.lock.inputs})
    return Search(tuple(words), shown, max(total - most, 0), tuple(unsearched))


def indexes_of(context: Context, state: State) -> dict[str, Index]:
    """Open the indexes of the inputs as they are locked, those of nixpkgs first."""
    return _opened(context, with_unlocked(context.folders.cache, state))


def _opened(context: Context, locked: LockedManifest) -> dict[str, Index]:
    return _nixpkgs_first(open_indexes(index_files(context.folders.cache, locked)))


def _nixpkgs_first(indexes: Mapping[str, Index]) -> dict[str, Index]:
    return dict(sorted(indexes.items(), key=lambda one: (one[0] != DEFAULT_INPUT, one[0])))


def check_printable(text: str) -> None:
    """Raise NixprofError where a text, which may stem from bytes, cannot be shown."""
    if not text.isprintable():
        message = f"{excerpt(text)!r} has a character that cannot be printed"
        raise NixprofError(message, Reason.USAGE, hints=("type it again",))


def _in_one_input(words: Sequence[str], state: State) -> tuple[str | None, Sequence[str]]:
    """Take `unstable#ripgrep`, as a search shows it, for a word that is searched in one input."""
    name, _, rest = words[0].partition("#")
    if rest and name in (one.name for one in state.manifest.inputs):
        return name, (rest, *words[1:])
    return None, words


def _check_input(source: str | None, state: State, words: Sequence[str]) -> None:
    names = [one.name for one in state.manifest.inputs]
    if source is not None and source not in names:
        after = "".join(f" {shell_quote(word)}" for word in words)
        near = nearest(source, names)
        hints = tuple(f"did you mean {one}? nixprof search --input {one}{after}" for one in near) or (
            f"there are: {', '.join(names)}",
        )
        raise NixprofError(f"there is no input {excerpt(source)}", Reason.NO_SUCH_INPUT, hints=hints)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        message = f"{excerpt(text)} is not a regular expression"
        raise NixprofError(message, Reason.USAGE, cause=str(error)) from error


def _found(
    source: str, package: IndexedPackage, listed: Collection[str], installed: Collection[str], policy: Policy
) -> Found:
    spec = Spec(source, package.attr_path)
    refusals = tuple(one for one in package.refusals if not is_allowed(one, package, policy))
    return Found(str(spec), source, package, spec.key in listed, spec.key in installed, refusals)


def _nothing(words: Sequence[str], indexes: Mapping[str, Index]) -> NixprofError:
    """Say that nothing fits, with the names that look like it."""
    text = " ".join(words)
    if not text.strip():
        raise NixprofError("there is no word to search for", Reason.USAGE, hints=("nixprof search --help",))
    check_evaluates(text, indexes)
    hints = tuple(f"did you mean {near}? nixprof search {shell_quote(near)}" for near in near_names(text, indexes))
    hints = hints or ("fewer words, or the beginning of one, find more",)
    return NixprofError(f"no package matches {excerpt(text)}", Reason.MISSING, hints=hints)


def check_evaluates(text: str, indexes: Mapping[str, Index]) -> None:
    """Raise NixprofError for a name that an input has, and that cannot be evaluated."""
    for source, index in indexes.items():
        if text in index.about.failed_names:
            spec = listed_name(f"{source}#{text}")
            raise NixprofError(
                f"{excerpt(spec)} cannot be evaluated: it was removed, renamed or is broken",
                Reason.MISSING,
                hints=(f"to see why: nixprof add {shell_quote(spec)} --dry-run",),
            )


def near_names(text: str, indexes: Mapping[str, Index]) -> list[str]:
    """Give up to three names that look like a text and begin as it does: to compare with all would take long."""
    names = {name for index in indexes.values() for name in index.names(text[:1])}
    return nearest(text, (name for name in names if abs(len(name) - len(text)) <= len(text) // 3 + 1), 3, 0.7)
