"""`nixprof init`: a commented manifest, or that of another machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.commit import commit
from nixprof.change.process_lock import process_lock, recover_first
from nixprof.errors import TO_EDIT, NixprofError, Reason
from nixprof.files import check_writable, content
from nixprof.formatting import display_path
from nixprof.lock.lock import Lock
from nixprof.manifest.model import DEFAULT_NIXPKGS, INTEL_MAC, LAST_FOR_INTEL_MACS
from nixprof.manifest.parse import parse
from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nixprof.context import Context
    from nixprof.manifest.model import Manifest

_TEMPLATE = """\
# The packages that I want on every machine.
# `nixprof add ripgrep` writes here and installs; after an edit by hand: `nixprof sync`.

packages = [
]

# Keep the versions for these systems resolved, whichever of them this is:
# systems = ["aarch64-darwin", "x86_64-linux"]

# Where packages come from. `nixpkgs` is the default; others are named in front: "unstable#neovim".
{inputs}

# What nixpkgs refuses unless it is allowed:
# [nixpkgs]
# allow-unfree = ["vscode"]

# Only on some machines: an OS, an architecture, a full system, or a host name.
# [system.darwin]
# packages = ["mas"]
# [host.build-server]
# packages = ["htop"]
"""
_DEFAULT_INPUTS = f'''# [inputs]
# nixpkgs = "{DEFAULT_NIXPKGS.url}"'''
_INPUTS_OF_INTEL_MACS = f'''# This is the last nixpkgs that has packages for Intel Macs.
[inputs]
nixpkgs = "{LAST_FOR_INTEL_MACS.url}"'''
_LOCKS = ("flake.lock", "packages.json")


@record
class Initialised:
    """A manifest that was written; `packages` counts what it lists."""

    manifest: Path
    packages: int


def template(system: str) -> str:
    """Return the list that a machine of a system begins with."""
    return _TEMPLATE.replace("{inputs}", _INPUTS_OF_INTEL_MACS if system == INTEL_MAC else _DEFAULT_INPUTS)


def run(context: Context, origin: str | None) -> Initialised:
    """Write a manifest where there is none: a new one, or that of `origin`, a folder, git URL or flake reference."""
    manifest = context.folders.manifest
    recover_first(context)
    _check_free([manifest])
    if origin is None:
        _write(context, {manifest: template(context.machine.system).encode()}, {})
        return Initialised(manifest, 0)
    folder = _fetched(context, origin)
    found = parse(folder / manifest.name)
    _check_locks(folder / "flake")
    locks = {context.folders.flake / name: content(folder / "flake" / name) for name in _LOCKS}
    there = {path: data for path, data in locks.items() if data is not None}
    _write(context, _taken(context, folder, found), there)
    return Initialised(manifest, len(found.packages))


def _check_locks(flake: Path) -> None:
    """Make sure that the locks of another list can be read; an error has no hints, which are for its owner."""
    try:
        Lock.read(flake)
    except NixprofError as error:
        raise NixprofError(error.message, error.reason, cause=error.cause) from error


def _taken(context: Context, folder: Path, found: Manifest) -> dict[Path, bytes]:
    """Give the files of another list by where they go, the manifest last.

    What is included by an absolute path is not copied: it is read from where it is.
    """
    # The manifest may be a link into a folder of dot-files, where what it includes is, too.
    fingerprints = (folder, Path(os.path.realpath(found.path)).parent)
    files = {}
    for source in reversed(found.sources):
        base = next((base for base in fingerprints if source.path.is_relative_to(base)), None)
        if base is None:
            continue
        inside = os.path.relpath(source.path, base)
        if Path(inside).parts[0] == os.pardir:
            raise NixprofError(
                f"the list includes {display_path(os.path.normpath(source.path))}, which is outside of its folder",
                Reason.OUTSIDE_FILE,
                hints=("copy the files yourself, then: nixprof sync",),
            )
        files[context.folders.config / inside] = source.data
    return files


def _check_free(paths: Iterable[Path]) -> None:
    """Make sure that no file of a list would be overwritten, and that each can be written."""
    for path in paths:
        if path.exists():
            raise NixprofError(
                f"{path} already exists",
                Reason.MANIFEST_EXISTS,
                hints=(TO_EDIT, "to start over, move that file away first"),
            )
        check_writable(path)


def _write(context: Context, files: Mapping[Path, bytes], locks: Mapping[Path, bytes]) -> None:
    """Write a list and its locks; nothing where somebody else has written one meanwhile."""
    with process_lock(context):
        _check_free(files)
        absent = dict.fromkeys(files)
        commit(context.folders, None, {**locks, **files}, lambda: None, absent)


def _fetched(context: Context, origin: str) -> Path:
    """Have the folder of another manifest on this machine."""
    local = Path(origin).expanduser().absolute()
    if local.exists():
        return local if local.is_dir() else local.parent

    reference = f"git+{origin}" if origin.endswith(".git") and origin.startswith(("http", "ssh")) else origin
    with context.nix() as nix:
        return nix.fetch(reference)
