"""Python that has loaded nixprof's libraries before: loading them is more than half of what a short command takes.

What is started is a process of its own, forked from a server that has imported the libraries and nixprof's modules
and has run nothing of them. `python forks.py` is that server; requests come on its stdin.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])
# Python looks at these only when it starts.
_AT_START = ("PYTHON", "LANG", "LC_", "COVERAGE_")
_STARTED_WITH = {"LANG": "C.UTF-8", "PYTHONPATH": _ROOT}
# What commands import when they need it.
_LIBRARIES = ("filelock", "graphlib", "json", "platformdirs", "subprocess", "tempfile", "tomlkit", "tomllib", "typer")

# --- in the tests


def can_run(env: Mapping[str, str]) -> bool:
    """Whether Python would start with this environment as the server did."""
    return {name: value for name, value in env.items() if name.startswith(_AT_START)} == _STARTED_WITH


class Process:
    """A Python that runs, as `subprocess.Popen` has it."""

    def __init__(
        self,
        args: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        streams: tuple[int, int, int],
        *,
        start_new_session: bool = False,
    ) -> None:
        """Starts it with its stdin, stdout and stderr."""
        self._args = list(args)
        self._code: int | None = None
        self._connection, theirs = socket.socketpair()
        request = {"args": self._args, "env": dict(env), "cwd": str(cwd), "session": start_new_session}
        with theirs:
            socket.send_fds(_server(), [b"."], [theirs.fileno(), *streams])
        self._connection.sendall(json.dumps(request).encode())
        self._connection.shutdown(socket.SHUT_WR)
        self._answers = self._connection.makefile()
        self.pid = int(self._answers.readline())

    def poll(self) -> int | None:
        if self._code is None and select.select([self._connection], [], [], 0)[0]:
            self.wait()
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        if self._code is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self._args, timeout or 0)
            self._code = int(self._answers.readline())
            self._answers.close()
            self._connection.close()
        return self._code

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def run(args: Sequence[str], env: Mapping[str, str], cwd: Path, timeout: float) -> tuple[int, str, str]:
    """Runs Python with nothing on stdin, as `subprocess.run` does; returns exit code, stdout and stderr."""
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    with ThreadPoolExecutor(2) as pool, open(os.devnull, "rb") as nothing:
        shown = [pool.submit(_read, end) for end in (out, err)]
        try:
            process = Process(args, env, cwd, (nothing.fileno(), out_end, err_end))
        finally:
            os.close(out_end)
            os.close(err_end)
        try:
            code = process.wait(timeout)
        except BaseException:
            process.kill()
            raise
        return code, shown[0].result(), shown[1].result()


def start_on(
    terminal: int, words: Sequence[str], env: Mapping[str, str], cwd: Path
) -> "subprocess.Popen[bytes] | Process":
    """Starts a command on a terminal, in a session of its own."""
    if words[0] == sys.executable and can_run(env):
        return Process(words[1:], env, cwd, (terminal, terminal, terminal), start_new_session=True)
    return subprocess.Popen(
        words, stdin=terminal, stdout=terminal, stderr=terminal, env=env, cwd=cwd, start_new_session=True
    )


def _read(descriptor: int) -> str:
    with open(descriptor, encoding="utf-8", errors="replace") as pipe:
        return pipe.read()


@functools.cache
def _server() -> socket.socket:
    ours, theirs = socket.socketpair()
    with theirs:
        actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0), (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        os.posix_spawn(sys.executable, [sys.executable, __file__], _STARTED_WITH, file_actions=actions)
    atexit.register(ours.close)
    return ours


# --- in the server and what it forks


def _serve() -> list[str]:
    """Forks for each request; returns in the new process, with its arguments."""
    requests = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    while True:
        found, descriptors, _, _ = socket.recv_fds(requests, 1, 4)
        if not found:
            os._exit(0)
        if os.fork() == 0:
            requests.close()
            return _fork(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _fork(answers: int, *streams: int) -> list[str]:
    """Forks once more, waits for that process, and tells its number and exit code; returns in it."""
    with socket.socket(fileno=answers) as connection:
        with connection.makefile("rb") as file:
            request = json.loads(file.read())
        process = os.fork()
        if process:
            for stream in streams:
                os.close(stream)
            connection.sendall(f"{process}\n".encode())
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            with contextlib.suppress(OSError):  # nobody waits any more
                connection.sendall(f"{code}\n".encode())
            os._exit(0)
    for target, source in enumerate(streams):
        os.dup2(source, target)
        os.close(source)
    if request["session"]:
        os.setsid()
    # As Python sets it up when it starts.
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    args: list[str] = request["args"]
    return args


def _load() -> None:
    import nixprof

    for library in (*_LIBRARIES, "typer._click.decorators", "rich.table", "encodings.ascii"):
        importlib.import_module(library)
    for module in pkgutil.walk_packages(nixprof.__path__, "nixprof."):
        if module.name != "nixprof.__main__":
            importlib.import_module(module.name)
    gc.freeze()


def _main(args: list[str]) -> None:
    match args:
        case ["-m", module, *rest]:
            sys.argv = [module, *rest]
            sys.path[0] = os.getcwd()
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["-c", code, *rest]:
            sys.argv = ["-c", *rest]
            sys.path[0] = ""
            exec(code, {"__name__": "__main__"})
        case [script, *_]:
            sys.argv = args
            sys.path[0] = str(Path(script).parent)
            runpy.run_path(script, run_name="__main__")


def _end(code: int) -> None:
    """Ends as Python does, but without taking apart all that is loaded, which takes longer than a short command."""
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - waits for threads
    atexit._run_exitfuncs()  # noqa: SLF001
    with contextlib.suppress(OSError, ValueError):  # Python says so
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
        os._exit(code)


if __name__ == "__main__":
    _load()
    try:
        _main(_serve())
    except SystemExit as end:
        if isinstance(end.code or 0, int):
            _end(int(end.code or 0) & 255)
        raise
    _end(0)
