"""Elements of nix-env, and bare store paths, have no attribute path: what evidence there is for one, the best first.

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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixprof.files import content, scratch_folder
from nixprof.folders import home
from nixprof.importers.findings import Evidence
from nixprof.importers.names import PLAIN_SETS, UNLIKE, Name, Names, expand, in_nested
from nixprof.schema import fits
from nixprof.store_path import package_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nixprof.errors import NixprofError
    from nixprof.nix.operations import Nix
    from nixprof.nix.profile import Element

_BY_NAME = re.compile(r"/pkgs/by-name/[^/]+/([^/]+)/")
_CHANNELS = (".nix-defexpr/channels/nixpkgs", ".nix-defexpr/channels_root/nixpkgs", ".nix-defexpr/channels/nixos")
_SHARED_CHANNELS = tuple(f"/nix/var/nix/profiles/per-user/root/channels/{name}" for name in ("nixpkgs", "nixos"))

# So many questions are asked at once, and after so many failures without an answer between them no more.
MAX_QUESTIONS = 500
MAX_FAILURES_IN_A_ROW = 25


@dataclass(frozen=True, slots=True)
class Identity:
    """What an element is, and how that is known.

    Attributes:
        attr_path: its attribute path in nixpkgs.
        evidence: what told it.
        source: the locked reference of a nixpkgs that gives the very store path; empty where none is known.
        candidates: the other attributes that it may be.

    """

    attr_path: tuple[str, ...]
    evidence: Evidence
    source: str
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nixpkgs:
    """A nixpkgs to look things up in.

    Attributes:
        place: a locked flake reference or a folder.
        reference: the locked flake reference of its revision; empty where it has none.

    """

    place: str
    reference: str


def channel() -> Nixpkgs | None:
    """Find the user's nixpkgs channel, if it is still there."""
    folder = home()
    state = Path(os.environ.get("XDG_STATE_HOME") or folder / ".local/state") / "nix/defexpr/channels/nixpkgs"
    for place in (*(folder / one for one in _CHANNELS), state, *map(Path, _SHARED_CHANNELS)):
        if (place / "default.nix").exists():
            return Nixpkgs(os.path.realpath(place), _revision(place))
    return None


def _revision(place: Path) -> str:
    """Read which commit of nixpkgs a channel is."""
    revision = (content(place / ".git-revision") or b"").decode(errors="replace").strip()
    return f"github:NixOS/nixpkgs/{revision}" if re.fullmatch(r"[0-9a-f]{40}", revision) else ""


@dataclass(frozen=True, slots=True)
class Unasked:
    """What could not be evaluated, and so was not compared.

    Attributes:
        attribute: an attribute path; empty where nothing could be asked.
        source: where it is.
        cause: what Nix says of it.

    """

    attribute: str
    source: str
    cause: str


@dataclass(frozen=True, slots=True)
class Identified:
    """What `identify` found out.

    Attributes:
        identities: what could be told, by element; what could not be is left out.
        unasked: what could not be asked, and might have told more.

    """

    identities: Mapping[Element, Identity]
    unasked: tuple[Unasked, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A package of nixpkgs that an element may be.

    Attributes:
        attr_path: where it is.
        name: with the version.
        position: the file that defines it, and the line; may be empty.
        description: one line; may be empty.
        source: the nixpkgs.
        outputs: its store paths; None where they were not asked for, or cannot be told.

    """

    attr_path: tuple[str, ...]
    name: str
    position: str = ""
    description: str = ""
    source: Nixpkgs = Nixpkgs("", "")
    outputs: frozenset[str] | None = None

    @property
    def plainness(self) -> tuple[int, int, str]:
        """How plain its attribute path is: lower is plainer."""
        name = ".".join(self.attr_path)
        return len(self.attr_path), len(name), name


def identify(nix: Nix, elements: Sequence[Element], sources: Sequence[Nixpkgs]) -> Identified:
    """Find out what elements are.

    Args:
        nix: asked a few times for each source, whatever the number of elements, and once more for each attribute that
            cannot be evaluated.
        elements: without attribute path: of nix-env, or bare store paths.
        sources: where to look them up, one after the other, until each is found for sure.

    """
    searches = [_Search(element) for element in elements]
    unasked: list[Unasked] = []
    asked = False
    for place in sources:
        # What the user's own configuration breaks, may be told without it.
        for plain in (False, True) if place.place.startswith("/") else (True,):
            source = _Source(nix, place, plain=plain)
            missing = [search for search in searches if not search.is_proved]
            works = bool(missing) and source.look_up(missing)
            unasked += [one for one in source.unasked if one not in unasked]
            asked = asked or works
            if works:
                break
    identities = {search.element: search.result(asked=asked) for search in searches}
    return Identified({element: one for element, one in identities.items() if one}, tuple(unasked))


class _Search:
    """The search for one element.

    Attributes:
        element: what is looked for.
        name: what it is called.
        candidates: what was found.
        refused: the attributes that it may be and that could not be evaluated.

    """

    def __init__(self, element: Element) -> None:
        self.element = element
        self.name = Name.parse(_label(element))
        self.candidates: list[Candidate] = []
        self.refused: set[tuple[str, ...]] = set()

    @property
    def is_likely(self) -> bool:
        """Whether something that was found is more than a namesake: only variants of it remain to be looked at."""
        near = (one for one in self.candidates if self.name.shared(Name.parse(one.name).version))
        return any(_is_alike(self.element, one) for one in near)

    @property
    def is_proved(self) -> bool:
        """Whether something that was found gives the very store path."""
        return any(_gives(self.element, one) for one in self.candidates)

    def result(self, *, asked: bool) -> Identity | None:
        """Say what the element is; `asked` tells whether there was a nixpkgs to ask."""
        identity = judge(self.element, self.candidates)
        likelier = any(self.name.closeness(path[-1]) < UNLIKE for path in self.refused)
        if identity and identity.evidence is Evidence.SAME_NAME and likelier:
            identity = None
        by_file = _by_position(self.element)
        if identity is None and by_file and (not asked or by_file.attr_path in self.refused):
            return by_file
        return identity


class _Source:
    """A nixpkgs that is asked.

    Attributes:
        unasked: what cannot be evaluated.

    """

    def __init__(self, nix: Nix, source: Nixpkgs, *, plain: bool) -> None:
        self.unasked: list[Unasked] = []
        self._refused: set[tuple[str, ...]] = set()
        self._failed = False
        self._nix = nix
        self._source = source
        self._plain = plain
        self._names: dict[tuple[str, ...], Names] = {}
        self._seen: dict[tuple[str, ...], Candidate | None] = {}

    def look_up(self, searches: Sequence[_Search]) -> bool:
        """Find the packages that elements may be; first where they should be, then wherever they could be.

        Returns: whether this nixpkgs can be asked: some of its attributes can be evaluated.
        """
        self._list([()])
        if () not in self._names:
            return False
        for wide in (False, True):
            missing = [search for search in searches if not search.is_proved]
            folders = [self._places(search, wide=wide) for search in missing]
            self._list(dict.fromkeys(path for some in folders for path in some))
            paths = [list(self._paths(search, some, wide=wide)) for search, some in zip(missing, folders, strict=True)]
            self._describe(dict.fromkeys(path for some in paths for path in some))
            for search, some in zip(missing, paths, strict=True):
                search.refused |= self._refused.intersection(some)
                described = [one for path in dict.fromkeys(some) if (one := self._seen[path])]
                known = {one.attr_path for one in search.candidates if one.source is self._source}
                search.candidates += [
                    one for one in described if one.attr_path not in known and Name.parse(one.name).is_same(search.name)
                ]
            self._compare(missing)
        return not self._failed

    def _places(self, search: _Search, *, wide: bool) -> list[tuple[str, ...]]:
        """Give the sets in which a package may be."""
        name, top = search.name, self._names[()].all
        if name.family and name.family.nested:
            return [()]
        other = PLAIN_SETS if wide and not name.family and not search.is_likely else ()
        return [(), *expand(name.sets, top), *expand(other, top)]

    def _paths(self, search: _Search, folders: Sequence[tuple[str, ...]], *, wide: bool) -> Iterator[tuple[str, ...]]:
        """Give the attributes that may be a package."""
        name = search.name
        if name.family and name.family.nested:
            for place in expand(name.sets, self._names[()].all):
                yield from in_nested(place, name.own)
        yield from ((one,) for one in _positions(search.element) if one in self._names[()].all)
        for place in folders:
            if place in self._names:
                names, called = self._names[place], name.own if place else name.stem
                yield from names.named(called)
                if wide and (not place or name.family):
                    yield from names.variants(called)
                    if not search.is_likely:
                        yield from names.related(called, name.version)

    def _list(self, paths: Iterable[tuple[str, ...]]) -> None:
        new = [path for path in paths if path not in self._names]
        for path, names in zip(new, self._ask("names", new), strict=True):
            if fits(names, [str]):
                self._names[path] = Names(path, names)

    def _describe(self, paths: Iterable[tuple[str, ...]]) -> None:
        new = [path for path in paths if path not in self._seen]
        for path, told in zip(new, self._ask("package", new), strict=True):
            known = fits(told, {"name": str, "position": str, "description": str})
            self._seen[path] = (
                Candidate(path, told["name"], told["position"], told["description"], self._source) if known else None
            )

    def _compare(self, searches: Sequence[_Search]) -> None:
        """Ask for the store paths of the candidates that have the name and the version of their element."""
        named = list(
            dict.fromkeys(
                one.attr_path
                for search in searches
                for one in search.candidates
                if one.source is self._source and one.outputs is None and one.name == _label(search.element)
            )
        )
        told = dict(zip(named, self._ask("outputs", named), strict=True))
        for search in searches:
            for at, one in enumerate(search.candidates):
                outputs = told.get(one.attr_path) if one.source is self._source else None
                if outputs is not None and fits(outputs, {str: str}):
                    search.candidates[at] = replace(one, outputs=frozenset(outputs.values()))

    def _ask(self, what: str, paths: Sequence[tuple[str, ...]]) -> list[Any]:
        """Ask one thing about each attribute; None for what does not exist or cannot be evaluated.

        Asked together, Nix stops at the first that fails: it goes on behind that one, and where not even the first
        answer came, with half as many.
        """
        answers: dict[tuple[str, ...], Any] = {}
        pending = [list(paths[at : at + MAX_QUESTIONS]) for at in range(0, len(paths), MAX_QUESTIONS)][::-1]
        in_a_row = 0
        while pending and not self._failed:
            batch = pending.pop()
            told, error = self._ask_together(what, batch)
            answers |= zip(batch, told, strict=False)
            rest = batch[len(told) :]
            in_a_row = 0 if told else in_a_row
            if (told and rest) or len(rest) == 1:
                in_a_row += 1
                self._refused.add(rest[0])
                self.unasked.append(Unasked(".".join(rest[0]), self._source.place, _cause(error)))
                rest = rest[1:]
                if in_a_row >= MAX_FAILURES_IN_A_ROW:
                    # It is not these attributes: nothing can be evaluated.
                    self._failed = True
                    self.unasked.append(Unasked("", self._source.place, _cause(error)))
                pending += [rest] if rest else []
            elif rest:
                half = len(rest) // 2
                pending += [rest[half:], rest[:half]]
        return [answers.get(path) for path in paths]

    def _ask_together(self, what: str, paths: Sequence[tuple[str, ...]]) -> tuple[list[Any], NixprofError | None]:
        questions = [{"what": what, "path": path} for path in paths]
        asked = {"nixpkgs": self._source.place, "plain": self._plain, "questions": questions}
        with scratch_folder() as scratch:
            file = Path(scratch, "questions.json")
            file.write_text(json.dumps(asked), encoding="utf-8")
            return self._nix.ask(file, len(paths))


def judge(element: Element, candidates: Sequence[Candidate]) -> Identity | None:
    """Weigh the evidence.

    Args:
        element: what is to be identified.
        candidates: packages that it may be.

    Returns: what it is; None where nothing tells, or, for a bare store path, no package has that path.

    """
    same = [one for one in candidates if _gives(element, one)]
    if same:
        name = Name.parse(_label(element))
        best = min(
            same, key=lambda one: (not one.source.reference, name.closeness(one.attr_path[-1]) > 0, one.plainness)
        )
        return Identity(best.attr_path, Evidence.SAME_PATH, best.source.reference, ())
    return _guess(element, candidates) if element.label else None


def _guess(element: Element, candidates: Sequence[Candidate]) -> Identity | None:
    """Go by name, version, file and description."""
    name = Name.parse(element.label)

    def downloads(one: Candidate) -> tuple[int, ...]:
        other = Name.parse(one.name)
        return (
            one.name == element.label,
            other.stem == name.stem,
            _same_file(element.position, one.position),
            bool(element.description) and one.description == element.description,
            name.shared(other.version),
        )

    likely = [one for one in candidates if _is_likely(element, one)]
    if not likely:
        return None
    top = max(map(downloads, likely))
    best = sorted(
        (one for one in likely if downloads(one) == top),
        key=lambda one: (name.closeness(one.attr_path[-1]), one.plainness),
    )
    chosen = best[0]
    fit = name.closeness(chosen.attr_path[-1]), len(chosen.attr_path)
    equal = [one for one in best if (name.closeness(one.attr_path[-1]), len(one.attr_path)) == fit]
    kept = any(Name.parse(one.name).is_kept(one.attr_path[-1]) for one in likely)
    far = name.version and chosen.name != element.label and kept and not top[-1]
    if far or not all(_is_same(chosen, one) for one in equal):
        return None
    evidence = Evidence.SAME_NAME
    if chosen.name == element.label:
        evidence = Evidence.POSITION if _same_file(element.position, chosen.position) else Evidence.SAME_VERSION
    others = sorted({one.plainness for one in candidates if one.attr_path != chosen.attr_path})
    return Identity(chosen.attr_path, evidence, "", tuple(path for _, _, path in others))


def _is_likely(element: Element, one: Candidate) -> bool:
    """Tell whether a package of that name may be the element: in a set of its own, more has to agree."""
    at_home = len(one.attr_path) == 1 or Name.parse(element.label).family is not None
    return at_home or _is_alike(element, one) or one.name == element.label


def _is_alike(element: Element, one: Candidate) -> bool:
    """Tell whether more than the name is the same: the file that it is from, or what it is said to be."""
    same = bool(element.description) and one.description == element.description
    return same or _same_file(element.position, one.position)


def _is_same(one: Candidate, other: Candidate) -> bool:
    """Tell whether two attributes are one package, as far as is known."""
    if one.outputs is not None and other.outputs is not None:
        return one.outputs == other.outputs
    return (one.name, one.position) == (other.name, other.position)


def _gives(element: Element, one: Candidate) -> bool:
    return bool(element.store_paths) and one.outputs is not None and set(element.store_paths) <= one.outputs


def _label(element: Element) -> str:
    """Give name and version: of a store path the whole name but an output at its end."""
    if element.label:
        return element.label
    return "-".join(filter(None, package_of(element.store_paths, element.outputs)))


def _by_position(element: Element) -> Identity | None:
    """Go by the file alone, where there is nothing to compare it with: `pkgs/by-name/xx/NAME` defines `NAME`."""
    named = [name for name in _positions(element) if Name.parse(element.label).closeness(name) == 0]
    return Identity((named[0],), Evidence.POSITION, "", ()) if named else None


def _positions(element: Element) -> list[str]:
    found = _BY_NAME.search(element.position)
    return [found[1]] if found else []


def _same_file(one: str, other: str) -> bool:
    """Tell whether two positions are in the same file of nixpkgs, wherever that is."""
    files = [position.rpartition(":")[0].partition("/pkgs/")[2] for position in (one, other)]
    return bool(files[0]) and files[0] == files[1]


def _cause(error: NixprofError | None) -> str:
    """Say in one line why something could not be evaluated."""
    said = (error.cause or error.message).splitlines() if error else []
    return said[0] if said else "Nix gives no answer"
