"""An index looked up by names alone. It imports little: a shell may wait for the answer."""

from __future__ import annotations

import os
import sqlite3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Self

# The form of the file; an index of another form is built again.
FORMAT = 6
# Old versions of SQLite take 999 values; nobody reads so many.
_MOST = 500
# Nobody chooses from so many names.
_MANY = 10_000
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
        database = connect(path)
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

    def beginnings(self, prefix: str) -> list[str]:
        """Give the names that begin so, each as far as the next dot: a set is there once, and not what is in it.

        Of very many the first, and the last.
        """
        found: list[str] = []
        start: str | None = prefix
        end = prefix + "\U0010ffff"
        while start is not None and len(found) < _MANY:
            query = "SELECT name FROM packages WHERE name >= ? AND name < ? ORDER BY name LIMIT ?"
            rows = self._database.execute(query, (start, end, _MANY - len(found)))
            start = None
            for (name,) in rows:
                found.append(_to_dot(name, len(prefix)))
                if found[-1] != name:
                    start = found[-1][:-1] + "/"  # what sorts behind all of the set
                    break
        last = "SELECT name FROM packages WHERE name >= ? AND name < ? ORDER BY name DESC LIMIT 1"
        found += (_to_dot(name, len(prefix)) for (name,) in self._database.execute(last, (prefix, end)))
        return list(dict.fromkeys(found))

    def told_of(self, name: str) -> str:
        """Give the version and the description of a package, as far as it has them."""
        query = "SELECT trim(version || ' ' || description) FROM packages WHERE name = ?"
        row = self._database.execute(query, (name,)).fetchone()
        return row[0] if row else ""

    def versions_of(self, name: str) -> list[str]:
        """Give the versions of the packages that go by a name, theirs or that of their attribute."""
        query = "SELECT version FROM packages WHERE name = ?1 UNION SELECT version FROM packages WHERE pname = ?1"
        return [version for (version,) in self._database.execute(query, (name,))]

    def has(self, name: str) -> bool:
        """Tell whether there is a package at an attribute path, written as one text."""
        return bool(self._database.execute("SELECT 1 FROM packages WHERE name = ?", (name,)).fetchone())

    def in_sets(self, pname: str, most: int = 3) -> list[str]:
        """Give the names of packages in sets that call themselves so and are called so there, in order."""
        rows = self._database.execute(
            "SELECT name FROM packages WHERE pname = ? AND depth > 1 AND substr(name, -length(?) - 1) = '.' || ? "
            "ORDER BY id LIMIT ?",
            (pname, pname, pname, most),
        )
        return [name for (name,) in rows]

    def programs_of(self, name: str) -> tuple[str, ...]:
        """Give the programs that the package at an attribute path has, as far as they are known."""
        rows = self._database.execute("SELECT program FROM programs WHERE name = ? ORDER BY program", (name,))
        return tuple(program for (program,) in rows)

    def programs(self, prefix: str) -> list[str]:
        """Give the programs that begin so."""
        query = "SELECT DISTINCT program FROM programs WHERE program >= ? AND program < ?"
        return [program for (program,) in self._database.execute(query, (prefix, prefix + "\U0010ffff"))]

    def with_program(self, program: str, elsewhere: Mapping[str, str] | None = None) -> list[tuple[str, str, bool]]:
        """Give the names of the packages that have a program, the likeliest first.

        Each comes with the source of that, and whether it is for this system at all. What can be had as it is comes
        before what is refused; then the one with the program's name, those whose main program it is, and those outside
        of sets. `elsewhere` is what other inputs tell of packages by these names.
        """
        rows = self._database.execute("SELECT name, source FROM programs WHERE program = ?", (program,))
        sources = {**(elsewhere or {}), **dict(rows.fetchall())}
        told = tuple(elsewhere or ())
        more = f" UNION VALUES {', '.join(['(?)'] * len(told))}" if told else ""
        rows = self._database.execute(
            "SELECT name, instr(refusals, '\"unsupported\"') = 0 FROM packages "  # noqa: S608 - only placeholders
            f"WHERE name IN (SELECT name FROM programs WHERE program = ?{more}) ORDER BY "
            "refusals = '[]' DESC, name = ? DESC, main_program = ? DESC, depth, length(name), name",
            (program, *told, program, program),
        )
        return [(name, sources[name], bool(is_for_here)) for name, is_for_here in rows]

    def told_of_others(self, program: str) -> list[tuple[str, str]]:
        """Give the names of packages of other inputs that have a program, each with the list that says so."""
        rows = self._database.execute(
            "SELECT name, source FROM programs WHERE program = ? "
            "AND NOT EXISTS (SELECT 1 FROM packages WHERE packages.name = programs.name) "
            "ORDER BY length(name)",
            (program,),
        )
        return rows.fetchall()


def told_elsewhere(program: str, indexes: Iterable[Names]) -> dict[str, str]:
    """Give what lists of programs tell of packages of other inputs than their own, by the name of the package."""
    return dict([told for one in indexes for told in one.told_of_others(program)][:_MOST])


def packages_with(program: str, indexes: Mapping[str, Names]) -> Iterator[tuple[str, str, str, bool]]:
    """Give what has a program: the input of each, and what `with_program` gives; the likeliest of each input first."""
    elsewhere = told_elsewhere(program, indexes.values())
    for where, index in indexes.items():
        yield from ((where, *found) for found in index.with_program(program, elsewhere))


def _to_dot(name: str, start: int) -> str:
    dot = name.find(".", start)
    return name[: dot + 1] if dot >= 0 else name


def connect(path: str | os.PathLike[str]) -> sqlite3.Connection:
    """Open a database that nothing changes; what is wrong with it turns out by the first question."""
    quoted = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in os.fsencode(path))
    return sqlite3.connect(f"file:{quoted}?mode=ro&immutable=1", uri=True)
