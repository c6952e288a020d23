"""`nixprof search`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.commands.search import Indexes
from nixprof.errors import Reason
from nixprof.formatting import count, shell_quote, size
from nixprof.index.database import LISTING
from nixprof.lock.flake_lock import revision
from nixprof.output.table import columns

if TYPE_CHECKING:
    from nixprof.commands.search import Found, Search
    from nixprof.console import Console
    from nixprof.context import Context
    from nixprof.index.database import Index


# What may be said of a package in a word.
_REFUSED = {Reason.UNFREE: "unfree", Reason.BROKEN: "broken", Reason.INSECURE: "insecure"}


def show(result: Search | Indexes, context: Context) -> None:
    """Show one package a line; on a terminal the best match is the last line, next to the prompt."""
    console = context.console
    if isinstance(result, Indexes):
        console.out(_described(name, one, result) for name, one in result.built.items())
        return
    width = console.width(sys.stdout)
    lines = list(columns([_row(one, context.machine.system) for one in result.found], width))
    _say_unsearched(result, console)
    more = f"… {result.more} more match: more words, or --all" if result.more else ""
    if width is None:
        console.out(lines)
        if more:
            console.say(more)
        return
    console.out([*([more] if more else []), *reversed(lines)])


def _say_unsearched(result: Search, console: Console) -> None:
    if result.unsearched:
        command = f"nixprof search --input {result.unsearched[0]} {' '.join(map(shell_quote, result.words))}"
        console.say(f"not searched: {', '.join(result.unsearched)}; to do so: {command}")


def _described(name: str, one: Index, result: Indexes) -> str:
    # Most names that cannot be evaluated are kept to say what became of a package.
    failed = f", {count(one.about.failed, 'more name')} removed, renamed or broken" if one.about.failed else ""
    what = " ".join(part for part in (name, revision(result.inputs[name])) if part)
    lists = f", programs by {', '.join(one.about.programs)}" if one.about.programs else ""
    how = ", as its channel lists them" if one.about.source == LISTING else ""
    return f"✓ index of {what}: {count(one.about.packages, 'package')}{how}{failed}{lists} · {size(one.bytes)}"


def _index(name: str, one: Index) -> dict[str, Any]:
    return {
        "input": name,
        "url": one.about.url,
        "source": one.about.source,
        "packages": one.about.packages,
        "failed": one.about.failed,
        "failedNames": one.about.failed_names,
        "programs": one.about.programs,
        "bytes": one.bytes,
    }


def as_json(result: Search | Indexes) -> dict[str, Any]:
    """Give the packages, the best match first; or what can be searched."""
    if isinstance(result, Indexes):
        return {
            "words": (),
            "packages": (),
            "more": 0,
            "unsearched": (),
            "indexes": [_index(*one) for one in result.built.items()],
        }
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
                "refusals": one.refusals,
            }
            for one in result.found
        ],
        "more": result.more,
        "unsearched": result.unsearched,
    }


def _row(one: Found, system: str) -> tuple[str, str, str]:
    mark = "installed" if one.installed else "on the list, not installed yet" if one.listed else ""
    described = ": ".join(part for part in (mark, one.package.description) if part)
    refusals = () if one.installed else one.refusals
    cannot = "".join(f"({_REFUSED.get(why) or f'not for {system}'}) " for why in refusals)
    return one.spec, one.package.version, cannot + described
