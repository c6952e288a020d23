"""The names that the list has, as it is now: read as TOML, and not checked."""

from __future__ import annotations

import os

from nixprof.quick.lookup import config_folder, state_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def package_names() -> list[str]:
    """Give the packages of the list by name, for whatever machine they are.

    Raises: OSError, ValueError and others where the list cannot be read.
    """
    scopes = [one for table in _tables() for one in (table, *_below(table, "system"), *_below(table, "host"))]
    return [
        _name(entry if isinstance(entry, str) else entry["package"])
        for one in scopes
        for entry in one.get("packages", ())
    ]


def input_names() -> list[str]:
    """Give the inputs of the list by name; raises what `package_names` does."""
    return ["nixpkgs", *(name for table in _tables() for name in table.get("inputs", ()))]


def host_names() -> list[str]:
    """Give the hosts that the list has something for; raises what `package_names` does."""
    return [name for table in _tables() for name in table.get("host", {})]


def machine_names() -> list[str]:
    """Give the machines that the list was sent to, see `remote.known`; raises what `package_names` does."""
    import json

    with open(os.path.join(state_folder(), "machines.json"), "rb") as file:
        return [str(name) for name in json.load(file)["machines"]]


def _tables() -> list[dict[str, Any]]:
    """Read the list and the files that it includes."""
    import tomllib

    files, tables = [os.path.join(config_folder(), "nixprof.toml")], []
    for file in files:  # grows
        if os.path.isfile(file):  # and nothing that one would wait for
            with open(file, "rb") as opened:
                tables.append(tomllib.load(opened))
            known = {os.path.realpath(one) for one in files}
            new = [_included(file, name) for name in tables[-1].get("include", ())]
            files += [path for path in new if os.path.realpath(path) not in known]
    return tables


def _included(file: str, name: str) -> str:
    """Find an included file, beside the list or beside the file that the list is a link to."""
    folders = map(os.path.dirname, (file, os.path.realpath(file)))
    paths = [os.path.join(folder, os.path.expanduser(name)) for folder in folders]
    return next(filter(os.path.lexists, paths), paths[0])


def _below(table: dict[str, Any], key: str) -> Iterable[dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = table.get(key, {})
    return tables.values()


def _name(written: str) -> str:
    """Shorten an entry to what its package is called, which is what follows the hash of a store path."""
    name = written.partition("^")[0].removeprefix("nixpkgs#")
    return os.path.basename(name)[33:] if name.startswith("/") else name
