"""Lists of programs that inputs carry: the `programs.sqlite` of a channel, and the database of nix-index.

A database of nix-index begins with `NIXI` and a version. The rest is compressed by zstd, and has a line for each file:
`METADATA NUL DIFFERENCE PATH`. How many bytes a path shares with the one before is told by the difference to the same
number of the line before: one signed byte, or 0x80 and two. A package follows its files as a line of its own, by JSON.
https://github.com/nix-community/nix-index/blob/master/src/frcode.rs
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import sys
from contextlib import closing, contextmanager
from typing import IO, TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.index.names import connect
from nixprof.schema import MISSHAPEN, MisshapenError, fits, wrong_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OF_CHANNEL = "programs.sqlite"
OF_NIX_INDEX = "nix-index"
# The packages that some flakes have such lists as; the smaller database of nix-index has the programs alone.
PACKAGES = {
    "nix-index-small-database": OF_NIX_INDEX,
    "nix-index-database": OF_NIX_INDEX,
    "programs-sqlite": OF_CHANNEL,
}
_MAGIC = b"NIXI" + (1).to_bytes(8, "little")
_LINE = re.compile(rb"([^\0]*)\0(\x80..|[^\x80])([^\n]*)\n", re.DOTALL)
_ORIGIN = {"origin": {"attr": str, "output": str, "toplevel": bool}}
_CHUNK_BYTES = 1 << 20


def read_list(path: Path, source: str, system: str) -> Iterator[tuple[str, str]]:
    """Give the programs of a list, each with the name of a package that has it.

    Raises: NixprofError where the list cannot be read.
    """
    try:
        yield from _of_channel(path, system) if source == OF_CHANNEL else _of_nix_index(path)
    except (*MISSHAPEN, sqlite3.Error) as error:
        cause = str(error) if isinstance(error, sqlite3.Error) else wrong_with(error)
        raise NixprofError(
            f"{path} is no list of programs that nixprof can read", Reason.DAMAGED, cause=cause
        ) from error
    except OSError as error:
        raise NixprofError(f"cannot read {path}", Reason.CANNOT_READ, cause=error.strerror) from error


def _of_channel(path: Path, system: str) -> Iterator[tuple[str, str]]:
    with closing(connect(path)) as database:
        for program, name in database.execute("SELECT name, package FROM Programs WHERE system = ?", (system,)):
            if f"{program}{name}".isprintable():
                yield str(program), str(name)


def _of_nix_index(path: Path) -> Iterator[tuple[str, str]]:
    with path.open("rb", buffering=0) as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise MisshapenError("it is not a database of nix-index, or of a version that nixprof does not know")
        with _decompressed(file) as stream:
            yield from _programs(stream)


@contextmanager
def _decompressed(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Give what zstd has compressed, from where a file is at: by Python, since 3.14, or by zstd itself.

    Raises: NixprofError without that, MisshapenError for what is damaged.
    """
    if sys.version_info >= (3, 14):
        from compression.zstd import ZstdError, ZstdFile

        try:
            with ZstdFile(file) as stream:
                yield stream
        except (ZstdError, EOFError) as error:
            raise MisshapenError("it is damaged") from error
        return
    import subprocess

    program = shutil.which("zstd")
    if program is None:
        hints = ("nixprof add zstd",)
        raise NixprofError("zstd is needed to read the database of nix-index", Reason.CANNOT_READ, hints=hints)
    with subprocess.Popen([program, "-dcq"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout  # noqa: S101 - it is a pipe
        yield process.stdout
    if process.returncode:
        raise MisshapenError("it is damaged")


def _programs(stream: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Give the programs of packages, where these are installed: of outputs that are not asked for by name."""
    programs: list[str] = []
    for metadata, path in _lines(stream):
        if metadata == b"p":
            if not fits(package := json.loads(path), _ORIGIN):
                raise MisshapenError("a package in it has no origin")
            origin = package["origin"]
            if origin["toplevel"] and origin["output"] in ("out", "bin") and origin["attr"].isprintable():
                yield from ((program, origin["attr"]) for program in programs)
            programs.clear()
        elif metadata[-1:] in (b"x", b"s") and path.startswith(b"/bin/"):
            program = path[len(b"/bin/") :].decode(errors="replace")
            # What begins with a dot is wrapped by another program.
            if "/" not in program and program.isprintable() and program[:1] not in ("", ".", "\ufffd"):
                programs.append(program)


def _lines(stream: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Give the metadata and the path of each line."""
    text = path = b""
    shared = 0
    while chunk := stream.read(_CHUNK_BYTES):
        text += chunk
        at = 0
        while line := _LINE.match(text, at):
            metadata, difference, rest = line.groups()
            shared += int.from_bytes(difference[1:] or difference, "big", signed=True)
            if shared < 0:
                raise MisshapenError("its paths do not fit together")
            path = path[:shared] + rest
            yield metadata, path
            at = line.end()
        text = text[at:]
    if text:
        raise MisshapenError("it ends too early")
