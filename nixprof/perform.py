"""From what was typed to the exit code.

A command imports what it does only when it runs, so that a start costs little.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from nixprof import signals
from nixprof.command import MistypedError, of_words
from nixprof.console import Colour, Console, opened, unwritten
from nixprof.errors import NixprofError, Reason
from nixprof.redact import excerpt, redact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from nixprof.command import Command

# The module of `commands` that does a command, where it is not the one with its name.
_DONE_BY = {"try": "trial", "unpin": "pin", "pin-registry": "pin_registry"}


def run(arguments: Sequence[str]) -> int:
    """Run a command line. Return the exit code: 0 done, 1 error, 2 usage, 3 differences found, 130 interrupted."""
    opened()
    signals.install_signal_handlers()
    try:
        command = of_words(arguments) or _read_by_typer(arguments)
        code = perform(command, arguments) if command else 0
        lost = unwritten()
    except (Exception, signals.Interrupted) as error:  # noqa: BLE001 - before a command begins, or while it shows
        # A command that is stopped while it shows its result has written its object.
        is_json = "--json" in arguments and not isinstance(error, signals.Interrupted)
        name = error.command if isinstance(error, MistypedError) else ""
        return _show_failure(error, Console(command=name, json=is_json))
    if lost is None or code not in (0, 3):
        return code
    import shlex

    message = f"`{shlex.join(['nixprof', *arguments])}` is done, but its output cannot be written"
    return _show_failure(NixprofError(message, Reason.OUTPUT_LOST, cause=lost.strerror), Console())


def _read_by_typer(arguments: Sequence[str]) -> Command | None:
    from nixprof.cli import read

    return read(arguments)


def perform(command: Command, arguments: Sequence[str]) -> int:
    """Do what was typed, and show the result, or why it fails. Return the exit code."""
    options = command.shared
    colour, json, verbose = options.get("color", Colour.AUTO), options.get("json", False), options.get("verbose", False)
    console = Console(colour, command.name, json, verbose)
    try:
        from nixprof.output.shown import context_of, show

        context = context_of(console, options, arguments, partial(_load, command))
        result = module_of(command.name).run(context, *command.words, **command.given)
    except (Exception, signals.Interrupted) as error:  # noqa: BLE001 - the user gets a sentence
        return _show_failure(error, console, changes=command.changes)
    return show(result, context, check=options.get("check", False))


def _load(command: Command) -> None:
    """Load what a command needs that has something to do, as on a machine where nixprof has not run yet."""
    module_of(command.name)
    if command.changes:
        import_module("nixprof.change.flow")
        import_module("filelock")


def module_of(command: str) -> ModuleType:
    """Give the module that does a command."""
    return import_module(f"nixprof.commands.{_DONE_BY.get(command, command)}")


def _show_failure(error: BaseException, console: Console, *, changes: bool = False) -> int:
    """Show what a command fails at. Return the exit code."""
    from nixprof.output import error as output

    failure = _failure(error, console)
    if failure.reason is Reason.INTERRUPTED:
        signals.ignore_signals()
    output.show(failure, console, changes=changes)
    return failure.exit_code


def _failure(error: BaseException, console: Console) -> NixprofError:
    """Say in nixprof's own words what went wrong."""
    match error:
        case NixprofError():
            return error
        case signals.Interrupted():
            when = ", when everything was done" if error.done else ". Nothing was changed"
            return NixprofError(f"Interrupted{when}", Reason.INTERRUPTED)
        case OSError():
            from nixprof.files import permission_hint

            return NixprofError(
                f"the system refuses to use {error.filename or 'a file'}",
                Reason.SYSTEM,
                cause=error.strerror or str(error),
                hints=permission_hint(error.filename) if isinstance(error.filename, str) else (),
            )
    if console.verbose:
        import traceback

        sys.stderr.write(redact("".join(traceback.format_exception(error))))
    return NixprofError(
        f"nixprof has a bug: {type(error).__name__}: {excerpt(str(error), 200)}",
        Reason.BUG,
        hints=(
            "please report it, with the command and what it says when it is run again with --verbose",
            "what is installed stays as it is; to repair what may be half done: nixprof sync",
        ),
        changed=True,
    )
