"""`nixprof add`: put packages on the list, and sync."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from nixprof.change.failures import Attempt
from nixprof.change.flow import begin
from nixprof.change.request import ChangeRequest
from nixprof.commands.init import template
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import shell_quote
from nixprof.manifest.edit import NewPackage, add_input, add_packages, set_option
from nixprof.manifest.installable import read_installable
from nixprof.manifest.positions import line_of
from nixprof.record import record
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nixprof.change.plan import Outcome
    from nixprof.context import Context
    from nixprof.manifest.installable import Installable
    from nixprof.manifest.model import Manifest, Package


@record
class AddRequest:
    """What the user wants to add."""

    texts: Sequence[str]  # specs and installables, as typed
    priority: int | None = None  # of each of them; None for the package's own
    pin: bool = False  # whether `update` shall leave them alone


def run(context: Context, packages: Sequence[str], priority: int | None = None, *, pin: bool = False) -> Outcome:
    """Add packages; an input for each flake reference that is new."""
    asked = AddRequest(packages, priority, pin)
    with begin(context, template(context.machine.system)) as change:
        fresh, known = _fresh(asked, change.manifest)
        typed = {text: one.spec.key for text, one in fresh.items()}
        references = {one.spec.input: text.partition("#")[0] for text, one in fresh.items() if one.new_input}
        texts = _written(asked, change.manifest, fresh, known)
        request = replace(
            ChangeRequest.rewriting(change.manifest, texts, {*typed.values(), *(one.spec.key for one in known)}),
            attempt=Attempt(("nixprof", *context.arguments), typed, references),
        )
        outcome = change.carry_out(request)
    present = dict.fromkeys(package.written for package in known if not _options(package, asked))
    return replace(outcome, present=tuple(present))


def _written(
    asked: AddRequest,
    manifest: Manifest,
    fresh: Mapping[str, Installable],
    known: Sequence[Package],
) -> dict[Path, str]:
    """Write it all into the texts of the manifest's files."""
    texts = manifest.texts()
    for package in known:
        for key, value in _options(package, asked).items():
            texts[package.file] = set_option(texts[package.file], package.path, key, value)
    text = texts[manifest.path]
    for new in dict.fromkeys(one.new_input for one in fresh.values() if one.new_input):
        text = add_input(text, new.name, new.url)
    # What was typed twice, in whatever words, is added once.
    specs = {one.spec.key: str(one.spec) for one in fresh.values()}
    entries = [NewPackage(spec, asked.priority, asked.pin) for spec in specs.values()]
    texts[manifest.path] = add_packages(text, entries)
    return texts


def _options(package: Package, asked: AddRequest) -> dict[str, int]:
    """Give what the user wants otherwise of a package that is on the list, by the keys of its entry."""
    options: dict[str, int] = {}
    if asked.priority is not None and asked.priority != package.priority:
        options["priority"] = asked.priority
    if asked.pin and not package.pin:
        options["pin"] = True
    return options


def _fresh(asked: AddRequest, manifest: Manifest) -> tuple[dict[str, Installable], list[Package]]:
    """Read what was typed; returns what is not on the list, by what was typed, and the entries of what is."""
    inputs = list(manifest.inputs)
    fresh: dict[str, Installable] = {}
    known: dict[Package, None] = {}
    for text in asked.texts:
        _check_habit(text)
        one = read_installable(text, inputs)
        if one.new_input:
            inputs.append(one.new_input)
        listed = [package for package in manifest.packages if package.spec.key == one.spec.key]
        other = next((p for p in listed if one.spec.outputs and set(p.spec.outputs) != set(one.spec.outputs)), None)
        if other is not None:
            line = line_of(manifest.texts()[other.file], other.path)
            raise NixprofError(
                f"{other.spec.name} is on the list with other outputs, as {other.written}",
                Reason.OTHER_OUTPUTS,
                cause=f"line {line} of {other.file}",
                hints=(f"nixprof remove {shell_quote(other.spec.name)} && nixprof add {shell_quote(text)}",),
            )
        if listed:
            known |= dict.fromkeys(listed)
        else:
            _check_outputs(text, one, fresh)
            fresh[text] = one
    return fresh, list(known)


def _check_outputs(text: str, one: Installable, fresh: Mapping[str, Installable]) -> None:
    """Make sure that no package is wanted with some outputs and with others."""
    for before, other in fresh.items():
        if other.spec.key == one.spec.key and set(other.spec.outputs) != set(one.spec.outputs):
            raise NixprofError(
                f"{excerpt(before)} and {excerpt(text)} are one package with different outputs",
                Reason.OTHER_OUTPUTS,
                hints=tuple(f"nixprof add {shell_quote(which)}" for which in (before, text)),
            )


# What `nix-env -iA` takes, and what others write for versions.
_OF_A_CHANNEL = re.compile(r"(?:nixpkgs|nixos)\.(?P<attribute>[\w+-].*)")
_AT_A_VERSION = re.compile(r"(?P<name>[\w.+-]+)@[\w.+-]*")


def _check_habit(text: str) -> None:
    """Tell users of other package managers how nixprof writes what they have typed."""
    channel, version = _OF_A_CHANNEL.fullmatch(text), _AT_A_VERSION.fullmatch(text)
    if channel and "#" not in text:
        meant = channel["attribute"]
        raise NixprofError(
            f"{excerpt(text)} is how nix-env names a package",
            Reason.INVALID_PACKAGE,
            hints=(f"nixprof add {shell_quote(meant)}",),
        )
    if version:
        raise NixprofError(
            f"{excerpt(text)} names a version, and a package has the version of its input",
            Reason.INVALID_PACKAGE,
            hints=(f"nixprof add {shell_quote(version['name'])}",),
        )
    names = [name for name in text.split(",") if name]
    if "," in text and not {"^", "#", ":", "/", '"'}.intersection(text):
        raise NixprofError(
            f"{excerpt(text)} is not a package: separate packages with spaces",
            Reason.INVALID_PACKAGE,
            hints=(f"nixprof add {' '.join(map(shell_quote, names))}",),
        )
