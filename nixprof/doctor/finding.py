"""What `doctor` says of one thing."""

from __future__ import annotations

from nixprof.record import record


@record
class Finding:
    """One thing that is wrong, or could be better."""

    code: str  # for scripts; it stays
    topic: str  # what it is about, in a word
    what: str
    why: str  # why it matters
    commands: tuple[str, ...]  # what to do, mostly a command; the first one is the best
    problem: bool = True  # False for advice
    guess: bool = False  # whether it rests on what could not be measured
