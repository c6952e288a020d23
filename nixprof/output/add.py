"""`nixprof add`, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nixprof.output import change

if TYPE_CHECKING:
    from nixprof.commands.add import Added
    from nixprof.context import Context


def show(result: Added, context: Context) -> None:
    """Show the change, and what was on the list already."""
    change.show(result.outcome, context, [f"{name} is on the list already" for name in result.present])


def as_json(result: Added) -> dict[str, Any]:
    """Give the change, and what was on the list already."""
    return change.as_json(result.outcome) | {"present": result.present}
