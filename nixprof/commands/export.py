"""`nixprof export`: the list in the format of another tool, and what that cannot express."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.confirmation import Proposal, Risk, confirmed
from nixprof.change.environment import expected
from nixprof.change.image import make_image
from nixprof.change.process_lock import warn
from nixprof.change.realise import MAX_NAMES
from nixprof.change.state import State
from nixprof.errors import NixprofError, Reason
from nixprof.exporters.export import exportable
from nixprof.exporters.formats import EXPORTERS
from nixprof.exporters.names import Format
from nixprof.files import content, replace_files
from nixprof.formatting import display_path, listed, nearest
from nixprof.lock.freshness import has_outputs
from nixprof.machine import SYSTEMS, as_nix_says, is_system
from nixprof.record import record, replace
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nixprof.context import Context
    from nixprof.exporters.export import Loss


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
    declined: bool = False  # whether the user did not want that


def run(context: Context, target: Format, output: Path | None, systems: Sequence[str] | None) -> Export:
    """Write the list in another format to stdout, or to files. Starts Nix for an image alone."""
    warn(context)
    if target is Format.IMAGE:
        return _image(context, output, _systems(context, target, systems or (), several=False))
    state, exporter = State(context), EXPORTERS[target]
    wanted = _systems(context, target, systems or (), several=exporter.has_systems)
    if not wanted:
        wanted = exporter.has_systems * state.manifest.systems or (state.machine.system,)
    what = exportable(state.manifest, state.lock, state.machine, wanted)
    texts = exporter.write(what)
    places = _places(context, state, output, texts) if output else ()
    export = Export(target, wanted, texts, what.losses(exporter.expresses), len(what.items), places)
    if places and _may_write(context, export):
        replace_files({path: text.encode() for path, text in zip(places, texts.values(), strict=True)})
        return replace(export, done=True)
    return replace(export, declined=bool(places) and not context.dry_run)


def _image(context: Context, output: Path | None, systems: Sequence[str]) -> Export:
    """Write an image, of what the list is locked to on Linux.

    Raises: NixprofError where a package is in no cache.
    """
    state, here = State(context), context.machine.system
    system = systems[0] if systems else f"{here.partition('-')[0]}-linux"
    if output is None or not system.endswith("-linux"):
        wrong = "an image is written to a file" if output is None else f"an image is for Linux, and not for {system}"
        raise NixprofError(wrong, Reason.USAGE, hints=("nixprof export image --output image.tar",))
    what = exportable(state.manifest, state.lock, state.machine, (system,))
    unresolved = [
        item.package.written for item in what.items if not item.resolved or not has_outputs(item.package, item.resolved)
    ]
    if unresolved:
        named = listed(list(map(excerpt, unresolved)), MAX_NAMES)
        hint = "nixprof sync" if system == here else f'add "{system}" to systems in the list, then: nixprof lock'
        raise NixprofError(f"not resolved for {system}: {named}", Reason.NOT_LOCKED, hints=(hint,))
    places = _places(context, state, output, ("image.tar",))
    export = Export(Format.IMAGE, (system,), {}, what.left_out, len(what.items), places)
    if not _may_write(context, export):
        return replace(export, declined=not context.dry_run)
    linked = expected([item.package for item in what.items], state.lock.packages, system)
    make_image(context, system, linked, export.places[0])
    return replace(export, done=True)


def _systems(context: Context, target: Format, given: Sequence[str], *, several: bool) -> tuple[str, ...]:
    """Read the systems that were asked for."""
    systems = tuple(dict.fromkeys(map(as_nix_says, given)))
    wrong = next((written for written in given if not is_system(as_nix_says(written))), None)
    if wrong is not None:
        message = f"{excerpt(wrong)} is not a system"
        # The Macs of today are of one kind.
        near = ["aarch64-darwin"] if wrong == "darwin" else nearest(wrong, SYSTEMS)
        hints = tuple(f"did you mean {one}? {context.retyped(wrong, one)}" for one in near)
        raise NixprofError(message, Reason.USAGE, hints=hints or (f"the usual ones are {', '.join(SYSTEMS)}",))
    if len(systems) > 1 and not several:
        raise NixprofError(f"{target} is for one system at a time", Reason.USAGE)
    return systems


def _places(context: Context, state: State, output: Path, names: Iterable[str]) -> tuple[Path, ...]:
    """Say where the files go: into a folder, or the only one to a place of another name; never over nixprof's own."""
    place = Path(os.path.abspath(os.path.expanduser(output)))
    first, *others = names
    if place.is_dir() or (others and place.name != first):
        places = tuple(place / name for name in (first, *others))
    else:
        places = (place, *(place.with_name(name) for name in others))
    own = [os.path.realpath(path) for path in (context.folders.flake, *state.manifest.texts())]
    taken = next((path for path in places if any(map(Path(os.path.realpath(path)).is_relative_to, own))), None)
    if taken is not None:
        message = f"{display_path(taken)} belongs to the list itself"
        raise NixprofError(message, Reason.CANNOT_WRITE, hints=("write it to another place",))
    return places


def _may_write(context: Context, export: Export) -> bool:
    """Return whether to write; what is there and says something else is only replaced where the user agrees."""
    texts = export.files.values() or [None]  # nobody knows what an image will be
    new = dict(zip(export.places, texts, strict=True))
    replaced = [
        path for path, text in new.items() if os.path.lexists(path) and (text is None or content(path) != text.encode())
    ]
    if context.dry_run or not replaced:
        return not context.dry_run
    names = " and ".join(map(display_path, replaced))
    shown, loss = replace(export, losses=()), f"{names} would be replaced"
    return confirmed(context, Proposal(shown, f"Replace {names}?", Risk.LOSS, loss, usual=False))
