"""How to get a Nix that works, by system, user and what runs the services."""

import pytest

from nixprof.nix.install_hint import Host, to_install, to_set_up

INSTALLER = "curl -sSfL https://nixos.org/nix/install | sh -s -- --daemon"
SERVICE = "sudo systemctl enable --now nix-daemon"
DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
PACKAGE_AND_GROUP = 'sudo apt install nix-setup-systemd && sudo usermod -aG nix-users "$USER"'
NO_BUILD_USERS = "mkdir -p /etc/nix && echo 'build-users-group =' >>/etc/nix/nix.conf"


@pytest.mark.parametrize(
    ("os_release", "command"),
    [
        (DEBIAN, PACKAGE_AND_GROUP),
        ("ID=debian\n", PACKAGE_AND_GROUP),  # unstable
        ('ID=debian\nVERSION_ID="11"\n', INSTALLER),  # whose Nix is too old
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n', PACKAGE_AND_GROUP),
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\n', INSTALLER),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="22"\n', INSTALLER),
        ("ID=fedora\nVERSION_ID=43\n", f"sudo dnf install nix && {SERVICE}"),
        ("ID=fedora\nVERSION_ID=38\n", INSTALLER),
        ("ID=arch\nBUILD_ID=rolling\n", f"sudo pacman -S nix && {SERVICE}"),
        ("ID=manjaro\nID_LIKE=arch\n", f"sudo pacman -S nix && {SERVICE}"),
        ("ID=alpine\nVERSION_ID=3.22.0\n", INSTALLER),
        ("", INSTALLER),
        ("nonsense\n=\nID\n", INSTALLER),
    ],
)
def test_on_a_linux_distribution(os_release: str, command: str) -> None:
    assert to_install(Host("Linux", os_release))[0] == command


@pytest.mark.parametrize("system", ["Darwin", "FreeBSD"])
def test_elsewhere(system: str) -> None:
    assert to_install(Host(system, DEBIAN)) == (INSTALLER,)
    assert to_set_up(Host(system, "")) == (INSTALLER,)


def test_a_user_of_the_daemon_has_to_log_in_again() -> None:
    assert to_set_up(Host("Linux", DEBIAN)) == (PACKAGE_AND_GROUP, "then log in again, as groups change only then")


def test_root_needs_no_sudo() -> None:
    for os_release in (DEBIAN, "ID=fedora\nVERSION_ID=43\n", "ID=arch\n"):
        for systemd in (False, True):
            host = Host("Linux", os_release, root=True, systemd=systemd)
            assert "sudo" not in " ".join((*to_install(host), *to_set_up(host)))


def test_without_systemd() -> None:
    user, root = (Host("Linux", DEBIAN, root=root, systemd=False) for root in (False, True))
    assert to_set_up(user) == ('sudo mkdir -p /nix/var/nix && sudo chown -R "$USER" /nix',)
    assert to_set_up(root) == (NO_BUILD_USERS,)
    assert to_install(user) == (f"sudo apt install nix-bin --no-install-recommends && {to_set_up(user)[0]}",)
    assert to_install(root) == (f"apt install nix-bin --no-install-recommends && {NO_BUILD_USERS}",)
    assert to_install(Host("Linux", "", systemd=False)) == (INSTALLER.replace("--daemon", "--no-daemon"),)
