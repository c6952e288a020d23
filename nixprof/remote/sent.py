"""What has become of other machines that were to sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.record import record

if TYPE_CHECKING:
    from nixprof.change.differences import Change
    from nixprof.errors import NixprofError


@record
class SentTo:
    """What has become of one machine."""

    host: str
    changes: tuple[Change, ...] = ()
    packages: int = 0
    generation: int | None = None
    held: tuple[str, ...] = ()  # what is held back there, by name
    copied: tuple[str, ...] = ()  # the store paths that came from here, because no cache had them
    by_nix: bool = False  # whether there is no nixprof, and Nix alone has done it
    error: NixprofError | None = None


@record
class Sent:
    """What has become of every machine."""

    machines: tuple[SentTo, ...]
    done: bool  # not for a dry run
