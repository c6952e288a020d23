"""What the names of other lists are in nixpkgs, by its index, and on what evidence.

A name that is an attribute is one, in a list that uses the names of nixpkgs; what others call so has to have a program
of that name, too. Everything below that is called a guess, and what is called otherwise is in a table.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from nixprof.formatting import shell_quote
from nixprof.importers.candidate import Evidence, Vocabulary
from nixprof.importers.name_table import ATTRIBUTES, FORMS, why_nothing
from nixprof.importers.names import Names, keys
from nixprof.index.database import is_allowed
from nixprof.manifest.spec import Spec, SpecError, dotted
from nixprof.record import record, replace
from nixprof.store_path import fits_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nixprof.errors import Reason
    from nixprof.importers.candidate import Candidate
    from nixprof.importers.identify import Match
    from nixprof.index.database import Index, IndexedPackage
    from nixprof.machine import Machine
    from nixprof.manifest.model import Policy

_WITH_VERSION = re.compile(r"(.+?)[-_]?(\d+(?:[._]\d+)*)")
# What a list says that wants the newest version.
_NEWEST = ("", "latest", "stable", "current", "head", "HEAD")
MAX_OTHERS = 10
_NOTHING = "nixpkgs has nothing by this name"


@record
class Found:
    """What a name may be."""

    package: IndexedPackage
    evidence: Evidence
    others: Sequence[str] = ()  # names of other packages that it may be


def counterparts(
    candidates: Sequence[Candidate], index: Index | None, policy: Policy, machine: Machine
) -> tuple[Candidate, ...]:
    """Find the attribute of every candidate that has only a name, or say why it has none."""
    finder = _Finder(index, policy, machine) if index else None
    find = finder.counterpart if finder else _as_written
    return tuple(find(one) if one.is_name else one for one in candidates)


def confirmed_by(
    told: Mapping[tuple[str, ...], Match | None], candidates: Sequence[Candidate]
) -> tuple[Candidate, ...]:
    """Say of each candidate that is only as written whether there is such a package, by what nixpkgs has told."""
    return tuple(_confirmed(one, told.get(one.attribute)) if one.is_as_written else one for one in candidates)


def _confirmed(one: Candidate, match: Match | None) -> Candidate:
    if match:
        return replace(one, evidence=Evidence.STATED, description=match.description)
    return replace(one, leave=_NOTHING)


def _as_written(one: Candidate) -> Candidate:
    """Take a name as it is, where there is nothing to look it up in."""
    if one.vocabulary is not Vocabulary.NIXPKGS or one.version not in _NEWEST:
        return replace(one, leave="not looked up: there is no index of nixpkgs")
    try:
        return replace(one, attribute=one.attribute or Spec.parse(one.name).attr_path, evidence=Evidence.AS_WRITTEN)
    except SpecError:
        return replace(one, leave="not a name that a package of nixpkgs can have")


class _Finder:
    """An index of nixpkgs, in which names of others are found."""

    def __init__(self, index: Index, policy: Policy, machine: Machine) -> None:
        self._index, self._policy, self._machine = index, policy, machine

    def counterpart(self, one: Candidate) -> Candidate:
        """Find one candidate."""
        written = one.name.rpartition("/")[2].removesuffix(f"@{one.version}")
        name, version = dotted(one.attribute) or written, "" if one.version in _NEWEST else one.version
        found = self._find(name, version, one)
        if isinstance(found, Found):
            return self._taken(one, found)
        if output := self._output(one.attribute):
            return self.counterpart(replace(one, attribute=one.attribute[:-1], chosen=(output,)))
        if one.attribute[1:] and not self._index.names(f"{dotted(one.attribute[:-1])}.", 1):
            # The index has no sets that nixpkgs leaves out when all of it is searched.
            return replace(one, evidence=Evidence.AS_WRITTEN)
        return replace(one, leave=found or _NOTHING)

    def _find(self, name: str, version: str, one: Candidate) -> Found | str:
        """Find a package, the best evidence first; else say why there is none."""
        own = one.vocabulary is Vocabulary.NIXPKGS
        exact = self._exact(name, version, stated=own)
        by_table = exact if own and exact else self._by_table(name, version)
        if by_table:
            return by_table
        if one.vocabulary is Vocabulary.DEBIAN and (why := why_nothing(name)):
            return why
        found = exact or self._of_version(name, version)
        return found or self._with_program(name) or self._called(name) or self._spelled(name) or ""

    def _taken(self, one: Candidate, found: Found) -> Candidate:
        """Make what was found the candidate's attribute, if it can be had."""
        package = found.package
        one = replace(
            one,
            attribute=package.attr_path,
            evidence=found.evidence,
            others=tuple(found.others)[:MAX_OTHERS],
            description=package.description,
        )
        is_here = one.scope.applies(self._machine)
        refusals = [why for why in package.refusals if is_here and not is_allowed(why, package, self._policy)]
        return replace(one, leave=self._refusal(package, refusals[0])) if refusals else one

    def _output(self, attribute: Sequence[str]) -> str:
        """Give the output that an attribute path names at its end, as `git.man` does; empty where it names none."""
        package = self._index.package(dotted(tuple(attribute[:-1]))) if attribute[1:] else None
        return attribute[-1] if package and attribute[-1] in package.outputs else ""

    def _refusal(self, package: IndexedPackage, why: Reason) -> str:
        name = shell_quote(package.name)
        if why.policy_key:
            return f"{why.value}; to allow it: nixprof add {name} --{why.policy_key}"
        return f"{package.name} is not for {self._machine.system}"

    ## evidence

    def _exact(self, name: str, version: str, *, stated: bool) -> Found | None:
        package = self._index.package(name)
        if package is None:
            return None
        if version and (found := self._of_version(name, version)) and found.package != package:
            return found
        if version and not fits_version(package.version, version):
            return Found(package, Evidence.SAME_NAME)
        if stated:
            return Found(package, Evidence.STATED)
        is_program = any(found == name for found, _, _ in self._index.with_program(name))
        return Found(package, Evidence.SAME_PROGRAM if is_program else Evidence.SAME_ATTRIBUTE)

    def _by_table(self, name: str, version: str) -> Found | None:
        attribute = self._in_table(name)
        for pattern, form in FORMS:
            if written := re.fullmatch(pattern, name):
                named, _, version = written.expand(form).partition("@")
                attribute = self._in_table(named) or named
        package = self._index.package(attribute) if attribute else None
        found = self._of_version(attribute, version) or (Found(package, Evidence.TABLE) if package else None)
        is_sure = found and found.evidence is Evidence.SAME_VERSION
        return replace(found, evidence=Evidence.TABLE) if found and is_sure else found

    def _in_table(self, name: str) -> str:
        """Give the attribute that the table has for a name; empty where it has none that there is."""
        return next((one for one in ATTRIBUTES.get(name, ()) if self._index.has(one)), "")

    def _of_version(self, name: str, version: str) -> Found | None:
        """Find the attribute that has a version of a package, which the name may hold: `gcc-13` is `gcc13`."""
        written = None if version else _WITH_VERSION.fullmatch(name)
        if written:
            name, version = written[1], written[2].replace("_", ".")
            name = self._in_table(name) or name
        if not version or not name:
            return None
        paths = [*self._names.named(name), *(one.attr_path for one in self._namesakes(name))]
        packages = list(self._packages(map(dotted, dict.fromkeys(paths))))
        # Where there is no 3.12.1, a 3.12 is nearer than a 3.13; what a name holds has to be there.
        for wanted in [version] if written else _beginnings(version):
            fitting = [one for one in packages if not wanted or fits_version(one.version, wanted)]
            if chosen := _best(fitting, wanted):
                evidence = Evidence.SAME_VERSION if wanted == version else Evidence.SAME_NAME
                return Found(chosen, evidence, [one.name for one in fitting if one != chosen])
        return None

    def _with_program(self, name: str) -> Found | None:
        names = [package for package, _, is_for_here in self._index.with_program(name) if is_for_here]
        return self._first(names, Evidence.PROGRAM)

    def _called(self, name: str) -> Found | None:
        # In a set, it is a part of something else: `zip` of PHP is no zip.
        return self._first([one.name for one in self._index.named(name) if not one.attr_path[1:]], Evidence.OWN_NAME)

    def _spelled(self, name: str) -> Found | None:
        paths = [path for path in self._names.named(name) if set(keys(path[-1])) & set(keys(name))]
        return self._first(map(dotted, paths), Evidence.SPELLING)

    def _first(self, names: Iterable[str], evidence: Evidence) -> Found | None:
        found = list(self._packages(dict.fromkeys(names)))
        return Found(found[0], evidence, [one.name for one in found[1:]]) if found else None

    ## the index

    @cached_property
    def _names(self) -> Names:
        """The names outside of sets."""
        names = self._index.names()
        return Names((), [name.strip('"') for name in names if "." not in name or re.fullmatch(r'"[^"]*"', name)])

    def _namesakes(self, name: str) -> Iterator[IndexedPackage]:
        """Give the packages that call themselves as an attribute does, or as the package that is there."""
        there = self._index.package(name)
        yield from (one for one in self._index.named(there.pname if there else name) if not one.attr_path[1:])

    def _packages(self, names: Iterable[str]) -> Iterator[IndexedPackage]:
        yield from filter(None, map(self._index.package, names))


def _beginnings(version: str) -> list[str]:
    """Give a version and what it begins with, the longest first, down to nothing: then any version will do."""
    return [version, *(version[: dot.start()] for dot in reversed([*re.finditer(r"[.+-]", version)])), ""]


def _best(packages: Sequence[IndexedPackage], version: str = "") -> IndexedPackage | None:
    """Choose what can be had, of that what stays at a version, as its name says, and of that the plainest."""
    digits = keys(version)[0]

    def order(one: IndexedPackage) -> tuple[bool, bool, int, str]:
        return bool(one.refusals), not keys(one.name)[0].endswith(digits), len(one.name), one.name

    return min(packages, key=order, default=None)
