"""What has become of other machines, shown: a line each, and below it why one has failed and what to do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nixprof.formatting import count, listed
from nixprof.output.change import brief, counts, dry_run
from nixprof.output.error import reasons
from nixprof.output.table import cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.context import Context
    from nixprof.errors import NixprofError
    from nixprof.remote.sent import Sent, SentTo

_MAX_NAMES = 3


def show(result: Sent, context: Context) -> None:
    """Show a line for each machine."""
    rows = [(one.host, " · ".join(_parts(one, done=result.done)), one.error, True) for one in result.machines]
    context.console.say(*lines(rows, context.console.width(sys.stderr)))


def lines(rows: Sequence[tuple[str, str, NixprofError | None, bool]], width: int | None) -> Iterator[str]:
    """Write a line for each machine: its name, how it stands or what has failed; why and what to do are below.

    Each row also says whether all is well.
    """
    size = max(len(name) for name, *_ in rows)
    for name, text, error, is_well in rows:
        yield cut(f"{'✓' if is_well and not error else '✗'} {name:<{size}}  {error.message if error else text}", width)
        if error:
            yield from (f"    {line}" for line in reasons(error, width and width - 4))


def _parts(one: SentTo, *, done: bool) -> Iterator[str]:
    if not done:
        yield dry_run(one.changes)
        return
    if one.changes:
        yield f"{counts(one.changes)}: {listed([brief(change) for change in one.changes], _MAX_NAMES)}"
    else:
        yield f"in sync: {count(one.packages, 'package')}"
    if one.held:
        yield f"{len(one.held)} held back: {listed(one.held, _MAX_NAMES)}"
    if one.copied:
        yield f"{count(len(one.copied), 'store path')} copied from here"
    if one.generation:
        yield f"generation {one.generation}"
    if one.by_nix:
        yield "by Nix alone"
