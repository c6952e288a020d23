"""Which module shows what a command returns, and what it says before it is done."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from nixprof.context import Context
from nixprof.errors import NixprofError

if TYPE_CHECKING:
    from types import ModuleType

# The module that shows the result of a command, where it is not the one with its name.
SHOWN_BY = {**dict.fromkeys(("add", "edit", "pin", "remove", "unpin", "update"), "change"), "try": "trial"}


def output_of(command: str) -> ModuleType:
    """Give the module that shows the results of a command: `show` to people, `as_json` to scripts.

    Without `as_json`, scripts read the fields of the result.
    """
    return import_module(f"nixprof.output.{SHOWN_BY.get(command, command)}")


class ShowingContext(Context):
    """The context of a command that shows what it is about to do, but for scripts."""

    __slots__ = ()

    def show(self, what: object) -> None:
        """Show a plan, an error that is not the end, or what the command shows in its own way."""
        if self.console.json:
            return
        from nixprof.change.plan import Plan

        match what:
            case NixprofError():
                from nixprof.output import error

                error.show(what, self.console)
            case Plan():
                from nixprof.output import change

                change.show_plan(what, self.console, sys.stderr)
            case _:
                output_of(self.console.command).show(what, self)


def show(result: object, context: Context, *, check: bool) -> int:
    """Show the result of a command. Return the exit code: 3 for differences with `--check`, else the module's own."""
    output = output_of(context.console.command)
    if context.console.json:
        from nixprof.output.json import envelope, plain

        sys.stdout.write(envelope(context.console.command, getattr(output, "as_json", plain)(result)))
    else:
        output.show(result, context)
    if check and output.differs(result):
        return 3
    return output.exit_code(result) if hasattr(output, "exit_code") else 0
