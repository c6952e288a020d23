"""The list for tools with a catalog of their own: devbox, flox and Homebrew; and as a plain list."""

from __future__ import annotations

import json
import re
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from nixprof.lock.flake_lock import fetchable
from nixprof.manifest.flake_reference import Reference
from nixprof.manifest.spec import ALL_OUTPUTS, DEFAULT_INPUT, dotted
from nixprof.nix.profile import FORGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.exporters.export import Exportable, Item


def devbox(what: Exportable) -> dict[str, str]:
    """Write `devbox.json`: what follows nixpkgs by its name there, the rest as a flake reference."""
    packages: dict[str, object] = {}
    for item in what.items:
        if item.source and not (item.is_dotted and item.source == DEFAULT_INPUT):
            by_name = item.source == DEFAULT_INPUT and item.package.spec.name not in packages
            options = {
                **({"version": "latest"} if by_name else {}),
                **({"platforms": item.systems} if len(item.systems) < len(what.systems) else {}),
                **({"outputs": item.outputs} if item.outputs else {}),
            }
            name = item.package.spec.name if by_name else _installable(item, what)
            packages[name] = "latest" if options == {"version": "latest"} else options
    return {"devbox.json": json.dumps({"packages": packages}, indent=2, ensure_ascii=False) + "\n"}


def _installable(item: Item, what: Exportable) -> str:
    """Name a package by the revision that it comes from; the hash of that is left out."""
    held, locked = what.held.get(item.source), what.lock.inputs.get(item.source)
    url = held.reference if held else locked.url if locked else what.input(item.source).url
    reference = Reference.parse(url)
    if reference.rev and reference.base.partition(":")[0] in FORGES:
        url = reference.moving(reference.rev)
    return f"{fetchable(url)}#{dotted(item.package.spec.attr_path)}"


def flox(what: Exportable) -> dict[str, str]:
    """Write the `manifest.toml` of flox."""
    import tomlkit

    install = tomlkit.table()
    for item in what.items:
        entry = tomlkit.inline_table()
        entry.update(_descriptor(item, what))
        names = chain((item.package.spec.attr_path[-1] if item.source else item.package.spec.name,), _numbered(item))
        install[next(name for name in names if name not in install)] = entry
    # Outputs came with that version of the format.
    version = {"schema-version": "1.10.0"} if any(item.outputs for item in what.items) else {"version": 1}
    options = {"systems": list(what.systems)}
    return {"manifest.toml": tomlkit.dumps({**version, "install": install, "options": options})}


def _numbered(item: Item) -> Iterator[str]:
    return (f"{item.package.spec.name}-{number}" for number in count(2))


def _descriptor(item: Item, what: Exportable) -> dict[str, Any]:
    spec, resolved = item.package.spec, item.resolved
    options: dict[str, Any] = {}
    if len(item.systems) < len(what.systems) or not item.source:
        options["systems"] = list(item.systems)
    if item.package.priority is not None:
        options["priority"] = item.package.priority
    if not item.source and resolved:
        first, *_ = item.outputs or resolved.outputs_to_install
        return {"store-path": resolved.outputs[first], **options}
    if item.source != DEFAULT_INPUT:
        outputs = f"^{','.join(spec.outputs)}" if spec.outputs else ""
        return {"flake": f"{_installable(item, what)}{outputs}", **options}
    if spec.outputs:
        options["outputs"] = "all" if spec.outputs == ALL_OUTPUTS else list(spec.outputs)
    bare = all(re.fullmatch(r"[\w+-]+", part, re.ASCII) for part in spec.attr_path)
    return {"pkg-path": ".".join(spec.attr_path) if bare else list(spec.attr_path), **options}


def brewfile(what: Exportable) -> dict[str, str]:
    """Write a Brewfile; the names are a guess."""
    names = dict.fromkeys(item.formula for item in what.items if item.source and item.formula)
    guess = "# The names are a guess from those of nixpkgs: Homebrew may call some packages otherwise.\n"
    return {"Brewfile": guess + "".join(f'brew "{name}"\n' for name in names)}


def plain(what: Exportable) -> dict[str, str]:
    """Write one package a line, as `nixprof add` takes them."""
    lines = dict.fromkeys(str(item.package.spec) for item in what.items)
    return {"packages.txt": "".join(f"{line}\n" for line in lines)}
