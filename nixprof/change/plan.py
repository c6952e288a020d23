"""What a change comes to, before it happens and afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.differences import Change, Kind
from nixprof.record import record

if TYPE_CHECKING:
    from pathlib import Path

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.change.request import ChangeRequest
    from nixprof.errors import Reason
    from nixprof.lock.flake_lock import LockedInput
    from nixprof.lock.freshness import Gap, LockedManifest
    from nixprof.manifest.model import Package
    from nixprof.nix.download_plan import DownloadPlan


@record
class MovedInput:
    """An input that is locked to another revision than before; `before` is None for a new one."""

    name: str
    before: LockedInput | None
    after: LockedInput


@record
class StayingInput:
    """An input that was to move, and stays at the revision that it has."""

    name: str
    reason: Reason
    message: str


@record
class Plan:
    """What a change comes to, before it happens."""

    request: ChangeRequest  # with the policy that it needs
    after: LockedManifest  # what the user will want, with everything resolved
    changes: tuple[Change, ...]  # what becomes of the packages of this machine
    moved: tuple[MovedInput, ...]  # what becomes of the inputs
    packages: tuple[EnvironmentEntry, ...]  # what the environment will link
    downloads: DownloadPlan | None  # what has to be fetched and built for it; None where nothing is missing
    new_gaps: tuple[Gap, ...]  # what systems go without that is new, or of packages that are
    staying: tuple[StayingInput, ...]  # the inputs that were to move and do not
    late: tuple[str, ...]  # what is added although the list had it before the command changed that
    copy: Path | None  # the folder that keeps the locks with the conflicts that were merged; None where there were none

    @property
    def lost(self) -> tuple[Change, ...]:
        """The packages that go although the command does not name them."""
        return tuple(one for one in self.changes if one.kind is Kind.REMOVED and one.key not in self.request.named)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes that the user would notice."""
        return not (self.changes or self.moved or self.request.files or self.copy)


@record
class FoundVersion:
    """What was found where a package was asked for at a version."""

    asked: str  # as typed
    package: str  # what the list has for it
    version: str
    where: str  # has it, or had it


@record
class Outcome:
    """What became of a change."""

    plan: Plan
    done: bool  # not for a dry run, nor where the user declined
    generation: int | None  # the number of the profile's generation now
    seconds: float  # how long it took, without the time that the user took to answer
    declined: bool = False
    summary: str = ""  # what was done where no package has changed, such as `bat is pinned at 0.25.0`
    would: str = ""  # the same for a dry run: `pin bat at 0.25.0`
    notes: tuple[str, ...] = ()  # what else the user has to know
    present: tuple[Package, ...] | None = None  # of `add`: entries that were on the list already
    found: tuple[FoundVersion, ...] = ()  # of `add`: what was asked for at a version
