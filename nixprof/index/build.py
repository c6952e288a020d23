"""Builds the indexes of the inputs as they are locked, each once, by one walk over the packages in Nix."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nixprof.errors import NixprofError, Reason
from nixprof.files import scratch_folder
from nixprof.index.database import EVALUATION, LISTING, About, Index, IndexedPackage, IndexWriter
from nixprof.index.files import (
    failure,
    index_files,
    open_indexes,
    remember_failure,
    remember_use,
    remove_unused,
    with_unlocked,
)
from nixprof.index.listing import listing_url, read_listing
from nixprof.index.program_lists import OF_CHANNEL, PACKAGES, read_list
from nixprof.lock.flake_lock import revision
from nixprof.nix.errors import explain
from nixprof.nix.nix_data import quoted
from nixprof.schema import MisshapenError, fits
from nixprof.store_path import checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nixprof.context import Context
    from nixprof.index.listing import Listing
    from nixprof.lock.freshness import LockedManifest
    from nixprof.nix.operations import Nix
    from nixprof.nix.progress import Progress
    from nixprof.nix.repl import Repl

_WALK = Path(__file__).with_name("walk.nix")
# Ask about this many attributes at once; a Nix that has been asked about so many has used enough memory.
_BATCH = 500
_UNTIL_RESTART = 20_000
# An attribute that takes longer has no end. The first of a set takes what all of them need.
_ENDLESS_SECONDS = 60
# How deep sets of sets may be: one that holds itself has no end.
_MAX_DEPTH = 6
_MAX_FAILED_NAMES = 100
# What fails for these may succeed next time.
_OF_THE_MACHINE = (Reason.CANNOT_WRITE, Reason.DISK_FULL, Reason.OUT_OF_MEMORY, Reason.DAEMON)
_TEXTS = ("pname", "version", "description", "mainProgram", "homepage", "changelog", "license", "position")
_LISTS = ("outputs", "platforms", "refusals", "vulnerabilities")
_SHAPE = {**dict.fromkeys(_TEXTS, str), **{name: [str] for name in _LISTS}, "fullName": str}
_FETCHED = [{"name": str, "path": str, "derivation": str}]
_IN_SOURCE = re.compile(r"^.*?/[0-9a-df-np-sv-z]{32}-[^/]+/")


def up_to_date(context: Context, locked: LockedManifest, source: str | None = None) -> dict[str, Index]:
    """Build the indexes that are missing, and remove those that no list uses any more.

    An input for which that has failed is tried again when it is named, or locked to another revision.

    Args:
        context: whose cache.
        locked: the list, with what its inputs are locked to.
        source: the only input to have an index of; None for all.

    Returns: the index of each input that has one, by its name; a note says of the others why.

    Raises: NixprofError where there is none at all.

    """
    every = index_files(context.folders.cache, locked)
    files = {name: path for name, path in every.items() if source in (None, name)}
    if _to_build(files, again=source is not None):
        folder = context.folders.cache / "index"
        with _alone(context, folder):
            used = index_files(context.folders.cache, with_unlocked(context.folders.cache, locked)).values()
            remember_use(folder, context.folders.manifest, context.machine.system, used)
            # Another nixprof may have built them meanwhile.
            _build(context, locked, _to_build(files, again=source is not None))
            remove_unused(folder)
    return _opened(context, files)


def _to_build(files: Mapping[str, Path], *, again: bool) -> dict[str, Path]:
    """Choose the indexes that are not there, and those that could not be built only `again`."""
    there = open_indexes(files)
    return {name: path for name, path in files.items() if name not in there and (again or not failure(path))}


def _opened(context: Context, files: Mapping[str, Path]) -> dict[str, Index]:
    indexes = open_indexes(files)
    for name in sorted(files.keys() - indexes.keys()):
        why = failure(files[name]) or NixprofError("it was removed just now", Reason.NO_INDEX)
        message, hint = f"there is no index of {name}: {why.message}", f"to try again: nixprof search --input {name}"
        if not indexes:
            raise NixprofError(message, why.reason, cause=why.cause, hints=(hint,))
        context.progress.note(f"{message} ({hint})")
    return indexes


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


def _build(context: Context, locked: LockedManifest, missing: Mapping[str, Path]) -> None:
    """Build indexes; remember why one cannot be built."""
    if not missing:
        return
    progress, manifest, lock = context.progress, locked.manifest, locked.lock
    with context.nix() as nix, scratch_folder() as folder:
        for name, data in lock.files(manifest).items():
            (folder / name).write_bytes(data)
        (folder / _WALK.name).write_bytes(_WALK.read_bytes())
        reference = nix.locked_reference(nix.reference(folder))
        for name, path in missing.items():
            try:
                with progress.step(f"indexing {name} {revision(lock.inputs[name])}".strip()):
                    walk = Walk(nix, reference, context.machine.system, name)
                    walk.fetch(folder)
                    # Overlays change what a channel has published.
                    url = None if manifest.policy.overlays else listing_url(lock.inputs[name], walk.system)
                    listed = _listing(nix, url) if url else None
                    with IndexWriter(path) as writer:
                        packages = walk.packages() if listed is None else walk.listed(listed)
                        writer.add(_counted(packages, progress))
                        told_by = tuple(_add_programs(writer, walk, nix, progress))
                        writer.finish(walk.about(lock.inputs[name].url, told_by))
            except NixprofError as error:
                if error.reason in _OF_THE_MACHINE:
                    raise
                remember_failure(path, error)


def _listing(nix: Nix, url: str) -> Listing | None:
    """Fetch what a channel says of its packages; None where that cannot be had."""
    try:
        return read_listing(nix.fetch_file(url))
    except NixprofError:
        return None


def _add_programs(writer: IndexWriter, walk: Walk, nix: Nix, progress: Progress) -> Iterator[str]:
    """Add the programs of the lists that an input carries; gives their sources. One that cannot be had is left out."""
    if walk.folder and (walk.folder / OF_CHANNEL).is_file():
        yield from _add_list(writer, walk.folder / OF_CHANNEL, OF_CHANNEL, walk.system, progress)
    for one in walk.lists[:1]:  # the first has all
        with scratch_folder() as roots:
            try:
                nix.realise([f"{checked(one['derivation'])}!out"], roots)
                yield from _add_list(writer, Path(checked(one["path"])), PACKAGES[one["name"]], walk.system, progress)
            except (NixprofError, MisshapenError) as error:
                progress.note(f"without the programs of {one['name']}: {error}")


def _add_list(writer: IndexWriter, path: Path, source: str, system: str, progress: Progress) -> Iterator[str]:
    try:
        writer.add_programs(read_list(path, source, system), source)
        yield source
    except NixprofError as error:
        hint = f"; {error.hints[0]}" if error.hints else ""
        progress.note(f"without the programs of {source}: {error.message}{hint}")


def _counted(packages: Iterable[IndexedPackage], progress: Progress) -> Iterator[IndexedPackage]:
    """Tell from time to time how many it is so far."""
    for number, package in enumerate(packages, 1):
        if number % _BATCH == 0:
            progress.reached(f"{number:,} packages")
        yield package


class _Set(NamedTuple):
    """A set of packages: the number of its root, and its attribute path below that."""

    root: int
    path: tuple[str, ...]

    def as_nix(self) -> str:
        return f"(builtins.elemAt walk.nodes {self.root}){''.join(f'.sub.{quoted(name)}' for name in self.path)}"


class Walk:
    """One walk over all packages of an input."""

    def __init__(self, nix: Nix, reference: str, system: str, name: str) -> None:
        self.name = name
        self.system = system
        self._nix = nix
        self._roots = f"roots.{quoted(system)}.{quoted(name)}"
        self._definitions = (
            f"flake = builtins.getFlake {quoted(reference)}",
            f'walk = import (flake.outPath + "/{_WALK.name}") flake.lib.{self._roots}',
        )
        self._source = EVALUATION
        self._asked = 0  # since Nix was started
        self.failed: list[str] = []  # the attribute paths of what cannot be evaluated, or not be named by a spec
        # Where lists of programs are, once all packages are given: in the folder of the input, and as packages.
        self.folder: Path | None = None
        self.lists: Sequence[Mapping[str, str]] = []

    def fetch(self, folder: Path) -> None:
        """Have the input in the store, from its generated folder; this says why that fails, and shows how far it is."""
        self._nix.evaluate(folder, "lib", f"lib: builtins.length lib.{self._roots}")

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
            self._find_lists(repl)

    def listed(self, listing: Listing) -> Iterator[IndexedPackage]:
        """Give all packages as a channel has listed them, without evaluation."""
        self._source = LISTING
        for path, told in listing:
            if _checked(told) is _FAILED or not all(map(_can_be_written, path)):
                self.failed.append(".".join(path))
            else:
                yield _package(path, told)
        with self._nix.repl(self._definitions) as repl:
            self._find_lists(repl)

    def _find_lists(self, repl: Repl) -> None:
        """Find the lists of programs that the input carries."""
        names = " ".join(map(quoted, PACKAGES))
        folder = repl.ask(f"flake.inputs.{quoted(self.name)}.outPath", _ENDLESS_SECONDS)
        fetched = repl.ask(f"walk.fetched [ {names} ]", _ENDLESS_SECONDS)
        self.folder = Path(folder) if fits(folder, str) else None
        self.lists = fetched if fits(fetched, _FETCHED) else []

    def about(self, url: str, programs: tuple[str, ...]) -> About:
        """Describe the index of all packages, once they are given."""
        some = tuple(self.failed[:_MAX_FAILED_NAMES])
        failed = len(self.failed)
        return About(self.name, url, self.system, self._source, 0, failed, some, programs)

    def _in_set(self, repl: Repl, one: _Set) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
        """Describe all that a set has and a spec can name."""
        names = repl.ask(f"{one.as_nix()}.names", _ENDLESS_SECONDS)
        if not fits(names, [str]):
            self.failed.append(".".join(one.path))
            return
        for name, told in zip(names, self._described(repl, one, len(names)), strict=True):
            path = (*one.path, name)
            if told["kind"] == "failed" or (told["kind"] != "other" and not _can_be_written(name)):
                self.failed.append(".".join(path))
            else:
                yield path, told

    def _described(self, repl: Repl, one: _Set, number: int) -> Iterator[Mapping[str, Any]]:
        """Describe the attributes of a set, in order. Where one breaks off the evaluation, it goes on behind that."""
        at = 0
        while at < number:
            if self._asked >= _UNTIL_RESTART:
                repl.restart()
            if not repl.is_running:
                self._asked = 0
            most = min(_BATCH, number - at)
            answers = list(repl.answers(f"{one.as_nix()}.describeFrom {at} {most}", _ENDLESS_SECONDS))
            yield from map(_checked, answers)
            at += len(answers)
            self._asked += len(answers)
            # A Nix may have died of all that it had in its memory: then another one is asked again.
            if len(answers) < most and (repl.is_running or repl.is_late or not self._asked):
                yield _FAILED
                at += 1


_FAILED: Mapping[str, Any] = {"kind": "failed"}


def _checked(told: Any) -> Mapping[str, Any]:
    is_whole = fits(told, {"kind": str}) and (told["kind"] != "package" or fits(told, _SHAPE))
    return told if is_whole else _FAILED


def _can_be_written(name: str) -> bool:
    """Tell whether a spec can have a name."""
    return name.isprintable() and name != "" and not set(name) & set('"\\')


def _package(path: tuple[str, ...], told: Mapping[str, Any]) -> IndexedPackage:
    texts = [_one_line(told[name]) for name in _TEXTS]
    texts[-1] = _IN_SOURCE.sub("", texts[-1])
    outputs, platforms, refusals, vulnerabilities = (tuple(map(_one_line, told[name])) for name in _LISTS)
    values: Any = (
        path,
        *texts,
        outputs,
        platforms,
        tuple(map(Reason, refusals)),
        vulnerabilities,
        _one_line(told["fullName"]),
    )
    return IndexedPackage(*values)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if line.isprintable() else "".join(filter(str.isprintable, line))
