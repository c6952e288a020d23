"""The command line as it is: every command and every option."""

import functools
import json
import subprocess
import sys

_SHOW = """
import json, typer.main
from nixprof import cli
group = typer.main.get_command(cli.make_app(cli.COMMANDS))
names = lambda command: [name for one in command.params for name in (*one.opts, *one.secondary_opts)]
options = lambda command: [name for name in names(command) if name[0] == "-"]
found = {name: options(command) for name, command in group.commands.items()}
print(json.dumps({"": options(group), **found}))
"""


@functools.cache
def options_by_command() -> dict[str, tuple[str, ...]]:
    """The options of each command, those of nixprof itself under an empty name."""
    shown = subprocess.run([sys.executable, "-c", _SHOW], stdout=subprocess.PIPE, check=True).stdout
    found = json.loads(shown)
    return {name: (*options, "-h", "--help") for name, options in found.items()}


def commands() -> list[str]:
    return [name for name in options_by_command() if name]


def options() -> list[str]:
    return sorted({option for found in options_by_command().values() for option in found})
