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

    from nixprof.commands.list import Listed
    from nixprof.context import Context


def show(result: Sequence[Listed], context: Context) -> None:
    """Show one package a line."""
    console = context.console
    if result:
        console.out(columns([_row(one) for one in result], console.width(sys.stdout)))
    else:
        console.say("The list is empty. To begin: nixprof add ripgrep")


def as_json(result: Sequence[Listed]) -> dict[str, Any]:
    """Give the list by its fields."""
    return {"packages": result}


def _row(one: Listed) -> tuple[str, str, str]:
    is_flake = one.attr_path == ("default",)
    name = one.input if is_flake else dotted(one.attr_path)
    if one.input == NO_INPUT:
        name = package_title(one.package, one.version or "")
    marks = [
        *([one.input] if one.input not in ("nixpkgs", NO_INPUT) and not is_flake else []),
        *(["pinned"] if one.pinned else ["held"] if one.held else []),
        *(f"not on {gap.system}: {gap.why.reason}" for gap in one.unavailable),
    ]
    named = f"{name} ({', '.join(marks)})" if marks else name
    if one.state is Presence.SKIPPED:
        return named, "", f"skipped: {one.reason}"
    pending = "not installed yet: nixprof sync" if one.state is Presence.PENDING else ""
    held = held_for(one.held_back) if one.held_back else ""
    return named, one.version or "", pending or held or one.description or ""
