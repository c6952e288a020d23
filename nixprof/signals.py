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
    """A signal asks nixprof to stop; no library takes it for a KeyboardInterrupt of its own."""

    def __init__(self, *, done: bool = False) -> None:
        super().__init__()
        self.done = done  # it came when everything was done already


class _Handler:
    """What a signal does, depending on when it comes."""

    def __init__(self) -> None:
        self.deferred = False  # it must not interrupt what is under way
        self.came = False  # meanwhile
        self.stopping = False  # one is enough: a second must not interrupt the cleaning up
        self.done = False  # there is nothing left to take back

    def __call__(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.deferred:
            self.came = True
        elif not self.stopping:
            self.stop()

    def stop(self) -> None:
        self.stopping = True
        raise Interrupted(done=self.done)


_handler = _Handler()


def install_signal_handlers() -> None:
    """Let SIGTERM and SIGHUP end nixprof as Ctrl-C does: by Interrupted, and everything under way is taken back."""
    for number in _SIGNALS:
        # A process that was started to survive its terminal still does.
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _handler)


def ignore_signals() -> None:
    """Ignore further signals; they could change the exit code while Python shuts down."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Hold back every signal that would stop nixprof until the context ends; raise Interrupted then, if one came."""
    _handler.deferred = True
    try:
        yield
        _handler.done = True
    except Exception as error:
        if _handler.came:
            raise Interrupted from error
        raise
    finally:
        _handler.deferred = False
        _handler.stopping = _handler.stopping or _handler.came
    if _handler.came:
        _handler.stop()


@contextmanager
def ctrl_c_left_to_child() -> Iterator[None]:
    """Ignore Ctrl-C, which the terminal sends to a program that nixprof has started as well: it may be a key there."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        # The program would inherit SIG_IGN, but not a function.
        signal.signal(signal.SIGINT, lambda number, frame: None)  # noqa: ARG005
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
