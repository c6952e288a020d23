"""`nixprof add`: put packages on the list, and sync."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING

from nixprof.change.failures import Attempt
from nixprof.change.flow import begin
from nixprof.change.hints import on_place
from nixprof.change.request import ChangeRequest
from nixprof.commands.add_version import with_versions
from nixprof.commands.init import template
from nixprof.errors import TO_EDIT, NixprofError, Reason
from nixprof.formatting import package_name, shell_quote
from nixprof.manifest.edit import NewPackage, add_input, add_packages, set_option
from nixprof.manifest.installable import read_installable
from nixprof.manifest.model import EVERYWHERE, Scope
from nixprof.manifest.place import check_place, read_place
from nixprof.manifest.positions import line_of
from nixprof.record import record, replace
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from pathlib import Path

    from nixprof.change.flow import Transaction
    from nixprof.change.plan import FoundVersion, Outcome
    from nixprof.context import Context
    from nixprof.machine import Machine
    from nixprof.manifest.installable import Installable
    from nixprof.manifest.model import Manifest, Package


def run(
    context: Context,
    packages: Sequence[str],
    priority: int | None = None,
    places: Sequence[str] | None = None,
    *,
    pin: bool = False,
) -> Outcome:
    """Add packages; an input for each flake reference that is new."""
    with begin(context, template(context.machine.system)) as change:
        addition = read_addition(context, change, packages, Options(priority, pin, tuple(places or ())))
        outcome = change.carry_out(addition.request)
    added, where = ", ".join(addition.fresh), " and ".join(addition.elsewhere)
    notes = (f"{added}: written without a check, which takes such a machine",) if addition.is_unchecked else ()
    outcome = replace(outcome, present=addition.present, found=addition.found, notes=notes if outcome.done else ())
    if not (added and where):
        return outcome
    return replace(outcome, summary=f"{added} listed for {where}", would=f"list {added} for {where}")


@record
class Options:
    """What was asked for of all packages of one command."""

    priority: int | None = None
    pin: bool = False
    places: tuple[str, ...] = ()  # where they are to apply, as typed; none for every machine


_NO_OPTIONS = Options()


@record
class Addition:
    """Packages that were typed, and what they ask for."""

    request: ChangeRequest
    present: tuple[Package, ...]  # entries that are on the list already
    found: tuple[FoundVersion, ...]
    fresh: tuple[str, ...]  # what is added, somewhere
    elsewhere: tuple[str, ...]  # the places that it is added for and that this machine is none of, as typed
    is_unchecked: bool  # whether nothing tells here if there is such a package


def read_addition(
    context: Context, change: Transaction, packages: Sequence[str], options: Options = _NO_OPTIONS
) -> Addition:
    """Read packages that were typed, each as any Nix installable or with a version, as additions to the list."""
    places = {read_place(one, change.manifest, context.machine, context.arguments): one for one in options.places}
    _check_apart(places, change.manifest)
    scopes = tuple(places) or (EVERYWHERE,)
    versions = with_versions(context, change, packages, scopes)
    manifest, pinned = versions.manifest, versions.pinned
    found = {scope: _read(versions.texts, manifest, scope, context) for scope in scopes}
    fresh = {text: one for texts, _ in found.values() for text, one in texts.items()}
    known = dict.fromkeys(one for _, entries in found.values() for one in entries)
    differing = {one: _differing(one, options, pinned) for one in known}
    # What was typed twice, in whatever words, is added once.
    specs = {one.spec.key: str(one.spec) for one in fresh.values()}
    new = {key: NewPackage(spec, options.priority, options.pin or key in pinned) for key, spec in specs.items()}
    texts = _with_options(manifest.texts(), differing, scopes)
    texts[manifest.path] = _with_new(texts[manifest.path], new, found, manifest, context.machine)
    request = replace(
        ChangeRequest.rewriting(change.manifest, texts, {*specs, *(package.spec.key for package in known)}),
        adopted=versions.adopted,
        attempt=_attempt(context, fresh),
    )
    added = (*map(package_name, versions.adopted), *specs.values())
    present = tuple(one for one, changes in differing.items() if not changes and one.spec.key not in versions.adopted)
    elsewhere = {
        scope: place
        for scope, place in places.items()
        if not scope.applies(context.machine) and (found[scope][0] or versions.adopted)
    }
    is_unchecked = bool(added) and any(not manifest.systems_of(scope, context.machine) for scope in elsewhere)
    return Addition(request, present, versions.found, added, tuple(elsewhere.values()), is_unchecked)


def _attempt(context: Context, fresh: Mapping[str, Installable]) -> Attempt:
    """Remember what was typed, for those who say why it cannot be had."""
    typed = {text: one.spec.key for text, one in fresh.items()}
    references = {one.spec.input: text.partition("#")[0] for text, one in fresh.items() if one.new_input}
    return Attempt(("nixprof", *context.arguments), typed, references)


def _check_apart(places: Mapping[Scope, str], manifest: Manifest) -> None:
    """Make sure that no machine would have a package twice."""
    for one, other in combinations(places, 2):
        if one.overlaps(other, manifest.systems):
            message = f"{excerpt(places[one])} and {excerpt(places[other])} have machines in common"
            raise NixprofError(message, Reason.USAGE, hints=("leave one of them out",))


def _with_options(
    texts: dict[Path, str], differing: Mapping[Package, Mapping[str, int]], scopes: Sequence[Scope]
) -> dict[Path, str]:
    """Write other options of entries that are on the list."""
    for package, changes in differing.items():
        if changes:
            check_place(package, scopes)
        for key, value in changes.items():
            texts[package.file] = set_option(texts[package.file], package.path, key, value)
    return texts


def _differing(package: Package, options: Options, pinned: Container[str]) -> dict[str, int]:
    """Give the options that a package on the list is to have, and has not, by the keys of its entry."""
    differing: dict[str, int] = {}
    if options.priority is not None and options.priority != package.priority:
        differing["priority"] = options.priority
    if (options.pin or package.spec.key in pinned) and not package.pin:
        differing["pin"] = True
    return differing


def _with_new(
    text: str,
    new: Mapping[str, NewPackage],
    found: Mapping[Scope, tuple[Mapping[str, Installable], Sequence[Package]]],
    manifest: Manifest,
    machine: Machine,
) -> str:
    """Write inputs and packages that are new into the text of the list, each package wherever it was not found."""
    inputs = dict.fromkeys(one.new_input for fresh, _ in found.values() for one in fresh.values() if one.new_input)
    for one in inputs:
        text = add_input(text, one.name, one.url)
    for scope, (fresh, _) in found.items():
        keys = dict.fromkeys(one.spec.key for one in fresh.values())
        for table, those in _by_table(keys, manifest, scope, machine).items():
            text = add_packages(text, [new[key] for key in those], table)
    return text


def _by_table(
    keys: Iterable[str], manifest: Manifest, scope: Scope, machine: Machine
) -> dict[tuple[str, ...], list[str]]:
    """Say which table of the list gets which packages. What is listed for other machines alone goes beside that."""
    tables: dict[tuple[str, ...], list[str]] = {}
    for key in keys:
        others = manifest.places.get(key, ())
        where = _beside(others, manifest, machine) if scope == EVERYWHERE and others else scope
        tables.setdefault(where.table, []).append(key)
    return tables


def _beside(others: Sequence[Scope], manifest: Manifest, machine: Machine) -> Scope:
    """Choose the widest system of this machine that none of some scopes, which are not for it, has in common."""
    full = Scope("system", machine.system)
    wide = Scope("system", machine.system.partition("-")[2])
    return full if any(wide.overlaps(other, manifest.systems) for other in others) else wide


def _is_known(package: Package, manifest: Manifest, scope: Scope, machine: Machine) -> bool:
    """Tell whether a package need not be added where a scope says, as it is listed there or, here, for this machine."""
    if scope == EVERYWHERE:
        return package.scope.applies(machine)
    return package.scope.overlaps(scope, manifest.systems)


def _read(
    texts: Sequence[str], manifest: Manifest, scope: Scope, context: Context
) -> tuple[dict[str, Installable], list[Package]]:
    """Read what was typed; returns what is not on the list, by what was typed, and the entries of what is."""
    inputs, command = list(manifest.inputs), f"nixprof {context.console.command}"
    fresh: dict[str, Installable] = {}
    known: dict[Package, None] = {}
    for text in texts:
        _check_habit(text, command)
        one = read_installable(text, inputs, command)
        if one.new_input:
            inputs.append(one.new_input)
        same = manifest.entries_of(one.spec.key)
        listed = [package for package in same if _is_known(package, manifest, scope, context.machine)]
        _check_outputs(text, one, listed, fresh, manifest)
        for package in listed:
            _check_whole(package, scope, manifest, context.machine)
        known |= dict.fromkeys(listed)
        if not listed:
            fresh[text] = one
    return fresh, list(known)


def _check_whole(package: Package, scope: Scope, manifest: Manifest, machine: Machine) -> None:
    """Make sure that a package is not wanted on more systems than the entry is for that stands in the way of another.

    Raises: NixprofError where it is.
    """
    if not scope.kind == package.scope.kind == "system":
        return
    there, wanted = (set(manifest.systems_of(one, machine)) for one in (package.scope, scope))
    if wanted <= there:
        return
    name = shell_quote(package.written)
    wider = f"nixprof remove {name}{on_place(package.scope)} && nixprof add {name}{on_place(scope)}"
    message = f"{package.written} is listed {package.scope.where}, and that is not all of {scope.name}"
    raise NixprofError(message, Reason.USAGE, hints=(wider if there <= wanted else TO_EDIT,))


def _check_outputs(
    text: str, one: Installable, listed: Sequence[Package], fresh: Mapping[str, Installable], manifest: Manifest
) -> None:
    """Make sure that no package is wanted with some outputs, and listed or typed with others."""
    outputs = set(one.spec.outputs)
    for other in listed:
        if outputs and set(other.spec.outputs) != outputs:
            message = f"{other.spec.name} is on the list with other outputs, as {other.written}"
            line = line_of(manifest.texts()[other.file], other.path)
            on = on_place(other.scope)
            hint = f"nixprof remove {shell_quote(other.spec.name)}{on} && nixprof add {shell_quote(text)}{on}"
            raise NixprofError(message, Reason.OTHER_OUTPUTS, cause=f"line {line} of {other.file}", hints=(hint,))
    for before, typed in fresh.items():
        if typed.spec.key == one.spec.key and set(typed.spec.outputs) != outputs:
            message = f"{excerpt(before)} and {excerpt(text)} are one package with different outputs"
            hints = tuple(f"nixprof add {shell_quote(which)}" for which in (before, text))
            raise NixprofError(message, Reason.OTHER_OUTPUTS, hints=hints)


# What `nix-env -iA` takes, and what others write for versions.
_OF_A_CHANNEL = re.compile(r"(?:nixpkgs|nixos)\.(?P<attribute>[\w+-].*)")
_AT_A_VERSION = re.compile(r"(?P<name>[\w.+-]+)@[\w.+-]*")


def _check_habit(text: str, command: str) -> None:
    """Tell users of other package managers how nixprof writes what they have typed."""
    channel, version = _OF_A_CHANNEL.fullmatch(text), _AT_A_VERSION.fullmatch(text)
    if channel and "#" not in text:
        what, meant = "is how nix-env names a package", [channel["attribute"]]
    elif version:
        what, meant = (
            "names a version that is none: without one, you get the newest that the input has",
            [version["name"]],
        )
    elif "," in text and not {"^", "#", ":", "/", '"'}.intersection(text):
        what, meant = "is not a package: separate packages with spaces", list(filter(None, text.split(",")))
    else:
        return
    hint = f"{command} {' '.join(map(shell_quote, meant))}"
    raise NixprofError(f"{excerpt(text)} {what}", Reason.INVALID_PACKAGE, hints=(hint,))
