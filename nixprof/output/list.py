"""`nixprof list` as text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nixprof.commands.list import Presence
from nixprof.manifest.spec import NO_INPUT
from nixprof.output.table import columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.list import Listed, Listing
    from nixprof.console import Console


def listing(result: Listing, console: Console) -> Iterator[str]:
    """Show `nixprof list`."""
    if not result.packages:
        return
    rows = [_listed_row(one) for one in result.packages]
    yield from columns(rows, console.width(sys.stdout))


def _listed_row(one: Listed) -> tuple[str, str, str]:
    spec = one.package.spec
    marks = [
        *([spec.input] if spec.input not in ("nixpkgs", NO_INPUT) and spec.attr_path != ("default",) else []),
        *(["pinned"] if one.package.pin else ["held"] if one.held else []),
        *(f"not on {gap.system}: {gap.why.reason}" for gap in one.gaps),
    ]
    name = spec.input if spec.attr_path == ("default",) else spec.name
    name = f"{name} ({', '.join(marks)})" if marks else name
    if one.presence is Presence.SKIPPED:
        return name, "", f"skipped: {one.reason}"
    pending = "" if one.presence is Presence.INSTALLED else "not installed yet: nixprof sync"
    return name, one.version, pending or one.description
