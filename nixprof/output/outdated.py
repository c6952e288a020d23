"""`nixprof outdated`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nixprof.formatting import count
from nixprof.output.change import as_json, show_plan

if TYPE_CHECKING:
    from nixprof.change.plan import Outcome
    from nixprof.context import Context

__all__ = ["as_json", "differs", "show"]


def show(result: Outcome, context: Context) -> None:
    """Show what an update would bring."""
    show_plan(result.plan, context.console, sys.stdout)
    number, held = len(result.plan.changes), len(result.plan.after.held)
    nothing = f"✓ nothing to update, {held} held" if held else "✓ everything is up to date"
    verdict = f"✗ {count(number, 'package')} to update: nixprof update" if number else nothing
    context.console.out([verdict])


def differs(result: Outcome) -> bool:
    """Tell whether there is something newer."""
    return bool(result.plan.changes)
