"""The list of another machine, with its lock, brought into a folder here."""

from __future__ import annotations

import shutil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.files import cannot_write
from nixprof.remote.machine import read
from nixprof.remote.ssh import Host, Ssh
from nixprof.schema import is_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nixprof.context import Context
    from nixprof.nix.operations import SshStore


def fetch_list(context: Context, host: Host) -> tuple[Path, SshStore]:
    """Have the list of another machine in a folder of the cache. Return that, and the machine's store.

    Raises: NixprofError where the machine does not answer, or has no list.
    """
    with Ssh.to([host], can_ask=context.console.can_ask) as ssh, ssh.step(context.progress, f"asking {host.name}"):
        answer = ssh.ask(host, ["list"])
        store = host.store(read(host, answer).nix, *ssh.options)
    found = {name: data for name, data in answer.items() if _is_of_list(name)}
    if "list/nixprof.toml" not in found:
        raise NixprofError(f"there is no list on {host.name}", Reason.NO_MANIFEST)
    folder = context.folders.cache / "received" / host.name
    with cannot_write(folder):
        _write(folder, found)
    return folder, store


def store_of(context: Context, host: Host) -> SshStore:
    """Give the store of another machine; raise NixprofError where that does not answer."""
    with Ssh.to([host], can_ask=context.console.can_ask) as ssh, ssh.step(context.progress, f"asking {host.name}"):
        return host.store(read(host, ssh.ask(host, ["look"])).nix, *ssh.options)


def _is_of_list(name: str) -> bool:
    path = PurePosixPath(name)
    return path.parts[:1] == ("list",) and ".." not in path.parts and is_path(name)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        path = folder / PurePosixPath(name).relative_to("list")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
