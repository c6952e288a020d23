"""`nixprof outdated`: what `update` would bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.commands import update
from nixprof.record import replace

if TYPE_CHECKING:
    from nixprof.change.plan import Outcome
    from nixprof.context import Context


def run(context: Context) -> Outcome:
    """Plan an update. A hint proposes that command, which takes options that allow something."""
    return update.run(replace(context, arguments=("update",), dry_run=True))
