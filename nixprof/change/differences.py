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
class Change:
    """One package that differs. Versions may be empty; `before` is None when added, `after` when removed."""

    kind: Kind
    key: str
    before: str | None
    after: str | None


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
