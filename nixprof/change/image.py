"""An image of packages for containers: from the store, without an evaluation of any package set."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nixprof.change.realise import MAX_NAMES
from nixprof.errors import NixprofError, Reason
from nixprof.exporters.image import Contents, write_image
from nixprof.files import cannot_write, replaceable, scratch_folder
from nixprof.formatting import listed, package_name
from nixprof.nix.errors import NixError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.context import Context
    from nixprof.nix.operations import Nix


def make_image(context: Context, system: str, linked: Sequence[EnvironmentEntry], place: Path) -> None:
    """Have all packages in the store, link them, and put the image in its place when it is whole.

    Raises: NixprofError where a package is in no cache, or nothing can be written there.
    """
    paths = [path for one in sorted(linked, key=lambda one: one.priority) for path in one.paths]
    with cannot_write(place):
        real = replaceable(place)
        real.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(real.parent, ".nixprof-") as scratch, context.nix() as nix:
        _fetch(context, nix, linked, scratch, system)
        nix.link(paths, scratch / "linked")
        environment = os.path.realpath(scratch / "linked")
        contents = Contents(system, environment, nix.graph([environment]).closure([environment]))
        with context.progress.step("writing the image"), cannot_write(place):
            write_image(contents, scratch / "image", scratch)
            os.replace(scratch / "image", real)


def _fetch(context: Context, nix: Nix, linked: Sequence[EnvironmentEntry], scratch: Path, system: str) -> None:
    """Have packages in the store, as long as there is the folder `scratch`."""
    paths = {path: one.key for one in linked for path in one.paths}
    try:
        with context.progress.step("looking for the packages in the store and the caches"):
            nix.realise(paths, scratch)
    except NixError as error:
        gone = nix.invalid(paths)
        missing = [package_name(key) for path, key in paths.items() if path in gone]
        if error.reason is not Reason.FAILED or not missing:
            raise
        message = f"in no cache for {system}: {listed(list(dict.fromkeys(missing)), MAX_NAMES)}"
        here = system == context.machine.system
        hint = "nixprof sync" if here else f"have a machine with {system} build it, and: nixprof push CACHE"
        raise NixprofError(message, Reason.UNCACHED, hints=(hint,)) from error
