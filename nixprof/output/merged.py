"""Locks that git had left a conflict in, and that were merged: what was taken, and from where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nixprof.formatting import display_path, listed, listed_name, package_name
from nixprof.lock.flake_lock import revision
from nixprof.output.table import columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.change.plan import Plan
    from nixprof.lock.merging import Choice, Merged

# More names than this are counted.
_MAX_NAMES = 5


def merged_lines(plan: Plan, width: int | None) -> Iterator[str]:
    """Tell what was merged."""
    for one in plan.after.lock.merged:
        yield f"{one.path.name} has a merge conflict, which is settled:"
        rows = [(label, listed(names, _MAX_NAMES)) for label, names in _groups(one, plan).items()]
        yield from columns(rows, width, indent=2)
    if plan.copy:
        yield f"  what git left will be kept in {display_path(plan.copy)}"


def _groups(merged: Merged, plan: Plan) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for one in merged.choices:
        groups.setdefault(_label(one), []).append(_name(one, plan))
    if merged.agreed:
        groups["the same in both"] = [str(merged.agreed)]
    return groups


def _label(choice: Choice) -> str:
    from nixprof.lock.merging import Why

    texts = {
        Why.ONLY: "only in",
        Why.NEWER: "newer in",
        Why.LOCKED: "as locked now, from",
        Why.HELD: "held in",
        Why.FIRST: "different, taken from",
    }
    return f"{texts[choice.why]} {choice.side}"


def _name(choice: Choice, plan: Plan) -> str:
    """Name a package, or an input with the revision that was taken."""
    locked = plan.after.lock.inputs.get(choice.name)
    name = f"{choice.name} {revision(locked)}".strip() if locked else package_name(choice.name)
    return f"{name} ({choice.system})" if choice.system else name


def merged_json(plan: Plan) -> list[dict[str, Any]]:
    """Give the same to scripts."""
    return [
        {
            "file": one.path,
            "copy": plan.copy and plan.copy / one.path.name,
            "agreed": one.agreed,
            "taken": [
                {"name": listed_name(each.name), "system": each.system or None, "side": each.side, "why": each.why}
                for each in one.choices
            ],
        }
        for one in plan.after.lock.merged
    ]
