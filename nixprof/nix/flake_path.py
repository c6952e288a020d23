"""Folders as `path:` flake references: which can be written plainly, and which folder one names."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What a path may hold to stand in a `path:` reference as it is, whatever the Nix.
_PLAIN = r"[A-Za-z0-9/._+=-]+"

# Where a link with a plain name is made to a folder without one, for a Nix that decodes no path.
LINKS = "/tmp"  # noqa: S108 - each link is in a folder of its own that tempfile makes
LINK_PREFIX = "nixprof-"
_LINK = rf"{LINKS}/{LINK_PREFIX}[^/]+/([0-9a-f]{{32}})/([^/]+)"


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

    return unquote(reference.partition("?")[0].removeprefix("path:"))
