"""What devbox and flox write: a `devbox.json`, and the `manifest.toml` of an environment of flox.

The forms: https://www.jetify.com/docs/devbox/configuration and https://flox.dev/docs/man/manifest.toml
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nixprof.importers.candidate import Candidate, Vocabulary
from nixprof.machine import SYSTEMS
from nixprof.manifest.model import EVERYWHERE
from nixprof.manifest.place import place_of
from nixprof.manifest.spec import ALL_OUTPUTS, Spec, SpecError
from nixprof.record import replace
from nixprof.schema import MisshapenError, fits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

# What else the files have, and why that is not for the list.
_OF_DEVBOX = {
    "shell": "hooks and scripts of devbox's shell",
    "env": "variables of devbox's shell",
    "env_from": "variables of devbox's shell",
    "include": "plugins and other files of devbox",
    "nixpkgs": "the revision that devbox takes packages from; the list has inputs of its own",
}
_OF_FLOX = {
    "vars": "variables of flox's shell",
    "hook": "a hook of flox's shell",
    "profile": "scripts of flox's shell",
    "services": "services, which nixprof does not run",
    "include": "other environments; import them, too",
    "build": "packages that flox builds",
    "containerize": "settings of flox's containers",
    "options": "settings of flox",
}
# How a flake begins, which no attribute of nixpkgs does.
_FLAKE = re.compile(r"[a-z+]+:|[./~]")
# Comments, and commas behind the last item, as devbox takes them; strings stay as they are.
_LOOSE = re.compile(r"""("(?:[^"\\]|\\.)*+")|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[\]}])""", re.DOTALL)


def read_devbox(text: str) -> Iterator[Candidate]:
    """Read a devbox.json; raise MisshapenError where its packages have another form."""
    import json

    data = json.loads(_LOOSE.sub(lambda found: found[1] or "", text))
    packages = data.get("packages", [])
    if fits(packages, [str]):
        packages = dict.fromkeys(packages, "")
    if not fits(packages, {str: str}) and not fits(packages, {str: object}):
        raise MisshapenError("its packages are neither a list of names nor a table")
    for written, about in packages.items():
        yield _of_devbox(written, {"version": about} if isinstance(about, str) else about)
    yield from _others(data, _OF_DEVBOX)


def _of_devbox(written: str, about: Any) -> Candidate:
    if not fits(about, {}):
        raise MisshapenError(f"{written} has neither a version nor a table of options")
    name, version = _split(written)
    one = _candidate(written, about, "platforms", set(_texts(about, "excluded_platforms")))
    if written.startswith("runx:"):
        return replace(one, leave="a release on GitHub, which devbox downloads")
    return placed(replace(one, version=version or str(about.get("version", ""))), name)


def named(written: str) -> Candidate:
    """Make what stands in a list of names a candidate: `nodejs@22`, `git^out,man` or `github:owner/repo#name`."""
    name, version = _split(written)
    return placed(Candidate(written, version=version, vocabulary=Vocabulary.NIXPKGS), name)


def _candidate(name: str, about: Mapping[str, Any], systems: str, besides: Collection[str] = ()) -> Candidate:
    """Begin a candidate by what both files say of outputs and systems; `systems` is the key of those."""
    wanted = set(_texts(about, systems) or SYSTEMS).intersection(SYSTEMS).difference(besides)
    scope = place_of(wanted, SYSTEMS) or EVERYWHERE
    return Candidate(name, chosen=_texts(about, "outputs"), scope=scope, vocabulary=Vocabulary.NIXPKGS)


def read_flox(text: str) -> Iterator[Candidate]:
    """Read the manifest of an environment; raise MisshapenError where it is none, or its packages have another form."""
    import tomllib

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MisshapenError(f"not valid TOML: {error}") from error
    if not fits(data.get("install", {}), {str: dict}):
        raise MisshapenError("something under [install] is not a table")
    for name, about in data.get("install", {}).items():
        yield _of_flox(name, about)
    yield from _others(data, _OF_FLOX)


def _of_flox(name: str, about: Mapping[str, Any]) -> Candidate:
    path = about.get("pkg-path", about.get("flake", about.get("store-path", "")))
    written = ".".join(path) if fits(path, [str]) else str(path)
    if not written:
        raise MisshapenError(f"{name} under [install] has no pkg-path")
    one = _candidate(written, about, "systems")
    if "store-path" in about:
        return replace(one, leave="a store path")
    if "pkg-path" in about and "/" in written and "@" not in written:
        return replace(one, leave="published in a catalog of flox")
    if about.get("outputs") == "all":
        one = replace(one, chosen=ALL_OUTPUTS)
    if isinstance(priority := about.get("priority"), int):
        one = replace(one, priority=priority)
    return placed(replace(one, version=str(about.get("version", "")).lstrip("^~=>v ")), written)


def placed(one: Candidate, name: str) -> Candidate:
    """Say where the package of a candidate is: an attribute of nixpkgs, or of a flake."""
    place, caret, outputs = name.partition("^")
    flake, hash_, attribute = place.partition("#")
    is_flake = _FLAKE.match(flake) is not None
    if is_flake and flake.startswith((".", "/", "~", "path:")):
        return replace(one, leave="a path on that machine; to add one here: nixprof add PATH")
    if hash_ and not is_flake:
        return replace(one, leave=f"of {flake}, an input that only the other list has")
    try:
        spec = Spec.parse(f"{(attribute or 'default') if is_flake else place}{caret}{outputs}")
    except SpecError as error:
        return replace(one, leave=f"no name of a package: {error.message}")
    one = replace(one, attribute=spec.attr_path, chosen=one.chosen or spec.outputs)
    return replace(one, reference=flake, locked=flake) if is_flake else one


def _split(written: str) -> tuple[str, str]:
    """Split `nodejs@22` into name and version; a name may begin with an @ within a set, and a flake has none."""
    name, at, version = written.rpartition("@")
    is_version = at and name and not name.endswith(".") and "/" not in version and not _FLAKE.match(written)
    return (name, version) if is_version else (written, "")


def _texts(about: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Give a list of texts that a package has under a key; none where it has something else there."""
    found = about.get(key, [])
    return tuple(found) if fits(found, [str]) else ()


def _others(data: Mapping[str, Any], why: Mapping[str, str]) -> Iterator[Candidate]:
    """Say of everything else that has something in it why it is left."""
    for key, reason in why.items():
        if data.get(key):
            yield Candidate(key, leave=reason, vocabulary=Vocabulary.NIXPKGS)
