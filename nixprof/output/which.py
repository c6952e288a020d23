"""`nixprof which`, shown."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from nixprof.commands.which import STORE
from nixprof.formatting import display_path, listed, shell_quote, titled
from nixprof.manifest.installable import as_installable
from nixprof.output.table import columns, cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.which import Offer, Program, Which
    from nixprof.context import Context

# A terminal gets this many packages that would bring a program, without --json.
_MAX_OFFERS = 5


def show(result: Which, context: Context) -> None:
    """Show for each program what has it, and a row for each thing to know of it."""
    console = context.console
    width = console.width(sys.stdout)
    for one in result.programs:
        console.out([cut(_title(one), width)])
        console.out(columns(list(_rows(one)), width, indent=2))
    if not result.indexed and any(not one.providers for one in result.programs):
        console.say("no input has an index yet, which would know more; to make it: nixprof search")


def exit_code(result: Which) -> int:
    """Give 1 where nothing is known of a program, as `which` does."""
    return 0 if all(one.is_known for one in result.programs) else 1


def _title(one: Program) -> str:
    if not one.is_known:
        return f"{one.program} is not known"
    if not one.providers:
        return f"{one.program} is not installed" if not one.runs else f"{one.program} is not in the profile"
    first = one.providers[0]
    first_title = titled(first.key, first.version)
    if first.installed:
        where = "on the list" if first.listed else "in the profile and not on the list"
        return f"{one.program} is in {first_title}, which is {where}"
    if first.listed and not first.generations:
        return f"{one.program} is in {first_title}, which is on the list and not installed: nixprof sync"
    return f"{one.program} is not installed any more"


def _rows(one: Program) -> Iterator[tuple[str, str]]:
    """Say which file runs, and what else has it or would bring it."""
    if not one.is_known and one.program.isprintable():
        yield "to look for it", f"nixprof search {shell_quote(one.program)}"
    if one.runs or one.linked:
        yield "runs", _runs(one)
    for provider in one.providers:
        if not provider.installed and provider.generations:
            numbers = listed(tuple(map(str, provider.generations)), 5)
            plural = "s" if len(provider.generations) > 1 else ""
            yield "earlier", f"{titled(provider.key, provider.version)} in generation{plural} {numbers}"
        elif provider is not one.providers[0]:
            yield "also in", titled(provider.key, provider.version)
    for number, offer in enumerate(one.offers[:_MAX_OFFERS]):
        label = "to add" if offer.supported else "not here"
        before = one.offers[number - 1].supported if number else None
        yield "" if before is offer.supported else label, _offered(offer)
    if len(one.offers) > _MAX_OFFERS:
        yield "", f"and {len(one.offers) - _MAX_OFFERS} more"
    if one.providers:
        sources = dict.fromkeys(each.source for each in one.providers)
        yield "known by", ", ".join("the store" if source == STORE else source for source in sources)


def _offered(offer: Offer) -> str:
    what = f"nixprof add {shell_quote(as_installable(offer.spec))}"
    if not offer.supported:
        what = f"{offer.spec} is not available on this system"
    return f"{what}  ({', '.join(part for part in (offer.version, f'by {offer.source}') if part)})"


def _runs(one: Program) -> str:
    """Say which file a shell runs, and that the one of the profile is another."""
    if one.runs is None:
        return f"nothing: {display_path(one.linked or '')} is not on the PATH: nixprof doctor"
    is_shadowed = one.linked and os.path.realpath(one.linked) != os.path.realpath(one.runs)
    return display_path(one.runs) + (", which the PATH has before the profile: nixprof doctor" if is_shadowed else "")
