"""The environment: the one store path that links every package. What it should link, and what one links."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixprof.errors import NixprofError, Reason
from nixprof.files import read_file
from nixprof.nix.local_flakes import came_from, is_gone
from nixprof.record import record
from nixprof.schema import MISSHAPEN, text, wrong_with
from nixprof.store_path import checked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.lock.packages_json import LockedPackage
    from nixprof.manifest.model import Package
    from nixprof.nix.profile import Element, Profile

# Every environment ends its `manifest.nix`, a link, in this; it is how one is known.
_RECORD = "-nixprof-environment.json"


@record
class EnvironmentEntry:
    """A package as an environment links it."""

    key: str  # the identity of the package, such as `nixpkgs#git`
    pname: str
    version: str  # may be empty
    priority: int  # lower wins
    paths: tuple[str, ...]  # its store paths, one for each installed output


@record
class Environment:
    """An environment that exists."""

    store_path: str
    element: Element  # the entry of the profile that it is in
    flake: str  # the store path of the generated folder that it was built from
    packages: tuple[EnvironmentEntry, ...]  # what it links, in the order of the manifest


def expected(
    packages: Sequence[Package], locked: Mapping[str, LockedPackage], system: str
) -> tuple[EnvironmentEntry, ...]:
    """Give what an environment has to link: packages that are all resolved for a system."""
    return tuple(_link(package, locked[package.spec.key], system) for package in packages)


def _link(package: Package, locked: LockedPackage, system: str) -> EnvironmentEntry:
    resolved = locked.systems[system]
    outputs = package.spec.outputs or resolved.outputs_to_install
    if outputs == ("*",):
        outputs = tuple(sorted(resolved.outputs))
    return EnvironmentEntry(
        package.spec.key,
        resolved.pname,
        resolved.version,
        resolved.priority if package.priority is None else package.priority,
        tuple(resolved.outputs[output] for output in outputs),
    )


def in_profile(profile: Profile | None, flake: Path) -> tuple[Environment, ...]:
    """Find the environments of a generated folder in a profile; there should be at most one. Starts no Nix.

    An environment of another folder is another nixprof's, such as a colleague's; but one of a folder that is gone
    is nobody else's: mostly that folder is this one, which has moved.
    """
    if profile is None:
        return ()
    own = (each for each in profile.elements if came_from(each.original_url, flake) or is_gone(each.original_url))
    found = (_read(element) for element in own)
    return tuple(environment for environment in found if environment)


def _read(element: Element) -> Environment | None:
    """Read what an element links; None where it is not nixprof's.

    Raises: NixprofError where it is, and says something that cannot be understood.
    """
    store_path = element.store_paths[0] if element.store_paths else ""
    link = os.path.join(store_path, "manifest.nix")
    try:
        if not os.readlink(link).endswith(_RECORD):
            return None
        flake, packages = parse_environment(read_file(Path(link)))
        return Environment(store_path, element, flake, packages)
    except OSError:
        return None
    except MISSHAPEN as error:
        raise NixprofError(
            f"{link} is not what this nixprof writes",
            Reason.DAMAGED,
            cause=wrong_with(error),
            hints=("if another nixprof made it, upgrade this one",),
        ) from error


def parse_environment(data: bytes) -> tuple[str, tuple[EnvironmentEntry, ...]]:
    """Read what an environment keeps of itself: the store path of its flake, and its packages.

    Raises: one of MISSHAPEN.
    """
    read = json.loads(data)
    return checked(read["flake"]), tuple(_parse(entry) for entry in read["packages"])


def _parse(entry: Mapping[str, Any]) -> EnvironmentEntry:
    return EnvironmentEntry(
        text(entry["key"]),
        text(entry["pname"]),
        text(entry["version"]),
        int(entry["priority"]),
        tuple(checked(path) for path in entry["paths"]),
    )
