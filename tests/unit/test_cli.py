"""The command line: what its commands share."""

from importlib import import_module

import pytest
from support.commandline import commands, options_by_command

from nixprof.cli import SHOWN_BY


@pytest.mark.parametrize("command", commands())
def test_every_command_is_shown(command: str) -> None:
    output = import_module(f"nixprof.output.{SHOWN_BY.get(command, command)}")
    options = options_by_command()[command]
    assert hasattr(output, "show")
    assert hasattr(output, "as_json") or "--json" not in options
    assert hasattr(output, "differs") or "--check" not in options
