"""What is declared, locked and installed: all of it read from disk, without starting Nix."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from nixprof.environment import expected, in_profile
from nixprof.errors import NixprofError
from nixprof.files import content, read_file
from nixprof.flake.packages import holds, read_packages
from nixprof.manifest.parse import parse
from nixprof.nix import profile as nix_profile
from nixprof.nix.reference import came_from
from nixprof.progress import Progress
from nixprof.words import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.answers import Gap
    from nixprof.environment import Environment, Linked
    from nixprof.flake.inputs import LockedInput
    from nixprof.flake.packages import LockedPackage
    from nixprof.machine import Machine
    from nixprof.manifest.model import Manifest, Package
    from nixprof.nix.profile import Profile
    from nixprof.places import Places

_MACHINERY = Path(__file__).parent / "flake" / "nixprof.nix"


@dataclass(frozen=True, slots=True)
class Project:
    """Whose packages, and where: what every command works on.

    Attributes:
        places: the user's files.
        machine: this machine.
        chosen_profile: the profile that the user named; None for the one that Nix itself uses.
        command: what the user typed.
        waits: whether to wait for another nixprof that is at work.
        progress: what a long step tells.
        agrees: whether the user has agreed beforehand to what would be lost.
        arguments: what the user typed after `nixprof`, word by word, to be typed again.

    """

    places: Places
    machine: Machine
    chosen_profile: Path | None = None
    command: str = "nixprof"
    waits: bool = True
    progress: Progress = field(default_factory=Progress)
    agrees: bool = False
    arguments: Sequence[str] = ("sync",)

    def profile(self) -> Profile | None:
        """Read the profile as it is now; None where Nix has not made one yet."""
        link = nix_profile.locate(self.chosen_profile)
        return None if link is None else nix_profile.read(link)


class State:
    """Everything at one moment, each part read when it is first asked for.

    Args:
        project: whose.
        draft: what to read instead of the files of the manifest that are named.

    Raises: NixprofError from every property, where what it reads cannot be read.

    """

    def __init__(self, project: Project, draft: Mapping[Path, bytes] = MappingProxyType({})) -> None:
        self.machine = project.machine
        self._project = project
        self._draft = draft

    @cached_property
    def manifest(self) -> Manifest:
        """What the user wants."""
        path = self._project.places.manifest
        if not path.exists():
            self._check_missing(path)
        return self.manifest_with(self._draft)

    def manifest_with(self, files: Mapping[Path, bytes]) -> Manifest:
        """Read the manifest as it would be with some of its files written.

        Raises: NixprofError where it cannot be read, or would not say what it is for.
        """
        manifest = read_draft(self._project.places.manifest, files)
        self._check_purpose(manifest)
        return manifest

    def _check_missing(self, path: Path) -> None:
        """Make sure that a list that is not there is one that has not been begun yet."""
        if path.is_symlink():
            raise NixprofError(f"{path} is a link to {os.path.realpath(path)}, which is not there")
        if self.installed:
            raise self._lost(f"there is no manifest {path}", "or to start over: nixprof init")

    def _check_purpose(self, manifest: Manifest) -> None:
        """Make sure that a manifest that lists no packages does so on purpose.

        An editor or a copy that was stopped leaves an empty file, and a slip in an editor one without its packages.

        Raises: NixprofError where it has no list at all, not even an empty one, and packages are installed.
        """
        if manifest.lists_packages or not self.installed:
            return
        is_empty = not manifest.sources[0].data.strip()
        raise self._lost(
            f"{manifest.path} {'is empty' if is_empty else 'lists no packages'}",
            "to remove everything, write: packages = []",
        )

    def _lost(self, what: str, otherwise: str) -> NixprofError:
        return NixprofError(
            f"{what}, but nixprof has installed {count(len(self.installed), 'package')}",
            hints=(f"to bring it back as it was: nixprof rollback {self.generation}", otherwise),
        )

    @cached_property
    def locked(self) -> Mapping[str, LockedPackage]:
        """What `packages.json` has, by key."""
        return read_packages(self._project.places.flake / "packages.json")

    @cached_property
    def inputs(self) -> Mapping[str, LockedInput]:
        """What `flake.lock` has, by name."""
        from nixprof.flake.inputs import read_flake_lock

        return read_flake_lock(self._project.places.flake / "flake.lock")

    @cached_property
    def profile(self) -> Profile | None:
        """The profile; None where there is none."""
        return self._project.profile()

    @cached_property
    def compiled(self) -> bool:
        """Whether the generated folder is what the manifest compiles to."""
        flake = self._project.places.flake
        files = generated(self.manifest, self.locked)
        return all(content(flake / name) == data for name, data in files.items())

    @cached_property
    def wanted(self) -> tuple[Package, ...]:
        """The packages of the manifest that apply to this machine."""
        return self.manifest.for_machine(self.machine)

    @cached_property
    def unanswered(self) -> frozenset[Package]:
        """Those among them that have to be resolved first, at what the inputs are locked to now."""
        from nixprof.answers import bases, is_answered

        basis_of = bases(self.manifest, self.inputs)
        system = self.machine.system
        return frozenset(
            package
            for package in self.wanted
            if not is_answered(package, system, self.locked, basis_of.get(package.spec.input))
        )

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """What cannot be had on the other systems that the list is for."""
        from nixprof.answers import gaps

        return gaps(self.manifest, self.locked, self.machine)

    @cached_property
    def expected(self) -> tuple[Linked, ...]:
        """What the environment has to link, as far as that is resolved."""
        known = [package for package in self.wanted if package not in self.unanswered]
        return expected(known, self.locked, self.machine.system)

    @cached_property
    def environments(self) -> tuple[Environment, ...]:
        """What of nixprof's is in the profile: normally one."""
        return in_profile(self.profile, self._project.places.flake)

    @property
    def installed(self) -> tuple[Linked, ...]:
        """What nixprof has installed."""
        return tuple(linked for environment in self.environments for linked in environment.packages)

    @property
    def generation(self) -> int | None:
        """The number of the profile's generation."""
        return self.profile.generation if self.profile else None

    @property
    def in_sync(self) -> bool:
        """Whether there is nothing to do."""
        if len(self.environments) != 1 or not self.compiled:
            return False
        # An element from where the folder was before is one that `nix profile upgrade` fails on.
        at_home = came_from(self.environments[0].element.original_url, self._project.places.flake)
        return at_home and not self.unanswered and self.installed == self.expected


def read_draft(path: Path, draft: Mapping[Path, bytes]) -> Manifest:
    """Read a manifest as it would be with some of its files written."""
    return parse(path, lambda file: draft[file] if file in draft else read_file(file))


def generated(manifest: Manifest, locked: Mapping[str, LockedPackage]) -> dict[str, bytes]:
    """Give the files of the generated folder that only depend on the manifest and on what is held, by name."""
    from nixprof.flake.compile import compile_flake

    return {"flake.nix": compile_flake(manifest, holds(locked)).encode(), "nixprof.nix": _MACHINERY.read_bytes()}
