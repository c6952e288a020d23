"""`nixprof adopt`: elements of the profile that something else installed come onto the list, as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.commands.freeze import Options, freeze

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nixprof.commands.freeze import Frozen
    from nixprof.context import Context


def run(context: Context, names: Sequence[str]) -> Frozen:
    """Do as `freeze` does, for these elements alone; who names them need not be asked."""
    return freeze(context, Options(names, adopts=True))
