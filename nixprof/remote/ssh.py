"""The one place where ssh is started: the user's own, with the user's configuration, keys and agent.

Another machine is sent a tar with `remote.sh` and what that works on, and answers with a tar. What runs there is one
fixed command, which every shell reads in the same way.
"""

from __future__ import annotations

import io
import os
import re
import select
import selectors
import shutil
import subprocess
import tarfile
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self, TypeVar, cast

from nixprof.errors import TRY_AGAIN, NixprofError, Reason
from nixprof.formatting import shell_quote
from nixprof.nix.errors import explain
from nixprof.nix.operations import SshStore
from nixprof.record import record
from nixprof.redact import excerpt, plain
from nixprof.schema import MISSHAPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from nixprof.nix.progress import Progress

T = TypeVar("T")
R = TypeVar("R")

_SCRIPT = Path(__file__).with_name("remote.sh")
# Begins the answer: the start-up files of a shell may print something before it.
MARK = b"nixprof-answer\n"
# Neither quotes nor backslashes, exclamation marks or newlines: so it is one word for csh and fish as well.
_COMMAND = (
    'd=$(mktemp -d "${TMPDIR:-/tmp}/nixprof-XXXXXXXX") || exit 73; c() { rm -rf "$d"; }; trap c EXIT; '
    'trap "exit 129" HUP INT TERM PIPE; tar -xf - -C "$d" && { sh "$d/remote.sh" %s; echo nixprof-answer; '
    'tar -cf - -C "$d" answer; }'
)
# How long a machine may take to be reached, and to be silent once it is.
_CONNECT_SECONDS = 10
_SILENCE_SECONDS = 60
# How many machines are asked at once.
_MAX_AT_ONCE = 32
# How much of an answer is read: several times the lock of 20,000 packages.
_MAX_ANSWER_BYTES = 128 << 20
_FAILED = 255  # how ssh ends where it is not the command that failed


# IPv6 has brackets where a port follows, and in addresses that Nix reads; ssh itself knows none.
_HOST = re.compile(
    r"(?P<user>[\w.+-]+@)?"
    r"(?:(?P<bare>[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*(?:%\w+)?)"
    r"|(?:(?P<name>\w[\w.-]*)|\[(?P<bracketed>[0-9a-fA-F:.]+(?:%\w+)?)\])(?::(?P<port>\d{1,5}))?)",
    re.ASCII,
)


@record
class Host:
    """Another machine, as the user calls it."""

    name: str  # as typed, without `ssh://`
    target: str  # what ssh is given: `HOST` or `USER@HOST`
    port: str = ""  # empty for what ssh has configured

    @classmethod
    def parse(cls, text: str) -> Host:
        """Read `HOST`, `USER@HOST` or `ssh://[USER@]HOST[:PORT]`; raise NixprofError for anything else."""
        name = text.removeprefix("ssh://").rstrip("/")
        found = _HOST.fullmatch(name)
        if not found or name.startswith("-"):
            message = f"{excerpt(text)} is not the name of a machine"
            raise NixprofError(message, Reason.USAGE, hints=("write it as ssh does: server, or me@server",))
        host = found["name"] or found["bare"] or found["bracketed"]
        return cls(name, (found["user"] or "") + host, found["port"] or "")

    @property
    def command(self) -> str:
        """What the user types to get there."""
        return f"ssh -p {self.port} {self.target}" if self.port else f"ssh {self.target}"

    @property
    def options(self) -> tuple[str, ...]:
        """What ssh has to be told of it."""
        return ("-p", self.port) if self.port else ()

    def store(self, nix: str, *options: str) -> SshStore:
        """Give its store for Nix, which may not find its own program there; `nix` is one of them."""
        program = f"{os.path.dirname(nix)}/nix-store"
        found = re.fullmatch(r"/[\w./+-]+", program, re.ASCII)
        user, at, host = self.target.rpartition("@")
        address = f"{user}{at}[{host}]" if ":" in host else self.target
        url = f"ssh://{address}" + (f"?remote-program={program}" if found else "")
        return SshStore(self.name, url, (*self.options, *options))


class Ssh:
    """The connections of one command, used as a context manager: leaving it ends those that are still open."""

    def __init__(self, *, batch: bool, seconds: float = _SILENCE_SECONDS) -> None:
        """Begin. `batch`: nobody is asked for a password; `seconds`: then, how long an answer may take."""
        self._batch = batch
        self._seconds = seconds if batch else None
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_over = False

    @classmethod
    def to(cls, hosts: Sequence[Host], *, can_ask: bool) -> Ssh:
        """Begin for some machines: for one alone, ssh may ask its questions, such as for a password, where it has any.

        What shows how far a step is would be in their way: then there is none.
        """
        return cls(batch=len(hosts) != 1 or not can_ask or not _has_questions(hosts[0]))

    def step(self, progress: Progress, text: str) -> AbstractContextManager[object]:
        """Say for as long as the context lasts what is being done."""
        if self._batch:
            return progress.step(text)
        progress.note(text)
        return nullcontext()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what is still running; threads that wait for it then fail."""
        self._is_over = True
        self._end()

    def _end(self) -> None:
        for process in list(self._running):
            process.kill()

    def each(self, work: Callable[[T], R], machines: Sequence[T], progress: Progress) -> list[R | NixprofError]:
        """Do something for several machines at once. Return what came of each, in order, which may be an error."""
        from concurrent.futures import ThreadPoolExecutor, as_completed

        pool, begun = ThreadPoolExecutor(_MAX_AT_ONCE), []
        try:
            begun += [pool.submit(_tried, work, one) for one in machines]
            for done, _ in enumerate(as_completed(begun), 1):
                if done < len(machines):
                    progress.reached(f"{done} of {len(machines)}")
            return [future.result() for future in begun]
        finally:
            self._is_over = self._is_over or not all(future.done() for future in begun)
            self._end()
            pool.shutdown(cancel_futures=True)

    @property
    def options(self) -> tuple[str, ...]:
        """What ssh is told for every machine, in addition to the user's own configuration."""
        silence = ("-o", "ServerAliveInterval=15", "-o", f"ServerAliveCountMax={_SILENCE_SECONDS // 15}")
        asks = ("-o", "BatchMode=yes") if self._batch else ()
        return (*asks, "-o", f"ConnectTimeout={_CONNECT_SECONDS}", *silence)

    def ask(self, host: Host, mode: Sequence[str], files: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
        """Run `remote.sh` on another machine.

        Args:
            host: which.
            mode: its words, which are nixprof's own; `sync` may take any time.
            files: what it works on, by name.

        Returns: the files of its answer, by name.

        Raises: NixprofError where the machine cannot be reached, or does not answer.

        """
        if shutil.which("ssh") is None:
            raise NixprofError("there is no ssh on the PATH", Reason.UNREACHABLE, hints=("install OpenSSH's client",))
        words = ("ssh", *self.options, *host.options, "-T", "--", host.target, fixed_command(mode))
        sent = pack({**(files or {}), _SCRIPT.name: _SCRIPT.read_bytes()})
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self._running.add(process)
            try:
                if self._is_over:
                    process.kill()
                printed, said = _exchange(process, sent, None if mode[0] == "sync" else self._seconds)
            except TimeoutError:
                raise _silent(host, self._seconds) from None
            except OverflowError:
                message = f"{host.name} answers without end"
                raise NixprofError(message, Reason.UNREACHABLE, hints=(host.command,)) from None
            finally:
                process.kill()  # of no effect where it has ended
                self._running.discard(process)
        start = printed.find(MARK)
        answer = None if start < 0 else unpack(printed[start + len(MARK) :])
        if answer is None:
            raise failure_of(host, process.returncode, plain(said.decode(errors="replace")))
        return {"stderr": said, **answer}


def _exchange(process: subprocess.Popen[bytes], sent: bytes, seconds: float | None) -> tuple[bytes, bytes]:
    """Send, and read what is printed and what is said, as `communicate` does, which reads without end.

    Raises: TimeoutError where that takes too long, OverflowError where it is more than an answer has.
    """
    end = None if seconds is None else time.monotonic() + seconds
    left, printed, said = memoryview(sent), bytearray(), bytearray()
    with selectors.DefaultSelector() as waiting:
        for stream, data in ((process.stdin, None), (process.stdout, printed), (process.stderr, said)):
            if stream:
                waiting.register(stream, selectors.EVENT_READ if data is not None else selectors.EVENT_WRITE, data)
        while waiting.get_map():
            for key, _ in waiting.select(_remaining(end)):
                if key.data is None:
                    left = left[_write(key.fd, left) :]
                if not (left if key.data is None else _read(key.fd, key.data)):
                    waiting.unregister(key.fileobj)
                    cast("IO[bytes]", key.fileobj).close()
    process.wait(_remaining(end))
    return bytes(printed), bytes(said)


def _write(pipe: int, data: memoryview) -> int:
    """Write what fits into a pipe without waiting; all of it counts as written where nobody reads."""
    try:
        return os.write(pipe, data[: select.PIPE_BUF])
    except BrokenPipeError:
        return len(data)


def _read(pipe: int, data: bytearray) -> bool:
    """Add what a pipe has; False at its end. Raises OverflowError where it is too much."""
    came = os.read(pipe, 1 << 16)
    data += came
    if len(data) > _MAX_ANSWER_BYTES:
        raise OverflowError
    return bool(came)


def _remaining(end: float | None) -> float | None:
    """Tell how many seconds are left; raise TimeoutError where none are."""
    left = None if end is None else end - time.monotonic()
    if left is not None and left <= 0:
        raise TimeoutError
    return left


def _has_questions(host: Host) -> bool:
    """Tell whether ssh gets to a machine only with an answer of the user's."""
    with Ssh(batch=True) as ssh:
        try:
            ssh.ask(host, ["nothing"])
        except NixprofError as error:
            return error.reason in (Reason.HOST_KEY, Reason.ACCESS_DENIED)
    return False


def _tried(work: Callable[[T], R], machine: T) -> R | NixprofError:
    try:
        return work(machine)
    except NixprofError as error:
        return error


def fixed_command(mode: Sequence[str]) -> str:
    """Write what runs there; the words of `mode` are fixed ones."""
    for word in mode:
        if not re.fullmatch(r"[a-z-]+", word):
            raise ValueError(word)
    return f"exec sh -c '{_COMMAND % ' '.join(mode)}'"


def pack(files: Mapping[str, bytes]) -> bytes:
    """Write files as a tar that every tar reads."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o600
            tar.addfile(member, io.BytesIO(data))
    return made.getvalue()


def unpack(data: bytes) -> dict[str, bytes] | None:
    """Read the files of an answer, by their names in its folder; None where it is not whole.

    Nothing of it is written to a disk, whatever it calls its files.
    """
    found: dict[str, bytes] = {}
    # Nothing is unpacked, and no file is longer than what came.
    with suppress(tarfile.TarError, EOFError, *MISSHAPEN), tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() and not member.issparse() else None
            if file:
                found[member.name.removeprefix("answer/")] = file.read()
        return found
    return None


def failed_there(host: Host, answer: Mapping[str, bytes]) -> NixprofError:
    """Say what a machine has failed at, by what its programs wrote."""
    said = "\n".join(plain(answer.get(name, b"").decode(errors="replace")) for name in ("plan", "said", "stderr"))
    found = explain(said, ["nix"])
    if found.reason is not Reason.FAILED:
        hints = tuple(f"on {host.name}: {hint}" for hint in found.hints)
        return NixprofError(found.message, found.reason, cause=found.cause, hints=hints)
    message = f"{host.name} was stopped, or could not do it"
    return NixprofError(message, Reason.NOT_SYNCED, cause=found.cause, hints=(TRY_AGAIN,))


def _silent(host: Host, seconds: float | None) -> NixprofError:
    return NixprofError(f"{host.name} has not answered for {seconds:.0f} s", Reason.UNREACHABLE, hints=(host.command,))


# What ssh says, why, the reason, and what to do.
_RULES = (
    (
        Reason.HOST_KEY,
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        "{name} has another key than before",
        "if that is right, forget the old one: ssh-keygen -R {key}",
    ),
    (
        Reason.HOST_KEY,
        r"Host key verification failed|No \S+ host key is known",
        "the key of {name} is not known here",
        "to see it and to accept it: {command}",
    ),
    (Reason.ACCESS_DENIED, r"Permission denied|Too many authentication failures", "{name} lets nobody in", "{command}"),
    (
        Reason.UNREACHABLE,
        r"Could not resolve hostname[^\n]*",
        "there is no machine {name}, or no network",
        "machines and their names: ~/.ssh/config",
    ),
    (Reason.UNREACHABLE, r"connect to (?:host|address)[^\n]*|timed out[^\n]*", "cannot reach {name}", "{command}"),
    (
        Reason.DISK_FULL,
        r"No space left on device|Disk quota exceeded",
        "the disk of {name} is full",
        "to see which: {command} df -h",
    ),
)


def failure_of(host: Host, status: int, said: str) -> NixprofError:
    """Say in one line why there is no answer."""
    known_as = re.search(r'ssh-keygen [^\n]*-R "([\w.:\[\]%-]+)"', said, re.ASCII)
    key = known_as[1] if known_as else host.target.rpartition("@")[2]
    words = {"name": host.name, "command": host.command, "key": shell_quote(key)}
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")
    for reason, pattern, text, hint in _RULES:
        if found := re.search(pattern, said):
            cause = found[0] if reason is Reason.UNREACHABLE else last
            return NixprofError(text.format(**words), reason, cause=excerpt(cause, 200), hints=(hint.format(**words),))
    what = f"the connection to {host.name} was lost" if status in (_FAILED, -9) else f"{host.name} has not done it"
    return NixprofError(what, Reason.UNREACHABLE, cause=excerpt(last, 200) or None, hints=(TRY_AGAIN, host.command))
