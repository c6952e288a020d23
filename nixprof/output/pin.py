"""`nixprof pin` and `nixprof unpin`, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.formatting import count, package_name
from nixprof.output import change
from nixprof.output.change import as_json

if TYPE_CHECKING:
    from nixprof.change.plan import Outcome, Plan
    from nixprof.context import Context

__all__ = ["as_json", "show"]


def show(result: Outcome, context: Context) -> None:
    """Show the change: mostly no package changes, and they are pinned."""
    change.show(result, context, otherwise=_pinned(result.plan, pin=context.console.command == "pin"))


def _pinned(result: Plan, *, pin: bool) -> str:
    """Say that the packages that were named are pinned now, or are no longer."""
    versions = {one.key: one.version for one in result.packages}
    names = [
        key for key in dict.fromkeys(one.spec.key for one in result.manifest.packages) if key in result.request.named
    ]
    if len(names) != 1:
        return f"{count(len(names), 'package')} {'pinned' if pin else 'no longer pinned'}"
    version = versions.get(names[0], "")
    name = package_name(names[0])
    return (
        (f"{name} is pinned at {version}" if version else f"{name} is pinned") if pin else f"{name} is no longer pinned"
    )
