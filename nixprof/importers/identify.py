"""What candidates without an attribute path are: what evidence there is for one in a nixpkgs, the best first.

1. An attribute evaluates to the very store path that is installed. That is proof; everything else is a guess.
2. An attribute has the name and the version, and `meta.position` names the same file.
3. An attribute has the name and the version.
4. An attribute has the name. The version that is nearest counts, and where several versions are kept and none is
   near, none is guessed: `nodejs` 18 is not `nodejs` 22.

Of attributes that nothing tells apart, the one that is called as the package is; else none. A bare store path is
only identified by proof.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nixprof.files import scratch_folder, text_of
from nixprof.folders import home
from nixprof.importers.candidate import Evidence
from nixprof.importers.names import PLAIN_SETS, UNLIKE, Name, Names, expand, in_nested
from nixprof.index.database import Index
from nixprof.record import record, replace
from nixprof.schema import fits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from nixprof.errors import NixprofError
    from nixprof.importers.candidate import Candidate
    from nixprof.index.database import IndexedPackage
    from nixprof.nix.operations import Nix

    AttrPath = tuple[str, ...]

_BY_NAME = re.compile(r"/pkgs/by-name/[^/]+/([^/]+)/")
_CHANNELS = (".nix-defexpr/channels/nixpkgs", ".nix-defexpr/channels_root/nixpkgs", ".nix-defexpr/channels/nixos")
_SHARED_CHANNELS = tuple(f"/nix/var/nix/profiles/per-user/root/channels/{name}" for name in ("nixpkgs", "nixos"))

MAX_QUESTIONS_AT_ONCE = 500
# After this many failures without an answer between them, nothing in a nixpkgs can be evaluated.
MAX_FAILURES_IN_A_ROW = 25


@record
class Nixpkgs:
    """A nixpkgs to look packages up in."""

    place: str  # a locked flake reference or a folder
    reference: str  # the locked flake reference of its revision; empty where it has none
    index: Path | None = None  # the file of its index, whether it is there or not
    is_here: bool = True  # whether it can be asked without a download; else its index alone tells


@record
class Unasked:
    """What could not be evaluated, and so was not compared."""

    attribute: str  # empty where nothing could be asked
    source: str  # the nixpkgs
    cause: str  # what Nix says


@record
class Match:
    """An attribute of a nixpkgs."""

    attribute: AttrPath
    name: str  # of the package, with the version
    position: str = ""  # the file that defines it, and the line
    description: str = ""
    source: Nixpkgs = Nixpkgs("", "")
    outputs: frozenset[str] | None = None  # its store paths; None where they were not asked for, or cannot be told

    @property
    def plainness(self) -> tuple[int, int, str]:
        """How plain its attribute path is: lower is plainer."""
        name = ".".join(self.attribute)
        return len(self.attribute), len(name), name

    def gives(self, candidate: Candidate) -> bool:
        """Tell whether it is what is installed: the proof."""
        return bool(candidate.outputs) and self.outputs is not None and self.outputs.issuperset(candidate.store_paths)

    def is_like(self, candidate: Candidate) -> bool:
        """Tell whether more than the name is the same: the file that it is from, or the description."""
        same = bool(candidate.description) and self.description == candidate.description
        return same or _same_file(candidate.position, self.position)


def channel() -> Nixpkgs | None:
    """Find the user's nixpkgs channel, if it is still there."""
    folder = home()
    state = Path(os.environ.get("XDG_STATE_HOME") or folder / ".local/state") / "nix/defexpr/channels/nixpkgs"
    for place in (*(folder / one for one in _CHANNELS), state, *map(Path, _SHARED_CHANNELS)):
        if (place / "default.nix").exists():
            revision = text_of(place / ".git-revision").strip()
            is_commit = re.fullmatch(r"[0-9a-f]{40}", revision)
            return Nixpkgs(os.path.realpath(place), f"github:NixOS/nixpkgs/{revision}" if is_commit else "")
    return None


def identify(
    nix: Nix, candidates: Sequence[Candidate], sources: Sequence[Nixpkgs]
) -> tuple[list[Candidate], list[Unasked]]:
    """Find out what the candidates are that are not sure, in one nixpkgs after the other.

    Nix is asked a few times for each source, and once more for each attribute that cannot be evaluated. Returns the
    candidates in the same order, and what could not be asked and might have told more.
    """
    searches = {candidate: _Search(candidate) for candidate in candidates if candidate.is_unsure}
    unasked: list[Unasked] = []
    asked = False
    for place in sources:
        # What the user's own configuration breaks may be told without it.
        for plain in (False, True) if place.place.startswith("/") else (True,):
            source = _Source(nix, place, plain=plain)
            missing = [search for search in searches.values() if not search.is_proved]
            works = bool(missing) and source.look_up(missing)
            unasked += [one for one in source.unasked if one not in unasked]
            if works:
                asked = True
                break
    told = {candidate: search.result(asked=asked) for candidate, search in searches.items()}
    return [told.get(candidate) or candidate for candidate in candidates], unasked


def described(nix: Nix, paths: Sequence[AttrPath], source: Nixpkgs) -> dict[AttrPath, Match | None]:
    """Tell what attributes of a nixpkgs are; None for those that are no package, or cannot be evaluated."""
    return _Source(nix, source, plain=True).described(paths)


class _Search:
    """The search for one candidate: what was found, and what may be it but cannot be evaluated."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.name = Name.parse(candidate.full_name)
        self.matches: dict[tuple[str, AttrPath], Match] = {}  # by nixpkgs and attribute
        self.refused: set[AttrPath] = set()

    @property
    def is_proved(self) -> bool:
        """Whether something gives the very store path."""
        return any(one.gives(self.candidate) for one in self.matches.values())

    @property
    def is_likely(self) -> bool:
        """Whether something is more than a namesake: only variants of it remain to be looked at."""
        return any(one.is_like(self.candidate) and self.name.shared(one.name) for one in self.matches.values())

    def result(self, *, asked: bool) -> Candidate | None:
        """Say what the candidate is; `asked` tells whether there was a nixpkgs to ask."""
        found = judge(self.candidate, self.matches.values())
        if found and found.evidence is Evidence.SAME_NAME:
            # Something that could not be evaluated may be called more like it.
            found = None if any(self.name.closeness(path[-1]) < UNLIKE for path in self.refused) else found
        # Its file alone tells, where there is nothing to compare it with: `pkgs/by-name/xx/NAME` defines `NAME`.
        file = _file_name(self.candidate)
        if not found and file and self.name.closeness(file[0]) == 0 and (not asked or file in self.refused):
            return replace(self.candidate, attribute=file, evidence=Evidence.POSITION, others=())
        return found


@dataclass(slots=True)
class _Source:
    """A nixpkgs that is asked; `plain` leaves the user's configuration out."""

    nix: Nix
    nixpkgs: Nixpkgs
    plain: bool
    unasked: list[Unasked] = field(default_factory=list)
    _failed: bool = False
    _refused: set[AttrPath] = field(default_factory=set)
    _names: dict[AttrPath, Names] = field(default_factory=dict)
    _seen: dict[AttrPath, Match | None] = field(default_factory=dict)

    def look_up(self, searches: Sequence[_Search]) -> bool:
        """Find the packages that candidates may be; first where they should be, then wherever they could be.

        Returns whether this nixpkgs can be asked: some of its attributes can be evaluated.
        """
        self._look_in_index(searches)
        if not self.nixpkgs.is_here or all(search.is_proved for search in searches):
            return self.nixpkgs.is_here
        self._list([()])
        if () not in self._names:
            return False
        for wide in (False, True):
            missing = [search for search in searches if not search.is_proved]
            sets = {search: self._sets(search, wide=wide) for search in missing}
            self._list(path for some in sets.values() for path in some)
            paths = {search: dict.fromkeys(self._paths(search, some, wide=wide)) for search, some in sets.items()}
            wanted = {search.candidate.full_name for search in missing}
            self._describe((path for some in paths.values() for path in some), wanted)
            for search, some in paths.items():
                search.refused |= self._refused & some.keys()
                seen = [one for one in map(self._seen.get, some) if one and Name.parse(one.name).is_same(search.name)]
                search.matches |= {(self.nixpkgs.place, one.attribute): one for one in seen}
        return not self._failed

    def described(self, paths: Sequence[AttrPath]) -> dict[AttrPath, Match | None]:
        """Tell what attributes are."""
        self._describe(paths, ())
        return {path: self._seen.get(path) for path in paths}

    def _look_in_index(self, searches: Sequence[_Search]) -> None:
        """Find what the index knows of the names of candidates; only whether that is what is installed is asked."""
        index = Index.open(self.nixpkgs.index) if self.nixpkgs.index else None
        if not index:
            return
        found = {search: list(_called(search.name, index)) for search in searches}
        for one in (one for some in found.values() for one in some):
            place = f"/{one.position}"
            self._seen[one.attr_path] = Match(one.attr_path, one.full_name, place, one.description, self.nixpkgs)
        wanted = {search.candidate.full_name for search in searches}
        self._ask_outputs(one.attr_path for some in found.values() for one in some if one.full_name in wanted)
        for search, some in found.items():
            seen = [one for one in (self._seen[one.attr_path] for one in some) if one]
            search.matches |= {(self.nixpkgs.place, one.attribute): one for one in seen}

    def _sets(self, search: _Search, *, wide: bool) -> list[AttrPath]:
        name, top = search.name, self._names[()].all
        if name.family and name.family.nested:
            return [()]
        other = PLAIN_SETS if wide and not name.family and not search.is_likely else ()
        return [(), *expand(name.sets, top), *expand(other, top)]

    def _paths(self, search: _Search, sets: Sequence[AttrPath], *, wide: bool) -> Iterator[AttrPath]:
        name, top = search.name, self._names[()].all
        if name.family and name.family.nested:
            for place in expand(name.sets, top):
                yield from in_nested(place, name.own)
        yield from (file for file in [_file_name(search.candidate)] if file and file[0] in top)
        for place in sets:
            if place in self._names:
                names, called = self._names[place], name.own if place else name.stem
                yield from names.named(called)
                if wide and (not place or name.family):
                    yield from names.variants(called)
                    if not search.is_likely:
                        yield from names.related(called, name.version)

    def _list(self, paths: Iterable[AttrPath]) -> None:
        for path, names in self._ask("names", paths, self._names):
            if fits(names, [str]):
                self._names[path] = Names(path, names)

    def _describe(self, paths: Iterable[AttrPath], wanted: Collection[str]) -> None:
        """Ask what packages are, and for the store paths of those that have the very names of candidates."""
        named = []
        for path, told in self._ask("package", paths, self._seen):
            is_package = fits(told, {"name": str, "position": str, "description": str})
            about = (told["name"], told["position"], told["description"], self.nixpkgs) if is_package else ()
            self._seen[path] = Match(path, *about) if about else None
            named += [path] if about and told["name"] in wanted else []
        self._ask_outputs(named)

    def _ask_outputs(self, paths: Iterable[AttrPath]) -> None:
        for path, told in self._ask("outputs", paths) if self.nixpkgs.is_here else ():
            if (one := self._seen[path]) and fits(told, {str: str}):
                self._seen[path] = replace(one, outputs=frozenset(told.values()))

    def _ask(
        self, what: str, paths: Iterable[AttrPath], known: Mapping[AttrPath, object] = MappingProxyType({})
    ) -> list[tuple[AttrPath, Any]]:
        """Ask one thing about each attribute that is not known; None for what does not exist or cannot be evaluated.

        Asked together, Nix stops at the first that fails: it goes on behind that one, and where not even the first
        answer came, with half as many.
        """
        new = [path for path in dict.fromkeys(paths) if path not in known]
        answers: dict[AttrPath, Any] = dict.fromkeys(new)
        pending = [new[at : at + MAX_QUESTIONS_AT_ONCE] for at in range(0, len(new), MAX_QUESTIONS_AT_ONCE)][::-1]
        failures_in_a_row = 0
        while pending and not self._failed:
            batch = pending.pop()
            questions = [{"what": what, "path": path} for path in batch]
            with scratch_folder() as scratch:
                file = Path(scratch, "questions.json")
                asked = {"nixpkgs": self.nixpkgs.place, "plain": self.plain, "questions": questions}
                file.write_text(json.dumps(asked), encoding="utf-8")
                told, error = self.nix.ask(file, len(batch))
            answers |= zip(batch, told, strict=False)
            rest = batch[len(told) :]
            failures_in_a_row = 0 if told else failures_in_a_row
            if (told and rest) or len(rest) == 1:
                failures_in_a_row += 1
                self._refuse(rest[0], error)
                if failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
                    self._failed = True
                    self._refuse((), error)
                pending += [rest[1:]] if rest[1:] else []
            elif rest:
                half = len(rest) // 2
                pending += [rest[half:], rest[:half]]
        return list(answers.items())

    def _refuse(self, path: AttrPath, error: NixprofError | None) -> None:
        """Note that an attribute cannot be evaluated, and why, in one line; () where nothing can."""
        said = (error.cause or error.message).splitlines() if error else []
        self._refused.add(path)
        self.unasked.append(Unasked(".".join(path), self.nixpkgs.place, said[0] if said else "Nix gives no answer"))


def _called(name: Name, index: Index) -> Iterator[IndexedPackage]:
    """Find the packages of an index that have a name, whatever the version."""
    with suppress(sqlite3.Error):
        for one in (*index.called(name.stem), *index.named(name.own)):
            if Name.parse(one.full_name).is_same(name):
                yield one


def judge(candidate: Candidate, matches: Collection[Match]) -> Candidate | None:
    """Weigh the evidence for attributes; None where nothing tells, or, for a bare store path, none has that path."""
    name = Name.parse(candidate.full_name)
    same = [one for one in matches if one.gives(candidate)]
    if not same:
        return _guess(candidate, name, matches) if candidate.label else None
    best = min(same, key=lambda one: (not one.source.reference, name.closeness(one.attribute[-1]) > 0, one.plainness))
    locked = best.source.reference
    return replace(candidate, attribute=best.attribute, evidence=Evidence.SAME_PATH, locked=locked, others=())


def _guess(candidate: Candidate, name: Name, matches: Collection[Match]) -> Candidate | None:
    """Go by name, version, file and description."""

    def likeness(one: Match) -> tuple[int, ...]:
        return (
            one.name == candidate.label,
            Name.parse(one.name).stem == name.stem,
            _same_file(candidate.position, one.position),
            bool(candidate.description) and one.description == candidate.description,
            name.shared(one.name),
        )

    def fit(one: Match) -> tuple[int, int]:
        return name.closeness(one.attribute[-1]), len(one.attribute)

    def is_likely(one: Match) -> bool:
        # In a set that is not of its family, more than the name has to agree.
        is_own_set = name.family is not None or len(one.attribute) == 1
        return is_own_set or one.is_like(candidate) or one.name == candidate.label

    likely = [one for one in matches if is_likely(one)]
    if not likely:
        return None
    most = max(map(likeness, likely))
    best = [one for one in likely if likeness(one) == most]
    chosen = min(best, key=lambda one: (name.closeness(one.attribute[-1]), one.plainness))
    is_same_version = chosen.name == candidate.label
    is_near = most[-1] > 0
    has_versions = any(Name.parse(one.name).is_kept(one.attribute[-1]) for one in likely)
    if name.version and has_versions and not (is_same_version or is_near):
        return None
    if not all(_is_same(chosen, one) for one in best if fit(one) == fit(chosen)):
        return None
    is_same_file = _same_file(candidate.position, chosen.position)
    same_version = Evidence.POSITION if is_same_file else Evidence.SAME_VERSION
    evidence = same_version if is_same_version else Evidence.SAME_NAME
    others = sorted({one.plainness for one in matches if one.attribute != chosen.attribute})
    names = tuple(name for _, _, name in others)
    return replace(candidate, attribute=chosen.attribute, evidence=evidence, others=names)


def _is_same(one: Match, other: Match) -> bool:
    """Tell whether two attributes are one package, as far as is known."""
    if one.outputs is not None and other.outputs is not None:
        return one.outputs == other.outputs
    return (one.name, one.position) == (other.name, other.position)


def _file_name(candidate: Candidate) -> AttrPath:
    """Give the attribute that the file of a package says it defines, if it says one."""
    found = _BY_NAME.search(candidate.position)
    return (found[1],) if found else ()


def _same_file(one: str, other: str) -> bool:
    """Tell whether two positions are in the same file of nixpkgs, wherever that is."""
    files = [position.rpartition(":")[0].partition("/pkgs/")[2] for position in (one, other)]
    return bool(files[0]) and files[0] == files[1]
