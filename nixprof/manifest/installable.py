"""What users type after `add`: a spec, or any installable of Nix's, which names its flake by a reference.

The forms of flake references: https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#flake-references
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.formatting import shell_quote
from nixprof.manifest.model import Input
from nixprof.manifest.spec import DEFAULT_INPUT, Spec, SpecError
from nixprof.redact import excerpt
from nixprof.store_path import is_store_path

if TYPE_CHECKING:
    from collections.abc import Sequence

_ARCHIVE = re.compile(r"\.(git|tar(\.\w+)?|tgz|zip)$")
# Archives that a forge or FlakeHub makes of a repository; the groups are its owner and its name.
_DOWNLOAD = re.compile(
    r"//(?:(?:api\.)?flakehub\.com/f(?:/pinned)?/([^/]+)/([^/]+)/"
    r"|[^/]+/([^/]+)/([^/]+)/(?:-/)?(?:archive|tarball|releases)/)"
)
_FORGES = ("github", "gitlab", "sourcehut")


@dataclass(frozen=True, slots=True)
class Installable:
    """A package to add: its spec, and the input that has to be added for it, if any."""

    spec: Spec
    new_input: Input | None = None


def read_installable(text: str, inputs: Sequence[Input]) -> Installable:
    """Read what a user typed.

    Args:
        text: such as `git^out,man`, `unstable#neovim`, `github:owner/repo#attr` or `./flake#x`.
        inputs: those that there are.

    Raises: NixprofError where it is none, or names an input that is not there.

    """
    if is_store_path(text):
        return Installable(_spec(text))
    flake, hash_, rest = text.partition("#")
    names = [one.name for one in inputs]
    if not _is_reference(flake):
        if hash_ and flake not in names:
            raise _unknown_input(flake, rest, names)
        return Installable(_spec(text))
    if not hash_:
        flake, caret, outputs = flake.partition("^")
        rest = f"default{caret}{outputs}"
    spec = _spec(rest if rest and not rest.startswith("^") else f"default{rest}")
    url = absolute(flake)
    known = next((one for one in inputs if one.url == url), None)
    if known:
        return Installable(replace(spec, input=known.name))
    new = Input(input_name(url, names), url)
    return Installable(replace(spec, input=new.name), new)


def _spec(text: str) -> Spec:
    try:
        return Spec.parse(text)
    except SpecError as error:
        raise NixprofError(
            f"{excerpt(text)!r} {error.message}", Reason.INVALID_PACKAGE, hints=(error.fix,) if error.fix else ()
        ) from error


def as_installable(spec: str) -> str:
    """Write a spec so that it is read as one, and not as a reference: an attribute may hold what only those have."""
    return f"{DEFAULT_INPUT}#{spec}" if _is_reference(spec.partition("#")[0].partition("^")[0]) else spec


def _is_reference(flake: str) -> bool:
    """Tell a reference from the name of an input; a quoted attribute may hold anything."""
    return '"' not in flake and (":" in flake or "/" in flake or flake.startswith((".", "~")))


def _unknown_input(name: str, rest: str, names: Sequence[str]) -> NixprofError:
    close = difflib.get_close_matches(name, names, n=1)
    hints = [f"did you mean {close[0]}? nixprof add {shell_quote(f'{close[0]}#{rest}')}"] if close else []
    if name:
        hints.append(f"for a flake of the registry: nixprof add {shell_quote(f'flake:{name}#{rest}')}")
    return NixprofError(
        f"there is no input {excerpt(name) or '(without a name)'}", Reason.NO_SUCH_INPUT, hints=tuple(hints)
    )


def absolute(flake: str) -> str:
    """Write a reference to a folder so that it means the same everywhere: one in a git repository as a part of that.

    As Nix does it: of a repository only what git knows gets into the store, which everybody can read.
    https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#path-like-syntax
    """
    path, mark, query = flake.removeprefix("path:").partition("?")
    if not path.startswith((".", "~", "/")):
        return flake
    from urllib.parse import quote, unquote

    # Only in a reference is a path percent-encoded.
    plain = unquote(path) if flake.startswith("path:") else path
    folder = os.path.abspath(os.path.expanduser(plain))
    repository, inside = (None, "") if flake.startswith("path:") else _in_repository(folder)
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


def input_name(url: str, taken: Sequence[str]) -> str:
    """Choose a readable name for an input.

    Args:
        url: its flake reference.
        taken: the names that there are.

    Returns: the repository's name; for a nixpkgs the branch; with what tells it apart where that is taken.

    """
    path, _, query = url.removeprefix("flake:").partition("?")
    subfolder = re.search(r"(?:^|&)dir=([^&]+)", query)
    scheme, colon, place = path.partition(":")
    parts = [part for part in (place if colon else path).split("/") if part]
    owner = repository = branch = ""
    if colon and scheme in _FORGES:
        owner, repository, branch = (*parts, "", "", "")[:3]
    elif not colon:
        repository, branch = (*parts, "", "")[:2]
    elif found := _DOWNLOAD.match(place):
        owner, repository = filter(None, found.groups())
    else:
        ends = [_ARCHIVE.sub("", part) for part in reversed(parts)]
        # Downloads often end in a version.
        words = filter(_is_word, ends) if scheme.endswith(("http", "https")) else ()
        repository = next(iter((*words, *ends)), "")
    ref = re.search(r"(?:^|&)ref=([^&]+)", query)
    branch = branch or (ref[1] if ref else "")
    candidates = [branch] if repository == "nixpkgs" and branch else []
    candidates += [repository, f"{repository}-{branch}", f"{owner}-{repository}"]
    candidates += [f"{repository}-{subfolder[1].rpartition('/')[2]}"] if subfolder else []
    candidates += ["" if repository else "flake"]
    candidates += [f"{repository or 'flake'}-{number}" for number in range(2, len(taken) + 3)]
    names = (_as_name(candidate) for candidate in candidates if candidate.strip("-"))
    return next(name for name in names if name not in taken)


def _is_word(text: str) -> bool:
    """Tell whether a part of an address can name a flake, which `*`, `v1.0` and `24.05` cannot."""
    return text[:1].isalpha() and not re.fullmatch(r"v\d[\d.]*", text)


def _as_name(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")
    return name if name[:1].isalpha() and name != "self" else f"flake-{name}"
