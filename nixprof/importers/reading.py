"""What there is to import from this machine: the profile, one of its generations, or what the list has unnamed."""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING

from nixprof.errors import TO_BEGIN, NixprofError, Reason
from nixprof.folders import home
from nixprof.formatting import display_path
from nixprof.importers.candidate import Candidate, candidate
from nixprof.manifest.edit import comments_of
from nixprof.nix import profile as nix_profile
from nixprof.nix.profile import USUAL_PRIORITY, ProfileManager
from nixprof.record import record
from nixprof.store_path import outputs_of, package_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nixprof.context import Context
    from nixprof.lock.packages_json import Resolved
    from nixprof.manifest.model import Manifest, Package
    from nixprof.nix.profile import Profile

# How the comment begins that freeze writes behind a store path of unknown source.
KEPT_COMMENT_START = "kept by store path"


class Kind(Enum):
    """What was read."""

    CURRENT = "the profile as it is"
    EARLIER = "another generation of it"
    FILE = "a file"
    LIST = "what the list keeps by store path"


@record
class Reading:
    """What was read."""

    place: Path  # the profile by the name that the user knows, or the file
    kind: Kind
    candidates: tuple[Candidate, ...]
    generation: int | None = None  # of the profile
    form: str = ""  # what kind of file it is; empty for a profile and the list


def read_profile(context: Context, profile: Profile | None, generation: int | None) -> Reading:
    """Read the profile, or another generation of it; raise NixprofError where there is none, or no list in it."""
    if profile is None or profile.manager is ProfileManager.NOBODY:
        chosen = context.chosen_profile
        where = f"{display_path(chosen)} is not a profile" if chosen else "there is no profile"
        raise NixprofError(f"{where} to import", Reason.NO_PROFILE, hints=(TO_BEGIN,))
    usual = home() / ".nix-profile"
    is_usual = os.path.realpath(usual) == os.path.realpath(profile.link)
    place = context.chosen_profile or (usual if is_usual else profile.link)  # by the name that the user knows
    kind, link = Kind.CURRENT, place
    if generation not in (None, profile.generation):
        kind, link = Kind.EARLIER, profile.link.with_name(f"{profile.link.name}-{generation}-link")
        if not link.is_symlink():
            message = f"{display_path(place)} has no generation {generation}"
            raise NixprofError(message, Reason.NO_SUCH_GENERATION, hints=("nixprof history",))
        profile = nix_profile.read(link)
    if profile.manager is ProfileManager.UNKNOWN:
        raise NixprofError(
            f"{display_path(link)} has files but no list of what they belong to",
            Reason.UNSUITABLE_PROFILE,
            cause="it was made by `nix-env --set` or `nix build --profile`",
        )
    return Reading(place, kind, tuple(candidate(one) for one in profile.elements), generation or profile.generation)


def read_kept(manifest: Manifest, entries: Sequence[Package], resolved: Mapping[str, Resolved], system: str) -> Reading:
    """Read what a list keeps by store path, of its entries for this machine, and what those are resolved to by key."""
    kept = [entry for entry in entries if entry.spec.is_store_path]
    found = {}
    for file, text in manifest.texts().items():
        there = [entry for entry in kept if entry.file == file]
        comments = comments_of(text, [entry.path for entry in there])
        for entry in there:
            was_frozen = comments[entry.path].startswith(KEPT_COMMENT_START)
            found[entry.spec.key] = _kept(entry, resolved.get(entry.spec.key), system, was_frozen=was_frozen)
    return Reading(manifest.path, Kind.LIST, tuple(found.values()))


def _kept(entry: Package, known: Resolved | None, system: str, *, was_frozen: bool) -> Candidate:
    """Read one; what freeze has kept goes by name and version, as it did in a profile of nix-env."""
    path = entry.spec.key
    outputs = outputs_of((path,), ())
    usual = known.priority if known else USUAL_PRIORITY
    return Candidate(
        name=entry.spec.name,
        label="-".join(filter(None, package_of((path,), ()))) if was_frozen else "",
        outputs=outputs,
        chosen=() if outputs.keys() == {"out"} else tuple(outputs),
        priority=usual if entry.priority is None else entry.priority,
        system=system,
        description=known.description if known else "",
    )
