"""Folders as `path:` flake references: which can be written plainly, and where one leads."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What a path may hold to stand in a `path:` reference as it is, whatever the Nix.
_PLAIN = re.compile(r"[A-Za-z0-9/._+=-]+")

# Where a link with a plain name is made to a folder without one, for a Nix that decodes no path.
LINKS = "/tmp"  # noqa: S108 - each link is in a folder of its own that tempfile makes
LINK_PREFIX = "nixprof-"


def is_plain(path: str) -> bool:
    """Tell whether every Nix reads a path in a reference as it stands."""
    return bool(_PLAIN.fullmatch(path))


def leads_to(reference: str, folder: Path) -> bool:
    """Tell whether a reference names a folder itself."""
    real = os.path.realpath(folder)
    said = reference.partition("?")[0]
    if is_plain(real):
        return said == f"path:{real}"
    from urllib.parse import unquote

    return unquote(said) == f"path:{real}"


def link_name(parent: str) -> str:
    """Name the link to a folder so that an element that was installed through it tells which folder that was."""
    import hashlib

    return hashlib.sha256(os.fsencode(parent)).hexdigest()[:32]


def came_from(reference: str, folder: Path) -> bool:
    """Tell whether a reference names a folder, or is or was a link to it."""
    if leads_to(reference, folder):
        return True
    named = _folder(reference)
    if named and os.path.realpath(named) == os.path.realpath(folder):
        return True
    parent, name = os.path.split(os.path.realpath(folder))
    return _link(reference) == (link_name(parent), name)


def is_gone(reference: str) -> bool:
    """Tell whether a reference names a folder of this machine that is not there any more, or is a flake no more.

    Nix reads no `flake.nix` that is a link out of its folder.
    """
    folder = _folder(reference)
    if folder is None or _link(reference):
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

    return unquote(reference.partition("?")[0].removeprefix("path:"))


def _link(reference: str) -> tuple[str, str] | None:
    """Take apart a reference that goes through a link; None for any other."""
    found = re.fullmatch(rf"path:{LINKS}/{LINK_PREFIX}[^/]+/([0-9a-f]{{32}})/([^/]+)", reference.partition("?")[0])
    return (found[1], found[2]) if found else None
