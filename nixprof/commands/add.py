"""`nixprof add`: put packages on the list, and sync."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof import allow, flow
from nixprof.advice import Attempt
from nixprof.commands.init import template
from nixprof.draft import Draft
from nixprof.errors import NixprofError, shown
from nixprof.installable import read_installable
from nixprof.manifest.edit import NewPackage, add_input, add_packages, set_option
from nixprof.manifest.locate import line_of
from nixprof.refusal import NOTHING, Allowance
from nixprof.words import as_typed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from nixprof.flow import Outcome, Plan
    from nixprof.installable import Installable
    from nixprof.manifest.model import Manifest, Package
    from nixprof.state import Project


@dataclass(frozen=True, slots=True)
class Added:
    """What `add` did; `present` are the packages that were on the list already, as they stand there."""

    outcome: Outcome
    present: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants to add.

    Attributes:
        texts: specs and installables, as typed.
        priority: for each of them; None for the package's own.
        pin: whether `update` shall leave them alone.
        allow: what else may be written for them.

    """

    texts: Sequence[str]
    priority: int | None = None
    pin: bool = False
    allow: Allowance = NOTHING


def run(project: Project, wish: Wish, *, dry_run: bool = False, confirm: Callable[[Plan], bool] = flow.always) -> Added:
    """Add packages; an input for each flake reference that is new.

    Raises: NixprofError, with the list as before.
    """
    present: list[str] = []
    typed: dict[str, str] = {}
    references: dict[str, str] = {}

    def propose(manifest: Manifest) -> Draft:
        fresh, known = _fresh(wish, manifest)
        present[:] = dict.fromkeys(package.written for package in known if not _options(package, wish))
        typed.update({text: one.spec.key for text, one in fresh.items()})
        references.update({one.spec.input: text.partition("#")[0] for text, one in fresh.items() if one.new_input})
        named = {one.spec.key for one in fresh.values()} | {package.spec.key for package in known}
        return Draft.rewriting(manifest, _written(wish, manifest, fresh, known), named)

    attempt = Attempt(wish.allow.command, typed, references)
    outcome = allow.change(
        project,
        propose,
        wish.allow,
        attempt,
        dry_run=dry_run,
        confirm=confirm,
        template=template(project.machine.system),
    )
    return Added(outcome, tuple(present))


def _written(
    wish: Wish,
    manifest: Manifest,
    fresh: Mapping[str, Installable],
    known: Sequence[Package],
) -> dict[Path, str]:
    """Write it all into the texts of the manifest's files."""
    texts = manifest.texts()
    for package in known:
        for key, value in _options(package, wish).items():
            texts[package.file] = set_option(texts[package.file], package.path, key, value)
    text = texts[manifest.path]
    for new in dict.fromkeys(one.new_input for one in fresh.values() if one.new_input):
        text = add_input(text, new.name, new.url)
    # What was typed twice, in whatever words, is added once.
    specs = {one.spec.key: str(one.spec) for one in fresh.values()}
    entries = [NewPackage(spec, wish.priority, wish.pin) for spec in specs.values()]
    texts[manifest.path] = add_packages(text, entries)
    return texts


def _options(package: Package, wish: Wish) -> dict[str, int]:
    """Give what the user wants otherwise of a package that is on the list, by the keys of its entry."""
    options: dict[str, int] = {}
    if wish.priority is not None and wish.priority != package.priority:
        options["priority"] = wish.priority
    if wish.pin and not package.pin:
        options["pin"] = True
    return options


def _fresh(wish: Wish, manifest: Manifest) -> tuple[dict[str, Installable], list[Package]]:
    """Read what was typed; returns what is not on the list, by what was typed, and the entries of what is."""
    inputs = list(manifest.inputs)
    fresh: dict[str, Installable] = {}
    known: dict[Package, None] = {}
    for text in wish.texts:
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
                cause=f"line {line} of {other.file}",
                hints=(f"nixprof remove {as_typed(other.spec.name)} && nixprof add {as_typed(text)}",),
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
                f"{shown(before)} and {shown(text)} are one package with different outputs",
                hints=tuple(f"nixprof add {as_typed(which)}" for which in (before, text)),
            )


# What `nix-env -iA` takes, and what others write for versions.
_OF_A_CHANNEL = re.compile(r"(?:nixpkgs|nixos)\.(?P<attribute>[\w+-].*)")
_AT_A_VERSION = re.compile(r"(?P<name>[\w.+-]+)@[\w.+-]*")


def _check_habit(text: str) -> None:
    """Tell users of other package managers how nixprof writes what they have typed."""
    channel, version = _OF_A_CHANNEL.fullmatch(text), _AT_A_VERSION.fullmatch(text)
    if channel and "#" not in text:
        meant = channel["attribute"]
        raise NixprofError(f"{shown(text)} is how nix-env names a package", hints=(f"nixprof add {as_typed(meant)}",))
    if version:
        raise NixprofError(
            f"{shown(text)} names a version, and a package has the version of its input",
            hints=(f"nixprof add {as_typed(version['name'])}",),
        )
    names = [name for name in text.split(",") if name]
    if "," in text and not {"^", "#", ":", "/", '"'}.intersection(text):
        raise NixprofError(
            f"{shown(text)} is not a package: separate packages with spaces",
            hints=(f"nixprof add {' '.join(map(as_typed, names))}",),
        )
