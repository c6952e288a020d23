"""Reading a manifest: TOML in, checked types out, or one error that names everything that is wrong.

`_Reading` goes through the files and notes whatever is wrong, by key path. What needs all files (inputs, duplicates) is
checked in the end.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from nixprof.errors import NixprofError, Reason
from nixprof.files import read_file
from nixprof.formatting import nearest
from nixprof.machine import SYSTEMS, as_nix_says, is_host, is_system, known_systems
from nixprof.manifest.flake_reference import is_relative
from nixprof.manifest.model import (
    DEFAULT_NIXPKGS,
    EVERYWHERE,
    Build,
    Input,
    Manifest,
    Package,
    Policy,
    Scope,
    Source,
    Update,
)
from nixprof.manifest.problems import At, Finding, ManifestError, TomlError, loads, located
from nixprof.manifest.spec import Spec, SpecError, check_input_name
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    Read = Callable[[Path], bytes]
    Table = dict[str, object]

T = TypeVar("T")

PRIORITIES: Final = range(-(2**31), 2**31)
MAX_SUGGESTIONS: Final = 200  # "did you mean" takes long

_KEYS: Final = ("packages", "systems", "include", "inputs", "nixpkgs", "update", "system", "host")
_UNIT_SECONDS: Final = {"h": 3600, "d": 86400, "w": 604800}
_TYPES: Final = {str: "a string", int: "a number", float: "a number", list: "a list", dict: "a table"}


def parse(path: Path, read: Read = read_file) -> Manifest:
    """Read the manifest at `path` and the files that it includes; raise NixprofError with all that is wrong in them."""
    try:
        data = read(path)
    except FileNotFoundError as error:
        hint = "to start one: nixprof init"
        raise NixprofError(f"there is no manifest {path}", Reason.NO_MANIFEST, hints=(hint,)) from error
    except OSError as error:
        raise NixprofError(f"cannot read {path}", Reason.CANNOT_READ, cause=error.strerror) from error
    return parse_text(path, data, read)


def parse_text(path: Path, data: bytes, read: Read = read_file) -> Manifest:
    """Read `data` as if it were the file at `path`, which need not exist; included files come from `read`."""
    reading = _Reading(path, read)
    # The main file, then what it includes, then what that includes, in the order of the lists.
    waiting = [Source(path, data)]
    while waiting:
        waiting.extend(reversed(reading.take(waiting.pop())))
    if not reading.is_incomplete:
        reading.check_inputs()
        reading.check_scopes()
        reading.check_duplicates()
    if reading.findings:
        raise ManifestError(path, located(reading.findings, reading.sources))
    return reading.manifest()


class _Reading:
    """One run of the parser: what it has read, and what it has found wrong."""

    def __init__(self, path: Path, read: Read) -> None:
        self.path = path
        self.read = read
        self.is_incomplete = False  # a file could not be read
        self.sources: list[Source] = []
        # The files that include each, by real paths, from the main one on.
        self.above: dict[str, tuple[str, ...]] = {os.path.realpath(path): ()}
        self.packages: list[Package] = []
        self.lists_packages = False
        self.inputs: dict[str, tuple[Input, At]] = {}
        self.input_uses: list[tuple[str, At]] = []
        self.systems: dict[str, None] = {}
        self.scopes: list[tuple[str, At]] = []
        self.policy: dict[str, dict[str, None]] = {key: {} for key in Policy().table}
        self.allows_all: set[str] = set()  # keys of the policy
        self.update: dict[str, Any] = {}
        self.findings: list[Finding] = []
        self.suggestions = 0

    def take(self, source: Source) -> list[Source]:
        """Read one file. Return those that it includes."""
        self.sources.append(source)
        at = At(source.path)
        try:
            table = loads(source.data)
        except TomlError as error:
            self.is_incomplete = True
            self.findings.append(Finding(at, error.message, error.fix, offset=error.offset))
            return []
        self._check_keys(at, table, _KEYS)
        for name, at_name in self._names(at, table, "systems", 'systems = ["aarch64-darwin"]'):
            self._system(at_name, name)
        for name, value, at_input in self._table(at, table, "inputs", 'NAME = "github:owner/repo"'):
            self._input(at_input, name, value)
        self._policy(at.below("nixpkgs"), table.get("nixpkgs", {}))
        self._update(at.below("update"), table.get("update", {}))
        self._packages(at, table, EVERYWHERE)
        for name, value, at_table in self._table(at, table, "system", "[system.darwin]"):
            self.scopes.append((name, at_table))
            self._scoped(at_table, value, Scope("system", name))
        for name, value, at_table in self._table(at, table, "host", "[host.NAME]"):
            if not is_host(name):
                self._note(at_table, f"{excerpt(name) or 'an empty name'} is not a host name", "see hostname -s")
            self._scoped(at_table, value, Scope("host", name))
        includes = self._names(at, table, "include", 'include = ["work.toml"]')
        return [new for name, at_name in includes if (new := self._include(at_name, name))]

    def _include(self, at: At, name: str) -> Source | None:
        """Read an included file; None if that fails, or if it has been read already."""
        target = Path(os.path.expanduser(name))
        path = at.file.parent / target
        if not os.path.lexists(path) and at.file.is_symlink():
            path = at.file.resolve().parent / target  # the manifest is a link into a folder of dot-files
        real, including = os.path.realpath(path), os.path.realpath(at.file)
        above = (*self.above[including], including)
        if real in self.above:
            if real in above:
                self._note(at, "would include itself", "remove it")
            return None
        try:
            source = Source(path, self.read(path))
        except OSError as error:
            self.is_incomplete = True
            is_missing = isinstance(error, FileNotFoundError)
            message = "there is no such file" if is_missing else f"cannot be read: {error.strerror}"
            self._note(at, message, f"looked for {path}" if is_missing else None)
            return None
        self.above[real] = above
        return source

    def _scoped(self, at: At, value: object, scope: Scope) -> None:
        table = self._typed(at, value, dict, "a table", 'write packages = ["ripgrep"] in it')
        if table is not None:
            self._check_keys(at, table, ("packages",))
            self._packages(at, table, scope)

    def _packages(self, at: At, table: Table, scope: Scope) -> None:
        self.lists_packages |= "packages" in table
        if self._has_headers(at.below("packages")):  # which cannot be edited
            fix = 'write packages = [{ package = "ripgrep", priority = 4 }]'
            self._note(at.below("packages"), "must be one list, not a header for each package", fix)
            return
        for item, at_item in self._list(at, table, "packages", 'packages = ["ripgrep"]'):
            self._package(at_item, item, scope)

    def _has_headers(self, at: At) -> bool:
        """Tell whether a list is written as [[NAME]]."""
        text = self.sources[-1].text
        if not re.search(r"^[ \t]*\[\[", text, re.MULTILINE):
            return False
        from nixprof.manifest.positions import locate

        return locate(text).at(at.path).is_list_of_tables

    def _package(self, at: At, item: object, scope: Scope) -> None:
        written, at_spec, fix = item, at, 'write "ripgrep"'
        priority, pin = None, False
        if isinstance(item, dict):
            priority, pin = self._options(at, item)
            if "package" not in item:
                self._note(at, "names no package", 'add package = "NAME"')
                return
            written, at_spec, fix = item["package"], at.below("package"), 'write package = "ripgrep"'
        text = self._typed(at_spec, written, str, "a package", fix)
        spec = None if text is None else self._valid(at_spec, Spec.parse, text)
        if text is None or spec is None:
            return
        self.packages.append(Package(spec, text, priority, pin, scope, at.file, at.path))
        if not spec.is_store_path:
            self.input_uses.append((spec.input, at_spec))

    def _options(self, at: At, table: Table) -> tuple[int | None, bool]:
        """Return the priority and the pin of an entry."""
        self._check_keys(at, table, ("package", "priority", "pin"))
        priority = None
        if "priority" in table:
            priority = self._typed(at.below("priority"), table["priority"], int, "a number", "write priority = 4")
        if priority is not None and priority not in PRIORITIES:
            self._note(at.below("priority"), "is out of range", "write for example 4; Nix's default is 5")
        pin = self._typed(at.below("pin"), table.get("pin", False), bool, "true or false", "write pin = true")
        return priority, bool(pin)

    def _system(self, at: At, name: str) -> None:
        meant = as_nix_says(name)
        if "-" in name and meant != name:
            self._note(at, "is not a Nix system", f"did you mean {meant}?")
        elif not is_system(name):
            self._note(at, "is not a system", self._suggestion(name, SYSTEMS) or f"write for example {SYSTEMS[0]}")
        self.systems[name] = None

    def _input(self, at: At, name: str, value: object) -> None:
        if self._valid(at, check_input_name, name) is None:
            return
        if isinstance(value, dict):
            self._check_keys(at, value, ("url", "follows"))
            if "url" not in value:
                self._note(at, "has no url", 'add url = "github:owner/repo"')
            url = self._url(at.below("url"), value["url"]) if "url" in value else ""
            new = Input(name, url, tuple(self._follows(at, name, value)))
        else:
            new = Input(name, self._url(at, value))
        old, at_old = self.inputs.setdefault(name, (new, at))
        if old != new:
            self._note(at, "differs from the other definition", "keep one of the two", first=at_old)

    def _follows(self, at: At, owner: str, table: Table) -> Iterator[tuple[str, str]]:
        for name, value, at_name in self._table(at, table, "follows", 'follows = { nixpkgs = "nixpkgs" }'):
            self._valid(at_name, check_input_name, name)
            fix = f'write {excerpt(name)} = "nixpkgs"'
            followed = self._typed(at_name, value, str, "the name of an input", fix)
            if followed is None:
                continue
            if followed == owner:
                self._note(at_name, f"{excerpt(owner)} cannot follow itself", "name another input")
            self.input_uses.append((followed, at_name))
            yield name, followed

    def _valid(self, at: At, read: Callable[[str], T], text: str) -> T | None:
        """Return what a text is read as; None, and a note, where it is not valid."""
        try:
            return read(text)
        except SpecError as error:
            self._note(at, error.message, error.fix)
            return None

    def _url(self, at: At, value: object) -> str:
        url = self._typed(at, value, str, "a flake reference", 'write "github:owner/repo"')
        if url == "":
            self._note(at, "is empty", 'write "github:owner/repo"')
        elif url and (not url.isprintable() or " " in url):
            self._note(at, "a flake reference has no spaces or control characters", "write %20 for a space")
        elif url and is_relative(url):
            self._note(at, "must not be relative", "use an absolute path")
        return url or ""

    def _policy(self, at: At, value: object) -> None:
        table = self._typed(at, value, dict, "a table", "write [nixpkgs]") or {}
        defaults = Policy().table
        self._check_keys(at, table, tuple(defaults))
        for key, default in defaults.items():
            if isinstance(default, bool) and isinstance(table.get(key), bool):
                self.allows_all.update([key] if table[key] else [])
                continue
            names = self._names(at, table, key, f'{key} = ["NAME"]')
            self.policy[key].update((name, None) for name, _ in names)
            self.input_uses.extend(names if key == "overlays" else ())

    def _update(self, at: At, value: object) -> None:
        """Read what `update` may do; of several files the first that says something counts."""
        table = self._typed(at, value, dict, "a table", "write [update]") or {}
        self._check_keys(at, table, ("build", "age"))
        if "build" in table:
            build = next((one for one in Build if one.value == table["build"]), None)
            self._set_update(at, "build", build, 'must be "never", "small" or "always"', '"small"')
        if "age" in table:
            self._set_update(at, "age", _age(table["age"]), "must be a number of hours, days or weeks", '"3d"')

    def _set_update(self, at: At, key: str, value: object, wrong: str, example: str) -> None:
        if value is None:
            self._note(at.below(key), wrong, f"write for example {key} = {example}")
        else:
            self.update.setdefault(key, value)

    def _list(self, at: At, table: Table, key: str, example: str) -> list[tuple[object, At]]:
        value = self._typed(at.below(key), table.get(key, []), list, "a list", f"write {example}") or []
        return [(item, at.below(key, index)) for index, item in enumerate(value)]

    def _names(self, at: At, table: Table, key: str, example: str) -> list[tuple[str, At]]:
        """Return a list of strings, each with its place: none is empty, unprintable or listed twice."""
        names: dict[str, At] = {}
        for item, at_item in self._list(at, table, key, example):
            name = self._typed(at_item, item, str, "a string", f"write {example}")
            if name is None:
                continue
            if not name.strip():
                self._note(at_item, "is empty", "remove it")
            elif not name.isprintable():
                self._note(at_item, "has a character that cannot be printed", "type it again")
            elif name in names:
                self._note(at_item, "is listed twice", first=names[name])
            else:
                names[name] = at_item
        return list(names.items())

    def _table(self, at: At, table: Table, key: str, example: str) -> list[tuple[str, object, At]]:
        value = self._typed(at.below(key), table.get(key, {}), dict, "a table", f"write {example}") or {}
        return [(name, item, at.below(key, name)) for name, item in value.items()]

    def _check_keys(self, at: At, table: Table, known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                fix = self._suggestion(key, known) or f"remove it; known here: {', '.join(known)}"
                self._note(at.below(key), "unknown key", fix)

    def check_inputs(self) -> None:
        """Note every use of an input that nobody defines."""
        known = {DEFAULT_NIXPKGS.name, *self.inputs}
        for name, at in self.input_uses:
            if name not in known:
                fix = self._suggestion(name, known) or "define it under [inputs]"
                self._note(at, f"there is no input {excerpt(name) or 'without a name'}", fix)

    def check_scopes(self) -> None:
        """Note every `[system.X]` that no machine could ever match."""
        known = known_systems(self.systems)
        for name, at in self.scopes:
            meant = as_nix_says(name)
            if name in known or (meant == name and is_system(name)):
                continue
            fix = f"did you mean {meant}?" if meant in known else self._suggestion(name, known)
            message = f"{excerpt(name) or 'an empty name'} is neither an OS, an architecture nor a system"
            self._note(at, message, fix or "write for example [system.darwin]")

    def check_duplicates(self) -> None:
        """Note every package that some machine would get twice."""
        seen: dict[str, list[Package]] = {}
        for package in self.packages:
            same = seen.setdefault(package.spec.key, [])
            first = next((other for other in same if other.scope.overlaps(package.scope, self.systems)), None)
            if first:
                self._note(At(package.file, package.path), "is listed twice", first=At(first.file, first.path))
            else:
                same.append(package)

    def manifest(self) -> Manifest:
        """Return what was read. Only for a reading without problems."""
        inputs = [new for new, _ in self.inputs.values()]
        if DEFAULT_NIXPKGS.name not in self.inputs:
            inputs.insert(0, DEFAULT_NIXPKGS)
        asked: dict[str, Any] = {key: key in self.allows_all or tuple(names) for key, names in self.policy.items()}
        policy = Policy(**{key.replace("-", "_"): value for key, value in asked.items() if value})
        packages, systems, sources = tuple(self.packages), tuple(self.systems), tuple(self.sources)
        update = Update(**self.update)
        return Manifest(self.path, packages, tuple(inputs), systems, policy, sources, self.lists_packages, update)

    def _note(self, at: At, message: str, fix: str | None = None, *, first: At | None = None) -> None:
        self.findings.append(Finding(at, message, fix, first))

    def _typed(self, at: At, value: object, kind: type[T], wanted: str, fix: str) -> T | None:
        """Return a value that has to be of a type; None, and a note, where it is not."""
        if isinstance(value, kind) and isinstance(value, bool) == (kind is bool):
            return value
        is_ = str(value).lower() if isinstance(value, bool) else _TYPES.get(type(value), "a date")
        self._note(at, f"must be {wanted}, not {is_}", fix)
        return None

    def _suggestion(self, word: str, options: Collection[str]) -> str | None:
        """Ask for the option that the user may have meant."""
        self.suggestions += 1
        near = nearest(word, options) if self.suggestions <= MAX_SUGGESTIONS else []
        return f"did you mean {near[0]}?" if near else None


def _age(value: object) -> int | None:
    """Read an age such as `3d`, in seconds."""
    found = re.fullmatch(r"(\d{1,4})([hdw])", value, re.ASCII) if isinstance(value, str) else None
    return int(found[1]) * _UNIT_SECONDS[found[2]] if found else None
