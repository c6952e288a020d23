"""How to get Nix on a system that has none, or too old a one."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_INSTALLER = "curl -sSfL https://nixos.org/nix/install | sh -s -- --daemon"
# Where an installer puts Nix that a terminal of before does not know of yet.
_USUAL = ("/nix/var/nix/profiles/default", os.path.expanduser("~/.nix-profile"))
_DAEMON = " && sudo systemctl enable --now nix-daemon"
# What a distribution's own Nix is installed with, and the first release of it with one that nixprof can use.
_PACKAGED = {
    "debian": ("sudo apt install nix-bin", 12.0),
    "ubuntu": ("sudo apt install nix-bin", 24.04),
    "fedora": ("sudo dnf install nix" + _DAEMON, 42.0),
    "arch": ("sudo pacman -S nix" + _DAEMON, 0.0),
}


def how_to_get_nix(os_release: str, system: str) -> str:
    """Give the command that installs Nix.

    Args:
        os_release: what `/etc/os-release` has; empty where there is none.
        system: the kernel's name, such as `Linux` or `Darwin`.

    """
    if system == "Linux":
        fields = _fields(os_release)
        version = re.match(r"\d+(\.\d+)?", fields.get("VERSION_ID", ""))
        # A release without a number is one that always has the newest.
        release = float(version[0]) if version else float("inf")
        names = [fields.get("ID", ""), *("arch" for like in fields.get("ID_LIKE", "").split() if like == "arch")]
        for command, first in (_PACKAGED[name] for name in names if name in _PACKAGED):
            if release >= first:
                return command
    return _INSTALLER


def _fields(os_release: str) -> Mapping[str, str]:
    pairs = (line.partition("=") for line in os_release.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def hints() -> tuple[str, ...]:
    """Say how to get Nix on this system, or how to find one that is there and not on the PATH."""
    for place in _USUAL:
        if os.access(f"{place}/bin/nix", os.X_OK):
            return (f'Nix is in {place}: open a new terminal, or: export PATH="{place}/bin:$PATH"',)
    try:
        with open("/etc/os-release", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        text = ""
    return (f"to install it: {how_to_get_nix(text, os.uname().sysname)}", "more ways: https://nixos.org/download")
