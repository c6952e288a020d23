"""The Nix versions that the tests run on.

They are in the folder `.nix` of the project, one folder each, as `tests/get-nix.sh SUITE .nix/SUITE` leaves
them: `.nix/SUITE/root/usr/bin/nix`. `tests/conftest.py` says which tests run on which of them.
NIXPROF_TEST_NIX names the versions to use instead: names in `.nix` and folders of commands, with spaces between
them, or `all`.
"""

import functools
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTALLS = ROOT / ".nix"

OLDEST_AND_NEWEST = ("bookworm", "sid")

COMMANDS = (
    "nix", "nix-build", "nix-channel", "nix-collect-garbage", "nix-copy-closure", "nix-env", "nix-hash",
    "nix-instantiate", "nix-shell", "nix-store",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NixInstall:
    """A Nix that runs."""

    version: str
    executable: Path

    @property
    def id(self) -> str:
        return self.version

    @property
    def release(self) -> tuple[int, ...]:
        """For comparisons: `install.release >= (2, 20)`."""
        return tuple(int(number) for number in re.findall(r"\d+", self.version)[:3])

    def link_commands(self, folder: Path) -> None:
        """Fills a folder with Nix's commands only: the git of a whole `bin` may not run here."""
        folder.mkdir(parents=True)
        for command in COMMANDS:
            # All commands are one program, which looks at the name that it was called by.
            (folder / command).symlink_to(self.executable)


@dataclass(frozen=True, slots=True)
class MissingNix:
    """A Nix that was asked for and is not there: the tests that need it fail and say why."""

    name: str
    reason: str

    @property
    def id(self) -> str:
        return f"{self.name}-missing"


Install = NixInstall | MissingNix


def every_install() -> tuple[Install, ...]:
    """Every Nix that is there, the oldest version first; or what NIXPROF_TEST_NIX names."""
    return _sorted(_named() or _fetched())


def oldest_and_newest() -> tuple[Install, ...]:
    """The ends of the range that nixprof supports, the oldest version first; or what NIXPROF_TEST_NIX names."""
    return _sorted(_named() or OLDEST_AND_NEWEST)


def newest() -> tuple[Install, ...]:
    """The newest version alone."""
    return oldest_and_newest()[-1:]


def newest_or_exit() -> NixInstall:
    """The newest version, for a script."""
    install = newest()[-1]
    if isinstance(install, MissingNix):
        sys.exit(install.reason)
    return install


def _fetched() -> Sequence[str]:
    return sorted({*OLDEST_AND_NEWEST, *(entry.name for entry in INSTALLS.glob("*") if entry.is_dir())})


def _named() -> Sequence[str]:
    names = os.environ.get("NIXPROF_TEST_NIX", "").replace(":", " ").split()
    return _fetched() if names == ["all"] else names


def _sorted(names: Sequence[str]) -> tuple[Install, ...]:
    found = [_find(name) for name in names]
    installs = sorted((entry for entry in found if isinstance(entry, NixInstall)), key=lambda entry: entry.release)
    missing = [entry for entry in found if isinstance(entry, MissingNix)]
    return (*installs, *missing)


@functools.cache
def _find(name: str) -> Install:
    if "/" in name:
        folder = Path(name)
        remedy = "NIXPROF_TEST_NIX takes folders that contain the command nix"
    else:
        folder = INSTALLS / name / "root" / "usr" / "bin"
        remedy = f"to fetch it: sh tests/get-nix.sh {name} .nix/{name}"
    executable = folder / "nix"
    if not executable.exists():
        return MissingNix(folder.name if "/" in name else name, f"there is no {executable}; {remedy}")
    try:
        answer = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        return MissingNix(name.replace("/", "-"), f"{executable} does not run ({error}); {remedy}")
    return NixInstall(version=answer.split()[-1], executable=executable.resolve())
