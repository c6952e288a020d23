"""`nixprof init`: a commented manifest, or that of another machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError
from nixprof.files import check_writable, replace_file
from nixprof.manifest.parse import parse

if TYPE_CHECKING:
    from nixprof.state import Project

TEMPLATE = """\
# The packages that I want on every machine.
# `nixprof add ripgrep` writes here and installs; after an edit by hand: `nixprof sync`.

packages = [
]

# Keep the versions for these systems resolved, whichever of them this is:
# systems = ["aarch64-darwin", "x86_64-linux"]

# Where packages come from. `nixpkgs` is the default; others are named in front: "unstable#neovim".
# [inputs]
# nixpkgs = "github:NixOS/nixpkgs/nixpkgs-unstable"

# What nixpkgs refuses unless it is allowed:
# [nixpkgs]
# allow-unfree = ["vscode"]

# Only on some machines: an OS, an architecture, a full system, or a host name.
# [system.darwin]
# packages = ["mas"]
# [host.build-server]
# packages = ["htop"]
"""
_LOCKS = ("flake.lock", "packages.json")


@dataclass(frozen=True, slots=True)
class Initialised:
    """A manifest that was written; `packages` counts what it lists."""

    manifest: Path
    packages: int


def run(project: Project, origin: str | None) -> Initialised:
    """Write a manifest where there is none.

    Args:
        project: whose.
        origin: where to take the manifest and its locks from: a folder, a git URL or a flake reference; None for
            a new one.

    Raises: NixprofError where there is a manifest already, or none at `origin`.

    """
    manifest = project.places.manifest
    if manifest.exists():
        raise NixprofError(f"{manifest} is there already", hints=("nixprof edit it as you like, then: nixprof sync",))
    check_writable(manifest)
    if origin is None:
        replace_file(manifest, TEMPLATE.encode())
        return Initialised(manifest, 0)
    folder = _fetched(project, origin)
    packages = parse(folder / "nixprof.toml").packages
    for name in _LOCKS:
        if (folder / "flake" / name).exists():
            replace_file(project.places.flake / name, (folder / "flake" / name).read_bytes())
    for source in parse(folder / "nixprof.toml").sources:
        if not source.path.is_relative_to(folder):
            raise NixprofError(f"the manifest includes {source.path}, which is outside of its folder")
        replace_file(project.places.config / source.path.relative_to(folder), source.data)
    return Initialised(manifest, len(packages))


def _fetched(project: Project, origin: str) -> Path:
    """Have the folder of another manifest on this machine."""
    local = Path(origin).expanduser()
    if local.exists():
        return local if local.is_dir() else local.parent
    from nixprof.nix.command import Nix

    reference = f"git+{origin}" if origin.endswith(".git") and origin.startswith(("http", "ssh")) else origin
    with Nix(project.progress) as nix:
        return nix.fetch(reference)
