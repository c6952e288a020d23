"""`nixprof search`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.output.table import columns

if TYPE_CHECKING:
    from nixprof.commands.search import Found, Search
    from nixprof.context import Context


def show(result: Search, context: Context) -> None:
    """Show one package a line; on a terminal the best match is the last line, next to the prompt."""
    console = context.console
    width = console.width(sys.stdout)
    lines = list(columns([_row(one) for one in result.found], width))
    more = f"… {result.more} more match: more words, or --all" if result.more else ""
    if width is None:
        console.out(lines)
        if more:
            console.say(more)
        return
    console.out([*([more] if more else []), *reversed(lines)])


def as_json(result: Search) -> dict[str, Any]:
    """Give the packages, the best match first."""
    return {
        "words": result.words,
        "packages": [
            {
                "package": one.spec,
                "input": one.input,
                "attrPath": one.package.attr_path,
                "pname": one.package.pname,
                "version": one.package.version or None,
                "description": one.package.description or None,
                "mainProgram": one.package.main_program or None,
                "listed": one.listed,
                "installed": one.installed,
            }
            for one in result.found
        ],
        "more": result.more,
    }


def _row(one: Found) -> tuple[str, str, str]:
    mark = "installed" if one.installed else "on the list, not installed yet" if one.listed else ""
    described = ": ".join(part for part in (mark, one.package.description) if part)
    return one.spec, one.package.version, described
