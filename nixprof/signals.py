"""Being stopped: by Ctrl-C, by a closed terminal or by the system. In order, and never half-way through a commit."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asks nixprof to stop; no library takes it for a KeyboardInterrupt of its own.

    `done` says that it came when everything was done already.
    """

    def __init__(self, *, done: bool = False) -> None:
        super().__init__()
        self.done = done


def install_signal_handlers() -> None:
    """Let SIGTERM and SIGHUP end nixprof as Ctrl-C does: by Interrupted, and everything under way is taken back."""
    for number in _SIGNALS:
        # A process that was started to survive its terminal goes on doing so.
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop, once: a second signal must not interrupt the cleaning up."""
    del number, frame
    _ignore_others()
    raise Interrupted


def _interrupt_late(number: int, frame: FrameType | None) -> None:
    """Stop what only has to be told."""
    del number, frame
    _ignore_others()
    raise Interrupted(done=True)


def _ignore_others() -> None:
    for each in _SIGNALS:
        # What is started to clean up must not ignore the signal, as it would with SIG_IGN.
        if signal.getsignal(each) in (_interrupt, _interrupt_late):
            signal.signal(each, _ignore)


def _ignore(number: int, frame: FrameType | None) -> None:
    del number, frame


def ignore_signals() -> None:
    """Ignore whatever still comes: on its way out Python would let a signal decide on the exit code."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Hold back every signal that would stop nixprof until the context ends.

    Raises: Interrupted at the end, where one came.
    """
    came: list[int] = []
    done = False
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
        done = True
    except Exception as error:
        if came:
            raise Interrupted from error
        raise
    finally:
        for number, handler in before.items():
            if handler is not _interrupt:
                signal.signal(number, handler)
            else:
                # One is enough: a second must not interrupt what the first has asked for.
                signal.signal(number, _ignore if came else _interrupt_late if done else _interrupt)
    if came:
        raise Interrupted(done=True)
