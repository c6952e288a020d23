"""What becomes of each candidate: a package of the list, or it is left alone."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from nixprof.importers.candidate import Evidence
from nixprof.importers.origin import at_revision, find_origin, is_locked
from nixprof.manifest.spec import ALL_OUTPUTS, DEFAULT_INPUT, NO_INPUT, Spec, SpecError
from nixprof.nix.profile import USUAL_PRIORITY
from nixprof.record import record, replace
from nixprof.store_path import outputs_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.importers.candidate import Candidate
    from nixprof.manifest.model import Input, Package


class How(Enum):
    """How sure it is what a candidate is."""

    EXACT = "imported exactly"
    IDENTIFIED = "identified"  # by the same store path, or the same name and program
    BY_TABLE = "by table"  # of what is called otherwise elsewhere
    GUESSED = "guessed"  # on less evidence
    KEPT = "kept by store path"
    UNLOCKED = "listed by name"


_HOW = {
    Evidence.SAME_PATH: How.IDENTIFIED,
    Evidence.SAME_PROGRAM: How.IDENTIFIED,
    Evidence.TABLE: How.BY_TABLE,
    Evidence.STATED: How.UNLOCKED,
}


@record
class Import:
    """A package for the list."""

    candidates: tuple[Candidate, ...]  # what it is made of; several are outputs of one package
    spec: Spec
    outputs: Mapping[str, str] | None  # the store paths it stays at, by output; None where it follows its input
    held: str = ""  # the locked reference of those; empty where none is known
    input: Input | None = None  # what it comes from; None for a store path
    entry: Package | None = None  # what the list has of it already

    @property
    def candidate(self) -> Candidate:
        """The one that gives the name."""
        return self.candidates[0]

    @property
    def how(self) -> How:
        """How sure it is what it is."""
        if self.spec.is_store_path:
            return How.KEPT
        if self.candidate.evidence:
            return _HOW.get(self.candidate.evidence, How.GUESSED)
        return How.UNLOCKED if self.outputs is None else How.EXACT

    @property
    def priority(self) -> int | None:
        """What the list says; None for the usual one."""
        return None if self.candidate.priority == USUAL_PRIORITY else self.candidate.priority


@record
class LeftAlone:
    """A candidate that is left as it is, and why."""

    candidate: Candidate
    reason: str


@record
class Differing:
    """A candidate whose package is on the list as something else than what is installed."""

    candidate: Candidate
    spec: Spec
    listed: str  # a version, or what else differs
    installed: str


Finding = Import | LeftAlone | Differing


def decide(
    candidates: Sequence[Candidate],  # what is installed
    inputs: Sequence[Input],  # those of the list
    system: str,  # this machine's
    *,
    registry: Mapping[str, str] | None = None,  # what flake names mean where they are installed, as far as is known
    is_here: bool = True,  # whether they are installed on this machine
    was_looked_up: bool = True,  # whether there was a nixpkgs to identify them in
) -> list[Finding]:
    """Decide on every candidate, in their order. One may come to several packages, and several to one."""
    packages = _Packages(list(inputs), system, registry or {}, is_here=is_here, was_looked_up=was_looked_up)
    for candidate in candidates:
        packages.add(candidate)
    return packages.findings


@dataclass(slots=True)
class _Packages:
    """The packages that candidates come to, each once."""

    inputs: list[Input]
    system: str
    registry: Mapping[str, str]
    is_here: bool
    was_looked_up: bool
    findings: list[Finding] = field(default_factory=list)
    at: dict[str, int] = field(default_factory=dict)  # where in `findings` each package is, by key

    def add(self, candidate: Candidate) -> None:
        """Take a candidate in."""
        if candidate.leave:
            self.findings.append(LeftAlone(candidate, candidate.leave))
            return
        try:
            one = self._named(candidate)
        except SpecError:  # an attribute path that no manifest can hold
            one = None
        if one:
            self._insert(one)
        # By its store path, even what is of another system works as it did.
        elif self._can_stay(replace(candidate, system=""), ""):
            self._keep(candidate)
        elif self.was_looked_up:
            is_path = bool(candidate.outputs)
            reason = "a store path that this machine does not have" if is_path else "no such package in nixpkgs"
            self.findings.append(LeftAlone(candidate, reason))
        else:
            self.findings.append(LeftAlone(candidate, "not looked up, and its store path is not on this machine"))

    def _named(self, candidate: Candidate) -> Import | None:
        """Make a candidate a package by its attribute; None where it is better kept by store path, or not at all."""
        attribute, chosen, held = candidate.attribute, candidate.chosen, ""
        source = next(one for one in self.inputs if one.name == DEFAULT_INPUT)
        if candidate.evidence:
            held = candidate.locked if candidate.evidence is Evidence.SAME_PATH else ""
            if candidate.outputs and not candidate.label and "out" not in candidate.outputs:
                # A bare store path that is, say, the documentation of a package is not the package.
                chosen = tuple(candidate.outputs)
        elif attribute:
            source = find_origin(candidate.reference, candidate.locked, self.inputs, self.registry)
            held = candidate.locked if is_locked(candidate.locked) else ""
            if self.is_here and not self._can_stay(candidate, held):
                return None
        else:
            return None
        spec = Spec(source.name, attribute, ALL_OUTPUTS if "*" in chosen else chosen)
        outputs = candidate.outputs if self._can_stay(candidate, held) else None
        return Import((candidate,), Spec.parse(str(spec)), outputs, held, source)

    def _can_stay(self, candidate: Candidate, held: str) -> bool:
        """Tell whether this machine can keep the very store paths; `held` is the reference that gives them, if any."""
        if not candidate.outputs or candidate.system not in ("", self.system):
            return False
        has_source = bool(held and candidate.system)
        return self.is_here or has_source or all(map(os.path.lexists, candidate.store_paths))

    def _keep(self, candidate: Candidate) -> None:
        """Take each store path of a candidate in by itself."""
        for path in candidate.store_paths:
            one = replace(candidate, outputs=outputs_of((path,), ()), chosen=())
            self._insert(Import((one,), Spec(NO_INPUT, (path,)), one.outputs))

    def _insert(self, one: Import) -> None:
        """Take a package in; where its name is taken by another one, under another name."""
        at = self.at.setdefault(one.spec.key, len(self.findings))
        twin = self.findings[at] if at < len(self.findings) else None
        if not isinstance(twin, Import):
            self._put(at, one)
        elif merged := _merged(twin, one):
            self.findings[at] = merged
        elif twin.how is How.GUESSED and one.how in (How.EXACT, How.IDENTIFIED):
            # A guess makes way for what is sure.
            self._put(at, one)
            self._insert_apart(twin)
        else:
            self._insert_apart(one)

    def _put(self, at: int, one: Import) -> None:
        self.findings[at : at + 1] = [one]
        if one.input and one.input not in self.inputs:
            self.inputs = [*(known for known in self.inputs if known.name != one.input.name), one.input]

    def _insert_apart(self, one: Import) -> None:
        """Take a package in by the revision that it is of, or else by store path."""
        if one.outputs is None:
            self.findings.append(LeftAlone(one.candidate, f"the same package as {one.spec}"))
        elif one.how is How.EXACT and one.held and one.input and one.input.url != one.held:
            source = at_revision(one.input.name, one.held, self.inputs)
            self._insert(replace(one, spec=replace(one.spec, input=source.name), input=source))
        else:
            for candidate in one.candidates:
                self._keep(candidate)


def _merged(one: Import, other: Import) -> Import | None:
    """Make one package of two that are the same, or outputs of the same; None where they are not."""
    if one.outputs is None or other.outputs is None:
        chosen = tuple(dict.fromkeys((*one.spec.outputs, *other.spec.outputs)))
        if not (one.outputs is other.outputs and one.spec.outputs and other.spec.outputs) or "*" in chosen:
            return None
        return replace(one, spec=replace(one.spec, outputs=chosen), candidates=one.candidates + other.candidates)
    if one.outputs == other.outputs:
        # What wins among files is the lower priority.
        winner, loser = sorted((one, other), key=lambda each: each.candidate.priority)
        return replace(one, candidates=winner.candidates + loser.candidates, held=winner.held)
    outputs = {**one.outputs, **other.outputs}
    clash = any(outputs[name] != path for name, path in one.outputs.items())
    first, last = one.candidate, other.candidate
    if clash or (first.locked, first.label, first.priority) != (last.locked, last.label, last.priority):
        return None
    chosen = tuple(outputs)
    if ALL_OUTPUTS in (one.spec.outputs, other.spec.outputs):
        chosen = ALL_OUTPUTS
    elif one.spec.outputs == other.spec.outputs or outputs.keys() == one.outputs.keys():
        chosen = one.spec.outputs
    spec = replace(one.spec, outputs=chosen)
    return replace(one, spec=spec, candidates=one.candidates + other.candidates, outputs=outputs)


def compare(
    one: Import, entry: Package | None, listed: tuple[str, Sequence[str]] | None, *, latest: bool, overwrite: bool
) -> Finding:
    """Compare a package with what the list has of it for this machine, if anything.

    `listed` is the version and the store paths that the list is locked to, as far as that is known. With `latest`, the
    package is to be resolved now and not to stay as installed; with `overwrite`, the list takes over what is installed.
    """
    # Another version may come of it, however sure it is which package it is.
    outputs = None if latest and one.how is not How.KEPT else one.outputs
    one = replace(one, outputs=outputs, entry=entry)
    if entry is None or one.outputs is None:
        return one
    if listed and set(listed[1]) == set(one.outputs.values()):
        return replace(one, outputs=None)
    if overwrite or (listed is None and entry.spec.outputs == one.spec.outputs):
        return one
    # What differs: the version, else the outputs, else what it was built from.
    installed = one.candidate.own_name[1]
    if listed and listed[0] != installed:
        return Differing(one.candidate, one.spec, listed[0] or "no version", installed or "no version")
    if entry.spec.outputs != one.spec.outputs:
        return Differing(one.candidate, one.spec, str(entry.spec), str(one.spec))
    return Differing(one.candidate, one.spec, f"another build of {installed}".rstrip(), installed)
