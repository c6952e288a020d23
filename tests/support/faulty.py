"""nixprof with something going wrong: `python faulty.py FAULT ARGS…`, where FAULT is JSON as `Fault` writes it.

Every point at which nixprof touches a file to change it or has to do with a process is counted and noted in the log,
and at one of them the fault happens. Reading, and whatever Python does for itself, is no point.
"""

import errno
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

AT_FILES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.chown", "os.link", "os.symlink"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# What a full disk refuses; it still renames and removes.
TAKES_ROOM = {"open", "os.mkdir", "os.link", "os.symlink", "fsync"}


class Points:
    def __init__(self, fault: dict[str, Any]) -> None:
        self._log = os.open(fault["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._at: int | None = fault["at"]
        self._how: str = fault["how"]
        self._lasts: bool = fault["lasts"]
        self._count = 0

    def at_file(self, what: str, path: object) -> None:
        if self._how != "kill" and self._how == "ENOSPC" and what not in TAKES_ROOM:
            return
        if self._reached(f"{what} {path}"):
            self._fail(path)

    def at_process(self, what: str, argv: object) -> None:
        if self._how in ("kill", "count") and self._reached(f"{what} {argv}"):
            self._fail("")

    def _reached(self, what: str) -> bool:
        self._count += 1
        os.write(self._log, f"{what}\n".encode(errors="replace"))
        if self._at is None:
            return False
        return self._count == self._at or (self._lasts and self._count > self._at)

    def _fail(self, path: object) -> None:
        if self._how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        number = getattr(errno, self._how)
        raise OSError(number, os.strerror(number), str(path))


def main() -> None:
    points = Points(json.loads(sys.argv[1]))

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            if isinstance(path, str) and flags & WRITING and path != os.devnull and "__pycache__" not in path:
                points.at_file("open", path)
        elif event in AT_FILES and "__pycache__" not in str(args[0]):
            points.at_file(event, args[0])
        elif event == "subprocess.Popen":
            points.at_process("start", args[1])

    def after(method: Callable[..., Any], what: str) -> Callable[..., Any]:
        def wrapped(self: subprocess.Popen[bytes], *args: Any, **kwargs: Any) -> Any:
            done = method(self, *args, **kwargs)
            points.at_process(what, self.args)
            return done

        return wrapped

    def fsync(descriptor: int, sync: Callable[[int], None] = os.fsync) -> None:
        points.at_file("fsync", os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    subprocess.Popen.__init__ = after(subprocess.Popen.__init__, "running")  # type: ignore[method-assign]
    subprocess.Popen.__exit__ = after(subprocess.Popen.__exit__, "ended")  # type: ignore[method-assign]
    os.fsync = fsync  # type: ignore[assignment]
    sys.argv = ["nixprof", *sys.argv[2:]]
    sys.path[0] = os.environ["PYTHONPATH"]
    sys.addaudithook(hook)
    runpy.run_module("nixprof", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
