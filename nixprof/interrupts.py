"""Being stopped: by Ctrl-C, by a closed terminal or by the system. In order, and never half-way through a commit."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_in_order() -> None:
    """Let SIGTERM and SIGHUP end nixprof as Ctrl-C does: everything under way is taken back."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # A process that was started to survive its terminal goes on doing so.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back every signal that would stop nixprof until the context ends.

    Raises: KeyboardInterrupt at the end, where one came and nothing else was raised.
    """
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt
