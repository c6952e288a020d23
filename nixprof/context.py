"""Who runs nixprof, and where: what every command is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nixprof.nix import profile as nix_profile
from nixprof.nix.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nixprof.folders import Folders
    from nixprof.machine import Machine
    from nixprof.nix.profile import Profile


@dataclass(frozen=True, slots=True)
class Context:
    """Whose packages, and where: what every command works on.

    Attributes:
        folders: the user's files.
        machine: this machine.
        chosen_profile: the profile that the user named; None for the one that Nix itself uses.
        command: what the user typed.
        waits: whether to wait for another nixprof that is at work.
        progress: what a long step tells.
        agrees: whether the user has agreed beforehand to what would be lost.
        arguments: what the user typed after `nixprof`, word by word, to be typed again.

    """

    folders: Folders
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
