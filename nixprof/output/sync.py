"""`nixprof sync`, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nixprof.commands.sync import InSync
from nixprof.formatting import count

if TYPE_CHECKING:
    from nixprof.change.plan import Outcome
    from nixprof.context import Context


def show(result: Outcome | InSync, context: Context) -> None:
    """Show what was done, or that there was nothing to do."""
    if isinstance(result, InSync):
        generation = f", generation {result.generation}" if result.generation else ""
        context.console.say(f"✓ in sync: {count(result.packages, 'package')}{generation}")
        return
    from nixprof.output import change

    change.show(result, context)


def as_json(result: Outcome | InSync) -> dict[str, Any]:
    """Give both as a change."""
    if isinstance(result, InSync):
        nothing = {"done": True, "changes": [], "inputs": [], "staying": [], "weight": None}
        return nothing | {
            "packages": result.packages,
            "generation": result.generation,
            "unavailable": result.gaps,
            "held": result.held,
            "merged": [],
        }
    from nixprof.output import change

    return change.as_json(result)


def differs(result: Outcome | InSync) -> bool:
    """Tell whether there is something to do."""
    return not isinstance(result, InSync)
