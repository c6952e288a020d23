"""From a manifest to the text of `flake.nix`: literal data only, every string of the manifest quoted.

All machines get the same text. What applies to one system or host is marked so and chosen in `nixprof.nix`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nixprof.lock.flake_lock import fetchable
from nixprof.nix.nix_data import attribute, quoted
from nixprof.record import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nixprof.lock.packages_json import LockedPackage
    from nixprof.manifest.model import Input, Manifest, Package, Policy

_HEADER = """\
# Written by nixprof from nixprof.toml, for Nix to read: change nixprof.toml and run `nixprof sync`.
"""


def compile_flake(manifest: Manifest, locked: Mapping[str, LockedPackage]) -> str:
    """Write `flake.nix`: the inputs, the packages and the policy, one a line, in the order of the manifest.

    Of the packages that are locked, by key, only what holds them counts, and which systems go without.
    """
    return "".join(
        f"{line}\n" if line else "\n"
        for line in (
            _HEADER.rstrip(),
            "{",
            *indented(compile_inputs(used_inputs(manifest, locked))),
            "",
            "  outputs =",
            "    inputs:",
            "    import ./nixprof.nix {",
            "      inherit inputs;",
            *indented(_systems(manifest.systems), 6),
            *indented(_packages(manifest, locked), 6),
            *indented(_policy(manifest.policy), 6),
            "    };",
            "}",
        )
    )


def used_inputs(manifest: Manifest, locked: Mapping[str, LockedPackage]) -> tuple[Input, ...]:
    """Choose the inputs that a package, an overlay or another input needs: only those have to be locked."""
    specs = [package.spec for package in manifest.packages if not package.spec.is_store_path]
    used = {spec.input for spec in specs if spec.key not in locked or locked[spec.key].needs_input}
    if specs:
        used.update(manifest.policy.overlays)  # a package that is held takes them as well
    while more := {ours for one in manifest.inputs if one.name in used for _, ours in one.follows} - used:
        used |= more
    return tuple(one for one in manifest.inputs if one.name in used)


def compile_inputs(inputs: tuple[Input, ...]) -> list[str]:
    """Write the attribute `inputs` of a flake, without indentation."""
    return ["inputs = {", *indented(line for one in inputs for line in _input(one)), "};"]


def _input(one: Input) -> Iterator[str]:
    name = attribute(one.name)
    if not one.follows:
        yield f"{name}.url = {quoted(one.url)};"
        return
    yield f"{name} = {{"
    yield f"  url = {quoted(one.url)};"
    for theirs, ours in one.follows:
        yield f"  inputs.{attribute(theirs)}.follows = {quoted(ours)};"
    yield "};"


def _systems(systems: tuple[str, ...]) -> Iterator[str]:
    if systems:
        yield f"systems = {strings(systems)};"


def _packages(manifest: Manifest, locked: Mapping[str, LockedPackage]) -> Iterator[str]:
    yield "packages = ["
    for package in manifest.packages:
        known = locked.get(package.spec.key)
        held = known.held if known and not known.needs_input else None
        held_on = _held_on(known) if known and not package.spec.is_store_path else {}
        lacking = known.lacking(manifest.systems) if known else ()
        # Nobody knows what a store path came from.
        yield f"  {{ {_package(package, '' if package.spec.is_store_path else held, held_on, lacking)} }}"
    yield "];"


def _held_on(known: LockedPackage) -> dict[str, str]:
    """Give the systems that a package is held back on, each with the reference that it stays at there."""
    held = {system: replace(known, hold=known.hold_on(system)).held for system in sorted(known.unavailable)}
    return {system: fetchable(at) for system, at in held.items() if at is not None and at != known.held}


def _package(package: Package, held: str | None, held_on: Mapping[str, str], lacking: tuple[str, ...]) -> str:
    spec = package.spec
    fields = {
        "key": quoted(spec.key),
        "input": None if spec.is_store_path else quoted(spec.input),
        "attrPath": None if spec.is_store_path else strings(spec.attr_path),
        "outputs": strings(spec.outputs) if spec.outputs else None,
        "priority": integer(package.priority),
        "held": None if held is None else quoted(fetchable(held)),
        "heldOn": _set(held_on) if held_on else None,
        "lackedBy": strings(lacking) if lacking else None,
        # Host names do not tell upper from lower case.
        "host": quoted(package.scope.name.lower()) if package.scope.kind == "host" else None,
        "system": quoted(package.scope.name) if package.scope.kind == "system" else None,
    }
    return " ".join(f"{name} = {value};" for name, value in fields.items() if value is not None)


def _policy(policy: Policy) -> Iterator[str]:
    if not policy.is_asked_for:
        return
    yield "policy = {"
    for key, value in policy.table.items():
        if value:
            name = re.sub(r"-(\w)", lambda found: found[1].upper(), key)  # `allowUnfree`
            yield f"  {name} = {'true' if isinstance(value, bool) else strings(value)};"
    yield "};"


def integer(number: int | None) -> str | None:
    """Write a number so that it can be an argument."""
    if number is None:
        return None
    return str(number) if number >= 0 else f"({number})"


def strings(texts: tuple[str, ...]) -> str:
    """Write texts as a list."""
    return f"[ {' '.join(map(quoted, texts))} ]" if texts else "[ ]"


def _set(texts: Mapping[str, str]) -> str:
    return f"{{ {' '.join(f'{quoted(name)} = {quoted(text)};' for name, text in texts.items())} }}"


def indented(lines: Iterable[str], by: int = 2) -> Iterator[str]:
    """Indent lines that are not empty."""
    return (f"{' ' * by}{line}" if line else line for line in lines)
