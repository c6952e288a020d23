"""`nixprof sync`, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nixprof.commands.sync import InSync
from nixprof.formatting import count
from nixprof.remote.sent import Sent

if TYPE_CHECKING:
    from nixprof.change.plan import Outcome
    from nixprof.context import Context


def show(result: Outcome | InSync | Sent, context: Context) -> None:
    """Show what was done, or that there was nothing to do."""
    if isinstance(result, Sent):
        from nixprof.output import send

        send.show(result, context)
        return
    if isinstance(result, InSync):
        generation = f", generation {result.generation}" if result.generation else ""
        context.console.say(f"✓ in sync: {count(result.packages, 'package')}{generation}")
        return
    from nixprof.output import change

    change.show(result, context)


def as_json(result: Outcome | InSync | Sent) -> dict[str, Any]:
    """Give what has become of this machine as a change; that of others, machine by machine."""
    if isinstance(result, Sent):
        from nixprof.output.json import plain

        return dict(plain(result))
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


def differs(result: Outcome | InSync | Sent) -> bool:
    """Tell whether there is something to do."""
    return any(one.changes for one in result.machines) if isinstance(result, Sent) else not isinstance(result, InSync)


def exit_code(result: Outcome | InSync | Sent) -> int:
    """Fail where another machine has."""
    return int(isinstance(result, Sent) and any(one.error for one in result.machines))
