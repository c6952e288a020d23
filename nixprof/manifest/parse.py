"""Reading a manifest: TOML in, checked types out, or one error that names everything that is wrong.

`_Reading` walks the files and notes a `_Finding` for whatever is wrong, by key path. Only if there is any are
the key paths turned into lines and columns. What needs all files (inputs, duplicates) is checked after the
walk.
"""

from __future__ import annotations

import os
import re
import tomllib
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from nixprof.errors import NixprofError, Reason
from nixprof.files import read_file
from nixprof.manifest.model import (
    DEFAULT_NIXPKGS,
    EVERYWHERE,
    Input,
    Manifest,
    Package,
    Policy,
    Scope,
    Source,
)
from nixprof.manifest.spec import Spec, SpecError, check_input_name
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from nixprof.manifest.positions import Lines, Place
    from nixprof.manifest.problems import Problem

    Read = Callable[[Path], bytes]
    KeyPath = tuple[str | int, ...]
    Table = dict[str, object]

SYSTEMS: Final = ("x86_64-linux", "aarch64-linux", "x86_64-darwin", "aarch64-darwin")
PRIORITIES: Final = range(-(2**31), 2**31)

_ARCHITECTURES: Final = ("x86_64", "aarch64", "i686", "armv6l", "armv7l", "riscv64", "powerpc64le")
_OSES: Final = ("linux", "darwin", "freebsd")
_OTHER_WORDS: Final = {
    "macos": "darwin",
    "osx": "darwin",
    "mac": "darwin",
    "arm64": "aarch64",
    "amd64": "x86_64",
}
_KEYS: Final = ("packages", "systems", "include", "inputs", "nixpkgs", "system", "host")
_POLICY_KEYS: Final = ("allow-unfree", "allow-insecure", "allow-broken", "overlays")
_RELATIVE: Final = re.compile(r"(?:[a-z+]+:)?(?:[.~]|$)|(?:path|git\+file|hg\+file):(?!/)")
_TEXT_WIDTH: Final = 60
_DEEP: Final = 64
_GUESSES: Final = 200


def parse(path: Path, read: Read = read_file) -> Manifest:
    """Read the manifest at `path` and the files that it includes.

    Raises:
        ManifestError: something in them is wrong; the error holds all of it.
        NixprofError: the file itself is missing or cannot be read.
    """
    try:
        data = read(path)
    except FileNotFoundError as error:
        raise NixprofError(
            f"there is no manifest {path}", Reason.NO_MANIFEST, hints=("to start one: nixprof init",)
        ) from error
    except OSError as error:
        raise NixprofError(f"cannot read {path}", Reason.CANNOT_READ, cause=error.strerror) from error
    return parse_text(path, data, read)


def parse_text(path: Path, data: bytes, read: Read = read_file) -> Manifest:
    """Read `data` as if it were the file at `path`, which need not exist; included files come from `read`.

    Raises:
        ManifestError: something in it, or in the files that it includes, is wrong; the error holds all of it.
    """
    reading = _Reading(path, read)
    reading.walk(data)
    if not reading.is_broken:
        reading.check_inputs()
        reading.check_scopes()
        reading.check_duplicates()
    if problems := reading.problems():
        from nixprof.manifest.problems import ManifestError

        raise ManifestError(path, problems)
    return reading.manifest()


class _At(NamedTuple):
    """A key path in one of the files, which are numbered in the order in which they were read."""

    file: int
    path: KeyPath

    def below(self, step: str | int) -> _At:
        return _At(self.file, (*self.path, step))


class _Finding(NamedTuple):
    """Something wrong at a key path. `first` is where the same thing stands already, if it does."""

    at: _At
    message: str
    fix: str | None = None
    first: _At | None = None


class _PolicyParts:
    """The policy as it grows from file to file."""

    def __init__(self) -> None:
        self.everything: set[str] = set()
        self.names: dict[str, dict[str, None]] = {}

    def flag(self, key: str) -> bool | tuple[str, ...]:
        return True if key in self.everything else self.list(key) or False

    def list(self, key: str) -> tuple[str, ...]:
        return tuple(self.names.get(key, ()))


class _Reading:
    """One run of the parser: what it has read, and what it has found wrong."""

    def __init__(self, path: Path, read: Read) -> None:
        self.path = path
        self.read = read
        self.is_broken = False
        self.sources: list[Source] = []
        self.packages: list[tuple[Package, int]] = []
        self.inputs: dict[str, tuple[Input, _At]] = {}
        self.systems: dict[str, None] = {}
        self.policy = _PolicyParts()
        self.mentions: list[tuple[str, _At]] = []
        self.scopes: list[tuple[str, _At]] = []
        self.findings: list[_Finding] = []
        self.syntax: list[tuple[int, Problem]] = []
        self.parents: dict[str, str | None] = {}
        self.lists_packages = False
        self.guesses: dict[tuple[str, int], str | None] = {}

    # -- files ------------------------------------------------------------------------------------

    def walk(self, data: bytes) -> None:
        """Read the main file, then what it includes, then what that includes, in the order of the lists."""
        self.parents[os.path.realpath(self.path)] = None
        waiting = [Source(self.path, data)]
        while waiting:
            source = waiting.pop()
            self.sources.append(source)
            included = self._file(_At(len(self.sources) - 1, ()), source)
            waiting.extend(reversed(included))

    def _file(self, at: _At, source: Source) -> list[Source]:
        """Read one file. Return those that it includes."""
        table = self._decode(at, source)
        if table is None:
            self.is_broken = True
            return []
        self._check_keys(at, table, _KEYS)
        for name, at_name in self._names(at, table, "systems", 'systems = ["aarch64-darwin"]'):
            self._system(at_name, name)
        for name, value, at_input in self._table(at, table, "inputs", 'NAME = "github:owner/repo"'):
            self._input(at_input, name, value)
        self._policy(at, table)
        self._packages(at, table, EVERYWHERE)
        for name, value, at_table in self._table(at, table, "system", "[system.darwin]"):
            self.scopes.append((name, at_table))
            self._scoped(at_table, value, Scope("system", name))
        for name, value, at_table in self._table(at, table, "host", "[host.NAME]"):
            if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
                self._note(at_table, f"{excerpt(name) or 'an empty name'} is not a host name", "see hostname -s")
            self._scoped(at_table, value, Scope("host", name))
        includes = self._names(at, table, "include", 'include = ["work.toml"]')
        found = (self._include(at_name, name, source.path) for name, at_name in includes)
        return [included for included in found if included]

    def _decode(self, at: _At, source: Source) -> Table | None:
        """Return what a file says; None, with the reason noted, if it is no TOML."""
        try:
            text = source.text
            return _loads(text)
        except UnicodeDecodeError as error:
            text = source.data.decode(errors="replace")
            problem = _SyntaxError(
                len(source.data[: error.start].decode()), "the file is not UTF-8", "save it as UTF-8"
            )
        except _SyntaxError as error:
            problem = error
        self.syntax.append((at.file, problem.locate(source.path, text)))
        return None

    def _include(self, at: _At, name: str, file: Path) -> Source | None:
        """Read an included file; None if that fails, or if it has been read already."""
        target = Path(os.path.expanduser(name))
        path = file.parent / target
        if not os.path.lexists(path) and file.is_symlink():
            path = file.resolve().parent / target  # the manifest is a link into a folder of dot-files
        real = os.path.realpath(path)
        if real in self.parents:
            if real in self._ancestors(file):
                self._note(at, "would include itself", "remove it")
            return None
        try:
            source = Source(path, self.read(path))
        except OSError as error:
            self.is_broken = True
            missing = isinstance(error, FileNotFoundError)
            message = "there is no such file" if missing else f"cannot be read: {error.strerror}"
            self._note(at, message, f"looked for {path}" if missing else None)
            return None
        self.parents[real] = os.path.realpath(file)
        return source

    def _ancestors(self, file: Path) -> Iterator[str]:
        real: str | None = os.path.realpath(file)
        while real is not None:
            yield real
            real = self.parents[real]

    # -- sections ---------------------------------------------------------------------------------

    def _scoped(self, at: _At, value: object, scope: Scope) -> None:
        if not isinstance(value, dict):
            self._wrong_type(at, value, "a table", 'write packages = ["ripgrep"] in it')
            return
        self._check_keys(at, value, ("packages",))
        self._packages(at, value, scope)

    def _packages(self, at: _At, table: Table, scope: Scope) -> None:
        self.lists_packages |= "packages" in table
        if self._is_by_headers(at.below("packages")):
            # That no command could edit.
            fix = 'write packages = [{ package = "ripgrep", priority = 4 }]'
            self._note(at.below("packages"), "must be one list, not a header for each package", fix)
            return
        for index, item in self._list(at, table, "packages", 'packages = ["ripgrep"]'):
            path = (*at.path, "packages", index)
            if type(item) is str:
                self._package(_At(at.file, path), item, None, pin=False, scope=scope, path=path)
            elif isinstance(item, dict):
                self._package_table(_At(at.file, path), item, scope)
            else:
                self._wrong_type(_At(at.file, path), item, "a package", 'write "ripgrep"')

    def _is_by_headers(self, at: _At) -> bool:
        """Tell whether a list is written as [[NAME]]."""
        text = self.sources[at.file].text
        if not re.search(r"^[ \t]*\[\[", text, re.MULTILINE):
            return False
        from nixprof.manifest.positions import locate

        place = locate(text).find(*at.path)
        return place is not None and place.form == "tables"

    def _package_table(self, at: _At, table: Table, scope: Scope) -> None:
        self._check_keys(at, table, ("package", "priority", "pin"))
        priority, pin, written = table.get("priority"), table.get("pin", False), table.get("package")
        if priority is not None and (not isinstance(priority, int) or isinstance(priority, bool)):
            self._wrong_type(at.below("priority"), priority, "a number", "write priority = 4")
            priority = None
        elif priority is not None and priority not in PRIORITIES:
            self._note(at.below("priority"), "is out of range", "write for example 4; Nix's default is 5")
        if not isinstance(pin, bool):
            self._wrong_type(at.below("pin"), pin, "true or false", "write pin = true")
            pin = False
        if isinstance(written, str):
            self._package(at.below("package"), written, priority, pin=pin, scope=scope, path=at.path)
        elif "package" in table:
            self._wrong_type(at.below("package"), written, "a package", 'write package = "ripgrep"')
        else:
            self._note(at, "names no package", 'add package = "NAME"')

    def _package(self, at: _At, written: str, priority: int | None, *, pin: bool, scope: Scope, path: KeyPath) -> None:
        """Note one entry. `at` is where its spec stands, `path` where the entry does."""
        try:
            spec = Spec.parse(written)
        except SpecError as error:
            self._note(at, error.message, error.fix)
            return
        file = self.sources[at.file].path
        self.packages.append((Package(spec, written, priority, pin, scope, file, path), at.file))
        if spec.input != DEFAULT_NIXPKGS.name and not spec.is_store_path:
            self.mentions.append((spec.input, at))

    def _system(self, at: _At, name: str) -> None:
        architecture, _, os_ = name.partition("-")
        meant = f"{_OTHER_WORDS.get(architecture, architecture)}-{_OTHER_WORDS.get(os_, os_)}"
        if os_ and meant != name:
            self._note(at, "is not a Nix system", f"did you mean {meant}?")
        elif not re.fullmatch(r"[a-z0-9_]+-[a-z0-9]+", name):
            fix = self._near(name, SYSTEMS) or f"write for example {SYSTEMS[0]}"
            self._note(at, "is not a system", fix)
        self.systems[name] = None

    def _input(self, at: _At, name: str, value: object) -> None:
        try:
            check_input_name(name)
        except SpecError as error:
            self._note(at, error.message, error.fix)
            return
        new = self._input_table(at, name, value) if isinstance(value, dict) else Input(name, self._url(at, value))
        old, at_old = self.inputs.setdefault(name, (new, at))
        if old != new:
            self._note(at, "differs from the other definition", "keep one of the two", first=at_old)

    def _input_table(self, at: _At, name: str, table: Table) -> Input:
        self._check_keys(at, table, ("url", "follows"))
        follows = self._follows(at, name, table)
        if "url" not in table:
            self._note(at, "has no url", 'add url = "github:owner/repo"')
            return Input(name, "", follows)
        return Input(name, self._url(at.below("url"), table["url"]), follows)

    def _follows(self, at: _At, owner: str, table: Table) -> tuple[tuple[str, str], ...]:
        follows = []
        for name, value, at_name in self._table(at, table, "follows", 'follows = { nixpkgs = "nixpkgs" }'):
            try:
                check_input_name(name)
            except SpecError as error:
                self._note(at_name, error.message, error.fix)
            if not isinstance(value, str):
                self._wrong_type(at_name, value, "the name of an input", f'write {excerpt(name)} = "nixpkgs"')
                continue
            if value == owner:
                self._note(at_name, f"{excerpt(owner)} cannot follow itself", "name another input")
            self.mentions.append((value, at_name))
            follows.append((name, value))
        return tuple(follows)

    def _url(self, at: _At, url: object) -> str:
        if not isinstance(url, str):
            self._wrong_type(at, url, "a flake reference", 'write "github:owner/repo"')
            return ""
        if not url:
            self._note(at, "is empty", 'write "github:owner/repo"')
        elif not url.isprintable() or " " in url:
            self._note(at, "a flake reference has no spaces or control characters", "write %20 for a space")
        elif _RELATIVE.match(url):
            self._note(at, "is relative, and to what depends on who reads it", "use an absolute path")
        return url

    def _policy(self, at: _At, table: Table) -> None:
        policy, at = table.get("nixpkgs", {}), at.below("nixpkgs")
        if not isinstance(policy, dict):
            self._wrong_type(at, policy, "a table", "write [nixpkgs]")
            return
        self._check_keys(at, policy, _POLICY_KEYS)
        for key in _POLICY_KEYS:
            flag = policy.get(key)
            if key in ("allow-unfree", "allow-broken") and isinstance(flag, bool):
                self.policy.everything.update([key] if flag else [])
                continue
            names = self.policy.names.setdefault(key, {})
            for name, at_name in self._names(at, policy, key, f'{key} = ["NAME"]'):
                names[name] = None
                if key == "overlays":
                    self.mentions.append((name, at_name))

    # -- shapes -----------------------------------------------------------------------------------

    def _list(self, at: _At, table: Table, key: str, example: str) -> Iterator[tuple[int, object]]:
        value = table.get(key, ())
        if isinstance(value, (list, tuple)):
            return iter(enumerate(value))
        self._wrong_type(at.below(key), value, "a list", f"write {example}")
        return iter(())

    def _names(self, at: _At, table: Table, key: str, example: str) -> list[tuple[str, _At]]:
        """Return a list of texts, each with its place: none is empty, unprintable or listed twice."""
        names: dict[str, _At] = {}
        for index, item in self._list(at, table, key, example):
            at_item = at.below(key).below(index)
            if not isinstance(item, str):
                self._wrong_type(at_item, item, "a text", f"write {example}")
            elif not item.strip():
                self._note(at_item, "is empty", "remove it")
            elif not item.isprintable():
                self._note(at_item, "has a character that cannot be printed", "type it again")
            elif item in names:
                self._note(at_item, "is listed twice", first=names[item])
            else:
                names[item] = at_item
        return list(names.items())

    def _table(self, at: _At, table: Table, key: str, example: str) -> Iterator[tuple[str, object, _At]]:
        value = table.get(key, {})
        if isinstance(value, dict):
            return ((name, item, at.below(key).below(name)) for name, item in value.items())
        self._wrong_type(at.below(key), value, "a table", f"write {example}")
        return iter(())

    def _check_keys(self, at: _At, table: Table, known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                fix = self._near(key, known) or f"remove it; known here: {', '.join(known)}"
                self._note(at.below(key), "unknown key", fix)

    # -- what needs all files ---------------------------------------------------------------------

    def check_inputs(self) -> None:
        """Note every use of an input that nobody defines."""
        known = {DEFAULT_NIXPKGS.name, *self.inputs}
        for name, at in self.mentions:
            if name not in known:
                fix = self._near(name, known) or "define it under [inputs]"
                self._note(at, f"there is no input {excerpt(name) or 'without a name'}", fix)

    def check_scopes(self) -> None:
        """Note every `[system.X]` that no machine could ever match."""
        parts = {part for system in self.systems for part in system.split("-", 1)}
        known = {*_ARCHITECTURES, *_OSES, *SYSTEMS, *self.systems, *parts}
        for name, at in self.scopes:
            architecture, _, os_ = name.partition("-")
            meant = f"{_OTHER_WORDS.get(architecture, architecture)}-{_OTHER_WORDS.get(os_, os_)}".strip("-")
            if name in known or (meant == name and re.fullmatch(r"[a-z0-9_]+-[a-z0-9]+", name)):
                continue
            fix = f"did you mean {meant}?" if meant in known else self._near(name, known)
            message = f"{excerpt(name) or 'an empty name'} is neither an OS, an architecture nor a system"
            self._note(at, message, fix or "write for example [system.darwin]")

    def check_duplicates(self) -> None:
        """Note every package that some machine would get twice."""
        oses = {*_OSES, *(system.partition("-")[2] for system in self.systems)}
        seen: dict[tuple[str, str], _At] = {}
        claims: dict[Scope, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        for package, file in self.packages:
            key = package.spec.key
            at = _At(file, package.path)
            if package.scope not in claims:
                claims[package.scope] = _claims(package.scope, oses)
            claimed, excluded = claims[package.scope]
            first = next((seen[key, token] for token in excluded if (key, token) in seen), None)
            if first:
                self._note(at, "is listed twice", first=first)
            for token in claimed:
                seen.setdefault((key, token), at)

    # -- results ----------------------------------------------------------------------------------

    def manifest(self) -> Manifest:
        """Return what was read. Only for a reading without problems."""
        inputs = [new for new, _ in self.inputs.values()]
        if DEFAULT_NIXPKGS.name not in self.inputs:
            inputs.insert(0, DEFAULT_NIXPKGS)
        return Manifest(
            self.path,
            tuple(package for package, _ in self.packages),
            tuple(inputs),
            tuple(self.systems),
            Policy(
                self.policy.flag("allow-unfree"),
                self.policy.list("allow-insecure"),
                self.policy.flag("allow-broken"),
                self.policy.list("overlays"),
            ),
            tuple(self.sources),
            self.lists_packages,
        )

    def problems(self) -> tuple[Problem, ...]:
        """Return everything that is wrong, in file and line order."""
        if not self.findings and not self.syntax:
            return ()
        folders = _Places(self.sources)
        found = [*self.syntax, *((finding.at.file, folders.problem(finding)) for finding in self.findings)]
        found.sort(key=lambda item: (item[0], item[1].line, item[1].column))
        return tuple(problem for _, problem in found)

    def _note(self, at: _At, message: str, fix: str | None = None, first: _At | None = None) -> None:
        self.findings.append(_Finding(at, message, fix, first))

    def _wrong_type(self, at: _At, value: object, wanted: str, fix: str) -> None:
        self._note(at, f"must be {wanted}, not {_kind(value)}", fix)

    def _near(self, word: str, options: Collection[str]) -> str | None:
        """Return a question after the option that the user may have meant. Give up after many: it is slow."""
        if (word, len(options)) not in self.guesses and len(self.guesses) < _GUESSES and len(word) < _DEEP:
            import difflib

            near = difflib.get_close_matches(word, sorted(options), 1)
            self.guesses[word, len(options)] = f"did you mean {near[0]}?" if near else None
        return self.guesses.get((word, len(options)))


class _Places:
    """Turns findings into problems, reading the lines of each file at most once."""

    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources
        self._located: dict[int, tuple[str, Place, Lines]] = {}

    def problem(self, finding: _Finding) -> Problem:
        """Return the problem of a finding: an entry of a list shows itself, all else `key = value`."""
        from nixprof.manifest.problems import Problem

        text, place, lines = self._place(finding.at)
        line, column = lines.at(min(place.key_start, place.start))
        end = max(place.key_end, place.end)
        offending = excerpt(text[min(place.key_start, place.start) : end], _TEXT_WIDTH)
        message = finding.message
        if finding.first:
            message += f" (first {self._first(finding.first, finding.at)})"
        return Problem(self._sources[finding.at.file].path, line, column, offending, message, finding.fix)

    def _first(self, first: _At, at: _At) -> str:
        _, place, lines = self._place(first)
        line = lines.at(min(place.key_start, place.start))[0]
        return f"on line {line}" + ("" if first.file == at.file else f" of {self._sources[first.file].path.name}")

    def _place(self, at: _At) -> tuple[str, Place, Lines]:
        from nixprof.manifest.positions import Lines, locate

        if at.file not in self._located:
            text = self._sources[at.file].text
            self._located[at.file] = text, locate(text), Lines(text)
        text, root, lines = self._located[at.file]
        return text, root.at(*at.path), lines


class _SyntaxError(Exception):
    """A text is no TOML: at which offset, and why."""

    def __init__(self, offset: int, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message
        self.fix = fix

    def locate(self, file: Path, text: str) -> Problem:
        """Return the problem, with the line that it is on."""
        from nixprof.manifest.positions import line_column
        from nixprof.manifest.problems import Problem

        line, column = line_column(text, self.offset)
        start = self.offset - column + 1
        offending = excerpt(text[start:].partition("\n")[0].strip().lstrip("\ufeff"), _TEXT_WIDTH)
        return Problem(file, line, column, offending, self.message, self.fix)


def _loads(text: str) -> Table:
    """Return what a TOML text says. Raise _SyntaxError if it says nothing."""
    if text.startswith("\ufeff"):
        raise _SyntaxError(0, "the file starts with a byte order mark", "save it as UTF-8 without one")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _SyntaxError(_deep(text), "is nested too deeply", "a manifest needs four levels") from None
    except ValueError as error:
        raise _syntax_error(text, str(error)) from None


def _syntax_error(text: str, message: str) -> _SyntaxError:
    """Read the place out of tomllib's message, which is the only way to get it before Python 3.14."""
    conflict = re.search(r"^<{7} ", text, re.MULTILINE)
    end = text.find("\n>>>>>>> ", conflict.end()) if conflict else -1
    if conflict and end >= 0:
        last = text.count("\n", 0, end) + 2
        return _SyntaxError(conflict.start(), f"a conflict from a merge, to line {last}", "keep what you want")
    match = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.DOTALL)
    if match is None:  # Python itself refuses integers of thousands of digits
        number = re.search(r"[0-9][0-9_]{1000,}", text)
        return _SyntaxError(number.start() if number else 0, "a number is too long", "write a shorter one")
    what, line, column = match.groups()
    offset = len(text)
    if line:
        offset = sum(map(len, text.splitlines(keepends=True)[: int(line) - 1])) + int(column) - 1
    usual = _usual_mistake(text, what, offset)
    if usual:
        return usual
    fix = "a key or table may be given once" if "overwrite" in what or "twice" in what else None
    return _SyntaxError(offset, what[:1].lower() + what[1:], fix)


# Texts, comments, brackets, and whatever else stands together.
_TOKENS = re.compile(
    r'"{3}.*?"{3}|\'{3}.*?\'{3}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}]|[^\s\[\]{}"\'#]+', re.DOTALL
)
_TABLE_HEADER = re.compile(r"[ \t]*\[{1,2}[ \t]*[\w.\"'-]+[ \t]*\]{1,2}[ \t]*(?:#.*)?$", re.MULTILINE)
_BARE_WORD = re.compile(r"[A-Za-z_][^\s,\]}#\"']*")


def _usual_mistake(text: str, what: str, offset: int) -> _SyntaxError | None:
    """Tell the commonest mistakes in plain words, where they are made: tomllib notices them later.

    Args:
        text: the manifest.
        what: tomllib's message.
        offset: where it stopped.

    """
    start = text.rfind("\n", 0, offset) + 1
    at_header = _TABLE_HEADER.match(text, start)
    before = [token for token in _TOKENS.finditer(text, 0, offset) if token[0][0] != "#"]
    array = what in ("Unclosed array", "Invalid value")
    if array and (at_header or offset == len(text)):
        opening = _unclosed([token for token in before if token.start() < start] if at_header else before)
        if opening is not None:
            return _SyntaxError(opening, "the list that begins here has no end", "write ] after its last package")
    if before and what in ("Unclosed array", "Unclosed inline table") and text[offset : offset + 1].strip():
        return _SyntaxError(before[-1].start(), "a comma is missing after this", f"write {excerpt(before[-1][0])},")
    if what == r"Illegal character '\n'":
        return _SyntaxError(before[-1].start() if before else offset, "a quote is missing at the end of this line")
    word = _BARE_WORD.match(text, offset)
    if word and what == "Invalid value":
        if word[0].lower() in ("true", "false"):
            return _SyntaxError(offset, f"{word[0]} is written in small letters", f"write {word[0].lower()}")
        return _SyntaxError(offset, f"{excerpt(word[0])} needs quotes", f'write "{excerpt(word[0])}"')
    return None


def _unclosed(tokens: Sequence[re.Match[str]]) -> int | None:
    """Return the offset of the last square bracket that is open; None where there is none."""
    opened: list[int] = []
    for token in tokens:
        if token[0] == "[":
            opened.append(token.start())
        elif token[0] == "]" and opened:
            opened.pop()
    return opened[-1] if opened else None


def _deep(text: str) -> int:
    """Return the offset of the first bracket that is nested too deeply."""
    brackets = [match for match in _TOKENS.finditer(text) if match[0] in "[]{}"]
    depths = accumulate(1 if match[0] in "[{" else -1 for match in brackets)
    deep = (match.start() for match, depth in zip(brackets, depths, strict=True) if depth > _DEEP)
    return next(deep, 0)


def _claims(scope: Scope, oses: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tokens that an entry of a scope leaves behind, and those that it must not meet.

    Two entries of one package exclude each other if some machine would get both; an entry of a host may
    replace one of a system. With tokens this takes one look per entry, however many tables there are.
    """
    if scope == EVERYWHERE:
        return ("all", "any"), ("any",)
    if scope.kind == "host":
        token = f"host {scope.name.lower()}"
        return (token, "any"), (token, "all")
    architecture, dash, os_ = scope.name.partition("-")
    if dash:
        return (f"full {scope.name}", f"part {architecture}", f"part {os_}", "any"), (
            f"full {scope.name}",
            f"alone {architecture}",
            f"alone {os_}",
            "all",
        )
    kind, other = ("OS", "architecture") if scope.name in oses else ("architecture", "OS")
    return (f"alone {scope.name}", kind, "any"), (f"alone {scope.name}", f"part {scope.name}", other, "all")


def _kind(value: object) -> str:
    """Name the type of a TOML value, as a user knows it."""
    if isinstance(value, bool):
        return str(value).lower()
    names = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "a date")
