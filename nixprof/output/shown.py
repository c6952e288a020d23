"""Whom a command is run for; which module shows what it returns, and what it says before it is done."""

from __future__ import annotations

import os
import sys
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nixprof.context import Context
from nixprof.errors import NixprofError, Reason
from nixprof.folders import Folders
from nixprof.formatting import command_line
from nixprof.machine import Machine, host_name
from nixprof.nix.system import installed_nix
from nixprof.output.progress import Display, Lines, Verbose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    from nixprof.console import Console
    from nixprof.nix.progress import Progress

# The module that shows the result of a command, where it is not the one with its name.
SHOWN_BY = {
    **dict.fromkeys(("add", "edit", "pin", "remove", "unpin", "update"), "change"),
    "try": "trial",
    "adopt": "freeze",
    "pin-registry": "pin_registry",
}


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


def context_of(
    console: Console, options: Mapping[str, Any], arguments: Sequence[str], meanwhile: Callable[[], object]
) -> Context:
    """Find out who runs nixprof, and where; `options` are those that commands share, as far as they are given.

    `meanwhile` is called where Nix has to be asked, which takes as long as to load what a command needs.
    """
    progress: Progress = Lines()
    if console.verbose:
        progress = Verbose()
    elif sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        progress = Display(colours=console.colours(sys.stderr))
    folders = Folders.of_user()
    nix = installed_nix(folders.cache / "system.json", progress, meanwhile)
    return ShowingContext(
        folders,
        Machine(nix.system, cache(partial(host_name, folders.machine))),
        nix.version,
        options.get("profile"),
        command_line(console.command, arguments),
        arguments,
        progress,
        console,
        waits=not options.get("no_wait"),
        agrees=options.get("yes", False),
        dry_run=bool(options.get("dry_run") or options.get("check")),
        allowed=frozenset(reason for reason in Reason if options.get(f"allow_{reason.value}")),
    )


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
