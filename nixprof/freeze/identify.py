"""Elements of nix-env keep no attribute path: what evidence there is for one, the best first.

1. `meta.position` names the file `pkgs/by-name/xx/NAME/package.nix`.
2. An attribute evaluates to the very store path that is installed.
3. A top-level attribute has the name, and its package agrees.
4. The shortest attribute whose package has the same name and version.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixprof.freeze.findings import Evidence
from nixprof.storepath import split_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.nix.command import Nix
    from nixprof.nix.profile import Element

_BY_NAME = re.compile(r"/pkgs/by-name/[^/]+/([^/]+)/")
_CHANNELS = (".nix-defexpr/channels/nixpkgs", ".nix-defexpr/channels_root/nixpkgs", ".nix-defexpr/channels/nixos")
_SHARED_CHANNELS = ("/nix/var/nix/profiles/per-user/root/channels/nixpkgs",)


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
    home = Path.home()
    state = Path(os.environ.get("XDG_STATE_HOME") or home / ".local/state") / "nix/defexpr/channels/nixpkgs"
    for place in (*(home / one for one in _CHANNELS), state, *map(Path, _SHARED_CHANNELS)):
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
        elements: of nix-env.
        sources: where to look them up.

    Returns: what could be told, by element; what could not be is left out.

    """
    if not elements:
        return {}
    found: dict[Element, list[tuple[Nixpkgs, Mapping[str, Any]]]] = {element: [] for element in elements}
    for source in sources:
        for element, answers in zip(elements, _ask(nix, elements, source), strict=True):
            found[element] += [(source, answer) for answer in answers]
    identities = {element: _judge(element, answers) for element, answers in found.items()}
    return {element: identity for element, identity in identities.items() if identity}


def _ask(nix: Nix, elements: Sequence[Element], source: Nixpkgs) -> list[list[Mapping[str, Any]]]:
    questions = [
        {"pname": split_name(element.label)[0], "attrPaths": [[name] for name in _positions(element)]}
        for element in elements
    ]
    with tempfile.TemporaryDirectory(prefix="nixprof-") as scratch:
        file = Path(scratch, "questions.json")
        file.write_text(json.dumps(questions), encoding="utf-8")
        answers: list[list[Mapping[str, Any]]] = nix.identify(source.place, file)
        return answers


def _positions(element: Element) -> list[str]:
    found = _BY_NAME.search(element.position)
    return [found[1]] if found else []


def _judge(element: Element, answers: Sequence[tuple[Nixpkgs, Mapping[str, Any]]]) -> Identity | None:
    """Weigh the evidence."""
    same = [(source, answer) for source, answer in answers if _gives(answer, element)]
    source = same[0][0].reference if same else ""
    for name in _positions(element):
        here = [one for one, answer in same if answer["attrPath"] == [name]]
        return Identity((name,), Evidence.POSITION, here[0].reference if here else "", ())
    if same:
        path = min((answer["attrPath"] for _, answer in same), key=_plainness)
        return Identity(tuple(path), Evidence.SAME_PATH, source, ())
    pname, version = split_name(element.label)
    agreeing = [answer for _, answer in answers if answer["pname"] in (pname, pname.rpartition("-")[2])]
    paths = sorted({tuple(answer["attrPath"]) for answer in agreeing}, key=_plainness)
    for path in paths:
        if path == (pname,):
            return _guess(path, Evidence.SAME_NAME, paths)
    for path in sorted({tuple(one["attrPath"]) for one in agreeing if one["version"] == version}, key=_plainness):
        return _guess(path, Evidence.SAME_VERSION, paths)
    return None


def _guess(path: tuple[str, ...], evidence: Evidence, paths: Sequence[tuple[str, ...]]) -> Identity:
    return Identity(path, evidence, "", tuple(".".join(other) for other in paths if other != path))


def _gives(answer: Mapping[str, Any], element: Element) -> bool:
    return set(element.store_paths) <= set(answer["outputs"].values())


def _plainness(path: Sequence[str]) -> tuple[int, int, str]:
    name = ".".join(path)
    return len(path), len(name), name
