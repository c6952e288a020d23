"""Elements of nix-env, and bare store paths, have no attribute path: what evidence there is for one, the best first.

1. `meta.position` names the file `pkgs/by-name/xx/NAME/package.nix`.
2. An attribute evaluates to the very store path that is installed.
3. A top-level attribute has the name, and its package agrees.
4. The shortest attribute whose package has the same name and version.

A bare store path is only identified by (2).
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixprof.errors import NixprofError
from nixprof.files import scratch_folder
from nixprof.freeze.findings import Evidence
from nixprof.nix.shape import fits
from nixprof.places import home
from nixprof.storepath import package_of, split_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.nix.command import Nix
    from nixprof.nix.profile import Element

_BY_NAME = re.compile(r"/pkgs/by-name/[^/]+/([^/]+)/")
_CHANNELS = (".nix-defexpr/channels/nixpkgs", ".nix-defexpr/channels_root/nixpkgs", ".nix-defexpr/channels/nixos")
_SHARED_CHANNELS = tuple(f"/nix/var/nix/profiles/per-user/root/channels/{name}" for name in ("nixpkgs", "nixos"))


# What `identify.nix` tells of a package.
_ANSWER = {"attrPath": [str], "pname": str, "version": str, "outputs": {str: str}}


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
    try:
        revision = (place / ".git-revision").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return f"github:NixOS/nixpkgs/{revision}" if re.fullmatch(r"[0-9a-f]{40}", revision) else ""


def identify(nix: Nix, elements: Sequence[Element], sources: Sequence[Nixpkgs]) -> dict[Element, Identity]:
    """Find out what elements are.

    Args:
        nix: asked once for each source, whatever the number of elements.
        elements: without attribute path: of nix-env, or bare store paths.
        sources: where to look them up; one that cannot be evaluated is passed over.

    Returns: what could be told, by element; what could not be is left out.

    """
    if not elements:
        return {}
    found: dict[Element, list[tuple[Nixpkgs, Mapping[str, Any]]]] = {element: [] for element in elements}
    for source in sources:
        try:
            told = _ask(nix, elements, source)
        except NixprofError:
            continue
        for element, answers in zip(elements, told, strict=True):
            found[element] += [(source, answer) for answer in answers]
    identities = {element: judge(element, answers) for element, answers in found.items()}
    return {element: identity for element, identity in identities.items() if identity}


def _ask(nix: Nix, elements: Sequence[Element], source: Nixpkgs) -> list[list[Mapping[str, Any]]]:
    questions = [
        {"pname": _name(element)[0], "attrPaths": [[name] for name in _positions(element)]} for element in elements
    ]
    with scratch_folder() as scratch:
        file = Path(scratch, "questions.json")
        file.write_text(json.dumps(questions), encoding="utf-8")
        told = nix.identify(source.place, file)
    if not fits(told, [list]) or len(told) != len(elements):
        raise NixprofError("Nix answers something else than it was asked", cause=str(told)[:200])
    return [[answer for answer in answers if fits(answer, _ANSWER)] for answers in told]


def _name(element: Element) -> tuple[str, str]:
    """Give name and version: of a store path the whole name but an output at its end."""
    return split_name(element.label) if element.label else package_of(element.store_paths, element.outputs)


def _positions(element: Element) -> list[str]:
    found = _BY_NAME.search(element.position)
    return [found[1]] if found else []


def judge(element: Element, answers: Sequence[tuple[Nixpkgs, Mapping[str, Any]]]) -> Identity | None:
    """Weigh the evidence.

    Args:
        element: what is to be identified.
        answers: packages that it may be, each with where it was found; see `identify.nix` for their shape.

    Returns: what it is; None where nothing tells, or, for a bare store path, no package has that path.

    """
    same = [(source, answer) for source, answer in answers if _gives(answer, element)]
    for name in _positions(element):
        here = [source for source, answer in same if answer["attrPath"] == [name]]
        return Identity((name,), Evidence.POSITION, here[0].reference if here else "", ())
    if same:
        source, answer = min(same, key=lambda one: (not one[0].reference, _plainness(one[1]["attrPath"])))
        return Identity(tuple(answer["attrPath"]), Evidence.SAME_PATH, source.reference, ())
    return _guess(element, [answer for _, answer in answers]) if element.label else None


def _guess(element: Element, answers: Sequence[Mapping[str, Any]]) -> Identity | None:
    """Go by name and version."""
    pname, version = split_name(element.label)
    named = [answer for answer in answers if answer["pname"] in (pname, pname.rpartition("-")[2])]
    paths = sorted({tuple(answer["attrPath"]) for answer in named}, key=_plainness)
    versioned = {tuple(answer["attrPath"]) for answer in named if answer["version"] == version}
    evidence, chosen = Evidence.SAME_VERSION, [path for path in paths if path in versioned]
    # An attribute of another version is the better guess only where none has this one.
    if (pname,) in paths and ((pname,) in versioned or not versioned):
        evidence, chosen = Evidence.SAME_NAME, [(pname,)]
    if not chosen:
        return None
    return Identity(chosen[0], evidence, "", tuple(".".join(path) for path in paths if path != chosen[0]))


def _gives(answer: Mapping[str, Any], element: Element) -> bool:
    return bool(element.store_paths) and set(element.store_paths) <= set(answer["outputs"].values())


def _plainness(path: Sequence[str]) -> tuple[int, int, str]:
    name = ".".join(path)
    return len(path), len(name), name
