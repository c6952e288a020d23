"""`nixprof freeze`, shown: what became of every element."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

from nixprof.formatting import count, display_path
from nixprof.importers.decide import element_name, own_name
from nixprof.importers.findings import Alone, Differing, How, Import
from nixprof.importers.reading import Kind
from nixprof.manifest.spec import DEFAULT_INPUT
from nixprof.output import change

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.change.flow import Outcome, Plan
    from nixprof.commands.freeze import Survey
    from nixprof.console import Console
    from nixprof.context import Context
    from nixprof.importers.findings import Finding
    from nixprof.nix.profile import Element

    Line = tuple[str, str]  # what, and in what way

# A reader of a report looks through so many lines of one kind, and of candidates.
_MANY = 15
_FEW = 3
_USUAL_WIDTH = 80
_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


@dataclass(frozen=True, slots=True)
class Frozen:
    """What `freeze` found and did; `outcome` is None where there was nothing to do."""

    survey: Survey
    outcome: Outcome | None
    keep: bool


def show(result: Frozen, context: Context) -> None:
    """Sum up what was done; `show_survey` and `show_plan` have shown the rest where somebody was asked."""
    if context.dry_run and result.outcome:
        show_plan(result.survey, result.outcome.plan, context, keep=result.keep)
    if result.survey.imports:
        for line in done(result, keep=result.keep):
            context.console.say(line)


def as_json(result: Frozen) -> dict[str, Any]:
    """Give every element with what became of it, and the change."""
    found = result.survey
    return {
        "from": found.reading.place,
        "generation": found.reading.generation,
        "manifest": found.manifest,
        "elements": [
            _finding(one, element, found)
            for one in found.findings
            for element in (one.elements if isinstance(one, Import) else (one.element,))
        ],
        "unidentified": found.lookup.untold,
        "later": found.lookup.later or None,
        "unasked": [
            {"attribute": one.attribute or None, "nixpkgs": one.source, "cause": one.cause}
            for one in found.lookup.unasked
        ],
        "outcome": change.as_json(result.outcome) if result.outcome else None,
    }


def _finding(one: Finding, element: Element, result: Survey) -> dict[str, Any]:
    about = {"name": element_name(element) or None, "storePaths": element.store_paths}
    match one:
        case Import():
            return about | {
                "state": "on the list" if one.entry and not result.stays(one) else one.how,
                "package": str(one.spec),
                "evidence": one.evidence,
                "candidates": one.candidates,
                "held": one.locked.held if one.locked else None,
            }
        case Alone():
            return about | {"state": "left alone", "reason": one.reason}
        case Differing():
            return about | {
                "state": "differs from the list",
                "package": str(one.spec),
                "listed": one.listed,
                "installed": one.installed,
            }
    assert_never(one)


def show_survey(result: Survey, console: Console) -> None:
    """Show what was found; nothing where a script reads."""
    if not console.json:
        for line in survey(result, console):
            console.say(line)


def show_plan(result: Survey, plan: Plan, context: Context, *, keep: bool) -> None:
    """Show what a change comes to; nothing where a script reads."""
    change.show_plan(plan, context.console, sys.stderr)
    if not context.console.json:
        for line in consequence(result, plan, keep=keep):
            context.console.say(line)


def show_text(result: Survey, console: Console) -> None:
    """Write what the list would be to stdout."""
    for line in unidentified(result):
        console.say(line)
    sys.stdout.write(result.text)


def survey(result: Survey, console: Console) -> Iterator[str]:
    """Show where the elements come from and what becomes of each."""
    reading = result.reading
    generation = f"generation {reading.generation}, " if reading.generation else ""
    what = count(len(reading.elements), "element")
    if reading.kind is Kind.LIST:
        what = f"{count(len(reading.elements), 'package')} kept by store path"
    yield f"reading  {display_path(reading.place)}  ({generation}{what})"
    groups = [group for group in _groups(result) if group[1]]
    if groups:
        yield ""
        yield from _table(groups, console)
    yield ""
    if result.lookup.later:
        yield from unidentified(result)
        yield ""
    if not result.imports and not (result.lookup.later and reading.kind is Kind.LIST):
        yield f"There is nothing to {'identify' if reading.kind is Kind.LIST else 'import'}."


def unidentified(result: Survey) -> Iterator[str]:
    """Say how many elements were not looked up in a nixpkgs that is not on this machine, and how they will be."""
    if result.lookup.later:
        yield cannot_identify(result.lookup.untold)
        yield f"  later, with a download of nixpkgs: {result.lookup.later}"


def cannot_identify(number: int) -> str:
    """Say how many packages only a nixpkgs tells that is not on this machine."""
    return f"{count(number, 'package')} cannot be identified with what is on this machine."


def _groups(result: Survey) -> Iterator[tuple[str, int, list[Line]]]:
    """Put the findings together by what becomes of them: a heading, how many, and lines."""
    new = [one for one in result.imports if one.entry is None]
    exact = [one for one in new if one.how is How.EXACT]
    of_nixpkgs = [one for one in exact if one.spec.input == DEFAULT_INPUT]
    others = [one for one in exact if one.spec.input != DEFAULT_INPUT]
    number = revisions(of_nixpkgs)
    where = f"from nixpkgs, at {count(number, 'revision')}" if number > 1 else "from nixpkgs"
    yield How.EXACT.value, len(of_nixpkgs), [(where, "")] if of_nixpkgs else []
    names = ", ".join(dict.fromkeys(one.spec.input for one in others))
    yield "" if of_nixpkgs else How.EXACT.value, len(others), [(f"from {names}", "")] if others else []
    listed = [one for one in result.imports if one.entry]
    yield "on the list already", len(listed), [(", ".join(one.spec.name for one in listed), "")] if listed else []
    for how in (How.IDENTIFIED, How.GUESSED):
        told = [one for one in new if one.how is how]
        yield how.value, len(told), _identified(told)
    unlocked = [one for one in new if one.how is How.UNLOCKED]
    yield How.UNLOCKED.value, len(unlocked), [(", ".join(map(_name, unlocked)), "")] if unlocked else []
    imports = (one for one in result.findings if isinstance(one, Import))
    kept = [one for one in imports if one.how is How.KEPT and (one.entry is None or result.stays(one))]
    yield How.KEPT.value, len(kept), _together([(one.spec.name, "source unknown") for one in kept])
    unasked = [(one.attribute or one.source, one.cause) for one in result.lookup.unasked]
    yield "not compared", len(unasked), unasked
    differing = [one for one in result.findings if isinstance(one, Differing)]
    lines = [(str(one.spec), f"{one.installed} is installed, the list has {one.listed}") for one in differing]
    yield "differs from the list", len(lines), lines
    alone = [one for one in result.findings if isinstance(one, Alone)]
    yield "left alone", len(alone), _together([(element_name(one.element), one.reason) for one in alone])


def _identified(imports: Sequence[Import]) -> list[Line]:
    """Give those that were told surely and are called as one would think together, each other one a line."""
    lines, plain = [], []
    for one in imports:
        evidence = one.evidence.value.removeprefix("guess: ") if one.evidence else ""
        if not one.candidates and one.spec.name == own_name(one.element)[0]:
            plain.append((one.spec.name, evidence))
            continue
        more = len(one.candidates) - _FEW
        others = ", ".join(one.candidates[:_FEW]) + (f" and {more} more" if more > 0 else "")
        lines.append((f"{element_name(one.element)} → {one.spec}", f"{evidence}; or {others}" if others else evidence))
    return [*_together(plain), *lines]


def _together(lines: Sequence[Line]) -> list[Line]:
    """Put what has one reason on one line, where there is much of it."""
    if len(lines) <= _FEW:
        return list(lines)
    by_reason: dict[str, list[str]] = {}
    for what, reason in lines:
        by_reason.setdefault(reason, []).append(what)
    return [(", ".join(whats), reason) for reason, whats in by_reason.items()]


def _name(one: Import) -> str:
    called = element_name(one.element)
    return str(one.spec) if called in (one.spec.name, one.spec.input) else f"{called} → {one.spec}"


def _table(groups: Sequence[tuple[str, int, list[Line]]], console: Console) -> Iterator[str]:
    """Align the groups; a long line is folded."""
    width = console.width(sys.stderr) or _USUAL_WIDTH
    heading = max(len(label) for label, _, _ in groups)
    digits = max(len(str(number)) for _, number, _ in groups)
    indent = " " * (heading + digits + 4)
    room = max(width - len(indent), 20)
    for label, number, lines in groups:
        start = f"{label:<{heading}}  {number:>{digits}}  "
        for line in _folded(lines, room, console):
            yield f"{start}{line}"
            start = indent


def _folded(lines: Sequence[Line], room: int, console: Console) -> Iterator[str]:
    """Write the lines of a group, the reasons below each other where they fit."""
    shown = lines[:_MANY]
    beside = [len(what) for what, reason in shown if len(what) + len(reason) + 4 <= room]
    column = max(beside, default=0)
    for what, reason in shown:
        bracket = console.styled(f"({reason})", "dim", sys.stderr) if reason else ""
        if len(what) + len(reason) + 4 > room:
            yield from textwrap.wrap(what, room, break_long_words=False, break_on_hyphens=False)
            yield from (f"  {bracket}",) if reason else ()
        elif column + len(reason) + 4 <= room:
            yield f"{what:<{column}}  {bracket}".rstrip()
        else:
            yield f"{what}  {bracket}".rstrip()
    if len(lines) > len(shown):
        yield f"and {len(lines) - len(shown)} more: nixprof freeze --dry-run --json"


def revisions(imports: Sequence[Import]) -> int:
    """Count the revisions that imports are held at."""
    return len({one.locked.held for one in imports if one.locked and one.locked.held})


def consequence(result: Survey, plan: Plan, *, keep: bool) -> Iterator[str]:
    """Say what the list comes to and what becomes of the profile."""
    yield f"The list has {count(result.listed, 'package')} in {display_path(result.manifest)}."
    if keep:
        yield "The profile stays as it is."
    elif plan.changes:
        yield f"{count(len(plan.changes), 'package')} will change."
    else:
        nothing = "No package changes" if result.lookup.downloaded else "Nothing was downloaded and no package changes"
        yield f"{nothing}."
        yield _replacement(result)
    yield ""


def _replacement(result: Survey) -> str:
    """Say what takes the place of what."""
    taken = set(result.elements)
    number = sum(element in taken for element in result.reading.elements)
    if result.reading.kind is Kind.LIST:
        return f"The list names {count(number, 'package')} that {'was' if number == 1 else 'were'} kept by store path."
    entries = "the profile entry" if number == 1 else f"the {number} profile entries"
    return f"nixprof replaces {entries} by one of its own."


def done(result: Frozen, *, keep: bool) -> Iterator[str]:
    """Sum up what was done, and what to do next."""
    outcome = result.outcome
    if outcome is None or not outcome.done:
        yield "Nothing was changed."
        return
    if keep:
        yield f"✓ {count(result.survey.listed, 'package')} on the list · {outcome.seconds:.1f} s"
        if result.survey.reading.kind is not Kind.LIST:
            yield "  `nixprof freeze` switches the profile over to them."
        return
    generation = f" · generation {outcome.generation}" if outcome.generation else ""
    yield f"✓ {count(len(outcome.plan.packages), 'package')} under nixprof{generation} · {outcome.seconds:.1f} s"
    held = {
        package.held
        for key, package in outcome.plan.lock.packages.items()
        if package.held and key.startswith(f"{DEFAULT_INPUT}#")
    }
    number = _NUMBERS[len(held)] if len(held) < len(_NUMBERS) else str(len(held))
    if len(held) > 1:
        yield f"  {number} nixpkgs revisions are in use. `nixprof update` brings them to one."
    elif outcome.plan.lock.packages:
        yield "  `nixprof update` moves them to the newest versions, when you want that."
