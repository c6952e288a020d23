"""A shell for the user to look around in, which finds the programs of some folders before all others."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.folders import home
from nixprof.redact import excerpt
from nixprof.shell.startup import login_shell, quote
from nixprof.signals import ctrl_c_left_to_child

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def run_shell(folders: Sequence[str], variables: Mapping[str, str], scratch: Path) -> int:
    """Run the user's shell until they leave it.

    Args:
        folders: what is first on its PATH, whatever the start-up files put there.
        variables: its environment.
        scratch: an empty folder for what it reads at its start.

    Returns: its exit code; negative where a signal ended it.

    Raises: NixprofError where it cannot be started.

    """
    program = str(login_shell())
    arguments, more = _at_its_start(program, folders, scratch)
    try:
        with ctrl_c_left_to_child():
            return subprocess.run([program, *arguments], check=False, env={**variables, **more}).returncode
    except OSError as error:
        raise NixprofError(
            f"cannot start your shell {excerpt(program)}",
            Reason.NOT_RUN,
            cause=error.strerror,
            hints=("export SHELL=/bin/sh",),
        ) from error


def _at_its_start(shell: str, folders: Sequence[str], scratch: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    """Have a shell put folders first once it has read the user's start-up files, which may put others there.

    Returns: its arguments, and variables that it needs in addition.

    """
    name = Path(shell).name
    first = f"PATH={quote(os.pathsep.join(folders), 'sh')}:$PATH\n"
    if name == "bash":
        (scratch / "bashrc").write_text(f"[ ! -r ~/.bashrc ] || . ~/.bashrc\n{first}")
        return ("--rcfile", str(scratch / "bashrc")), {}
    if name == "zsh":
        own = quote(os.environ.get("ZDOTDIR") or str(home()), "zsh")
        (scratch / ".zshenv").write_text(f"[[ ! -r {own}/.zshenv ]] || . {own}/.zshenv\n")
        (scratch / ".zshrc").write_text(f"ZDOTDIR={own}\n[[ ! -r {own}/.zshrc ]] || . {own}/.zshrc\n{first}")
        return (), {"ZDOTDIR": str(scratch)}
    if name == "fish":
        return ("-C", f"set -gx PATH {' '.join(quote(folder, 'fish') for folder in folders)} $PATH"), {}
    return (), {}
