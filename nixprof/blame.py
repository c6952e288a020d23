"""What a failure of Nix means for the list: which package or which input it belongs to, and what still works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.errors import NixprofError
from nixprof.nix.explain import Trouble
from nixprof.words import count, display_path, package_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from nixprof.manifest.model import Input
    from nixprof.nix.explain import NixError

# So many lines of a log tell why a build failed, and so many names are read.
_LOG_LINES = 10
_NAMES = 3


def of_packages(
    error: NixError, absent: Mapping[str, str], derivations: Mapping[str, str], log: str, others: int
) -> NixprofError:
    """Say which packages cannot be had because Nix failed to fetch or to build.

    Args:
        error: what Nix said.
        absent: the store paths that are not there, each with the key of its package.
        derivations: what builds them, each with the key of its package, as far as that is known.
        log: of the build that failed; empty where there is none.
        others: how many packages of the list are installed all the same.

    """
    names = sorted({package_name(key) for key in absent.values()})
    match error.trouble:
        case Trouble.NETWORK | Trouble.CACHE:
            are = "is" if len(names) == 1 else "are"
            hints = (*error.hints[:-1], _what_else(others, error.hints[-1])) if error.hints else ()
            return NixprofError(
                f"{error.message}, and {count(len(names), 'package')} {are} not in the store: {', '.join(names)}",
                cause=error.cause,
                hints=(*hints, "or build instead of downloading: NIX_CONFIG='substituters =' nixprof sync"),
            )
        case Trouble.BUILD:
            name = error.found["name"]
            key = derivations.get(error.found["drv"])
            return NixprofError(
                error.message.replace(name, package_name(key) if key else f"{name}, {_needed_by(names)},", 1),
                cause="\n".join(filter(None, (error.cause, *log.splitlines()[-_LOG_LINES:]))) or None,
                hints=error.hints,
            )
    return error


def _what_else(others: int, hint: str) -> str:
    if not others:
        return hint
    return f"the other {others} are in sync; {hint}" if others > 1 else f"the other one is in sync; {hint}"


def _needed_by(names: Sequence[str]) -> str:
    if len(names) > _NAMES:
        return "which packages of the list need"
    return f"which {', '.join(names)} {'needs' if len(names) == 1 else 'need'}"


def of_input(error: NixError, inputs: Iterable[Input], listed: Collection[str], manifest: Path) -> NixprofError:
    """Say which input it is that Nix failed to look up.

    Args:
        error: what Nix said.
        inputs: those that may be meant.
        listed: the names of the inputs that the manifest has already.
        manifest: the file.

    """
    one = _meant(error, list(inputs))
    if one is None or error.trouble not in (Trouble.INPUT, Trouble.NETWORK):
        return error
    if error.trouble is Trouble.NETWORK:
        message = f"{error.message}, where the input {one.name} comes from"
        return NixprofError(message, cause=error.cause, hints=error.hints)
    where = f"it is under [inputs] in {display_path(manifest)}" if one.name in listed else "check how it is written"
    return NixprofError(
        f"the input {one.name} leads nowhere: {error.message}",
        cause=error.cause,
        hints=(*error.hints, f'{where}: {one.name} = "{one.url}"'),
    )


def _meant(error: NixError, inputs: Sequence[Input]) -> Input | None:
    """Find the input by the name that newer versions tell, else by what of its reference Nix repeats."""
    named = error.found.get("input_name")
    for one in inputs:
        if one.name == named:
            return one
    if len(inputs) == 1:
        return inputs[0]
    said = " ".join((error.said, *error.found.values()))
    return next((one for one in inputs if _place(one.url) in said), None)


def _place(url: str) -> str:
    return url.partition("?")[0].rpartition(":")[2].lstrip("/")
