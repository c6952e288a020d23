"""`nixprof sync`: make this machine match the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.process_lock import was_stopped
from nixprof.change.state import State
from nixprof.record import record

if TYPE_CHECKING:
    from nixprof.change.plan import Outcome
    from nixprof.context import Context
    from nixprof.lock.freshness import Gap


@record
class InSync:
    """There is nothing to do: how many packages the profile has, in which generation, and what other systems lack."""

    packages: int
    generation: int | None
    gaps: tuple[Gap, ...] = ()
    held: tuple[Gap, ...] = ()  # what stays here at what it was, because it cannot be had


def run(context: Context, origin: str | None = None) -> Outcome | InSync:
    """Install what is missing and remove what is no longer listed. Starts no process where nothing is to do.

    Where there is no list yet, that of `origin` is copied first: a folder, git URL or flake reference.
    """
    if origin is None:
        return _run(context)
    from nixprof.commands.init import taken

    with taken(context, origin) as own:
        return _run(own)


def _run(context: Context) -> Outcome | InSync:
    state = State(context)
    allowable = {reason.value for reason in context.allowed}
    if (
        state.in_sync
        and not was_stopped(context.folders)
        and not any(gap.why.reason in allowable for gap in (*state.gaps, *state.held))
    ):
        return InSync(len(state.wanted), state.generation, state.gaps, state.held)
    from nixprof.change.failures import Attempt
    from nixprof.change.flow import begin
    from nixprof.change.request import ChangeRequest

    request = ChangeRequest(attempt=Attempt(("nixprof", *context.arguments)))
    with begin(context) as change:
        return change.carry_out(request)
