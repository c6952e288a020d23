"""What a failure of Nix means for the list: which package or which input it belongs to, and what still works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.errors import NixprofError
from nixprof.nix.explain import Trouble
from nixprof.storepath import name_of
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
            missing = f", and {count(len(names), 'package')} {are} not in the store: {', '.join(names)}"
            return NixprofError(
                error.message if error.found.get("name") in _with_versions(absent) else error.message + missing,
                cause=error.cause,
                hints=(
                    *_what_else(others, error.hints),
                    "or build instead of downloading: NIX_CONFIG='substituters =' nixprof sync",
                ),
            )
        case Trouble.BUILD:
            name = error.found["name"]
            key = derivations.get(error.found["drv"])
            return NixprofError(
                error.message.replace(name, package_name(key) if key else f"{name}, {_needed_by(names)},", 1),
                cause="\n".join(filter(None, (error.cause, *log.splitlines()[-_LOG_LINES:]))) or None,
                hints=(*error.hints, *_elsewhere(key, error.found.get("system"))),
            )
    return error


def _with_versions(paths: Iterable[str]) -> set[str]:
    return {name_of(path) for path in paths}


def _what_else(others: int, hints: Sequence[str]) -> tuple[str, ...]:
    """Say that the rest is well, and what to do."""
    if not others:
        return tuple(hints)
    rest = f"the other {others} are in sync" if others > 1 else "the other one is in sync"
    return (f"{rest}; {hints[0]}", *hints[1:]) if hints else (rest,)


def _elsewhere(key: str | None, system: str | None) -> tuple[str, ...]:
    """Offer to list a package only for the system that builds it."""
    if key is None or system is None:
        return ()
    entry = f'[system.{system}]\npackages = ["{package_name(key)}"]'
    return (f"list it in nixprof.toml only for the systems that have it:\n{entry}",)


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
    if error.trouble not in (Trouble.INPUT, Trouble.NETWORK):
        return error
    name = f"the input {one.name}" if one else "an input"
    if one is None or error.trouble is Trouble.NETWORK:
        return NixprofError(f"{name} cannot be had: {error.message}", cause=error.cause, hints=error.hints)
    where = f"it is under [inputs] in {display_path(manifest)}" if one.name in listed else "check how it is written"
    return NixprofError(
        f"{name} cannot be had: {error.message}",
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
    named_parts = [part for part in error.found.values() if part]
    return next(
        (one for one in inputs if _place(one.url) in error.said or any(part in one.url for part in named_parts)), None
    )


def _place(url: str) -> str:
    return url.partition("?")[0].rpartition(":")[2].lstrip("/")
