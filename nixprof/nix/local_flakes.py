"""What flake references mean on this machine, and whether what they name is here. Starts no Nix."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixprof.folders import home
from nixprof.nix.profile import FORGES
from nixprof.schema import MISSHAPEN, is_path, text
from nixprof.store_path import store

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a path may hold to stand in a `path:` reference as it is, whatever the Nix.
_PLAIN = r"[A-Za-z0-9/._+=-]+"
# Where a link with a plain name is made to a folder without one, for a Nix that decodes no path.
LINKS = "/tmp"  # noqa: S108 - each link is in a folder of its own that tempfile makes
LINK_PREFIX = "nixprof-"
_LINK = rf"{LINKS}/{LINK_PREFIX}[^/]+/([0-9a-f]{{32}})/([^/]+)"

## folders


def is_plain(path: str) -> bool:
    """Tell whether every Nix reads a path in a reference as it stands."""
    return bool(re.fullmatch(_PLAIN, path))


def link_name(parent: str) -> str:
    """Name the link to a folder so that an element that was installed through it tells which folder that was."""
    import hashlib

    return hashlib.sha256(os.fsencode(parent)).hexdigest()[:32]


def leads_to(reference: str, folder: Path) -> bool:
    """Tell whether a reference names a folder itself, and not by a link."""
    return _folder(reference) == os.path.realpath(folder)


def came_from(reference: str, folder: Path) -> bool:
    """Tell whether a reference names a folder, or is or was a link to it."""
    named, real = _folder(reference), os.path.realpath(folder)
    if named is None or os.path.realpath(named) == real:
        return named is not None
    link = re.fullmatch(_LINK, named)
    return link is not None and link.groups() == (link_name(os.path.dirname(real)), os.path.basename(real))


def is_gone(reference: str) -> bool:
    """Tell whether a reference names a folder of this machine that is not there any more, or is a flake no more.

    Nix reads no `flake.nix` that is a link out of its folder.
    """
    folder = _folder(reference)
    if folder is None or re.fullmatch(_LINK, folder):
        return False
    try:
        os.lstat(folder)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):  # one that may not be looked at is there
        return False
    return os.path.islink(os.path.join(folder, "flake.nix"))


def _folder(reference: str) -> str | None:
    """Return the folder that a reference names by its absolute path; None for any other."""
    if not reference.startswith("path:/"):
        return None
    from urllib.parse import unquote

    folder = unquote(reference.partition("?")[0].removeprefix("path:"))
    return folder if is_path(folder) else None


## the sources of locked inputs

_DIGITS = "0123456789abcdfghijklmnpqrsvwxyz"
_HASH_BYTES = 20


def is_here(reference: str) -> bool:
    """Tell whether a locked reference can be used without a download: it is of this machine, or in the store."""
    from urllib.parse import parse_qs

    place, _, query = reference.partition("?")
    if place.startswith(("path:", "git+file:", "file:", "tarball+file:")):
        return True
    hashes = parse_qs(query).get("narHash", [])
    return bool(hashes) and os.path.lexists(source_path(hashes[0]))


def source_path(nar_hash: str) -> str:
    """Give the store path of a source by the hash of its contents, such as `sha256-…=`; empty where it is none."""
    # https://nix.dev/manual/nix/latest/protocols/store-path
    import hashlib
    from base64 import b64decode

    kind, _, digits = nar_hash.partition("-")
    try:
        inner = b64decode(digits if kind == "sha256" else "!", validate=True).hex()
    except ValueError:
        return ""
    digest = hashlib.sha256(f"source:sha256:{inner}:{store()}:source".encode()).digest()
    folded = bytearray(_HASH_BYTES)
    for index, byte in enumerate(digest):
        folded[index % _HASH_BYTES] ^= byte
    number = int.from_bytes(folded, "little")
    name = "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(_HASH_BYTES * 8 // 5)))
    return f"{store()}/{name}-source"


## the registry


def registry() -> dict[str, str]:
    """Read what the names of the system's and the user's registry mean, as flake references.

    The global one, which Nix downloads, is left out: it names branches that move, and no release of nixpkgs. So is what
    cannot be read, because Nix itself will complain about it.
    The format: https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-registry#registry-format
    """
    system = Path(os.environ.get("NIX_CONF_DIR") or "/etc/nix")
    return {**_entries(system / "registry.json"), **_entries(user_registry())}


def user_registry() -> Path:
    """Find the user's registry, which may not exist."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or home() / ".config") / "nix/registry.json"


def _entries(path: Path) -> dict[str, str]:
    import json

    from nixprof.files import read_file

    found: dict[str, str] = {}
    with suppress(OSError, *MISSHAPEN):
        entries = json.loads(read_file(path))["flakes"]
        for entry in entries if isinstance(entries, list) else ():
            with suppress(*MISSHAPEN):
                if entry["from"]["type"] == "indirect":
                    found[text(entry["from"]["id"])] = reference_of(entry["to"])
    return found


def reference_of(to: Mapping[str, Any]) -> str:
    """Write the attributes of a reference as one that people write."""
    kind = text(to["type"])
    branch = text(to.get("ref") or to.get("rev") or "")
    if kind in FORGES or kind == "indirect":
        place = f"flake:{text(to['id'])}" if kind == "indirect" else f"{kind}:{text(to['owner'])}/{text(to['repo'])}"
        return f"{place}/{branch}" if branch else place
    if kind == "git":
        return f"git+{text(to['url'])}" + (f"?ref={branch}" if branch else "")
    return f"path:{text(to['path'])}" if kind == "path" else text(to["url"])
