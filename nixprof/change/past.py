"""The list and the locks as they were once, and how a package of them comes back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.generations import SOURCES, read_sources
from nixprof.change.request import ChangeRequest
from nixprof.change.state import read_draft
from nixprof.errors import NixprofError
from nixprof.files import content
from nixprof.lock.freshness import LockedManifest
from nixprof.lock.lock import Lock
from nixprof.manifest.edit import NewPackage, add_input, add_packages, set_option
from nixprof.manifest.model import EVERYWHERE
from nixprof.manifest.place import check_place
from nixprof.record import replace

if TYPE_CHECKING:
    from collections.abc import Collection

    from nixprof.change.generations import Generation
    from nixprof.context import Context
    from nixprof.manifest.model import Manifest, Package, Scope


def past_of(context: Context, generation: Generation) -> LockedManifest | None:
    """Read the list and the locks that a generation was made from; None where it keeps none that can be read."""
    return past_in(context, Path(generation.environment.flake)) if generation.environment else None


def past_in(context: Context, folder: Path) -> LockedManifest | None:
    """Read what a copy of the generated folder keeps of the list and the locks; None where that cannot be read."""
    sources = read_sources(content(folder / SOURCES) or b"")
    files = {context.folders.config / path: text.encode() for path, text in sources.items()}
    try:
        manifest = read_draft(context.folders.manifest, files) if files else None
        return LockedManifest(manifest, Lock.read(folder), context.machine) if manifest else None
    except NixprofError:
        return None


def bring_back(
    manifest: Manifest, past: LockedManifest, package: Package, scopes: Collection[Scope] = (EVERYWHERE,)
) -> ChangeRequest:
    """Ask for a package as it was: on the list, pinned, and held at what it was resolved from.

    Args:
        manifest: the list as it is.
        past: the list and the locks that had it on this machine.
        package: its entry there.
        scopes: where it is to apply; everywhere for the entry that this machine had.

    Raises: NixprofError where the list has it for more than the scopes.

    """
    key, machine = package.spec.key, past.machine
    texts = manifest.texts()
    listed = manifest.entries_of(key)
    for one in listed:
        check_place(one, scopes)
        if not one.pin:
            texts[one.file] = set_option(texts[one.file], one.path, "pin", value=True)
    text = texts[manifest.path] if listed else _with_input(texts[manifest.path], manifest, past.manifest, package)
    for scope in scopes:
        if not any(one.scope == scope or (scope == EVERYWHERE and one.scope.applies(machine)) for one in listed):
            # What the list has for other machines is for this system only.
            here = ("system", machine.system) if listed else tuple(map(str, package.path[:-2]))
            text = add_packages(text, [NewPackage(str(package.spec), package.priority, pin=True)], scope.table or here)
    texts[manifest.path] = text
    request = ChangeRequest.rewriting(manifest, texts, [key])
    return replace(request, adopted={key: past.lock.held(package, machine.system)})


def _with_input(text: str, manifest: Manifest, past: Manifest, package: Package) -> str:
    """Write the input of an entry of an earlier list, where that is gone."""
    if package.spec.input not in {one.name for one in manifest.inputs}:
        for source in past.inputs:
            if source.name == package.spec.input:
                text = add_input(text, source.name, source.url)
    return text
