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
LINK = "to"


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


def came_from(reference: str, folder: Path) -> bool:
    """Tell whether a reference names a folder, or may have been a link to it that is gone."""
    if leads_to(reference, folder):
        return True
    real = os.path.realpath(folder)
    link = rf"path:{LINKS}/{LINK_PREFIX}[^/]+/{LINK}/{re.escape(os.path.basename(real))}"
    return not is_plain(real) and bool(re.fullmatch(link, reference.partition("?")[0]))
