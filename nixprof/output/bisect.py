"""`nixprof bisect`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.commands.bisect import Bisected, Tried, Try
from nixprof.formatting import count
from nixprof.output.change import change_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.console import Console
    from nixprof.context import Context


def show(result: Bisected | Try | Tried, context: Context) -> None:
    """Show a try, what it has shown, and in the end what is to blame."""
    console = context.console
    match result:
        case Try():
            left = f", about {result.left} left" if result.left else ""
            console.say(f"try {result.number}{left}: {result.what}")
            if result.is_asked:
                console.say(f"  its programs are in {result.folder}/bin")
        case Tried():
            console.say(f"  {result.verdict.value}")
        case Bisected():
            console.out(_found(result, console))


def as_json(result: Bisected) -> dict[str, Any]:
    """Give it by its fields; of what is to blame also the command that takes it back."""
    from nixprof.output.json import plain

    return dict(plain(result)) | {"culprits": [plain(one.change) | {"command": one.command} for one in result.culprits]}


def _found(result: Bisected, console: Console) -> Iterator[str]:
    one = len(result.culprits) == 1
    changes = count(result.changes, "change")
    blamed = "this one is" if one else "these together are"
    yield f"generation {result.good} is good and {result.bad} is bad: of {changes}, {blamed} to blame"
    yield from change_lines([each.change for each in result.culprits], {}, console, sys.stdout)
    commands = [each.command for each in result.culprits if each.command]
    for number, command in enumerate(commands):
        yield f"{'to take it back' if one else 'or' if number else 'to take one back'}: {command}"
