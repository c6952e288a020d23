"""The whole story of a package that is held back, for `why`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.failures import end_of_log
from nixprof.errors import Reason
from nixprof.formatting import shell_quote
from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.lock.freshness import Gap
    from nixprof.nix.operations import Nix

# This much of the end of a build's log is shown.
_MAX_LOG_LINES = 10


@record
class HoldStory:
    """Why a package is held back, and what to do about it."""

    gap: Gap
    log: tuple[str, ...]  # the last lines of the build that failed; none where nothing was built, or not here
    together: tuple[str, ...]  # the other packages that wait for the same build, as written
    hints: tuple[str, ...]


def hold_story(nix: Nix, key: str, held: Sequence[Gap]) -> HoldStory | None:
    """Tell the story of a package, by its key, where it is among what is held back."""
    gap = next((one for one in held if one.package.spec.key == key), None)
    if gap is None:
        return None
    derivation = gap.why.derivation
    written = nix.log(derivation) if derivation else ""
    log = end_of_log(written, _MAX_LOG_LINES)
    others = [one.package.written for one in held if derivation and one.why.derivation == derivation and one != gap]
    return HoldStory(gap, log, tuple(others), tuple(_hints(gap, has_log=bool(log))))


def _hints(gap: Gap, *, has_log: bool) -> Iterator[str]:
    """Say what to do: nothing has to be done, because the next update tries again whatever may have changed."""
    reason, name = Reason(gap.why.reason), shell_quote(gap.package.written.partition("^")[0])
    if has_log:
        yield f"the whole log: nix-store --read-log {gap.why.derivation}"
    if reason.policy_key:
        yield f"to allow it: nixprof update --{reason.policy_key}"
    elif reason is Reason.UNCACHED:
        yield f"to build it here: nixprof update {name}"
    elif reason is Reason.BUILD_FAILED:
        yield f"to build it again: nixprof update {name}"
    elif reason in (Reason.MISSING, Reason.REMOVED, Reason.RENAMED):
        yield f"to do without it: nixprof remove {name}"
    else:
        yield f"to try again, and see what Nix says: nixprof update {name}"
    yield f"to keep it as it is for good: nixprof pin {name}"
