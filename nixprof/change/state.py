"""What is declared, locked and installed: all of it read from disk, without starting Nix."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from nixprof.change.environment import expected, in_profile
from nixprof.change.generations import SOURCES
from nixprof.errors import NixprofError, Reason
from nixprof.files import content, read_file
from nixprof.formatting import count
from nixprof.lock.freshness import LockedManifest
from nixprof.lock.lock import Lock
from nixprof.lock.merge_conflict import is_conflicted
from nixprof.manifest.parse import parse
from nixprof.nix.local_flakes import came_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.change.environment import Environment, EnvironmentEntry
    from nixprof.context import Context
    from nixprof.manifest.model import Manifest
    from nixprof.nix.profile import Profile


class State(LockedManifest):
    """Everything at one moment, each part read when it is first asked for.

    `files` are read instead of the manifest's, and `lock` counts instead of the one that is there.

    Raises: NixprofError from every property, where what it reads cannot be read.
    """

    def __init__(
        self, context: Context, files: Mapping[Path, bytes] = MappingProxyType({}), lock: Lock | None = None
    ) -> None:
        self.machine = context.machine
        self._context = context
        self._files = files
        self._received = lock

    @cached_property
    def manifest(self) -> Manifest:
        """What the user wants."""
        path = self._context.folders.manifest
        if not path.exists():
            self._check_missing(path)
        return self.manifest_with(self._files)

    def manifest_with(self, files: Mapping[Path, bytes]) -> Manifest:
        """Read the manifest as it would be with some of its files written.

        Raises: NixprofError where it cannot be read, or would not say what it is for.
        """
        manifest = read_draft(self._context.folders.manifest, files)
        self._check_purpose(manifest)
        return manifest

    def _check_missing(self, path: Path) -> None:
        """Make sure that a list that is not there is one that has not been begun yet."""
        if path.is_symlink():
            raise NixprofError(f"{path} is a link to {os.path.realpath(path)}, which is not there", Reason.NO_MANIFEST)
        if self.installed:
            raise self._lost(f"there is no manifest {path}", "or to start over: nixprof init")

    def _check_purpose(self, manifest: Manifest) -> None:
        """Make sure that a manifest without a list is not one that an editor or a copy was stopped at."""
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
            Reason.NO_MANIFEST,
            hints=(f"to bring it back as it was: nixprof rollback {self.generation}", otherwise),
        )

    @cached_property
    def lock(self) -> Lock:
        """What was resolved."""
        return self._received or Lock.read(self._context.folders.flake)

    @cached_property
    def profile(self) -> Profile | None:
        """The profile; None where there is none."""
        return self._context.profile()

    @cached_property
    def compiled(self) -> bool:
        """Whether the generated folder is what the manifest compiles to."""
        flake = self._context.folders.flake
        current = all(content(flake / name) == data for name, data in self.lock.code(self.manifest).items())
        return current and not is_conflicted(content(flake / SOURCES) or b"")

    @cached_property
    def expected(self) -> tuple[EnvironmentEntry, ...]:
        """What the environment has to link, as far as that is resolved."""
        known = [package for package in self.wanted if package not in self.unresolved]
        return expected(known, self.lock.packages, self.machine.system)

    @cached_property
    def environments(self) -> tuple[Environment, ...]:
        """What of nixprof's is in the profile: normally one."""
        return in_profile(self.profile, self._context.folders.flake)

    @property
    def installed(self) -> tuple[EnvironmentEntry, ...]:
        """What nixprof has installed."""
        return tuple(linked for environment in self.environments for linked in environment.packages)

    def has_environment(self, packages: Sequence[EnvironmentEntry], flake: Mapping[str, bytes]) -> bool:
        """Tell whether the profile has the environment that a generated folder gives, by the names of its files."""
        return len(self.environments) == 1 and all(
            one.packages == packages and all(content(Path(one.flake, name)) == data for name, data in flake.items())
            for one in self.environments
        )

    @property
    def generation(self) -> int | None:
        """The number of the profile's generation."""
        return self.profile.generation if self.profile else None

    @property
    def in_sync(self) -> bool:
        """Whether there is nothing to do."""
        if len(self.environments) != 1 or not self.compiled or self.lock.merged:
            return False
        # An element from where the folder was before is one that `nix profile upgrade` fails on.
        at_home = came_from(self.environments[0].element.original_url, self._context.folders.flake)
        return at_home and not self.unresolved and self.installed == self.expected


def read_draft(path: Path, draft: Mapping[Path, bytes]) -> Manifest:
    """Read a manifest as it would be with some of its files written."""
    return parse(path, lambda file: draft[file] if file in draft else read_file(file))
