"""`nixprof freeze` as text: what became of every element."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.freeze.decide import own_name
from nixprof.freeze.findings import Alone, Differing, How, Import
from nixprof.freeze.origin import Reference
from nixprof.render.table import columns
from nixprof.words import count, display_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.commands.freeze import Frozen, Survey


def survey(result: Survey) -> Iterator[str]:
    """Show where the elements come from and what becomes of each."""
    reading = result.reading
    generation = f"generation {reading.generation}, " if reading.generation else ""
    yield f"reading  {display_path(reading.place)}  ({generation}{count(len(reading.elements), 'element')})"
    rows = list(_rows(result))
    if rows:
        yield ""
        yield from columns(rows, None)
    yield ""
    if not result.imports:
        yield "Nothing here has to be imported."
        return
    yield f"The list has {count(result.listed, 'package')} in {display_path(result.manifest)}."


def _rows(result: Survey) -> Iterator[tuple[str, str, str]]:
    exact = [one for one in result.imports if one.how is How.EXACT and not one.listed]
    listed = [one for one in result.imports if one.listed]
    nixpkgs = [one for one in exact if one.spec.input == "nixpkgs"]
    others = [one for one in exact if one.spec.input != "nixpkgs"]
    label = How.EXACT.value
    if nixpkgs:
        yield label, str(len(nixpkgs)), f"from nixpkgs{_revisions(nixpkgs)}"
        label = ""
    if others:
        names = dict.fromkeys(one.spec.input for one in others)
        yield label, str(len(others)), f"from {', '.join(names)}"
    if listed:
        yield "on the list already", str(len(listed)), _names(listed)
    yield from _group(How.IDENTIFIED.value, [_identified(one) for one in result.imports if one.how is How.IDENTIFIED])
    yield from _group(How.UNLOCKED.value, [str(one.spec) for one in result.imports if one.how is How.UNLOCKED])
    kept = [f"{one.spec.name}   (no source known)" for one in result.imports if one.how is How.KEPT]
    yield from _group(How.KEPT.value, kept)
    differing = [one for one in result.findings if isinstance(one, Differing)]
    yield from _group("differs from the list", [_differing(one) for one in differing])
    alone = [one for one in result.findings if isinstance(one, Alone)]
    yield from _group(
        "left alone", [f"{'-'.join(filter(None, own_name(one.element)))}   ({one.reason})" for one in alone]
    )


def _group(label: str, lines: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for index, line in enumerate(lines):
        yield (label, str(len(lines)), line) if index == 0 else ("", "", line)


def _revisions(imports: Sequence[Import]) -> str:
    number = revisions(imports)
    return f", at {count(number, 'revision')}" if number > 1 else ""


def revisions(imports: Sequence[Import]) -> int:
    """Count the revisions of nixpkgs that imports are held at."""
    return len(
        {Reference.parse(one.element.url).rev for one in imports if one.spec.input == "nixpkgs" and one.element.url}
    )


def _names(imports: Sequence[Import]) -> str:
    return ", ".join(one.spec.name for one in imports)


def _identified(one: Import) -> str:
    evidence = one.evidence.value if one.evidence else ""
    others = f"; or {', '.join(one.candidates[:3])}" if one.candidates else ""
    return f"{one.element.label} → {one.spec}   ({evidence}{others})"


def _differing(one: Differing) -> str:
    return f"{one.spec}: {one.installed} is installed, the list has {one.listed}   (--overwrite takes the installed)"


def question(result: Survey) -> str:
    """Ask whether to go on."""
    number = len(result.imports)
    what = f"Nothing was downloaded and no package changes: {count(number, 'element')} become 1."
    return f"{what}\n\nSwitch the profile over?"


def done(result: Frozen) -> Iterator[str]:
    """Sum up what was done."""
    outcome = result.outcome
    if outcome is None or not outcome.done:
        yield "Nothing was changed."
        return
    generation = f" · generation {outcome.generation}" if outcome.generation else ""
    yield f"✓ {count(len(outcome.plan.packages), 'package')} under nixprof{generation} · {outcome.seconds:.1f} s"
    number = revisions(result.survey.imports)
    if number > 1:
        yield f"  {number} nixpkgs revisions are in use. `nixprof update` brings them to one."
