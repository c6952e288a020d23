"""Where a version of a package can be had from: looked for on this machine, in one place after the other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixprof.change.generations import SOURCES, generations
from nixprof.change.past import past_in
from nixprof.errors import NixprofError, Reason
from nixprof.files import scratch_folder
from nixprof.formatting import day, listed, package_name, shell_quote
from nixprof.git import commits, contents
from nixprof.lock.flake_lock import revision
from nixprof.manifest.flake_reference import is_reference
from nixprof.manifest.spec import DEFAULT_INPUT, Spec
from nixprof.record import record
from nixprof.redact import excerpt
from nixprof.schema import MISSHAPEN
from nixprof.store_path import fits_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.change.flow import Transaction
    from nixprof.context import Context
    from nixprof.lock.freshness import LockedManifest

# Name at most this many versions of a place.
_MAX_VERSIONS = 6
_VERSIONED = re.compile(r"(?P<package>.*[^@#.\s])@v?(?P<version>\d[\w.+-]*)(?P<outputs>\^.*)?")
_PARTS = re.compile(r"\d+|[^\d.+_-]+")
# What a generated folder has to have to be read.
_FILES = ("packages.json", "flake.lock", SOURCES)


## what is asked


@record
class Wanted:
    """A package at a version, `nodejs@22`."""

    text: str  # as typed
    package: str  # without the version, but with the outputs
    version: str


def read_wanted(text: str) -> Wanted | None:
    """Read a package at a version; None where a text is something else, such as a reference or a name in quotes."""
    found = _VERSIONED.fullmatch(text)
    if not found or is_reference(found["package"].partition("#")[0]):
        return None
    return Wanted(text, found["package"] + (found["outputs"] or ""), found["version"])


def version_order(version: str) -> list[tuple[int, int, str]]:
    """Give what sorts versions as Nix does, see `builtins.compareVersions`."""
    parts = _PARTS.findall(version.removeprefix("v"))
    return [*((3, int(one), "") if one.isdigit() else (0 if one == "pre" else 2, 0, one) for one in parts), (1, 0, "")]


## what is found


@record
class Found:
    """A version that can be had."""

    version: str
    spec: Spec  # what the list gets
    where: str  # has it, or had it
    folder: Path | None = None  # the generated folder that had it
    commit: str = ""  # the commit of the list's own repository that had it
    names_version: bool = False  # whether the name of the package tells the version, as `nodejs_22` does

    @property
    def is_past(self) -> bool:
        """Whether it was had, and is not what the list or an input has now."""
        return self.folder is not None or bool(self.commit)


@record
class Place:
    """What one place has of a package."""

    name: str
    found: tuple[Found, ...]
    failure: str = ""  # why it could not be looked at

    def best(self, wanted: str) -> Found | None:
        """Choose the very version that is wanted, or else the newest that begins with it."""
        fitting = [one for one in self.found if fits_version(one.version, wanted)]
        return max(fitting, key=lambda one: (one.version == wanted, *_order(one, wanted)), default=None)


def _order(one: Found, wanted: str) -> tuple[bool, list[tuple[int, int, str]]]:
    """Give what sorts versions, after whether the name ends in what is wanted: of `python@3` that is `python3`."""
    digits = re.sub(r"\D", "", wanted)
    return one.names_version and one.spec.name.endswith(digits), version_order(one.version)


def find_version(context: Context, change: Transaction, wanted: Wanted, spec: Spec) -> Found:
    """Find the version of a package that is wanted; the first place that has one decides.

    Raises: NixprofError that says where it was looked for, and what there is.
    """
    places = []
    for place in _places(context, change, wanted, spec):
        places.append(place)
        if best := place.best(wanted.version):
            return best
    raise _nowhere(wanted, spec, places, context.arguments)


def _places(context: Context, change: Transaction, wanted: Wanted, spec: Spec) -> Iterator[Place]:
    """Look at one place after the other, those that cost nothing first."""
    now = change.before.resolved(spec.key)
    if now:
        yield Place("the list", (Found(now.version, spec, "the list has it"),))
    yield Place("earlier generations", tuple(_of_generations(context, spec)))
    there = commits(context.folders.flake, _FILES[0])
    if there:
        yield Place("earlier commits of the list", tuple(_of_commits(context, there, spec)))
    yield from _of_input(change, spec)
    if "#" not in wanted.package:
        for other in change.manifest.inputs:
            if other.name != spec.input:
                yield from _of_input(change, Spec(other.name, spec.attr_path, spec.outputs))


def _is_meant(key: str, pname: str, spec: Spec) -> bool:
    """Tell whether a package is the one that is wanted, perhaps by another name: `nodejs_20` is a nodejs, too."""
    return key == spec.key or (spec.input == DEFAULT_INPUT and pname == spec.name and key.startswith("nixpkgs#"))


def _of_generations(context: Context, spec: Spec) -> Iterator[Found]:
    """Give what the generations of the profile have, the newest first."""
    for one in reversed(generations(context)):
        if one.environment:
            where = f"generation {one.number} ({day(int(one.time))}) had it"
            for entry in one.environment.packages:
                if _is_meant(entry.key, entry.pname, spec):
                    yield Found(entry.version, Spec.parse(entry.key), where, Path(one.environment.flake))


def _of_commits(context: Context, there: Sequence[tuple[str, int]], spec: Spec) -> Iterator[Found]:
    """Give what earlier commits of the generated folder have, the newest first."""
    texts = contents(context.folders.flake, [f"{commit}:./{_FILES[0]}" for commit, _ in there])
    for (commit, time), data in zip(there, texts, strict=False):
        for key, resolved in _resolved_in(data or b"", context.machine.system):
            if _is_meant(key, resolved["pname"], spec):
                where = f"commit {commit[:7]} ({day(time)}) of the list had it"
                yield Found(resolved["version"], Spec.parse(key), where, commit=commit)


def _resolved_in(data: bytes, system: str) -> list[tuple[str, dict[str, Any]]]:
    """Read what packages.json says of each package on a system; nothing where it cannot be read, be it a conflict."""
    try:
        packages = json.loads(data)["packages"].items()
        return [(str(key), one["systems"][system]) for key, one in packages if system in one["systems"]]
    except MISSHAPEN:
        return []


def read_past(context: Context, found: Found) -> LockedManifest | None:
    """Read the list and the locks that had a version; None where an input has it now, or they cannot be read."""
    if found.folder:
        return past_in(context, found.folder)
    if not found.commit:
        return None
    with scratch_folder() as scratch:
        texts = contents(context.folders.flake, [f"{found.commit}:./{name}" for name in _FILES])
        for name, data in zip(_FILES, texts, strict=False):
            if data is not None:
                (scratch / name).write_bytes(data)
        return past_in(context, scratch)


def _of_input(change: Transaction, spec: Spec) -> Iterator[Place]:
    """Look at what an input has at the revision that it is locked to, names with the version in them first."""
    locked = change.before.lock.inputs.get(spec.input)
    name = f"{spec.input} {f'({revision(locked)})' if locked else ''}".strip()
    if locked is None and spec.input != DEFAULT_INPUT:
        yield Place(name, (), "not locked yet, since no package uses it")
        return
    try:
        versions = change.probe().versions(spec)
    except NixprofError as error:
        yield Place(name, (), error.message)
        return
    found = [
        Found(version, one, f"{name} has it", names_version=one.attr_path != spec.attr_path)
        for one, version in versions.items()
    ]
    yield Place(f"other names in {name}", tuple(one for one in found if one.names_version))
    yield Place(name, tuple(one for one in found if not one.names_version))


## nowhere


def _nowhere(wanted: Wanted, spec: Spec, places: Sequence[Place], words: Sequence[str]) -> NixprofError:
    """Say where a version was looked for, and which versions there are; `words` are what was typed after `nixprof`."""
    found = [one for place in places for one in place.found]
    newest = max(found, key=lambda one: version_order(one.version), default=None)
    instead = _instead(newest, spec) if newest else package_name(spec.key)
    command = " ".join(shell_quote(instead if word == wanted.text else word) for word in ("nixprof", *words))
    hint = f"the newest of these: {command}" if newest else command
    return NixprofError(
        f"there is no {excerpt(package_name(spec.key))} {excerpt(wanted.version)} here",
        Reason.MISSING,
        cause="looked at:\n" + "\n".join(f"{place.name}: {_told(place, spec)}" for place in places),
        hints=(hint,),
    )


def _instead(found: Found, spec: Spec) -> str:
    """Write what was found as `add` takes it."""
    return f"{package_name(spec.key)}@{found.version}" if found.is_past else package_name(found.spec.key)


def _told(place: Place, spec: Spec) -> str:
    """List the versions that a place has, the newest first."""
    if place.failure:
        return place.failure
    named = {
        one.version if one.spec.attr_path == spec.attr_path else f"{one.spec.name} {one.version}": one.version
        for one in place.found
    }
    words = sorted(named, key=lambda word: version_order(named[word]), reverse=True)
    return listed(words, _MAX_VERSIONS) or "none"
