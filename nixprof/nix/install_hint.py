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
import socket
import stat
from typing import Self

from nixprof.record import record

_INSTALLER = "curl -sSfL https://nixos.org/nix/install | sh -s -- "
# Where installers put Nix; a terminal that was open before does not have it on its PATH.
_USUAL_PLACES = ("/nix/var/nix/profiles/default", os.path.expanduser("~/.nix-profile"))
_SOCKET = "/nix/var/nix/daemon-socket/socket"
_DAEMON = " && {sudo}systemctl enable --now nix-daemon"
_NEW_LOGIN = "then log in again, as groups change only then"
# What installs a distribution's own Nix, and its first release with one that nixprof can use.
_PACKAGED = {
    "debian": ("{sudo}apt install nix-bin", 12.0),
    "ubuntu": ("{sudo}apt install nix-bin", 24.04),
    "fedora": ("{sudo}dnf install nix" + _DAEMON, 42.0),
    "arch": ("{sudo}pacman -S nix" + _DAEMON, 0.0),
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
        text = _text("/etc/os-release")
        return cls(os.uname().sysname, text, root=os.geteuid() == 0, systemd=os.path.isdir("/run/systemd/system"))

    @property
    def sudo(self) -> str:
        """What a command that needs root begins with."""
        return "" if self.root else "sudo "

    @property
    def package(self) -> str:
        """The command that installs the distribution's own Nix; empty where that is none, or too old."""
        if self.system != "Linux":
            return ""
        pairs = (line.partition("=") for line in self.os_release.splitlines() if "=" in line)
        fields = {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}
        version = re.match(r"\d+(\.\d+)?", fields.get("VERSION_ID", ""))
        # A release without a number is one that always has the newest.
        release = float(version[0]) if version else float("inf")
        names = [fields.get("ID", ""), *({"arch"} & set(fields.get("ID_LIKE", "").split()))]
        found = [_PACKAGED[name] for name in names if name in _PACKAGED]
        return next((command.format(sudo=self.sudo) for command, first in found if release >= first), "")

    @property
    def is_debian(self) -> bool:
        """Whether it has the packages of Debian."""
        return "apt" in self.package


def to_install(host: Host) -> tuple[str, ...]:
    """Say how to install a Nix that works for this user: a command, and perhaps what to do after it."""
    if not host.package:
        without_daemon = host.system == "Linux" and not host.systemd
        return (_INSTALLER + ("--no-daemon" if without_daemon else "--daemon"),)
    if not host.is_debian:
        return (host.package,)
    command, *then = to_set_up(host)
    if host.systemd:  # the set-up is a package that needs the other one
        return (command, *then)
    return (f"{host.package} --no-install-recommends && {command}", *then)


def to_set_up(host: Host) -> tuple[str, ...]:
    """Say how a Nix that is installed comes to work for this user: a command, and perhaps what to do after it."""
    if host.system != "Linux":
        return (_INSTALLER + "--daemon",)
    if not host.systemd:
        if host.root:
            return ("mkdir -p /etc/nix && echo 'build-users-group =' >>/etc/nix/nix.conf",)
        return ('sudo mkdir -p /nix/var/nix && sudo chown -R "$USER" /nix',)
    if not host.is_debian:
        return (_DAEMON.removeprefix(" && ").format(sudo=host.sudo),)
    if host.root:
        return ("apt install nix-setup-systemd",)
    return ('sudo apt install nix-setup-systemd && sudo usermod -aG nix-users "$USER"', _NEW_LOGIN)


def missing_set_up(host: Host) -> tuple[str, ...]:
    """Say what the Nix of this machine lacks to work for this user, as `to_set_up` does; empty where it works."""
    if host.root:
        return () if _has_build_users() else to_set_up(host)
    if os.access("/nix/var/nix", os.W_OK):
        return ()
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(_SOCKET)
    except OSError:
        return to_set_up(host)
    return ()


def _has_build_users() -> bool:
    """Tell whether Nix can build as root: as members of a group, or as root where nix.conf says so."""
    settings = re.findall(r"^\s*build-users-group\s*=\s*(\S*)", _text("/etc/nix/nix.conf"), re.MULTILINE)
    group = settings[-1] if settings else "nixbld"
    try:
        return not group or bool(grp.getgrnam(group).gr_mem)
    except KeyError:
        return False


def _text(path: str) -> str:
    """Read a file; empty where that is not possible."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def hints() -> tuple[str, ...]:
    """Say how to get Nix on this machine, or how to find one that is there and not on the PATH."""
    for place in _USUAL_PLACES:
        if os.access(f"{place}/bin/nix", os.X_OK):
            return (f'Nix is in {place}: open a new terminal, or: export PATH="{place}/bin:$PATH"',)
    command, *then = to_install(Host.this())
    return (f"to install it: {command}", *then, "more ways: https://nixos.org/download")


def set_up_hints() -> tuple[str, ...]:
    """Say what makes the Nix of this machine work for this user."""
    command, *then = to_set_up(Host.this())
    return (f"to set it up for you: {command}", *then)


def store_hints(path: str) -> tuple[str, ...]:
    """Say what lets this user write at a path of root's store; empty where it is somebody else's, or elsewhere."""
    try:
        is_roots = path.startswith("/nix/") and os.stat("/nix").st_uid == 0
    except OSError:
        return ()
    return set_up_hints() if is_roots else ()


def daemon_hints(path: str) -> tuple[str, ...]:
    """Name the group that lets this user use the daemon behind a socket; empty where no group does."""
    folder = os.path.dirname(path)
    if os.path.basename(folder) != "daemon-socket":
        return ()
    try:
        status = os.stat(folder)
        group = grp.getgrgid(status.st_gid).gr_name
    except (OSError, KeyError):  # KeyError: a number that the system has no name for
        return ()
    only_for_group = status.st_mode & stat.S_IXGRP and not status.st_mode & stat.S_IXOTH
    return (f'to use the Nix daemon: sudo usermod -aG {group} "$USER"', _NEW_LOGIN) if only_for_group else ()


if __name__ == "__main__":
    # For share/nixprof/try.
    for line in missing_set_up(Host.this()):
        print(line)  # noqa: T201
