"""Where packages come from: the code that fetches it, and the lock of a flake that has it as inputs.

Nix takes a lock as it is where it says of each input what `flake.nix` says, and what that is locked to.
https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake.html#lock-files
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nixprof.lock.flake_lock import fetchable, locked_url, reference_attributes
from nixprof.nix.nix_data import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nixprof.lock.packages_json import HeldAt
    from nixprof.manifest.model import Input

    Node = Mapping[str, Any]

_ARCHIVES = {
    "github": "https://{host}/{owner}/{repo}/archive/{rev}.tar.gz",
    "gitlab": "https://{host}/api/v4/projects/{owner}%2F{repo}/repository/archive.tar.gz?sha={rev}",
    "sourcehut": "https://{host}/{owner}/{repo}/archive/{rev}.tar.gz",
}
_HOSTS = {"github": "github.com", "gitlab": "gitlab.com", "sourcehut": "git.sr.ht"}


def identity(hold: HeldAt) -> str:
    """Name what a package is held at, however its reference is written."""
    one = reference_attributes(hold.reference)
    apart = ("lastModified", "narHash", "ref") if "rev" in one else ("lastModified",)
    plain = {key: value for key, value in one.items() if key not in apart} or hold.reference
    return json.dumps([plain, hold.nodes], sort_keys=True)


def fetched(url: str) -> str:
    """Write code that fetches a locked reference without flakes; empty where Nix has none."""
    one = reference_attributes(url)
    kind, hash_ = one.get("type", ""), one.get("narHash")
    if "dir" in one:
        return ""
    if kind in _ARCHIVES and hash_ and "rev" in one:
        parts = {"host": _HOSTS[kind]} | {key: quote(value, safe="~") for key, value in one.items()}
        return _call("fetchTarball", url=_ARCHIVES[kind].format_map(parts), sha256=hash_)
    if kind == "tarball" and hash_:
        return _call("fetchTarball", url=one["url"], sha256=hash_)
    if kind == "git" and "rev" in one:
        return _call("fetchGit", **{key: value for key, value in one.items() if key not in ("type", "narHash")})
    if kind == "path" and hash_ and one["path"].startswith("/"):
        return _call("path", path=one["path"], name="source", sha256=hash_)
    return ""


def _call(function: str, **arguments: str | bool) -> str:
    """Write a call of a function of Nix's own."""
    values = {key: quoted(value) if isinstance(value, str) else "true" for key, value in arguments.items()}
    return "\n".join((f"builtins.{function} {{", *(f"  {key} = {value};" for key, value in values.items()), "}"))


## the lock of a flake


def flake_lock(data: bytes | None, inputs: Iterable[Input], held: Mapping[str, HeldAt]) -> str:
    """Write a lock with some inputs of another lock, and with what packages are held at; empty where it has nothing."""
    lock: dict[str, Any] = json.loads(data) if data else {"nodes": {"root": {}}, "root": "root", "version": 7}
    nodes = dict(lock["nodes"])
    known = nodes[lock["root"]].get("inputs", {})
    chosen = {one.name: known[one.name] for one in inputs if one.name in known}
    for name, hold in held.items():
        if locked := hold.nodes or _alone(hold.reference):
            chosen[name] = _added(nodes, name, locked, locked[0])
    nodes[lock["root"]] = {"inputs": chosen}
    return json.dumps({**lock, "nodes": nodes}, indent=2, sort_keys=True) + "\n" if chosen else ""


def _alone(reference: str) -> tuple[Node, ...]:
    one = reference_attributes(reference)
    return ({"locked": one, "inputs": {}},) if one else ()


def _added(nodes: dict[str, Node], path: str, locked: Sequence[Node], one: Node) -> str:
    """Add a node and its inputs, each of them apart: so Nix makes them of what `flake.nix` says. Return its name."""
    name = next(name for name in (path + "'" * more for more in range(len(nodes) + 1)) if name not in nodes)
    nodes[name] = {}  # its name is taken
    nodes[name] = {
        "locked": one["locked"],
        "original": reference_attributes(fetchable(locked_url(one["locked"]))),
        **({} if one.get("flake", True) else {"flake": False}),
        "inputs": {
            key: _added(nodes, f"{path}/{key}", locked, locked[number]) for key, number in one["inputs"].items()
        },
    }
    return name
