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
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])
# Python looks at these only when it starts.
_AT_START = ("PYTHON", "LANG", "LC_", "COVERAGE_")
_STARTED_WITH = {"LANG": "C.UTF-8", "PYTHONPATH": _ROOT}

# --- in the tests


def can_run(env: Mapping[str, str]) -> bool:
    """Whether Python would start with this environment as the server did."""
    return {name: value for name, value in env.items() if name.startswith(_AT_START)} == _STARTED_WITH


def run(args: Sequence[str], env: Mapping[str, str], cwd: Path, timeout: float) -> tuple[int, str, str]:
    """Runs Python with nothing on stdin, as `subprocess.run` does; returns exit code, stdout and stderr."""
    ours, theirs = socket.socketpair()
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    request = json.dumps({"args": args, "env": dict(env), "cwd": str(cwd)}).encode()
    with ours, ours.makefile() as answers, ThreadPoolExecutor(2) as pool:
        shown = [pool.submit(_read, end) for end in (out, err)]
        with theirs:
            socket.send_fds(_server(), [b"."], [theirs.fileno(), out_end, err_end])
        os.close(out_end)
        os.close(err_end)
        ours.sendall(request)
        ours.shutdown(socket.SHUT_WR)
        process = int(answers.readline())
        try:
            ours.settimeout(timeout)
            code = int(answers.readline())
        except BaseException as error:
            os.kill(process, signal.SIGKILL)
            if isinstance(error, TimeoutError):
                raise subprocess.TimeoutExpired(list(args), timeout) from None
            raise
        return code, shown[0].result(), shown[1].result()


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
        found, descriptors, _, _ = socket.recv_fds(requests, 1, 3)
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


def _fork(answers: int, out: int, err: int) -> list[str]:
    """Forks once more, waits for that process, and tells its number and exit code; returns in it."""
    with socket.socket(fileno=answers) as connection:
        with connection.makefile("rb") as file:
            request = json.loads(file.read())
        process = os.fork()
        if process:
            os.close(out)
            os.close(err)
            connection.sendall(f"{process}\n".encode())
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            with contextlib.suppress(OSError):  # nobody waits any more
                connection.sendall(f"{code}\n".encode())
            os._exit(0)
    for source, target in ((out, 1), (err, 2)):
        os.dup2(source, target)
        os.close(source)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    args: list[str] = request["args"]
    return args


def _load() -> None:
    import nixprof

    for library in ("json", "subprocess", "tempfile", "typer"):
        importlib.import_module(library)
    for module in pkgutil.walk_packages(nixprof.__path__, "nixprof."):
        if module.name not in ("nixprof.cli", "nixprof.__main__"):
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


if __name__ == "__main__":
    _load()
    _main(_serve())
