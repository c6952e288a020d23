"""`nixprof update`: move inputs, or packages alone, to what there is now, and sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change import flow, policy
from nixprof.change.refusal import NOTHING, Allowance, Attempt
from nixprof.change.request import ChangeRequest, Moves
from nixprof.lock.packages_json import read_packages
from nixprof.manifest.find import find_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nixprof.change.flow import Outcome, Plan
    from nixprof.context import Context
    from nixprof.manifest.model import Manifest, Package


def run(
    context: Context,
    names: Sequence[str],
    allowed: Allowance = NOTHING,
    *,
    dry_run: bool = False,
    confirm: Callable[[Plan], bool] = flow.always,
) -> Outcome:
    """Update everything, or what is named; a pinned package only where it is named itself.

    What is in the way of the newer versions is written into the policy, as far as it is allowed.

    Raises: NixprofError, with the locks as before.
    """
    locked = read_packages(context.folders.flake / "packages.json")
    typed: dict[str, str] = {}

    def propose(manifest: Manifest) -> ChangeRequest:
        inputs = [one.name for one in manifest.inputs]
        if not names:
            return ChangeRequest(moves=Moves(inputs=tuple(inputs)))
        packages: dict[str, Package] = {}
        for name in names:
            if name not in inputs:
                package = find_packages(name, manifest, locked, "update")[0]
                packages[package.spec.key] = package
                typed[name] = package.spec.key
        moves = Moves(tuple(name for name in inputs if name in names), tuple(packages.values()))
        return ChangeRequest(moves=moves, named=frozenset(packages))

    attempt = Attempt(allowed.command, typed, moves=True)
    return policy.change(context, propose, allowed, attempt, dry_run=dry_run, confirm=confirm)
