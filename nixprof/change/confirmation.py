"""Whether somebody has to agree to a change before it happens."""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING

from nixprof.change.differences import Kind
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import count, listed, package_name
from nixprof.record import record

if TYPE_CHECKING:
    from nixprof.change.plan import Plan
    from nixprof.context import Context

# Nobody is asked if fewer versions change.
_MIN_MANY = 3
# More lost packages than this are counted.
_MAX_NAMES = 3


class Risk(Enum):
    """What is at stake."""

    NONE = "the user has named what happens, or nothing is lost"
    MANY = "many versions move"
    GUESS = "what is installed was guessed"
    LOSS = "something goes that the user has not named, or that no command of nixprof's brings back"


def risk_of(plan: Plan, least: Risk = Risk.NONE) -> Risk:
    """Say what is at stake, by what a plan comes to and not by the command that made it; at least `least`."""
    if plan.lost:
        return Risk.LOSS
    moving = [
        one for one in plan.changes if one.kind in (Kind.CHANGED, Kind.REBUILT) and one.key not in plan.request.named
    ]
    return Risk.MANY if len(moving) >= _MIN_MANY else least


def question(plan: Plan) -> str:
    """Ask whether to make a change; an empty text where nothing changes."""
    number, lost = len(plan.changes), len(plan.lost)
    if plan.is_empty:
        return ""
    if lost and lost == number:
        return f"Remove {'this package' if number == 1 else f'these {number} packages'}?"
    if lost:
        return f"Make these {number} changes, which remove {count(lost, 'package')}?"
    if plan.request.moves:
        return f"Update {'this package' if number == 1 else f'these {number} packages'}?"
    return f"Make {'this change' if number == 1 else f'these {number} changes'}?" if number else "Go ahead?"


def loss(plan: Plan) -> str | None:
    """Say what would go although the command does not name it; None for nothing."""
    if not plan.lost:
        return None
    names = [package_name(change.key) for change in plan.lost]
    return f"it would remove {listed(names, _MAX_NAMES)}, which the command does not name"


@record
class Proposal:
    """What a command is about to do."""

    shown: object  # what the user sees first
    question: str  # empty where nobody need be asked
    risk: Risk
    loss: str | None = None  # what would be lost, for the error if nobody can be asked
    usual: bool = True  # what Enter alone means; False where a file of the user's goes that nixprof has no copy of


def confirmed(context: Context, proposal: Proposal) -> bool:
    """Show a proposal, and return whether to go ahead, asking if necessary.

    Raises: NixprofError where somebody has to be asked and nobody is there.
    """
    context.show(proposal.shown)
    asks_always = os.environ.get("NIXPROF_ASK", "") not in ("", "0")
    if context.agrees or not proposal.question or (proposal.risk is Risk.NONE and not asks_always):
        return True
    if context.console.can_ask:
        return context.console.ask(proposal.question, usual=proposal.usual)
    # A script that runs `update` wants all of it.
    if proposal.risk is Risk.MANY and not asks_always:
        return True
    message = "this needs confirmation, and there is no terminal to ask on"
    hint = f"to go ahead: {context.typed('--yes')}"
    raise NixprofError(message, Reason.NEEDS_CONFIRMATION, cause=proposal.loss, hints=(hint,))
