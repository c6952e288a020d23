"""The flake registry of this machine: which flake a name such as `nixpkgs` means here. Starts no Nix.

The global registry, which Nix downloads, is left out: it names branches that move, and no release of nixpkgs.
The format: https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-registry#registry-format
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixprof.files import read_file
from nixprof.folders import home
from nixprof.nix.profile import FORGES
from nixprof.schema import MISSHAPEN, text

if TYPE_CHECKING:
    from collections.abc import Mapping


def registry() -> dict[str, str]:
    """Read what the names of the system's and the user's registry mean, as flake references.

    Returns: references by name; what cannot be read is left out, because Nix itself will complain about it.
    """
    system = Path(os.environ.get("NIX_CONF_DIR") or "/etc/nix")
    user = Path(os.environ.get("XDG_CONFIG_HOME") or home() / ".config") / "nix"
    return {**_read(system / "registry.json"), **_read(user / "registry.json")}


def _read(path: Path) -> dict[str, str]:
    try:
        entries = json.loads(read_file(path))["flakes"]
    except (OSError, *MISSHAPEN):
        return {}
    found: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else ():
        with suppress(*MISSHAPEN):
            if entry["from"]["type"] == "indirect":
                found[text(entry["from"]["id"])] = _reference(entry["to"])
    return found


def _reference(to: Mapping[str, Any]) -> str:
    """Write the attributes of a reference as one that people write."""
    kind = text(to["type"])
    branch = text(to.get("ref") or to.get("rev") or "")
    if kind in FORGES or kind == "indirect":
        place = f"flake:{text(to['id'])}" if kind == "indirect" else f"{kind}:{text(to['owner'])}/{text(to['repo'])}"
        return f"{place}/{branch}" if branch else place
    if kind == "git":
        return f"git+{text(to['url'])}" + (f"?ref={branch}" if branch else "")
    return f"path:{text(to['path'])}" if kind == "path" else text(to["url"])
