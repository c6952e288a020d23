"""What differs between two environments, by package."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nixprof.change.environment import EnvironmentEntry


class Kind(Enum):
    """What happens to a package."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"  # another version
    REBUILT = "rebuilt"  # the same version from other inputs, or another choice of outputs
    RANKED = "ranked"  # another priority


@record
class Cause:
    """The nearest change that made a package another one although its version is the same."""

    name: str  # of a package that it needs; empty for itself
    before: str  # versions, which may be empty; where they are the same, it was changed in another way
    after: str
    cves: tuple[str, ...]  # the security patches that it has now, and had not
    guessed: bool = False  # whether it is only what the outputs refer to that says so


@record
class Change:
    """One package that differs. Versions may be empty; `before` is None when added, `after` when removed."""

    kind: Kind
    key: str
    before: str | None
    after: str | None
    cause: Cause | None = None  # of what is rebuilt; None where that is not known
    cves: tuple[str, ...] | None = None  # the security patches that are new; None where that is not known
    changelog: str = ""  # an address; empty where there is none


def compare(old: Sequence[EnvironmentEntry], new: Sequence[EnvironmentEntry]) -> tuple[Change, ...]:
    """List what turns `old` into `new`: what is added or differs in the order of `new`, then what is removed."""
    before = {package.key: package for package in old}
    after = {package.key: package for package in new}
    there = [_change(before.get(key), package) for key, package in after.items()]
    gone = [Change(Kind.REMOVED, key, package.version, None) for key, package in before.items() if key not in after]
    return (*(change for change in there if change), *gone)


def _change(old: EnvironmentEntry | None, new: EnvironmentEntry) -> Change | None:
    if old is None:
        return Change(Kind.ADDED, new.key, None, new.version)
    if old.version != new.version:
        return Change(Kind.CHANGED, new.key, old.version, new.version)
    if set(old.paths) != set(new.paths):
        return Change(Kind.REBUILT, new.key, old.version, new.version)
    if old.priority != new.priority:
        return Change(Kind.RANKED, new.key, old.version, new.version)
    return None
