"""Whether somebody has to agree to a change before it happens."""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING

from nixprof.change.differences import Kind
from nixprof.errors import NixprofError, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from nixprof.change.flow import Plan

# Nobody is asked about fewer versions that move.
_MIN_MANY = 3


class Risk(Enum):
    """What is at stake."""

    NONE = "the user has named what happens, or nothing is lost"
    MANY = "many versions move"
    LOSS = "something goes that the user has not named, or that no command of nixprof's brings back"


def risk_of(plan: Plan, least: Risk = Risk.NONE) -> Risk:
    """Say what is at stake, by what a plan comes to and not by the command that made it; at least `least`."""
    if plan.lost:
        return Risk.LOSS
    moving = [
        one for one in plan.changes if one.kind in (Kind.CHANGED, Kind.REBUILT) and one.key not in plan.request.named
    ]
    return Risk.MANY if len(moving) >= _MIN_MANY else least


def confirmed(
    question: str, risk: Risk, loss: str | None, *, agreed: bool, ask: Callable[[str], bool] | None, again: str
) -> bool:
    """Return whether to go ahead, asking if necessary.

    Args:
        question: what to ask.
        risk: what is at stake.
        loss: what would be lost, for whoever cannot be asked.
        agreed: whether the user has agreed beforehand, with `--yes`.
        ask: asks a question; None where nobody is there to answer.
        again: the command that agrees beforehand.

    Raises: NixprofError where somebody has to be asked and nobody is there.

    """
    if agreed or (risk is Risk.NONE and not _asks_always()):
        return True
    if ask:
        return ask(question)
    # A script that runs `update` means it.
    if risk is Risk.MANY and not _asks_always():
        return True
    message = "this needs a yes, and there is no terminal to ask on"
    raise NixprofError(message, Reason.NEEDS_CONFIRMATION, cause=loss, hints=(f"to go ahead: {again}",))


def _asks_always() -> bool:
    """Tell whether the user wants to be asked before every change."""
    return os.environ.get("NIXPROF_ASK", "") not in ("", "0")
