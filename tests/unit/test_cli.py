"""The command line: what its commands share."""

import inspect

import pytest
from support.commandline import commands, options_by_command

from nixprof import cli
from nixprof.output.shown import output_of


@pytest.mark.parametrize("command", commands())
def test_every_command_is_shown(command: str) -> None:
    output, options = output_of(command), options_by_command()[command]
    assert hasattr(output, "show")
    assert hasattr(output, "differs") or "--check" not in options


@pytest.mark.parametrize("command", commands())
def test_every_command_does_what_it_declares(command: str) -> None:
    name = command.replace("-", "_")
    declared = getattr(cli, name, None) or getattr(cli, f"{name}_")
    _, *taken = inspect.signature(cli.module_of(command).run).parameters.values()
    more = {"how"} if taken and taken[-1].kind is inspect.Parameter.VAR_KEYWORD else set()
    names = {one.name for one in taken} - more
    given = set(inspect.signature(declared).parameters)
    assert names <= given
    assert names == given or more
