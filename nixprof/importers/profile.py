"""Elements of a Nix profile, of `nix profile` or nix-env, become candidates."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from nixprof.importers.candidate import Candidate
from nixprof.nix.profile import ROOTS
from nixprof.store_path import outputs_of

if TYPE_CHECKING:
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


def candidate(element: Element) -> Candidate:
    """Make an element of a profile a candidate."""
    attribute = split_attribute(element.attr_path) if element.url or element.original_url else ()
    found = Candidate(
        name=element.name or element.label,
        label=element.label,
        attribute=attribute,
        reference=element.original_url or element.url,
        locked=element.url or element.original_url,
        outputs=_outputs(element),
        chosen=element.outputs,
        priority=element.priority,
        system=element.system,
        position=element.position,
        description=element.description,
        element=element,
    )
    return replace(found, name=found.name or found.own_name[0], leave=_reason_to_leave(element, *found.own_name))


def is_untouched(element: Element) -> bool:
    """Tell whether an element is one that nobody should take out of a profile."""
    return candidate(element).own_name[0] in _UNTOUCHED


def split_attribute(attr_path: str) -> tuple[str, ...]:
    """Split an attribute path of an element, and leave root and system out, as a spec does.

    Names with dots are in quotes, or, as most versions of Nix write them, are not: then a dot between two digits is
    one of a version in a name.
    """
    parts = re.findall(r'"([^"]*)"|([^."]+(?:(?<=\d)\.(?=\d)[^."]+)*)', attr_path)
    names = tuple(quoted or plain for quoted, plain in parts)
    return (*names[2:],) or ("default",) if len(names) > 1 and names[0] in ROOTS else names


def _outputs(element: Element) -> dict[str, str]:
    if len(element.output_names) == len(element.store_paths):
        return dict(zip(element.output_names, element.store_paths, strict=True))
    return outputs_of(element.store_paths, element.outputs)


def _reason_to_leave(element: Element, pname: str, version: str) -> str:
    """Say why an element is never for the list; empty where it may be."""
    if not element.active:
        return "not active"
    if (pname, version) == ("nixprof", ""):
        return "installed by nixprof"
    is_derivation = any(path.endswith(".drv") for path in element.store_paths)
    return _UNTOUCHED.get(pname) or ("a derivation, not a package" if is_derivation else "")
