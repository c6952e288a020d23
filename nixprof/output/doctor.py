"""`nixprof doctor`, shown."""

from __future__ import annotations

import sys
from itertools import groupby
from typing import TYPE_CHECKING, Any

from nixprof.formatting import count, size
from nixprof.output.json import plain
from nixprof.output.table import columns, fold, folded
from nixprof.redact import one_line, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.doctor import Examination
    from nixprof.console import Console
    from nixprof.context import Context
    from nixprof.doctor.finding import Finding


def show(result: Examination, context: Context) -> None:
    """Show each finding with the commands, problems first."""
    context.console.out(_lines(result, context.console))


def as_json(result: Examination) -> dict[str, Any]:
    """Give it by its fields, with the number of problems."""
    return dict(plain(result)) | {"problems": result.problems}


def exit_code(result: Examination) -> int:
    """Give 1 for a problem; advice is none."""
    return 1 if result.problems else 0


def _lines(result: Examination, console: Console) -> Iterator[str]:
    """Write what there is to do below all that it cures; it is never broken, because it is to be pasted."""
    width = console.width(sys.stdout)
    if console.verbose:
        yield from (*columns(list(_about(result)), width), "")
    by_remedy = groupby(
        sorted(result.findings, key=lambda one: not one.problem), lambda one: (one.problem, one.commands)
    )
    for (_, commands), findings in by_remedy:
        for finding in findings:
            yield from _finding(finding, width)
        yield from (f"    {one_line(redact(command))}" for command in commands)
        yield ""
    yield from _closing(result, width)
    if result.about.managers:
        yield f"  also here, and left alone: {', '.join(result.about.managers)}"


def _closing(result: Examination, width: int | None) -> Iterator[str]:
    """Sum it up; what does not fit goes on below, between phrases."""
    advice = len(result.findings) - result.problems
    further = f", {advice} to improve" if advice else ""
    if result.problems:
        yield f"✗ {count(result.problems, 'problem')}{further}"
    elif advice:
        yield f"✓ no problems{further}"
    else:
        nix = f"{result.about.variant} {result.nix},"
        phrases = ("✓ no problems:", nix, "the list,", "the profile", "and the shell", "are fine")
        yield from folded(phrases, " ", width)


def _about(result: Examination) -> Iterator[tuple[str, str]]:
    """Describe the Nix and the shell of this machine, for whoever is asked for help."""
    about = result.about
    trust = {True: ", which trusts you", False: ", which does not trust you", None: ""}[about.trusted]
    free = "" if about.free_bytes is None else f", {size(about.free_bytes)} free"
    yield "Nix", f"{about.variant} {result.nix}" if result.nix else "none that answers"
    if about.store:
        yield "store", f"{about.store}{trust}{free}"
    for name, some in (("caches", about.caches), ("features", about.features)):
        if some:
            yield name, " ".join(some)
    yield "shell", about.shell if about.shell_asked else f"{about.shell}, which does not answer"


def _finding(finding: Finding, width: int | None) -> Iterator[str]:
    sign = "✗" if finding.problem else "·"
    topic = f"{finding.topic} (a guess)" if finding.guess else finding.topic
    what = one_line(redact(f"{topic}: {finding.what}"))
    first, *more = fold(what.split(" "), " ", width and width - 2)
    yield f"{sign} {first}"
    yield from (f"  {line}" for line in (*more, *fold(finding.why.split(" "), " ", width and width - 2)))
