"""`nixprof lock`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.formatting import count
from nixprof.output import change

if TYPE_CHECKING:
    from nixprof.change.plan import Outcome
    from nixprof.context import Context


def show(result: Outcome, context: Context) -> None:
    """Show for which systems the list is locked."""
    plan, console = result.plan, context.console
    number, where = count(len(plan.manifest.packages), "package"), ", ".join(_systems(result)) or "no system"
    if result.done:
        console.say(f"✓ {number} locked for {where} · {result.seconds:.1f} s")
    else:
        change.show_plan(plan, console, sys.stderr)
        console.say(f"dry run: would lock {number} for {where} (nothing was changed)")


def as_json(result: Outcome) -> dict[str, Any]:
    """Give it as a change, with the number of packages on the list."""
    return change.as_json(result) | {"packages": len(result.plan.manifest.packages)}


def _systems(result: Outcome) -> list[str]:
    """Name the systems that anything is resolved for."""
    return sorted({name for one in result.plan.lock.packages.values() for name in one.systems})
