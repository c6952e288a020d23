"""`flake.lock`: which revision of each input Nix has locked. Written by Nix, only read here.

The format is Nix's lock file version 7 (5 and 6 are alike in what is read):
https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake.html#lock-files
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from nixprof.formatting import day, shell_quote
from nixprof.lock.merge_conflict import parsed
from nixprof.nix.profile import FORGES
from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Node = Mapping[str, Any]


@record
class LockedInput:
    """An input at the revision that it is locked to."""

    url: str  # the locked flake reference
    rev: str  # the commit; empty where the input has none (a path, a tarball)
    last_modified: int  # of the revision, in seconds since 1970; 0 where it is not known
    identity: str  # equal while the contents of the input and of everything that it depends on are
    # The input and everything that it depends on, as `flake.lock` has them, each with its own inputs as indices into
    # this tuple. Empty where the input depends on nothing, or on a folder within another input.
    nodes: tuple[Node, ...] = ()


def parse_flake_lock(path: Path, data: bytes | None) -> Mapping[str, LockedInput]:
    """Parse the locked inputs of a flake, by name; none where there is no lock.

    Raises: NixprofError where what was read is not the lock of a flake.
    """
    if data is None:
        return {}
    hints = (f"rm {shell_quote(str(path))}", "and nixprof sync, which locks the inputs again")
    return parsed(path, data, _inputs, wrong="is not a lock file that Nix wrote", hints=hints)


def _inputs(data: Mapping[str, Any]) -> Mapping[str, LockedInput]:
    graph = _Graph(data["nodes"], data["root"])
    return {name: graph.input(target) for name, target in graph.inputs_of(graph.root).items()}


@record
class _Graph:
    nodes: Mapping[str, Any]
    root: str

    def inputs_of(self, name: str) -> dict[str, str]:
        """Give the inputs of a node as names of nodes, whether they are that or a path from the root (a `follows`)."""
        return {key: self._follow(target) for key, target in self.nodes[name].get("inputs", {}).items()}

    def _follow(self, target: str | list[str]) -> str:
        if isinstance(target, str):
            return target
        name = self.root
        for step in target:
            name = self._follow(self.nodes[name]["inputs"][step])
        return name

    def input(self, name: str) -> LockedInput:
        locked = self.nodes[name]["locked"]
        reachable = self._reachable(name)
        return LockedInput(
            url=locked_url(locked),
            rev=str(locked.get("rev", "")),
            last_modified=int(locked.get("lastModified", 0)),
            identity=_identity(reachable),
            nodes=tuple(reachable) if len(reachable) > 1 and not any(map(_is_relative, reachable)) else (),
        )

    def _reachable(self, start: str) -> list[Node]:
        """Give the nodes that `start` leads to, itself first, with indices instead of the names in the lock."""
        order = [start]
        for name in order:
            for _, one in sorted(self.inputs_of(name).items()):
                if one not in order:
                    order.append(one)
        return [
            {
                "locked": self.nodes[name]["locked"],
                **{key: self.nodes[name][key] for key in ("flake",) if key in self.nodes[name]},
                "inputs": {key: order.index(one) for key, one in self.inputs_of(name).items()},
            }
            for name in order
        ]


def _identity(reachable: list[Node]) -> str:
    """Name an input by its own hash where it depends on nothing else."""
    first = reachable[0]["locked"]
    if len(reachable) == 1 and "narHash" in first and "dir" not in first:
        return str(first["narHash"])
    # When a revision was made says nothing about its contents.
    plain = [
        {"locked": {key: one for key, one in node["locked"].items() if key != "lastModified"}, "inputs": node["inputs"]}
        for node in reachable
    ]
    return digest(json.dumps(plain, sort_keys=True))


def inputs_of(data: bytes | None, name: str) -> frozenset[str] | None:
    """Name the inputs that an input of a lock has itself; None where it is not locked."""
    if data is None:
        return None
    lock = json.loads(data)
    graph = _Graph(lock["nodes"], lock["root"])
    node = graph.inputs_of(graph.root).get(name)
    return None if node is None else frozenset(graph.inputs_of(node))


def with_originals(data: bytes, other: bytes) -> bytes:
    """Write a lock with what another lock of the same flake has as the references that its inputs were asked for by."""
    lock, right = json.loads(data), json.loads(other)
    root = lock["nodes"][lock["root"]].get("inputs", {})
    for name, target in right["nodes"][right["root"]].get("inputs", {}).items():
        if isinstance(target, str) and isinstance(root.get(name), str):
            lock["nodes"][root[name]]["original"] = right["nodes"][target]["original"]
    return (json.dumps(lock, indent=2, sort_keys=True) + "\n").encode()


def locked_node(data: bytes | None, name: str) -> Node | None:
    """Give the attributes of the reference that an input is locked to; None where it is not locked."""
    if data is None:
        return None
    lock = json.loads(data)
    graph = _Graph(lock["nodes"], lock["root"])
    node = graph.inputs_of(graph.root).get(name)
    locked: Node | None = graph.nodes[node]["locked"] if node else None
    return locked


def digest(text: str) -> str:
    """Shorten a text to what tells it apart."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _is_relative(node: Node) -> bool:
    """Tell whether an input is a folder within another one: by itself it leads nowhere."""
    return node["locked"]["type"] == "path" and not str(node["locked"]["path"]).startswith("/")


def locked_url(locked: Node) -> str:
    """Write the attributes of a locked reference as the reference that `builtins.getFlake` takes."""
    from urllib.parse import parse_qsl, quote, urlencode

    kind = locked["type"]
    query = {key: str(locked[key]) for key in ("dir", "narHash") if key in locked}
    if kind in FORGES:
        place = f"{quote(locked['owner'], safe='')}/{quote(locked['repo'], safe='')}/{locked['rev']}"
        query |= {key: locked[key] for key in ("host",) if key in locked}
        url = f"{kind}:{place}"
    elif kind == "path":
        url = f"path:{quote(locked['path'])}"
        query |= {"lastModified": str(locked["lastModified"])} if "lastModified" in locked else {}
    else:
        scheme = "" if kind == "tarball" and not locked["url"].startswith("file:") else f"{kind}+"
        # A web server may want a query of its own, and old versions of Nix leave `dir` in it.
        place, _, own = locked["url"].partition("?")
        url = scheme + place
        query = dict(parse_qsl(own, keep_blank_values=True)) | query
        query |= {key: locked[key] for key in ("ref", "rev") if key in locked}
        query |= {key: "1" for key in ("shallow", "submodules") if locked.get(key)}
    return f"{url}?{urlencode(query, quote_via=quote)}" if query else url


# What Nix takes out of the query of a reference, by its kind; the rest belongs to the URL.
_PARAMETERS = {"git": ("ref", "rev"), "hg": ("ref", "rev"), "tarball": ("rev",), "file": ("rev",)}
_SWITCHES = ("shallow", "submodules")


def reference_attributes(url: str) -> dict[str, Any]:
    """Take a locked reference apart, as `flake.lock` has it: the reverse of `locked_url`; empty where it is none."""
    from urllib.parse import parse_qsl, quote, unquote, urlencode

    place, _, text = url.partition("?")
    scheme, _, rest = place.partition(":")
    query: dict[str, Any] = dict(parse_qsl(text, keep_blank_values=True))
    if "lastModified" in query:
        query["lastModified"] = int(query["lastModified"])
    if scheme in FORGES:
        parts = dict(zip(("owner", "repo", "rev"), map(unquote, rest.split("/")), strict=False))
        return {"type": scheme, **parts, **query} if rest.count("/") == 2 else {}  # noqa: PLR2004 - of three parts
    if scheme == "path":
        return {"type": scheme, "path": unquote(rest), **query}
    kind, _, transport = scheme.rpartition("+")
    kind = kind or "tarball"
    if kind not in _PARAMETERS or not rest.startswith("//"):
        return {}
    taken = (*_PARAMETERS[kind], *(_SWITCHES if kind == "git" else ()), "dir", "narHash")
    own = urlencode([one for one in query.items() if one[0] not in taken], quote_via=quote)
    about = {key: True if key in _SWITCHES else value for key, value in query.items() if key in taken}
    return {"type": kind, "url": f"{transport}:{rest}{own and '?'}{own}", **about}


def fetchable(reference: str) -> str:
    """Write a locked reference as Nix fetches it: in one of git, Nix takes a hash for a part of the address."""
    if not reference.startswith("git+"):
        return reference
    return re.sub(r"(?<=[?&])narHash=[^&]*(&|$)", "", reference).rstrip("?&")


def revision(locked: LockedInput) -> str:
    """Write which revision an input is locked to: date and short commit, as far as it has them."""
    date = day(locked.last_modified) if locked.last_modified else ""
    return " ".join(part for part in (date, locked.rev[:7]) if part)
