"""Who is told what Nix does. The silent default; `output.progress` has those that show it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from nixprof.nix.activity import Activities


class Progress:
    """Tells nobody."""

    def step(self, text: str) -> AbstractContextManager[object]:
        """Say for as long as the context lasts what is being done, such as `building hello`."""
        del text
        return nullcontext()

    def reached(self, text: str) -> None:
        """Say how far the step is, such as `3,000 packages`; called again and again."""

    def note(self, text: str) -> None:
        """Say something once, such as that another nixprof is being waited for."""

    def nix_runs(self, argv: Sequence[str]) -> None:
        """Take a command line of Nix that starts now."""

    def nix_said(self, text: str) -> None:
        """Take what Nix wrote to stderr: warnings, traces, logs."""

    def nix_does(self, activities: Activities) -> None:
        """Take what Nix is doing; called again and again while it does."""
