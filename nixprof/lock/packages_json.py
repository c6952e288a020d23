"""`packages.json`: what each package of the list is, resolved, per system. Only nixprof writes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nixprof.errors import NixprofError, Reason
from nixprof.formatting import shell_quote
from nixprof.lock.merge_conflict import parsed
from nixprof.record import field, record, replace, usual_of, values_of
from nixprof.schema import MisshapenError, fits, text
from nixprof.store_path import checked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

VERSION = 1
# How the file names fields that have another name here.
_KEYS = {
    "main_program": "mainProgram",
    "outputs_to_install": "outputsToInstall",
    "fingerprint": "basis",
    "nodes": "heldLock",
}


@record
class Resolved:
    """A package on one system."""

    pname: str  # without the version
    version: str  # may be empty
    description: str  # one line; may be empty
    main_program: str  # the command to run; may be empty
    priority: int  # the package's own; lower wins
    outputs: Mapping[str, str]  # the store path of every output, by name
    outputs_to_install: tuple[str, ...]  # what is installed unless the list chooses outputs
    source: str  # the locked flake reference that it was resolved from; empty where that is unknown
    fingerprint: str  # of what it was resolved from, see `freshness`; empty where the package is held
    changelog: str = ""  # an address; empty where there is none


@record
class Unavailable:
    """Why a package cannot be had on a system. Where it is resolved there as well, it is held back at that."""

    reason: str  # the code of a `nixprof.errors.Reason`
    message: str
    source: str  # the locked flake reference that was tried
    fingerprint: str  # of that, as in `Resolved`
    since: int = 0  # the day when it was first so, in seconds since 1970; 0 where that is unknown
    derivation: str = ""  # what failed to build; empty for nothing
    nodes: tuple[Mapping[str, Any], ...] = ()  # what it is held back at depends on, see `LockedInput.nodes`


@record
class FollowsInput:
    """The package moves with its input."""


@record
class HeldAt:
    """The package stays at a revision of its own until `update` moves it."""

    reference: str  # a locked flake reference
    nodes: tuple[Mapping[str, Any], ...] = ()  # what it depends on, locked, see `LockedInput.nodes`


@record
class KeptByPath:
    """Nobody knows what the package came from: it stays at its store paths, on the system that has them."""

    follows_elsewhere: bool = False  # whether it follows its input on other systems


Hold = FollowsInput | HeldAt | KeptByPath


def hold_at(reference: str | None) -> Hold:
    """Read how `packages.json` writes a hold: a reference, an empty text for an unknown source, or nothing."""
    if reference is None:
        return FollowsInput()
    return HeldAt(reference) if reference else KeptByPath()


@record
class LockedPackage:
    """A package on every system that it was resolved for."""

    systems: Mapping[str, Resolved] = field(default_factory=dict)
    hold: Hold = FollowsInput()
    unavailable: Mapping[str, Unavailable] = field(default_factory=dict)  # by system

    @property
    def held(self) -> str | None:
        """The hold as `packages.json` writes it, see `hold_at`."""
        match self.hold:
            case HeldAt(reference):
                return reference
            case KeptByPath():
                return ""
        return None

    @property
    def needs_input(self) -> bool:
        """Whether the package follows its input. One kept by store path does so only on other systems."""
        return isinstance(self.hold, FollowsInput) or (
            isinstance(self.hold, KeptByPath) and self.hold.follows_elsewhere
        )

    def hold_on(self, system: str) -> Hold:
        """Give what holds the package on one system: where it is held back, what it was resolved from before."""
        kept, why = self.systems.get(system), self.unavailable.get(system)
        if kept is None or why is None or not isinstance(self.hold, FollowsInput):
            return self.hold
        return HeldAt(kept.source, why.nodes) if kept.source else KeptByPath()

    def lacking(self, systems: Sequence[str]) -> tuple[str, ...]:
        """Give those of a list's systems that go without the package, because they cannot have it and another can.

        What only has to be built to be evaluated, a machine of that system can have.
        """
        if not self.systems or not self.unavailable:
            return ()
        gone = {name for name, why in self.unavailable.items() if why.reason != Reason.NEEDS_BUILD.value}
        return tuple(one for one in systems if one in gone - self.systems.keys())

    def with_systems(self, systems: Mapping[str, Resolved]) -> LockedPackage:
        """Add what the package is on systems, unless that is known better."""
        return replace(self, systems={**systems, **self.systems})

    def on(self, system: str, resolved: Resolved) -> LockedPackage:
        """Add what the package is on a system."""
        return replace(self.let_go(system), systems={**self.systems, system: resolved})

    def joined(self, own: LockedPackage) -> LockedPackage:
        """Add what another lock has of the package: other systems, and where the very same could not be had."""
        if self.held != own.held:
            return self
        tried = {
            system
            for system, why in own.unavailable.items()
            if system not in self.systems or self.systems[system].fingerprint == why.fingerprint
        }
        systems = {**own.systems, **{system: one for system, one in self.systems.items() if system not in tried}}
        kept = {system: own.unavailable[system] for system in tried}
        return replace(self, systems=systems, unavailable={**self.unavailable, **kept})

    def let_go(self, system: str) -> LockedPackage:
        """Forget why the package cannot be had on a system."""
        return replace(self, unavailable={name: why for name, why in self.unavailable.items() if name != system})

    def without(self, system: str, why: Unavailable) -> LockedPackage:
        """Add why the package cannot be had on a system, since when it could not; what it was there stays."""
        known = self.unavailable.get(system)
        since = known.since if known and known.since else why.since
        return replace(self, unavailable={**self.unavailable, system: replace(why, since=since)})

    def kept_for(self, systems: set[str]) -> LockedPackage:
        """Let a package that is kept by store path follow its input where it is wanted and has no store path."""
        if not isinstance(self.hold, KeptByPath):
            return self
        known: dict[str, Resolved | Unavailable] = {**self.unavailable, **self.systems}
        follows = any(one.source for one in known.values()) or not systems <= known.keys()
        return replace(self, hold=KeptByPath(follows))


def parse_packages(path: Path, data: bytes) -> dict[str, LockedPackage]:
    """Parse `packages.json`, by the key of the package.

    Raises: NixprofError where it is damaged or of a newer nixprof.
    """
    hints = (
        f"restore it from version control, or: rm {shell_quote(str(path))}",
        "and nixprof sync, which resolves them again",
    )
    return parsed(path, data, lambda read: _packages(path, read), wrong="is damaged", hints=hints)


def _packages(path: Path, data: Mapping[str, Any]) -> dict[str, LockedPackage]:
    if data["version"] > VERSION:
        raise NixprofError(f"{path} was written by a newer nixprof", Reason.NEWER_FORMAT, hints=("upgrade nixprof",))
    return {key: _parse_package(entry) for key, entry in data["packages"].items()}


def write_packages(packages: Mapping[str, LockedPackage]) -> str:
    """Write `packages.json`: sorted, one package a line, so that the versions of two machines merge.

    Git takes a line from one machine, and so never mixes two packages. Empty lines keep changes of neighbours apart.
    """
    rows = (f"    {_text(key)}: {_text(_print_package(packages[key]))}" for key in sorted(packages))
    return '{\n  "packages": {\n' + ",\n\n".join(rows) + f'\n  }},\n  "version": {VERSION}\n}}\n'


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _parse_package(entry: Mapping[str, Any]) -> LockedPackage:
    systems = {system: _parse_resolved(one) for system, one in entry["systems"].items()}
    unavailable = {system: _parse_unavailable(one) for system, one in entry.get("unavailable", {}).items()}
    hold = hold_at(None if entry.get("held") is None else text(entry["held"]))
    if isinstance(hold, HeldAt):
        hold = replace(hold, nodes=_parse_nodes(entry))
    return LockedPackage(systems, hold, unavailable).kept_for(set())


def _parse_nodes(entry: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    nodes = entry.get("heldLock", [])
    if not fits(nodes, [{"locked": dict, "inputs": {str: int}}]):
        raise MisshapenError("what a package is held at is not part of a lock")
    return tuple(nodes)


def _parse_unavailable(entry: Mapping[str, Any]) -> Unavailable:
    reason, message, source, basis = (text(entry[name]) for name in ("reason", "message", "source", "basis"))
    # Codes were phrases once: `needs a build`, `not a package`.
    code = reason.replace("needs a build", "needs-build").replace(" ", "-")
    derivation = text(entry.get("derivation", ""))
    since = int(entry.get("since", 0))
    return Unavailable(code, message, source, basis, since, derivation and checked(derivation), _parse_nodes(entry))


def _parse_resolved(entry: Mapping[str, Any]) -> Resolved:
    if not set(entry["outputsToInstall"]) <= entry["outputs"].keys():
        raise MisshapenError(f"{entry['pname']} has outputs to install that it does not have")
    return Resolved(
        text(entry["pname"]),
        text(entry["version"]),
        text(entry["description"]),
        text(entry["mainProgram"]),
        int(entry["priority"]),
        {name: checked(path) for name, path in entry["outputs"].items()},
        tuple(map(text, entry["outputsToInstall"])),
        text(entry["source"]),
        text(entry["basis"]),
        text(entry.get("changelog", "")),
    )


def _print_package(package: LockedPackage) -> dict[str, Any]:
    printed: dict[str, Any] = {"systems": {name: _print(one) for name, one in package.systems.items()}}
    if package.held is not None:
        printed["held"] = package.held
    if isinstance(package.hold, HeldAt) and package.hold.nodes:
        printed["heldLock"] = package.hold.nodes
    if package.unavailable:
        printed["unavailable"] = {name: _print(one) for name, one in package.unavailable.items()}
    return printed


def _print(one: Resolved | Unavailable) -> dict[str, Any]:
    usual = usual_of(one)
    printed = {name: value for name, value in values_of(one).items() if name not in usual or value != usual[name]}
    return {_KEYS.get(name, name): value for name, value in printed.items()}
