"""`nixprof update`: move inputs, or packages alone, to what there is now, and sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof import allow, flow
from nixprof.advice import Attempt
from nixprof.draft import Draft, Moves
from nixprof.flake.packages import read_packages
from nixprof.match import find_packages
from nixprof.refusal import NOTHING, Allowance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nixprof.flow import Outcome, Plan
    from nixprof.manifest.model import Manifest, Package
    from nixprof.state import Project


def run(
    project: Project,
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
    locked = read_packages(project.places.flake / "packages.json")
    typed: dict[str, str] = {}

    def propose(manifest: Manifest) -> Draft:
        inputs = [one.name for one in manifest.inputs]
        if not names:
            return Draft(moves=Moves(inputs=tuple(inputs)))
        packages: dict[str, Package] = {}
        for name in names:
            if name not in inputs:
                package = find_packages(name, manifest, locked, "update")[0]
                packages[package.spec.key] = package
                typed[name] = package.spec.key
        moves = Moves(tuple(name for name in inputs if name in names), tuple(packages.values()))
        return Draft(moves=moves, named=frozenset(packages))

    attempt = Attempt(allowed.command, typed, moves=True)
    return allow.change(project, propose, allowed, attempt, dry_run=dry_run, confirm=confirm)
