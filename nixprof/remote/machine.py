"""How another machine stands: which Nix it has, what it has installed, and how that compares with the list here."""

from __future__ import annotations

import json
import re
import tomllib
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

from nixprof.change.differences import Change, compare
from nixprof.change.environment import parse_environment
from nixprof.change.generations import read_sources, relative_sources
from nixprof.change.state import State
from nixprof.errors import NixprofError, Reason
from nixprof.machine import Machine, is_system
from nixprof.nix.version import NixVersion
from nixprof.record import record, replace
from nixprof.schema import MISSHAPEN, fits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.context import Context
    from nixprof.remote.ssh import Host, Ssh

# The list, as it is called in the folder of every machine.
_LIST = "nixprof.toml"
_STATUS = {"inSync": bool, "held": [dict], "packages": int}


@record
class RemoteMachine:
    """Another machine, as it says it is."""

    host: Host
    nix: str  # the program; empty where there is none
    version: NixVersion | None
    machine: Machine
    sources: Mapping[str, str]  # the texts of its list, by name; empty where it has none
    received: Mapping[str, str]  # those that it was sent last
    flake_lock: bytes
    packages: tuple[EnvironmentEntry, ...]  # what nixprof, or Nix alone, has installed there
    generation: int | None
    has_nixprof: bool
    status: Mapping[str, Any] | None  # what its nixprof says of it; None without one that answers


class Standing(Enum):
    """How another machine stands to the list here."""

    IN_SYNC = "in-sync"
    BEHIND = "behind"
    HELD = "held"  # in sync, but for packages that cannot be had there
    OTHER_LIST = "other-list"  # it has a list that it was not sent
    NO_LIST = "no-list"
    NO_NIX = "no-nix"


@record
class Comparison:
    """How another machine compares with the list here."""

    standing: Standing
    changes: tuple[Change, ...] = ()  # what a sync would do to its packages, as far as that is known here
    held: tuple[str, ...] = ()  # what is held back there, by name


def look(ssh: Ssh, host: Host) -> RemoteMachine:
    """Ask a machine how it stands; raise NixprofError where it does not answer."""
    return read(host, ssh.ask(host, ["look"]))


def read(host: Host, answer: Mapping[str, bytes]) -> RemoteMachine:
    """Read the answer of `remote.sh`; what makes no sense counts as missing."""
    texts = {name: data.decode(errors="replace") for name, data in answer.items()}
    version, status = texts.get("version", ""), None
    found = re.search(r"(?m)^System type: (.*)$", version)
    system = found[1].strip() if found and is_system(found[1].strip()) else ""
    with suppress(*MISSHAPEN):
        said = json.loads(answer.get("status", b""))
        status = said if fits(said, _STATUS) else None
    sources = read_sources(answer.get("sources", b""))
    if _LIST in texts:
        sources |= {_LIST: texts[_LIST]}
    name = _name(texts)
    return RemoteMachine(
        host,
        texts.get("nix", "").strip(),
        NixVersion.parse(version) if version else None,
        Machine(system, lambda: name),
        sources if _LIST in texts else {},
        read_sources(answer.get("received", b"")),
        answer.get("flake.lock", b""),
        _installed(answer.get("environment", b"")),
        generation_in(texts),
        "nixprof" in texts,
        status,
    )


def _name(texts: Mapping[str, str]) -> str:
    """Give what `[host.NAME]` means there, see `machine.host_name`."""
    chosen: Any = ""
    with suppress(*MISSHAPEN):
        chosen = tomllib.loads(texts.get("machine.toml", "")).get("host")
    called = texts.get("called", "").strip()
    return called or (chosen.strip() if isinstance(chosen, str) else "") or texts.get("host", "").strip()


def _installed(data: bytes) -> tuple[EnvironmentEntry, ...]:
    with suppress(*MISSHAPEN):
        return parse_environment(data)[1]
    return ()


def generation_in(answer: Mapping[str, str]) -> int | None:
    """Read which generation the profile there is at."""
    found = re.search(r"-(\d{1,9})-link\s*$", answer.get("generation", ""), re.ASCII)
    return int(found[1]) if found else None


def state_for(context: Context, there: RemoteMachine) -> State:
    """Give the list and the lock here as they are for another machine.

    Raises: NixprofError where there is no Nix.
    """
    if not there.nix or not there.machine.system:
        hints = (f"install it there first: {there.host.command}", "how: https://nixos.org/download")
        raise NixprofError(f"there is no Nix on {there.host.name}", Reason.NO_NIX, hints=hints)
    return State(replace(context, machine=there.machine))


def compared(context: Context, there: RemoteMachine) -> Comparison:
    """Compare another machine with the list and the lock here."""
    if not there.nix or not there.machine.system:
        return Comparison(Standing.NO_NIX)
    if not there.sources:
        return Comparison(Standing.NO_LIST)
    state = state_for(context, there)
    ours = relative_sources(state.manifest)
    if there.sources not in (ours, there.received):
        return Comparison(Standing.OTHER_LIST)
    held = _held(there, state)
    changes = compare(there.packages, state.expected)
    if there.status:
        # What it holds back is not what the lock here says, and it has tried that.
        names = {name.partition(" ")[0] for name in held}
        changes = tuple(one for one in changes if one.key.removeprefix("nixpkgs#") not in names)
    locked = state.lock.flake_lock or b""
    if there.sources != ours or there.flake_lock != locked or changes or (there.status and not there.status["inSync"]):
        return Comparison(Standing.BEHIND, changes, held)
    return Comparison(Standing.HELD if held else Standing.IN_SYNC, (), held)


def _held(there: RemoteMachine, state: State) -> tuple[str, ...]:
    """Name what is held back there: as its nixprof says, else by the lock here."""
    if there.status:
        return tuple(str(one.get("package", "")) for one in there.status["held"])
    return tuple(gap.package.written for gap in state.held)
