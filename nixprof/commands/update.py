"""`nixprof update`: move inputs, or packages alone, to what there is now, and sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.failures import Attempt
from nixprof.change.flow import begin
from nixprof.change.request import ChangeRequest, Moves
from nixprof.change.state import State
from nixprof.index.background import build_in_background

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nixprof.change.plan import Outcome
    from nixprof.context import Context


def run(
    context: Context,
    names: Sequence[str] | None = None,
    *,
    build: bool = False,
    now: bool = False,
    strict: bool = False,
) -> Outcome:
    """Update everything, or what is named; a pinned package only where it is named itself.

    What is in the way of the newer versions is written into the policy, as far as it is allowed. What cannot be had
    all the same stays at what it was, unless it is named.

    Args:
        context: whose packages.
        names: of inputs and packages.
        build: whether to build whatever is in no cache, and what has failed to build before.
        now: whether to take revisions that have not been known for as long as the list asks for.
        strict: whether nothing at all moves where a package cannot be had.

    Raises: NixprofError, with the locks as before.

    """
    names = names or ()
    with begin(context) as change:
        inputs = [one.name for one in change.manifest.inputs]
        packages = {name: change.before.named(name, "update")[0] for name in names if name not in inputs}
        typed = {name: package.spec.key for name, package in packages.items()}
        request = ChangeRequest(
            moves=Moves(
                tuple(name for name in inputs if name in names or not names),
                tuple({package.spec.key: package for package in packages.values()}.values()),
                strict,
                build,
                now,
            ),
            named=frozenset(typed.values()),
            attempt=Attempt(("nixprof", *context.arguments), typed, moves=True),
            # An empty list needs no profile.
            activates=bool(change.manifest.packages or change.before.environments),
        )
        outcome = change.carry_out(request)
    if outcome.done:
        build_in_background(context, State(context))
    return outcome
