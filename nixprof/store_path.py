"""Which texts are store paths, and what the name of one tells: `HASH-NAME-VERSION[-OUTPUT]`.

Where the version begins: at the first dash that no letter follows, as in Nix's `builtins.parseDrvName`.

A path that comes from a file or a package is checked here before anything is done with it: on a command line of
Nix, a text such as `--plugin-files` would be an option.
"""

from __future__ import annotations

import os
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from nixprof.schema import MisshapenError, text

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

_DRV_NAME = r"(.*?)(?:-(?![a-zA-Z])(.*))?"
# The name of a store path: 32 digits in Nix's base 32, and at most 211 characters (`MaxPathLen` in Nix's path.hh).
_STORE_NAME = r"[0-9a-df-np-sv-z]{32}-[0-9a-zA-Z+._?=-]{1,211}"
# Other outputs that packages of nixpkgs have than `out`; no version ends in one of these.
_OUTPUTS = ("bin", "dev", "lib", "man", "doc", "devdoc", "info", "static", "debug", "py", "data", "dist", "terminfo")


@cache
def store() -> str:
    """Return the folder of the store, which Nix takes from the same variables (`Settings::nixStore`)."""
    return os.path.normpath(os.environ.get("NIX_STORE_DIR") or os.environ.get("NIX_STORE") or "/nix/store")


def is_elsewhere() -> bool:
    """Tell whether Nix is told of another store: then the set-up of this machine does not matter."""
    return any(os.environ.get(name) for name in ("NIX_STORE_DIR", "NIX_STATE_DIR", "NIX_REMOTE"))


def is_store_path(path: str) -> bool:
    """Tell whether a text is the path of something in the store of this Nix."""
    return _store_path(store()).fullmatch(path) is not None


def is_in_store_path(path: str) -> bool:
    """Tell whether a text is the path of a file inside of something in the store of this Nix."""
    return re.match(rf"{_store_path(store()).pattern}/", path) is not None


def checked(value: Any) -> str:
    """Return a value from outside that has to be a store path; raise MisshapenError where it is not one."""
    path = text(value)
    if not is_store_path(path):
        raise MisshapenError(f"{path[:80]!r} is not a path in the store {store()}")
    return path


@cache
def _store_path(folder: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(folder)}/{_STORE_NAME}")


def built_name(derivation: str) -> str:
    """Give the name of what a derivation builds, with its version."""
    return name_of(derivation).removesuffix(".drv")


def name_of(path: str) -> str:
    """Give the name of a store path, without the hash."""
    return os.path.basename(path)[33:]


def split_name(name: str) -> tuple[str, str]:
    """Split a name into the package's name and its version, which may be empty."""
    found = re.fullmatch(_DRV_NAME, name)
    return (found[1], found[2] or "") if found else (name, "")


def fits_version(version: str, wanted: str) -> bool:
    """Tell whether a version is the one that is wanted, or begins with it: 22.1 is a 22, and 220 is not."""
    plain = version.removeprefix("v")
    return plain.startswith(wanted) and not plain.removeprefix(wanted)[:1].isdigit()


def outputs_of(paths: Sequence[str], chosen: Sequence[str]) -> dict[str, str]:
    """Give the store paths of one package by output, which the ends of their names tell; `out` is the one without.

    `chosen` are names of outputs that are known to be among them; `*` says nothing.
    """
    wanted = [name for name in chosen if name != "*"]
    stems = {name_of(path) for path in paths}
    outputs = [_ending(name_of(path), wanted, stems) for path in paths]
    # A chosen output exists, even if no name shows it.
    untold = iter([name for name in wanted if name not in outputs])
    found: dict[str, str] = {}
    for output, path in zip(outputs, paths, strict=True):
        name = next(untold, output) if output in found or (wanted and output not in wanted) else output
        # Two that look alike must not become one.
        while name in found:
            name += "_"
        found[name] = path
    return found


def _ending(name: str, chosen: Sequence[str], stems: Container[str]) -> str:
    """Read the output at the end of a name: one that was chosen, or a usual one behind a package's name."""
    for output in (*chosen, *_OUTPUTS):
        stem = name.removesuffix(f"-{output}")
        if output != "out" and stem != name and (output in chosen or stem in stems or split_name(stem)[1]):
            return output
    return "out"


def package_of(paths: Sequence[str], chosen: Sequence[str]) -> tuple[str, str]:
    """Give the name and the version of the package that store paths are outputs of."""
    output, path = next(iter(outputs_of(paths, chosen).items()))
    return split_name(name_of(path).removesuffix(f"-{output}"))


def programs_in(paths: Iterable[str]) -> tuple[str, ...]:
    """Give the programs of those paths that are in the store, without what starts with a dot, which is wrapped."""
    folders = [folder for folder in (os.path.join(path, "bin") for path in paths) if os.path.isdir(folder)]
    names = {name for folder in folders for name in os.listdir(folder)}
    return tuple(sorted(name for name in names if not name.startswith(".")))
