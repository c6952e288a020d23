"""What a long step tells while it runs. The default tells nothing; the command line passes one that does."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Progress:
    """Silent progress."""

    def step(self, text: str) -> AbstractContextManager[object]:
        """Say for as long as the context lasts what is being done, such as `building hello`."""
        del text
        return nullcontext()

    def note(self, text: str) -> None:
        """Say something once, such as that another nixprof is being waited for."""

    def nix_said(self, text: str) -> None:
        """Take what Nix wrote beside its result: warnings, traces, what it fetches and builds."""


class Lines(Progress):
    """Notes only, for a stderr that is no terminal."""

    def note(self, text: str) -> None:
        """Write a line."""
        sys.stderr.write(f"{text}\n")


class Words(Lines):
    """Everything, Nix's own words included: for `--verbose`."""

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Write a line for each step."""
        self.note(text)
        yield

    def nix_said(self, text: str) -> None:
        """Write it as it is."""
        sys.stderr.write(text)


class Spinner(Lines):
    """A line that says what is being done and goes when it is done: for a terminal."""

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Spin beside `text`."""
        from rich.console import Console
        from rich.text import Text

        console = Console(stderr=True)
        line = Text(text)
        line.truncate(console.width - 3, overflow="ellipsis")
        with console.status(line):
            yield
