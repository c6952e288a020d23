"""The user's indexes, found with what costs little to import: no pathlib, no json, no typing."""

from __future__ import annotations

import os
import sqlite3

from nixprof.index.names import Names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# What SQLite is asked of the files that nixprof and Nix write as JSON.
_INPUTS = "SELECT key FROM json_each(?1, '$.nodes.\"' || json_extract(?1, '$.root') || '\".inputs')"
_SYSTEM = "SELECT json_extract(?1, '$.system')"
_INDEXES = "SELECT value FROM json_each(?1, '$.indexes') WHERE json_extract(?1, '$.list') = ?2"


def cache_folder() -> str:
    """Find `Folders.cache`."""
    return os.path.join(_of_xdg("XDG_CACHE_HOME", ".cache"), "nixprof")


def config_folder() -> str:
    """Find `Folders.config`."""
    chosen = os.environ.get("NIXPROF_CONFIG_DIR")
    return os.path.abspath(chosen) if chosen else os.path.join(_of_xdg("XDG_CONFIG_HOME", ".config"), "nixprof")


def state_folder() -> str:
    """Find `Folders.state`."""
    return os.path.join(_of_xdg("XDG_STATE_HOME", ".local/state"), "nixprof")


def _of_xdg(variable: str, usual: str) -> str:
    given = os.environ.get(variable, "").strip()
    return given if os.path.isabs(given) else os.path.expanduser(f"~/{usual}")


def indexes() -> dict[str, Names]:
    """Open the indexes that the list was last searched by, of inputs that it still has; those of nixpkgs first.

    Raises: OSError, sqlite3.Error or ValueError where it is not known what is locked.
    """
    inputs = {name for lock in _locks() for (name,) in _ask(_INPUTS, lock)}
    system = next(_ask(_SYSTEM, os.path.join(cache_folder(), "system.json")))[0]
    opened = filter(None, map(Names.open, _files()))
    found = {one.told("input"): one for one in opened if one.told("system") == system}
    known = [one for one in found.items() if one[0] in inputs]
    return dict(sorted(known, key=lambda one: (one[0] != "nixpkgs", one[0])))


def _locks() -> Iterator[str]:
    """Give the files with what is locked: that of the list, and what was locked only to be searched."""
    folder = os.path.join(cache_folder(), "index", "unlocked")
    own = os.path.join(config_folder(), "flake")
    others = (os.path.join(folder, name) for name in (os.listdir(folder) if os.path.isdir(folder) else ()))
    files = (os.path.join(one, "flake.lock") for one in (own, *others))
    return filter(os.path.isfile, files)


def _files() -> Iterator[str]:
    """Give the indexes of the list, on any system, as `remember_use` has written them down."""
    folder = os.path.join(cache_folder(), "index")
    manifest = os.path.join(config_folder(), "nixprof.toml")
    for name in os.listdir(folder):
        if name.startswith("list-"):
            for (stem,) in _ask(_INDEXES, os.path.join(folder, name), manifest):
                yield os.path.join(folder, f"{stem}.sqlite")


def _ask(query: str, file: str, *more: str) -> Iterator[tuple[str]]:
    with open(file, encoding="utf-8") as opened:
        text = opened.read()
    database = sqlite3.connect(":memory:")
    try:
        yield from database.execute(query, (text, *more))
    finally:
        database.close()
