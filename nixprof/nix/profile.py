"""Nix profiles as they are on disk: where the profile is, its generations and its elements.

The formats of `manifest.json` are those of `nix profile`, versions 1 to 3; a key of one version is accepted at
any other, because some builds of Nix mixed them. `manifest.nix` is that of nix-env. Above this module there is one
`Element`.
"""

from __future__ import annotations

import os
import re
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixprof.errors import NixprofError, Reason
from nixprof.files import read_file
from nixprof.folders import home
from nixprof.nix import links
from nixprof.record import record, replace
from nixprof.schema import MISSHAPEN, MisshapenError, wrong_with
from nixprof.store_path import checked, name_of, package_of, split_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

# What Nix gives an element unless told otherwise; lower wins.
USUAL_PRIORITY = 5
# No list of a profile is longer; a larger file would only fill the memory.
MAX_MANIFEST_BYTES = 64 << 20
# The schemes of flake references that are followed by an owner and a repository.
FORGES = ("github", "gitlab", "sourcehut")
# The outputs of a flake below which packages are, each with a system in it.
ROOTS = ("packages", "legacyPackages", "defaultPackage")


class ProfileManager(Enum):
    """Which command made a profile what it is."""

    NOBODY = "nobody"  # there is no profile yet, or it is empty
    NIX_PROFILE = "nix profile"
    NIX_ENV = "nix-env"
    UNKNOWN = "unknown"  # files without a manifest, as after `nix-env --set`


@record
class Element:
    """One entry of a profile. A text is empty where the profile does not have it."""

    name: str | None  # what `nix profile` calls it, 2.20 and later; None in a profile of nix-env
    attr_path: str  # with the output and the system, such as `legacyPackages.x86_64-linux.jq`
    original_url: str  # the flake reference as it was typed
    url: str  # the same, locked
    store_paths: tuple[str, ...]  # what it links into the profile
    outputs: tuple[str, ...] = ()  # the chosen ones; empty for the default ones, `("*",)` for all
    priority: int = USUAL_PRIORITY  # lower wins
    active: bool = True  # whether it is linked at all
    label: str = ""  # name and version, as nix-env keeps them instead of an attribute path
    position: str = ""  # the file of nixpkgs that defines it; only of nix-env
    description: str = ""  # one line; only of nix-env
    system: str = ""  # what it runs on, such as `x86_64-linux`
    output_names: tuple[str, ...] = ()  # which output each of the store paths is; empty where that is not said

    @property
    def title(self) -> str:
        """What its owner would call it."""
        if self.name or self.label or not self.store_paths:
            return self.name or self.label or self.attr_path
        return package_of(self.store_paths, self.outputs)[0]


@record
class Profile:
    """A profile at one moment."""

    link: Path  # the profile itself, a link to a generation; it may not exist yet
    generation: int | None  # the number of the current one; None where the link is not one that Nix made
    store_path: str | None  # what the current generation is; None where there is none
    manager: ProfileManager
    elements: tuple[Element, ...]  # what it lists; empty for a manager that writes no list


def sole_path(element: Element, elements: Collection[Element]) -> str | None:
    """Choose a store path of an element that no other of `elements` has; None where all of them are shared.

    `nix profile` takes a store path for every element that has it, whatever the version. Its names do not identify
    one: they are regular expressions until 2.19, and later ones may not be in the profile, or look like an option.
    """
    others = {path for other in elements if other != element for path in other.store_paths}
    return next((path for path in element.store_paths if path not in others), None)


def manifest_of(profile: Profile, *, leaving: Collection[Element]) -> bytes:
    """Write a `manifest.json` of all elements of a profile but those in `leaving`.

    What `nix profile` has written is kept as it is, with whatever nixprof does not know of it. What nix-env has
    written becomes elements from bare store paths, in version 2, which every Nix reads.
    """
    import json

    gone = set(leaving)
    if profile.manager is not ProfileManager.NIX_PROFILE:
        staying = [one for one in profile.elements if one not in gone]
        kept = [{"active": e.active, "priority": e.priority, "storePaths": list(e.store_paths)} for e in staying]
        return json.dumps({"version": 2, "elements": kept}).encode()
    data = json.loads(read_file(Path(profile.store_path or "", "manifest.json")))
    found = data["elements"]
    entries = list(found.items() if isinstance(found, dict) else found)
    left = [entry for entry, element in zip(entries, profile.elements, strict=True) if element not in gone]
    data["elements"] = dict(left) if isinstance(found, dict) else left
    return json.dumps(data).encode()


def locate(chosen: Path | None) -> Path | None:
    """Find the profile, as `links.locate` does."""
    found = links.locate("", str(chosen.expanduser())) if chosen is not None else links.locate(str(home()))
    return Path(found) if found else None


def read(link: Path) -> Profile:
    """Read the profile at `link` without starting Nix; raise NixprofError where its list cannot be understood."""
    if not os.path.lexists(link):
        return Profile(link, None, None, ProfileManager.NOBODY, ())
    number = links.number_of(str(link), os.readlink(link)) if link.is_symlink() else None
    store_path = os.path.realpath(link)
    manager = ProfileManager.UNKNOWN
    elements: tuple[Element, ...] = ()
    if os.path.exists(path := os.path.join(store_path, "manifest.json")):
        manager, elements = ProfileManager.NIX_PROFILE, read_manifest(Path(path))
    elif os.path.lexists(path := os.path.join(store_path, "manifest.nix")):
        manager, elements = ProfileManager.NIX_ENV, read_nix_env(Path(path))
    elif not os.path.isdir(store_path) or not os.listdir(store_path):
        manager = ProfileManager.NOBODY
    return Profile(link, number, store_path, manager, elements)


def read_manifest(path: Path, read: str | None = None) -> tuple[Element, ...]:
    """Read a `manifest.json` of any version, `read` already or not.

    Raises: NixprofError where it is no such file, or a newer one.
    """
    import json

    def elements(text: str) -> tuple[Element, ...]:
        data = json.loads(text)
        if data["version"] not in (1, 2, 3):
            message = f"{path} has version {str(data['version'])[:20]}, which this nixprof does not know"
            raise NixprofError(message, Reason.NEWER_FORMAT, hints=("upgrade nixprof",))
        found = data["elements"]
        if isinstance(found, dict):
            return tuple(_element(name, entry) for name, entry in found.items())
        return tuple(_named([_element(None, entry) for entry in found]))

    return _read(path, elements, read)


def read_nix_env(path: Path, read: str | None = None) -> tuple[Element, ...]:
    """Read a `manifest.nix` of nix-env, `read` already or not, without evaluating it.

    Raises: NixprofError where it is no such file.
    """
    from nixprof.nix.nix_data import read_literal

    return _read(path, lambda text: tuple(_nix_env_element(entry) for entry in _list(read_literal(text))), read)


def _read(path: Path, elements: Callable[[str], tuple[Element, ...]], read: str | None) -> tuple[Element, ...]:
    """Read a list of elements, or raise NixprofError that says why a file is not one."""
    try:
        return elements(read_file(path, MAX_MANIFEST_BYTES).decode() if read is None else read)
    except OSError as error:
        cause = error.strerror or str(error)
    except MISSHAPEN as error:
        cause = wrong_with(error)
    raise NixprofError(f"{path} is not the manifest of a Nix profile", Reason.DAMAGED, cause=cause)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise MisshapenError("there is something else where a list should be")
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _nix_env_element(entry: dict[str, Any]) -> Element:
    """Read what nix-env keeps of a package: https://nix.dev/manual/nix/latest/command-ref/files/manifest.nix."""
    meta = entry.get("meta") or {}
    names = [name for name in _list(entry.get("outputs") or []) if name in entry]
    paths = [entry[name]["outPath"] for name in names] or [entry["outPath"]]
    usual = meta.get("outputsToInstall") or ["out"]
    active = meta.get("active", "true")
    return Element(
        name=None,
        attr_path="",
        original_url="",
        url="",
        store_paths=tuple(checked(path) for path in paths),
        outputs=() if not names or set(names) == set(usual) else tuple(names),
        # `nix-env --set-flag` leaves a number as a text.
        priority=int(meta.get("priority", USUAL_PRIORITY)),
        active=active not in (False, "false"),
        label=_text(entry.get("name")),
        position=_text(meta.get("position")),
        description=_text(meta.get("description")),
        system=_text(entry.get("system")),
        output_names=tuple(names),
    )


def _element(name: str | None, entry: dict[str, Any]) -> Element:
    attr_path = str(entry.get("attrPath") or "")
    return Element(
        name=name,
        attr_path=attr_path,
        original_url=str(entry.get("originalUrl") or entry.get("originalUri") or ""),
        url=str(entry.get("url") or entry.get("uri") or ""),
        store_paths=tuple(checked(path) for path in entry.get("storePaths") or ()),
        outputs=tuple(str(output) for output in entry.get("outputs") or ()),
        priority=int(entry.get("priority", USUAL_PRIORITY)),
        active=bool(entry.get("active", True)),
        system=system_of(attr_path),
    )


def _named(elements: Sequence[Element]) -> Iterator[Element]:
    """Give elements the names that Nix gives them from 2.20 on, each another one.

    The rules: https://github.com/NixOS/nix/blob/2.26.3/src/libflake/url-name.cc and `ProfileManifest::addElement`.
    """
    taken: dict[str, int] = {}
    for element in elements:
        name = free = _usual_name(element)
        while free in taken:
            taken[name] += 1
            free = f"{name}-{taken[name]}"
        taken[free] = 0
        yield replace(element, name=free)


def _usual_name(element: Element) -> str:
    """Give the `dir` of the flake, else the last attribute, else the repository, else the end of the path."""
    from urllib.parse import parse_qs

    url, _, query = element.original_url.partition("?")
    scheme, _, place = url.partition(":")
    folders = parse_qs(query).get("dir", ())
    attribute = re.fullmatch(r"((?:[\w-]+\.)*)([\w-]+)", element.attr_path, re.ASCII)
    if folders:
        return folders[0]
    if attribute and attribute[1] != "defaultPackage." and attribute[2] != "default":
        return attribute[2]
    repository = re.fullmatch(r"[\w-]+/([\w-]+)(?:/.*)?", place, re.ASCII) if scheme in FORGES else None
    end = re.fullmatch(r"(?:.*/)?([\w-]+)", place, re.ASCII)
    found = repository or end
    if element.original_url:
        return found[1] if found else f"{element.original_url}#{element.attr_path}"
    return ", ".join(sorted({split_name(name_of(path))[0] for path in element.store_paths}))


def system_of(attr_path: str) -> str:
    """Give the system that an attribute path such as `packages.x86_64-linux.hello` is of; empty for any other."""
    root, _, rest = attr_path.partition(".")
    return rest.partition(".")[0] if root in ROOTS else ""
