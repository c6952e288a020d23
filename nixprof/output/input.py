"""`nixprof input`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.change.plan import Outcome
from nixprof.formatting import count, period
from nixprof.lock.flake_lock import revision
from nixprof.output import change
from nixprof.output.table import columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.input import ListedInput
    from nixprof.context import Context


def show(result: Outcome | tuple[ListedInput, ...], context: Context) -> None:
    """Show one input a line, and what could be better; or what became of a change."""
    if isinstance(result, Outcome):
        change.show(result, context)
        return
    console = context.console
    console.out(columns([_row(one) for one in result], console.width(sys.stdout)))
    for line in _advice(result):
        console.say(line)


def as_json(result: Outcome | tuple[ListedInput, ...]) -> dict[str, Any]:
    """Give the inputs, or what became of a change."""
    if isinstance(result, Outcome):
        return change.as_json(result)
    return {"inputs": [_fields(one) for one in result]}


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
        "ownNixpkgs": one.own_nixpkgs,
    }


def _row(one: ListedInput) -> tuple[str, ...]:
    age = f"{period(one.age_seconds)} old" if one.age_seconds is not None else ""
    locked = revision(one.locked) if one.locked else "not locked"
    users = count(len(one.packages), "package") if one.packages else ""
    needed = f"for {', '.join(one.needed_by)}" if one.needed_by else ""
    return one.name, locked, age, " ".join(filter(None, (users, needed))) or "not used", one.url


def _advice(inputs: tuple[ListedInput, ...]) -> Iterator[str]:
    further = sum(one.own_nixpkgs for one in inputs)
    if further:
        yield f"{count(further, 'further revision')} of nixpkgs, each to download and to evaluate:"
    for one in inputs:
        if one.own_nixpkgs:
            yield f"  to give {one.name} yours: nixprof input follow {one.name} nixpkgs"
