"""Builds the indexes of the inputs as they are locked, each once, by one walk over the packages in Nix."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nixprof.errors import TO_BEGIN, NixprofError, Reason
from nixprof.files import scratch_folder
from nixprof.index.database import About, Index, IndexedPackage, IndexWriter
from nixprof.index.files import index_files, open_indexes
from nixprof.lock.flake_lock import revision
from nixprof.nix.errors import explain
from nixprof.nix.nix_data import quoted
from nixprof.schema import fits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nixprof.context import Context
    from nixprof.lock.lock import Lock
    from nixprof.manifest.model import Manifest
    from nixprof.nix.operations import Nix
    from nixprof.nix.repl import Repl

_WALK = Path(__file__).with_name("walk.nix")
# Ask about this many attributes at once; a Nix that has been asked about so many has used enough memory.
_BATCH = 500
_UNTIL_RESTART = 20_000
# How deep sets of sets may be: one that holds itself has no end.
_MAX_DEPTH = 6
_MAX_FAILED_NAMES = 100
_TEXTS = ("pname", "version", "description", "mainProgram", "homepage", "changelog", "license", "position")
_LISTS = ("outputs", "platforms", "refusals", "vulnerabilities")
_SHAPE = {**dict.fromkeys(_TEXTS, str), **{name: [str] for name in _LISTS}}
_IN_SOURCE = re.compile(r"^.*?/[0-9a-df-np-sv-z]{32}-[^/]+/")


def up_to_date(context: Context, manifest: Manifest, lock: Lock) -> dict[str, Index]:
    """Build the indexes that are missing, and remove those of other revisions.

    Returns: the index of each locked input, by its name.

    Raises: NixprofError where no input is locked, or Nix fails altogether.

    """
    if not lock.inputs:
        raise NixprofError("no input is locked yet, so there is nothing to search", Reason.NO_INDEX, hints=(TO_BEGIN,))
    files = index_files(context.folders.cache, manifest, lock.inputs, context.machine.system)
    indexes = open_indexes(files)
    if indexes.keys() == files.keys():
        return indexes
    with _alone(context, next(iter(files.values())).parent):
        there = open_indexes(files)  # another nixprof may have built them meanwhile
        missing = {name: path for name, path in files.items() if name not in there}
        if missing:
            _build(context, manifest, lock, missing)
        _remove_others(context, files)
    return open_indexes(files)


def _alone(context: Context, folder: Path) -> Any:
    """Wait until no other nixprof builds an index."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock")
    try:
        return lock.acquire(blocking=False)
    except Timeout:
        context.progress.note("waiting for another nixprof that builds the index")
        return lock.acquire()


def _remove_others(context: Context, files: Mapping[str, Path]) -> None:
    """Remove the indexes of these inputs at other revisions, and what a kill has left."""
    folder = next(iter(files.values())).parent
    for path in folder.glob("*.sqlite*"):
        index = Index.open(path) if path.suffix == ".sqlite" else None
        is_other = index is None or (index.about.system == context.machine.system and index.about.input in files)
        if path not in files.values() and is_other:
            path.unlink(missing_ok=True)


def _build(context: Context, manifest: Manifest, lock: Lock, missing: Mapping[str, Path]) -> None:
    with context.nix() as nix, scratch_folder() as folder:
        for name, data in lock.files(manifest).items():
            (folder / name).write_bytes(data)
        (folder / _WALK.name).write_bytes(_WALK.read_bytes())
        reference = nix.locked_reference(nix.reference(folder))
        for name, path in missing.items():
            try:
                with context.progress.step(f"indexing {name} {revision(lock.inputs[name])}".strip()):
                    _write(Walk(nix, reference, context.machine.system, name), lock.inputs[name].url, path)
            except NixprofError as error:
                context.progress.note(f"there is no index of {name}: {error.message}")
                if len(missing) == 1:
                    raise


def _write(walk: Walk, url: str, path: Path) -> None:
    with IndexWriter(path) as writer:
        writer.add(walk.packages())
        some = tuple(walk.failed[:_MAX_FAILED_NAMES])
        about = About(walk.name, url, walk.system, "evaluation", failed=len(walk.failed), failed_names=some)
        writer.finish(about)


class _Set(NamedTuple):
    """A set of packages: the number of its root, and its attribute path below that."""

    root: int
    path: tuple[str, ...]

    def as_nix(self) -> str:
        return f"{self.root} [ {' '.join(map(quoted, self.path))} ]"


class Walk:
    """One walk over all packages of an input."""

    def __init__(self, nix: Nix, reference: str, system: str, name: str) -> None:
        self.name = name
        self.system = system
        self._nix = nix
        self._definitions = (
            f"flake = builtins.getFlake {quoted(reference)}",
            f"roots = flake.lib.roots.{quoted(system)}.{quoted(name)}",
            f'walk = import (flake.outPath + "/{_WALK.name}") roots',
        )
        self._asked = 0
        self.failed: list[str] = []  # the attribute paths of what cannot be evaluated

    def packages(self) -> Iterator[IndexedPackage]:
        """Give all packages, those of an attribute path that two roots have once.

        Raises: NixprofError where Nix cannot have the input.
        """
        with self._nix.repl(self._definitions) as repl:
            roots = repl.ask("walk.roots")
            if not fits(roots, [int]):
                raise explain("".join(repl.said), repl.command)
            sets = [_Set(root, ()) for root in roots]
            seen: set[tuple[str, ...]] = set()
            for one in sets:  # grows
                for path, told in self._in_set(repl, one):
                    if told["kind"] == "set" and len(path) < _MAX_DEPTH:
                        sets.append(_Set(one.root, path))
                    elif told["kind"] == "package" and path not in seen:
                        seen.add(path)
                        yield _package(path, told)

    def _in_set(self, repl: Repl, one: _Set) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
        """Describe all that a set has."""
        names = repl.ask(f"walk.names {one.as_nix()}")
        if not fits(names, [str]):
            self.failed.append(".".join(one.path))
            return
        names = [name for name in names if _can_be_written(name)]
        for start in range(0, len(names), _BATCH):
            batch = names[start : start + _BATCH]
            for name, told in zip(batch, self._describe(repl, one, batch), strict=True):
                if told["kind"] == "failed":
                    self.failed.append(".".join((*one.path, name)))
                yield (*one.path, name), told
            self._asked += len(batch)
            if self._asked >= _UNTIL_RESTART:
                repl.restart()
                self._asked = 0

    def _describe(self, repl: Repl, one: _Set, names: Sequence[str]) -> list[Mapping[str, Any]]:
        """Describe attributes of a set; where one breaks the whole evaluation, find it by halves."""
        told = repl.ask(f"walk.describe {one.as_nix()} [ {' '.join(map(quoted, names))} ]")
        if fits(told, [{"kind": str}]) and len(told) == len(names):
            return [each if each["kind"] != "package" or fits(each, _SHAPE) else {"kind": "failed"} for each in told]
        if len(names) == 1:
            return [{"kind": "failed"}]
        half = len(names) // 2
        return self._describe(repl, one, names[:half]) + self._describe(repl, one, names[half:])


def _can_be_written(name: str) -> bool:
    """Tell whether a spec can have a name."""
    return name.isprintable() and name != "" and not set(name) & set('"\\')


def _package(path: tuple[str, ...], told: Mapping[str, Any]) -> IndexedPackage:
    texts = [_one_line(told[name]) for name in _TEXTS]
    texts[-1] = _IN_SOURCE.sub("", texts[-1])
    outputs, platforms, refusals, vulnerabilities = (tuple(map(_one_line, told[name])) for name in _LISTS)
    values: Any = (path, *texts, outputs, platforms, tuple(map(Reason, refusals)), vulnerabilities)
    return IndexedPackage(*values)


def _one_line(text: str) -> str:
    return "".join(character for character in " ".join(text.split()) if character.isprintable())
