"""Flake references: what is one, what a folder's is, and what to call the input of one.

Their forms: https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#flake-references
"""

from __future__ import annotations

import os
import re
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nixprof.nix.profile import FORGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_RELATIVE: Final = r"(?:[a-z+]+:)?(?:[.~]|$)|(?:path|git\+file|hg\+file):(?!/)"
_ARCHIVE: Final = r"\.(git|tar(\.\w+)?|tgz|zip)$"
# Archives that a forge or FlakeHub makes of a repository; the groups are its owner and its name.
_DOWNLOAD: Final = (
    r"//(?:(?:api\.)?flakehub\.com/f(?:/pinned)?/([^/]+)/([^/]+)/"
    r"|[^/]+/([^/]+)/([^/]+)/(?:-/)?(?:archive|tarball|releases)/)"
)


def is_reference(text: str) -> bool:
    """Tell a reference from the name of an input; a quoted attribute may hold anything."""
    return '"' not in text and (":" in text or "/" in text or text.startswith((".", "~")))


def is_relative(reference: str) -> bool:
    """Tell whether a reference means a folder that depends on who reads it, and where."""
    return bool(re.match(_RELATIVE, reference))


def absolute(reference: str) -> str:
    """Write a reference to a folder so that it means the same everywhere.

    As Nix does it: one in a git repository as a part of that, of which only what git knows gets into the store.
    https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#path-like-syntax
    """
    path, mark, query = reference.removeprefix("path:").partition("?")
    if not path.startswith((".", "~", "/")):
        return reference
    from urllib.parse import quote, unquote

    is_url = reference.startswith("path:")  # only there is a path percent-encoded
    folder = os.path.abspath(os.path.expanduser(unquote(path) if is_url else path))
    repository, inside = (None, "") if is_url else _in_repository(folder)
    if repository is None:
        return f"path:{quote(os.fsencode(folder))}{mark}{query}"
    more = "&".join(part for part in (query, inside and f"dir={quote(os.fsencode(inside))}") if part)
    return f"git+file://{quote(os.fsencode(repository))}{more and '?'}{more}"


def _in_repository(folder: str) -> tuple[str | None, str]:
    """Find the git repository that a folder is in, and the flake in it that the folder belongs to; as Nix looks."""
    real = Path(os.path.realpath(folder))
    above = (real, *real.parents)
    repository = next((place for place in above if os.path.lexists(place / ".git")), None)
    if repository is None:
        return None, ""
    within = above[: above.index(repository) + 1]
    flake = next((place for place in within if os.path.lexists(place / "flake.nix")), real)
    inside = os.path.relpath(flake, repository)
    return str(repository), "" if inside == "." else inside


def input_name(reference: str, taken: Sequence[str]) -> str:
    """Choose a readable name for an input that is not taken: the repository's name; for a nixpkgs the branch's."""
    names = (_as_name(name) for name in _names(reference) if name.strip("-"))
    return next(name for name in names if name not in taken)


def _names(reference: str) -> Iterator[str]:
    """Give names for a flake, the best first, without end."""
    owner, repository, branch = _parts(reference)
    subfolder = re.search(r"[?&]dir=(?:[^&]*/)?([^&/]+)", reference)
    if repository == "nixpkgs":
        yield branch
    yield from (repository, f"{repository}-{branch}", f"{owner}-{repository}")
    if subfolder:
        yield f"{repository}-{subfolder[1]}"
    yield from (f"{repository or 'flake'}{f'-{number}' if number > 1 else ''}" for number in count(1))


def _parts(reference: str) -> tuple[str, str, str]:
    """Return the owner, the repository and the branch that a reference names; empty where it names none."""
    path, _, query = reference.removeprefix("flake:").partition("?")
    scheme, colon, place = path.partition(":") if ":" in path else ("", "", path)
    ref = re.search(r"(?:^|&)ref=([^&]+)", query)
    branch = ref[1] if ref else ""
    parts = [part for part in place.split("/") if part]
    if not colon:
        repository, named = (*parts, "", "")[:2]
        return "", repository, named or branch
    if scheme in FORGES:
        owner, repository, named = (*parts, "", "", "")[:3]
        return owner, repository, named or branch
    if found := re.match(_DOWNLOAD, place):
        owner, repository = filter(None, found.groups())
        return owner, repository, branch
    ends = [re.sub(_ARCHIVE, "", part) for part in reversed(parts)]
    # A download often ends in a version, and `*`, `v1.0` and `24.05` name no flake.
    words = [one for one in ends if one[:1].isalpha() and not re.fullmatch(r"v\d[\d.]*", one)]
    return "", next(iter((*(words if scheme.endswith(("http", "https")) else ()), *ends)), ""), branch


def _as_name(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")
    return name if name[:1].isalpha() and name != "self" else f"flake-{name}"
