"""Which revisions of inputs nixprof has seen, and since when: what `age` under [update] goes by.

A revision counts from when nixprof first saw it here: when its commit was made is what its author says.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nixprof.errors import NixprofError
from nixprof.files import read_json, replace_file
from nixprof.record import record
from nixprof.schema import fits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nixprof.folders import Folders

# Of each input, this many are remembered.
_MAX_REMEMBERED = 100


@record
class Revision:
    """A revision of an input."""

    url: str  # the locked flake reference
    seen: int  # when nixprof first saw it, in seconds since 1970


def see(folders: Folders, reference: str, *found: str, now: int) -> tuple[Revision, ...]:
    """Remember that revisions of an input are there; failing to is no harm.

    Args:
        folders: where it is remembered.
        reference: the flake reference of the input.
        found: its revisions as locked references, the oldest first.
        now: the time, in seconds since 1970.

    Returns: all that are known, in the order in which they were first seen.

    """
    known = _read(folders)
    before = known.get(reference, {})
    revisions = {**before, **{url: now for url in found if url not in before}}
    newest = dict(list(revisions.items())[-_MAX_REMEMBERED:])
    if newest != before:
        with suppress(NixprofError):
            replace_file(_file(folders), (json.dumps({**known, reference: newest}, indent=2) + "\n").encode())
    return tuple(Revision(url, seen) for url, seen in revisions.items())


def old_enough(revisions: Sequence[Revision], current: str, age: int, now: int) -> str:
    """Choose the newest revision that has been known for an age, or else the current one, which is among them."""
    at = next(index for index, one in enumerate(revisions) if one.url == current)
    return next((one.url for one in reversed(revisions[at:]) if now - one.seen >= age), current)


def _read(folders: Folders) -> dict[str, dict[str, int]]:
    data: Any = read_json(_file(folders))
    return data if fits(data, {str: {str: int}}) else {}


def _file(folders: Folders) -> Path:
    return folders.state / "revisions.json"
