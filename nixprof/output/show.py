"""`nixprof show`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.formatting import display_path, listed, shell_quote, size, titled
from nixprof.lock.flake_lock import revision
from nixprof.machine import SYSTEMS
from nixprof.manifest.installable import as_installable
from nixprof.output.held import revision_of
from nixprof.output.table import columns, cut, fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.show import Output, Shown
    from nixprof.context import Context
    from nixprof.manifest.model import Package

_INDENT = "  "
_LABEL_WIDTH = len("vulnerabilities") + 2
# A terminal gets this many programs of a package, without --json.
_MAX_PROGRAMS = 20


def show(result: Shown, context: Context) -> None:
    """Show what a package is, and then what is known of it, a row for each."""
    console = context.console
    width = console.width(sys.stdout)
    console.out([cut(f"{titled(result.spec.key, result.version)} {_state(result)}", width)])
    if result.description:
        console.out(_INDENT + line for line in fold(result.description.split(), " ", width and width - len(_INDENT)))
    room = width and width - len(_INDENT) - _LABEL_WIDTH
    rows = [
        (label if number == 0 else "", line)
        for label, text in _rows(result)
        for number, line in enumerate(fold(text.split(" "), " ", room))
    ]
    console.out(columns(rows, width, indent=len(_INDENT)))


def as_json(result: Shown) -> dict[str, Any]:
    """Give all of it; of what no index has, what is known."""
    indexed = result.indexed
    return {
        "package": str(result.spec),
        "packageVersion": result.version or None,
        "description": result.description or None,
        "installed": result.installed,
        "entries": [
            {"package": one.written, "file": one.file, "pinned": one.pin, "only": one.scope.name or None}
            for one in result.entries
        ],
        "held": result.held,
        "offers": result.offers,
        "outputs": result.outputs,
        "programs": result.programs,
        "before": result.before,
        "obstacles": result.obstacles,
        "licence": indexed.license or None if indexed else None,
        "homepage": indexed.homepage or None if indexed else None,
        "changelog": result.changelog or None,
        "position": indexed.position or None if indexed else None,
        "platforms": indexed.platforms if indexed else (),
        "vulnerabilities": indexed.vulnerabilities if indexed else (),
    }


def _state(result: Shown) -> str:
    if result.installed:
        return "is installed"
    if result.entries:
        return "is on the list, and not installed here"
    return "is not installed" if result.obstacles else f"is not installed: nixprof add {_to_add(result)}"


def _to_add(result: Shown) -> str:
    return shell_quote(as_installable(str(result.spec)))


def _rows(result: Shown) -> Iterator[tuple[str, str]]:
    """Give what is known, by its label, and nothing of what is not."""
    for obstacle in result.obstacles:
        yield "not here", obstacle.message
        if obstacle.hint:
            yield "", obstacle.hint
    for entry in result.entries:
        yield "list", _entry(entry)
    if result.held:
        yield "held", f"at {revision_of(result.held, result.spec.input)}"
    for offer in result.offers:
        origin = revision(offer.revision) if offer.revision else ""
        yield f"in {offer.input}", f"{offer.version or 'no version'} {f'({origin})' if origin else ''}".rstrip()
    for before in result.before:
        numbers = listed(tuple(map(str, before.generations)), 5)
        plural = "s" if len(before.generations) > 1 else ""
        yield "earlier", f"{before.version} in generation{plural} {numbers}".lstrip()
    yield from (row for row in _facts(result) if row[1])


def _facts(result: Shown) -> Iterator[tuple[str, str]]:
    yield "outputs", ", ".join(map(_output, result.outputs))
    yield "programs", listed(result.programs, _MAX_PROGRAMS)
    in_store = [one.bytes for one in result.outputs if one.bytes is not None]
    yield "size", size(sum(in_store)) if in_store else ""
    yield "changelog", result.changelog
    if result.indexed:
        yield "licence", result.indexed.license
        yield "homepage", result.indexed.homepage
        yield "platforms", _platforms(result.indexed.platforms)
        yield "vulnerabilities", ", ".join(result.indexed.vulnerabilities)


def _entry(entry: Package) -> str:
    marks = [display_path(entry.file), *([entry.scope.reason] if entry.scope.reason else [])]
    return ", ".join([*marks, *(["pinned"] if entry.pin else [])])


def _output(output: Output) -> str:
    if output.installed:
        return f"{output.name} (installed)"
    return output.name if output.bytes is None else f"{output.name} (in the store)"


def _platforms(names: tuple[str, ...]) -> str:
    """Name the systems that lists are for; of a package for none of them, some of its own."""
    return ", ".join(one for one in SYSTEMS if one in names) or listed(names)
