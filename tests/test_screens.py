"""What every command looks like on a terminal, at 80 and 120 columns, in colour and without.

The screens are kept in `tests/screens`. To make them anew, and then to look at each: NIXPROF_UPDATE_SCREENS=1
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.commandline import commands
from support.readme import without_the_disk
from support.terminal import Terminal
from support.world import World

SCREENS = Path(__file__).parent / "screens"
SIZES = {"80": (80, "1"), "80-colour": (80, ""), "120": (120, "1")}
_WILDCARDS = (
    (re.compile(r"\d+\.\d s\b"), "0.0 s"),
    (re.compile(r"\b(?:today|yesterday) \d\d:\d\d"), "today 00:00"),
    (re.compile(r"[0-9a-z]{32}-"), "HASH-"),
    (re.compile(r"\bNix \d[\w.+-]*,"), "Nix 0.0.0,"),
    (re.compile(r"\d{4}-\d\d-\d\d-\d{6}"), "2026-01-01-000000"),
    # The revisions of the package set, which change with every package of it.
    (re.compile(r"(\d{4}-\d\d-\d\d) [0-9a-f]{7}\b"), r"\1 0000000"),
    # Of files with store paths in them, which are longer on some machines.
    (re.compile(r" +own +in all"), " own in all"),
    (re.compile(r" *([ (])\d+(?:\.\d)? (?:B|KiB)\b(?: +\S*[━╸]+)?"), r"\g<1>0 KiB"),
)


class Sitting:
    """Somebody at a terminal, who writes down what it shows."""

    def __init__(self, world: World, columns: int, no_color: str) -> None:
        self._world = world
        self._columns = columns
        self._environment = {"NO_COLOR": no_color}
        self.transcript = ""

    def does(self, *args: str, answer: str = "", env: dict[str, str] | None = None) -> None:
        with Terminal(
            self._world, *args, columns=self._columns, rows=60, env={**self._environment, **(env or {})}
        ) as terminal:
            if answer:
                terminal.wait_for(lambda shown: any("[Y/n]" in line for line in shown))
                terminal.type(f"{answer}\n")
            code = terminal.wait()
            shown = terminal.lines() if self._environment["NO_COLOR"] else terminal.coloured()
        assert all(len(line) <= self._columns for line in terminal.lines())
        for pattern, word in _WILDCARDS:
            shown = [pattern.sub(word, line) for line in shown]
        status = f"[exit code {code}]\n" if code else ""
        text = without_the_disk("\n".join(line.rstrip() for line in shown))
        self.transcript += f"$ nixprof {' '.join(args)}\n{text}\n{status}\n"


def _sit(sitting: Sitting, world: World) -> None:
    """Everything that there is to see, in an order that makes sense."""
    does = sitting.does
    does("init")
    world.write_manifest(world.manifest.read_text())
    does("list")
    does("status")
    does("history")
    does("add", "ripgrep", "fd")
    does("add", "ripgrep")
    does("add", "ripgrp")
    does("add", "vscode")
    does("add", "git", "--dry-run")
    does("add", "git^out,man", "jq", "terraform")
    does("pin", "terraform")
    does("sync")
    does("sync", "--check")
    world.manifest.write_text(
        world.manifest.read_text().replace('  "jq",\n', '  "tree",\n  "python3Packages.black",\n')
    )
    world.install_element("nixpkgs#htop", "nixpkgs#wget")
    does("list")
    does("status", "--check")
    does("diff")
    does("sync", "--check")
    does("sync", answer="y")
    world.publish(2)
    does("outdated", "--check")
    does("update", "ripgrep")
    does("update", answer="n", env={"NIXPROF_ASK": "1"})
    does("update", answer="y", env={"NIXPROF_ASK": "1"})
    does("update")
    does("unpin", "terraform", "--dry-run")
    does("remove", "fd")
    does("remove", "nothing")
    does("diff", "2")
    _look_at_generations(sitting)
    does("rollback", "--dry-run")
    does("rollback")
    world.manifest.write_text(world.manifest.read_text() + "# mine\n")
    does("rollback", "1", answer="n")
    does("rollback", "1", answer="y")
    does("history")
    does("rollback", "99")
    does("rollback", "3", "--profile-only")
    does("status")
    does("sync", "--yes")
    world.install_element("nixpkgs#nodejs", "nixpkgs#wget")
    does("freeze", "--dry-run")
    _freeze_and_open_a_terminal(sitting, world)
    _set_up(sitting, world)
    does("edit", answer="n", env={"VISUAL": "sed -i s/ripgrep/ripgrepp/"})
    _make_mistakes(sitting, world)


def _freeze_and_open_a_terminal(sitting: Sitting, world: World) -> None:
    """The terminal does not find the programs of the profile."""
    sitting.does("freeze", answer="y")
    path = world.env["PATH"].rpartition(os.pathsep)[0]
    for name in (".bash_profile", ".bashrc"):  # of a login shell and of others
        (world.home / name).write_text(f"unset MANPATH XDG_DATA_DIRS\nPATH='{path}'\n")
    sitting.does("doctor", env={"SHELL": "/bin/bash"})


def _look_at_generations(sitting: Sitting) -> None:
    sitting.does("space")
    sitting.does("why", "pcre2")
    sitting.does("why", "ripgrep")
    sitting.does("tidy", "--keep", "3", "--dry-run")
    sitting.does("history")


def _make_mistakes(sitting: Sitting, world: World) -> None:
    world.manifest.write_text('packages = ["ripgrep", "unstabel#neovim", { package = "git", prio = 3 }, "ripgrep"]\n')
    sitting.does("sync")


def _set_up(sitting: Sitting, world: World) -> None:
    sitting.does("setup", "bash", "--dry-run")
    sitting.does("setup", "bash", "--command-not-found")
    sitting.does("setup", "bash")
    (world.home / ".zshrc").symlink_to("dotfiles/zshrc")
    sitting.does("setup", "zsh")
    sitting.does("setup", "--undo")


@pytest.mark.newest_nix
@pytest.mark.parametrize("size", SIZES)
def test_screens(size: str, fresh_world: World) -> None:
    fresh_world.enable_flakes()
    sitting = Sitting(fresh_world, *SIZES[size])
    _sit(sitting, fresh_world)
    _compare(SCREENS / f"{size}.txt", sitting.transcript)


@pytest.mark.parametrize("columns", [80, 120])
def test_help(columns: int) -> None:
    shown = "".join(f"$ nixprof {command} --help\n{_help(columns, command)}\n" for command in commands())
    _compare(SCREENS / f"help-{columns}.txt", f"$ nixprof --help\n{_help(columns)}\n{shown}")


@pytest.mark.parametrize("command", commands())
def test_every_help_has_examples(command: str) -> None:
    assert f"Examples: nixprof {command}" in _help(200, command).replace("Example:", "Examples:")


def _help(columns: int, *command: str) -> str:
    words = [sys.executable, "-m", "nixprof", *command, "--help"]
    environment = {**os.environ, "COLUMNS": str(columns), "TERMINAL_WIDTH": str(columns), "NO_COLOR": "1"}
    shown = subprocess.run(words, capture_output=True, text=True, check=True, env=environment).stdout
    assert all(len(line) <= columns for line in shown.splitlines()), shown
    return "\n".join(line.rstrip() for line in shown.splitlines()) + "\n"


def _compare(file: Path, text: str) -> None:
    if os.environ.get("NIXPROF_UPDATE_SCREENS"):
        file.write_text(text)
    assert file.read_text() == text
