"""Flake references: what is one, its parts, what a folder's is, and what to call the input of one.

Their forms: https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#flake-references
"""

from __future__ import annotations

import os
import re
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nixprof.nix.profile import FORGES
from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_RELATIVE: Final = r"(?:[a-z+]+:)?(?:[.~]|$)|(?:path|git\+file|hg\+file):(?!/)"
REVISION: Final = r"[0-9a-f]{40}|[0-9a-f]{64}"
# What only a locked reference has.
_LOCKING: Final = ("rev", "revCount", "narHash", "lastModified", "lastModifiedDate", "dirtyRev", "dirtyShortRev")
_ARCHIVE: Final = r"\.(git|tar(\.\w+)?|tgz|zip)$"
# What the branch of a repository is called that people mean when they name none.
_USUAL_BRANCHES: Final = ("main", "master")
# Archives that a forge or FlakeHub makes of a repository; the groups are its owner and its name.
_DOWNLOAD: Final = (
    r"//(?:(?:api\.)?flakehub\.com/f(?:/pinned)?/([^/]+)/([^/]+)/"
    r"|[^/]+/([^/]+)/([^/]+)/(?:-/)?(?:archive|tarball|releases)/)"
)


@record
class Reference:
    """A flake reference, taken apart."""

    base: str  # without branch, revision and parameters, such as `github:NixOS/nixpkgs`
    branch: str  # empty where it names none
    rev: str  # the commit; empty where it names none
    query: tuple[tuple[str, str], ...]  # the other parameters, such as `dir`, but none that lock

    @classmethod
    def parse(cls, url: str) -> Reference:
        """Take a reference apart; any text gives something."""
        from urllib.parse import parse_qsl

        place, _, text = url.partition("#")[0].partition("?")
        if ":" not in place and not place.startswith("/"):
            place = f"flake:{place}"
        query = dict(parse_qsl(text, keep_blank_values=True))
        branch, rev = query.pop("ref", ""), query.get("rev", "")
        scheme = place.partition(":")[0]
        parts = place.split("/")
        at = 2 if scheme in FORGES else 1 if scheme == "flake" else len(parts)
        words = parts[at:]
        rev = rev or next((word for word in words if re.fullmatch(REVISION, word)), "")
        branch = branch or "/".join(word for word in words if not re.fullmatch(REVISION, word))
        rest = tuple((key, value) for key, value in query.items() if key not in _LOCKING)
        return cls("/".join(parts[:at]), branch.removeprefix("refs/heads/"), rev, rest)

    @property
    def is_indirect(self) -> bool:
        """Whether it means an entry of the registry."""
        return self.base.startswith("flake:")

    @property
    def is_nixpkgs(self) -> bool:
        """Whether it means nixpkgs by any of its usual names."""
        base = self.base.casefold().removesuffix(".git")
        base = re.sub(r"^git\+(?:https?|ssh)://(?:git@)?github\.com/", "github:", base)
        return base in ("flake:nixpkgs", "github:nixos/nixpkgs", "github:nixos/nixpkgs-channels")

    def moving(self, branch: str) -> str:
        """Write the reference with a branch (empty for none) and no revision, so that it can be updated."""
        from urllib.parse import urlencode

        in_path = self.is_indirect or self.base.startswith(tuple(f"{forge}:" for forge in FORGES))
        place = f"{self.base}/{branch}" if branch and in_path else self.base
        query = urlencode([*self.query, *([("ref", branch)] if branch and not in_path else [])])
        return f"{place}?{query}" if query else place


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
    real = Path(os.path.realpath(folder))
    above = (real, *real.parents)
    repository = next((place for place in above if not is_url and os.path.lexists(place / ".git")), None)
    if repository is None:
        return f"path:{quote(os.fsencode(folder))}{mark}{query}"
    # The flake in it that the folder belongs to.
    within = above[: above.index(repository) + 1]
    flake = next((place for place in within if os.path.lexists(place / "flake.nix")), real)
    inside = "" if flake == repository else f"dir={quote(os.fsencode(os.path.relpath(flake, repository)))}"
    more = "&".join(filter(None, (query, inside)))
    return f"git+file://{quote(os.fsencode(repository))}{more and '?'}{more}"


def input_name(reference: str, taken: Sequence[str]) -> str:
    """Choose a readable name for an input that is not taken: the repository's name; for a nixpkgs the branch's."""
    names = (_as_name(name) for name in _names(reference) if name.strip("-"))
    return next(name for name in names if name not in taken)


def _names(reference: str) -> Iterator[str]:
    """Give names for a flake, the best first, without end."""
    one = Reference.parse(reference)
    owner, repository = _repository(one.base)
    if repository == "nixpkgs" and one.branch not in _USUAL_BRANCHES:
        yield one.branch
    yield from (repository, f"{repository}-{one.branch}", f"{owner}-{repository}")
    yield from (f"{repository}-{value.rpartition('/')[2]}" for key, value in one.query if key == "dir")
    yield from (f"{repository or 'flake'}{f'-{number}' if number > 1 else ''}" for number in count(1))


def _repository(base: str) -> tuple[str, str]:
    """Return the owner and the repository that a reference names; empty where it names none."""
    scheme, _, place = base.partition(":")
    parts = [part for part in place.split("/") if part]
    if scheme in FORGES:
        owner, repository, *_ = (*parts, "", "")
        return owner, repository
    if found := re.match(_DOWNLOAD, place):
        owner, repository = filter(None, found.groups())
        return owner, repository
    ends = [re.sub(_ARCHIVE, "", part) for part in reversed(parts)]
    # A download often ends in a version, and `*`, `v1.0` and `24.05` name no flake.
    words = [one for one in ends if one[:1].isalpha() and not re.fullmatch(r"v\d[\d.]*", one)]
    return "", next(iter((*(words if scheme.endswith(("http", "https")) else ()), *ends)), "")


def _as_name(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")
    return name if name[:1].isalpha() and name != "self" else f"flake-{name}"
