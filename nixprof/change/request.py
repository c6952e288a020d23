"""What a command wants to become of the list, the locks and the profile: what it hands to the flow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.errors import Reason
    from nixprof.lock.packages_json import LockedPackage
    from nixprof.manifest.model import Manifest, Package
    from nixprof.nix.profile import Element


@dataclass(frozen=True, slots=True)
class Moves:
    """What `update` moves forward.

    Attributes:
        inputs: names of inputs, with all of their packages that are not pinned.
        packages: packages that move alone.

    """

    inputs: tuple[str, ...] = ()
    packages: tuple[Package, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A change, before it is tried. By default none: then the machine only has to match the manifest.

    Attributes:
        files: the new text of every file of the manifest that changes.
        moves: what moves forward.
        adopted: packages whose answers are known without asking Nix, by key.
        elements: elements of the profile that the environment takes the place of.
        standing: what those link now.
        renamed: keys of installed packages that `standing` has under other keys.
        can_be_allowed: what the user allows where it is in the way of a package; it is written into the policy.
        named: the keys of the packages that the user has named in the command.
        activates: whether the profile follows; otherwise only the manifest and the locks are written.

    """

    files: Mapping[Path, str] = field(default_factory=dict)
    moves: Moves = Moves()
    adopted: Mapping[str, LockedPackage] = field(default_factory=dict)
    elements: tuple[Element, ...] = ()
    standing: tuple[EnvironmentEntry, ...] = ()
    renamed: frozenset[str] = frozenset()
    can_be_allowed: frozenset[Reason] = frozenset()
    named: frozenset[str] = frozenset()
    activates: bool = True

    @classmethod
    def rewriting(cls, manifest: Manifest, texts: Mapping[Path, str], named: Iterable[str] = ()) -> ChangeRequest:
        """Propose new texts of the files of a manifest, of which some may be the old ones, for packages by key."""
        files = {path: texts[path] for path, old in manifest.texts().items() if texts[path] != old}
        return cls(files, named=frozenset(named))
