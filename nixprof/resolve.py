"""Turn specs into store paths and metadata, by one evaluation of all that `packages.json` does not answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, assert_never

from nixprof.errors import NixprofError
from nixprof.flake.packages import LockedPackage, Resolved
from nixprof.nix.profile import USUAL_PRIORITY
from nixprof.storepath import outputs_of, package_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from nixprof.flake.inputs import LockedInput
    from nixprof.manifest.model import Manifest, Package
    from nixprof.nix.command import Nix
    from nixprof.places import Machine


@dataclass(frozen=True, slots=True)
class Question:
    """A package to resolve for a system; `index` is its place in the manifest, by which Nix is asked for it."""

    index: int
    package: Package
    system: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question came to: the package, and the derivation that builds it; empty where none is known."""

    resolved: Resolved
    derivation: str


# So many letters more or fewer may a name have to be meant.
_FEW = 2


class Obstacle(Enum):
    """Why a package cannot be had."""

    MISSING = "missing"
    NO_PACKAGE = "not a package"
    UNFREE = "unfree"
    INSECURE = "insecure"
    BROKEN = "broken"
    UNSUPPORTED = "unsupported"
    NO_OUTPUT = "no such output"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A package that cannot be had, for one system or several.

    Attributes:
        package: the entry of the manifest.
        systems: where.
        obstacle: why.
        full_name: name and version, as the package calls itself; empty where there is no package.
        pname: the name that a policy takes, likewise.
        details: known vulnerabilities, names that exist instead, or Nix's own words, by the obstacle.

    """

    package: Package
    systems: tuple[str, ...]
    obstacle: Obstacle
    full_name: str = ""
    pname: str = ""
    details: tuple[str, ...] = ()


class UnresolvableError(NixprofError):
    """Every package of the manifest that cannot be had."""

    def __init__(self, refusals: tuple[Refusal, ...], inputs: Mapping[str, LockedInput]) -> None:
        """Take at least one refusal, in the order of the manifest, and the inputs as they are locked."""
        names = ", ".join(refusal.package.written for refusal in refusals)
        super().__init__(f"{len(refusals)} packages cannot be installed: {names}")
        self.refusals = refusals
        self.inputs = inputs


def questions(manifest: Manifest, machine: Machine) -> Iterator[Question]:
    """Go through everything that has to be resolved: for this machine, and for every system of the manifest.

    What another host lists is left to that host; a store path is one of this machine.
    """
    for system in dict.fromkeys((machine.system, *manifest.systems)):
        wanted = set(manifest.for_machine(system, machine.host))
        for index, package in enumerate(manifest.packages):
            elsewhere = system != machine.system and (package.scope.kind == "host" or package.spec.is_store_path)
            if package in wanted and not elsewhere:
                yield Question(index, package, system)


def resolve(
    nix: Nix,
    flake: Path,
    asked: Sequence[Question],
    locked: Mapping[str, LockedPackage],
    inputs: Mapping[str, LockedInput],
    basis_of: Mapping[str, str],
) -> dict[Question, Answer]:
    """Ask Nix, in one evaluation.

    Args:
        nix: the Nix to ask.
        flake: the compiled flake with its lock.
        asked: what to ask.
        locked: what is known; of it only the holds count.
        inputs: the locked inputs, by name.
        basis_of: what an answer from each of them rests on.

    Returns: an answer for every question.

    Raises: UnresolvableError that names every package that cannot be had; NixprofError where Nix fails altogether.

    """
    stored = {question: _store_path_answer(question) for question in asked if question.package.spec.is_store_path}
    asked = [question for question in asked if question not in stored]
    if not asked:
        return stored
    told = _ask(nix, flake, asked)
    refusals = [_refusal(nix, flake, question, told[question]) for question in asked if _refused(told[question])]
    if refusals:
        raise UnresolvableError(_merged(refusals), inputs)
    answers = stored
    for question in asked:
        spec = question.package.spec
        known = locked.get(spec.key, LockedPackage())
        source = inputs[spec.input].url if known.held is None else known.held
        # What is held rests on no input: once it is let go, it has to be asked for again.
        answers[question] = _answer(told[question], source, basis_of[spec.input] if known.held is None else "")
    missing = [_without_output(question, answers[question]) for question in asked]
    if any(missing):
        raise UnresolvableError(_merged([refusal for refusal in missing if refusal]), inputs)
    return answers


def _ask(nix: Nix, flake: Path, asked: Sequence[Question]) -> dict[Question, dict[str, Any]]:
    """Evaluate; where one package breaks the whole evaluation, find it by halves."""
    by_system: dict[str, list[int]] = {}
    for question in asked:
        by_system.setdefault(question.system, []).append(question.index)
    try:
        told = nix.evaluate(flake, "lib.resolve", f"resolve: resolve {_request(by_system)}")
    except NixprofError as error:
        if error.hints:  # a cause that is known lies outside of the packages
            raise
        if len(asked) == 1:
            return {asked[0]: {"state": "threw", "said": error.cause or ""}}
        half = len(asked) // 2
        return _ask(nix, flake, asked[:half]) | _ask(nix, flake, asked[half:])
    found = {system: iter(entries) for system, entries in told.items()}
    return {question: next(found[question.system]) for question in asked}


def _request(by_system: Mapping[str, Sequence[int]]) -> str:
    """Write what is asked as Nix: systems, which the parser of the manifest has checked, and numbers."""
    return "{ " + " ".join(f'"{system}" = [ {" ".join(map(str, at))} ];' for system, at in by_system.items()) + " }"


def _refused(told: Mapping[str, Any]) -> bool:
    return bool(told["state"] != "resolved")


def _answer(told: Mapping[str, Any], source: str, basis: str) -> Answer:
    return Answer(
        Resolved(
            pname=told["pname"],
            version=told["version"],
            description=" ".join(told["description"].split()),
            main_program=told["mainProgram"],
            priority=told["priority"],
            outputs=told["outputs"],
            outputs_to_install=tuple(told["outputsToInstall"]),
            source=source,
            basis=basis,
        ),
        told["drvPath"],
    )


def _store_path_answer(question: Question) -> Answer:
    """Tell of a store path what its name tells."""
    path = question.package.spec.attr_path[0]
    pname, version = package_of([path], ())
    outputs = outputs_of([path], ())
    return Answer(Resolved(pname, version, "", "", USUAL_PRIORITY, outputs, tuple(outputs), "", ""), "")


def _without_output(question: Question, answer: Answer) -> Refusal | None:
    chosen = question.package.spec.outputs
    absent = [output for output in chosen if output != "*" and output not in answer.resolved.outputs]
    if not absent:
        return None
    there = tuple(answer.resolved.outputs)
    return Refusal(question.package, (question.system,), Obstacle.NO_OUTPUT, absent[0], details=there)


def _refusal(nix: Nix, flake: Path, question: Question, told: Mapping[str, Any]) -> Refusal:
    """Make what Nix told of one package into the reason."""
    at = (question.package, (question.system,))
    match told["state"]:
        case "missing":
            depth = told["depth"]
            close = _close(question.package.spec.attr_path[depth], told["names"])
            before = question.package.spec.attr_path[:depth]
            return Refusal(*at, Obstacle.MISSING, details=tuple(".".join((*before, name)) for name in close))
        case "not a package":
            return Refusal(*at, Obstacle.NO_PACKAGE, details=tuple(told["names"][:3]))
        case "refused":
            for obstacle in (Obstacle.UNFREE, Obstacle.INSECURE, Obstacle.BROKEN, Obstacle.UNSUPPORTED):
                if told[obstacle.value]:
                    return Refusal(*at, obstacle, told["name"], told["pname"], tuple(told["vulnerabilities"]))
    said = told.get("said") or _insist(nix, flake, question)
    return Refusal(*at, Obstacle.FAILED, details=(said,))


def _insist(nix: Nix, flake: Path, question: Question) -> str:
    """Let the package fail on its own, to hear why."""
    try:
        request = _request({question.system: [question.index]})
        nix.evaluate(flake, "lib.insist", f"insist: insist {request}")
    except NixprofError as error:
        return error.cause or error.message
    return "Nix evaluates it on its own and fails in the list"


def _close(name: str, names: Sequence[str]) -> list[str]:
    """Find names like a mistyped one: of the tens of thousands of a nixpkgs compare those that can be close."""
    import difflib

    folded = name.casefold()
    likely = [
        other
        for other in names
        if abs(len(other) - len(name)) <= _FEW
        and (other[:1].casefold() == folded[:1] or set(folded) <= set(other.casefold()))
    ]
    return difflib.get_close_matches(name, likely, n=3, cutoff=0.7)


def _merged(refusals: Sequence[Refusal]) -> tuple[Refusal, ...]:
    """Put the systems of one package together."""
    merged: dict[tuple[Any, ...], Refusal] = {}
    for refusal in refusals:
        key = (refusal.package, refusal.obstacle, refusal.details)
        known = merged.get(key)
        systems = (*known.systems, *refusal.systems) if known else refusal.systems
        merged[key] = Refusal(
            refusal.package, systems, refusal.obstacle, refusal.full_name, refusal.pname, refusal.details
        )
    return tuple(merged.values())


def sentence(refusal: Refusal, inputs: Mapping[str, LockedInput]) -> str:  # noqa: PLR0911 - one for each obstacle
    """Say in one line why a package cannot be had, by the name that the user gave it."""
    name = refusal.package.written
    called = refusal.full_name or name
    match refusal.obstacle:
        case Obstacle.MISSING:
            return f"there is no package {refusal.package.spec.name} in {_where(refusal.package.spec.input, inputs)}"
        case Obstacle.NO_PACKAGE:
            return f"{name} is a set of packages, not a package"
        case Obstacle.UNFREE:
            return f"{called} has an unfree licence, and nothing in the list allows it"
        case Obstacle.INSECURE:
            return f"{called} is marked as insecure: {'; '.join(refusal.details) or 'its maintainers say so'}"
        case Obstacle.BROKEN:
            return f"{called} is marked as broken"
        case Obstacle.UNSUPPORTED:
            return f"{called} is not available on {', '.join(refusal.systems)}"
        case Obstacle.NO_OUTPUT:
            return f"{name} has no output {refusal.full_name}; it has {', '.join(refusal.details)}"
        case Obstacle.FAILED:
            return f"{name} cannot be evaluated: {refusal.details[0]}"
    assert_never(refusal.obstacle)


def _where(name: str, inputs: Mapping[str, LockedInput]) -> str:
    from nixprof.words import revision

    locked = inputs.get(name)
    return f"{name} ({revision(locked)})" if locked and revision(locked) else name
