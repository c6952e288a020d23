"""`nixprof try`, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nixprof.commands.trial import Trial
    from nixprof.context import Context


def show(result: Trial, context: Context) -> None:
    """Say of a dry run that nothing happened; what was run has said what there is to say."""
    del result
    if context.dry_run:
        context.console.say("dry run: nothing was fetched or run")


def exit_code(result: Trial) -> int:
    """End as the command did."""
    return result.exit_code
