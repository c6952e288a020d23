"""`nixprof machines`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.formatting import count, listed
from nixprof.output.change import counts
from nixprof.output.send import lines
from nixprof.remote.machine import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.machines import Machines, MachineStatus
    from nixprof.context import Context

_MAX_NAMES = 3
_WORDS = {
    Standing.IN_SYNC: "in sync",
    Standing.BEHIND: "behind",
    Standing.HELD: "held",
    Standing.OTHER_LIST: "has a list of its own",
    Standing.NO_LIST: "has no list yet",
    Standing.NO_NIX: "has no Nix",
}
_TO_SEND = (Standing.BEHIND, Standing.NO_LIST)
_SETTLED = (Standing.IN_SYNC, Standing.HELD)


def show(result: Machines, context: Context) -> None:
    """Show a line for each machine; what settles it comes last."""
    console = context.console
    console.say(*(f"✓ {name} is forgotten" for name in result.forgotten))
    if not result.machines:
        if not result.forgotten:
            console.say("No machine is known yet. To have one sync: nixprof sync --to HOST")
        return
    rows = [(one.host, " · ".join(_parts(one)), one.error, _is_settled(one)) for one in result.machines]
    console.out(lines(rows, console.width(sys.stdout)))
    behind = [one.host for one in result.machines if one.comparison and one.comparison.standing in _TO_SEND]
    if behind:
        console.say(f"to settle it: nixprof sync --to {' '.join(behind)}")


def _is_settled(one: MachineStatus) -> bool:
    return one.comparison is not None and one.comparison.standing in _SETTLED


def _parts(one: MachineStatus) -> Iterator[str]:
    if one.comparison is None or one.there is None:
        return
    found, there = one.comparison, one.there
    yield _WORDS[found.standing]
    if found.standing is Standing.BEHIND and found.changes:
        yield counts(found.changes, done=False)
    if found.held:
        yield f"{len(found.held)} held back: {listed(found.held, _MAX_NAMES)}"
    if found.standing in _SETTLED:
        yield count(len(there.packages), "package")
    if there.generation:
        yield f"generation {there.generation}"
    if there.nix and not there.has_nixprof:
        yield "Nix alone"


def as_json(result: Machines) -> dict[str, Any]:
    """Give how each machine stands."""
    return {"machines": [_as_json(one) for one in result.machines], "forgotten": result.forgotten}


def _as_json(one: MachineStatus) -> dict[str, Any]:
    found, there = one.comparison, one.there
    return {
        "host": one.host,
        "standing": found.standing if found else "unreachable",
        "changes": found.changes if found else (),
        "held": found.held if found else (),
        "system": there.machine.system or None if there else None,
        "nix": there.version.text if there and there.version else None,
        "nixprof": there.has_nixprof if there else None,
        "packages": len(there.packages) if there else None,
        "generation": there.generation if there else None,
        "error": one.error,
    }


def differs(result: Machines) -> bool:
    """Tell whether a machine is not in sync."""
    return not all(map(_is_settled, result.machines))


def exit_code(result: Machines) -> int:
    """Fail where a machine has not answered."""
    return int(any(one.error for one in result.machines))
