"""`nixprof list`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.commands.list import Presence
from nixprof.formatting import package_title
from nixprof.manifest.spec import NO_INPUT, dotted
from nixprof.output.held import held_for
from nixprof.output.table import columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nixprof.commands.list import Listed, Listing
    from nixprof.context import Context


def show(result: Listing, context: Context) -> None:
    """Show one package a line."""
    console = context.console
    if not result.packages:
        console.say("The list is empty. To begin: nixprof add ripgrep")
        return
    rows = [_row_anywhere(one) if result.everything else _row(one) for one in result.packages]
    console.out(columns(rows, console.width(sys.stdout)))
    if result.everything:
        console.say(f"this machine: host {context.machine.host}, {context.machine.system}")


def as_json(result: Listing) -> dict[str, Any]:
    """Give the list by its fields."""
    return {"packages": result.packages}


def _row(one: Listed) -> tuple[str, ...]:
    """Show what an entry is on this machine."""
    is_flake = one.attr_path == ("default",)
    source = [one.input] if one.input not in ("nixpkgs", NO_INPUT) and not is_flake else []
    lacking = [f"not on {gap.system}: {gap.why.reason}" for gap in one.unavailable]
    named = _named(one, one.input if is_flake else dotted(one.attr_path), source, lacking)
    if one.state is Presence.SKIPPED:
        return named, "", f"skipped: {one.reason}"
    return named, one.version or "", _pending(one) or one.description or ""


def _row_anywhere(one: Listed) -> tuple[str, ...]:
    """Show an entry as it is written, where it applies, and what became of it there."""
    here = [one.version] if one.version and one.state is not Presence.SKIPPED else []
    versions = dict.fromkeys(filter(None, (*here, *one.versions.values())))
    where = one.on.replace("host.", "host ", 1) if one.on else "every machine"
    replaced = "" if one.reason == f"only on {where}" else one.reason
    there = "installed" if one.state is Presence.INSTALLED else ""
    lacking = [f"not on {gap.system} ({gap.why.reason.replace('-', ' ')})" for gap in one.unavailable]
    told = filter(None, (replaced or _pending(one) or there, *lacking))
    return _named(one, one.package, [], []), ", ".join(versions), where, ", ".join(told)


def _named(one: Listed, name: str, source: Sequence[str], lacking: Sequence[str]) -> str:
    """Name an entry, with what is special about it; a store path by what its name says."""
    if one.input == NO_INPUT:
        name = package_title(one.package, one.version or "")
    marks = [*source, *(["pinned"] if one.pinned else ["held"] if one.held else []), *lacking]
    return f"{name} ({', '.join(marks)})" if marks else name


def _pending(one: Listed) -> str:
    """Say what is not as the list has it."""
    if one.state is Presence.PENDING:
        return "not installed yet: nixprof sync"
    return held_for(one.held_back) if one.held_back else ""
