"""The table of formats: how each is written, and what of a list it can express."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.exporters.export import Feature
from nixprof.exporters.names import Format
from nixprof.exporters.nix_code import flake, home_manager, shell, system_packages
from nixprof.exporters.tools import brewfile, devbox, flox, plain
from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nixprof.exporters.export import Exportable


@record
class Exporter:
    """How a format is written: the texts of its files, by name, the one that matters first."""

    write: Callable[[Exportable], Mapping[str, str]]
    expresses: frozenset[Feature]
    has_systems: bool = True  # whether one text can be for several systems


_TOOL = frozenset({Feature.FLAKES, Feature.DOTTED})
_PACKAGES = frozenset({Feature.NAME, Feature.SYSTEM, Feature.HELD, Feature.OUTPUTS, Feature.INPUT})
_NIX = _PACKAGES | {Feature.DOTTED, Feature.POLICY, Feature.OVERLAYS}
_MODULE = _NIX | {Feature.PRIORITY}
_PLAIN = _TOOL | frozenset({Feature.NAME, Feature.LOCK, Feature.OUTPUTS, Feature.STORE_PATH})

EXPORTERS = {
    Format.FLAKE: Exporter(flake, _MODULE | _TOOL | {Feature.REVISION, Feature.FOLLOWS}),
    Format.HOME_MANAGER: Exporter(home_manager, _MODULE),
    Format.NIXOS: Exporter(system_packages, _MODULE),
    Format.NIX_DARWIN: Exporter(system_packages, _MODULE),
    Format.SHELL: Exporter(shell, _NIX | {Feature.REVISION}),
    Format.DEVBOX: Exporter(devbox, _PACKAGES | {Feature.FLAKES}),
    Format.FLOX: Exporter(flox, _PACKAGES | _TOOL | {Feature.PRIORITY, Feature.STORE_PATH}),
    Format.BREWFILE: Exporter(brewfile, _TOOL | {Feature.LOCK, Feature.POLICY}, has_systems=False),
    Format.PLAIN: Exporter(plain, _PLAIN, has_systems=False),
}
