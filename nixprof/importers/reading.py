"""What there is to import: a profile, one of its generations, or a file that came from elsewhere."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.files import read_file as contents
from nixprof.folders import home
from nixprof.formatting import display_path
from nixprof.manifest.edit import comments_of
from nixprof.nix import profile as nix_profile
from nixprof.nix.profile import Element, ProfileManager, system_of
from nixprof.redact import excerpt
from nixprof.schema import MisshapenError
from nixprof.store_path import checked, outputs_of, package_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from nixprof.change.state import State
    from nixprof.context import Context
    from nixprof.nix.profile import Profile

# What the comment begins with that freeze writes behind a store path of unknown source.
KEPT_COMMENT_START = "kept by store path"
_LARGEST = 64 << 20
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Kind(Enum):
    """What was read."""

    CURRENT = "the profile as it is"
    EARLIER = "another generation of it"
    FILE = "a file"
    LIST = "what the list keeps by store path"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read.

    Attributes:
        place: the profile, by the name that the user knows, or the file, which may be the list.
        kind: which of them.
        generation: of the profile; None for a file, and for a profile that Nix did not make.
        elements: all of them.

    """

    place: Path
    kind: Kind
    generation: int | None
    elements: tuple[Element, ...]


def read_profile(context: Context, generation: int | None) -> Reading:
    """Read the profile, or one of its other generations.

    Raises: NixprofError where there is none, or its list cannot be understood.
    """
    profile = context.profile()
    if profile is None or profile.keeper is ProfileManager.NOBODY:
        where = (
            f"{display_path(context.chosen_profile)} is not a profile"
            if context.chosen_profile
            else "there is no profile"
        )
        raise NixprofError(f"{where} to import", Reason.NO_PROFILE, hints=("to begin: nixprof add ripgrep",))
    place = _known_as(profile.link, context.chosen_profile)
    if generation is None or generation == profile.generation:
        _check_keeper(profile, place)
        return Reading(place, Kind.CURRENT, profile.generation, profile.elements)
    link = profile.link.with_name(f"{profile.link.name}-{generation}-link")
    if not link.is_symlink():
        raise NixprofError(
            f"{display_path(place)} has no generation {generation}",
            Reason.NO_SUCH_GENERATION,
            hints=("nixprof history",),
        )
    other = nix_profile.read(link)
    _check_keeper(other, link)
    return Reading(place, Kind.EARLIER, generation, other.elements)


def _check_keeper(profile: Profile, place: Path) -> None:
    if profile.keeper is ProfileManager.UNKNOWN:
        raise NixprofError(
            f"{display_path(place)} has files but no list of what they belong to",
            Reason.UNSUITABLE_PROFILE,
            cause="it was made by `nix-env --set` or `nix build --profile`",
        )


def _known_as(link: Path, chosen: Path | None) -> Path:
    """Name the profile as the user does."""
    usual = home() / ".nix-profile"
    if chosen is not None:
        return chosen
    return usual if os.path.realpath(usual) == os.path.realpath(link) else link


def read_list(state: State) -> Reading:
    """Read the entries of the list that are store paths, for this machine, as elements of a profile.

    Those that an earlier freeze has kept go by their names and versions, as elements of nix-env do.

    Raises: NixprofError where the list cannot be read.
    """
    entries = [entry for entry in state.wanted if entry.spec.is_store_path]
    comments = {
        file: comments_of(text, [entry.path for entry in entries if entry.file == file])
        for file, text in state.manifest.texts().items()
    }
    found: dict[str, Element] = {}
    for entry in entries:
        path = entry.spec.attr_path[0]
        known = state.locked.get(path)
        resolved = known.systems.get(state.machine.system) if known else None
        priority = entry.priority
        if priority is None:
            priority = resolved.priority if resolved else nix_profile.USUAL_PRIORITY
        was_frozen = comments[entry.file][entry.path].startswith(KEPT_COMMENT_START)
        names = tuple(outputs_of((path,), ()))
        found[path] = Element(
            name=entry.spec.name,
            attr_path="",
            original_url="",
            url="",
            store_paths=(path,),
            priority=priority,
            label="-".join(filter(None, package_of((path,), ()))) if was_frozen else "",
            description=resolved.description if resolved else "",
            system=state.machine.system,
            outputs=() if names == ("out",) else names,
            output_names=names,
        )
    return Reading(state.manifest.path, Kind.LIST, None, tuple(found.values()))


def read_file(path: Path) -> Reading:
    """Read a `manifest.json` or `manifest.nix`, what `nix profile list` printed, or a list of names.

    Raises: NixprofError where it is none of them.
    """
    try:
        text = _COLOUR.sub("", contents(path, _LARGEST).decode())
    except OSError as error:
        raise NixprofError(f"cannot read {path}", Reason.CANNOT_READ, cause=error.strerror) from error
    except UnicodeDecodeError as error:
        raise NixprofError(
            f"{path} is not a list of packages", Reason.INVALID_IMPORT, cause="it is not text"
        ) from error
    try:
        elements = tuple(_elements(path, text))
    except MisshapenError as error:
        raise NixprofError(f"{path} is not a list of packages", Reason.INVALID_IMPORT, cause=str(error)) from error
    if not elements:
        raise NixprofError(f"{path} lists no package", Reason.INVALID_IMPORT)
    return Reading(path, Kind.FILE, None, elements)


def _elements(path: Path, text: str) -> tuple[Element, ...]:
    if path.suffix == ".json" or text.lstrip().startswith("{"):
        return nix_profile.read_manifest(path)
    if path.suffix == ".nix" or text.lstrip().startswith("["):
        return nix_profile.read_nix_env(path)
    if re.search(r"(?m)^Store paths: ", text):
        return tuple(_from_blocks(text))
    return tuple(_from_lines(path, text))


def _from_blocks(text: str) -> Iterator[Element]:
    """Read what `nix profile list` prints from 2.17 on: blocks of `Key: value`, with a blank line between."""
    for block in re.split(r"\n\s*\n", text.strip()):
        fields = dict(re.findall(r"(?m)^([A-Z][A-Za-z ]+):[ \t]*(.*)$", block))
        yield _printed(
            fields.get("Name"),
            fields.get("Flake attribute", ""),
            fields.get("Original flake URL", ""),
            fields.get("Locked flake URL", ""),
            fields.get("Store paths", "").split(),
        )


def _from_lines(path: Path, text: str) -> Iterator[Element]:
    """Read a name a line, or what `nix profile list` printed before 2.17: `0 FLAKE#ATTR LOCKED#ATTR PATH…`."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if len(words) >= 4 and words[0].isdecimal():  # noqa: PLR2004 - the four columns
            (original, _, attribute), (locked, _, _) = words[1].partition("#"), words[2].partition("#")
            known = words[1] != "-"
            yield _printed(
                None, attribute if known else "", original if known else "", locked if known else "", words[3:]
            )
            continue
        name = re.sub(r"(^|\s)#.*", "", line).strip()
        if re.fullmatch(r"[A-Za-z0-9_+.'-]+", name):
            yield Element(None, "", "", "", (), label=name)
        elif name:
            cause = f"line {number} is not a name: {excerpt(name)}"
            raise NixprofError(f"{path} is not a list of packages", Reason.INVALID_IMPORT, cause=cause)


def _printed(name: str | None, attribute: str, original: str, locked: str, paths: Sequence[str]) -> Element:
    """Make an element of what `nix profile list` prints of it."""
    attr_path, _, outputs = attribute.partition("^")
    return Element(
        name=name,
        attr_path=attr_path,
        original_url=original,
        url=locked,
        store_paths=tuple(map(checked, paths)),
        outputs=tuple(filter(None, outputs.split(","))),
        system=system_of(attr_path),
    )
