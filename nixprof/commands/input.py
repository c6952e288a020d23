"""`nixprof input`: where packages come from, and which revision of it; and changing that."""

from __future__ import annotations

import json
import time
from types import MappingProxyType
from typing import TYPE_CHECKING

from nixprof.change.flow import begin
from nixprof.change.request import ChangeRequest
from nixprof.change.state import State
from nixprof.commands.init import template
from nixprof.doctor.facts import inputs_with_own_nixpkgs
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import listed, nearest, shell_quote
from nixprof.lock.flake_lock import inputs_of
from nixprof.manifest.edit import add_input, remove_input, set_follows
from nixprof.manifest.flake_reference import Reference, is_relative
from nixprof.manifest.installable import suggest
from nixprof.manifest.spec import DEFAULT_INPUT, SpecError, check_input_name
from nixprof.record import record, replace
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from nixprof.change.flow import Transaction
    from nixprof.change.plan import Outcome
    from nixprof.context import Context
    from nixprof.lock.flake_lock import LockedInput
    from nixprof.manifest.model import Input, Manifest

_MAX_NAMED = 3
_NONE: Mapping[str, Collection[str]] = MappingProxyType({})


# What can be done with inputs: how it is typed, and how many arguments it takes.
_ACTIONS = {
    "list": ("nixprof input list", range(1)),
    "add": ("nixprof input add unstable github:NixOS/nixpkgs/nixos-unstable", range(2, 3)),
    "remove": ("nixprof input remove unstable", range(1, 1000)),
    "follow": ("nixprof input follow helix nixpkgs", range(2, 4)),
}


@record
class ListedInput:
    """An input of the list."""

    name: str
    url: str
    locked: LockedInput | None  # None where nothing has needed it yet
    age_seconds: int | None  # since its revision was made, where that is known
    packages: tuple[str, ...]  # that come from it, on whatever machine
    needed_by: tuple[str, ...]  # the inputs that follow it, and the overlays that it is one of
    follows: Mapping[str, str]
    lacking: tuple[str, ...]  # what `follows` replaces and the input, as it is locked, does not have
    own_nixpkgs: int  # revisions of nixpkgs that it brings, and that the list does not name
    own_bytes: int | None  # what is on the disk for its packages alone; None where it is the only one, or not known


@record
class ListedInputs:
    """The inputs of the list."""

    inputs: tuple[ListedInput, ...]
    nixpkgs: int  # revisions of nixpkgs that are locked, of the list's own and of what its inputs bring
    further: int  # those of them that the list does not name


@record
class _Edit:
    """A change of the inputs, and what to say of it."""

    request: ChangeRequest
    did: str
    would: str
    notes: tuple[str, ...] = ()


def run(context: Context, action: str = "list", names: Sequence[str] | None = None) -> Outcome | ListedInputs:
    """List the inputs, or change them: `action` is a key of `_ACTIONS`."""
    words = tuple(names or ())
    _check(action, words)
    if action == "list":
        return _listed(context)
    with begin(context, template(context.machine.system)) as change:
        match action:
            case "add":
                edit = _adding(change.manifest, *words)
            case "remove":
                edit = _removing(change.manifest, words)
            case _:
                edit = _following(change, *words)
        outcome = change.carry_out(edit.request)
    return replace(outcome, summary=edit.did, would=edit.would, notes=edit.notes if outcome.done else ())


def _check(action: str, words: Sequence[str]) -> None:
    """Make sure that there is such an action, and that it takes so many arguments."""
    if action not in _ACTIONS:
        hints = tuple(f"did you mean {one}? as in: {_ACTIONS[one][0]}" for one in nearest(action, _ACTIONS))
        hints = hints or ("nixprof input --help",)
        raise NixprofError(f"nothing called {excerpt(action)} can be done with inputs", Reason.USAGE, hints=hints)
    example, number = _ACTIONS[action]
    if len(words) not in number:
        raise NixprofError(f"input {action} takes other arguments", Reason.USAGE, hints=(f"as in: {example}",))


def _listed(context: Context) -> ListedInputs:
    state = State(context)
    manifest, now = state.manifest, int(time.time())
    own = inputs_with_own_nixpkgs(json.loads(state.lock.flake_lock or b"{}"))
    own_bytes = _own_bytes(context, state)
    lacking = {one.name: _lacking(one, state.lock.flake_lock) for one in manifest.inputs}
    inputs = tuple(
        ListedInput(
            one.name,
            one.url,
            locked := state.lock.inputs.get(one.name),
            now - locked.last_modified if locked and locked.last_modified else None,
            _packages(manifest, one.name),
            _needed_by(manifest, one.name, lacking),
            dict(one.follows),
            lacking.get(one.name, ()),
            len(own.get(one.name, ())),
            own_bytes.get(one.name),
        )
        for one in manifest.inputs
    )
    further = len(frozenset().union(*own.values()))
    named = {one.identity for name, one in state.lock.inputs.items() if _is_nixpkgs(name, one)}
    return ListedInputs(inputs, len(named) + further, further)


def _is_nixpkgs(name: str, locked: LockedInput) -> bool:
    return name == DEFAULT_INPUT or Reference.parse(locked.url).is_nixpkgs


def _own_bytes(context: Context, state: State) -> dict[str, int]:
    """Ask Nix what is on the disk for the packages of each input alone, where there are several inputs."""
    if len(state.lock.inputs) < 2:  # noqa: PLR2004 - several
        return {}
    from nixprof.change.needs import Needs

    try:
        with context.nix() as nix:
            needs = Needs(context, nix)
    except NixprofError:  # no profile, or no Nix
        return {}
    keys: dict[str, list[str]] = {}
    for one in needs.packages:
        keys.setdefault(one.key.partition("#")[0], []).append(one.key)
    return {name: needs.own_bytes(some) for name, some in keys.items()}


def _packages(manifest: Manifest, name: str) -> tuple[str, ...]:
    found = (one for one in manifest.packages if one.spec.input == name and not one.spec.is_store_path)
    return tuple(dict.fromkeys(one.written for one in found))


def _lacking(one: Input, lock: bytes | None) -> tuple[str, ...]:
    """Name what an input is to replace by others and does not have."""
    own = inputs_of(lock, one.name)
    return tuple(theirs for theirs, _ in one.follows if own is not None and theirs not in own)


def _needed_by(manifest: Manifest, name: str, lacking: Mapping[str, Collection[str]] = _NONE) -> tuple[str, ...]:
    """Name the inputs that follow another one, but for what they lack, and the overlays where it is one of them."""
    followed = {
        one.name: [ours for theirs, ours in one.follows if theirs not in lacking.get(one.name, ())]
        for one in manifest.inputs
    }
    inputs = [one for one, ours in followed.items() if name in ours]
    return (*inputs, *(["overlays"] if name in manifest.policy.overlays else []))


def _adding(manifest: Manifest, name: str, url: str) -> _Edit:
    try:
        check_input_name(name)
    except SpecError as error:
        hints = (error.fix or f"as in: {_ACTIONS['add'][0]}",)
        raise NixprofError(f"{excerpt(name)}: {error.message}", Reason.USAGE, hints=hints) from error
    if not url.isprintable() or " " in url or is_relative(url):
        message = f"{excerpt(url)!r} is not a flake reference"
        raise NixprofError(message, Reason.USAGE, hints=(f"as in: {_ACTIONS['add'][0]}",))
    if name in _defined(manifest):
        message = f"there is an input {name} already: {excerpt(_input(manifest, name).url)}"
        raise NixprofError(message, Reason.INPUT_EXISTS, hints=("to change it: nixprof edit",))
    texts = manifest.texts()
    texts[manifest.path] = add_input(texts[manifest.path], name, url)
    notes = (f"{name} is fetched with its first package",)
    request = ChangeRequest.rewriting(manifest, texts)
    return _Edit(request, f"{name} is an input now", f"make {name} an input", notes)


def _removing(manifest: Manifest, names: Sequence[str]) -> _Edit:
    texts, defined = manifest.texts(), _defined(manifest)
    for name in dict.fromkeys(names):
        _check_defined(name, defined, "remove")
        packages, others = _packages(manifest, name), [one for one in _needed_by(manifest, name) if one not in names]
        if packages or others:
            users = listed([*packages, *others], _MAX_NAMED)
            hint = f"nixprof remove {' '.join(map(shell_quote, packages))}" if packages else "nixprof edit"
            raise NixprofError(f"the input {name} is used by {users}", Reason.INPUT_IN_USE, hints=(hint,))
        for path in defined[name]:
            texts[path] = remove_input(texts[path], name)
    those = listed(names, _MAX_NAMED)
    return _Edit(ChangeRequest.rewriting(manifest, texts), f"{those} removed", f"remove {those}")


def _following(change: Transaction, name: str, theirs: str, ours: str | None = None) -> _Edit:
    manifest = change.manifest
    known, defined = {one.name for one in manifest.inputs}, _defined(manifest)
    _check_defined(name, defined, "follow")
    ours = ours or (theirs if theirs in known else DEFAULT_INPUT)
    if ours == name:
        raise NixprofError(f"{name} cannot follow itself", Reason.USAGE, hints=(f"as in: {_ACTIONS['follow'][0]}",))
    if ours not in known:
        raise _no_input(ours, known - {name}, f"nixprof input follow {shell_quote(name)} {shell_quote(theirs)}")
    own = inputs_of(change.before.lock.flake_lock, name)
    if own is not None and theirs not in own:
        hints = suggest(theirs, own, f"nixprof input follow {shell_quote(name)}")
        there = f"it has {listed(sorted(own), 10) or 'none'}"
        raise NixprofError(f"{name} has no input {excerpt(theirs)}", Reason.NO_SUCH_INPUT, cause=there, hints=hints)
    texts = manifest.texts()
    for path in defined[name]:
        texts[path] = set_follows(texts[path], name, theirs, ours)
    what = f"your {ours}" if theirs == ours else f"your {ours} as its {theirs}"
    notes = () if own is not None else (f"whether {name} has an input {theirs} shows with its first package",)
    request = ChangeRequest.rewriting(manifest, texts)
    return _Edit(request, f"{name} uses {what} now", f"let {name} use {what}", notes)


def _input(manifest: Manifest, name: str) -> Input:
    return next(one for one in manifest.inputs if one.name == name)


def _check_defined(name: str, defined: Mapping[str, Sequence[Path]], action: str) -> None:
    """Make sure that the list defines an input."""
    if name not in defined:
        raise _no_input(name, set(defined), f"nixprof input {action}")


def _no_input(name: str, known: set[str], command: str) -> NixprofError:
    hints = suggest(name, known, command) or ("nixprof input list",)
    return NixprofError(f"there is no input {excerpt(name)} under [inputs]", Reason.NO_SUCH_INPUT, hints=hints)


def _defined(manifest: Manifest) -> dict[str, list[Path]]:
    """Give the inputs that a manifest defines, each with the files that do so."""
    import tomllib

    files: dict[str, list[Path]] = {}
    for one in manifest.sources:
        for name in tomllib.loads(one.text).get("inputs", {}):
            files.setdefault(name, []).append(one.path)
    return files
