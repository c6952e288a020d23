"""What a command wants to become of the list, the locks and the profile: what it hands to the flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.failures import Attempt
from nixprof.manifest.model import EVERYWHERE
from nixprof.record import field, record, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.lock.packages_json import LockedPackage
    from nixprof.manifest.model import Manifest, Package
    from nixprof.nix.profile import Element


NO_COMMAND = Attempt()


@record
class Moves:
    """What `update` moves forward."""

    inputs: tuple[str, ...] = ()  # with all of their packages that are not pinned
    packages: tuple[Package, ...] = ()  # alone
    strict: bool = False  # whether nothing at all moves where a package cannot be had
    again: bool = False  # whether to build what is in no cache, and what has failed to build before
    now: bool = False  # whether to take revisions whatever their age

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the packages that move alone."""
        return frozenset(package.spec.key for package in self.packages)

    def __bool__(self) -> bool:
        """Tell whether anything is to move."""
        return bool(self.inputs or self.packages)


@record
class Unlisted:
    """A package that other machines had on the list, and lose."""

    package: str
    on: str  # those machines, as `--on` takes them


@record
class ChangeRequest:
    """A change, before it is tried. By default none: then the machine only has to match the manifest."""

    files: Mapping[Path, str] = field(default_factory=dict)  # the new text of every file of the manifest that changes
    moves: Moves = Moves()
    adopted: Mapping[str, LockedPackage] = field(default_factory=dict)  # packages that are known without asking Nix
    elements: tuple[Element, ...] = ()  # of the profile, that the environment takes the place of
    standing: tuple[EnvironmentEntry, ...] = ()  # what those link now
    renamed: frozenset[str] = frozenset()  # keys of installed packages that `standing` has under other keys
    attempt: Attempt = NO_COMMAND  # the command, for the hints
    unlisted: tuple[Unlisted, ...] | None = None  # of `remove`: what goes from other machines
    named: frozenset[str] = frozenset()  # the keys of the packages that the user has named in the command
    activates: bool = True  # whether the profile follows; otherwise only the manifest and the locks are written
    installs: bool = True  # whether anything is brought into the store; otherwise only the locks are written

    @classmethod
    def rewriting(cls, manifest: Manifest, texts: Mapping[Path, str], named: Iterable[str] = ()) -> ChangeRequest:
        """Ask for new texts of the files of a manifest, of which some may be the old ones; `named` are keys."""
        files = {path: texts[path] for path, old in manifest.texts().items() if texts[path] != old}
        return cls(files, named=frozenset(named))

    @property
    def is_trial(self) -> bool:
        """Whether it is only about what is named, and nothing is written."""
        return self.attempt.is_trial

    def narrowed(self, manifest: Manifest) -> Manifest:
        """Give what a manifest asks for here; for a trial only what is named, whatever machines it is listed for."""
        if not self.is_trial:
            return manifest
        own = {one.spec.key: replace(one, scope=EVERYWHERE) for one in manifest.packages if one.spec.key in self.named}
        return replace(manifest, packages=tuple(own.values()), systems=())
