"""A package of another list: the one type that importers make of what they read, such as elements of a profile."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from nixprof.formatting import shell_quote
from nixprof.manifest.model import EVERYWHERE, Scope
from nixprof.nix.profile import ROOTS, USUAL_PRIORITY
from nixprof.record import field, record, replace
from nixprof.store_path import name_of, outputs_of, split_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.nix.profile import Element

# What removing would take Nix itself, its certificates, or what another tool keeps.
_UNTOUCHED = {
    "nix": "Nix itself",
    "lix": "Nix itself",
    "determinate-nix": "Nix itself",
    "nss-cacert": "the certificates of Nix itself",
    "home-manager-path": "managed by home-manager",
    "nixprof": "nixprof itself",
}


class Evidence(Enum):
    """Why an attribute is taken to be a package's. What is no guess is sure enough to go without another look."""

    SAME_PATH = "same store path"
    STATED = "an attribute of nixpkgs"
    SAME_PROGRAM = "same name and program"
    TABLE = "a table of names"
    POSITION = "guess: its file in nixpkgs"
    SAME_VERSION = "guess: same name and version"
    SAME_NAME = "guess: same name, another version"
    SAME_ATTRIBUTE = "guess: same name"
    PROGRAM = "guess: it has a program of this name"
    OWN_NAME = "guess: it calls itself so"
    SPELLING = "guess: spelled otherwise"
    AS_WRITTEN = "guess: as written, without a look at nixpkgs"


class Vocabulary(Enum):
    """Whose names for packages a list uses."""

    NIXPKGS = "nixpkgs"
    HOMEBREW = "Homebrew"
    DEBIAN = "Debian"


@record
class Candidate:
    """A package of another list, with what that list says of it."""

    name: str  # what the other list calls it
    label: str = ""  # name and version as that list states them, such as `nodejs-24.10.0`
    attribute: tuple[str, ...] = ()  # below its flake, without root and system
    reference: str = ""  # its flake as it was typed
    locked: str = ""  # its flake at the revision that is installed
    outputs: Mapping[str, str] = field(default_factory=dict, hash=False)  # what is installed: store paths by output
    chosen: tuple[str, ...] = ()  # outputs that were asked for; empty for the usual ones, ("*",) for all
    priority: int = USUAL_PRIORITY
    system: str = ""  # what it runs on
    position: str = ""  # the file of nixpkgs that defines it, and the line
    description: str = ""  # one line
    leave: str = ""  # why it is not for the list
    evidence: Evidence | None = None  # what told `attribute`, where the other list does not
    others: tuple[str, ...] = ()  # other attributes that it may be
    element: Element | None = None  # the entry of the profile that the list takes the place of
    vocabulary: Vocabulary | None = None  # whose name it has; None for what Nix has installed
    version: str = ""  # that a list of names asks for, such as 3.12
    scope: Scope = EVERYWHERE  # where it is wanted

    @property
    def store_paths(self) -> tuple[str, ...]:
        """What is installed."""
        return tuple(self.outputs.values())

    @property
    def own_name(self) -> tuple[str, str]:
        """Its name and version: as the other list states them, else as its store paths tell."""
        if self.vocabulary:
            return self.name, self.version
        if self.label:
            return split_name(self.label)
        for output, path in self.outputs.items():
            return split_name(name_of(path).removesuffix(f"-{output}"))
        return ".".join(self.attribute), ""

    @property
    def full_name(self) -> str:
        """The same as one text."""
        return self.label or "-".join(filter(None, self.own_name))

    @property
    def names(self) -> set[str]:
        """Every name by which a user may mean it; others may have one of them, too."""
        # Every flake has an attribute `default`.
        attribute = {".".join(self.attribute), *self.attribute[-1:]} - {"default"}
        paths = {*self.store_paths, *map(name_of, self.store_paths)}
        return ({self.name, self.own_name[0], self.full_name} | attribute | paths) - {""}

    @property
    def is_name(self) -> bool:
        """Whether it is only a name, which the index of nixpkgs may know."""
        return self.vocabulary is not None and not (self.leave or self.reference)

    @property
    def is_as_written(self) -> bool:
        """Whether only its list says that there is such an attribute."""
        return self.evidence is Evidence.AS_WRITTEN and not self.leave

    @property
    def is_unsure(self) -> bool:
        """Whether a nixpkgs may tell what it is, or tell better."""
        if self.leave or self.vocabulary or self.evidence is Evidence.SAME_PATH:
            return False
        return self.evidence is not None or (not self.attribute and bool(self.label or self.outputs))


def find(name: str, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Give what a user means by a name: what is called so, else what may be called so."""
    called = tuple(one for one in candidates if one.name == name)
    return called or tuple(one for one in candidates if name in one.names)


def hint_name(candidate: Candidate, candidates: Sequence[Candidate]) -> str:
    """Give a name that means one candidate and no other, for a command in a hint."""
    names = (candidate.name, *candidate.store_paths)
    return next((name for name in names if find(name, candidates) == (candidate,)), names[0])


def only(names: Sequence[str]) -> str:
    """Write the option that imports nothing but these, to be pasted; no name is taken for an option itself."""
    if any(name.startswith("-") for name in names):
        return " ".join(f"--only={shell_quote(name)}" for name in names)
    return " ".join(("--only", *map(shell_quote, names)))


## elements of a profile


def candidate(element: Element) -> Candidate:
    """Make an element of a profile, of `nix profile` or nix-env, a candidate."""
    if len(element.output_names) == len(element.store_paths):
        outputs = dict(zip(element.output_names, element.store_paths, strict=True))
    else:
        outputs = outputs_of(element.store_paths, element.outputs)
    found = Candidate(
        name=element.name or element.label,
        label=element.label,
        attribute=split_attribute(element.attr_path) if element.url or element.original_url else (),
        reference=element.original_url or element.url,
        locked=element.url or element.original_url,
        outputs=outputs,
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


def _reason_to_leave(element: Element, pname: str, version: str) -> str:
    """Say why an element is never for the list; empty where it may be."""
    if not element.active:
        return "not active"
    if (pname, version) == ("nixprof", ""):
        return "installed by nixprof"
    is_derivation = any(path.endswith(".drv") for path in element.store_paths)
    return _UNTOUCHED.get(pname) or ("a derivation, not a package" if is_derivation else "")
