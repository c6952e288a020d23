"""The list of all packages that a channel publishes beside its tarball, which saves a walk over the packages.

`packages.json.br` is what `nix-env --query --available --json --meta` says of a release on x86_64-linux, with all that
nixpkgs refuses: https://github.com/NixOS/nixpkgs/blob/master/pkgs/top-level/packages-info.nix. Nix uncompresses it.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from nixprof.errors import NixprofError, Reason
from nixprof.files import read_file
from nixprof.store_path import split_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nixprof.lock.flake_lock import LockedInput

# Attribute paths, each with what `walk.nix` says of a package.
Listing: TypeAlias = "list[tuple[tuple[str, ...], Mapping[str, Any]]]"

# The only system that there is a list for.
SYSTEM = "x86_64-linux"
_TARBALL = re.compile(r"(?P<release>(?:https?|file)://[^?]*\.(?P<commit>[0-9a-f]{7,40}))/nixexprs\.tar\.xz(?:\?.*)?")
# What keeps nixpkgs from building a package, by the fields of `meta`.
_REFUSALS = ("broken", "insecure", "unfree", "unsupported")


def listing_url(locked: LockedInput, system: str) -> str | None:
    """Give the address of the list of an input as it is locked; None where there can be none of this very revision.

    The folder of a release ends in its commit; what is at the address of a channel may be of another revision by now.
    """
    found = _TARBALL.fullmatch(locked.url.removeprefix("tarball+"))
    if found is None or system != SYSTEM or (locked.rev and not locked.rev.startswith(found["commit"])):
        return None
    return f"{found['release']}/packages.json.br"


def read_listing(file: Path) -> Listing:
    """Read a list: each package by its attribute path, described as `walk.nix` does.

    Raises: NixprofError where the file is no such list.
    """
    # The descriptions, which are small, are made while the text is read: all of it as objects would fill the memory.
    try:
        packages = json.loads(read_file(file), object_hook=partial(_read, {}))["packages"]
        return [(tuple(name.split(".")), told) for name, told in packages.items() if told.get("kind") == "package"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NixprofError(f"{file} is no list of packages", Reason.DAMAGED, cause=str(error)) from error


def _read(known: dict[tuple[str, ...], list[str]], data: dict[str, Any]) -> dict[str, Any]:
    """Shorten an object to what an index has of it. `known` has the lists of platforms, which are long and few."""
    if "meta" in data and "name" in data and "system" in data:
        return _described(data)
    if "platforms" in data:
        texts = [one for one in data["platforms"] or () if isinstance(one, str)]
        data["platforms"] = known.setdefault(tuple(texts), texts)
    for name in ("maintainers", "teams", "longDescription", "outputsToInstall", "badPlatforms"):
        data.pop(name, None)
    return data


def _described(data: Mapping[str, Any]) -> dict[str, Any]:
    meta = data["meta"] if isinstance(data["meta"], dict) else {}
    name = _text(data["name"])
    pname, version = split_name(name)
    homepage = meta.get("homepage")
    return {
        "kind": "package",
        "fullName": name,
        "pname": _text(data.get("pname")) or pname,
        "version": _text(data.get("version")) or version,
        **{key: _text(meta.get(key)) for key in ("description", "mainProgram", "changelog", "position")},
        "homepage": _text(homepage[0] if isinstance(homepage, list) and homepage else homepage),
        "license": _licence(meta.get("license")),
        "outputs": list(data["outputs"]) if isinstance(data.get("outputs"), dict) else ["out"],
        "platforms": meta.get("platforms", []),
        "refusals": [why for why in _REFUSALS if meta.get(why) is True],
        "vulnerabilities": [one for one in meta.get("knownVulnerabilities") or () if isinstance(one, str)],
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _licence(value: Any) -> str:
    """Write a licence as people read it: one, or several."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_licence, value)))
    if isinstance(value, dict):
        return next((_text(value[key]) for key in ("spdxId", "shortName", "fullName") if value.get(key)), "")
    return _text(value)
