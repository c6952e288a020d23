"""Turn specs into store paths and metadata, by one evaluation of all that `packages.json` does not answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nixprof.change.refusal import A_SET, Refusal
from nixprof.errors import NixprofError, Reason
from nixprof.lock.freshness import packages_of
from nixprof.lock.packages_json import LockedPackage, Resolved
from nixprof.nix.errors import NixError, allowed_as, known_issues, named_instead, renamed
from nixprof.nix.nix_data import quoted
from nixprof.nix.profile import USUAL_PRIORITY
from nixprof.redact import excerpt
from nixprof.schema import fits
from nixprof.store_path import is_in_store_path, is_store_path, outputs_of, package_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from nixprof.lock.flake_lock import LockedInput
    from nixprof.machine import Machine
    from nixprof.manifest.model import Manifest, Package
    from nixprof.nix.operations import Nix


@dataclass(frozen=True, slots=True)
class ResolveRequest:
    """A package to resolve for a system; `index` is its place in the manifest, by which Nix is asked for it."""

    index: int
    package: Package
    system: str


# What `lib.resolve` of a generated flake tells of a package, by its state.
_SHAPES: dict[str, dict[str, Any]] = {
    "resolved": {
        **dict.fromkeys(("drvPath", "pname", "version", "description", "mainProgram"), str),
        "priority": int,
        "outputs": {str: str},
        **{key: [str] for key in ("outputsToInstall", "substituters", "trustedKeys")},
    },
    "refused": {
        **dict.fromkeys(("name", "pname"), str),
        **dict.fromkeys(("unfree", "insecure", "broken", "unsupported", "reached"), bool),
        **{key: [str] for key in ("vulnerabilities", "platforms", "problems", "messages")},
    },
    "malformed": dict.fromkeys(("attribute", "type"), str),
    "missing": {"depth": int, "names": [str]},
    "no such system": {"systems": [str]},
    "not a package": {"type": str, "names": [str]},
    "threw": {"reached": bool},
}


@dataclass(frozen=True, slots=True)
class ResolvedPackage:
    """What a question came to.

    Attributes:
        resolved: the package.
        derivation: what builds it; empty where none is known.
        new_name: the name that it goes by now in its input; empty where that is the same.
        substituters: the binary caches that the flake of the package names for itself.
        trusted_keys: what they sign with.

    """

    resolved: Resolved
    derivation: str
    new_name: str = ""
    substituters: tuple[str, ...] = ()
    trusted_keys: tuple[str, ...] = ()


# So many letters more or fewer may a name have to be meant, and so many names are tried.
_FEW = 2
_SOME = 100
# So many packages of a set stand for all.
_EXAMPLES = 3
_VERSION = re.compile(r"[-@]v?\d[\w.+-]*")
_KINDS = {
    "string": "a text",
    "int": "a number",
    "float": "a number",
    "bool": "a yes or no",
    "path": "a path",
    "list": "a list",
    "lambda": "a function",
    "set": "a set of other things",
}
# In this order nixpkgs looks at a package.
_REFUSALS = (Reason.UNFREE, Reason.INSECURE, Reason.BROKEN, Reason.UNSUPPORTED)
# What the packages are to blame for, and not the machine, the network or the lock. What is built here, is built to be
# evaluated.
_OF_PACKAGES = (*_REFUSALS, Reason.RENAMED, Reason.REMOVED, Reason.BUILD_FAILED, Reason.FAILED)


def questions(manifest: Manifest, machine: Machine) -> Iterator[ResolveRequest]:
    """Go through everything that has to be resolved: for this machine, and for every system of the manifest."""
    index_of = {package: index for index, package in enumerate(manifest.packages)}
    for system in dict.fromkeys((machine.system, *manifest.systems)):
        for package in packages_of(manifest, system, machine):
            yield ResolveRequest(index_of[package], package, system)


def resolve(
    nix: Nix,
    flake: Path,
    asked: Sequence[ResolveRequest],
    locked: Mapping[str, LockedPackage],
    inputs: Mapping[str, LockedInput],
    fingerprint_of: Mapping[str, str],
    declared: Sequence[str] = (),
) -> tuple[dict[ResolveRequest, ResolvedPackage], list[Refusal]]:
    """Ask Nix, in one evaluation.

    Args:
        nix: the Nix to ask.
        flake: the compiled flake with its lock.
        asked: what to ask.
        locked: what is known; of it only the holds count.
        inputs: the locked inputs, by name.
        fingerprint_of: what an answer from each of them rests on.
        declared: the names of all inputs, used or not.

    Returns: the answers, and the reasons why there is none to the other questions.

    Raises: NixprofError where Nix fails altogether.

    """
    stored = {question: _store_path_answer(question) for question in asked if question.package.spec.is_store_path}
    asked = [question for question in asked if question not in stored]
    if not asked:
        return stored, []
    told = _ask(nix, flake, asked)
    answers = stored
    refusals = _without_system(nix, flake, told)
    for question in asked:
        if told[question]["state"] == "no such system":
            continue
        found = _refusals(nix, flake, question, told[question])
        refusals += [_with_others(one, locked, declared) for one in found]
        if not found:
            spec = question.package.spec
            known = locked.get(spec.key, LockedPackage())
            source = known.held or inputs[spec.input].url
            # What is held rests on no input: once it is let go, it has to be asked for again.
            new_name = _in_place_of(nix, flake, question, told[question]["newName"])
            answers[question] = _answer(
                told[question], source, "" if known.held else fingerprint_of[spec.input], new_name
            )
    return answers, refusals


def _without_system(nix: Nix, flake: Path, told: Mapping[ResolveRequest, Mapping[str, Any]]) -> list[Refusal]:
    """Say which packages are of an input that has nothing for their system, and ask Nix for the reason once."""
    reasons: dict[tuple[str, str], str] = {}
    refusals = []
    for question, answer in told.items():
        if answer["state"] != "no such system":
            continue
        at = (question.package.spec.input, question.system)
        if at not in reasons and answer["systems"]:
            reasons[at] = f"it has packages for {', '.join(answer['systems'])}"
        elif at not in reasons:
            error = _insist(nix, flake, question)
            reasons[at] = error.said if isinstance(error, NixError) else error.message
        refusals.append(Refusal(question.package, (question.system,), Reason.NO_SUCH_SYSTEM, details=(reasons[at],)))
    return refusals


def _ask(nix: Nix, flake: Path, asked: Sequence[ResolveRequest]) -> dict[ResolveRequest, dict[str, Any]]:
    """Evaluate; where one package breaks the whole evaluation, find it by halves."""
    by_system: dict[str, list[int]] = {}
    for question in asked:
        by_system.setdefault(question.system, []).append(question.index)
    try:
        said: list[str] = []
        told = nix.evaluate(flake, "lib.resolve", f"resolve: resolve {_request(by_system)}", said.append)
    except NixError as error:
        if not _is_of_packages(error):
            raise
        if len(asked) == 1:
            return {asked[0]: {"state": "threw", "error": error, "reached": True}}
        first = [question for question in asked if question.system == asked[0].system]
        # What fails on one system is no news of another.
        half = len(first) if len(first) < len(asked) else len(asked) // 2
        ordered = [*first, *(question for question in asked if question not in first)]
        return _ask(nix, flake, ordered[:half]) | _ask(nix, flake, ordered[half:])
    try:
        found = {system: iter(entries) for system, entries in told.items()}
        answers = {question: next(found[question.system]) for question in asked}
    except (AttributeError, LookupError, TypeError, StopIteration):
        answers = {}
    if answers and all(_is_answer(question, answer) for question, answer in answers.items()):
        new_names = renamed("".join(said))
        return {question: {**answer, "newName": _in_names(question, new_names)} for question, answer in answers.items()}
    raise NixprofError(
        "Nix answers something else than it was asked",
        Reason.NOT_NIX,
        cause=str(told)[:200],
        hints=("is it Nix? nix --version",),
    )


def _in_names(question: ResolveRequest, new_names: Mapping[str, str]) -> str:
    """Find the new name of a package among those that nixpkgs warns of; empty where it has none."""
    path = question.package.spec.attr_path
    return new_names.get(".".join(path)) or new_names.get(path[-1], "")


def _in_place_of(nix: Nix, flake: Path, question: ResolveRequest, name: str) -> str:
    """Give the attribute path of a new name, which nixpkgs may mean within the set of the package or as a whole."""
    above, whole = question.package.spec.attr_path[:-1], name.split(".")
    found = _packages_among(nix, flake, question, [(*above, *whole), whole]) if above and name else []
    return found[0] if found else name


def _is_answer(question: ResolveRequest, told: Any) -> bool:
    """Tell whether Nix has answered what it was asked; see `resolveOne` in nixprof.nix."""
    shape = _SHAPES.get(told["state"]) if fits(told, {"state": str}) else None
    if shape is None or not fits(told, shape):
        return False
    match told["state"]:
        case "missing":
            return bool(0 <= told["depth"] < len(question.package.spec.attr_path))
    return True


def _request(by_system: Mapping[str, Sequence[int]]) -> str:
    """Write what is asked as Nix: systems, which the parser of the manifest has checked, and numbers."""
    return "{ " + " ".join(f'"{system}" = [ {" ".join(map(str, at))} ];' for system, at in by_system.items()) + " }"


def _answer(told: Mapping[str, Any], source: str, fingerprint: str, new_name: str) -> ResolvedPackage:
    return ResolvedPackage(
        Resolved(
            pname=told["pname"],
            version=told["version"],
            description=" ".join(told["description"].split()),
            main_program=told["mainProgram"],
            priority=told["priority"],
            outputs=told["outputs"],
            outputs_to_install=tuple(one for one in told["outputsToInstall"] if one in told["outputs"]),
            source=source,
            fingerprint=fingerprint,
        ),
        told["drvPath"],
        new_name,
        tuple(told["substituters"]),
        tuple(told["trustedKeys"]),
    )


def _store_path_answer(question: ResolveRequest) -> ResolvedPackage:
    """Tell of a store path what its name tells."""
    path = question.package.spec.attr_path[0]
    pname, version = package_of([path], ())
    outputs = outputs_of([path], ())
    return ResolvedPackage(Resolved(pname, version, "", "", USUAL_PRIORITY, outputs, tuple(outputs), "", ""), "")


def _is_of_packages(error: NixError) -> bool:
    """Tell whether a package may be to blame: also for a file that is missing, if that is one of its source."""
    file = error.found.get("file", "")
    # From 2.31 on a file of an input goes by the reference of that: «path:/home/alice/tools»/hammer.nix.
    of_source = file.startswith("«") or is_in_store_path(f"/{file}")
    return error.reason in _OF_PACKAGES or (error.reason is Reason.INPUT and of_source)


def _unusable(question: ResolveRequest, told: Mapping[str, Any]) -> list[Refusal]:
    """Say what keeps a package from being used that nothing keeps from being evaluated."""
    at = (question.package, (question.system,))
    paths = {"drvPath": told["drvPath"], **{f"{name}.outPath": path for name, path in told["outputs"].items()}}
    for name, path in paths.items():
        if not is_store_path(path):
            return [Refusal(*at, Reason.MALFORMED, details=(name,), kind=f"{excerpt(path)}, which is not a store path")]
    # An output that is chosen in the list or, where none is, by the package itself.
    chosen, there = question.package.spec.outputs, told["outputs"]
    absent = [output for output in chosen or told["outputsToInstall"] if output != "*" and output not in there]
    by_itself = "" if chosen else ", which it names as one to install"
    return [Refusal(*at, Reason.NO_SUCH_OUTPUT, one, details=tuple(there), kind=by_itself) for one in absent[:1]]


def _refusals(nix: Nix, flake: Path, question: ResolveRequest, told: Mapping[str, Any]) -> list[Refusal]:
    """Make what Nix told of one package into the reasons why it cannot be had; none where it can."""
    at = (question.package, (question.system,))
    match told["state"]:
        case "missing":
            return [Refusal(*at, Reason.MISSING, details=_meant(nix, flake, question, told))]
        case "not a package":
            return [_no_package(nix, flake, question, told)]
        case "malformed":
            return [Refusal(*at, Reason.MALFORMED, details=(told["attribute"],), kind=_kind(told["type"]))]
        case "resolved":
            return _unusable(question, told)
        case "refused":
            found = [one for one in _REFUSALS if told[one.value]]
            if found:
                return [_refusal(at, one, told) for one in found]
    error = told.get("error") or _insist(nix, flake, question)
    refusal = _from_words(question, error, told.get("name", ""))
    if refusal.reason is Reason.RENAMED:
        refusal = replace(refusal, details=(_in_place_of(nix, flake, question, refusal.details[0]),))
    return [replace(refusal, can_be_allowed=told["reached"])]


def _refusal(at: tuple[Package, tuple[str, ...]], reason: Reason, told: Mapping[str, Any]) -> Refusal:
    """Make what a package says of itself into the reason why nixpkgs refuses it."""
    full_name, pname = told["name"], told["pname"]
    names: tuple[str, ...] = (pname,)
    details: Sequence[str] = ()
    match reason:
        case Reason.INSECURE:
            names, details = (full_name,), told["vulnerabilities"]
        case Reason.UNSUPPORTED:
            details = told["platforms"]
        case Reason.BROKEN if told["problems"]:
            names = tuple(pname if one == "broken" else f"{pname}.{one}" for one in told["problems"])
            details = told["messages"]
    return Refusal(*at, reason, full_name, names, tuple(details), can_be_allowed=told["reached"])


def _kind(type_: str) -> str:
    """Say of a type of Nix's in plain words what it is."""
    return _KINDS.get(type_, "nothing")


def _meant(nix: Nix, flake: Path, question: ResolveRequest, told: Mapping[str, Any]) -> tuple[str, ...]:
    """Find packages with a name like one that is missing."""
    path, depth, names = question.package.spec.attr_path, told["depth"], told["names"]
    before, missing, after = path[:depth], path[depth], path[depth + 1 :]
    # A version holds dots, and without quotes each begins another name.
    whole = ".".join(path[depth:])
    close = [(*before, name) for name in _close(whole, names)]
    if after:
        close += [(*before, name, *after) for name in _close(missing, names)]
    return tuple(_packages_among(nix, flake, question, close))


def _no_package(nix: Nix, flake: Path, question: ResolveRequest, told: Mapping[str, Any]) -> Refusal:
    """Say what is no package: a set of some, or a part of one."""
    path = question.package.spec.attr_path
    refusal = Refusal(question.package, (question.system,), Reason.NOT_A_PACKAGE, kind=_kind(told["type"]))
    above = [path[:length] for length in range(len(path) - 1, 0, -1)]
    of_package = _packages_among(nix, flake, question, above)
    if of_package:
        return replace(refusal, details=tuple(of_package))
    inside = _packages_among(nix, flake, question, [(*path, name) for name in told["names"][:_SOME]])
    return replace(refusal, kind=A_SET, details=tuple(inside[:_EXAMPLES])) if inside else refusal


def _packages_among(nix: Nix, flake: Path, question: ResolveRequest, paths: Sequence[Sequence[str]]) -> list[str]:
    """Choose the attribute paths that lead to packages; none where Nix cannot tell."""
    if not paths:
        return []
    written = " ".join(f"[ {' '.join(map(quoted, path))} ]" for path in paths)
    try:
        told = nix.evaluate(flake, "lib.among", f'among: among "{question.system}" {question.index} [ {written} ]')
    except NixprofError:
        return []
    return [replace(question.package.spec, attr_path=tuple(path)).name for path in told] if fits(told, [[str]]) else []


def _insist(nix: Nix, flake: Path, question: ResolveRequest) -> NixprofError:
    """Let the package fail on its own, to hear why."""
    try:
        request = _request({question.system: [question.index]})
        nix.evaluate(flake, "lib.insist", f"insist: insist {request}")
    except NixError as error:
        if not _is_of_packages(error):
            raise
        return error
    except NixprofError as error:
        return error
    return NixprofError("Nix evaluates it on its own and fails in the list", Reason.FAILED)


def _from_words(question: ResolveRequest, error: NixprofError, name: str) -> Refusal:
    """Make Nix's own words into the reason: what is said of a package that this one needs, or of its old name.

    Args:
        question: the package.
        error: what Nix said.
        name: what the package calls itself, with its version; empty where that is not known.

    """
    refusal = Refusal(question.package, (question.system,), Reason.FAILED, details=(error.cause or error.message,))
    if not isinstance(error, NixError):
        return refusal
    match error.reason:
        case Reason.RENAMED:
            return replace(refusal, reason=Reason.RENAMED, details=(error.found["new"],))
        case Reason.REMOVED:
            instead = named_instead(error.said)
            return replace(
                refusal, reason=Reason.REMOVED, details=(error.found["why"], *([instead] if instead else []))
            )
        case Reason.UNFREE | Reason.INSECURE | Reason.BROKEN | Reason.UNSUPPORTED:
            refused = error.found["package"]
            return replace(
                refusal,
                reason=error.reason,
                full_name=refused,
                allowed_as=allowed_as(error.said, refused),
                details=known_issues(error.said),
                through=refused != name,
            )
        case Reason.BUILD_FAILED:
            return replace(refusal, reason=Reason.NEEDS_BUILD, kind=_without_build(question, error))
    return replace(refusal, details=(error.said or error.message,))


def _without_build(question: ResolveRequest, error: NixError) -> str:
    """Say that a package has to be built to be evaluated, and where that could be done."""
    on = f" on {error.found['system']}" if error.found.get("system") else ""
    return f" for {question.system} here: that takes a build of {error.found['name']}{on}"


def _with_others(refusal: Refusal, locked: Mapping[str, LockedPackage], declared: Sequence[str]) -> Refusal:
    """Add what the other inputs may have in place of a package that is missing."""
    if refusal.reason is not Reason.MISSING:
        return refusal
    spec = refusal.package.spec
    named = [f"{name}#default" for name in declared if name != spec.input and name == spec.name]
    found = [key for key in locked if key != spec.key and key.partition("#")[2] == spec.name]
    return replace(refusal, elsewhere=tuple(found or named))


def _close(name: str, names: Sequence[str]) -> list[str]:
    """Find names like a mistyped one: of the tens of thousands of a nixpkgs compare those that can be close."""
    import difflib

    folded = name.casefold()
    plain = _VERSION.sub("", folded)
    by_folded = {other.casefold(): other for other in reversed(names)}
    likely = [
        other
        for other in by_folded
        if abs(len(other) - len(name)) <= _FEW and (other[:1] == folded[:1] or set(folded) <= set(other))
    ]
    found = [folded, *difflib.get_close_matches(folded, likely, n=3, cutoff=0.7), plain]
    return [by_folded[other] for other in dict.fromkeys(found) if other in by_folded]
