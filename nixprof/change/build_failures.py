"""What a failure of Nix means for the list: which package or which input it belongs to, and what still works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.formatting import count, display_path, package_name
from nixprof.nix.derivation import is_download
from nixprof.nix.errors import unreachable
from nixprof.redact import excerpt, plain
from nixprof.store_path import is_store_path, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from nixprof.manifest.model import Input
    from nixprof.nix.errors import NixError

# How much of a build's log is shown: of one build, and of each of several.
_MAX_LOG_LINES = 10
_MIN_LOG_LINES = 3
_MAX_LINE_LENGTH = 200
# More packages that need a dependency are not named.
_MAX_NAMES = 3


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
    if error.reason is Reason.BUILD_FAILED:
        return _of_builds((error, *error.others), absent, derivations, log)
    if error.reason not in (Reason.NETWORK, Reason.CACHE):
        return error
    message, names = error.message, sorted(set(map(package_name, absent.values())))
    if error.found.get("name") not in {*map(name_of, absent)}:  # then the message names it
        are = "is" if len(names) == 1 else "are"
        message += f", and {count(len(names), 'package')} {are} not in the store: {', '.join(names)}"
    hints = [*error.hints, f"or build instead of downloading: NIX_CONFIG='substituters =' {command}"]
    if others:
        rest = f"the other {others} are in sync" if others > 1 else "the other one is in sync"
        hints[0] = f"{rest}; {hints[0]}"
    return NixprofError(message, error.reason, cause=error.cause, hints=tuple(hints))


def _of_builds(
    errors: Sequence[NixError], absent: Mapping[str, str], derivations: Mapping[str, str], log: Callable[[str], str]
) -> NixprofError:
    """Say which builds failed, and why each of them did."""
    failed = [derivations.get(error.found["drv"]) for error in errors]
    waiting = sorted({package_name(key) for key in absent.values() if key not in failed})
    # Of several dependencies it is not known which package needs which.
    needed = "which packages of the list need"
    if failed.count(None) == 1 and len(waiting) <= _MAX_NAMES:
        needed = f"which {', '.join(waiting)} {'needs' if len(waiting) == 1 else 'need'}"
    lines = max(_MAX_LOG_LINES // len(errors), _MIN_LOG_LINES)
    each = [_of_build(error, key, needed, log, lines) for error, key in zip(errors, failed, strict=True)]
    if len(each) == 1:
        return each[0]
    each.sort(key=lambda one: one.message)
    causes = (line for one in each for line in (one.message, *(f"  {line}" for line in (one.cause or "").splitlines())))
    return NixprofError(
        f"{count(len(each), 'package')} cannot be built",
        Reason.BUILD_FAILED,
        cause="\n".join(causes),
        hints=tuple(hint for one in each for hint in one.hints),
    )


def _of_build(error: NixError, key: str | None, needed: str, log: Callable[[str], str], lines: int) -> NixprofError:
    """Say why one build failed, with at most so many lines of its log."""
    name, derivation, system = error.found["name"], error.found["drv"], error.found.get("system")
    called = package_name(key) if key else f"{name}, {needed},"
    written = log(derivation) if is_store_path(derivation) else ""
    offline = unreachable(written) if is_download(derivation) else None
    if offline:
        message = f"{called} cannot be downloaded: {offline.message}"
        return NixprofError(message, offline.reason, cause=offline.cause, hints=(*offline.hints, *error.hints))
    last = [line.rstrip() for line in plain(written).splitlines() if line.strip()][-lines:]
    cause = [*([error.cause] if error.cause else []), *(excerpt(line, _MAX_LINE_LENGTH) for line in last)]
    hints = error.hints
    if key and system:
        table = f'[system.{system}]\npackages = ["{package_name(key)}"]'
        hints = (*hints, f"list it in nixprof.toml only for the systems that have it:\n{table}")
    return NixprofError(
        error.message.replace(name, called, 1), error.reason, cause="\n".join(cause) or None, hints=hints
    )


def of_input(error: NixError, inputs: Iterable[Input], listed: Collection[str], manifest: Path) -> NixprofError:
    """Say which input it is that Nix failed to look up.

    Args:
        error: what Nix said.
        inputs: those that may be meant.
        listed: the names of the inputs that the manifest has already.
        manifest: the file.

    """
    if error.reason not in (Reason.INPUT, Reason.NETWORK):
        return error
    one = _meant(error, list(inputs))
    message = f"cannot fetch {f'the input {one.name}' if one else 'an input'}: {error.message}"
    hints = error.hints
    if one and error.reason is Reason.INPUT:
        where = f"it is under [inputs] in {display_path(manifest)}" if one.name in listed else "check how it is written"
        hints = (*hints, f'{where}: {one.name} = "{one.url}"')
    return NixprofError(message, error.reason, cause=error.cause, hints=hints)


def _meant(error: NixError, inputs: Sequence[Input]) -> Input | None:
    """Find the input by the name that newer versions tell, else by what of its reference Nix repeats."""
    named = [one for one in inputs if one.name == error.found.get("input_name")]
    if named or len(inputs) == 1:
        return (named or inputs)[0]
    parts = [part for part in error.found.values() if part]
    return next(
        (one for one in inputs if _place(one.url) in error.said or any(part in one.url for part in parts)), None
    )


def _place(url: str) -> str:
    return url.partition("?")[0].rpartition(":")[2].lstrip("/")
