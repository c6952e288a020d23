"""What there is to import: a profile, one of its generations, or a file that came from elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError
from nixprof.nix import profile as nix_profile
from nixprof.nix.profile import Element

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nixprof.nix.command import Nix
    from nixprof.nix.profile import Profile
    from nixprof.state import Project

_LARGE = 64 << 20
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read.

    Attributes:
        place: the profile or the file.
        generation: of the profile; None for a file.
        elements: all of them.
        profile: the profile as it is now; None for a file, and where there is none.

    """

    place: Path
    generation: int | None
    elements: tuple[Element, ...]
    profile: Profile | None


def read_profile(project: Project, nix: Nix, generation: int | None) -> Reading:
    """Read the profile, or one of its earlier generations.

    Raises: NixprofError where there is none, or its list cannot be understood.
    """
    profile = project.profile()
    if profile is None or profile.store_path is None:
        raise NixprofError("there is no profile to import", hints=("to begin: nixprof add ripgrep",))
    if profile.keeper is nix_profile.Keeper.UNKNOWN:
        raise NixprofError(
            f"{profile.link} has files but no list of what they belong to",
            cause="it was made by `nix-env --set` or `nix build --profile`",
        )
    if generation is None or generation == profile.generation:
        return Reading(profile.link, profile.generation, nix.elements(profile), profile)
    link = profile.link.with_name(f"{profile.link.name}-{generation}-link")
    if not link.is_symlink():
        raise NixprofError(f"{profile.link} has no generation {generation}", hints=("nix profile history",))
    return Reading(profile.link, generation, nix.elements(nix_profile.read(link)), profile)


def read_file(path: Path, nix: Nix) -> Reading:
    """Read a `manifest.json` or `manifest.nix`, what `nix profile list` printed, or a list of names.

    Raises: NixprofError where it is none of them.
    """
    try:
        if path.stat().st_size > _LARGE:
            raise NixprofError(f"{path} is no list of packages: it has {path.stat().st_size >> 20} MiB")
        text = _COLOUR.sub("", path.read_bytes().decode())
    except OSError as error:
        raise NixprofError(f"cannot read {path}", cause=error.strerror) from error
    except UnicodeDecodeError as error:
        raise NixprofError(f"{path} is no text") from error
    return Reading(path, None, tuple(_elements(path, text, nix)), None)


def _elements(path: Path, text: str, nix: Nix) -> tuple[Element, ...]:
    if text.lstrip().startswith("{"):
        return nix_profile.read_manifest(path)
    if path.suffix == ".nix" or text.lstrip().startswith("["):
        return nix.read_nix_env(path.absolute())
    if re.search(r"(?m)^Store paths: ", text):
        return tuple(_from_blocks(text))
    return tuple(_from_lines(path, text))


def _from_blocks(text: str) -> Iterator[Element]:
    """Read what `nix profile list` prints from 2.17 on: blocks of `Key: value`, with a blank line between."""
    for block in re.split(r"\n\s*\n", text.strip()):
        fields = dict(re.findall(r"(?m)^([A-Z][A-Za-z ]+):[ \t]*(.*)$", block))
        attribute, _, outputs = fields.get("Flake attribute", "").partition("^")
        yield Element(
            name=fields.get("Name"),
            attr_path=attribute,
            original_url=fields.get("Original flake URL", ""),
            url=fields.get("Locked flake URL", ""),
            store_paths=tuple(fields.get("Store paths", "").split()),
            outputs=tuple(outputs.split(",")) if outputs else (),
        )


def _from_lines(path: Path, text: str) -> Iterator[Element]:
    """Read a name a line, or what `nix profile list` printed before 2.17: `0 FLAKE#ATTR LOCKED#ATTR PATH…`."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split() if "#" not in line.lstrip()[1:] else line.split()
        if not words:
            continue
        if len(words) >= 4 and words[0].isdecimal() and "#" in words[1]:  # noqa: PLR2004 - the four columns
            original, _, attribute = words[1].partition("#")
            attr_path, _, outputs = attribute.partition("^")
            yield Element(
                None,
                attr_path,
                original,
                words[2].partition("#")[0],
                tuple(words[3:]),
                tuple(filter(None, outputs.split(","))),
            )
        elif len(words) == 1 and re.fullmatch(r"[A-Za-z0-9_+.'-]+", words[0]):
            yield Element(None, "", "", "", (), label=words[0])
        else:
            raise NixprofError(
                f"{path} is no list of packages", cause=f"line {number} is no name: {line.strip()[:60]!r}"
            )
