"""The staging folder: a generated folder that is not the user's yet, in which Nix is asked what a change needs."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nixprof.change.failures import InputError, of_input
from nixprof.change.generations import SOURCES, relative_sources, write_sources
from nixprof.change.plan import StayingInput
from nixprof.change.revisions import old_enough, see
from nixprof.errors import Reason
from nixprof.formatting import period
from nixprof.lock.flake_lock import revision, with_originals
from nixprof.lock.flake_nix import used_inputs
from nixprof.lock.packages_json import FollowsInput, HeldAt
from nixprof.nix.errors import NixError
from nixprof.record import replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from nixprof.change.request import Moves
    from nixprof.context import Context
    from nixprof.lock.flake_lock import LockedInput
    from nixprof.lock.lock import Lock
    from nixprof.lock.packages_json import LockedPackage
    from nixprof.manifest.model import Input, Manifest, Package
    from nixprof.nix.operations import Nix


def generated(manifest: Manifest, lock: Lock) -> dict[str, bytes]:
    """Give the whole generated folder, by the names of its files."""
    return lock.files(manifest) | {SOURCES: write_sources(relative_sources(manifest))}


class Staging:
    """The staging folder of one change. Its methods give a new lock, and leave it to the caller to keep that."""

    def __init__(self, context: Context, nix: Nix, folder: Path, listed: Collection[str]) -> None:
        """Begin in an empty folder; `listed` are the names of the inputs that the user's list has."""
        self.folder = folder
        self._context = context
        self._nix = nix
        self._listed = listed
        self.staying: dict[str, StayingInput] = {}  # by name

    def write(self, manifest: Manifest, lock: Lock) -> None:
        """Write a manifest and its lock, for Nix to read."""
        (self.folder / "flake.lock").unlink(missing_ok=True)
        for name, data in generated(manifest, lock).items():
            (self.folder / name).write_bytes(data)

    def lock_inputs(self, manifest: Manifest, lock: Lock) -> Lock:
        """Lock the inputs that are not locked yet."""
        used = used_inputs(manifest, lock.packages)
        if lock.is_complete(used):
            return lock
        self.write(manifest, lock)
        with self._context.progress.step("locking the inputs"), self.naming_inputs(used, lock):
            self._nix.lock(self.folder)
        return lock.locked_in(self.folder)

    def _update(self, manifest: Manifest, lock: Lock, names: Collection[str], moves: Moves, before: Lock) -> Lock:
        """Lock inputs to the newest revisions that may be taken; what cannot be fetched stays, with its packages.

        Args:
            manifest: what the user wants.
            lock: with the packages let go that move along.
            names: of the inputs.
            moves: how.
            before: with the packages as they are where their input stays.

        """
        first: InputError | None = None
        while moving := [one for one in used_inputs(manifest, lock.packages) if one.name in names]:
            self.write(manifest, lock)
            try:
                with self.naming_inputs(used_inputs(manifest, lock.packages), lock):
                    self._nix.update(self.folder, [one.name for one in moving])
            except InputError as error:
                first = first or error
                if moves.strict or error.name not in {one.name for one in moving}:
                    raise
                names = set(names) - {error.name}
                self.staying[error.name] = StayingInput(error.name, error.reason, error.message)
                lock = lock.with_packages(before.packages_of(manifest, {error.name}))
            else:
                return self._with_age(manifest, lock, lock.locked_in(self.folder), moving, moves)
        if first:
            raise first
        return lock

    def _with_age(self, manifest: Manifest, lock: Lock, newest: Lock, moving: Sequence[Input], moves: Moves) -> Lock:
        """Take only revisions that have been known for the age that the manifest asks for."""
        age = 0 if moves.now else manifest.update.age
        chosen: dict[str, str] = {}
        for one in moving if age else ():
            now, before, after = int(time.time()), lock.inputs.get(one.name), newest.inputs[one.name]
            if before is None or before.url == after.url:
                continue
            seen = see(self._context.folders, one.url, before.url, after.url, now=now)
            chosen[one.name] = old_enough(seen, before.url, age, now)
            if chosen[one.name] == before.url:
                known = next(each.seen for each in seen if each.url == after.url)
                what = f"{revision(after)} has been known for {period(now - known)}".strip()
                message = f"{what}; the list asks for {period(age)}"
                self.staying[one.name] = StayingInput(one.name, Reason.TOO_NEW, message)
        if all(newest.inputs[name].url == url for name, url in chosen.items()):
            return newest
        references = {one.name: chosen.get(one.name, newest.inputs[one.name].url) for one in moving}
        if all(name in lock.inputs and lock.inputs[name].url == url for name, url in references.items()):
            return lock
        self.write(manifest, lock)
        with self.naming_inputs(moving, lock):
            self._nix.lock_at(self.folder, references)
        file = self.folder / "flake.lock"
        file.write_bytes(with_originals(file.read_bytes(), newest.flake_lock or b"{}"))
        return lock.locked_in(self.folder)

    @contextmanager
    def naming_inputs(self, used: Sequence[Input], lock: Lock) -> Iterator[None]:
        """Name the input where Nix fails to look one up."""
        try:
            yield
        except NixError as error:
            missing = [one for one in used if one.name not in lock.inputs]
            raise of_input(error, missing or used, self._listed, self._context.folders.manifest) from error

    def move(self, manifest: Manifest, lock: Lock, moves: Moves) -> Lock:
        """Move inputs with their packages, and packages alone."""
        if not moves:
            return lock
        with self._context.progress.step("looking for newer revisions"):
            before = lock = self._move_alone(manifest, lock, moves)
            moving = _with_followers(manifest, moves.inputs)
            lock = lock.with_packages(
                {
                    package.spec.key: self._going_along(package, lock)
                    for package in manifest.packages
                    if package not in moves.packages
                    and package.spec.key in lock.packages
                    and (package.spec.input in moves.inputs or (package.pin and package.spec.input in moving))
                }
            )
            lock = self._update(manifest, lock, moves.inputs, moves, before)
            return self.lock_inputs(manifest, lock.with_packages(before.packages_of(manifest, self.staying)))

    def _going_along(self, package: Package, lock: Lock) -> LockedPackage:
        """Let a package go with its input, which moves; a pinned one stays where it is."""
        if package.pin:
            return lock.held(package, self._context.machine.system)
        return replace(lock.package(package.spec.key), hold=FollowsInput())

    def _move_alone(self, manifest: Manifest, lock: Lock, moves: Moves) -> Lock:
        """Hold packages at the newest revisions of their inputs, which themselves stay where they are."""
        packages = moves.packages
        if not packages:
            return lock
        free = {one.spec.key: replace(lock.package(one.spec.key), hold=FollowsInput()) for one in packages}
        freed = self.lock_inputs(manifest, lock.with_packages(free))
        names = {one.spec.input for one in packages}
        newest = self._update(manifest, freed, names, replace(moves, strict=True), lock).inputs
        held = {}
        for one in packages:
            before, after = lock.inputs.get(one.spec.input), newest[one.spec.input]
            stays = not one.pin and (before is None or before.identity == after.identity)
            held[one.spec.key] = free[one.spec.key] if stays else _held_at(lock.package(one.spec.key), after)
        return freed.with_packages(held)


def _held_at(known: LockedPackage, at: LockedInput) -> LockedPackage:
    # A reference with other dependencies gives another package.
    nodes = known.hold.nodes if isinstance(known.hold, HeldAt) else ()
    return replace(known, hold=HeldAt(at.url, at.nodes), systems=known.systems if nodes == at.nodes else {})


def _with_followers(manifest: Manifest, names: Collection[str]) -> set[str]:
    """Give inputs with all that follow one of them, and so move with it."""
    moving = set(names)
    while (
        more := {one.name for one in manifest.inputs if moving.intersection(ours for _, ours in one.follows)} - moving
    ):
        moving |= more
    return moving
