"""Where an entry of the list applies, as a command is told it: `--on darwin`, `--on laptop`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.formatting import nearest, shell_quote
from nixprof.machine import as_nix_says, is_host, known_systems
from nixprof.manifest.model import EVERYWHERE, Scope
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from nixprof.machine import Machine
    from nixprof.manifest.model import Manifest, Package


def read_place(text: str, manifest: Manifest, machine: Machine, words: Sequence[str]) -> Scope:
    """Read where an entry is to apply: an OS, an architecture, a system, or a host.

    A host is this machine's, which may be called `host`, or one that the list has; `host.NAME` is any, as the table
    of the list is called. `words` are what the user typed after `nixprof`, for the hints.

    Raises: NixprofError where it is none of these.
    """
    kind, dot, name = text.partition(".")
    kind = kind.lower()
    if dot and kind == "host" and name:
        return _host(name)
    word = name if dot and kind == "system" else text
    systems = known_systems(manifest.systems)
    meant = as_nix_says(word.lower())
    if meant in systems or set(meant.split("-", 1)) <= systems:
        return Scope("system", meant)
    hosts = {one.scope.name for one in manifest.packages if one.scope.kind == "host"} | {machine.host}
    if text == "host":
        return _host(machine.host)
    found = next((host for host in sorted(hosts) if host.lower() == text.lower()), None)
    if found:
        return Scope("host", found)
    near = nearest(text, {*systems, *hosts})
    hints = (
        *(f"did you mean {one}? {_again(words, text, one)}" for one in near),
        *([] if dot or words[0] == "remove" else [_to_begin(words, text)]),
    )
    message = f"{excerpt(text)} is neither an OS, an architecture, a system nor a host of the list"
    raise NixprofError(message, Reason.USAGE, hints=hints)


def _host(name: str) -> Scope:
    """Name a host, if the list can."""
    if not is_host(name):
        message = f"{excerpt(name)!r} is not a host name"
        raise NixprofError(message, Reason.USAGE, hints=("as in: --on host.laptop",))
    return Scope("host", name)


def place_of(systems: Collection[str], among: Collection[str]) -> Scope | None:
    """Choose the place that means just these systems among others; None where there is no such place."""
    words = ("linux", "darwin", "aarch64", "x86_64", *systems) if systems else ()
    scopes = (EVERYWHERE, *(Scope("system", word) for word in words))
    return next((one for one in scopes if set(filter(one.covers, among)) == set(systems)), None)


def check_place(package: Package, scopes: Collection[Scope]) -> None:
    """Make sure that what is asked for in one place does not change an entry for others."""
    if EVERYWHERE not in scopes and package.scope not in scopes:
        message = f"{package.written} is listed {package.scope.where}: what is asked for would count there, too"
        raise NixprofError(message, Reason.USAGE, hints=("to change the list: nixprof edit",))


def _to_begin(words: Sequence[str], text: str) -> str:
    return f"for a host that the list does not have yet: {_again(words, text, f'host.{text}')}"


def _again(words: Sequence[str], text: str, instead: str) -> str:
    """Write the command again with another place."""
    corrected = (f"{word[: -len(text)]}{instead}" if word in (text, f"--on={text}") else word for word in words)
    return " ".join(map(shell_quote, ("nixprof", *corrected)))
