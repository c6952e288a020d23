"""`nixprof doctor`: what is wrong with the set-up, why it matters, and what to do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nixprof.doctor.facts import gather
from nixprof.doctor.findings import findings
from nixprof.record import record

if TYPE_CHECKING:
    from nixprof.context import Context
    from nixprof.doctor.facts import Facts
    from nixprof.doctor.finding import Finding

# What `operations.py` turns on, and what comes with that: whether the settings do so, too, is not to be seen.
_OWN_FEATURES = {"fetch-tree", "flakes", "nix-command"}


@record
class About:
    """What somebody who is asked for help wants to know. What Nix does not say is empty, or None."""

    variant: str | None  # `Nix`, `Lix` or `Determinate Nix`
    features: tuple[str, ...]  # experimental ones that its settings turn on, besides those that nixprof does itself
    store: str  # such as `daemon` or `local`
    trusted: bool | None  # whether the store lets this user change settings
    caches: tuple[str, ...]
    free_bytes: int | None  # where the store is
    shell: str  # the login shell
    shell_asked: bool  # False where it did not answer: what is said of it is then a guess
    managers: tuple[str, ...] = ()  # other tools that keep packages here, and that nixprof leaves alone


@record
class Examination:
    """What was found."""

    nix: str | None  # the version of Nix; None without one that answers
    about: About
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> int:
        """How many of them are problems, and not advice."""
        return sum(finding.problem for finding in self.findings)


def run(context: Context) -> Examination:
    """Look at everything, and change nothing."""
    facts = gather(context)
    version = facts.nix.version
    return Examination(version.text if version else None, _about(facts), findings(facts, time.time()))


def _about(facts: Facts) -> About:
    nix, login = facts.nix, facts.login
    return About(
        nix.version.variant if nix.version else None,
        tuple(sorted({*nix.settings.get("experimental-features", ())} - _OWN_FEATURES)),
        nix.store,
        nix.trusted,
        tuple(nix.settings.get("substituters", ())),
        nix.free_bytes,
        login.name,
        login.asked,
        facts.managers,
    )
