"""Whether a change needs a yes before it happens, and whose."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from nixprof.change.differences import Kind
from nixprof.errors import NixprofError, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from nixprof.change.flow import Plan

# Fewer versions that move nobody has to be asked about.
MANY = 3


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
    return Risk.MANY if len(moving) >= MANY else least


@dataclass(frozen=True, slots=True)
class Consent:
    """How to come by a yes.

    Attributes:
        given: whether it was given beforehand, with `--yes`.
        somebody: whether there is somebody to ask.
        again: the command that gives it beforehand.
        ask: asks a question.

    """

    given: bool
    somebody: bool
    again: str
    ask: Callable[[str], bool]

    def to(self, question: str, risk: Risk, why: str | None = None) -> bool:
        """Have a yes, or a no.

        Args:
            question: what to ask.
            risk: what is at stake.
            why: what is lost, for whoever cannot be asked.

        Raises: NixprofError where there has to be one and nobody is there to give it.
        """
        needed = risk is not Risk.NONE or asks_always()
        if self.given or not needed:
            return True
        if self.somebody:
            return self.ask(question)
        # A script that runs `update` means it; what is lost, or to be asked about always, waits for a yes.
        if risk is Risk.MANY and not asks_always():
            return True
        raise NixprofError(
            "this needs a yes, and there is no terminal to ask on",
            Reason.NEEDS_CONFIRMATION,
            cause=why,
            hints=(f"to go ahead: {self.again}",),
        )


def asks_always() -> bool:
    """Tell whether the user wants to be asked before every change."""
    return os.environ.get("NIXPROF_ASK", "") not in ("", "0")
