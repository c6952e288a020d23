"""`nixprof command-not-found NAME`, for the hook of a shell: one line on stderr, or silence."""

from __future__ import annotations

import os
import sys

# What a shell ends with where there is no such command.
_NOT_FOUND = 127
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_#")


def run(words: list[str]) -> int:
    """Say how to get a program, where that is known. Return the exit code of a shell, whatever happens."""
    if len(words) == 1 and os.environ.get("NIXPROF_COMMAND_NOT_FOUND") != "0":
        try:
            sys.stderr.write(_said_of(words[0]))
        except Exception:  # noqa: BLE001 - who has mistyped a command is told nothing of nixprof's own troubles
            return _NOT_FOUND
    return _NOT_FOUND


def _said_of(program: str) -> str:
    if not program.isprintable() or "/" in program:
        return ""
    installed = os.path.expanduser(f"~/.nix-profile/bin/{program}")
    if os.access(installed, os.X_OK):
        return f"{program} is in ~/.nix-profile/bin, which this shell does not search. To see why: nixprof doctor\n"
    from nixprof.index.names import packages_with
    from nixprof.quick.lookup import indexes

    for source, name, _, is_for_here in packages_with(program, indexes()):
        spec = name if source == "nixpkgs" else f"{source}#{name}"
        if is_for_here and _PLAIN.issuperset(spec):  # what a shell wants in quotes is nothing that people type
            return f"{program} is not installed. To install it: nixprof add {spec}\n"
    return ""
