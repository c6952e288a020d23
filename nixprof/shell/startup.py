"""Which shell a user has, which of its start-up files are the user's own, and how it finds a profile."""

from __future__ import annotations

import os
import pwd
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.files import text_of
from nixprof.folders import home
from nixprof.formatting import shell_quote

if TYPE_CHECKING:
    from collections.abc import Iterator

# The shells that `setup` knows; what is `sh` for it goes by more names.
SHELLS = ("bash", "zsh", "fish")
# What starts the completion of zsh, or may read what does.
_STARTS_COMPLETION = re.compile(r"compinit|(^|\W)(source|\.|eval|zinit|zi|zplug|znap|antigen|antidote)\s")
_SH = ("sh", "dash", "ash", "ksh", "mksh", "busybox")


def login_shell() -> Path:
    """Find the program that the user's terminals start."""
    try:
        registered = pwd.getpwuid(os.getuid()).pw_shell
    except KeyError:  # a user of a directory service, or of a container
        registered = ""
    return Path(os.environ.get("SHELL") or registered or "/bin/sh")


def known_shell(name: str) -> str | None:
    """Give the name under which `setup` knows a shell; None for one that it does not know."""
    name = name.removeprefix("-")
    return "sh" if name in _SH else name if name in SHELLS else None


def startup_files(shell: str, zdotdir: Path | None = None) -> tuple[Path, ...]:
    """Name the user's own start-up files that every new shell in a terminal reads, as few as possible.

    They need not exist. For bash they are two, unless the one of a login shell reads that of the others.
    `zdotdir` is where zsh itself looks, where that was asked; without it, what the environment says.
    """
    files = every_startup_file(shell, zdotdir)
    if shell != "bash":
        return files
    rc, *logins = files
    # Where there is none, the last one: it keeps bash from reading no other that may come.
    login = next((file for file in logins if file.exists()), logins[-1])
    return (rc,) if _mentions(login, rc.name) else (rc, login)


def every_startup_file(shell: str, zdotdir: Path | None = None) -> tuple[Path, ...]:
    """Name the user's own start-up files that a shell may read; a login bash reads the first of the last three."""
    match shell:
        case "bash":
            return tuple(home() / name for name in (".bashrc", ".bash_profile", ".bash_login", ".profile"))
        case "zsh":
            return ((zdotdir or Path(os.environ.get("ZDOTDIR") or home())) / ".zshrc",)
        case "fish":
            return (config_home() / "fish/conf.d/nixprof.fish",)
    return (home() / ".profile",)


def config_home() -> Path:
    """Find `~/.config`, or where the user has it."""
    chosen = os.environ.get("XDG_CONFIG_HOME", "")
    return Path(chosen) if os.path.isabs(chosen) else home() / ".config"


def quote(word: str, shell: str) -> str:
    """Write a word as a shell reads it; within quotes, a backslash is special to fish alone."""
    if shell == "fish" and shlex.quote(word) != word:
        escaped = word.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return shlex.quote(word)


def word(path: Path, shell: str) -> str:
    """Write a path as a shell reads it; one in the user's home stays right where the home is another."""
    if home() in path.parents and home() != Path("/"):
        return f'"$HOME"/{quote(str(path.relative_to(home())), shell)}'
    return quote(str(path), shell)


def starts_completion(file: Path) -> bool:
    """Tell whether a start-up file of zsh may start its completion, by itself or by what it reads."""
    others = (line for line in _lines(file) if "nixprof" not in line)
    return any(_STARTS_COMPLETION.search(line) for line in others)


def _mentions(file: Path, name: str) -> bool:
    return any(name in line for line in _lines(file))


def _lines(file: Path) -> Iterator[str]:
    """Give the lines of a file that are no comments."""
    for line in text_of(file).splitlines():
        if not line.lstrip().startswith("#"):
            yield line


## a profile


def is_among(folder: Path, search: str) -> bool:
    """Tell whether a folder is among those of a variable such as PATH, by whatever links."""
    return os.path.realpath(folder) in map(os.path.realpath, filter(None, search.split(os.pathsep)))


def for_shell(profile: Path) -> str:
    """Write a profile for a shell: the usual one by the link that stays the same on every machine."""
    usual = os.path.realpath(os.path.expanduser("~/.nix-profile")) == os.path.realpath(profile)
    return "$HOME/.nix-profile" if usual else shlex.quote(str(profile))


def set_up(profile: Path) -> str:
    """Give the command that makes new shells find what a profile has, its programs before those of the system."""
    usual = for_shell(profile).startswith("$HOME")
    return "nixprof setup" if usual else f"nixprof setup --profile {shell_quote(str(profile))}"
