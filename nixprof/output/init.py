"""`nixprof init`, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.formatting import count, display_path

if TYPE_CHECKING:
    from nixprof.commands.init import Initialised
    from nixprof.context import Context


def show(result: Initialised, context: Context) -> None:
    """Say which list was written, and what to do next."""
    packages = f" with {count(result.packages, 'package')}" if result.packages else ""
    context.console.say(f"✓ {display_path(result.manifest)}{packages}")
    context.console.say("  next: nixprof sync" if result.packages else "  next: nixprof add ripgrep")
