"""What a new shell in a terminal knows: asked of a real one, never guessed."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.files import read_file, scratch_folder
from nixprof.folders import home
from nixprof.record import record
from nixprof.shell.startup import known_shell, login_shell, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

# Some start-up files take seconds, such as those that start a version manager for each language.
PATIENCE_SECONDS = 20
# `.zshenv` is read by every script of zsh, and so is short.
_ZSHENV_SECONDS = 3
# What a login gives a shell; the rest is up to its start-up files.
_OF_A_LOGIN = (
    *("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TERM", "TMPDIR", "ZDOTDIR"),
    *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"),
)
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
_TELL_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"
_FUNCTIONS = {"bash": "compgen -A function", "zsh": "print -rl -- ${(k)functions}", "fish": "functions -a -n"}
_FPATH = {"zsh": "print -rl -- $fpath", "fish": "printf '%s\\n' $fish_complete_path"}


@record
class Login:
    """What a new shell has in a terminal."""

    environment: Mapping[str, str]
    functions: frozenset[str]  # their names; none where the shell is not one that nixprof knows
    fpath: tuple[str, ...]  # where zsh looks for functions, and fish for completions


@record
class Silence:
    """A shell that did not answer."""

    why: str


def ask_new_shell(
    shell: Path, patience: float = PATIENCE_SECONDS, *, inherited: Mapping[str, str] | None = None
) -> Login | Silence:
    """Ask a new interactive login shell what it has, or one that is not, as many terminals start it.

    It starts from what a login gives, without this process's own environment, and without a terminal to wait at. One
    that is no login shell starts from what it has `inherited`: a desktop has what its login shell had.
    """
    mark = f"nixprof-{secrets.token_hex(8)}"
    flags = ["-l", "-i"] if inherited is None else ["-i"]
    environment = _given(shell) if inherited is None else dict(inherited)
    answer, ended = _run([str(shell), *flags, "-c", _question(shell.name, mark)], environment, patience)
    return _parsed(answer, mark) or Silence(ended)


def _question(name: str, mark: str) -> str:
    """Write what the shell is to run; what its start-up files print is told apart by the mark."""
    tell = f"{quote(sys.executable, name)} -I -S -c {quote(_TELL_ENVIRONMENT, name)}"
    between = f"echo; echo {mark}"
    return "; ".join([between, _FUNCTIONS.get(name, ":"), between, _FPATH.get(name, ":"), between, tell, between])


def _given(shell: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _OF_A_LOGIN if name in os.environ}
    return {"TERM": "dumb", **kept, "HOME": str(home()), "SHELL": str(shell), "PATH": _SYSTEM_PATH}


def _run(command: list[str], environment: dict[str, str], patience: float) -> tuple[str, str]:
    """Run a shell, and end it with all that it has started once it has answered or takes too long.

    Returns: what it has written to stdout, and how it went.
    """
    with scratch_folder() as folder:
        file = folder / "answer"  # what it leaves in the background may keep a pipe open for ever
        try:
            with file.open("wb") as stdout:
                process = subprocess.Popen(
                    command,
                    env=environment,
                    cwd=environment["HOME"] if os.path.isdir(environment["HOME"]) else "/",
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
        except OSError as error:  # it is not there, or no program
            return "", error.strerror or str(error)
        try:
            ended = f"exit code {process.wait(patience)}"
        except subprocess.TimeoutExpired:
            ended = f"no answer in {patience:g} s"
        finally:  # also where the user does not wait for it
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return os.fsdecode(read_file(file)), ended


def _parsed(answer: str, mark: str) -> Login | None:
    match answer.split(f"\n{mark}\n"):
        case [_, functions, fpath, environment, _]:
            return Login(json.loads(environment), frozenset(functions.split()), tuple(fpath.splitlines()))
    return None


def ask_zdotdir(patience: float = _ZSHENV_SECONDS) -> Path | None:
    """Ask zsh where it looks for `.zshrc`: a `.zshenv` may say so to zsh alone. None where it says nothing."""
    login = login_shell()
    program = login if known_shell(login.name) == "zsh" else shutil.which("zsh")
    if program is None:
        return None
    mark = f"nixprof-{secrets.token_hex(8)}"
    question = f"printf '\\n%s\\n%s\\n%s\\n' {mark} \"$ZDOTDIR\" {mark}"
    answer, _ = _run([str(program), "-c", question], _given(Path(program)), patience)
    match answer.split(f"{mark}\n"):
        case [_, told, _] if os.path.isabs(told):
            return Path(told.removesuffix("\n"))
    return None
