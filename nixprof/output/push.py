"""`nixprof push`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.formatting import count, size
from nixprof.nix.operations import is_binary_cache
from nixprof.output.table import columns
from nixprof.store_path import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.push import Pushed
    from nixprof.context import Context

# The largest paths that are shown without --verbose.
_MAX_PATHS = 10


def show(result: Pushed, context: Context) -> None:
    """Show what was pushed, and what other machines need in order to use it."""
    console = context.console
    console.out(_paths(result, None if console.verbose else _MAX_PATHS, console.width(sys.stdout)))
    if not result.done and (result.pushed or result.signed):
        console.say(f"dry run: would {_what(result, 'push', 'sign')} (nothing was changed)")
        return
    console.say(f"✓ {_done(result)}", *_for_others(result))


def as_json(result: Pushed) -> dict[str, Any]:
    """Give it by its fields; of the key, what others trust it by."""
    return {
        "done": result.done,
        "cache": result.cache,
        "environments": result.environments,
        "pushed": [{"path": path, "bytes": bytes_} for path, bytes_ in result.pushed.items()],
        "bytes": sum(result.pushed.values()),
        "present": result.present,
        "signed": result.signed,
        "publicKey": result.key.public if result.key else None,
    }


def _paths(result: Pushed, most: int | None, width: int | None) -> Iterator[str]:
    rows = [("+", name_of(path), size(bytes_)) for path, bytes_ in list(result.pushed.items())[:most]]
    yield from columns(rows, width)
    rest = list(result.pushed.values())[len(rows) :]
    if rest:
        yield f"  and {count(len(rest), 'more path')}, {size(sum(rest))}"


def _what(result: Pushed, push: str, sign: str) -> str:
    pushed = f"{push} {count(len(result.pushed), 'path')}, {size(sum(result.pushed.values()))}"
    signed = f"{sign} {count(len(result.signed), 'path')}" if result.signed else ""
    return " and ".join(filter(None, (pushed if result.pushed or not signed else "", signed)))


def _done(result: Pushed) -> str:
    if result.present is None:
        return f"{count(len(result.pushed), 'path')} in {result.cache}, {size(sum(result.pushed.values()))}"
    if not result.pushed and not result.signed:
        return f"nothing to push: {result.cache} has all {count(result.present, 'path')}"
    key = f" · key {result.key.name}" if result.key else ""
    present = f" · {result.present} there already" if result.present else ""
    return f"{_what(result, 'pushed', 'signed')}{key}{present}"


def _for_others(result: Pushed) -> Iterator[str]:
    """Say what other machines need; an address of s3 is only whole with its query."""
    if not is_binary_cache(result.cache):
        return
    if result.pushed and not result.key:
        yield "  without --key, other machines only take what another cache has signed"
    if result.key:
        address = result.cache if result.cache.startswith("s3:") else result.cache.partition("?")[0]
        yield "  for other machines, in nix.conf:"
        yield f"    extra-substituters = {address}"
        yield f"    extra-trusted-public-keys = {result.key.public}"
