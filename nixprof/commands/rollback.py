"""`nixprof rollback`: back to an earlier generation, with the list and the locks; or one package as it was."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.commit import commit
from nixprof.change.confirmation import Proposal, Risk, confirmed
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
from nixprof.change.registry_pin import moved_pin
from nixprof.change.state import read_draft
from nixprof.commands.take_back import TakenBack, take_back
from nixprof.errors import ConcurrentChangeError, NixprofError, Reason
from nixprof.files import cannot_write, check_writable, content, private_folder, read_file, unused
from nixprof.formatting import display_path
from nixprof.record import record, replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nixprof.context import Context
    from nixprof.manifest.model import Manifest
    from nixprof.nix.operations import Nix

# What nixprof and Nix write into the generated folder.
_GENERATED = ("flake.lock", "flake.nix", SOURCES, "nixprof.nix", "packages.json")


@record
class Rollback:
    """A way back."""

    before: int  # the generation that the profile is at
    after: int  # the one that it goes to
    time: float  # when that one was made, in seconds since 1970
    changes: tuple[Change, ...]  # what becomes of the packages
    restores_list: bool  # False where the generation keeps no list, or only the profile goes back
    edited: tuple[Path, ...]  # files of the list that the user has changed since, and whose changes go
    copy: Path  # the folder that those are kept in
    foreign: tuple[str, ...]  # packages that something else has installed, and that go, by name
    unpinned: tuple[str, ...]  # packages, by key, that the list pins, and then no longer does
    difference_bytes: int | None  # how much more there is on the disk then; None where it is not known
    is_needed: bool  # False where the profile is there already, and the list as it was
    done: bool = False  # not for a dry run, nor where the user declined, nor where it is not needed
    declined: bool = False

    @property
    def risk(self) -> Risk:
        """What is at stake: hand edits, of which a copy is kept, and what something else has installed."""
        return Risk.LOSS if self.edited or self.foreign else Risk.NONE

    @property
    def loss(self) -> str | None:
        """What it takes away that nixprof has not installed; None for nothing."""
        edits = f"it would undo your edits of {', '.join(map(display_path, self.edited))}" if self.edited else ""
        foreign = f"it would remove {', '.join(self.foreign)}, not installed by nixprof" if self.foreign else ""
        return "\n".join(filter(None, (edits, foreign))) or None


def run(
    context: Context, target: str | None = None, generation: int | None = None, *, profile_only: bool = False
) -> Rollback | TakenBack:
    """Go back to a generation, or bring a package back to what one had; a number is a generation."""
    is_number = target is None or target.isdecimal()
    if is_number and generation is not None:
        raise _usage("rollback takes one generation", "nixprof rollback PACKAGE N")
    if is_number:
        return _go_back(context, int(target) if target else None, profile_only=profile_only)
    if profile_only:
        raise _usage("--profile-only is for whole generations", "nixprof rollback N --profile-only")
    return take_back(context, target or "", generation)


def _usage(message: str, instead: str) -> NixprofError:
    return NixprofError(message, Reason.USAGE, hints=(instead,))


def _go_back(context: Context, generation: int | None, *, profile_only: bool) -> Rollback:
    """Go back to a generation, or to the one before the current one."""
    with process_lock(context) as lock, context.nix(lock) as nix:
        link, before, after = _ends(context, generation)
        files = {} if profile_only else _files(context, after)
        read = {path: content(path) for path in files}
        way = _way(context, nix, before, after, files, read)
        if context.dry_run or not way.is_needed:
            return way
        if not confirmed(context, Proposal(way, "Go back?", way.risk, way.loss)):
            return replace(way, declined=True)
        for path in files:
            check_writable(path)
        if way.edited:
            with cannot_write(context.folders.data):
                private_folder(context.folders.data)

        def activate() -> int:
            profile = context.profile()
            if profile is None or profile.generation != before.number:
                raise ConcurrentChangeError("the profile")
            if after.number != before.number:
                with context.progress.step("switching the profile"):
                    nix.go_to(link, after.number)
            return after.number

        pin = moved_pin(context.folders, files.get(context.folders.flake / "flake.lock"))
        commit(context.folders, link, _copies(way, read) | pin | files, activate, read)
        if after.number != before.number:
            remember_rollback(context, link, before.number, after.number)
        return replace(way, done=True)


def _ends(context: Context, number: int | None) -> tuple[Path, Generation, Generation]:
    """Find the profile, the generation that it is at, and the one that it goes to.

    Raises: NixprofError where there is no such generation.
    """
    found, profile = generations(context), context.profile()
    before = next((one for one in found if profile and one.number == profile.generation), None)
    if profile is None or before is None:
        raise _no_generation("the profile has no generations to go back to")
    if number is None:
        number = max((one.number for one in found if one.number < before.number), default=None)
    if number is None:
        raise _no_generation("there is no generation before this one")
    return profile.link, before, find(found, number)


def _no_generation(message: str) -> NixprofError:
    return NixprofError(message, Reason.NO_SUCH_GENERATION, hints=("nixprof history",))


def _way(
    context: Context,
    nix: Nix,
    before: Generation,
    after: Generation,
    files: Mapping[Path, bytes],
    read: Mapping[Path, bytes | None],
) -> Rollback:
    """Say what going back comes to, where the list and the generated folder are `read` and become `files`."""
    return Rollback(
        before.number,
        after.number,
        after.time,
        compare(before.packages, after.packages),
        bool(files),
        _edited(context, before, files, read),
        unused(context.folders.data / "before-rollback" / time.strftime("%Y-%m-%d-%H%M%S")),
        _leaving(before, after),
        _unpinned(_parsed(context, {}), _parsed(context, files)) if files else (),
        difference_between(nix, before, after),
        before.number != after.number or any(read[path] != data for path, data in files.items()),
    )


def _copies(way: Rollback, read: Mapping[Path, bytes | None]) -> dict[Path, bytes]:
    """Give the copies of hand edits by path, with their folders below the one that holds all of them."""
    real = {path: Path(os.path.realpath(path.parent), path.name) for path in way.edited}
    common = os.path.commonpath(one.parent for one in real.values()) if real else ""
    return {way.copy / real[path].relative_to(common): read[path] or b"" for path in way.edited}


def _leaving(before: Generation, after: Generation) -> tuple[str, ...]:
    """Name the packages that nixprof did not install, and that are not there afterwards."""
    staying = {one.key for one in after.packages} | {one.pname for one in after.packages}
    ours = set(before.environment.packages if before.environment else ())
    return tuple(
        one.pname or one.key
        for one in before.packages
        if one not in ours and one.key not in staying and one.pname not in staying
    )


def _parsed(context: Context, files: Mapping[Path, bytes]) -> Manifest | None:
    """Parse the list with some of its files written; a list with mistakes says nothing."""
    try:
        return read_draft(context.folders.manifest, files)
    except NixprofError:
        return None


def _unpinned(now: Manifest | None, then: Manifest | None) -> tuple[str, ...]:
    """Find the packages that are pinned and stay on the list without a pin."""
    loose = {package.spec.key for package in (then.packages if then else ()) if not package.pin}
    pinned = (package.spec.key for package in (now.packages if now else ()) if package.pin)
    return tuple(key for key in dict.fromkeys(pinned) if key in loose)


def _files(context: Context, after: Generation) -> dict[Path, bytes]:
    """Give what the generated folder and the list were, the list last; nothing where the generation keeps no list."""
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
    config = context.folders.config
    now, then = (
        {source.path for source in found.sources} if found else set()
        for found in (_parsed(context, {}), _parsed(context, manifests))
    )
    for path, data in manifests.items():
        inside = path.is_relative_to(config) and os.pardir not in path.parts
        if path == context.folders.manifest or path in now or (inside and path in then) or content(path) == data:
            continue
        raise NixprofError(
            f"generation {after.number} would write {display_path(path)}, which the list does not include",
            Reason.OUTSIDE_FILE,
            hints=(
                f"to go back with the profile alone: nixprof rollback {after.number} --profile-only",
                "or include that file again before you go back",
            ),
        )


def _edited(
    context: Context, before: Generation, files: Mapping[Path, bytes], read: Mapping[Path, bytes | None]
) -> tuple[Path, ...]:
    """Find the files of the list that are not as the current generation keeps them, and would be overwritten."""
    kept = {context.folders.config / path: text.encode() for path, text in sources_of(before).items()}
    return tuple(
        path
        for path in files
        if path.parent != context.folders.flake and read[path] not in (None, kept.get(path), files[path])
    )
