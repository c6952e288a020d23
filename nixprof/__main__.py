"""The entry point."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit."""
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
