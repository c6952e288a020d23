"""Lists of programs as others write them: the `programs.sqlite` of a channel, and nix-index."""

import json
import sqlite3
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import closing
from itertools import takewhile
from pathlib import Path

# The metadata of each file, by its path: `12x` is a program of 12 bytes, `2d` a folder, `targets` a link.
Files = Mapping[str, str]


def programs_sqlite(path: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    """As `generate-programs-index` makes it: programs, each with a system and a package."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute(
            "CREATE TABLE Programs (name TEXT NOT NULL, system TEXT NOT NULL, package TEXT NOT NULL, "
            "PRIMARY KEY (name, system, package)) WITHOUT ROWID"
        )
        database.executemany("INSERT INTO Programs VALUES (?, ?, ?)", rows)
        database.commit()


def nix_index(path: Path, packages: Iterable[tuple[str, str, bool, Files]]) -> None:
    """As nix-index makes it: packages, each with an output, whether it is one of its own, and its files."""
    text = b"".join(
        _package(number, name, output, files, toplevel=toplevel)
        for number, (name, output, toplevel, files) in enumerate(packages)
    )
    packed = subprocess.run(["zstd", "-cq"], input=text, capture_output=True, check=True).stdout
    path.write_bytes(b"NIXI" + (1).to_bytes(8, "little") + packed)


def _package(number: int, name: str, output: str, files: Files, *, toplevel: bool) -> bytes:
    if not files:
        return b""
    written, last, shared = b"", b"", 0
    for file, metadata in files.items():
        path = file.encode()
        same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(last, path, strict=False))))
        written += metadata.encode() + b"\0" + _difference(same - shared) + path[same:] + b"\n"
        last, shared = path, same
    origin = {"attr": name, "output": output, "toplevel": toplevel, "system": "x86_64-linux"}
    about = {"store_dir": "/nix/store", "hash": f"{number:032}", "name": f"{name}-1.0", "origin": origin}
    return written + b"p\0" + _difference(-shared) + json.dumps(about).encode() + b"\n"


def _difference(number: int) -> bytes:
    if abs(number) < 127:
        return number.to_bytes(1, "big", signed=True)
    return b"\x80" + number.to_bytes(2, "big", signed=True)
