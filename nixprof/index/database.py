"""One index: all packages of one input at one revision for one system, in one SQLite file.

It is written once, under another name, and renamed when it is whole; after that nothing changes it. Words are found by
SQLite's FTS5 where it has that, otherwise by LIKE.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from nixprof.errors import Reason
from nixprof.index.names import FORMAT, Names
from nixprof.manifest.spec import dotted
from nixprof.record import record, values_of

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from nixprof.manifest.model import Policy

_SCHEMA = f"""
PRAGMA user_version = {FORMAT};
CREATE TABLE about (text TEXT NOT NULL);
CREATE TABLE lines (text TEXT NOT NULL);
CREATE TABLE platforms (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE);
CREATE TABLE packages (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, attr_path TEXT NOT NULL, depth INTEGER NOT NULL, pname TEXT NOT NULL,
  version TEXT NOT NULL, description TEXT NOT NULL, main_program TEXT NOT NULL, homepage TEXT NOT NULL,
  changelog TEXT NOT NULL, license TEXT NOT NULL, position TEXT NOT NULL, outputs TEXT NOT NULL,
  platforms INTEGER NOT NULL, refusals TEXT NOT NULL, vulnerabilities TEXT NOT NULL, full_name TEXT NOT NULL
);
CREATE TABLE programs (
  program TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (program, name)
) WITHOUT ROWID;
"""
# They are found in any order, and kept in the one in which they are shown: what is in a set, or has a long name, last.
_FOUND = "CREATE TEMP TABLE found AS SELECT * FROM packages;"
_COMPLETE = """
INSERT INTO packages SELECT * FROM found ORDER BY depth, length(name), name;
DROP TABLE found;
CREATE UNIQUE INDEX by_name ON packages (name);
CREATE INDEX by_pname ON packages (pname);
CREATE INDEX by_full_name ON packages (full_name);
"""
# All names in lower case, the one of each package in the line with its number: to look for a part of a name in one text
# takes a tenth of the time that LIKE does.
_LINES = "SELECT replace(name, char(10), ' ') FROM packages ORDER BY id"
_WORDS = """
CREATE VIRTUAL TABLE words USING fts5 (name, pname, description, main_program, content=packages, content_rowid=id);
INSERT INTO words (words) VALUES ('rebuild');
"""
_COLUMNS = (
    "attr_path, pname, version, description, main_program, homepage, changelog, license, position, "
    "outputs, platforms.names, refusals, vulnerabilities, full_name"
)
_SELECT = f"SELECT {_COLUMNS} FROM packages JOIN platforms ON platforms.id = packages.platforms"  # noqa: S608 - ours
_INSERT = f"INSERT INTO found VALUES (NULL{', ?' * 16})"  # noqa: S608 - only placeholders
# Where packages come from.
EVALUATION, LISTING = "evaluation", "listing"
# The source of a program that the metadata of its package names.
MAIN_PROGRAM = "meta.mainProgram"


@record
class IndexedPackage:
    """What an index has of one package; texts may be empty."""

    attr_path: tuple[str, ...]
    pname: str
    version: str = ""
    description: str = ""
    main_program: str = ""
    homepage: str = ""
    changelog: str = ""
    license: str = ""  # as people read it: "MIT, Apache-2.0"
    position: str = ""  # a file of the input and a line: "pkgs/by-name/jq/jq/package.nix:17"
    outputs: tuple[str, ...] = ("out",)
    platforms: tuple[str, ...] = ()  # none where the package does not say
    refusals: tuple[Reason, ...] = ()  # why it cannot be had here, unless the policy allows it
    vulnerabilities: tuple[str, ...] = ()
    full_name: str = ""  # what its store paths are called: "python3.13-requests-2.32"

    @property
    def name(self) -> str:
        """The attribute path as one text."""
        return dotted(self.attr_path)


@record
class About:
    """What an index is of, and how it was built."""

    input: str  # its name in the list for which it was built
    url: str  # the locked flake reference
    system: str
    source: str  # EVALUATION, or LISTING where its channel has published one
    packages: int = 0
    failed: int = 0  # attributes that cannot be evaluated
    failed_names: tuple[str, ...] = ()  # some of them
    programs: tuple[str, ...] = ()  # where lists of programs came from, besides the metadata


class IndexWriter:
    """Writes an index, as a context manager: the file is there once `finish` has been called, and not before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        self._platforms: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Begin an empty index."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._temporary.unlink(missing_ok=True)
        self._database = sqlite3.connect(self._temporary, isolation_level=None)
        # A file that is not whole is thrown away, so there is nothing to protect.
        self._database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;" + _SCHEMA + _FOUND)
        return self

    def __exit__(self, *_: object) -> None:
        """Throw away what is not finished."""
        self._database.close()
        self._temporary.unlink(missing_ok=True)

    def add(self, packages: Iterable[IndexedPackage]) -> None:
        """Add packages; their main programs are among the programs then."""
        for one in packages:
            self._database.execute(
                _INSERT,
                (
                    *(one.name, json.dumps(one.attr_path), len(one.attr_path), one.pname, one.version),
                    *(one.description, one.main_program, one.homepage, one.changelog, one.license, one.position),
                    *(" ".join(one.outputs), self._platform(" ".join(one.platforms))),
                    *(json.dumps([reason.value for reason in one.refusals]), json.dumps(one.vulnerabilities)),
                    one.full_name,
                ),
            )
            if one.main_program:
                self.add_programs([(one.main_program, one.name)], MAIN_PROGRAM)

    def add_programs(self, programs: Iterable[tuple[str, str]], source: str) -> None:
        """Add programs, each with the name of a package that has it; of this input, or of another one by that name."""
        rows = ((program, name, source) for program, name in programs)
        self._database.executemany("INSERT OR IGNORE INTO programs VALUES (?, ?, ?)", rows)

    def finish(self, about: About) -> None:
        """Complete the index and put it in its place; `about.packages` is counted here."""
        (found,) = self._database.execute("SELECT count(*) FROM found").fetchone()
        text = json.dumps({**values_of(about), "packages": found})
        self._database.execute("INSERT INTO about VALUES (?)", (text,))
        self._database.executescript(_COMPLETE)  # commits first
        names = "".join(f"{name.lower()}\n" for (name,) in self._database.execute(_LINES))
        self._database.execute("INSERT INTO lines VALUES (?)", (names,))
        with suppress(sqlite3.OperationalError):  # this SQLite has no FTS5
            self._database.executescript(_WORDS)
        self._database.close()
        self._temporary.replace(self._path)

    def _platform(self, names: str) -> int:
        if names not in self._platforms:
            self._platforms[names] = len(self._platforms)
            self._database.execute("INSERT INTO platforms VALUES (?, ?)", (self._platforms[names], names))
        return self._platforms[names]


class Index(Names):
    """An index that is looked up in."""

    def __init__(self, database: sqlite3.Connection, told: str) -> None:
        super().__init__(database, told)
        read = json.loads(told)
        lists = {key: tuple(read[key]) for key in ("failed_names", "programs")}
        self.about = About(**{**read, **lists})

    @property
    def bytes(self) -> int:
        """The size of the file."""
        pages, size = (self._database.execute(f"PRAGMA page_{what}").fetchone()[0] for what in ("count", "size"))
        return int(pages * size)

    def is_whole(self) -> bool:
        """Read all of the file, to find out whether it is damaged."""
        try:
            read = [list(self._packages("")), list(self.with_parts(["\0"])), self.programs("")]
            return bool(read) and self._database.execute("PRAGMA quick_check").fetchone() == ("ok",)
        except (sqlite3.Error, ValueError, TypeError):
            return False

    def package(self, name: str) -> IndexedPackage | None:
        """Give the package at an attribute path, written as one text."""
        return next(self._packages("WHERE packages.name = ?", name), None)

    def named(self, pname: str) -> tuple[IndexedPackage, ...]:
        """Give the packages that call themselves so, those outside of sets first."""
        return tuple(self._packages("WHERE pname = ? ORDER BY depth, packages.name", pname))

    def called(self, name: str) -> Iterator[IndexedPackage]:
        """Give the packages whose store paths are called so, whatever their version, and some that begin the same."""
        yield from self._packages("WHERE full_name = ?", name)
        yield from self._packages("WHERE full_name >= ? AND full_name < ?", f"{name}-", f"{name}.")

    def search(self, words: Sequence[str], elsewhere: Iterable[str] = ()) -> list[int]:
        """Find the packages that have all words, the best match first; `at` gives them.

        That is the name as a whole, the program, what the package calls itself, how the name begins, a part of the
        name, and then the beginnings of words anywhere. Within each, what is in a set comes last. `elsewhere` are names
        of packages that have the program by what other inputs tell.
        """
        lower = [word.lower() for word in words]
        found = dict.fromkeys(self._ids_by_names(lower, tuple(elsewhere)))
        found.update(dict.fromkeys(self._ids_by_words(lower)))
        return list(found)

    def matching(self, pattern: re.Pattern[str]) -> list[int]:
        """Find the packages whose name or description matches, those by name first; `at` gives them."""
        rows = self._database.execute("SELECT id, name, description FROM packages ORDER BY id").fetchall()
        by_name = [number for number, name, _ in rows if pattern.search(name)]
        by_description = [number for number, _, description in rows if pattern.search(description)]
        return list(dict.fromkeys([*by_name, *by_description]))

    def at(self, numbers: Iterable[int]) -> Iterator[IndexedPackage]:
        """Give the packages that were found."""
        for number in numbers:
            yield from self._packages("WHERE packages.id = ?", number)

    def _ids_by_names(self, words: Sequence[str], named: Sequence[str]) -> Iterator[int]:
        """Find packages by names that have all words, or that a program goes by, and those that are named."""
        whole = " ".join(words)
        rows = self._database.execute(
            "SELECT id FROM packages WHERE id IN (SELECT value FROM json_each(?) "  # noqa: S608 - placeholders
            "UNION SELECT id FROM packages WHERE name IN (SELECT name FROM programs WHERE program = ?) "
            f"UNION SELECT id FROM packages WHERE name IN ({', '.join('?' * len(named))}) "
            "UNION SELECT id FROM packages WHERE pname = ?) "
            "ORDER BY lower(name) = ? DESC, lower(main_program) = ? DESC, lower(pname) = ? DESC, "
            "instr(lower(name), ?) = 1 DESC, id",
            (json.dumps(list(self.with_parts(words))), whole, *named, *[whole] * 5),
        )
        return (number for (number,) in rows)

    def with_parts(self, words: Sequence[str]) -> Iterator[int]:
        """Find packages whose names have all words somewhere."""
        (text,) = self._database.execute("SELECT text FROM lines").fetchone()
        first, *others = sorted((" ".join(word.split()) for word in words), key=len, reverse=True)
        number, read = 1, 0
        while first and (at := text.find(first, read)) >= 0:
            number += text.count("\n", read, at)
            read = text.index("\n", at)
            if all(other in text[text.rfind("\n", 0, at) + 1 : read] for other in others):
                yield number

    def _ids_by_words(self, words: Sequence[str]) -> Iterator[int]:
        """Find packages with words that begin so, or with such parts where SQLite has no FTS5."""
        if self._has_fts:
            quoted = " ".join('"{}"*'.format(word.replace('"', '""')) for word in words)
            rows = self._database.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid", (quoted,))
        else:
            anywhere = "name || ' ' || pname || ' ' || description || ' ' || main_program"
            condition = " AND ".join(f"instr(lower({anywhere}), ?)" for _ in words)
            rows = self._database.execute(f"SELECT id FROM packages WHERE {condition} ORDER BY id", list(words))  # noqa: S608
        return (number for (number,) in rows)

    @cached_property
    def _has_fts(self) -> bool:
        return bool(self._database.execute("SELECT 1 FROM sqlite_master WHERE name = 'words'").fetchone())

    def _packages(self, condition: str, *values: object) -> Iterator[IndexedPackage]:
        for row in self._database.execute(f"{_SELECT} {condition}", values):
            attr_path, *texts, outputs, platforms, refusals, vulnerabilities, full_name = row
            read: Any = (
                *(tuple(json.loads(attr_path)), *texts, tuple(outputs.split()), tuple(platforms.split())),
                *(tuple(map(Reason, json.loads(refusals))), tuple(json.loads(vulnerabilities)), full_name),
            )
            yield IndexedPackage(*read)


def is_allowed(reason: Reason, package: IndexedPackage, policy: Policy) -> bool:
    """Tell whether the list allows a package in spite of a reason not to have it."""
    allowed = policy.table.get(reason.policy_key, False) if reason.policy_key else False
    if isinstance(allowed, bool):
        return allowed
    return not {package.pname, f"{package.pname}-{package.version}"}.isdisjoint(allowed)
