"""Which machine this is: what a manifest may ask of it."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nixprof.record import record, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from nixprof.errors import NixprofError

# The usual systems, and the words that others have for their parts.
SYSTEMS: Final = ("x86_64-linux", "aarch64-linux", "x86_64-darwin", "aarch64-darwin")
ARCHITECTURES: Final = ("x86_64", "aarch64", "i686", "armv6l", "armv7l", "riscv64", "powerpc64le")
OSES: Final = ("linux", "darwin", "freebsd")
_OTHER_WORDS: Final = {"macos": "darwin", "osx": "darwin", "mac": "darwin", "arm64": "aarch64", "amd64": "x86_64"}
# macOS has it there.
_SCUTIL = "/usr/sbin/scutil"


@record
class Machine:
    """A machine: its system, such as `aarch64-darwin`, and a function that finds its name when it is needed."""

    system: str
    find_host: Callable[[], str]  # remembers what it has found

    @property
    def host(self) -> str:
        """The name that `[host.NAME]` means, in lower case."""
        return self.find_host().partition(".")[0].lower()

    def with_system(self, system: str) -> Machine:
        """Return a machine of this name with another system."""
        return replace(self, system=system)


def is_system(text: str) -> bool:
    """Tell whether a text can be a system: one is written into what Nix is asked."""
    return re.fullmatch(r"[a-z0-9_]+-[a-z0-9]+", text) is not None


def is_host(text: str) -> bool:
    """Tell whether a text can be the name of a host, as the list writes it."""
    return re.fullmatch(r"[A-Za-z0-9_.-]+", text) is not None


def known_systems(of_list: Iterable[str]) -> set[str]:
    """Give the systems, and the parts of systems, that a list may name: the usual ones, and those that it is for."""
    systems = set(of_list)
    return {*ARCHITECTURES, *OSES, *SYSTEMS, *systems, *(part for one in systems for part in one.split("-", 1))}


def as_nix_says(system: str) -> str:
    """Write a system, or a part of one, in the words of Nix."""
    return "-".join(_OTHER_WORDS.get(part, part) for part in system.split("-", 1))


def host_name(file: Path) -> str:
    """Return the name of this machine: by `NIXPROF_HOST`, else by a file of the user's, else by the system.

    Raises: NixprofError where the file says something else, or the name is none.
    """
    name = os.environ.get("NIXPROF_HOST", "").strip()
    if name and not is_host(name):
        from nixprof.errors import NixprofError, Reason
        from nixprof.redact import excerpt

        message = f"NIXPROF_HOST is {excerpt(name)!r}, which is not a host name"
        hint = "use letters, digits, dots, dashes and underscores, as in: NIXPROF_HOST=laptop"
        raise NixprofError(message, Reason.USAGE, hints=(hint,))
    return name or _chosen_in(file) or _name_of_system()


def _chosen_in(file: Path) -> str:
    """Read the name that a file gives this machine; empty where it gives none."""
    import tomllib

    from nixprof.files import read_file

    try:
        found = tomllib.loads(read_file(file).decode())
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except ValueError as error:
        raise _unclear(file, str(error)) from error
    name = found.get("host", "")
    if found.keys() - {"host"} or not isinstance(name, str):
        raise _unclear(file, "it may have one line, the name of this machine")
    if name.strip() and not is_host(name.strip()):
        raise _unclear(file, f"{name!r} is not a host name")
    return name.strip()


def _unclear(file: Path, cause: str) -> NixprofError:
    from nixprof.errors import NixprofError, Reason

    message = f"{file} does not say which host this is"
    return NixprofError(message, Reason.CANNOT_READ, cause=cause, hints=('write there: host = "laptop"',))


def _name_of_system() -> str:
    """Return what the system calls this machine.

    macOS lets a network rename the machine, as `hostname` then shows. What the user has set stays: a fixed host name,
    else the name on the local network.
    """
    said = os.uname()
    if said.sysname == "Darwin":
        import subprocess

        for name in ("HostName", "LocalHostName"):
            with suppress(OSError):
                asked = subprocess.run([_SCUTIL, "--get", name], capture_output=True, text=True, check=False)
                if asked.returncode == 0 and asked.stdout.strip():
                    return asked.stdout.strip()
    return said.nodename
