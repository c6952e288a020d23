"""The generations of a profile: what each one has, and the list that it was made from.

Everything is read from the generations themselves. Only the command that made one, and the ways back, which make none,
are remembered elsewhere, in the state folder, and are missing without harm.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixprof import schema
from nixprof.change.environment import Environment, EnvironmentEntry, in_profile
from nixprof.errors import TO_BEGIN, NixprofError, Reason
from nixprof.files import content, read_json, replace_file
from nixprof.nix import links
from nixprof.nix import profile as nix_profile
from nixprof.record import record, values_of
from nixprof.schema import MISSHAPEN
from nixprof.store_path import package_of, split_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nixprof.context import Context
    from nixprof.manifest.model import Manifest
    from nixprof.nix.operations import Nix
    from nixprof.nix.profile import Element, Profile

# What the manifest of a generation is kept in, within its copy of the generated folder.
SOURCES = "manifest.json"


@record
class Generation:
    """One version of a profile."""

    number: int  # as Nix counts
    time: float  # when it was made, in seconds since 1970
    profile: Profile  # what it has, as if it were the current one
    environment: Environment | None  # nixprof's part of it
    packages: tuple[EnvironmentEntry, ...]  # nixprof's by their keys, foreign elements by their names
    command: str  # what made it; empty where that is not remembered


@record
class PastRollback:
    """A way back that nixprof went: it made no generation."""

    time: float  # when, in seconds since 1970
    before: int  # the generation that the profile was at
    after: int  # the one that it went to
    newest: int  # the newest one at that time: the next one was made from `after`
    command: str  # what the user typed


def generations(context: Context) -> tuple[Generation, ...]:
    """List the generations of a profile, the oldest first."""
    link = nix_profile.locate(context.chosen_profile)
    if link is None:
        return ()
    commands = _commands(context)
    return tuple(_generation(context, link, number, commands) for number in links.numbers(str(link)))


def _generation(context: Context, link: Path, number: int, commands: Mapping[str, str]) -> Generation:
    own = link.with_name(f"{link.name}-{number}-link")
    profile = nix_profile.read(own)
    environment = next(iter(in_profile(profile, context.folders.flake)), None)
    foreign = [element for element in profile.elements if environment is None or element != environment.element]
    packages = (*(environment.packages if environment else ()), *(_foreign(element) for element in foreign))
    made = own.lstat().st_mtime
    return Generation(number, made, profile, environment, packages, commands.get(_key(own), ""))


def _foreign(element: Element) -> EnvironmentEntry:
    """Describe an element that nixprof did not install as a package, by its store paths."""
    pname, version = split_name(element.label) if element.label else package_of(element.store_paths, element.outputs)
    return EnvironmentEntry(_foreign_key(element, pname), pname, version, element.priority, element.store_paths)


def _foreign_key(element: Element, pname: str) -> str:
    """Name a foreign element as the list would, so that it is known again after a freeze."""
    _, _, attribute = element.attr_path.partition(".")[2].partition(".")
    if attribute and element.original_url.partition("/")[0] == "flake:nixpkgs":
        return f"nixpkgs#{attribute}"
    if not element.attr_path and not element.label and len(element.store_paths) == 1:
        return element.store_paths[0]
    return element.name or element.label or pname


def find(found: tuple[Generation, ...], number: int) -> Generation:
    """Choose a generation by its number.

    Raises: NixprofError where no generation has that number.
    """
    chosen = next((one for one in found if one.number == number), None)
    if chosen is None:
        raise NixprofError(f"there is no generation {number}", Reason.NO_SUCH_GENERATION, hints=("nixprof history",))
    return chosen


def current_of(context: Context, found: tuple[Generation, ...]) -> Generation:
    """Choose the generation that the profile is at.

    Raises: NixprofError where there is no profile.
    """
    profile = context.profile()
    current = next((one for one in found if profile and one.number == profile.generation), None)
    if current is None:
        raise NixprofError("there is no profile yet", Reason.NO_PROFILE, hints=(TO_BEGIN,))
    return current


def difference_between(nix: Nix, before: Generation, after: Generation) -> int | None:
    """Tell how much more one generation needs than another, in bytes; None where the store does not know."""
    if before.packages == after.packages:
        return 0
    try:
        closures = nix.closures(*([path for one in each.packages for path in one.paths] for each in (before, after)))
    except NixprofError:
        return None
    return sum(closures[1].values()) - sum(closures[0].values())


## the list of a generation


def write_sources(sources: Mapping[str, str]) -> bytes:
    """Write the texts of a manifest and of what it includes, by path, for a generation to keep.

    Line by line: where git merges two versions of the list, it merges these as well.
    """
    lines = {path: text.split("\n") for path, text in sources.items()}
    return (json.dumps({"version": 1, "lines": lines}, indent=2, ensure_ascii=False) + "\n").encode()


def relative_sources(manifest: Manifest) -> dict[str, str]:
    """Give the texts of a manifest and of what it includes; by paths relative to its folder, where they are in it."""
    folder = manifest.path.parent
    return {
        str(source.path.relative_to(folder) if source.path.is_relative_to(folder) else source.path): source.text
        for source in manifest.sources
    }


def sources_of(generation: Generation) -> dict[str, str]:
    """Give the texts of the manifest that a generation was made from, by path; none where it keeps none.

    A path is relative to the folder of the manifest, or absolute.
    """
    if generation.environment is None:
        return {}
    return read_sources(content(Path(generation.environment.flake, SOURCES)) or b"")


def read_sources(data: bytes) -> dict[str, str]:
    """Read what `write_sources` has written, or an older nixprof as whole texts; none where they have not."""
    try:
        read = json.loads(data)
        whole = read["files"] if "files" in read else {name: "\n".join(lines) for name, lines in read["lines"].items()}
        return {schema.path(name): schema.text(each) for name, each in whole.items()}
    except MISSHAPEN:
        return {}


## what is remembered in the state folder

# Nobody looks back further; the oldest are forgotten.
_MAX_REMEMBERED = 1000


def remember(context: Context, link: Path) -> None:
    """Note which command made the current generation; failing to is no harm."""
    key = _key(link.parent / os.readlink(link) if link.is_symlink() else link)
    commands = _commands(context)
    if key in commands:  # nothing new was made
        return
    newest = dict([*commands.items(), (key, context.command)][-_MAX_REMEMBERED:])
    with suppress(NixprofError):
        replace_file(_commands_file(context), json.dumps(newest, indent=2).encode())


def _commands(context: Context) -> dict[str, str]:
    """Read what made each generation, by what `_key` gives."""
    data = read_json(_commands_file(context))
    return {key: str(command) for key, command in data.items()} if isinstance(data, dict) else {}


def _commands_file(context: Context) -> Path:
    return context.folders.state / "commands.json"


def _key(generation: Path) -> str:
    """Tell a generation from another that once had its number, by where its link leads."""
    return f"{generation} {os.readlink(generation)}" if generation.is_symlink() else str(generation)


def remember_rollback(context: Context, link: Path, before: int, after: int) -> None:
    """Note a way back that was gone; failing to is no harm."""
    gone = PastRollback(time.time(), before, after, max(links.numbers(str(link)), default=after), context.command)
    records = [*_rollback_records(context), {"profile": str(link), **values_of(gone)}]
    with suppress(NixprofError):
        replace_file(_rollbacks_file(context), json.dumps(records[-_MAX_REMEMBERED:], indent=2).encode())


def rollbacks(context: Context) -> tuple[PastRollback, ...]:
    """List the ways back that nixprof went in a profile, the oldest first."""
    link = nix_profile.locate(context.chosen_profile)
    found = []
    for one in _rollback_records(context):
        with suppress(*MISSHAPEN, OSError):
            time.localtime(one["time"])  # not every number is a time
            before, after, newest = (int(one[name]) for name in ("before", "after", "newest"))
            if one["profile"] == str(link):
                found.append(PastRollback(float(one["time"]), before, after, newest, str(one["command"])))
    return tuple(found)


def _rollback_records(context: Context) -> list[Any]:
    records = read_json(_rollbacks_file(context))
    return records if isinstance(records, list) else []


def _rollbacks_file(context: Context) -> Path:
    return context.folders.state / "rollbacks.json"
