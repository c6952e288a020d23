"""`nixprof input`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.change.plan import Outcome
from nixprof.formatting import count, period, size
from nixprof.lock.flake_lock import revision
from nixprof.output import change
from nixprof.output.table import columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.input import ListedInput, ListedInputs
    from nixprof.context import Context


def show(result: Outcome | ListedInputs, context: Context) -> None:
    """Show one input a line, and what could be better; or what became of a change."""
    if isinstance(result, Outcome):
        change.show(result, context)
        return
    console = context.console
    console.out(columns([_row(one) for one in result.inputs], console.width(sys.stdout)))
    console.say(*_advice(result))


def as_json(result: Outcome | ListedInputs) -> dict[str, Any]:
    """Give the inputs, or what became of a change."""
    if isinstance(result, Outcome):
        return change.as_json(result)
    return {"inputs": [_fields(one) for one in result.inputs], "nixpkgs": result.nixpkgs}


def _fields(one: ListedInput) -> dict[str, Any]:
    return {
        "name": one.name,
        "url": one.url,
        "lockedUrl": one.locked.url if one.locked else None,
        "rev": one.locked.rev or None if one.locked else None,
        "lastModified": one.locked.last_modified or None if one.locked else None,
        "packages": one.packages,
        "neededBy": one.needed_by,
        "follows": one.follows,
        "lacking": one.lacking,
        "ownNixpkgs": one.own_nixpkgs,
        "ownBytes": one.own_bytes,
    }


def _row(one: ListedInput) -> tuple[str, ...]:
    age = f"{period(one.age_seconds)} old" if one.age_seconds is not None else ""
    locked = revision(one.locked) if one.locked else "not locked"
    alone = f", {size(one.own_bytes)} alone" if one.own_bytes else ""
    users = f"{count(len(one.packages), 'package')}{alone}" if one.packages else ""
    needed = f"for {', '.join(one.needed_by)}" if one.needed_by else ""
    return one.name, locked, age, " ".join(filter(None, (users, needed))) or "not used", one.url


def _advice(result: ListedInputs) -> Iterator[str]:
    """Say how many revisions of nixpkgs there are, and how there would be fewer."""
    named = result.nixpkgs - result.further
    if result.further:
        besides = f" besides the list's {named}" if named > 1 else ""
        yield f"{count(result.further, 'further revision')} of nixpkgs{besides}, each to download and to evaluate:"
    elif named > 1:
        yield f"{named} revisions of nixpkgs, each to download and to evaluate"
    for one in result.inputs:
        if one.lacking:
            yield f"{one.name} has no input {' or '.join(one.lacking)}: that it follows another one has no effect"
        if one.own_nixpkgs:
            yield f"  to give {one.name} yours: nixprof input follow {one.name} nixpkgs"
