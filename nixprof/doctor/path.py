"""How a profile is named to a shell, and what makes a shell find what it has."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from nixprof.formatting import shell_quote
from nixprof.shell.static import SYSTEM_FOLDERS

if TYPE_CHECKING:
    from pathlib import Path


def is_among(folder: Path, search: str) -> bool:
    """Tell whether a folder is among those of a variable such as PATH, by whatever links."""
    return os.path.realpath(folder) in map(os.path.realpath, filter(None, search.split(os.pathsep)))


def for_shell(profile: Path) -> str:
    """Write a profile for a shell: the usual one by the link that stays the same on every machine."""
    usual = os.path.realpath(os.path.expanduser("~/.nix-profile")) == os.path.realpath(profile)
    return "$HOME/.nix-profile" if usual else shlex.quote(str(profile))


def to_be_on_path(profile: Path, shell: str) -> str:
    """Give the command that puts the programs of a profile first on the PATH; `shell` is the value of SHELL."""
    programs = f"{for_shell(profile)}/bin"
    # With --path also where the universal variable has it, and something before has set PATH to something else.
    fish = os.path.basename(shell) == "fish"
    return f"fish_add_path --path --move {programs}" if fish else f'export PATH={programs}:"$PATH"'


def is_of_system(file: str) -> bool:
    """Tell whether a program is in a folder of the system, before which `setup` puts those of the profile."""
    return os.path.dirname(file) in SYSTEM_FOLDERS


def set_up(profile: Path) -> str:
    """Give the command that makes new shells find what a profile has, its programs before those of the system."""
    usual = for_shell(profile).startswith("$HOME")
    return "nixprof setup" if usual else f"nixprof setup --profile {shell_quote(str(profile))}"
