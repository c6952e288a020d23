"""Lists from elsewhere, in a file or on stdin: which form one has, and the candidates in it.

A manifest of a profile has store paths; all others are names, which are looked up later.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.files import read_file as contents
from nixprof.importers.candidate import Candidate, Vocabulary, candidate
from nixprof.importers.reading import Kind, Reading
from nixprof.nix import profile as nix_profile
from nixprof.nix.profile import Element, system_of
from nixprof.redact import excerpt
from nixprof.schema import MISSHAPEN, MisshapenError, wrong_with
from nixprof.store_path import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

STDIN = "-"
# What people call each form of a list.
FORMS = {
    "brew": "Brewfile",
    "devbox": "devbox.json",
    "flox": "flox manifest",
    "nix": "lists in Nix code",
    "apt": "Debian packages",
    "list": "list of packages",
    "profile": "manifest of a profile",
    "nix-env": "manifest of nix-env",
}
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LARGEST = nix_profile.MAX_MANIFEST_BYTES
# What a list of names may have: names, with versions or outputs, and installables of Nix.
_NAME = re.compile(r"[A-Za-z0-9_+@./'\"#:?=&%~^,*-]+", re.ASCII)
_DEBIAN_NAME = re.compile(r"([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9]+)?(?:/\S+.*|\s+install)?", re.ASCII)


def read_file(written: str) -> Reading:
    """Read `FILE`, `FORMAT:FILE` or `FORMAT`; `-`, and a format alone, are stdin.

    Raises: NixprofError where that cannot be read, or is no list of packages.
    """
    name, colon, rest = written.partition(":")
    is_named = name in FORMS and (not colon or rest) and not Path(written).exists()
    form, place = (name, Path(rest or STDIN)) if is_named else ("", Path(written))
    shown = "stdin" if str(place) == STDIN else str(place)
    try:
        text = _text(place)
        if not text.strip():
            raise MisshapenError("it is empty")
        form = form or _form(place, text)
        found = tuple(candidates(form, place, text))
    except OSError as error:
        raise NixprofError(f"cannot read {shown}", Reason.CANNOT_READ, cause=error.strerror) from error
    except MISSHAPEN as error:
        message = f"cannot import {shown}" + (f" as {form}" if is_named else "")
        hints = (f"it was read as {form}; what else there is: {', '.join(FORMS)}",) if form and not is_named else ()
        raise NixprofError(message, Reason.INVALID_IMPORT, cause=wrong_with(error), hints=hints) from error
    if not found:
        raise NixprofError(f"{shown} lists no package", Reason.INVALID_IMPORT)
    return Reading(place, Kind.FILE, found, form=form)


def _text(place: Path) -> str:
    if str(place) != STDIN:
        data = contents(place, _LARGEST)
    elif sys.stdin.isatty():
        raise MisshapenError("stdin is the terminal: pipe a list into it, or name a file")
    elif len(data := sys.stdin.buffer.read(_LARGEST + 1)) > _LARGEST:
        raise MisshapenError(f"it is larger than {_LARGEST >> 20} MiB")
    return _COLOUR.sub("", data.decode("utf-8-sig"))


def _form(place: Path, text: str) -> str:
    """Tell the form of a list by its name and by what it says."""
    begins = text.lstrip()
    if place.suffix == ".json" or re.match(r'\{\s*(?:"|//|/\*|\})', begins):
        is_manifest = place.name == "manifest.json" or re.search(r'"elements"\s*:', text) or '"packages"' not in text
        return "profile" if is_manifest else "devbox"
    if place.name == "manifest.nix" or re.match(r"\[\s*(?:\{|\]|\[)", begins):
        return "nix-env"
    names = (form for form, suffix, pattern in _TOLD_BY if place.name.endswith(suffix) or re.search(pattern, text))
    return next(names, "list")


_OF_DEBIAN = (
    r"[a-z0-9+.-]+:(?:amd64|arm64|i386|armhf|all)|lib[a-z0-9+.-]+-dev|linux-(?:image|headers|generic)\S*"
    r"|apt|dpkg|base-files|base-passwd|build-essential|adduser|ubuntu-\w+|openssh-server"
)
# How the name of a file ends and what it says, by its form; the first that fits counts.
_TOLD_BY = (
    ("flox", ".toml", r"(?m)^\[install(?:\]|\.)"),
    ("nix", ".nix", r"(?m)^\s*(?:\{|with\s+\w+;|[\w.]*[pP]ackages\s*=)"),
    ("brew", "Brewfile", r"""(?m)^\s*(?:brew|cask|tap)[ (]+["']"""),
    # A library to build with, a kernel, an architecture, or what every Debian has, is in no other list.
    ("apt", ".apt", rf"(?m)^(?:{_OF_DEBIAN})(?:\s|/|$)"),
)


## the readers


def candidates(form: str, place: Path, text: str) -> Iterator[Candidate]:
    """Read a text in one of `FORMS`; raise MisshapenError where it is none. What only one needs is imported for it."""
    match form:
        case "brew":
            from nixprof.importers.brewfile import read_brewfile

            yield from read_brewfile(text)
        case "devbox":
            from nixprof.importers.environments import read_devbox

            yield from read_devbox(text)
        case "flox":
            from nixprof.importers.environments import read_flox

            yield from read_flox(text)
        case "nix":
            from nixprof.importers.nix_lists import read_nix_lists

            yield from read_nix_lists(text)
        case "apt":
            yield from _read_apt(text)
        case "profile":
            yield from map(candidate, nix_profile.read_manifest(place, text))
        case "nix-env":
            yield from map(candidate, nix_profile.read_nix_env(place, text))
        case _:
            yield from _read_list(text)


def _read_apt(text: str) -> Iterator[Candidate]:
    """Read what `apt-mark showmanual`, `apt list` or `dpkg --get-selections` prints."""
    lines = [one for one in _lines(text) if not re.search(r"^Listing|\s(?:deinstall|hold|purge)$", one[1])]
    yield from _each(lines, _of_debian)


def _of_debian(line: str) -> Candidate | None:
    found = _DEBIAN_NAME.fullmatch(line)
    return Candidate(found[1], vocabulary=Vocabulary.DEBIAN) if found else None


def _read_list(text: str) -> Iterator[Candidate]:
    """Read a name a line, or what `nix profile list` prints."""
    if re.search(r"(?m)^Store paths: ", text):
        yield from _from_blocks(text)
    else:
        yield from _each(list(_lines(text)), _of_line)


def _each(lines: Sequence[tuple[int, str]], read: Callable[[str], Candidate | None]) -> Iterator[Candidate]:
    """Read each line; one that is not a name is left alone, but a text that mostly has others is no list."""
    found = [(number, line, read(line)) for number, line in lines]
    others = [(number, line) for number, line, one in found if one is None]
    if 2 * len(others) > len(found):
        number, line = others[0]
        raise MisshapenError(f"line {number} is not a name: {excerpt(line)}")
    for number, line, one in found:
        yield one or Candidate(line, leave=f"line {number}: not a name", vocabulary=Vocabulary.NIXPKGS)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Give the lines that say something, without comments, and their numbers."""
    for number, line in enumerate(text.splitlines(), 1):
        if said := re.sub(r"(^|\s)#.*", "", line).strip():
            yield number, said


def _from_blocks(text: str) -> Iterator[Candidate]:
    """Read what `nix profile list` prints from 2.17 on: blocks of `Key: value`, with a blank line between."""
    for block in re.split(r"\n\s*\n", text.strip()):
        fields = dict(re.findall(r"(?m)^([A-Z][A-Za-z ]+):[ \t]*(.*)$", block))
        source = ("Flake attribute", "Original flake URL", "Locked flake URL")
        attribute, original, locked = (fields.get(key, "") for key in source)
        yield _printed(fields.get("Name"), attribute, original, locked, fields.get("Store paths", "").split())


def _of_line(line: str) -> Candidate | None:
    """Read a name, or a line that `nix profile list` printed before 2.17: `0 FLAKE#ATTR LOCKED#ATTR PATH…`."""
    words = line.split()
    if len(words) >= 4 and words[0].isdecimal():  # noqa: PLR2004 - the four columns
        (original, _, attribute), (locked, _, _) = words[1].partition("#"), words[2].partition("#")
        source = ("", "", "") if original == "-" else (attribute, original, locked)
        return _printed(None, *source, words[3:])
    return _named(line) if _NAME.fullmatch(line) else None


def _named(name: str) -> Candidate:
    """Make a line a candidate: a name with a version as nix-env prints it, or what `add` takes."""
    one = Candidate(name, name)
    if one.own_name[1] and re.fullmatch(r"[\w+.'-]+", name):
        return one
    from nixprof.importers.environments import named

    return named(name)


def _printed(name: str | None, attribute: str, original: str, locked: str, paths: Sequence[str]) -> Candidate:
    """Make a candidate of what `nix profile list` prints of an element."""
    attr_path, _, outputs = attribute.partition("^")
    chosen = tuple(filter(None, outputs.split(",")))
    store_paths = tuple(map(checked, paths))
    return candidate(Element(name, attr_path, original, locked, store_paths, chosen, system=system_of(attr_path)))
