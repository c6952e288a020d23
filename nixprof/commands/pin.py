"""`nixprof pin` and `nixprof unpin`: whether `update` leaves packages alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change import flow
from nixprof.change.request import ChangeRequest
from nixprof.lock.packages_json import read_packages
from nixprof.manifest.edit import set_option
from nixprof.manifest.find import find_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nixprof.change.flow import Outcome, Plan
    from nixprof.context import Context
    from nixprof.manifest.model import Manifest


def run(
    context: Context,
    names: Sequence[str],
    *,
    pin: bool,
    dry_run: bool = False,
    confirm: Callable[[Plan], bool] = flow.always,
) -> Outcome:
    """Pin packages, or let them go; what is so already stays so.

    Raises: NixprofError where a name is not on the list; then nothing is pinned.
    """
    locked = read_packages(context.folders.flake / "packages.json")
    command = "pin" if pin else "unpin"

    def propose(manifest: Manifest) -> ChangeRequest:
        texts = manifest.texts()
        found = [package for name in names for package in find_packages(name, manifest, locked, command)]
        for package in dict.fromkeys(found):
            if package.pin != pin:
                texts[package.file] = set_option(texts[package.file], package.path, "pin", pin or None)
        return ChangeRequest.rewriting(manifest, texts, (package.spec.key for package in found))

    return flow.change(context, propose, dry_run=dry_run, confirm=confirm)
