"""Nix profiles as they are on disk: where the profile is, its generations and its elements.

The formats of `manifest.json` are those of `nix profile`, versions 1 to 3; a key of one version is accepted at
any other, because some builds of Nix mixed them. Above this module there is one `Element`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from nixprof.errors import NixprofError

# What Nix gives an element unless told otherwise; lower wins.
USUAL_PRIORITY = 5


# No profile has so long a list; a file of this size would only fill the memory.
_TOO_LARGE = 64 << 20


class Keeper(Enum):
    """Which command made a profile what it is."""

    NOBODY = "nobody"  # there is no profile yet, or it is empty
    NIX_PROFILE = "nix profile"
    NIX_ENV = "nix-env"
    UNKNOWN = "unknown"  # files without a manifest, as after `nix-env --set`


@dataclass(frozen=True, slots=True)
class Element:
    """One entry of a profile.

    Attributes:
        name: what `nix profile` calls it from 2.20 on; None before.
        attr_path: the attribute path with the output and the system, such as `legacyPackages.x86_64-linux.jq`;
            empty for an element from a bare store path.
        original_url: the flake reference as it was typed, empty likewise.
        url: the same, locked.
        store_paths: what it links into the profile.
        outputs: the chosen outputs; empty for the default ones, `("*",)` for all.
        priority: lower wins, 5 unless chosen.
        active: whether it is linked at all.
        label: name and version, as nix-env keeps them instead of an attribute path; empty otherwise.
        position: the file of nixpkgs that defines it, likewise.
        description: one line, likewise.

    """

    name: str | None
    attr_path: str
    original_url: str
    url: str
    store_paths: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    priority: int = USUAL_PRIORITY
    active: bool = True
    label: str = ""
    position: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile at one moment.

    Attributes:
        link: the profile itself, a link to a generation; it may not exist yet.
        generation: the number of the current generation; None where the link is not one that Nix made.
        store_path: what the current generation is; None where there is none.
        keeper: which command made it.
        elements: what `manifest.json` lists; empty for every other keeper.

    """

    link: Path
    generation: int | None
    store_path: str | None
    keeper: Keeper
    elements: tuple[Element, ...]


def locate(chosen: Path | None) -> Path | None:
    """Find the profile that Nix itself would use, or follow `chosen` to the link that Nix must be told.

    Nix keeps the generations beside the path that it is given, so `~/.nix-profile`, a link to the profile, must
    never be that path: one level of it is resolved.

    Returns: the path of the profile, existing or not; None where Nix has not made one yet and is to decide.
    """
    if chosen is not None:
        return _beyond_pointer(Path(os.path.abspath(chosen.expanduser())))
    home = Path.home()
    state = os.environ.get("XDG_STATE_HOME", "")
    state_home = Path(state) if os.path.isabs(state) else home / ".local/state"
    links = [link for link in (home / ".nix-profile", state_home / "nix/profile") if link.is_symlink()]
    if not links:
        return None
    # With both, the one whose commands the user runs is the one that Nix was told to use.
    on_path = os.environ.get("PATH", "").split(os.pathsep)
    links.sort(key=lambda link: f"{link}/bin" not in on_path)
    return _beyond_pointer(links[0])


def _beyond_pointer(link: Path) -> Path:
    """Resolve one level, unless `link` is a profile already: a link to a generation of its own name."""
    if not link.is_symlink():
        return link
    target = link.parent / link.readlink()
    own_generation = target.parent == link.parent and re.fullmatch(re.escape(link.name) + r"-\d+-link", target.name)
    if own_generation or not target.is_symlink():
        return link if own_generation or target.exists() else target
    return target


def read(link: Path) -> Profile:
    """Read the profile at `link` without starting Nix.

    Raises: NixprofError where its manifest cannot be understood.
    """
    if not os.path.lexists(link):
        return Profile(link, None, None, Keeper.NOBODY, ())
    generation = None
    if link.is_symlink():
        number = re.fullmatch(re.escape(link.name) + r"-(\d+)-link", os.path.basename(os.readlink(link)))
        generation = int(number[1]) if number else None
    store_path = os.path.realpath(link)
    manifest = Path(store_path, "manifest.json")
    if manifest.exists():
        return Profile(link, generation, store_path, Keeper.NIX_PROFILE, read_manifest(manifest))
    if os.path.lexists(os.path.join(store_path, "manifest.nix")):
        return Profile(link, generation, store_path, Keeper.NIX_ENV, ())
    empty = not os.path.isdir(store_path) or not os.listdir(store_path)
    return Profile(link, generation, store_path, Keeper.NOBODY if empty else Keeper.UNKNOWN, ())


def read_manifest(path: Path) -> tuple[Element, ...]:
    """Read a `manifest.json` of any version.

    Raises: NixprofError where it is no such file, or of a version that is not known.
    """
    import json

    try:
        size = path.stat().st_size
        if size > _TOO_LARGE:
            raise NixprofError(f"{path} is no manifest of a Nix profile: it has {size >> 20} MiB")
        data = json.loads(path.read_bytes())
        if data["version"] not in (1, 2, 3):
            raise NixprofError(
                f"{path} has version {data['version']}, which this nixprof does not know",
                hints=("upgrade nixprof",),
            )
        found = data["elements"]
        named = list(found.items()) if isinstance(found, dict) else [(None, entry) for entry in found]
        return tuple(_element(name, entry) for name, entry in named)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NixprofError(
            f"{path} is not the manifest of a Nix profile", cause=f"{type(error).__name__}: {error}"
        ) from error


def _element(name: str | None, entry: dict[str, Any]) -> Element:
    return Element(
        name=name,
        attr_path=str(entry.get("attrPath") or ""),
        original_url=str(entry.get("originalUrl") or entry.get("originalUri") or ""),
        url=str(entry.get("url") or entry.get("uri") or ""),
        store_paths=tuple(str(path) for path in entry.get("storePaths") or ()),
        outputs=tuple(str(output) for output in entry.get("outputs") or ()),
        priority=int(entry.get("priority", USUAL_PRIORITY)),
        active=bool(entry.get("active", True)),
    )
