"""`nixprof rollback`: back to an earlier generation: the profile, and with it the list and the locks."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.commit import commit
from nixprof.change.confirmation import Risk
from nixprof.change.differences import Change, compare
from nixprof.change.generations import (
    SOURCES,
    Generation,
    difference_between,
    find,
    generations,
    remember_rollback,
    sources_of,
)
from nixprof.change.process_lock import process_lock
from nixprof.change.state import read_draft
from nixprof.errors import ConcurrentChangeError, NixprofError, Reason
from nixprof.files import cannot_write, check_writable, content, private_folder, read_file, unused
from nixprof.formatting import display_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nixprof.context import Context
    from nixprof.nix.operations import Nix

# What nixprof and Nix write into the generated folder.
_GENERATED = ("flake.lock", "flake.nix", SOURCES, "nixprof.nix", "packages.json")


@dataclass(frozen=True, slots=True)
class Return:
    """A way back.

    Attributes:
        link: the profile.
        before: where the profile is.
        after: where it goes.
        changes: what becomes of the packages.
        files: what the list and the generated folder become, by path; empty where the generation keeps no list, or
            only the profile goes back.
        read: what those files are.
        edited: those of the list that the user has changed since, and whose changes go.
        copy: the folder that they are kept in.
        foreign: packages that somebody else has installed, and that go; by name.
        unpinned: packages, by key, that the list pins, and then no longer does.
        difference_bytes: how much more, or less, there is on the disk then; None where it is not known.

    """

    link: Path
    before: Generation
    after: Generation
    changes: tuple[Change, ...]
    files: dict[Path, bytes]
    read: dict[Path, bytes | None]
    edited: tuple[Path, ...]
    copy: Path
    foreign: tuple[str, ...]
    unpinned: tuple[str, ...]
    difference_bytes: int | None

    @property
    def risk(self) -> Risk:
        """What is at stake: hand edits, of which a copy is kept, and what somebody else has installed."""
        return Risk.LOSS if self.edited or self.foreign else Risk.NONE

    @property
    def copies(self) -> dict[Path, bytes]:
        """What is kept of hand edits, by path: in the folders that they are in below one that holds all of them."""
        real = {path: Path(os.path.realpath(path.parent), path.name) for path in self.edited}
        common = os.path.commonpath(one.parent for one in real.values()) if real else ""
        return {self.copy / real[path].relative_to(common): self.read[path] or b"" for path in self.edited}


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What `rollback` did; `done` is false for a dry run and where the user declined."""

    way: Return
    done: bool


def run(
    context: Context,
    number: int | None,
    *,
    profile_only: bool = False,
    dry_run: bool = False,
    confirm: Callable[[Return], bool] = lambda _: True,
) -> RolledBack:
    """Go back to a generation, or to the one before the current one.

    Raises: NixprofError where there is no such generation, ConcurrentChangeError where somebody else changes something
        meanwhile; everything is then as before.

    """
    with process_lock(context) as lock, context.nix(lock) as nix:
        way = _way(context, nix, number, profile_only=profile_only)
        if dry_run or not confirm(way):
            return RolledBack(way, done=False)
        _go(context, nix, way)
        return RolledBack(way, done=True)


def _go(context: Context, nix: Nix, way: Return) -> None:
    """Go a way back.

    Raises: NixprofError where that fails, ConcurrentChangeError where it no longer is the way; everything is then as
        before.

    """
    for path in way.files:
        check_writable(path)
    if way.copies:
        with cannot_write(context.folders.data):
            private_folder(context.folders.data)

    def activate() -> int:
        profile = context.profile()
        if profile is None or profile.generation != way.before.number:
            raise ConcurrentChangeError("the profile")
        with context.progress.step("switching the profile"):
            nix.go_to(way.link, way.after.number)
        return way.after.number

    commit(context.folders, way.link, way.copies | way.files, activate, way.read)
    remember_rollback(context, way.before.number, way.after.number)


def _way(context: Context, nix: Nix, number: int | None, *, profile_only: bool) -> Return:
    """Find the way, by how everything is now."""
    found, profile = generations(context), context.profile()
    before = next((one for one in found if profile and one.number == profile.generation), None)
    if profile is None or before is None:
        raise NixprofError(
            "the profile has no generations to go back to", Reason.NO_SUCH_GENERATION, hints=("nixprof history",)
        )
    if number is None:
        number = max((one.number for one in found if one.number < before.number), default=None)
    if number is None:
        raise NixprofError(
            "there is no generation before this one", Reason.NO_SUCH_GENERATION, hints=("nixprof history",)
        )
    after = find(found, number)
    files = {} if profile_only else _files(context, after)
    read = {path: content(path) for path in files}
    copy = unused(context.folders.data / "before-rollback" / time.strftime("%Y-%m-%d-%H%M%S"))
    return Return(
        profile.link,
        before,
        after,
        compare(before.packages, after.packages),
        files,
        read,
        _edited(context, before, files, read),
        copy,
        _leaving(before, after),
        _unpinned(context, files),
        difference_between(nix, before, after),
    )


def _leaving(before: Generation, after: Generation) -> tuple[str, ...]:
    """Name the packages that nixprof did not install, and that are not there afterwards."""
    staying = {one.key for one in after.packages} | {one.pname for one in after.packages}
    ours = set(before.environment.packages if before.environment else ())
    return tuple(
        one.pname or one.key
        for one in before.packages
        if one not in ours and one.key not in staying and one.pname not in staying
    )


def _unpinned(context: Context, files: Mapping[Path, bytes]) -> tuple[str, ...]:
    """Find the packages that are pinned and stay on the list without a pin."""
    if not files:
        return ()
    try:
        now = read_draft(context.folders.manifest, {})
        then = read_draft(context.folders.manifest, files)
    except NixprofError:  # a list with mistakes says nothing that could get lost
        return ()
    loose = {package.spec.key for package in then.packages if not package.pin}
    return tuple(dict.fromkeys(p.spec.key for p in now.packages if p.pin and p.spec.key in loose))


def _files(context: Context, after: Generation) -> dict[Path, bytes]:
    """Give what the generated folder and the list were, the list last."""
    sources = sources_of(after)
    if after.environment is None or not sources:
        return {}
    kept = Path(after.environment.flake)
    # A link could lead to anything, which Nix would then copy into its store, for all to read.
    names = (name for name in _GENERATED if os.path.isfile(kept / name) and not os.path.islink(kept / name))
    flake = {context.folders.flake / name: read_file(kept / name) for name in names}
    manifests = {context.folders.config / path: text.encode() for path, text in reversed(sources.items())}
    _check_belonging(context, after, manifests)
    return flake | manifests


def _check_belonging(context: Context, after: Generation, manifests: Mapping[Path, bytes]) -> None:
    """Make sure that only files of the list are written, whatever a generation names: it may be anybody's.

    These are those that the list includes now, and in its own folder also those that it included then.

    Raises: NixprofError that names the first other file that would change.
    """
    folders = context.folders
    now, then = _included(folders.manifest, {}), _included(folders.manifest, manifests)
    for path, data in manifests.items():
        inside = path.is_relative_to(folders.config) and os.pardir not in path.parts
        if path == folders.manifest or path in now or (inside and path in then) or content(path) == data:
            continue
        raise NixprofError(
            f"generation {after.number} would write {display_path(path)}, which the list does not include",
            Reason.OUTSIDE_FILE,
            hints=(
                f"to go back with the profile alone: nixprof rollback {after.number} --profile-only",
                "or include that file again before you go back",
            ),
        )


def _included(manifest: Path, files: Mapping[Path, bytes]) -> set[Path]:
    """Give the files that a list is in, with some of them written; none where it cannot be read."""
    try:
        return {source.path for source in read_draft(manifest, files).sources}
    except NixprofError:
        return set()


def _edited(
    context: Context, before: Generation, files: dict[Path, bytes], read: dict[Path, bytes | None]
) -> tuple[Path, ...]:
    """Find the files of the list that are not as the current generation keeps them, and would be overwritten."""
    kept = {context.folders.config / path: text.encode() for path, text in sources_of(before).items()}
    return tuple(
        path
        for path in files
        if path.parent != context.folders.flake and read[path] not in (None, kept.get(path), files[path])
    )
