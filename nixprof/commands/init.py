"""`nixprof init`: a commented manifest, or that of another machine."""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.commit import commit
from nixprof.change.generations import SOURCES, read_sources, write_sources
from nixprof.change.process_lock import process_lock, recover_first
from nixprof.errors import TO_EDIT, NixprofError, Reason
from nixprof.files import cannot_write, check_writable, content, discard, private_folder, unused
from nixprof.formatting import count, display_path, shell_quote
from nixprof.lock.lock import Lock
from nixprof.manifest.model import DEFAULT_NIXPKGS, INTEL_MAC, LAST_FOR_INTEL_MACS
from nixprof.manifest.parse import parse
from nixprof.record import record, replace
from nixprof.redact import excerpt, redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nixprof.context import Context
    from nixprof.manifest.model import Manifest
    from nixprof.nix.operations import SshStore

_TEMPLATE = """\
# The packages that I want on every machine.
# `nixprof add ripgrep` writes here and installs; after an edit by hand: `nixprof sync`.

packages = [
]

# Resolve the packages for all of these systems, not only for this one:
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
# A machine, and nothing on it: anything longer is for git.
_MACHINE = re.compile(r"ssh://[^/?#]+/?")
# How git writes an address in short.
_SHORT_ADDRESS = re.compile(r"([\w.+-]+)@([\w.-]+):(?!\d+/)(.+)", re.ASCII)
_DEFAULT_INPUTS = f'''# [inputs]
# nixpkgs = "{DEFAULT_NIXPKGS.url}"'''
_INPUTS_OF_INTEL_MACS = f'''# This is the last nixpkgs that has packages for Intel Macs.
[inputs]
nixpkgs = "{LAST_FOR_INTEL_MACS.url}"'''


@record
class Initialised:
    """A manifest that was written; `packages` counts what it lists."""

    manifest: Path
    packages: int


def template(system: str) -> str:
    """Return the list that a machine of a system begins with."""
    return _TEMPLATE.replace("{inputs}", _INPUTS_OF_INTEL_MACS if system == INTEL_MAC else _DEFAULT_INPUTS)


def run(context: Context, origin: str | None = None) -> Initialised:
    """Write a manifest where there is none: a new one, or that of `origin`, a folder, git URL or flake reference."""
    manifest = context.folders.manifest
    recover_first(context)
    _check_free([manifest])
    if origin is None:
        _write(context, {manifest: template(context.machine.system).encode()}, {})
        return Initialised(manifest, 0)
    found = fetch(context, origin)
    _write(context, found.files, found.locks)
    return Initialised(manifest, found.packages)


@record
class FetchedList:
    """The list of another machine, and where its files go on this one."""

    folder: Path
    packages: int
    files: Mapping[Path, bytes]
    locks: Mapping[Path, bytes]
    store: SshStore | None = None  # of the machine that it is from

    def is_here(self) -> bool:
        """Tell whether every file of the list is here already, whatever the locks are."""
        return all(content(path) == data for path, data in self.files.items())


def fetch(context: Context, origin: str) -> FetchedList:
    """Find or fetch a list by a folder, git URL or flake reference; writes nothing of the user's.

    Raises: NixprofError where there is none, or where it cannot be read.
    """
    folder, store = _fetched(context, origin)
    found = parse(folder / context.folders.manifest.name)
    files = _taken(context, folder, found)
    return FetchedList(folder, len(found.packages), files, _locks(context, folder / "flake"), store)


def replacing(context: Context, found: FetchedList) -> tuple[dict[Path, bytes], Lock]:
    """Give what is written, and the lock that then counts, where another list takes the place of the one here.

    A text that exists nowhere else, because no sync has seen it, is kept; the list that came is remembered, to tell
    whether it was edited here since.
    """
    folders = context.folders
    synced = read_sources(content(folders.flake / SOURCES) or b"")
    names = {path: str(path.relative_to(folders.config)) for path in found.files}
    kept = unused(folders.data / "before-sync" / time.strftime("%Y-%m-%d-%H%M%S"))
    edited = {
        kept / names[path]: old
        for path, data in found.files.items()
        if (old := content(path)) not in (None, data, synced.get(names[path], "").encode())
    }
    if edited and not context.dry_run:
        with cannot_write(folders.data):
            private_folder(folders.data)
        context.progress.note(f"what was edited here is kept in {display_path(kept)}")
    texts = {names[path]: data.decode() for path, data in found.files.items()}
    lock = Lock.read(found.folder / "flake").joined(Lock.read(folders.flake))
    return {**edited, folders.state / "received.json": write_sources(texts), **found.files}, lock


@contextmanager
def taken(context: Context, origin: str) -> Iterator[Context]:
    """Copy another machine's list where there is none; what fails then, or is declined, takes the copy back.

    Returns: the context to go on with; in a dry run, one that reads the list where it was found.

    Raises: NixprofError where another list is here.
    """
    recover_first(context)
    found = fetch(context, origin)
    context = replace(context, store=found.store or context.store)
    if found.is_here():
        yield context
        return
    for path, data in found.files.items():
        if path.exists() and content(path) != data:
            here = f"nixprof sync --cache {shell_quote(origin)}" if found.store else "nixprof sync"
            hints = (
                f"to sync with the list that is here: {here}",
                f"to replace that: nixprof sync --from {shell_quote(origin)} --overwrite",
            )
            message = f"{path} already exists, and is not what {excerpt(redact(origin))} has"
            raise NixprofError(message, Reason.MANIFEST_EXISTS, hints=hints)
    context.progress.note(f"{display_path(context.folders.manifest)} with {count(found.packages, 'package')}")
    if context.dry_run:
        yield replace(context, folders=replace(context.folders, config=found.folder))
        return
    new = {path: data for path, data in found.files.items() if not path.exists()}
    _write(context, new, found.locks)
    try:
        yield context
    finally:
        if not (context.folders.flake / "flake.nix").exists():  # nothing has become of it
            _take_back(context, {**new, **found.locks})


def _take_back(context: Context, written: Mapping[Path, bytes]) -> None:
    """Remove what was written, as far as nobody has changed it since, and the folders that are empty then."""
    for path, data in written.items():
        if content(path) == data:
            discard(path)
        for folder in path.parents:
            if folder.is_relative_to(context.folders.config):
                with suppress(OSError):
                    folder.rmdir()


def _write(context: Context, files: Mapping[Path, bytes], locks: Mapping[Path, bytes]) -> None:
    with process_lock(context):
        _check_free(files)
        commit(context.folders, None, {**locks, **files}, lambda: None, dict.fromkeys(files))


def _locks(context: Context, flake: Path) -> dict[Path, bytes]:
    """Give the locks of another list by where they go. An error has no hints: they would be for the owner."""
    try:
        Lock.read(flake)
    except NixprofError as error:
        raise NixprofError(error.message, error.reason, cause=error.cause) from error
    found = {context.folders.flake / name: content(flake / name) for name in ("flake.lock", "packages.json")}
    return {path: data for path, data in found.items() if data is not None}


def _taken(context: Context, folder: Path, found: Manifest) -> dict[Path, bytes]:
    """Give the files of another list by where they go, the manifest last.

    What is included by an absolute path is not copied: it is read from where it is.
    """
    # The manifest may be a link into a folder of dot-files, where what it includes is, too.
    bases = (folder, Path(os.path.realpath(found.path)).parent)
    files = {}
    for source in reversed(found.sources):
        base = next((base for base in bases if source.path.is_relative_to(base)), None)
        if base is None:
            continue
        inside = os.path.relpath(source.path, base)
        if Path(inside).parts[0] == os.pardir:
            there = display_path(os.path.normpath(source.path))
            message = f"the list includes {there}, which is outside of its folder"
            hints = ("copy the files yourself, then: nixprof sync",)
            raise NixprofError(message, Reason.OUTSIDE_FILE, hints=hints)
        files[context.folders.config / inside] = source.data
    return files


def _check_free(paths: Iterable[Path]) -> None:
    """Make sure that no file of a list would be overwritten, and that each can be written."""
    for path in paths:
        if path.exists():
            hints = (TO_EDIT, "to start over, move that file away first")
            raise NixprofError(f"{path} already exists", Reason.MANIFEST_EXISTS, hints=hints)
        check_writable(path)


def _fetched(context: Context, origin: str) -> tuple[Path, SshStore | None]:
    """Find or fetch the folder of another manifest; of one on another machine, with the store of that."""
    local = Path(origin).expanduser().absolute()
    if local.exists():
        return local if local.is_dir() else local.parent, None
    if _MACHINE.fullmatch(origin):
        from nixprof.remote.lists import fetch_list
        from nixprof.remote.ssh import Host

        return fetch_list(context, Host.parse(origin))
    if ":" not in origin:
        of_others = (f"a machine is written ssh://{origin}", f"a flake of the registry is written flake:{origin}")
        hints = of_others if "/" not in origin else ()
        raise NixprofError(f"there is no folder {excerpt(origin)}", Reason.CANNOT_READ, hints=hints)
    with context.nix() as nix:
        return nix.fetch(reference_to(origin)), None


def reference_to(address: str) -> str:
    """Write the address of a git repository as a flake reference; anything else stays.

    After `me@host:`, a path is one in the home there; a forge, where everybody is `git`, knows no homes.
    """
    if short := _SHORT_ADDRESS.fullmatch(address):
        user, host, path = short.groups()
        home = "" if user == "git" or path.startswith("/") else "~/"
        return f"git+ssh://{user}@{host}/{home}{path.removeprefix('/')}"
    if address.startswith("ssh://") or (address.startswith(("http://", "https://")) and address.endswith(".git")):
        return f"git+{address}"
    return address
