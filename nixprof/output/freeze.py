"""`nixprof freeze`, shown: what became of every element."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Any, assert_never

from nixprof.commands.freeze import Frozen, Survey, cannot_identify
from nixprof.formatting import count, display_path, listed
from nixprof.importers.decide import Differing, How, Import, LeftAlone
from nixprof.importers.formats import FORMS, STDIN
from nixprof.importers.reading import Kind
from nixprof.manifest.spec import DEFAULT_INPUT
from nixprof.output import change

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.change.plan import Outcome, Plan
    from nixprof.context import Context
    from nixprof.importers.candidate import Candidate
    from nixprof.importers.decide import Finding

    Line = tuple[str, str]  # what, and in what way

MAX_LINES_OF_A_GROUP = 15
# Up to this many lines that share a reason stay lines of their own.
MAX_LINES_OF_A_REASON = 3
MAX_OTHERS = 3
# Of more than this that are left alone for one reason, the first are named.
MAX_LEFT = 100
_USUAL_WIDTH = 80


def show(result: Survey | Frozen, context: Context) -> None:
    """Show what was found, what is about to be done, and what was done; or what the list would be."""
    if isinstance(result, Survey):
        lines = survey(result, context)
    elif result.survey.options.stdout:
        lines = unidentified(result.survey)
    else:
        lines = _frozen(result, context)
    context.console.say(*lines)
    if isinstance(result, Frozen) and result.survey.options.stdout:
        sys.stdout.write(result.survey.texts[result.survey.manifest])


def _frozen(result: Frozen, context: Context) -> Iterator[str]:
    if result.plan and (result.outcome is None or context.dry_run):
        yield from change.plan(result.plan, context.console, sys.stderr)
        yield from consequence(result.survey, result.plan)
    if result.outcome:
        yield from done(result.survey, result.outcome)


def as_json(result: Frozen) -> dict[str, Any]:
    """Give every element with what became of it, and the change."""
    found, outcome = result.survey, result.outcome
    return {
        "from": found.reading.place,
        "form": found.reading.form or None,
        "generation": found.reading.generation,
        "manifest": found.manifest,
        "elements": [
            _finding(one, each, found)
            for one in found.findings
            for each in (one.candidates if isinstance(one, Import) else (one.candidate,))
        ],
        "unidentified": found.lookup.unidentified,
        "later": found.lookup.later or None,
        "unasked": [
            {"attribute": one.attribute or None, "nixpkgs": one.source, "cause": one.cause}
            for one in found.lookup.unasked
        ],
        "outcome": change.as_json(outcome) if outcome else None,
    }


def _finding(one: Finding, of: Candidate, result: Survey) -> dict[str, Any]:
    about = {"name": of.name or None, "storePaths": of.store_paths, "state": _state(one, result)}
    match one:
        case Import():
            held = None if one.outputs is None else one.held
            found = {"package": str(one.spec), "evidence": of.evidence, "candidates": of.others, "held": held}
            return about | found | {"on": of.scope.on or None}
        case LeftAlone():
            return about | {"reason": one.reason}
        case Differing():
            return about | {"package": str(one.spec), "listed": one.listed, "installed": one.installed}
    assert_never(one)


def _state(one: Finding, result: Survey) -> str:
    match one:
        case LeftAlone():
            return "left alone"
        case Differing():
            return "differs from the list"
        case Import():
            return "on the list" if one.entry and not result.stays(one) else one.how.value
    assert_never(one)


def survey(result: Survey, context: Context) -> Iterator[str]:
    """Show what was read and what becomes of it."""
    reading = result.reading
    is_list = reading.kind is Kind.LIST
    kind = f"generation {reading.generation}, " if reading.generation else ""
    if reading.form:
        kind = f"{FORMS[reading.form]}, "
    number = len(reading.candidates)
    what = f"{count(number, 'package')} kept by store path" if is_list else count(number, "element")
    place = "stdin" if str(reading.place) == STDIN else display_path(reading.place)
    yield f"reading  {place}  ({kind}{what})"
    groups = [group for group in _groups(result) if group[1]]
    if groups:
        yield ""
        yield from _table(groups, context)
    yield ""
    if result.lookup.later:
        yield from unidentified(result)
        yield ""
    if not result.imports and not (result.lookup.later and is_list):
        yield f"There is nothing to {'identify' if is_list else 'import'}."


def unidentified(result: Survey) -> Iterator[str]:
    """Say how many packages need a nixpkgs that is not on this machine, and the command that looks them up."""
    if result.lookup.later:
        yield cannot_identify(result.lookup.unidentified)
        yield f"  later, with a download of nixpkgs: {result.lookup.later}"


def _groups(result: Survey) -> Iterator[tuple[str, int, list[Line]]]:
    """Group the findings by what becomes of them: a heading, how many, and lines."""
    imports = [(_state(one, result), one) for one in result.findings if isinstance(one, Import)]

    def of(state: str) -> list[Import]:
        return [one for other, one in imports if other == state]

    exact = of(How.EXACT.value)
    of_nixpkgs = [one for one in exact if one.spec.input == DEFAULT_INPUT]
    others = [one.spec.input for one in exact if one.spec.input != DEFAULT_INPUT]
    revisions = len({one.held for one in of_nixpkgs if one.held})
    where = f"from nixpkgs, at {count(revisions, 'revision')}" if revisions > 1 else "from nixpkgs"
    yield How.EXACT.value, len(of_nixpkgs), [(where, "")]
    yield "" if of_nixpkgs else How.EXACT.value, len(others), [(f"from {', '.join(dict.fromkeys(others))}", "")]
    there = [one.spec.name for one in of("on the list")]
    yield "on the list already", len(there), [(", ".join(there), "")]
    for how in (How.IDENTIFIED, How.BY_TABLE, How.GUESSED):
        yield how.value, len(of(how.value)), _identified(of(how.value))
    unlocked = of(How.UNLOCKED.value)
    yield How.UNLOCKED.value, len(unlocked), [(", ".join(map(_name, unlocked)), "")]
    kept = of(How.KEPT.value)
    yield How.KEPT.value, len(kept), _together([(one.spec.name, "source unknown") for one in kept])
    unasked = [(one.attribute or one.source, one.cause) for one in result.lookup.unasked]
    yield "not compared", len(unasked), unasked
    differing = [one for one in result.findings if isinstance(one, Differing)]
    lines = [(str(one.spec), f"{one.installed} is installed, the list has {one.listed}") for one in differing]
    yield "differs from the list", len(lines), lines
    left = [(one.candidate.name, one.reason) for one in result.findings if isinstance(one, LeftAlone)]
    yield "left alone", len(left), _together(left, MAX_LEFT)


def _identified(imports: Sequence[Import]) -> list[Line]:
    """Put what is sure and called as one would think together; everything else has a line of its own."""
    lines, plain = [], []
    for one in imports:
        evidence = one.candidate.evidence.value.removeprefix("guess: ") if one.candidate.evidence else ""
        others = one.candidate.others
        if not others and one.spec.name == one.candidate.own_name[0]:
            plain.append((_placed(one, one.spec.name), evidence))
            continue
        if others:
            evidence += f"; or {listed(others, MAX_OTHERS)}"
        lines.append((f"{one.candidate.name} → {_placed(one)}", evidence))
    return [*_together(plain), *lines]


def _together(lines: Sequence[Line], most: int = sys.maxsize) -> list[Line]:
    """Put what has one reason on one line, where there is much of it; of more than `most`, the first are named."""
    if len(lines) <= MAX_LINES_OF_A_REASON:
        return list(lines)
    by_reason: dict[str, list[str]] = {}
    for what, reason in lines:
        by_reason.setdefault(reason, []).append(what)
    return [(listed(whats, most), reason) for reason, whats in by_reason.items()]


def _name(one: Import) -> str:
    called = one.candidate.name
    return _placed(one) if called in (one.spec.name, one.spec.input) else f"{called} → {_placed(one)}"


def _placed(one: Import, written: str = "") -> str:
    """Write a package with the machines that it is for, where those are not all."""
    where = one.candidate.scope.reason
    return f"{written or one.spec} ({where})" if where else written or str(one.spec)


def _table(groups: Sequence[tuple[str, int, list[Line]]], context: Context) -> Iterator[str]:
    """Align the groups; a long line is folded."""
    width = context.console.width(sys.stderr) or _USUAL_WIDTH
    heading = max(len(label) for label, _, _ in groups)
    digits = max(len(str(number)) for _, number, _ in groups)
    indent = " " * (heading + digits + 4)
    room = max(width - len(indent), 20)
    for label, number, lines in groups:
        start = f"{label:<{heading}}  {number:>{digits}}  "
        for line in _folded(lines, room, context):
            yield f"{start}{line}"
            start = indent


def _folded(lines: Sequence[Line], room: int, context: Context) -> Iterator[str]:
    """Write the lines of a group, the reasons below each other where they fit."""
    shown = lines[:MAX_LINES_OF_A_GROUP]
    column = max((len(what) for what, reason in shown if len(what) + len(reason) + 4 <= room), default=0)
    for what, reason in shown:
        bracket = _dim(f"({reason})", context) if reason else ""
        if len(what) + len(reason) + 4 > room:
            yield from _wrapped(what, room)
            yield from (f"  {_dim(line, context)}" for line in _wrapped(f"({reason})" if reason else "", room - 2))
        elif column + len(reason) + 4 <= room:
            yield f"{what:<{column}}  {bracket}".rstrip()
        else:
            yield f"{what}  {bracket}".rstrip()
    if len(lines) > len(shown):
        yield f"and {len(lines) - len(shown)} more: {context.typed('--dry-run', '--json')}"


def _wrapped(text: str, room: int) -> list[str]:
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)


def _dim(text: str, context: Context) -> str:
    return context.console.styled(text, "dim", sys.stderr)


def consequence(result: Survey, plan: Plan) -> Iterator[str]:
    """Say what the list comes to and what becomes of the profile."""
    yield f"The list has {count(result.listed, 'package')} in {display_path(result.manifest)}."
    if result.options.keep:
        yield "The profile stays as it is."
    elif plan.changes:
        yield f"{count(len(plan.changes), 'package')} will change."
    else:
        nothing = "No package changes" if result.lookup.downloaded else "Nothing was downloaded and no package changes"
        yield f"{nothing}."
        yield _replacement(result)
    yield ""


def _replacement(result: Survey) -> str:
    if result.reading.kind is Kind.LIST:
        number = sum(len(one.candidates) for one in result.imports)
        return f"The list names {count(number, 'package')} that {'was' if number == 1 else 'were'} kept by store path."
    number = len(result.replaced)
    entries = "the profile entry" if number == 1 else f"the {number} profile entries"
    return f"nixprof replaces {entries} with one of its own."


def done(found: Survey, outcome: Outcome) -> Iterator[str]:
    """Sum up what was done, and what to do next."""
    if not outcome.done:
        yield "Nothing was changed."
        return
    seconds = f"{outcome.seconds:.1f} s"
    if found.options.keep:
        yield f"✓ {count(found.listed, 'package')} on the list · {seconds}"
        if found.reading.kind is not Kind.LIST:
            yield "  `nixprof freeze` switches the profile over to them."
        return
    generation = f" · generation {outcome.generation}" if outcome.generation else ""
    yield f"✓ {count(len(outcome.plan.packages), 'package')} under nixprof{generation} · {seconds}"
    locked = outcome.plan.after.lock.packages
    held = {one.held for key, one in locked.items() if one.held and key.startswith(f"{DEFAULT_INPUT}#")}
    if len(held) > 1:
        yield f"  {len(held)} nixpkgs revisions are in use. `nixprof update` brings them to one."
    elif any(one.outputs is not None for one in found.imports):
        yield "  `nixprof update` moves them to the newest versions, when you want that."
