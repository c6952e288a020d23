"""How errors read: what, why, and which command to run next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.commands.add import POLICY_KEYS
from nixprof.errors import ManifestError, NixprofError
from nixprof.render.table import columns
from nixprof.resolve import Obstacle, UnresolvableError, sentence
from nixprof.words import display_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.errors import Problem
    from nixprof.resolve import Refusal


def report(error: NixprofError) -> Iterator[str]:
    """Write an error as lines, the labels aligned and the home shortened."""
    match error:
        case ManifestError():
            yield from _labelled("error", error.message)
            yield from _problem_lines(error)
            yield "Nothing was changed."
        case UnresolvableError():
            yield from _refusals(error)
            yield "Nothing was changed."
        case _:
            yield from _labelled("error", error.message)
            if error.cause:
                yield from _labelled("cause", error.cause)
            yield from _labelled("hint", "\n".join(error.hints))


def _labelled(label: str, text: str) -> Iterator[str]:
    for index, line in enumerate(text.splitlines()):
        yield f"{f'{label}:' if index == 0 else '':<6} {_shortened(line)}".rstrip()


def _shortened(text: str) -> str:
    return " ".join(display_path(word) for word in text.split(" "))


def _problem_lines(error: ManifestError) -> Iterator[str]:
    yield from columns([_problem_row(problem, error) for problem in error.problems], None)


def _problem_row(problem: Problem, error: ManifestError) -> tuple[str, str, str]:
    elsewhere = "" if problem.file == error.manifest else f"{display_path(problem.file)} "
    fix = f"; {problem.fix}" if problem.fix else ""
    return f"  {elsewhere}line {problem.line}", problem.text, f"{problem.message}{fix}"


def _refusals(error: UnresolvableError) -> Iterator[str]:
    refusals = error.refusals
    if len(refusals) > 1:
        yield from _labelled("error", f"{len(refusals)} packages cannot be installed")
    for refusal in refusals:
        said = sentence(refusal, error.inputs)
        if len(refusals) == 1:
            yield from _labelled("error", said)
        else:
            yield f"  {said}"
    for hint in dict.fromkeys(hint for refusal in refusals for hint in _hints(refusal)):
        yield from _labelled("hint", hint)


def _hints(refusal: Refusal) -> Iterator[str]:
    written = refusal.package.written
    match refusal.obstacle:
        case Obstacle.MISSING:
            for name in refusal.details[:1]:
                prefix = "" if refusal.package.spec.input == "nixpkgs" else f"{refusal.package.spec.input}#"
                yield f"did you mean {name}? nixprof add {prefix}{name}"
        case Obstacle.NO_PACKAGE:
            if refusal.details:
                yield f"it has for example {', '.join(f'{written}.{name}' for name in refusal.details)}"
        case Obstacle.UNFREE | Obstacle.INSECURE | Obstacle.BROKEN:
            key = POLICY_KEYS[refusal.obstacle]
            name = refusal.full_name if refusal.obstacle is Obstacle.INSECURE else refusal.pname
            yield f'to allow it: nixprof add {written} --{key}\nwhich writes {key} = ["{name}"] under [nixpkgs]'
        case Obstacle.UNSUPPORTED:
            yield f"list it under [system.…], for the systems that have it, or: nixprof remove {written}"
        case Obstacle.NO_OUTPUT | Obstacle.FAILED:
            return
