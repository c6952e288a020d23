"""How to get a Nix that works for this user: what installs it, and what sets it up where it is installed already.

Debian's `nix-bin` is Nix alone. Its `nix-setup-systemd` adds the daemon, the build users and a group of those who may
use the daemon (/usr/lib/tmpfiles.d/nix-daemon.conf there). Without systemd, Nix works without a daemon: for the user to
whom /nix belongs, and for root without build users (`build-users-group` in the manual of Nix). It has to have the
folder /nix/var/nix: where that is missing, Nix takes another store (`auto` under "store types" in the manual).
"""

from __future__ import annotations

import grp
import os
import re
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from nixprof.files import permission_hint, text_of
from nixprof.record import record
from nixprof.store_path import is_elsewhere

if TYPE_CHECKING:
    from collections.abc import Mapping

_INSTALLER = "curl -sSfL https://nixos.org/nix/install | sh -s -- "
# Where installers put Nix; a terminal that was open before does not have it on its PATH.
_USUAL_PLACES = ("/nix/var/nix/profiles/default", os.path.expanduser("~/.nix-profile"))
_SOCKET = "/nix/var/nix/daemon-socket/socket"
_DAEMON = "{sudo}systemctl enable --now nix-daemon"
_NEW_LOGIN = "then log in again, as groups change only then"
# What installs a distribution's own Nix, and its first release with one that nixprof can use.
_PACKAGED = {
    "debian": ("{sudo}apt install nix-bin", 12.0),
    "ubuntu": ("{sudo}apt install nix-bin", 24.04),
    "fedora": (f"{{sudo}}dnf install nix && {_DAEMON}", 42.0),
    "arch": (f"{{sudo}}pacman -S nix && {_DAEMON}", 0.0),
}


@record
class Host:
    """What decides how Nix is installed and set up."""

    system: str  # the kernel's name, such as `Linux` or `Darwin`
    os_release: str  # the text of /etc/os-release; empty where there is none
    root: bool = False  # whether the user is root
    systemd: bool = True  # whether systemd runs the services

    @classmethod
    def this(cls) -> Self:
        """Look at this machine."""
        release, systemd = text_of(Path("/etc/os-release")), os.path.isdir("/run/systemd/system")
        return cls(os.uname().sysname, release, root=os.geteuid() == 0, systemd=systemd)

    @property
    def sudo(self) -> str:
        """What a command that needs root begins with."""
        return "" if self.root else "sudo "

    @property
    def package(self) -> str:
        """The command that installs the distribution's own Nix; empty where that is none, or too old."""
        if self.system != "Linux":
            return ""
        fields = dict(re.findall(r"""(?m)^\s*(\w+)\s*=\s*["']?(.*?)["']?\s*$""", self.os_release))
        version = re.match(r"\d+(\.\d+)?", fields.get("VERSION_ID", ""))
        # A release without a number is one that always has the newest.
        release = float(version[0]) if version else float("inf")
        names = [fields.get("ID", ""), *({"arch"} & set(fields.get("ID_LIKE", "").split()))]
        found = [_PACKAGED[name] for name in names if name in _PACKAGED]
        return next((command.format(sudo=self.sudo) for command, first in found if release >= first), "")


def to_install(host: Host) -> tuple[str, ...]:
    """Say how to install a Nix that works for this user: a command, and perhaps what to do after it."""
    if not host.package:
        without_daemon = host.system == "Linux" and not host.systemd
        return (_INSTALLER + ("--no-daemon" if without_daemon else "--daemon"),)
    if "apt" not in host.package:
        return (host.package,)
    command, *then = to_set_up(host)
    # With systemd, the set-up is a package that needs the other one.
    return (command if host.systemd else f"{host.package} --no-install-recommends && {command}", *then)


def to_set_up(host: Host) -> tuple[str, ...]:
    """Say how a Nix that is installed comes to work for this user: a command, and perhaps what to do after it."""
    if host.system != "Linux":
        return (_INSTALLER + "--daemon",)
    if not host.systemd and host.root:
        return ("mkdir -p /etc/nix && echo 'build-users-group =' >>/etc/nix/nix.conf",)
    if not host.systemd:
        return ('sudo mkdir -p /nix/var/nix && sudo chown -R "$USER" /nix',)
    if "apt" not in host.package:
        return (_DAEMON.format(sudo=host.sudo),)
    if host.root:
        return ("apt install nix-setup-systemd",)
    return ('sudo apt install nix-setup-systemd && sudo usermod -aG nix-users "$USER"', _NEW_LOGIN)


def missing_set_up(host: Host) -> tuple[str, ...]:
    """Say what the Nix of this machine lacks to work for this user, as `to_set_up` does; empty where it works."""
    import socket

    if host.root:
        # It builds as members of a group, or as root where nix.conf says so.
        settings = re.findall(r"^\s*build-users-group\s*=\s*(\S*)", text_of(Path("/etc/nix/nix.conf")), re.MULTILINE)
        group = settings[-1] if settings else "nixbld"
        with suppress(KeyError):
            return () if not group or grp.getgrnam(group).gr_mem else to_set_up(host)
        return to_set_up(host)
    if os.access("/nix/var/nix", os.W_OK):
        return ()
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(_SOCKET)
    except OSError:
        return to_set_up(host)
    return ()


## hints; what Nix named decides on some


def hints() -> tuple[str, ...]:
    """Say how to get Nix on this machine, or how to find one that is there and not on the PATH."""
    for place in _USUAL_PLACES:
        if os.access(f"{place}/bin/nix", os.X_OK):
            return (f'Nix is in {place}: open a new terminal, or: export PATH="{place}/bin:$PATH"',)
    command, *then = to_install(Host.this())
    return (f"to install it: {command}", *then, "more ways: https://nixos.org/download")


def set_up_hints(_: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Say what makes the Nix of this machine work for this user."""
    command, *then = to_set_up(Host.this())
    return (f"to set it up for you: {command}", *then)


def access_hints(found: Mapping[str, str]) -> tuple[str, ...]:
    """Say what lets the user write at a `place` where Nix has to."""
    place = found["place"]
    is_roots = place.startswith("/nix/") and os.path.exists("/nix") and os.stat("/nix").st_uid == 0
    unknown = ("Nix may be installed for another user only; for everyone: https://nixos.org/download",)
    return permission_hint(place) or (set_up_hints() if is_roots else (*unknown, f"who owns it: ls -ld {place}"))


def daemon_hints(found: Mapping[str, str]) -> tuple[str, ...]:
    """Say what lets the user use the daemon behind a `socket`: where only a group may, to be in that."""
    folder, name = os.path.split(os.path.dirname(found.get("socket", "")))
    if name == "daemon-socket":
        # The system may have no name for a number.
        with suppress(OSError, KeyError):
            status = os.stat(os.path.join(folder, name))
            group = grp.getgrgid(status.st_gid).gr_name
            if status.st_mode & stat.S_IXGRP and not status.st_mode & stat.S_IXOTH:
                return (f'to use the Nix daemon: sudo usermod -aG {group} "$USER"', _NEW_LOGIN)
    return ("an administrator can allow it: allowed-users in /etc/nix/nix.conf",)


def unattended(command: str) -> str:
    """Write a command so that no package manager asks again, for who has agreed."""
    for asking, quiet in (("apt install ", "apt-get install -y "), ("dnf install ", "dnf install -y ")):
        command = command.replace(asking, quiet)
    return command


if __name__ == "__main__":
    # For share/nixprof/try, and for share/nixprof/bootstrap, which runs it.
    for line in () if is_elsewhere() else missing_set_up(Host.this()):
        print(unattended(line) if "--yes" in sys.argv else line)  # noqa: T201
