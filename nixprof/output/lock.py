"""`nixprof lock`, shown."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from nixprof.formatting import count, listed
from nixprof.machine import SYSTEMS
from nixprof.manifest.model import INTEL_MAC
from nixprof.output import change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nixprof.change.plan import Outcome, Plan
    from nixprof.context import Context
    from nixprof.manifest.model import Package

# More packages that are not locked are counted.
_MAX_NAMES = 5


def show(result: Outcome, context: Context) -> None:
    """Show for which systems the list is locked."""
    plan, console = result.plan, context.console
    without = _unlocked(plan)
    number = count(len(plan.after.manifest.packages) - len(without), "package")
    where = ", ".join(_systems(plan)) or "no system"
    if result.done:
        console.say(f"✓ {number} locked for {where} · {result.seconds:.1f} s")
    else:
        change.show_plan(plan, console, sys.stderr)
        console.say(f"dry run: would lock {number} for {where} (nothing was changed)")
    if without:
        names = listed([package.written for package in without], _MAX_NAMES)
        console.say(f"not locked, as the list names no such system: {names}; to have it do so: nixprof edit")
        console.say(f"  systems = {json.dumps(_to_name(without, plan))}")


def as_json(result: Outcome) -> dict[str, Any]:
    """Give it as a change, with the number of packages on the list."""
    unlocked = [package.written for package in _unlocked(result.plan)]
    return change.as_json(result) | {"packages": len(result.plan.after.manifest.packages), "unlocked": unlocked}


def _unlocked(plan: Plan) -> list[Package]:
    """Choose the entries that are for none of the systems that the lock is for."""
    named = {*plan.after.manifest.systems, *_systems(plan)}

    def is_locked(package: Package) -> bool:
        known = plan.after.lock.package(package.spec.key)
        return any(map(package.scope.covers, {*known.systems, *known.unavailable} & named))

    return [package for package in plan.after.manifest.packages if not is_locked(package)]


def _to_name(without: Sequence[Package], plan: Plan) -> list[str]:
    """Choose the systems that the list would have to name for entries that are not locked: the usual ones."""
    scopes = [package.scope for package in without if package.scope.kind == "system"]
    needed = [
        one for one in SYSTEMS if any(each.covers(one) and (one != INTEL_MAC or each.name == one) for each in scopes)
    ]
    return list(dict.fromkeys((*_systems(plan), *plan.after.manifest.systems, *needed)))


def _systems(plan: Plan) -> list[str]:
    return sorted({name for one in plan.after.lock.packages.values() for name in one.systems})
