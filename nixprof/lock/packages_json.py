"""`packages.json`: what each package of the manifest is, resolved, per system. Written by nixprof only."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nixprof.errors import NixprofError, Reason
from nixprof.files import read_file
from nixprof.formatting import shell_quote
from nixprof.lock.merge_conflict import check_merged, unusable
from nixprof.schema import MISSHAPEN, MisshapenError, fits, text, wrong_with
from nixprof.store_path import checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

VERSION = 1


@dataclass(frozen=True, slots=True)
class Resolved:
    """A package on one system.

    Attributes:
        pname: its name, without version.
        version: its version; may be empty.
        description: one line; may be empty.
        main_program: the command to run; empty where the package names none.
        priority: the package's own; lower wins.
        outputs: every output and its store path, by name.
        outputs_to_install: the outputs that are installed unless the manifest chooses others.
        source: the locked flake reference that it was resolved from.
        fingerprint: of what the answer depends on: the input, its inputs, the policy; see `nixprof.lock.freshness`.

    """

    pname: str
    version: str
    description: str
    main_program: str
    priority: int
    outputs: Mapping[str, str]
    outputs_to_install: tuple[str, ...]
    source: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why a package cannot be had on a system.

    Attributes:
        reason: the code of a `Reason`, such as `unsupported`.
        message: the same in a sentence.
        source: the locked flake reference that was asked, as in `Resolved`.
        fingerprint: a digest of everything that this depends on, as in `Resolved`.

    """

    reason: str
    message: str
    source: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """A package on every system that it was resolved for.

    Attributes:
        systems: what it is, by system.
        held: the locked flake reference that it stays at, whatever its input does, until `update` moves it; empty
            where it is not known what the package came from; None for a package that goes with its input.
        unavailable: why it cannot be had, by system.
        nodes: what `held` is locked to depend on, if on anything: its own lock does not know what it was to follow; see
            `LockedInput`.

    """

    systems: Mapping[str, Resolved] = field(default_factory=dict)
    held: str | None = None
    unavailable: Mapping[str, Unavailable] = field(default_factory=dict)
    nodes: tuple[Mapping[str, Any], ...] = ()

    @property
    def goes_with_input(self) -> bool:
        """Whether its input is needed: for one of unknown source, on every system but that where it is installed."""
        asked: tuple[Resolved | Unavailable, ...] = (*self.systems.values(), *self.unavailable.values())
        return self.held is None or (self.held == "" and any(one.source for one in asked))

    def on(self, system: str, resolved: Resolved) -> LockedPackage:
        """Give the same package with what it is on one more system."""
        others = {name: why for name, why in self.unavailable.items() if name != system}
        return replace(self, systems={**self.systems, system: resolved}, unavailable=others)

    def without(self, system: str, why: Unavailable) -> LockedPackage:
        """Give the same package with why it cannot be had on a system; what it was there before stays installed."""
        known = {name: one for name, one in self.systems.items() if name != system or one.outputs}
        return replace(self, systems=known, unavailable={**self.unavailable, system: why})


def read_packages(path: Path) -> dict[str, LockedPackage]:
    """Read `packages.json`, by the key of the package; nothing where the file is not there.

    Raises: NixprofError where it is damaged or of a newer nixprof.
    """
    try:
        read = read_file(path)
        check_merged(path, read)
        data = json.loads(read)
        if data["version"] > VERSION:
            raise NixprofError(
                f"{path} was written by a newer nixprof", Reason.NEWER_FORMAT, hints=("upgrade nixprof",)
            )
        return {key: _parse_package(entry) for key, entry in data["packages"].items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise unusable(path, error) from error
    except MISSHAPEN as error:
        raise NixprofError(
            f"{path} is damaged",
            Reason.DAMAGED,
            cause=wrong_with(error),
            hints=(
                f"restore it from version control, or: rm {shell_quote(str(path))}",
                "and nixprof sync, which resolves them again",
            ),
        ) from error


def write_packages(packages: Mapping[str, LockedPackage]) -> str:
    """Write `packages.json`: sorted, one package a block, so that the versions of two machines merge."""
    data = {key: _print_package(package) for key, package in packages.items()}
    return (
        json.dumps(
            {"version": VERSION, "packages": data},
            indent=2,
            sort_keys=True,
            ensure_ascii=False,
        )
        + "\n"
    )


def holds(packages: Mapping[str, LockedPackage]) -> dict[str, str]:
    """Give the references of the packages that are held, by key."""
    return {key: package.held or "" for key, package in packages.items() if not package.goes_with_input}


def prune(packages: Mapping[str, LockedPackage], keys: Iterable[str]) -> dict[str, LockedPackage]:
    """Keep the packages that the manifest still has, on any machine."""
    wanted = set(keys)
    return {key: package for key, package in packages.items() if key in wanted}


def _parse_package(entry: Mapping[str, Any]) -> LockedPackage:
    systems = {system: _parse_resolved(fields) for system, fields in entry["systems"].items()}
    held = entry.get("held")
    unavailable = {system: _parse_unavailable(fields) for system, fields in entry.get("unavailable", {}).items()}
    nodes = entry.get("heldLock", [])
    if not fits(nodes, [{"locked": dict, "inputs": {str: int}}]):
        raise MisshapenError("what a package is held at is not part of a lock")
    return LockedPackage(systems, None if held is None else text(held), unavailable, tuple(nodes))


def _parse_unavailable(fields: Mapping[str, Any]) -> Unavailable:
    reason, *rest = (text(fields[name]) for name in ("reason", "message", "source", "basis"))
    # Codes were phrases once: `needs a build`, `not a package`.
    return Unavailable(reason.replace("needs a build", "needs-build").replace(" ", "-"), *rest)


def _parse_resolved(fields: Mapping[str, Any]) -> Resolved:
    if not set(fields["outputsToInstall"]) <= fields["outputs"].keys():
        raise MisshapenError(f"{fields['pname']} has outputs to install that it does not have")
    return Resolved(
        pname=text(fields["pname"]),
        version=text(fields["version"]),
        description=text(fields["description"]),
        main_program=text(fields["mainProgram"]),
        priority=int(fields["priority"]),
        outputs={name: checked(path) for name, path in fields["outputs"].items()},
        outputs_to_install=tuple(text(output) for output in fields["outputsToInstall"]),
        source=text(fields["source"]),
        fingerprint=text(fields["basis"]),
    )


def _print_package(package: LockedPackage) -> dict[str, Any]:
    held = {} if package.held is None else {"held": package.held}
    unavailable = {
        system: {"reason": why.reason, "message": why.message, "source": why.source, "basis": why.fingerprint}
        for system, why in package.unavailable.items()
    }
    return (
        held
        | ({"heldLock": list(package.nodes)} if package.nodes else {})
        | ({"unavailable": unavailable} if unavailable else {})
        | {
            "systems": {
                system: {
                    "pname": resolved.pname,
                    "version": resolved.version,
                    "description": resolved.description,
                    "mainProgram": resolved.main_program,
                    "priority": resolved.priority,
                    "outputs": dict(resolved.outputs),
                    "outputsToInstall": list(resolved.outputs_to_install),
                    "source": resolved.source,
                    "basis": resolved.fingerprint,
                }
                for system, resolved in package.systems.items()
            }
        }
    )
