"""`nixprof lock`: resolve the list for every system that it is for, and install nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.failures import Attempt
from nixprof.change.flow import begin
from nixprof.change.request import ChangeRequest

if TYPE_CHECKING:
    from nixprof.change.plan import Outcome
    from nixprof.context import Context


def run(context: Context) -> Outcome:
    """Write the locks, and leave the store and the profile as they are."""
    attempt = Attempt(("nixprof", *context.arguments))
    with begin(context) as change:
        return change.carry_out(ChangeRequest(attempt=attempt, activates=False, installs=False))
