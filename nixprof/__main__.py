"""The entry point."""

from __future__ import annotations

import gc
import sys

# A start makes many objects and hardly any garbage: to look for it as often as usual costs 3 % of the time.
_OBJECTS_UNTIL_COLLECTION = 100_000


def main() -> None:
    """Run the command line and exit."""
    gc.set_threshold(_OBJECTS_UNTIL_COLLECTION)
    try:
        from nixprof.cli import run
        from nixprof.signals import ignore_signals

        code = run(sys.argv[1:])
        ignore_signals()
        sys.exit(code)
    except KeyboardInterrupt:  # before anything was begun
        sys.exit(130)


if __name__ == "__main__":
    main()
