"""What the name of a store path tells: `HASH-NAME-VERSION[-OUTPUT]`.

Where the version begins: at the first dash that no letter follows, as in Nix's `builtins.parseDrvName`.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

_DRV_NAME = re.compile(r"(.*?)(?:-(?![a-zA-Z])(.*))?")
_STORE_PATH = re.compile(r"/(?:[^/]+/)+[0-9a-df-np-sv-z]{32}-[0-9a-zA-Z+._?=-]{1,207}")
# Outputs that packages of nixpkgs have beside `out`, which no version ends in.
_OUTPUTS = ("bin", "dev", "lib", "man", "doc", "devdoc", "info", "static", "debug", "py", "data", "dist", "terminfo")


def is_store_path(text: str) -> bool:
    """Tell whether a text is the path of something in a Nix store, wherever that store is."""
    return _STORE_PATH.fullmatch(text) is not None


def is_in_store_path(text: str) -> bool:
    """Tell whether a text is the path of a file inside of something in a Nix store."""
    return re.match(rf"{_STORE_PATH.pattern}/", text) is not None


def name_of(path: str) -> str:
    """Give the name of a store path, without the hash."""
    return os.path.basename(path)[33:]


def split_name(name: str) -> tuple[str, str]:
    """Split a name into the package's name and its version, which may be empty."""
    found = _DRV_NAME.fullmatch(name)
    return (found[1], found[2] or "") if found else (name, "")


def outputs_of(paths: Sequence[str], chosen: Sequence[str]) -> dict[str, str]:
    """Tell which output of a package each store path is, by the ends of their names.

    Args:
        paths: the store paths of one package.
        chosen: names of outputs that are known to be among them; `*` says nothing.

    Returns: the paths by output; `out` is the one whose name has no ending.

    """
    wanted = [name for name in chosen if name != "*"]
    stems = {name_of(path) for path in paths}
    outputs = [_ending(name_of(path), wanted, stems) for path in paths]
    # What was chosen is there, even where no name tells.
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
