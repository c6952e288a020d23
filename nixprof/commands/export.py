"""`nixprof export`: the list in the format of another tool, and what that cannot express."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.confirmation import Proposal, Risk, confirmed
from nixprof.change.process_lock import warn
from nixprof.change.state import State
from nixprof.errors import NixprofError, Reason
from nixprof.exporters.export import exportable
from nixprof.exporters.formats import EXPORTERS
from nixprof.files import content, replace_files
from nixprof.formatting import display_path
from nixprof.machine import SYSTEMS, as_nix_says, is_system
from nixprof.manifest.installable import suggest
from nixprof.record import record
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.context import Context
    from nixprof.exporters.export import Loss
    from nixprof.exporters.names import Format


@record
class Export:
    """The list in another format."""

    target: Format
    systems: tuple[str, ...]
    files: Mapping[str, str]  # what the files say, by name
    losses: tuple[Loss, ...]
    packages: int  # how many it has
    places: tuple[Path, ...]  # where these go; empty where the first is printed
    done: bool = False  # whether it was written there


def run(context: Context, target: Format, output: Path | None, systems: Sequence[str] | None) -> Export:
    """Write the list in another format to stdout, or to files. Starts no Nix."""
    warn(context)
    state, exporter = State(context), EXPORTERS[target]
    wanted = _systems(target, systems or ())
    if not wanted:
        wanted = exporter.has_systems * state.manifest.systems or (state.machine.system,)
    what = exportable(state.manifest, state.lock, state.machine, wanted)
    texts = exporter.write(what)
    places = _places(output, texts) if output else ()
    export = Export(target, wanted, texts, what.losses(exporter.expresses), len(what.items), places)
    if places and _may_write(context, export):
        replace_files({path: text.encode() for path, text in zip(places, texts.values(), strict=True)})
        return replace(export, done=True)
    return export


def _systems(target: Format, given: Sequence[str]) -> tuple[str, ...]:
    """Read the systems that were asked for."""
    systems = tuple(dict.fromkeys(map(as_nix_says, given)))
    wrong = next((system for system in systems if not is_system(system)), None)
    if wrong is not None:
        message = f"{excerpt(wrong)} is not a system"
        hints = suggest(wrong, SYSTEMS, f"nixprof export {target} --system")
        raise NixprofError(message, Reason.USAGE, hints=hints or (f"the usual ones are {', '.join(SYSTEMS)}",))
    if len(systems) > 1 and not EXPORTERS[target].has_systems:
        raise NixprofError(f"{target} is for one system at a time", Reason.USAGE)
    return systems


def _places(output: Path, texts: Mapping[str, str]) -> tuple[Path, ...]:
    """Say where the files go: into a folder, or the only one to a place of another name."""
    place = Path(os.path.abspath(os.path.expanduser(output)))
    first, *others = texts
    if place.is_dir() or (others and place.name != first):
        return tuple(place / name for name in texts)
    return (place, *(place.with_name(name) for name in others))


def _may_write(context: Context, export: Export) -> bool:
    """Return whether to write; what is there and says something else is only replaced where the user agrees."""
    new = dict(zip(export.places, export.files.values(), strict=True))
    replaced = [path for path, text in new.items() if os.path.lexists(path) and content(path) != text.encode()]
    if context.dry_run or not replaced:
        return not context.dry_run
    names = " and ".join(map(display_path, replaced))
    return confirmed(
        context, Proposal(replace(export, losses=()), f"Replace {names}?", Risk.LOSS, f"{names} would be replaced")
    )
