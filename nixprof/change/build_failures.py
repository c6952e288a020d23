"""What a failure of Nix means for the list: which package or which input it belongs to, and what still works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.formatting import count, display_path, package_name
from nixprof.nix.derivation import is_download
from nixprof.nix.errors import plain, unreachable
from nixprof.redact import excerpt
from nixprof.store_path import is_store_path, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from nixprof.manifest.model import Input
    from nixprof.nix.errors import NixError

# So many lines of a log tell why a build failed, of each of several fewer; so long a line, and so many names are read.
_LOG_LINES = 10
_FEWEST_LINES = 3
_LINE_LENGTH = 200
_NAMES = 3


def of_packages(
    error: NixError,
    absent: Mapping[str, str],
    derivations: Mapping[str, str],
    log: Callable[[str], str],
    others: int,
    command: str,
) -> NixprofError:
    """Say which packages cannot be had because Nix failed to fetch or to build.

    Args:
        error: what Nix said.
        absent: the store paths that are not there, each with the key of its package.
        derivations: what builds them, each with the key of its package, as far as that is known.
        log: gives what a build has written; empty where there is none.
        others: how many packages of the list are installed all the same.
        command: what the user typed.

    """
    names = sorted({package_name(key) for key in absent.values()})
    match error.reason:
        case Reason.NETWORK | Reason.CACHE:
            are = "is" if len(names) == 1 else "are"
            missing = f", and {count(len(names), 'package')} {are} not in the store: {', '.join(names)}"
            return NixprofError(
                error.message if error.found.get("name") in _with_versions(absent) else error.message + missing,
                error.reason,
                cause=error.cause,
                hints=(
                    *_what_else(others, error.hints),
                    f"or build instead of downloading: NIX_CONFIG='substituters =' {command}",
                ),
            )
        case Reason.BUILD_FAILED:
            return _of_builds((error, *error.others), absent, derivations, log)
    return error


def _of_builds(
    errors: Sequence[NixError], absent: Mapping[str, str], derivations: Mapping[str, str], log: Callable[[str], str]
) -> NixprofError:
    """Say which builds failed, and why each of them did."""
    failed = {derivations.get(error.found["drv"]) for error in errors}
    # Of several that are only needed it is not known which package needs which.
    waiting = sorted({package_name(key) for key in absent.values() if key not in failed})
    needed = "which packages of the list need" if len(errors) - len(failed - {None}) > 1 else _needed_by(waiting)
    number = max(_LOG_LINES // len(errors), _FEWEST_LINES)
    each = sorted(
        (_of_build(error, derivations.get(error.found["drv"]), needed, log, number) for error in errors),
        key=lambda one: one.message,
    )
    if len(each) == 1:
        return each[0]
    lines = (line for one in each for line in (one.message, *(f"  {line}" for line in (one.cause or "").splitlines())))
    hints = dict.fromkeys(hint for one in each for hint in one.hints)
    return NixprofError(
        f"{count(len(each), 'package')} cannot be built",
        Reason.BUILD_FAILED,
        cause="\n".join(lines),
        hints=tuple(hints),
    )


def _of_build(error: NixError, key: str | None, needed: str, log: Callable[[str], str], lines: int) -> NixprofError:
    """Say why one build failed; `lines` of its log at most."""
    name = error.found["name"]
    called = package_name(key) if key else f"{name}, {needed},"
    written = log(error.found["drv"]) if is_store_path(error.found["drv"]) else ""
    offline = unreachable(written) if is_download(error.found["drv"]) else None
    if offline:
        return NixprofError(
            f"{called} cannot be downloaded: {offline.message}",
            offline.reason,
            cause=offline.cause,
            hints=(*offline.hints, *error.hints),
        )
    return NixprofError(
        error.message.replace(name, called, 1),
        error.reason,
        cause="\n".join(filter(None, (error.cause, *_last(written, lines)))) or None,
        hints=(*error.hints, *_elsewhere(key, error.found.get("system"))),
    )


def _last(log: str, lines: int) -> Iterator[str]:
    """Give the last lines of a log, as they may be shown."""
    for line in [line for line in plain(log).splitlines() if line.strip()][-lines:]:
        yield excerpt(line.rstrip(), _LINE_LENGTH)


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
    if error.reason not in (Reason.INPUT, Reason.NETWORK):
        return error
    name = f"the input {one.name}" if one else "an input"
    if one is None or error.reason is Reason.NETWORK:
        return NixprofError(f"cannot fetch {name}: {error.message}", error.reason, cause=error.cause, hints=error.hints)
    where = f"it is under [inputs] in {display_path(manifest)}" if one.name in listed else "check how it is written"
    return NixprofError(
        f"cannot fetch {name}: {error.message}",
        error.reason,
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
