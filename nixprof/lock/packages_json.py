"""`packages.json`: what each package of the list is, resolved, per system. Only nixprof writes it."""

from __future__ import annotations

import json
from dataclasses import field, fields, replace
from typing import TYPE_CHECKING, Any

from nixprof.errors import NixprofError, Reason
from nixprof.formatting import shell_quote
from nixprof.lock.merge_conflict import parsed, read_lock
from nixprof.record import record
from nixprof.schema import MisshapenError, fits, text
from nixprof.store_path import checked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION = 1
# How the file names fields that have another name here.
_KEYS = {"main_program": "mainProgram", "outputs_to_install": "outputsToInstall", "fingerprint": "basis"}


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


@record
class Unavailable:
    """Why a package cannot be had on a system."""

    reason: str  # the code of a `nixprof.errors.Reason`
    message: str
    source: str  # as in `Resolved`
    fingerprint: str  # as in `Resolved`


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

    def with_systems(self, systems: Mapping[str, Resolved]) -> LockedPackage:
        """Add what the package is on systems, unless that is known better."""
        return replace(self, systems={**systems, **self.systems})

    def on(self, system: str, resolved: Resolved) -> LockedPackage:
        """Add what the package is on a system."""
        others = {name: why for name, why in self.unavailable.items() if name != system}
        return replace(self, systems={**self.systems, system: resolved}, unavailable=others)

    def without(self, system: str, why: Unavailable) -> LockedPackage:
        """Add why the package cannot be had on a system; what it was there before stays installed."""
        return replace(self, unavailable={**self.unavailable, system: why})

    def kept_for(self, systems: set[str]) -> LockedPackage:
        """Let a package that is kept by store path follow its input where it is wanted and has no store path."""
        if not isinstance(self.hold, KeptByPath):
            return self
        known: dict[str, Resolved | Unavailable] = {**self.unavailable, **self.systems}
        follows = any(one.source for one in known.values()) or not systems <= known.keys()
        return replace(self, hold=KeptByPath(follows))


def own_names(locked: Mapping[str, LockedPackage]) -> dict[str, set[str]]:
    """Return what packages call themselves, on any system, by key."""
    return {key: {resolved.pname for resolved in package.systems.values()} for key, package in locked.items()}


def read_packages(path: Path) -> dict[str, LockedPackage]:
    """Read `packages.json`, by the key of the package; nothing where the file is not there.

    Raises: NixprofError where it is damaged or of a newer nixprof.
    """
    data = read_lock(path)
    if data is None:
        return {}
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
    """Write `packages.json`: sorted, one package a block, so that the versions of two machines merge."""
    data = {"version": VERSION, "packages": {key: _print_package(package) for key, package in packages.items()}}
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _parse_package(entry: Mapping[str, Any]) -> LockedPackage:
    systems = {system: _parse_resolved(one) for system, one in entry["systems"].items()}
    unavailable = {system: _parse_unavailable(one) for system, one in entry.get("unavailable", {}).items()}
    hold = hold_at(None if entry.get("held") is None else text(entry["held"]))
    nodes = entry.get("heldLock", [])
    if not fits(nodes, [{"locked": dict, "inputs": {str: int}}]):
        raise MisshapenError("what a package is held at is not part of a lock")
    if isinstance(hold, HeldAt):
        hold = replace(hold, nodes=tuple(nodes))
    return LockedPackage(systems, hold, unavailable).kept_for(set())


def _parse_unavailable(entry: Mapping[str, Any]) -> Unavailable:
    reason, *rest = (text(entry[name]) for name in ("reason", "message", "source", "basis"))
    # Codes were phrases once: `needs a build`, `not a package`.
    return Unavailable(reason.replace("needs a build", "needs-build").replace(" ", "-"), *rest)


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
    return {_KEYS.get(each.name, each.name): getattr(one, each.name) for each in fields(one)}
