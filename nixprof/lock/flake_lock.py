"""`flake.lock`: which revision of each input Nix has locked. Written by Nix, only read here.

The format is Nix's lock file version 7 (5 and 6 are alike in what is read):
https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake.html#lock-files
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nixprof.errors import NixprofError, Reason
from nixprof.files import read_file
from nixprof.formatting import day, shell_quote
from nixprof.lock.merge_conflict import check_merged, unusable
from nixprof.schema import MISSHAPEN, wrong_with

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class LockedInput:
    """An input at the revision that it is locked to.

    Attributes:
        url: the locked flake reference.
        rev: the commit; empty where the input has none (a path, a tarball).
        last_modified: of the revision, in seconds since 1970; 0 where it is not known.
        identity: equal while the contents of the input and of everything that it depends on are.
        nodes: the input and everything that it depends on as `flake.lock` has it, each with its own inputs by their
            places here; empty where it depends on nothing, or on a folder within another input.

    """

    url: str
    rev: str
    last_modified: int
    identity: str
    nodes: tuple[Mapping[str, Any], ...] = ()


def read_flake_lock(path: Path) -> Mapping[str, LockedInput]:
    """Read the locked inputs of a flake by name; none where there is no lock.

    Raises: NixprofError where the file is no lock of a flake.
    """
    try:
        text = read_file(path)
        check_merged(path, text)
        data = json.loads(text)
        nodes = data["nodes"]
        named = nodes[data["root"]].get("inputs", {})
        return {name: _locked_input(nodes, data["root"], target) for name, target in named.items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise unusable(path, error) from error
    except MISSHAPEN as error:
        raise NixprofError(
            f"{path} is not a lock file that Nix wrote",
            Reason.DAMAGED,
            cause=wrong_with(error),
            hints=(f"rm {shell_quote(str(path))}", "and nixprof sync, which locks the inputs again"),
        ) from error


def _locked_input(nodes: Mapping[str, Any], root: str, target: str | list[str]) -> LockedInput:
    name = _follow(nodes, root, target)
    locked = nodes[name]["locked"]
    reachable = _reachable(nodes, root, name)
    return LockedInput(
        url=_url(locked),
        rev=str(locked.get("rev", "")),
        last_modified=int(locked.get("lastModified", 0)),
        identity=_identity([_without_time(node) for node in reachable]),
        nodes=tuple(reachable) if len(reachable) > 1 and not any(map(_is_relative, reachable)) else (),
    )


def _follow(nodes: Mapping[str, Any], root: str, target: str | list[str]) -> str:
    """Resolve what a node's `inputs` say: a node, or the way to one from the root (a `follows`)."""
    if isinstance(target, str):
        return target
    name = root
    for step in target:
        name = _follow(nodes, root, nodes[name]["inputs"][step])
    return name


def _identity(reachable: list[Any]) -> str:
    """Name an input by its own hash where it depends on nothing else."""
    first = reachable[0]["locked"]
    if len(reachable) == 1 and "narHash" in first and "dir" not in first:
        return str(first["narHash"])
    return digest(json.dumps(reachable, sort_keys=True))


def digest(text: str) -> str:
    """Shorten a text to what tells it apart."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _reachable(nodes: Mapping[str, Any], root: str, start: str) -> list[Any]:
    """Give the locked nodes that `start` leads to, itself first, with places instead of the names in the lock."""
    order = [start]
    for name in order:
        for _, target in sorted(nodes[name].get("inputs", {}).items()):
            node = _follow(nodes, root, target)
            if node not in order:
                order.append(node)
    return [
        {
            "locked": nodes[name]["locked"],
            **{key: nodes[name][key] for key in ("flake",) if key in nodes[name]},
            "inputs": {
                key: order.index(_follow(nodes, root, target)) for key, target in nodes[name].get("inputs", {}).items()
            },
        }
        for name in order
    ]


def _is_relative(node: Mapping[str, Any]) -> bool:
    """Tell whether an input is a folder within another one: by itself it leads nowhere."""
    return node["locked"]["type"] == "path" and not str(node["locked"]["path"]).startswith("/")


def _without_time(node: Mapping[str, Any]) -> dict[str, Any]:
    """Leave away what does not tell contents apart."""
    locked = {key: value for key, value in node["locked"].items() if key != "lastModified"}
    return {"locked": locked, "inputs": node["inputs"]}


def _url(locked: Mapping[str, Any]) -> str:
    """Write the attributes of a locked reference as the reference that `builtins.getFlake` takes."""
    from urllib.parse import parse_qsl, quote, urlencode

    kind = locked["type"]
    query = {key: str(locked[key]) for key in ("dir", "narHash") if key in locked}
    if kind in ("github", "gitlab", "sourcehut"):
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


def revision(locked: LockedInput) -> str:
    """Write which revision an input is locked to: date and short commit, as far as it has them."""
    date = day(locked.last_modified) if locked.last_modified else ""
    return " ".join(part for part in (date, locked.rev[:7]) if part)
