"""What evaluation says of packages: store paths and metadata, or why a package cannot be had."""

from __future__ import annotations

import re
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nixprof.change.failures import A_SET, Refusal
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import nearest
from nixprof.lock.packages_json import Resolved
from nixprof.manifest.spec import dotted
from nixprof.nix.errors import NixError, allowed_as, known_issues, named_instead, renamed
from nixprof.nix.nix_data import quoted
from nixprof.nix.profile import USUAL_PRIORITY
from nixprof.record import record, replace
from nixprof.redact import excerpt
from nixprof.schema import fits
from nixprof.store_path import is_in_store_path, is_store_path, outputs_of, package_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nixprof.lock.freshness import LockedManifest
    from nixprof.manifest.model import Package
    from nixprof.nix.operations import Nix

# What `lib.resolve` of a generated flake tells of a package, by its state.
_SHAPES: dict[str, dict[str, Any]] = {
    "resolved": {
        **dict.fromkeys(("drvPath", "pname", "version", "description", "mainProgram", "changelog"), str),
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

# Suggest names whose length differs by at most this.
MAX_LENGTH_DIFFERENCE = 2
# Look for packages among this many attributes of a set, and name this many of them.
MAX_ATTRIBUTES = 100
MAX_EXAMPLES = 3
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
# In the order in which nixpkgs looks at a package.
_REFUSALS = (Reason.UNFREE, Reason.INSECURE, Reason.BROKEN, Reason.UNSUPPORTED)
# Failures that are the fault of a package, and not of the machine, the network or the lock. What is built during an
# evaluation is built to be evaluated.
_OF_PACKAGES = (*_REFUSALS, Reason.RENAMED, Reason.REMOVED, Reason.BUILD_FAILED, Reason.FAILED)


@record
class ResolveRequest:
    """A package to resolve for a system; `index` is its place in the manifest, by which Nix is asked for it."""

    index: int
    package: Package
    system: str

    @property
    def key(self) -> str:
        """The key of the package."""
        return self.package.spec.key


@record
class ResolvedPackage:
    """What evaluation says of a package."""

    resolved: Resolved
    derivation: str  # what builds it; empty for a store path
    new_name: str = ""  # the name that it has now in its input; empty where that is the same
    substituters: tuple[str, ...] = ()  # the binary caches that the flake of the package names for itself
    trusted_keys: tuple[str, ...] = ()  # the keys that they sign with


def evaluate(
    nix: Nix,
    folder: Path,
    asked: Sequence[ResolveRequest],
    known: LockedManifest,
    indexes: Mapping[str, Path] = MappingProxyType({}),
    here: str = "",
) -> tuple[dict[ResolveRequest, ResolvedPackage], list[Refusal]]:
    """Ask Nix about packages in one evaluation of the generated folder.

    Args:
        nix: is asked.
        folder: the generated one.
        asked: what to ask about.
        known: what the folder was generated from.
        indexes: the file of the index of each input, whether it is there or not: it tells what may be meant instead.
        here: the system of this machine, which may have what another one lacks; empty for not to look.

    Returns: what the packages are, and why the others cannot be had.

    Raises: NixprofError where Nix fails altogether.

    """
    evaluated = {one: _resolved_store_path(one) for one in asked if one.package.spec.is_store_path}
    asked = [one for one in asked if one not in evaluated]
    if not asked:
        return evaluated, []
    evaluation = _Evaluation(nix, folder, indexes)
    replies = evaluation.resolve(asked)
    refusals = evaluation.without_system(replies)
    for one in asked:
        if replies[one]["state"] == "no such system":
            continue
        found = evaluation.refusals(one, replies[one])
        refusals += [_with_others(refusal, known) for refusal in found]
        if not found:
            source, fingerprint = known.source_of(one.package, one.system)
            new_name = evaluation.in_place_of(one, replies[one]["newName"])
            evaluated[one] = _resolved(replies[one], source, fingerprint, new_name)
    had = {one.key for one in evaluated}
    missing = [one for one in asked if replies[one]["state"] == "missing" and one.key not in had]
    had |= evaluation.had_on(here, [one for one in missing if replace(one, system=here) not in replies])
    return evaluated, [replace(one, is_elsewhere=True) if one.package.spec.key in had else one for one in refusals]


@record
class _Evaluation:
    """The functions of a generated flake, see `lib` in nixprof.nix."""

    nix: Nix
    folder: Path
    indexes: Mapping[str, Path]

    def resolve(self, asked: Sequence[ResolveRequest]) -> dict[ResolveRequest, dict[str, Any]]:
        """Ask about packages; where one breaks the whole evaluation, find it by halves."""
        by_system: dict[str, list[int]] = {}
        for one in asked:
            by_system.setdefault(one.system, []).append(one.index)
        stderr: list[str] = []
        try:
            reply = self.nix.evaluate(
                self.folder, "lib.resolve", f"resolve: resolve {_request(by_system)}", stderr.append
            )
        except NixError as error:
            if not _is_of_packages(error):
                raise
            if len(asked) == 1:
                return {asked[0]: {"state": "threw", "error": error, "reached": True}}
            first = [one for one in asked if one.system == asked[0].system]
            # What fails on one system says nothing about another.
            half = len(first) if len(first) < len(asked) else len(asked) // 2
            ordered = [*first, *(one for one in asked if one not in first)]
            return self.resolve(ordered[:half]) | self.resolve(ordered[half:])
        try:
            found = {system: iter(entries) for system, entries in reply.items()}
            replies = {one: next(found[one.system]) for one in asked}
        except (AttributeError, LookupError, TypeError, StopIteration):
            replies = {}
        if replies and all(_is_reply(one, reply) for one, reply in replies.items()):
            new_names = renamed("".join(stderr))
            return {one: {**reply, "newName": _new_name(one, new_names)} for one, reply in replies.items()}
        raise NixprofError(
            "the answer of Nix does not match the question",
            Reason.NOT_NIX,
            cause=str(reply)[:200],
            hints=("to check that it is Nix: nix --version",),
        )

    def had_on(self, system: str, missing: Sequence[ResolveRequest]) -> set[str]:
        """Choose what a system has of the packages that others lack, by key, allowed or not; nothing for no system."""
        asked = list(dict.fromkeys(replace(one, system=system) for one in missing if system))
        replies = self.resolve(asked) if asked else {}
        return {one.key for one, reply in replies.items() if reply["state"] in ("resolved", "refused")}

    def force(self, one: ResolveRequest) -> NixprofError:
        """Evaluate a package on its own, to hear why it fails."""
        try:
            self.nix.evaluate(
                self.folder, "lib.forceEval", f"forceEval: forceEval {_request({one.system: [one.index]})}"
            )
        except NixError as error:
            if not _is_of_packages(error):
                raise
            return error
        except NixprofError as error:
            return error
        return NixprofError("Nix evaluates it on its own and fails in the list", Reason.FAILED)

    def packages_among(self, one: ResolveRequest, paths: Sequence[Sequence[str]]) -> list[str]:
        """Choose the attribute paths that lead to packages; none where Nix cannot tell."""
        if not paths:
            return []
        written = " ".join(f"[ {' '.join(map(quoted, path))} ]" for path in paths)
        function = f'filterDerivations: filterDerivations "{one.system}" {one.index} [ {written} ]'
        try:
            reply = self.nix.evaluate(self.folder, "lib.filterDerivations", function)
        except NixprofError:
            return []
        return [replace(one.package.spec, attr_path=tuple(path)).name for path in reply] if fits(reply, [[str]]) else []

    def without_system(self, replies: Mapping[ResolveRequest, Mapping[str, Any]]) -> list[Refusal]:
        """Say which packages are of an input that has nothing for their system, and ask Nix for the reason once."""
        reasons: dict[tuple[str, str], str] = {}
        refusals = []
        for one, reply in replies.items():
            if reply["state"] != "no such system":
                continue
            at = (one.package.spec.input, one.system)
            if at not in reasons and reply["systems"]:
                reasons[at] = f"it has packages for {', '.join(reply['systems'])}"
            elif at not in reasons:
                error = self.force(one)
                reasons[at] = error.nix_message if isinstance(error, NixError) else error.message
            refusals.append(Refusal(one.package, (one.system,), Reason.NO_SUCH_SYSTEM, details=(reasons[at],)))
        return refusals

    def in_place_of(self, one: ResolveRequest, name: str) -> str:
        """Give the attribute path of a new name, which nixpkgs may mean within the set of the package or as a whole."""
        above, whole = one.package.spec.attr_path[:-1], name.split(".")
        found = self.packages_among(one, [(*above, *whole), whole]) if above and name else []
        return found[0] if found else name

    def refusals(self, one: ResolveRequest, reply: Mapping[str, Any]) -> list[Refusal]:
        """Make the reply about a package into the reasons why it cannot be had; none where it can."""
        at = (one.package, (one.system,))
        match reply["state"]:
            case "missing":
                is_indexed, meant, own = self.is_indexed(one), self._meant(one, reply), one.package.spec.name
                others = tuple(name for name in meant if name != own)  # the index is of one system
                is_elsewhere = own in meant
                return [Refusal(*at, Reason.MISSING, details=others, is_indexed=is_indexed, is_elsewhere=is_elsewhere)]
            case "not a package":
                return [self._no_package(one, reply)]
            case "malformed":
                return [Refusal(*at, Reason.MALFORMED, details=(reply["attribute"],), kind=_kind(reply["type"]))]
            case "resolved":
                return _unusable(one, reply)
            case "refused":
                found = [reason for reason in _REFUSALS if reply[reason.value]]
                if found:
                    return [_refusal(at, reason, reply) for reason in found]
        error = reply.get("error") or self.force(one)
        refusal = _from_words(one, error, reply.get("name", ""))
        if refusal.reason is Reason.RENAMED:
            refusal = replace(refusal, details=(self.in_place_of(one, refusal.details[0]),))
        return [replace(refusal, can_be_allowed=reply["reached"])]

    def _meant(self, one: ResolveRequest, reply: Mapping[str, Any]) -> tuple[str, ...]:
        """Find packages with a name like one that is missing."""
        path, depth, names = one.package.spec.attr_path, reply["depth"], reply["names"]
        before, missing, after = path[:depth], path[depth], path[depth + 1 :]
        # A version holds dots, and without quotes each begins another name.
        whole = ".".join(path[depth:])
        close = [(*before, name) for name in _close(whole, names)]
        if after:
            close += [(*before, name, *after) for name in _close(missing, names)]
        return self._indexed(one, close) or tuple(self.packages_among(one, close))

    def is_indexed(self, one: ResolveRequest) -> bool:
        """Tell whether the input of a package has an index."""
        index = self.indexes.get(one.package.spec.input)
        return index is not None and index.exists()

    def _indexed(self, one: ResolveRequest, close: Sequence[Sequence[str]]) -> tuple[str, ...]:
        """Find packages that have a program, or a name in a set, that was taken for an attribute, and then those close.

        All of that by the index, without Nix; nothing where there is no index, or it knows nothing.
        """
        import sqlite3

        from nixprof.index.names import Names

        index = Names.open(self.indexes[one.package.spec.input]) if one.package.spec.input in self.indexes else None
        if not index:
            return ()
        with suppress(sqlite3.Error):
            typed = one.package.spec.name
            likely = [*(one[0] for one in index.with_program(typed)), *index.in_sets(typed), *map(dotted, close)]
            return tuple(name for name in dict.fromkeys(likely) if index.has(name))
        return ()

    def _no_package(self, one: ResolveRequest, reply: Mapping[str, Any]) -> Refusal:
        """Say what is not a package: a set of some, or a part of one."""
        path = one.package.spec.attr_path
        refusal = Refusal(one.package, (one.system,), Reason.NOT_A_PACKAGE, kind=_kind(reply["type"]))
        of_package = self.packages_among(one, [path[:length] for length in range(len(path) - 1, 0, -1)])
        if of_package:
            return replace(refusal, details=tuple(of_package))
        inside = self.packages_among(one, [(*path, name) for name in reply["names"][:MAX_ATTRIBUTES]])
        return replace(refusal, kind=A_SET, details=tuple(inside[:MAX_EXAMPLES])) if inside else refusal


def _new_name(one: ResolveRequest, new_names: Mapping[str, str]) -> str:
    """Find the new name of a package among those that nixpkgs warns of; empty where it has none."""
    path = one.package.spec.attr_path
    return new_names.get(".".join(path)) or new_names.get(path[-1], "")


def _is_reply(one: ResolveRequest, reply: Any) -> bool:
    """Tell whether a reply is about what Nix was asked; see `resolveOne` in nixprof.nix."""
    shape = _SHAPES.get(reply["state"]) if fits(reply, {"state": str}) else None
    if shape is None or not fits(reply, shape):
        return False
    return reply["state"] != "missing" or bool(0 <= reply["depth"] < len(one.package.spec.attr_path))


def _request(by_system: Mapping[str, Sequence[int]]) -> str:
    """Write what is asked as Nix: systems, which the parser of the manifest has checked, and numbers."""
    return "{ " + " ".join(f'"{system}" = [ {" ".join(map(str, at))} ];' for system, at in by_system.items()) + " }"


def _resolved(reply: Mapping[str, Any], source: str, fingerprint: str, new_name: str) -> ResolvedPackage:
    return ResolvedPackage(
        Resolved(
            pname=reply["pname"],
            version=reply["version"],
            description=" ".join(reply["description"].split()),
            main_program=reply["mainProgram"],
            priority=reply["priority"],
            outputs=reply["outputs"],
            outputs_to_install=tuple(one for one in reply["outputsToInstall"] if one in reply["outputs"]),
            source=source,
            fingerprint=fingerprint,
            changelog=reply["changelog"] if re.fullmatch(r"https?://\S+", reply["changelog"]) else "",
        ),
        reply["drvPath"],
        new_name,
        tuple(reply["substituters"]),
        tuple(reply["trustedKeys"]),
    )


def _resolved_store_path(one: ResolveRequest) -> ResolvedPackage:
    """Tell of a store path what its name tells."""
    path = one.package.spec.attr_path[0]
    pname, version = package_of([path], ())
    outputs = outputs_of([path], ())
    return ResolvedPackage(Resolved(pname, version, "", "", USUAL_PRIORITY, outputs, tuple(outputs), "", ""), "")


def _is_of_packages(error: NixError) -> bool:
    """Tell whether a package may be to blame: also for a file that is missing, if that is one of its source."""
    file = error.found.get("file", "")
    # From 2.31 on a file of an input goes by the reference of that: «path:/home/alice/tools»/hammer.nix.
    of_source = file.startswith("«") or is_in_store_path(f"/{file}")
    return error.reason in _OF_PACKAGES or (error.reason is Reason.INPUT and of_source)


def _unusable(one: ResolveRequest, reply: Mapping[str, Any]) -> list[Refusal]:
    """Say what keeps a package from being used that nothing keeps from being evaluated."""
    at = (one.package, (one.system,))
    paths = {"drvPath": reply["drvPath"], **{f"{name}.outPath": path for name, path in reply["outputs"].items()}}
    for name, path in paths.items():
        if not is_store_path(path):
            return [Refusal(*at, Reason.MALFORMED, details=(name,), kind=f"{excerpt(path)}, which is not a store path")]
    # An output that is chosen in the list or, where none is, by the package itself.
    chosen, there = one.package.spec.outputs, reply["outputs"]
    absent = [output for output in chosen or reply["outputsToInstall"] if output != "*" and output not in there]
    by_itself = "" if chosen else ", which it names as one to install"
    return [Refusal(*at, Reason.NO_SUCH_OUTPUT, output, details=tuple(there), kind=by_itself) for output in absent[:1]]


def _refusal(at: tuple[Package, tuple[str, ...]], reason: Reason, reply: Mapping[str, Any]) -> Refusal:
    """Make what a package says about itself into the reason why nixpkgs refuses it."""
    full_name, pname = reply["name"], reply["pname"]
    names: tuple[str, ...] = (pname,)
    details: Sequence[str] = ()
    match reason:
        case Reason.INSECURE:
            names, details = (full_name,), reply["vulnerabilities"]
        case Reason.UNSUPPORTED:
            details = reply["platforms"]
        case Reason.BROKEN if reply["problems"]:
            names = tuple(pname if one == "broken" else f"{pname}.{one}" for one in reply["problems"])
            details = reply["messages"]
    return Refusal(*at, reason, full_name, names, tuple(details), can_be_allowed=reply["reached"])


def _kind(type_: str) -> str:
    """Say of a type of Nix's in plain words what it is."""
    return _KINDS.get(type_, "nothing")


def _from_words(one: ResolveRequest, error: NixprofError, name: str) -> Refusal:
    """Make Nix's own words into the reason; `name` is what the package calls itself, with its version, or empty."""
    refusal = Refusal(one.package, (one.system,), Reason.FAILED, details=(error.cause or error.message,))
    if not isinstance(error, NixError):
        return refusal
    match error.reason:
        case Reason.RENAMED:
            return replace(refusal, reason=Reason.RENAMED, details=(error.found["new"],))
        case Reason.REMOVED:
            instead = named_instead(error.nix_message)
            return replace(
                refusal, reason=Reason.REMOVED, details=(error.found["why"], *([instead] if instead else []))
            )
        case Reason.UNFREE | Reason.INSECURE | Reason.BROKEN | Reason.UNSUPPORTED:
            refused = error.found["package"]
            return replace(
                refusal,
                reason=error.reason,
                full_name=refused,
                allowed_as=allowed_as(error.nix_message, refused),
                details=known_issues(error.nix_message),
                through=refused != name,
            )
        case Reason.BUILD_FAILED:
            return replace(refusal, reason=Reason.NEEDS_BUILD, kind=_without_build(one, error))
    return replace(refusal, details=(error.nix_message or error.message,))


def _without_build(one: ResolveRequest, error: NixError) -> str:
    """Say that a package has to be built to be evaluated, and where that could be done."""
    on = f" on {error.found['system']}" if error.found.get("system") else ""
    return f" for {one.system} here: that takes a build of {error.found['name']}{on}"


def _with_others(refusal: Refusal, known: LockedManifest) -> Refusal:
    """Add what the other inputs may have in place of a package that is missing."""
    if refusal.reason is not Reason.MISSING:
        return refusal
    spec = refusal.package.spec
    named = [f"{one.name}#default" for one in known.manifest.inputs if one.name == spec.name != spec.input]
    found = [key for key in known.lock.packages if key != spec.key and key.partition("#")[2] == spec.name]
    return replace(refusal, elsewhere=tuple(found or named))


def _close(name: str, names: Sequence[str]) -> list[str]:
    """Find names like a mistyped one: of the tens of thousands of a nixpkgs compare those that can be close."""
    folded = name.casefold()
    plain = _VERSION.sub("", folded)
    by_folded = {other.casefold(): other for other in reversed(names)}
    likely = [
        other
        for other in by_folded
        if abs(len(other) - len(name)) <= MAX_LENGTH_DIFFERENCE
        and (other[:1] == folded[:1] or set(folded) <= set(other))
    ]
    found = [folded, *nearest(folded, likely, most=3, cutoff=0.7), plain]
    return [by_folded[other] for other in dict.fromkeys(found) if other in by_folded]
