"""What becomes of each element of a profile: a package of the list, or left alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nixprof.flake.packages import LockedPackage, Resolved
from nixprof.freeze.findings import Alone, Differing, Finding, How, Import
from nixprof.freeze.origin import find_origin
from nixprof.manifest.model import Input
from nixprof.nix.profile import USUAL_PRIORITY
from nixprof.spec import ALL_OUTPUTS, DEFAULT_INPUT, NO_INPUT, Spec, SpecError
from nixprof.storepath import outputs_of, package_of, split_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nixprof.freeze.identify import Identity
    from nixprof.manifest.model import Manifest, Package
    from nixprof.nix.profile import Element

# What removing would take Nix itself, its certificates, or what another tool keeps.
_UNTOUCHED = {
    "nix": "Nix itself",
    "lix": "Nix itself",
    "determinate-nix": "Nix itself",
    "nss-cacert": "the certificates of Nix itself",
    "home-manager-path": "kept by home-manager",
    "nixprof": "nixprof itself",
}
# The attributes of a flake below which packages are, each with a system in it.
_ROOTS = ("packages", "legacyPackages", "defaultPackage")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user asked of `freeze`.

    Attributes:
        only: the names of the elements to import; empty for all.
        besides: the names of those to leave alone.
        overwrite: whether the list is to take over what is installed where they differ.
        latest: whether everything is to be resolved now, and not held at what is installed.

    """

    only: Collection[str] = ()
    besides: Collection[str] = ()
    overwrite: bool = False
    latest: bool = False


@dataclass(slots=True)
class _Listed:
    """The list as it grows: what is on it, and its inputs."""

    packages: dict[str, Package]
    inputs: list[Input]
    imports: dict[str, Import] = field(default_factory=dict)


def decide(
    elements: Sequence[Element],
    manifest: Manifest,
    locked: Mapping[str, LockedPackage],
    system: str,
    identities: Mapping[Element, Identity],
    choice: Choice,
) -> tuple[Finding, ...]:
    """Decide on every element of a profile.

    Args:
        elements: all of them.
        manifest: the list as it is.
        locked: what it is locked to.
        system: this machine's.
        identities: what the elements without an attribute path are, as far as that could be told.
        choice: what the user asked for.

    Returns: one finding for each element, in order.

    """
    listed = _Listed({package.spec.key: package for package in manifest.packages}, list(manifest.inputs))
    findings: list[Finding] = []
    for element in elements:
        reason = _reason_to_leave(element, choice)
        if reason:
            findings.append(Alone(element, reason))
            continue
        one = _import(element, listed, system, identities.get(element))
        findings += [_against_list(each, listed, locked, system, choice) for each in one]
    return tuple(findings)


def element_names(element: Element) -> set[str]:
    """Give the names by which a user may mean an element."""
    pname, version = own_name(element)
    last = element.attr_path.rpartition(".")[2]
    names = {element.name or "", pname, f"{pname}-{version}", element.label, last, element.attr_path}
    return names - {""}


def own_name(element: Element) -> tuple[str, str]:
    """Give the name and the version of what an element is, as far as its labels tell."""
    if element.label:
        return split_name(element.label)
    return package_of(element.store_paths, element.outputs) if element.store_paths else (element.attr_path, "")


def _reason_to_leave(element: Element, choice: Choice) -> str:
    names = element_names(element)
    if not element.active:
        return "not active"
    untouched = _UNTOUCHED.get(own_name(element)[0])
    if untouched:
        return untouched
    if any(path.endswith(".drv") for path in element.store_paths):
        return "a derivation, not a package"
    if (choice.only and not names & set(choice.only)) or names & set(choice.besides):
        return "not asked for"
    return ""


def _import(element: Element, listed: _Listed, system: str, identity: Identity | None) -> list[Import]:
    """Make an element into packages: one, unless it is kept by its store paths, of which it may have several."""
    attr_path = attribute_of(element, system)
    try:
        if attr_path and element.url:
            return [_exact(element, attr_path, listed, system)]
        if identity:
            return [_identified(element, identity, system)]
        if not element.store_paths and element.label:
            return [_by_name(element)]
    except SpecError:  # an attribute path that no manifest can hold
        pass
    return [_kept(element, path, system) for path in element.store_paths]


def attribute_of(element: Element, system: str) -> tuple[str, ...]:
    """Give the attribute path of an element as a spec has it, without root and system.

    Returns: the names; none where it has no attribute path, or is for another system.
    """
    names = _split(element.attr_path)
    if len(names) > 1 and names[0] in _ROOTS:
        return (*names[2:],) or ("default",) if names[1] == system else ()
    return names


def _split(attr_path: str) -> tuple[str, ...]:
    """Split an attribute path, in which names with dots are in quotes."""
    names, quoted, name = [], False, ""
    for char in attr_path:
        if char == '"':
            quoted = not quoted
        elif char == "." and not quoted:
            names.append(name)
            name = ""
        else:
            name += char
    return (*names, name) if attr_path else ()


def _spec(input_name: str, attr_path: Sequence[str], outputs: Sequence[str]) -> Spec:
    """Make a spec that a manifest can hold.

    Raises: SpecError where it cannot be written.
    """
    chosen = ALL_OUTPUTS if "*" in outputs else tuple(outputs)
    return Spec.parse(str(Spec(input_name, tuple(attr_path), chosen)))


def _exact(element: Element, attr_path: tuple[str, ...], listed: _Listed, system: str) -> Import:
    origin = find_origin(element, listed.inputs)
    spec = _spec(origin.input, attr_path, element.outputs)
    new_input = origin.new_input
    if spec.key in listed.imports:
        # The same package at another revision: that revision becomes an input of its own.
        name = _free_name(f"{origin.input}-{_short(element.url)}", listed)
        new_input = Input(name, element.url)
        spec = replace(spec, input=name)
    if new_input:
        listed.inputs = [one for one in listed.inputs if one.name != new_input.name] + [new_input]
    locked = _locked(element, origin.held, system)
    return Import(element, spec, _priority(element), locked, How.EXACT, new_input=new_input)


def _short(url: str) -> str:
    from nixprof.freeze.origin import Reference

    return Reference.parse(url).rev[:7] or "other"


def _free_name(name: str, listed: _Listed) -> str:
    taken = {one.name for one in listed.inputs}
    return next(n for n in (name, *(f"{name}-{i}" for i in range(2, len(taken) + 3))) if n not in taken)


def _identified(element: Element, identity: Identity, system: str) -> Import:
    names = element.outputs
    # nix-env keeps the outputs by name, and says nothing of what the usual ones are.
    usual = set(names) <= {"out", "man", "bin"}
    spec = _spec(DEFAULT_INPUT, identity.attr_path, () if usual else names)
    locked = _locked(element, identity.source, system) if element.store_paths else None
    return Import(element, spec, _priority(element), locked, How.IDENTIFIED, identity.evidence, identity.candidates)


def _by_name(element: Element) -> Import:
    """Take the name of a package for its attribute, to be resolved."""
    spec = _spec(DEFAULT_INPUT, (split_name(element.label)[0],), ())
    return Import(element, spec, None, None, How.UNLOCKED)


def _kept(element: Element, path: str, system: str) -> Import:
    one = replace(element, store_paths=(path,), outputs=())
    spec = Spec(NO_INPUT, (path,))
    return Import(element, spec, _priority(element), _locked(one, "", system), How.KEPT)


def _priority(element: Element) -> int | None:
    return None if element.priority == USUAL_PRIORITY else element.priority


def _locked(element: Element, held: str, system: str) -> LockedPackage:
    """Hold an element at what is installed."""
    # nix-env names the output of each path, in order; a profile only says which were chosen.
    named = element.label and len(element.outputs) == len(element.store_paths)
    outputs = (
        dict(zip(element.outputs, element.store_paths, strict=True))
        if named
        else outputs_of(element.store_paths, element.outputs)
    )
    pname, version = own_name(element)
    description = " ".join(element.description.split())
    resolved = Resolved(
        pname, version, description, "", element.priority, outputs, tuple(outputs), source=held, basis=""
    )
    return LockedPackage({system: resolved}, held)


def _against_list(
    one: Import, listed: _Listed, locked: Mapping[str, LockedPackage], system: str, choice: Choice
) -> Finding:
    """Compare an import with what the list has already."""
    key = one.spec.key
    if choice.latest and one.how is not How.KEPT:
        one = replace(one, locked=None)
    package = listed.packages.get(key)
    if key in listed.imports and one.how is How.IDENTIFIED:
        # Two that seem to be one: keep the second as what it surely is.
        one = _kept(one.element, one.element.store_paths[0], system)
        key = one.spec.key
    listed.imports[key] = one
    if package is None:
        return one
    known = locked.get(key)
    resolved = known.systems.get(system) if known else None
    there = set(resolved.outputs.values()) if resolved else set()
    if resolved is None or choice.overwrite:
        return replace(one, listed=True)
    if there >= set(one.element.store_paths):
        return replace(one, listed=True, locked=None)
    return Differing(one.element, one.spec, resolved.version, own_name(one.element)[1])
