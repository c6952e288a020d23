"""How long commands take, and the least that one could take: a typer app of twenty commands that do nothing."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_BARE = """
import typer
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
def command(number):
    def function(word: str = "x", flag: bool = False) -> None:
        print("done")
    function.__name__ = f"command{number}"
    return function
for number in range(20):
    app.command()(command(number))
app(["command3"])
"""


def write_bare_app(path: Path) -> Path:
    """Writes the app; returns its path."""
    path.write_text(_BARE)
    return path


def seconds(words: Sequence[str | Path], env: Mapping[str, str], cwd: Path | None = None) -> float:
    """Runs a command that has to succeed; returns how long it took."""
    started = time.perf_counter()
    done = subprocess.run(words, env=env, cwd=cwd, capture_output=True, check=False)
    taken = time.perf_counter() - started
    assert done.returncode == 0, f"{words}\n{done.stdout.decode()}\n{done.stderr.decode()}"
    return taken
