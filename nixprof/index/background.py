"""The index is built in the background, so that the next search need not wait for it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from nixprof.index.files import failure, index_files, is_used
from nixprof.nix.progress import Progress
from nixprof.record import replace

if TYPE_CHECKING:
    from nixprof.context import Context
    from nixprof.lock.freshness import LockedManifest

# More than all descriptors that nixprof can have.
_MAX_DESCRIPTORS = 4096
# Whoever works on this machine comes first.
_NICENESS = 10


def build_in_background(context: Context, locked: LockedManifest) -> None:
    """Start to build the indexes that are missing, for somebody who has searched before, or sits at a terminal.

    Nobody waits for it, and it says nothing; what it fails at is remembered for the next search.
    """
    if os.environ.get("NIXPROF_INDEX") == "0":
        return
    files = index_files(context.folders.cache, locked)
    is_missing = any(not path.exists() and not failure(path) for path in files.values())
    folder = context.folders.cache / "index"
    if is_missing and (sys.stderr.isatty() or is_used(folder, context.folders.manifest, context.machine.system)):
        _build(replace(context, progress=Progress()), locked)


def _build(context: Context, locked: LockedManifest) -> None:
    """Build them in a process that is nobody's child, in a session of its own: no Ctrl-C and no hang-up reaches it."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if not os.fork():
            _let_go()
            from nixprof.index.build import up_to_date

            up_to_date(context, locked)
    finally:
        os._exit(0)  # nothing of the process that has started it is to be done twice


def _let_go() -> None:
    """Keep no terminal, pipe, lock or folder of the process that has started it."""
    with suppress(OSError):
        os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    os.closerange(3, _MAX_DESCRIPTORS)
    with suppress(OSError):
        os.nice(_NICENESS)
