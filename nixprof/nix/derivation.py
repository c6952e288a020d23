"""What a derivation in the store says, read from its file: no Nix is asked.

The format is that of `Derivation::unparse`: https://nix.dev/manual/nix/latest/store/derivation/index.html
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.files import content
from nixprof.record import record
from nixprof.schema import MISSHAPEN
from nixprof.store_path import is_store_path, name_of, split_name, store

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[()]', re.DOTALL)
_CVE = re.compile(r"CVE-\d{4}-\d{4,}", re.IGNORECASE)


@record
class Derivation:
    """How something is built."""

    fixed: str  # the path of what it downloads, which is known beforehand; empty for what is built
    inputs: frozenset[str]  # the derivations that it needs
    sources: frozenset[str]  # the files that it needs, whose paths go by what is in them
    recipe: Mapping[str, str]  # what is done: the builder's variables, and its arguments by an empty name
    cves: frozenset[str]  # named by its patches, such as `CVE-2024-1234`


def read_derivation(path: str) -> Derivation | None:
    """Read a derivation; None where it is not in the store, or in a form that is not known."""
    data = content(Path(path)) if is_store_path(path) else None
    if not data or not data.startswith(b"Derive("):
        return None
    # But for the parentheses it is JSON.
    text = _TOKEN.sub(lambda found: {"(": "[", ")": "]"}.get(found[0], found[0]), data.decode(errors="replace"))
    try:
        outputs, inputs, sources, _, builder, words, variables = json.loads(text.removeprefix("Derive"), strict=False)
        names = {name for name, *_ in outputs}
        recipe = {name: value for name, value in variables if name not in names}
        return Derivation(
            next((path for _, path, _, digest in outputs if digest), ""),
            frozenset(path for path, _ in inputs),
            frozenset(sources),
            recipe | {"": " ".join([builder, *words])},
            _cves(dict(variables)),
        )
    except MISSHAPEN:
        return None


def is_download(path: str) -> bool:
    """Tell whether a derivation only fetches something whose hash is known: then, and only then, it has a network."""
    found = read_derivation(path)
    return found is not None and found.fixed != ""


def needed_among(derivation: str, some: Collection[str]) -> set[str]:
    """Give those of some derivations that one needs to be built, itself included, if they need each other in a row."""
    found: set[str] = set()
    ahead = [derivation]
    while ahead:
        one = ahead.pop()
        if one in some and one not in found:
            found.add(one)
            ahead += _needed(one)
    return found


@cache
def _needed(path: str) -> frozenset[str]:
    """Read what a derivation needs; the file of one never changes."""
    found = read_derivation(path)
    return found.inputs if found else frozenset()


def same_recipe(one: Derivation, other: Derivation) -> bool:
    """Tell whether two derivations do the same, but for which store paths they do it with."""
    old, new = one.recipe, other.recipe
    differing = (name for name in old if old[name] != new.get(name, ""))
    return old.keys() == new.keys() and all(names_in(old[name]) == names_in(new[name]) for name in differing)


def names_in(text: str) -> str:
    """Put the names of packages, without their versions, in the place of store paths."""
    return _paths_in(store()).sub(lambda found: split_name(name_of(found[0]))[0], text)


@cache
def _paths_in(folder: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(folder)}/[0-9a-z]{{32}}-[0-9a-zA-Z+._?=-]+")


def _cves(variables: Mapping[str, str]) -> frozenset[str]:
    structured = json.loads(variables.get("__json", "{}"))
    patches = f"{variables.get('patches', '')} {structured.get('patches', '')}"
    return frozenset(found.upper() for found in _CVE.findall(patches))
