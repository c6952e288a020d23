"""The command line: what its commands share, and who reads what was typed."""

import inspect
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.commandline import commands, options_by_command

from nixprof import cli
from nixprof.command import ALIASES, WORDS, Command, of_words
from nixprof.output.shown import output_of
from nixprof.perform import module_of


@pytest.mark.parametrize("command", commands())
def test_every_command_is_shown(command: str) -> None:
    output, options = output_of(command), options_by_command()[command]
    assert hasattr(output, "show")
    assert hasattr(output, "differs") or "--check" not in options


@pytest.mark.parametrize("command", commands())
def test_every_command_does_what_it_declares(command: str) -> None:
    name = command.replace("-", "_")
    declared = getattr(cli, name, None) or getattr(cli, f"{name}_")
    _, *taken = inspect.signature(module_of(command).run).parameters.values()
    more = {"how"} if taken and taken[-1].kind is inspect.Parameter.VAR_KEYWORD else set()
    names = {one.name for one in taken} - more
    given = set(inspect.signature(declared).parameters)
    assert names <= given
    assert names == given or more


def run_with(command: Command) -> dict[str, Any]:
    """What `run` of the command's module gets, with its defaults."""
    bound = inspect.signature(module_of(command.name).run).bind("context", *command.words, **command.given)
    bound.apply_defaults()
    return bound.arguments


@pytest.mark.parametrize("name", [*WORDS, *ALIASES])
def test_words_mean_the_same_with_and_without_typer(name: str) -> None:
    fewest, most = WORDS[ALIASES.get(name, name)]
    for count in range(fewest, min(most, 3) + 1):
        words = [name, *("unstable#b^out,man", "ü 7\udcff", "*")[:count]]
        read, alone = cli.read(words), of_words(words)
        assert read
        assert alone
        assert run_with(alone) == run_with(read)
        assert alone.name == read.name
        assert not any(value not in (None, False, "auto") for value in read.shared.values())


@pytest.mark.parametrize(
    "words",
    [
        *([], [""], ["--version"], ["help"], ["help", "list"], ["no-such"], ["send", "x"], ["trial", "x"]),
        *(
            ["list", "x"],
            ["list", "--all"],
            ["list", ""],
            ["add"],
            ["add", ""],
            ["add", "jq", "-n"],
            ["show", "a", "b"],
        ),
        *(["try", "jq", "--", "jq"], ["input", "add", "x", "y"], ["rollback", "jq", "3"], ["diff", "3"], ["why"]),
    ],
)
def test_what_only_typer_reads(words: Sequence[str]) -> None:
    assert of_words(words) is None


@pytest.mark.parametrize("words", [["list"], ["sync"], ["search", "jq"], ["add", "jq"], ["no-such"]])
def test_words_alone_load_no_parser(tmp_path: Path, words: Sequence[str]) -> None:
    (tmp_path / "nixprof.toml").write_text("packages = []\n")
    home = {"HOME": str(tmp_path), "NIXPROF_CONFIG_DIR": str(tmp_path), "PATH": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "nixprof", *words],
        env=home,
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE))
    assert "nixprof.perform" in loaded
    assert ("typer" in loaded) == (words == ["no-such"])
    heavy = {"dataclasses", "filelock", "inspect", "rich", "subprocess", "tomlkit"}
    assert words != ["list"] or heavy.isdisjoint(loaded)
