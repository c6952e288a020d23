"""An index looked up by names alone. It imports little: a shell may wait for the answer."""

from __future__ import annotations

import os
import sqlite3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

# The form of the file; an index of another form is built again.
FORMAT = 2
_PLAIN = b"/-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Names:
    """The names of packages and programs in an index; sqlite3.Error where the file turns out to be damaged."""

    def __init__(self, database: sqlite3.Connection, told: str) -> None:
        self._database = database
        self._told = told  # what the index is of, as JSON

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self | None:
        """Open an index; None where there is none that can be read."""
        if not os.path.isfile(path):
            return None
        database = sqlite3.connect(f"file:{_quoted(os.fsencode(path))}?mode=ro&immutable=1", uri=True)
        try:
            is_known = database.execute("PRAGMA user_version").fetchone() == (FORMAT,)
            return cls(database, database.execute("SELECT text FROM about").fetchone()[0]) if is_known else None
        except (sqlite3.Error, ValueError, TypeError, KeyError):
            return None

    def told(self, key: str) -> str:
        """Give a text of what the index is of, without loading a reader of JSON: SQLite is one."""
        return str(self._database.execute("SELECT json_extract(?, ?)", (self._told, f"$.{key}")).fetchone()[0])

    def names(self, prefix: str = "", most: int = -1) -> list[str]:
        """Give the names that begin so, in order."""
        rows = self._database.execute(
            "SELECT name FROM packages WHERE name >= ? AND name < ? ORDER BY name LIMIT ?",
            (prefix, prefix + "\U0010ffff", most),
        )
        return [name for (name,) in rows]

    def programs_of(self, name: str) -> tuple[str, ...]:
        """Give the programs that the package at an attribute path has, as far as they are known."""
        rows = self._database.execute(
            "SELECT program FROM programs WHERE package = (SELECT id FROM packages WHERE name = ?)", (name,)
        )
        return tuple(program for (program,) in rows)

    def with_program(self, program: str) -> list[tuple[str, str]]:
        """Give the names of the packages that have a program, each with the source of that, the likeliest first.

        What can be had as it is comes before what is refused; then the one with the program's name, those whose main
        program it is, and those outside of sets.
        """
        return self._database.execute(
            "SELECT packages.name, source FROM programs JOIN packages ON packages.id = package WHERE program = ? "
            "ORDER BY refusals = '[]' DESC, packages.name = program DESC, main_program = program DESC, depth, "
            "length(packages.name), packages.name",
            (program,),
        ).fetchall()


def _quoted(path: bytes) -> str:
    """Write a path as a URI has it."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in path)
