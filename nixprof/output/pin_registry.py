"""`nixprof pin-registry`, shown."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nixprof.formatting import day, display_path
from nixprof.nix.local_flakes import reference_of
from nixprof.schema import MISSHAPEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nixprof.commands.pin_registry import PinnedRegistry
    from nixprof.context import Context


def show(result: PinnedRegistry, context: Context) -> None:
    """Show what `nixpkgs` meant, what it means now, and what moves it."""
    say = context.console.say
    if result.before == result.after:
        say(f"nixpkgs in {display_path(result.registry)} stays {_named(result.after)}")
    else:
        say(f"nixpkgs in {display_path(result.registry)}: {_named(result.before)} → {_named(result.after)}")
    if context.dry_run:
        say("dry run: nothing was changed")
    elif result.undone:
        say("✓ the registry is as it was" if result.done else "✓ the registry is not nixprof's any more")
    else:
        say("✓ `nix run nixpkgs#…` and `nix shell nixpkgs#…` use what the list is locked to; `update` moves it")


def _named(attributes: Mapping[str, Any] | None) -> str:
    """Name a reference by its day and commit, as far as it has them."""
    if attributes is None:
        return "what Nix's own registry says"
    with suppress(*MISSHAPEN):
        return " ".join((day(int(attributes["lastModified"])), str(attributes["rev"])[:7]))
    with suppress(*MISSHAPEN):
        return reference_of(attributes)
    return "something else"
