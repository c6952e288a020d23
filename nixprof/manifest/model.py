"""What a manifest says, as types. Everything here is checked: `parse` is the only place that makes it."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, Self

from nixprof.machine import OSES, SYSTEMS, Machine, is_system
from nixprof.record import record, values_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from nixprof.manifest.spec import Spec


@record
class Scope:
    """Where an entry applies: everywhere, on one kind of system, or on one host."""

    kind: Literal["all", "system", "host"]
    # Of a system, its OS ("darwin"), its architecture ("aarch64") or all of it; of a host, see `machine.host_name`.
    name: str = ""

    def applies(self, machine: Machine) -> bool:
        """Say whether an entry counts on a machine."""
        return self.name.lower() == machine.host if self.kind == "host" else self.covers(machine.system)

    def covers(self, system: str) -> bool:
        """Tell whether an entry may count on a machine of a system; a host may be of any."""
        return self.kind != "system" or self.name in (system, *system.split("-", 1))

    def is_other_host(self, machine: Machine) -> bool:
        """Tell whether it is another host, whose system is not known here."""
        return self.kind == "host" and not self.applies(machine)

    def overlaps(self, other: Scope, systems: Iterable[str]) -> bool:
        """Tell whether some machine would get the entries of both; one of a host replaces one of a system.

        `systems` are those of the manifest, which may have an OS that is not among the usual ones.
        """
        if EVERYWHERE in (self, other):
            return True
        if self.kind != other.kind:
            return False
        if self.kind == "host":
            return self.name.lower() == other.name.lower()
        oses = {*OSES, *(system.partition("-")[2] for system in systems)}
        pairs = zip(_parts(self.name, oses), _parts(other.name, oses), strict=True)
        return all(not mine or not theirs or mine == theirs for mine, theirs in pairs)

    @property
    def table(self) -> tuple[str, ...]:
        """The table of the list that has the entries of the scope; () for the top level."""
        return () if self.kind == "all" else (self.kind, self.name)

    @property
    def on(self) -> str:
        """How `--on` takes it: "darwin", or "host.laptop"; empty for everywhere."""
        return ".".join(self.table).removeprefix("system.")

    @property
    def reason(self) -> str:
        """Why an entry is skipped elsewhere: "only on darwin"; empty for an entry that applies everywhere."""
        return {"all": "", "system": f"only on {self.name}", "host": f"only on host {self.name}"}[self.kind]

    @property
    def where(self) -> str:
        """Where an entry applies: "only on darwin", or "for all machines"."""
        return self.reason or "for all machines"


EVERYWHERE: Final = Scope("all")


def _parts(system: str, oses: Collection[str]) -> tuple[str, str]:
    """Return the architecture and the OS that a name of systems means; empty where any will do."""
    architecture, dash, os_ = system.partition("-")
    return (architecture, os_) if dash else ("", system) if system in oses else (system, "")


@record
class Package:
    """One entry of the list."""

    spec: Spec
    written: str  # the spec as the user wrote it
    priority: int | None  # None where the user gave none
    pin: bool
    scope: Scope
    file: Path  # the file that holds the entry
    path: tuple[str | int, ...]  # its key path there: ("packages", 3), ("system", "darwin", "packages", 0)


@record
class Input:
    """A named flake reference. `follows` pairs an input of that flake with ours that replaces it."""

    name: str
    url: str
    follows: tuple[tuple[str, str], ...] = ()


DEFAULT_NIXPKGS: Final = Input("nixpkgs", "github:NixOS/nixpkgs/nixpkgs-unstable")

# nixpkgs 26.11 refuses Intel Macs.
INTEL_MAC: Final = "x86_64-darwin"
LAST_FOR_INTEL_MACS: Final = Input("nixpkgs", "github:NixOS/nixpkgs/nixpkgs-26.05-darwin")


@record
class Policy:
    """What `[nixpkgs]` asks of every input that is a nixpkgs; the fields are the keys of that table."""

    allow_unfree: bool | tuple[str, ...] = False  # True for every package, else names of packages
    allow_insecure: tuple[str, ...] = ()
    allow_broken: bool | tuple[str, ...] = False
    overlays: tuple[str, ...] = ()  # names of inputs

    @property
    def table(self) -> dict[str, bool | tuple[str, ...]]:
        """Give what is asked for by the keys of the table."""
        return {name.replace("_", "-"): value for name, value in values_of(self).items()}

    @property
    def allowed(self) -> dict[str, bool | tuple[str, ...]]:
        """Give what is allowed by the keys of the table."""
        return {key: value for key, value in self.table.items() if key != "overlays"}

    @property
    def is_asked_for(self) -> bool:
        """Say whether nixpkgs has to be imported with a configuration; else its `legacyPackages` do."""
        return any(self.table.values())


class Build(Enum):
    """What `update` may build where no cache has it; `most` is for each package, without what is only downloaded."""

    NEVER = "never", 0
    SMALL = "small", 5
    ALWAYS = "always", sys.maxsize

    most: int

    def __new__(cls, word: str, most: int) -> Self:
        """Take the word as the value."""
        build = object.__new__(cls)
        build._value_ = word
        build.most = most
        return build


@record
class Update:
    """What `[update]` asks for; `age` is how long a revision has to be known before it is taken, in seconds."""

    build: Build = Build.SMALL
    age: int = 0


@record
class Source:
    """One file that a manifest was read from, byte for byte."""

    path: Path
    data: bytes

    @property
    def text(self) -> str:
        """The file as text, with its own line ends."""
        return self.data.decode()


@record
class Manifest:
    """Everything that the user wants, on all machines."""

    path: Path
    packages: tuple[Package, ...]  # in the user's order; those of included files after those of the file that does so
    inputs: tuple[Input, ...]  # nixpkgs is always one
    systems: tuple[str, ...]  # empty where the user names none: then this machine's alone counts
    policy: Policy
    sources: tuple[Source, ...]  # the files that were read, `path` first
    lists_packages: bool  # whether any of them has a list of packages, if only an empty one
    update: Update = Update()

    @property
    def places(self) -> dict[str, tuple[Scope, ...]]:
        """Where each package is listed, by its key."""
        found: dict[str, tuple[Scope, ...]] = {}
        for package in self.packages:
            found[package.spec.key] = (*found.get(package.spec.key, ()), package.scope)
        return found

    def entries_of(self, key: str) -> tuple[Package, ...]:
        """Return the entries of one package, on all machines."""
        return tuple(package for package in self.packages if package.spec.key == key)

    def systems_of(self, scope: Scope, machine: Machine) -> tuple[str, ...]:
        """Name the systems that an entry may be for: of this machine's, the list's and the usual ones."""
        own = [scope.name] if scope.kind == "system" and is_system(scope.name) else []
        known = dict.fromkeys((machine.system, *self.systems, *SYSTEMS, *own))
        return tuple(system for system in known if scope.covers(system))

    def texts(self) -> dict[Path, str]:
        """Return the text of every file."""
        return {source.path: source.text for source in self.sources}

    def for_machine(self, machine: Machine) -> tuple[Package, ...]:
        """Return the packages of one machine, in order. An entry of its host replaces one of its system."""
        return tuple(package for package, reason in self._reasons(machine) if not reason)

    def for_system(self, system: str, machine: Machine) -> Iterator[Package]:
        """Go through the packages that have to be resolved for a system, on a machine that may have another one.

        What another host lists is resolved for every system that the list names, as the host may have any of them; a
        store path is one of this machine.
        """
        is_here = system == machine.system
        theirs = set(self.for_machine(machine if is_here else Machine(system, str)))
        for package in self.packages:
            if package.scope.is_other_host(machine):
                is_wanted = system in self.systems and not package.spec.is_store_path
            else:
                is_wanted = package in theirs and (is_here or not package.spec.is_store_path)
            if is_wanted:
                yield package

    def skipped(self, machine: Machine) -> dict[Package, str]:
        """Return the other packages, in order, each with the reason: "only on darwin"."""
        return {package: reason for package, reason in self._reasons(machine) if reason}

    def _reasons(self, machine: Machine) -> Iterator[tuple[Package, str]]:
        """Give each package with the reason why a machine skips it; empty where it does not."""
        on_host = (one for one in self.packages if one.scope.kind == "host" and one.scope.applies(machine))
        keys_of_host = {package.spec.key for package in on_host}
        for package in self.packages:
            reason = "" if package.scope.applies(machine) else package.scope.reason
            if not reason and package.scope.kind == "system" and package.spec.key in keys_of_host:
                reason = f"replaced by the entry of host {machine.host}"
            yield package, reason
