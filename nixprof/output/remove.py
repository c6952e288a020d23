"""`nixprof remove`, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nixprof.output import change

if TYPE_CHECKING:
    from nixprof.commands.remove import Removed
    from nixprof.context import Context


def show(result: Removed, context: Context) -> None:
    """Show the change, and what the list still allows without need."""
    notes = [
        f"{key} still names {', '.join(names)}; if nothing else needs that: nixprof edit"
        for key, names in result.still_allowed.items()
    ]
    change.show(result.outcome, context, notes=[] if result.outcome.declined else notes)


def as_json(result: Removed) -> dict[str, Any]:
    """Give the change."""
    return change.as_json(result.outcome)
