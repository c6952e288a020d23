"""`nixprof init` as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.formatting import count, display_path

if TYPE_CHECKING:
    from collections.abc import Iterator


def initialised(manifest: str, packages: int) -> Iterator[str]:
    """Show `nixprof init`."""
    yield f"✓ {display_path(manifest)}" + (f" with {count(packages, 'package')}" if packages else "")
    yield "  next: nixprof sync" if packages else "  next: nixprof add ripgrep"
