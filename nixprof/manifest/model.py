"""What a manifest says, as types. Everything here is checked: `parse` is the only place that makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from nixprof.record import record

if TYPE_CHECKING:
    from pathlib import Path

    from nixprof.machine import Machine
    from nixprof.manifest.spec import Spec


@record
class Scope:
    """Where an entry applies: everywhere, on one kind of system, or on one host.

    `name` is empty for `all`; for `system` an OS ("darwin"), an architecture ("aarch64") or a full system
    ("x86_64-linux"); for `host` the name of the machine; see `nixprof.machine.host_name`.
    """

    kind: Literal["all", "system", "host"]
    name: str = ""

    def applies(self, machine: Machine) -> bool:
        """Say whether an entry counts on a machine."""
        if self.kind == "host":
            return self.name.lower() == machine.host
        if self.kind == "system":
            architecture, _, os = machine.system.partition("-")
            return self.name in (machine.system, architecture, os)
        return True

    @property
    def reason(self) -> str:
        """Why an entry is skipped elsewhere: "only on darwin"; empty for an entry that applies everywhere."""
        return {"all": "", "system": f"only on {self.name}", "host": f"only on host {self.name}"}[self.kind]


EVERYWHERE: Final = Scope("all")


@record
class Package:
    """One entry of the list.

    `written` is the spec as the user wrote it, `priority` None where the user gave none, `file` the manifest
    file that holds the entry, and `path` its key path there: ("packages", 3), ("system", "darwin",
    "packages", 0).
    """

    spec: Spec
    written: str
    priority: int | None
    pin: bool
    scope: Scope
    file: Path
    path: tuple[str | int, ...]


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
    """What `[nixpkgs]` asks of every input that is a nixpkgs.

    `allow_unfree` and `allow_broken` are True for every package, False for none, or package names;
    `allow_insecure` holds package names, `overlays` names of inputs.
    """

    allow_unfree: bool | tuple[str, ...] = False
    allow_insecure: tuple[str, ...] = ()
    allow_broken: bool | tuple[str, ...] = False
    overlays: tuple[str, ...] = ()

    @property
    def allowed(self) -> dict[str, bool | tuple[str, ...]]:
        """Give what is allowed by the keys of the table."""
        return {
            "allow-unfree": self.allow_unfree,
            "allow-insecure": self.allow_insecure,
            "allow-broken": self.allow_broken,
        }

    @property
    def is_asked_for(self) -> bool:
        """Say whether nixpkgs has to be imported with a configuration; else its `legacyPackages` do."""
        return bool(self.allow_unfree or self.allow_insecure or self.allow_broken or self.overlays)


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
    """Everything that the user wants, on all machines.

    `packages` are in the user's order, those of included files after those of the file that includes them.
    `inputs` holds nixpkgs in any case. `systems` is empty where the user names none: then this machine's
    alone counts. `sources` are the files that were read, `path` first. `lists_packages` tells whether any of them has
    a list of packages, be it an empty one.
    """

    path: Path
    packages: tuple[Package, ...]
    inputs: tuple[Input, ...]
    systems: tuple[str, ...]
    policy: Policy
    sources: tuple[Source, ...]
    lists_packages: bool

    def texts(self) -> dict[Path, str]:
        """Return the text of every file."""
        return {source.path: source.text for source in self.sources}

    def for_machine(self, machine: Machine) -> tuple[Package, ...]:
        """Return the packages of one machine, in order. An entry of its host replaces one of its system."""
        hosts = self._keys_of_host(machine)
        return tuple(
            package for package in self.packages if package.scope.applies(machine) and not _is_replaced(package, hosts)
        )

    def skipped(self, machine: Machine) -> dict[Package, str]:
        """Return the other packages, in order, each with the reason: "only on darwin"."""
        hosts = self._keys_of_host(machine)
        skipped = {}
        for package in self.packages:
            if not package.scope.applies(machine):
                skipped[package] = package.scope.reason
            elif _is_replaced(package, hosts):
                skipped[package] = f"replaced by the entry of host {machine.host}"
        return skipped

    def _keys_of_host(self, machine: Machine) -> frozenset[str]:
        on_host = (p for p in self.packages if p.scope.kind == "host" and p.scope.applies(machine))
        return frozenset(package.spec.key for package in on_host)


def _is_replaced(package: Package, keys_of_host: frozenset[str]) -> bool:
    return package.scope.kind == "system" and package.spec.key in keys_of_host
