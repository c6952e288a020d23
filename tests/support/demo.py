"""The demo package set as git repositories that Nix fetches."""

import os
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


def commit(nixpkgs: Path, **packages: str) -> None:
    """Publishes what was changed, and more packages: for each the arguments of `mkDerivation` but for the name."""
    for name, arguments in packages.items():
        folder = nixpkgs / "pkgs" / "by-name" / name[:2] / name
        folder.mkdir(parents=True)
        (folder / "package.nix").write_text(
            f"{{ lib, stdenv, pkgs }}:\n\nstdenv.mkDerivation {{\n"
            f'  pname = "{name}";\n  version = "1.0";\n  {arguments}\n  meta.description = "Package for a test";\n}}\n'
        )
        versions = nixpkgs / "versions" / f"{(nixpkgs / 'revision.nix').read_text().strip()}.nix"
        versions.write_text(versions.read_text().rstrip().removesuffix("}") + f'  {name} = "1.0";\n}}\n')
    git = ["git", "-C", str(nixpkgs), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    date = {"GIT_COMMITTER_DATE": "2026-10-30T00:00:00Z", "GIT_AUTHOR_DATE": "2026-10-30T00:00:00Z"}
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "more"], check=True, env={**os.environ, **date})


def make_template(folder: Path) -> Path:
    """The package set at revision 1, packed into few files so that it copies fast."""
    publish(folder)
    git = ["git", "-C", str(folder), "-c", "gc.reflogExpire=now"]
    subprocess.run([*git, "gc", "--quiet", "--prune=now"], check=True)
    return folder
