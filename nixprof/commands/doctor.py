"""`nixprof doctor`: what is wrong with the set-up, why it matters, and what to do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nixprof.doctor.facts import gather
from nixprof.doctor.findings import Finding, findings
from nixprof.record import record

if TYPE_CHECKING:
    from nixprof.context import Context


@record
class Examination:
    """What was found."""

    nix: str | None  # the version of Nix; None without one that answers
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> int:
        """How many of them are problems, and not advice."""
        return sum(finding.problem for finding in self.findings)


def run(context: Context) -> Examination:
    """Look at everything, and change nothing."""
    facts = gather(context)
    return Examination(facts.nix.text if facts.nix else None, findings(facts, time.time()))
