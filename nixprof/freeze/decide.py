"""What becomes of each element of a profile: a package of the list, or left alone."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nixprof.environment import expected
from nixprof.flake.packages import LockedPackage, Resolved
from nixprof.freeze.findings import Alone, Differing, Finding, How, Import
from nixprof.freeze.origin import find_origin, find_revision
from nixprof.nix.profile import ROOTS, USUAL_PRIORITY
from nixprof.spec import ALL_OUTPUTS, DEFAULT_INPUT, NO_INPUT, Spec, SpecError
from nixprof.storepath import is_store_path, outputs_of, package_of, split_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from nixprof.environment import Linked
    from nixprof.freeze.identify import Identity
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
        only: the names of the elements to import; empty for all.
        besides: the names of those to leave alone.
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
        system: this machine's.
        host: its name.
        here: whether the elements are those of a profile of this machine.

    """

    manifest: Manifest
    locked: Mapping[str, LockedPackage]
    system: str
    host: str
    here: bool = True


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
    for element in elements:
        reason = _reason_to_leave(element, ground, choice)
        if reason:
            gathered.findings.append(Alone(element, reason))
        else:
            gathered.add(element, identities.get(element))
    listed = _Listed(ground)
    return tuple(listed.compare(one, choice) if isinstance(one, Import) else one for one in gathered.findings)


def element_names(element: Element) -> set[str]:
    """Give the names by which a user may mean an element."""
    pname, version = own_name(element)
    last = element.attr_path.rpartition(".")[2]
    names = {element.name or "", pname, f"{pname}-{version}", element.label, last, element.attr_path}
    return (names | set(element.store_paths)) - {""}


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


def _reason_to_leave(element: Element, ground: Ground, choice: Choice) -> str:
    """Say why an element is not for the list; empty where it is."""
    names = element_names(element)
    paths = element.store_paths
    absent = not ground.here and not element.attr_path and not element.label and not _is_held(element, ground)
    reasons = {
        "not active": not element.active,
        "what nixprof has installed": own_name(element) == ("nixprof", ""),
        _UNTOUCHED.get(own_name(element)[0], ""): is_untouched(element),
        "a derivation, not a package": any(path.endswith(".drv") for path in paths),
        "not in a Nix store": not all(map(is_store_path, paths)),
        "not asked for": bool(choice.only and not names & set(choice.only)) or bool(names & set(choice.besides)),
        "a store path that this machine does not have": absent,
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _is_held(element: Element, ground: Ground) -> bool:
    """Tell whether the store paths of an element are ones that this machine can install.

    What comes from a file may be another system's. Where nothing says so, only paths that are here count.
    """
    if not element.store_paths:
        return False
    if ground.here or element.system:
        return element.system in ("", ground.system)
    return all(map(os.path.lexists, element.store_paths))


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
            self._insert(one)

    def _insert(self, one: Import) -> None:
        """Take a package in; where its name is taken by another one, under another name."""
        at = self._at.get(one.spec.key)
        twin = None if at is None else self.findings[at]
        if at is None or not isinstance(twin, Import):
            self._at[one.spec.key] = len(self.findings)
            self.findings.append(one)
            if one.new_input:
                self._inputs = [known for known in self._inputs if known.name != one.new_input.name]
                self._inputs.append(one.new_input)
        elif (merged := _merged(twin, one, self._ground.system)) is not None:
            self.findings[at] = merged
        else:
            for other in self._apart(one):
                self._insert(other)

    def _apart(self, one: Import) -> Iterator[Import]:
        """Name a package otherwise: by the revision that it is of, or else by its store path."""
        at_revision = any(known.name == one.spec.input and known.url == one.element.url for known in self._inputs)
        if one.locked is None:
            self.findings.append(Alone(one.element, f"the same package as {one.spec}"))
        elif one.how is How.EXACT and one.locked.held and not at_revision:
            name, new = find_revision(one.spec.input, one.element.url, self._inputs)
            yield replace(one, spec=replace(one.spec, input=name), new_input=new)
        else:
            yield from self._kept(one.element)

    def _imports(self, element: Element, identity: Identity | None) -> Iterator[Import]:
        """Make an element into packages: one, unless it is kept by its store paths, of which it may have several."""
        try:
            if element.attr_path and (element.url or element.original_url):
                if _is_held(element, self._ground) or not self._ground.here:
                    yield self._exact(element)
                    return
            elif identity:
                yield self._identified(element, identity)
                return
            elif element.label and not _is_held(element, self._ground):
                yield self._by_name(element)
                return
        except SpecError:  # an attribute path that no manifest can hold
            pass
        yield from self._kept(element)

    def _exact(self, element: Element) -> Import:
        origin = find_origin(element, self._inputs)
        spec = _spec(origin.input, attribute_of(element), element.outputs)
        locked = self._lock(element, origin.held)
        return Import(element, spec, _priority(element), locked, How.EXACT, new_input=origin.new_input)

    def _identified(self, element: Element, identity: Identity) -> Import:
        spec = _spec(DEFAULT_INPUT, identity.attr_path, element.outputs)
        locked = self._lock(element, identity.source)
        return Import(element, spec, _priority(element), locked, How.IDENTIFIED, identity.evidence, identity.candidates)

    def _by_name(self, element: Element) -> Import:
        """Take the name of a package for its attribute, to be resolved."""
        name, version = split_name(element.label)
        attr_path = (name,) if version else _split(name)
        return Import(element, _spec(DEFAULT_INPUT, attr_path, ()), _priority(element), None, How.UNLOCKED)

    def _kept(self, element: Element) -> Iterator[Import]:
        for path in element.store_paths:
            one = replace(element, store_paths=(path,), outputs=(), output_names=())
            yield Import(element, Spec(NO_INPUT, (path,)), _priority(element), self._lock(one, ""), How.KEPT)

    def _lock(self, element: Element, held: str) -> LockedPackage | None:
        """Hold an element at what is installed, if that is of this machine's system."""
        if not _is_held(element, self._ground):
            return None
        outputs = _outputs(element)
        pname, version = own_name(element)
        description = " ".join(element.description.split())
        resolved = Resolved(
            pname, version, description, "", element.priority, outputs, tuple(outputs), source=held, basis=""
        )
        return LockedPackage({self._ground.system: resolved}, held)


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
    locked = LockedPackage({system: resolved}, one.locked.held if one.locked else None)
    return replace(one, spec=replace(one.spec, outputs=chosen), locked=locked, more=more)


class _Listed:
    """What is on the list already."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        here = ground.manifest.for_machine(ground.system, ground.host)
        self._entries = {package.spec.key: package for package in here}
        self._keys = {package.spec.key for package in ground.manifest.packages}

    def compare(self, one: Import, choice: Choice) -> Finding:
        """Compare a package with what the list has of it."""
        if choice.latest and one.how is not How.KEPT:
            one = replace(one, locked=None)
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

    def _listed(self, entry: Package) -> Linked | None:
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
