"""`nixprof check`: whether everything on the list can be had, on every system and host that it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.flow import begin
from nixprof.change.hints import adding, on_place
from nixprof.formatting import shell_quote
from nixprof.manifest.model import EVERYWHERE
from nixprof.manifest.place import place_of
from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nixprof.context import Context
    from nixprof.lock.freshness import Gap
    from nixprof.manifest.model import Package, Scope


@record
class Checked:
    """What was found."""

    packages: int  # the entries of the list
    systems: tuple[str, ...]  # that the list is for
    others: tuple[str, ...]  # what else its entries are for and was looked up, as `--on` takes it
    hosts: tuple[str, ...]  # that it names
    unavailable: tuple[Gap, ...]  # what cannot be had
    held: tuple[Gap, ...]  # what stays at what it was, as it cannot be had at what its input is locked to
    unchecked: tuple[str, ...]  # what another machine alone can tell: store paths, and parts of unusual systems
    hints: tuple[str, ...]


def run(context: Context) -> Checked:
    """Resolve the whole list by evaluation; nothing is installed or written."""
    with begin(context) as change:
        manifest = change.manifest
        found, unchecked = change.verify()
    systems = manifest.systems or (context.machine.system,)
    missing = tuple(gap for gap in found if gap.kept is None)
    scopes = dict.fromkeys(one.scope for one in manifest.packages if one not in unchecked)
    return Checked(
        len(manifest.packages),
        systems,
        tuple(one.name for one in scopes if not any(map(one.covers, systems))),
        tuple(one.name for one in scopes if one.kind == "host"),
        missing,
        tuple(gap for gap in found if gap.kept),
        tuple(package.written for package in unchecked),
        tuple(_to_narrow(missing, systems, manifest.places)),
    )


def _to_narrow(missing: Sequence[Gap], systems: Sequence[str], places: Mapping[str, Sequence[Scope]]) -> Iterator[str]:
    """Say how to list packages only where they can be had; `remove` takes what has other entries from these, too."""
    lacking: dict[Package, set[str]] = {}
    for gap in missing:
        lacking.setdefault(gap.package, set()).add(gap.system)
    for package, without in lacking.items():
        place = place_of(set(systems) - without, systems)
        if place and places[package.spec.key] == (EVERYWHERE,):
            name = shell_quote(package.written)
            yield f"nixprof remove {name} && {adding(package, str(package.spec))}{on_place(place)}"
