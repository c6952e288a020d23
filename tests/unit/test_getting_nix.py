"""How to get Nix, by system."""

import pytest

from nixprof.nix.getting import how_to_get_nix

INSTALLER = "curl -sSfL https://nixos.org/nix/install | sh -s -- --daemon"
SERVICE = "sudo systemctl enable --now nix-daemon"


@pytest.mark.parametrize(
    ("os_release", "command"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n', "sudo apt install nix-bin"),
        ("ID=debian\n", "sudo apt install nix-bin"),  # unstable
        ('ID=debian\nVERSION_ID="11"\n', INSTALLER),  # whose Nix is too old
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n', "sudo apt install nix-bin"),
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
    assert how_to_get_nix(os_release, "Linux") == command


@pytest.mark.parametrize("system", ["Darwin", "FreeBSD"])
def test_elsewhere(system: str) -> None:
    assert how_to_get_nix("ID=debian\n", system) == INSTALLER
