"""The entry point."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

# A start makes many objects and hardly any garbage: to look for it as often as usual costs 3 % of the time.
_OBJECTS_UNTIL_COLLECTION = 100_000
# What shells ask while somebody waits is answered by the module whose `run` it is.
_QUICK = {
    "command-not-found": "nixprof.quick.command_not_found",
    "complete": "nixprof.quick.complete",
}


def main() -> None:
    """Run the command line and exit."""
    gc.set_threshold(_OBJECTS_UNTIL_COLLECTION)
    try:
        code = _run(sys.argv[1:])
        gc.freeze()  # Python would look for garbage twice while it shuts down: a tenth of what a short command takes
        sys.exit(code)
    except KeyboardInterrupt:  # before anything was begun
        sys.exit(130)


def _run(words: list[str]) -> int:
    quick = _QUICK.get(words[0]) if words else None
    if quick:
        code: int = import_module(quick).run(words[1:])
        return code
    from nixprof.perform import run
    from nixprof.signals import ignore_signals

    code = run(words)
    ignore_signals()
    return code


if __name__ == "__main__":
    main()
