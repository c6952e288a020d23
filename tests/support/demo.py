"""The demo package set as git repositories that Nix fetches."""

import subprocess
from pathlib import Path

from support.installs import ROOT

DEMO = ROOT / "share" / "nixprof" / "demo"


def publish(folder: Path, revision: int = 1) -> str:
    """Brings the package set in a folder to a revision; returns its flake reference."""
    return _publish(str(folder), str(revision))


def publish_helix(folder: Path, revision: int, nixpkgs: str) -> str:
    """The same for the flake `helix`, which has the given flake reference as its input `nixpkgs`."""
    return _publish("--helix", str(folder), str(revision), nixpkgs)


def _publish(*arguments: str) -> str:
    command = ["/bin/sh", str(DEMO / "publish"), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def make_template(folder: Path) -> Path:
    """The package set at revision 1, packed into few files so that it copies fast."""
    publish(folder)
    git = ["git", "-C", str(folder), "-c", "gc.reflogExpire=now"]
    subprocess.run([*git, "gc", "--quiet", "--prune=now"], check=True)
    return folder
