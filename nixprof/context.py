"""Who runs nixprof, and where: the one value that every command is given, and passes down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.console import Console
from nixprof.formatting import shell_quote
from nixprof.nix import profile as nix_profile
from nixprof.nix.progress import Progress
from nixprof.record import field, record, replace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nixprof.errors import Reason
    from nixprof.folders import Folders
    from nixprof.machine import Machine
    from nixprof.nix.operations import Nix, SshStore
    from nixprof.nix.profile import Profile
    from nixprof.nix.version import NixVersion


@record
class Context:
    """Who runs nixprof, on which machine, and how."""

    folders: Folders
    machine: Machine
    nix_version: NixVersion | None = None  # of the Nix of this machine; None where it has to be asked
    chosen_profile: Path | None = None  # the profile that the user named; None for the one that Nix itself uses
    command: str = "nixprof"  # what the user runs, for others to read: without secrets
    arguments: Sequence[str] = ("sync",)  # what the user typed after `nixprof`, to be typed again
    progress: Progress = field(default_factory=Progress)  # is told what a long step does
    console: Console = field(default_factory=Console)  # shows the result
    waits: bool = True  # whether to wait for another nixprof that is running
    agrees: bool = False  # whether the user has agreed beforehand to what would be lost
    dry_run: bool = False
    store: SshStore | None = None  # of another machine, that is asked first for what is missing
    allowed: frozenset[Reason] = frozenset()  # what may be allowed where a package is refused for it

    def typed(self, *more: str) -> str:
        """Write what the user typed as a command to be pasted, with more words where it lacks them."""
        words = (*self.arguments, *(word for word in more if word not in self.arguments))
        return " ".join(map(shell_quote, ("nixprof", *words)))

    def retyped(self, wrong: str, right: str) -> str:
        """Write it with another word instead of one, which may be the value of an option."""
        values = {f"{word.partition('=')[0]}={wrong}" for word in self.arguments if word.startswith("--")}
        words = (right if word == wrong else word for word in self.arguments)
        typed = [f"{word.partition('=')[0]}={right}" if word in values else word for word in words]
        return replace(self, arguments=typed).typed()

    def show(self, what: object) -> None:
        """Show something before a command is done, such as its plan. The context of the command line does."""

    def nix(self, lock: int | None = None) -> Nix:
        """Give the Nix of this machine; `lock` is a descriptor that its changes of a profile share."""
        from nixprof.nix.operations import Nix

        return Nix(self.progress, lock, self.folders.state if lock else None, self.nix_version)

    def profile(self) -> Profile | None:
        """Read the profile as it is now; None where Nix has not made one yet."""
        link = nix_profile.locate(self.chosen_profile)
        return None if link is None else nix_profile.read(link)
