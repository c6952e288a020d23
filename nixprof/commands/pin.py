"""`nixprof pin` and `nixprof unpin`: whether `update` leaves packages alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.flow import begin
from nixprof.change.request import ChangeRequest
from nixprof.formatting import count, package_name
from nixprof.manifest.edit import set_option
from nixprof.record import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nixprof.change.plan import Outcome, Plan
    from nixprof.context import Context


def run(context: Context, packages: Sequence[str]) -> Outcome:
    """Pin packages, or let them go; those that are as the user wants stay so."""
    command = context.console.command
    pin = command == "pin"
    with begin(context) as change:
        found = dict.fromkeys(one for name in packages for one in change.before.named(name, command))
        texts = change.manifest.texts()
        for package in found:
            if package.pin != pin:
                texts[package.file] = set_option(texts[package.file], package.path, "pin", pin or None)
        request = ChangeRequest.rewriting(change.manifest, texts, (package.spec.key for package in found))
        outcome = change.carry_out(request)
    keys = list(dict.fromkeys(one.spec.key for one in found))
    return replace(outcome, summary=_pinned(keys, outcome.plan, pin=pin), would=_to_pin(keys, outcome.plan, pin=pin))


def _pinned(keys: Sequence[str], plan: Plan, *, pin: bool) -> str:
    """Say that packages are pinned now, or are no longer."""
    name, version = _titled(keys, plan)
    be = "is " if len(keys) == 1 else ""
    return f"{name} {be}pinned{version}" if pin else f"{name} {be}no longer pinned"


def _to_pin(keys: Sequence[str], plan: Plan, *, pin: bool) -> str:
    name, version = _titled(keys, plan)
    return f"pin {name}{version}" if pin else f"unpin {name}"


def _titled(keys: Sequence[str], plan: Plan) -> tuple[str, str]:
    """Name a package, and at which version it is; several are counted."""
    if len(keys) > 1:
        return count(len(keys), "package"), ""
    version = {one.key: one.version for one in plan.packages}.get(keys[0])
    return package_name(keys[0]), f" at {version}" if version else ""
