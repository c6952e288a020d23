"""`nixprof pin` and `nixprof unpin`: whether `update` leaves packages alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.flow import begin
from nixprof.change.request import ChangeRequest
from nixprof.lock.packages_json import own_names
from nixprof.manifest.edit import set_option
from nixprof.manifest.find import find_packages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nixprof.change.plan import Outcome
    from nixprof.context import Context


def run(context: Context, packages: Sequence[str]) -> Outcome:
    """Pin packages, or let them go; those that are as the user wants stay so.

    Raises: NixprofError where a name is not on the list; then nothing is pinned.
    """
    command = context.console.command
    pin = command == "pin"
    with begin(context) as change:
        manifest, known_as = change.manifest, own_names(change.before.locked)
        found = dict.fromkeys(one for name in packages for one in find_packages(name, manifest, known_as, command))
        texts = manifest.texts()
        for package in found:
            if package.pin != pin:
                texts[package.file] = set_option(texts[package.file], package.path, "pin", pin or None)
        request = ChangeRequest.rewriting(manifest, texts, (package.spec.key for package in found))
        return change.carry_out(request)
