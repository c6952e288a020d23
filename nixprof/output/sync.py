"""A sync that had nothing to do, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.formatting import count

if TYPE_CHECKING:
    from nixprof.commands.sync import InSync


def in_sync(result: InSync) -> str:
    """Show a sync that had nothing to do."""
    generation = f", generation {result.generation}" if result.generation else ""
    return f"✓ in sync: {count(result.packages, 'package')}{generation}"
