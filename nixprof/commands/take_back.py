"""`nixprof rollback PACKAGE`: one package becomes what an earlier generation had; everything else stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.flow import begin
from nixprof.change.generations import find, generations
from nixprof.change.past import bring_back, past_of
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import day, package_name, shell_quote, titled
from nixprof.record import record, replace
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nixprof.change.generations import Generation
    from nixprof.change.plan import Outcome
    from nixprof.change.state import State
    from nixprof.context import Context
    from nixprof.lock.freshness import LockedManifest
    from nixprof.manifest.model import Package


@record
class TakenBack:
    """A package that is as it was."""

    outcome: Outcome
    key: str
    generation: int  # the one that had it


def take_back(context: Context, name: str, number: int | None) -> TakenBack:
    """Bring a package back to what a generation had, or the newest one that had another than now.

    Raises: NixprofError where no such generation had it; everything is then as before.

    """
    with begin(context) as change:
        state = change.before
        generation, past, package = _find(context, state, name, number)
        key, resolved = package.spec.key, past.resolved(package.spec.key)
        title = titled(key, resolved.version if resolved else "")
        made = day(int(generation.time))
        context.progress.note(f"{title}, as generation {generation.number} had it ({made}); it is pinned")
        outcome = change.carry_out(bring_back(state.manifest, past, package))
    outcome = replace(outcome, summary=f"{title} is pinned", would=f"pin {title}")
    return TakenBack(outcome, key, generation.number)


def _find(context: Context, state: State, name: str, number: int | None) -> tuple[Generation, LockedManifest, Package]:
    """Find the generation that is meant, and the package there.

    Raises: NixprofError where there is none.
    """
    found = [one for one in generations(context) if one.number == number or not _is_later(one, state)]
    if number is not None:
        found = [find(tuple(found), number)]
    key = state.key_of(name, "rollback") or _past_key(context, found, name)
    now = state.resolved(key)
    known = set(now.outputs.values()) if now and number is None else set()
    for one in reversed(found):
        ours = one.environment.packages if one.environment else ()
        if not any(entry.key == key and not known.issuperset(entry.paths) for entry in ours):
            continue
        past = past_of(context, one)
        package = past.entry(key) if past else None
        if past and package:
            return one, past, package
    raise _nothing_else(key, found, number)


def _is_later(one: Generation, state: State) -> bool:
    return state.generation is not None and one.number > state.generation


def _past_key(context: Context, found: Sequence[Generation], name: str) -> str:
    """Give the key of the package that a name meant in the newest generation that had it.

    Raises: NixprofError where none had it, or where it meant several.
    """
    nearest: tuple[str, ...] = ()
    for past in filter(None, (past_of(context, one) for one in reversed(found))):
        try:
            return past.named(name, "rollback")[0].spec.key
        except NixprofError as error:
            if error.reason is not Reason.NOT_LISTED:
                raise
            nearest = nearest or tuple(hint for hint in error.hints if hint.startswith("did you mean"))
    where = f"generation {found[0].number}" if len(found) == 1 else "no generation"
    has = "does not have it" if len(found) == 1 else "had it"
    raise NixprofError(
        f"{excerpt(name)} is not on the list, and {where} {has}",
        Reason.NOT_LISTED,
        hints=nearest or ("to see the generations: nixprof history",),
    )


def _nothing_else(key: str, found: Sequence[Generation], number: int | None) -> NixprofError:
    """Say that no generation has another version to go back to."""
    name = package_name(key)
    there = any(entry.key == key for one in found for entry in one.packages)
    if number is not None:
        message = f"generation {number} has no {name} that nixprof installed"
        hint = f"to go back to the newest one that differs: nixprof rollback {shell_quote(name)}"
    elif there:
        message, hint = f"{name} is the same in every generation that has it", "to see the generations: nixprof history"
    else:
        message, hint = f"no generation has {name}", "to see the generations: nixprof history"
    return NixprofError(message, Reason.NO_SUCH_GENERATION, hints=(hint,))
