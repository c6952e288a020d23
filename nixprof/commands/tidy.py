"""`nixprof tidy`: removes old generations of the profile, and of no other; offers to collect the garbage then."""

from __future__ import annotations

import time
from enum import Enum
from typing import TYPE_CHECKING

from nixprof.change.confirmation import Proposal, Risk, confirmed
from nixprof.change.generations import rollbacks
from nixprof.change.needs import Needs
from nixprof.change.process_lock import process_lock
from nixprof.errors import ConcurrentChangeError, NixprofError, Reason
from nixprof.formatting import DAY_SECONDS, count, shell_quote, size
from nixprof.record import record, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nixprof.change.generations import Generation, PastRollback
    from nixprof.context import Context
    from nixprof.nix.operations import Nix

# Nix's own, without an option that would remove generations of all profiles.
COLLECT = "nix-collect-garbage"
# What is kept where nothing is asked for: these newest ones, and all that are younger.
KEEP = 5
KEEP_DAYS = 30


class Keeping(Enum):
    """Why a generation stays."""

    CURRENT = "current"
    NEWEST = "newest"  # one of the last, by number
    YOUNG = "young"  # in use not long ago
    PROVEN = "proven"  # the last before the current one that was in use for a day


@record
class Wish:
    """How many generations to keep at least, and for how long; None where that is not said."""

    number: int | None = None
    days: int | None = None

    @property
    def newest(self) -> int:
        """How many of the newest stay: never none, so that Nix gives no number twice."""
        usual = KEEP if self.days is None else 1
        return max(usual if self.number is None else self.number, 1)

    @property
    def seconds(self) -> int:
        """How long ago one has to have been in use to go."""
        usual = KEEP_DAYS if self.number is None else 0
        return (usual if self.days is None else self.days) * DAY_SECONDS


@record
class Kept:
    """A generation that stays."""

    generation: int
    why: Keeping


@record
class Removal:
    """A generation that goes."""

    generation: int
    time: int  # when it was made, in seconds since 1970
    command: str | None  # what made it, where that is known


@record
class Tidied:
    """What becomes of the generations."""

    removed: tuple[Removal, ...]  # the oldest first
    kept: tuple[Kept, ...]
    freed_bytes: int  # what only those that go need; something else than this profile may still need some of it
    done: bool = False  # not for a dry run, nor where the user declined, nor where nothing is to do
    declined: bool = False
    collected: str | None = None  # what Nix says of the garbage collection; None where there was none


def run(context: Context, number: int | None = None, days: int | None = None, *, collects: bool = False) -> Tidied:
    """Remove the generations that nobody wants to keep.

    Args:
        context: whose profile.
        number: how many of the newest to keep at least; None where that is not said.
        days: for how long to keep those that were in use; None where that is not said.
        collects: whether to collect the garbage of the whole store then; else the user is asked.

    Raises: NixprofError where there is no profile or nixprof has not made it; ConcurrentChangeError where it goes to
        another generation meanwhile. Nothing is removed then.

    """
    with process_lock(context) as lock, context.nix(lock) as nix:
        needs = Needs(context, nix)
        _check_own(context, needs.generations)
        plan = _plan(needs, Wish(number, days), rollbacks(context), time.time())
        if context.dry_run:
            return plan
        if plan.removed:
            if not confirmed(context, _proposal(plan)):
                return replace(plan, declined=True)
            _remove(context, nix, needs.current.number, plan.removed)
    # Without the lock: it may take minutes, and harms no other nixprof.
    done = replace(plan, done=bool(plan.removed))
    return replace(done, collected=_collect(context)) if collects or _offers(context, done) else done


def _proposal(plan: Tidied) -> Proposal:
    number = count(len(plan.removed), "generation")
    loss = f"it would remove {number}, and you could not go back to them"
    return Proposal(plan, f"Remove {number} for good?", Risk.LOSS, loss)


def _offers(context: Context, done: Tidied) -> bool:
    """Ask whether to collect the garbage, which is not only this profile's: so no yes beforehand counts."""
    if context.agrees or not context.console.can_ask or not done.freed_bytes:
        return False
    return context.console.ask(f"Free about {size(done.freed_bytes)} now? This runs {COLLECT}, for the whole store.")


def _check_own(context: Context, found: Sequence[Generation]) -> None:
    """Make sure that the profile is nixprof's: of no other are generations removed."""
    if not any(one.environment for one in found):
        chosen = f" --profile {shell_quote(str(context.chosen_profile))}" if context.chosen_profile else ""
        raise NixprofError(
            "this is not nixprof's profile to tidy: no generation of it has what nixprof installs",
            Reason.UNSUITABLE_PROFILE,
            hints=(f"to do it with Nix itself: nix profile wipe-history{chosen} --older-than 30d",),
        )


def _plan(needs: Needs, wish: Wish, gone: Sequence[PastRollback], now: float) -> Tidied:
    kept = keeping(needs.generations, needs.current.number, wish, gone, now)
    going = [one for one in needs.generations if one.number not in kept]
    staying = [one for one in needs.generations if one.number in kept]
    return Tidied(
        tuple(Removal(one.number, int(one.time), one.command or None) for one in going),
        tuple(Kept(one.number, kept[one.number]) for one in staying),
        needs.graph.size(needs.closure(going) - needs.closure(staying)),
    )


def keeping(
    found: Sequence[Generation], current: int, wish: Wish, gone: Sequence[PastRollback], now: float
) -> dict[int, Keeping]:
    """Choose the generations that stay, by number.

    Args:
        found: all of them.
        current: the one that the profile is at.
        wish: what to keep.
        gone: the ways back that are remembered.
        now: in seconds since 1970.

    """
    uses = [(number, begin, end) for number, begin, end in _uses(found, gone, now) if number != current]
    proven = [number for number, begin, end in uses if end - begin >= DAY_SECONDS]
    kept = dict.fromkeys(proven[-1:], Keeping.PROVEN)
    kept |= dict.fromkeys((number for number, _, end in uses if end > now - wish.seconds), Keeping.YOUNG)
    kept |= dict.fromkeys((one.number for one in found[-wish.newest :]), Keeping.NEWEST)
    return kept | {current: Keeping.CURRENT}


def _uses(found: Sequence[Generation], gone: Iterable[PastRollback], now: float) -> list[tuple[int, float, float]]:
    """Tell when generations were in use, from when to when, the last use last."""
    begins = sorted([*((one.time, one.number) for one in found), *((back.time, back.after) for back in gone)])
    ends = [begin for begin, _ in begins[1:]] + [now]
    there = {one.number for one in found}
    return [(number, begin, end) for (begin, number), end in zip(begins, ends, strict=True) if number in there]


def _remove(context: Context, nix: Nix, current: int, removed: Sequence[Removal]) -> None:
    """Remove generations in one step of Nix's own, which refuses all of them where one is the current one."""
    profile = context.profile()
    if profile is None or profile.generation != current:
        raise ConcurrentChangeError("the profile")
    with context.progress.step("removing generations"):
        nix.delete_generations(profile.link, *(one.generation for one in removed))


def _collect(context: Context) -> str:
    with context.nix() as nix, context.progress.step("collecting garbage"):
        return nix.collect_garbage()
