"""Which Nix there is, and for which system: it is asked once."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.files import content, replace_file
from nixprof.machine import as_nix_says, is_system
from nixprof.nix.version import NixVersion
from nixprof.record import record
from nixprof.schema import MISSHAPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nixprof.nix.progress import Progress


@record
class InstalledNix:
    """The Nix of this machine."""

    system: str  # that it builds for, such as `aarch64-darwin`; without a Nix, the kernel's
    version: NixVersion | None = None  # None without a Nix that answers


def installed_nix(memory: Path, progress: Progress, meanwhile: Callable[[], object] = str) -> InstalledNix:
    """Find out about the Nix of this machine, which is asked once: the file `memory` remembers what it said.

    `meanwhile` is called while Nix finds its answer.
    """
    program = shutil.which("nix")
    if program is None:
        return InstalledNix(_kernel_system())
    import json

    fingerprint = _fingerprint(program)
    with suppress(*MISSHAPEN):
        known = json.loads(content(memory) or b"null")
        version = NixVersion.parse(known["version"])
        if known["nix"] == fingerprint and version and is_system(known["system"]):
            return InstalledNix(known["system"], version)
    from nixprof.nix.operations import Nix

    printed = ""
    with suppress(NixprofError), Nix(progress) as nix:
        printed = nix.identity(meanwhile)
    version, found = NixVersion.parse(printed), re.search(r"(?m)^System type: (.*)$", printed)
    if version is None or found is None or not is_system(found[1]):
        return InstalledNix(_kernel_system(), version)
    data = {"nix": fingerprint, "version": printed.splitlines()[0], "system": found[1]}
    # Without the memory the next command asks again.
    with suppress(NixprofError):
        replace_file(memory, (json.dumps(data, indent=2) + "\n").encode())
    return InstalledNix(found[1], version)


def check_system(system: str) -> None:
    """Raise NixprofError where Nix has been told that it is on another OS: what it installs would not run."""
    kernel = _kernel_system()
    if {kernel.rpartition("-")[2], system.rpartition("-")[2]} == {"darwin", "linux"}:
        raise NixprofError(
            f"Nix takes this machine for {system}, but it is {kernel}",
            Reason.WRONG_SYSTEM,
            cause=f"nix.conf has system = {system}",
            hints=(f"in nix.conf, remove: system = {system}",),
        )


def _kernel_system() -> str:
    """Return the system as the kernel names it."""
    said = os.uname()
    return as_nix_says(f"{said.machine}-{said.sysname.lower()}")


def _fingerprint(program: str) -> list[str]:
    """Describe everything that the system of a Nix depends on: the program and its settings."""
    described = []
    for file in sorted(os.path.realpath(file) for file in (program, *_settings())):
        with suppress(OSError):
            there = os.stat(file)
            described.append(f"{file} {there.st_size} {there.st_mtime_ns}")
    setting = os.environ.get("NIX_CONFIG", "")
    # Only what it says of the system: the rest may be secret.
    return described + re.findall(r"(?m)^\s*(?:system|include|!include)\b.*", setting)


def _settings() -> Iterator[str]:
    """List the files that Nix reads its settings from, and those that they usually include, in the same folders.

    https://nix.dev/manual/nix/latest/command-ref/conf-file
    """
    own = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    shared = os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    files = os.environ.get("NIX_USER_CONF_FILES")
    if files:
        yield from files.split(":")
    folders = [] if files else [os.path.join(place, "nix") for place in (own, *shared.split(":"))]
    for folder in (os.environ.get("NIX_CONF_DIR") or "/etc/nix", *folders):
        with suppress(OSError):
            yield from (entry.path for entry in os.scandir(folder) if entry.name.endswith(".conf"))
