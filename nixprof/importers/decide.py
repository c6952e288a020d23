"""What becomes of each element of a profile: a package of the list, or left alone."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nixprof.change.environment import expected
from nixprof.formatting import shell_quote
from nixprof.importers.findings import Alone, Differing, Evidence, Finding, How, Import
from nixprof.importers.origin import find_origin, find_revision
from nixprof.lock.packages_json import LockedPackage, Resolved, hold_at
from nixprof.manifest.spec import ALL_OUTPUTS, DEFAULT_INPUT, NO_INPUT, Spec, SpecError
from nixprof.nix.profile import ROOTS, USUAL_PRIORITY
from nixprof.store_path import name_of, outputs_of, package_of, split_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.importers.identify import Identity
    from nixprof.machine import Machine
    from nixprof.manifest.model import Input, Manifest, Package
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


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user asked of `freeze`.

    Attributes:
        only: names of the elements to import; empty for all.
        besides: names of those to leave alone.
        overwrite: whether the list is to take over what is installed where they differ.
        latest: whether everything is to be resolved now, and not held at what is installed.

    """

    only: Collection[str] = ()
    besides: Collection[str] = ()
    overwrite: bool = False
    latest: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """What there is already, and where.

    Attributes:
        manifest: the list.
        locked: what it is locked to.
        machine: this one.
        here: whether the elements are those of a profile of this machine.
        registry: what names of the flake registry mean where the elements come from, as far as that is known.
        looked_up: whether what has no attribute path could be looked up in a nixpkgs.

    """

    manifest: Manifest
    locked: Mapping[str, LockedPackage]
    machine: Machine
    here: bool = True
    registry: Mapping[str, str] = field(default_factory=dict)
    looked_up: bool = True

    @property
    def system(self) -> str:
        """This machine's system."""
        return self.machine.system


def decide(
    elements: Sequence[Element], ground: Ground, identities: Mapping[Element, Identity], choice: Choice
) -> tuple[Finding, ...]:
    """Decide on every element of a profile.

    Args:
        elements: all of them.
        ground: the list as it is, and the machine.
        identities: what the elements without an attribute path are, as far as that could be told.
        choice: what the user asked for.

    Returns: what was found, in the order of the elements. One element may come to several packages, and several to one.

    """
    gathered = _Gathered(ground)
    wanted = set(chosen(elements, choice))
    for element in elements:
        reason = _reason_to_leave(element) or ("" if element in wanted else "not asked for")
        if reason:
            gathered.findings.append(Alone(element, reason))
        else:
            gathered.add(element, identities.get(element))
    listed = _Listed(ground)
    return tuple(listed.compare(one, choice) if isinstance(one, Import) else one for one in gathered.findings)


def chosen(elements: Sequence[Element], choice: Choice) -> tuple[Element, ...]:
    """Give the elements that the user asked for, in their order."""
    only = {element for name in choice.only for element in find_elements(name, elements)}
    besides = {element for name in choice.besides for element in find_elements(name, elements)}
    return tuple(one for one in elements if (not choice.only or one in only) and one not in besides)


def find_elements(name: str, elements: Sequence[Element]) -> tuple[Element, ...]:
    """Give the elements that a user means by a name: those that are called so, else those that may be called so."""
    return tuple(one for one in elements if element_name(one) == name) or tuple(
        one for one in elements if name in element_names(one)
    )


def element_name(element: Element) -> str:
    """Call an element as the report, JSON and hints do, and as `--only` knows it."""
    return element.name or element.label or own_name(element)[0]


def only(names: Sequence[str]) -> str:
    """Write the option that imports elements alone, to be pasted; no name is taken for an option of its own."""
    if any(name.startswith("-") for name in names):
        return " ".join(f"--only={shell_quote(name)}" for name in names)
    return " ".join(("--only", *map(shell_quote, names)))


def element_names(element: Element) -> set[str]:
    """Give every name by which a user may mean an element; more than one element may have it."""
    pname, version = own_name(element)
    attribute = attribute_of(element)
    names = {element_name(element), pname, "-".join(filter(None, (pname, version))), element.attr_path}
    # Every flake has an attribute `default`.
    names |= {".".join(attribute), attribute[-1]} - {"default"} if attribute else set()
    return (names | {*element.store_paths, *map(name_of, element.store_paths)}) - {""}


def hint_name(element: Element, elements: Sequence[Element]) -> str:
    """Give a name that means an element and no other, for a command in a hint.

    Args:
        element: what is meant.
        elements: all of the profile.

    """
    names = (element_name(element), *element.store_paths)
    return next((name for name in names if find_elements(name, elements) == (element,)), names[0])


def own_name(element: Element) -> tuple[str, str]:
    """Give the name and the version of what an element is, as far as its labels tell."""
    if element.label:
        return split_name(element.label)
    return package_of(element.store_paths, element.outputs) if element.store_paths else (element.attr_path, "")


def attribute_of(element: Element) -> tuple[str, ...]:
    """Give the attribute path of an element as a spec has it, without root and system; none where it has none."""
    names = _split(element.attr_path)
    if len(names) > 1 and names[0] in ROOTS:
        return (*names[2:],) or ("default",)
    return names


def _split(attr_path: str) -> tuple[str, ...]:
    """Split an attribute path.

    Names with dots are in quotes, or, as most versions of Nix write them, are not: then a dot between two digits is
    one of a version in a name.
    """
    parts = re.findall(r'"([^"]*)"|([^."]+(?:(?<=\d)\.(?=\d)[^."]+)*)', attr_path)
    return tuple(quoted or plain for quoted, plain in parts)


def is_untouched(element: Element) -> bool:
    """Tell whether an element is one that nobody should take out of a profile."""
    return own_name(element)[0] in _UNTOUCHED


def _reason_to_leave(element: Element) -> str:
    """Say why an element is not for the list, whoever asks for it; empty where it is."""
    reasons = {
        "not active": not element.active,
        "what nixprof has installed": own_name(element) == ("nixprof", ""),
        _UNTOUCHED.get(own_name(element)[0], ""): is_untouched(element),
        "a derivation, not a package": any(path.endswith(".drv") for path in element.store_paths),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _can_be_held(element: Element, ground: Ground, source: str) -> bool:
    """Tell whether this machine can keep the very store paths of an element.

    Args:
        element: as it is in the profile, or in a file that may be another machine's.
        ground: what there is.
        source: the flake reference that gives those paths; empty where none is known.

    """
    if not element.store_paths or element.system not in ("", ground.system):
        return False
    return ground.here or bool(source and element.system) or all(map(os.path.lexists, element.store_paths))


class _Gathered:
    """The packages that elements come to, each once.

    Attributes:
        findings: in the order of the elements.

    """

    def __init__(self, ground: Ground) -> None:
        self.findings: list[Finding] = []
        self._ground = ground
        self._inputs: list[Input] = list(ground.manifest.inputs)
        self._at: dict[str, int] = {}

    def add(self, element: Element, identity: Identity | None) -> None:
        """Take an element in."""
        for one in self._imports(element, identity):
            if isinstance(one, Import):
                self._insert(one)
            else:
                self.findings.append(one)

    def _insert(self, one: Import) -> None:
        """Take a package in; where its name is taken by another one, under another name."""
        at = self._at.get(one.spec.key)
        twin = None if at is None else self.findings[at]
        if at is None or not isinstance(twin, Import):
            self._at[one.spec.key] = len(self.findings)
            self.findings.append(one)
            self._add_input(one.new_input)
        elif (merged := _merged(twin, one, self._ground.system)) is not None:
            self.findings[at] = merged
        else:
            if twin.how is How.GUESSED and one.how in (How.EXACT, How.IDENTIFIED):
                # A guess makes way for what is sure.
                self.findings[at] = one
                self._add_input(one.new_input)
                one = twin
            for other in self._apart(one):
                self._insert(other)

    def _add_input(self, new: Input | None) -> None:
        if new:
            self._inputs = [*(known for known in self._inputs if known.name != new.name), new]

    def _apart(self, one: Import) -> Iterator[Import]:
        """Name a package otherwise: by the revision that it is of, or else by its store path."""
        at_revision = any(known.name == one.spec.input and known.url == one.element.url for known in self._inputs)
        if one.locked is None:
            self.findings.append(Alone(one.element, f"the same package as {one.spec}"))
        elif one.how is How.EXACT and one.locked.held and not at_revision:
            name, new = find_revision(one.spec.input, one.element.url, self._inputs)
            yield replace(one, spec=replace(one.spec, input=name), new_input=new)
        else:
            for element in one.elements:
                yield from self._kept(element)

    def _imports(self, element: Element, identity: Identity | None) -> Iterator[Finding]:
        """Make an element into packages: one, unless it is kept by its store paths, of which it may have several."""
        try:
            if element.attr_path and (element.url or element.original_url):
                one = self._exact(element)
                # What is of another system, but in this profile, works as it is.
                if one.locked or not self._ground.here:
                    yield one
                    return
            elif identity:
                yield self._identified(element, identity)
                return
            elif not element.store_paths and not split_name(element.label)[1] and self._ground.looked_up:
                # Somebody wrote down an attribute.
                yield Import(element, _spec(DEFAULT_INPUT, _split(element.label), ()), None, None, How.UNLOCKED)
                return
        except SpecError:  # an attribute path that no manifest can hold
            pass
        # By its store path, even what is of another system works as it did.
        if _can_be_held(replace(element, system=""), self._ground, ""):
            yield from self._kept(element)
        else:
            yield Alone(element, self._why_unknown(element))

    def _why_unknown(self, element: Element) -> str:
        if not self._ground.looked_up:
            return "not looked up, and its store path is not on this machine"
        return "a store path that this machine does not have" if element.store_paths else "no such package in nixpkgs"

    def _exact(self, element: Element) -> Import:
        origin = find_origin(element, self._inputs, self._ground.registry)
        spec = _spec(origin.input, attribute_of(element), element.outputs)
        locked = self._lock(element, origin.held)
        how = How.EXACT if locked else How.UNLOCKED
        return Import(element, spec, _priority(element), locked, how, new_input=origin.new_input)

    def _identified(self, element: Element, identity: Identity) -> Import:
        outputs = element.outputs
        if not element.label and "out" not in _outputs(element):
            # A bare store path that is, say, the documentation of a package is not the package.
            outputs = tuple(_outputs(element))
        spec = _spec(DEFAULT_INPUT, identity.attr_path, outputs)
        locked = self._lock(element, identity.source)
        how = How.IDENTIFIED if identity.evidence is Evidence.SAME_PATH else How.GUESSED
        return Import(element, spec, _priority(element), locked, how, identity.evidence, identity.candidates)

    def _kept(self, element: Element) -> Iterator[Import]:
        for path in element.store_paths:
            one = replace(element, store_paths=(path,), outputs=(), output_names=(), system="")
            yield Import(element, Spec(NO_INPUT, (path,)), _priority(element), self._lock(one, ""), How.KEPT)

    def _lock(self, element: Element, held: str) -> LockedPackage | None:
        """Hold an element at what is installed, if this machine can."""
        if not _can_be_held(element, self._ground, held):
            return None
        outputs = _outputs(element)
        pname, version = own_name(element)
        description = " ".join(element.description.split())
        resolved = Resolved(
            pname, version, description, "", element.priority, outputs, tuple(outputs), source=held, fingerprint=""
        )
        return LockedPackage({self._ground.system: resolved}, hold_at(held))


def _outputs(element: Element) -> dict[str, str]:
    """Give the store paths of an element by the output that each is."""
    if len(element.output_names) == len(element.store_paths):
        return dict(zip(element.output_names, element.store_paths, strict=True))
    return outputs_of(element.store_paths, element.outputs)


def _spec(input_name: str, attr_path: Sequence[str], outputs: Sequence[str]) -> Spec:
    """Make a spec that a manifest can hold.

    Raises: SpecError where it cannot be written.
    """
    chosen = ALL_OUTPUTS if "*" in outputs else tuple(outputs)
    return Spec.parse(str(Spec(input_name, tuple(attr_path), chosen)))


def _priority(element: Element) -> int | None:
    return None if element.priority == USUAL_PRIORITY else element.priority


def _merged(one: Import, other: Import, system: str) -> Import | None:
    """Make one package of two elements that are outputs of it; None where they are not."""
    first, second = (each.locked.systems[system] if each.locked else None for each in (one, other))
    if first is None or second is None:
        return None
    more = (*one.more, other.element)
    if first.outputs == second.outputs:
        better = one if one.element.priority <= other.element.priority else other
        return replace(one, priority=better.priority, locked=better.locked, more=more)
    if one.priority != other.priority:
        return None
    clash = any(second.outputs.get(name, path) != path for name, path in first.outputs.items())
    same = (one.element.url, one.element.label) == (other.element.url, other.element.label)
    if clash or not same:
        return None
    outputs = {**first.outputs, **second.outputs}
    names = tuple(outputs)
    chosen: tuple[str, ...] = names
    if ALL_OUTPUTS in (one.spec.outputs, other.spec.outputs):
        chosen = ALL_OUTPUTS
    elif one.spec.outputs == other.spec.outputs or names == first.outputs_to_install:
        chosen = one.spec.outputs
    resolved = replace(first, outputs=outputs, outputs_to_install=names)
    locked = LockedPackage({system: resolved}, one.locked.hold if one.locked else hold_at(None))
    return replace(one, spec=replace(one.spec, outputs=chosen), locked=locked, more=more)


class _Listed:
    """What is on the list already."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        here = ground.manifest.for_machine(ground.machine)
        self._entries = {package.spec.key: package for package in here}
        self._keys = {package.spec.key for package in ground.manifest.packages}

    def compare(self, one: Import, choice: Choice) -> Finding:
        """Compare a package with what the list has of it."""
        if choice.latest and one.how is not How.KEPT:
            # Another version may come of it, however sure it is which package it is.
            one = replace(one, locked=None, how=How.UNLOCKED if one.how is How.EXACT else one.how)
        entry = self._entries.get(one.spec.key)
        if entry is None:
            return replace(one, elsewhere=one.spec.key in self._keys)
        one = replace(one, entry=entry)
        if one.locked is None:
            return one
        listed, installed = self._listed(entry), self._installed(one)
        if set(installed.outputs.values()) == set(listed.paths if listed else ()):
            return replace(one, locked=None)
        if listed is None and entry.spec.outputs == one.spec.outputs:
            return one
        if choice.overwrite:
            rewrites = (entry.spec.outputs, entry.priority) != (one.spec.outputs, one.priority)
            return replace(one, rewrites=rewrites)
        return _differing(one, entry, installed, listed.version if listed else None)

    def _listed(self, entry: Package) -> EnvironmentEntry | None:
        """Give what the list links of an entry, as far as that is known."""
        known = self._ground.locked.get(entry.spec.key)
        resolved = known.systems.get(self._ground.system) if known else None
        if resolved is None or not (
            entry.spec.outputs == ALL_OUTPUTS or set(entry.spec.outputs) <= set(resolved.outputs)
        ):
            return None
        return expected([entry], self._ground.locked, self._ground.system)[0]

    def _installed(self, one: Import) -> Resolved:
        return (one.locked or LockedPackage()).systems[self._ground.system]


def _differing(one: Import, entry: Package, installed: Resolved, version: str | None) -> Differing:
    """Say what differs: the version, else the outputs, else what it was built from."""
    if version is not None and version != installed.version:
        return Differing(one.element, one.spec, version or "no version", installed.version or "no version")
    if entry.spec.outputs != one.spec.outputs:
        return Differing(one.element, one.spec, str(entry.spec), str(one.spec))
    return Differing(one.element, one.spec, f"another build of {installed.version}".rstrip(), installed.version)
