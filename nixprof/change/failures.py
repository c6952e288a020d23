"""What a failure means for the list: which packages cannot be had and why, or which input.

Where a package is refused, that is data, and `hints` knows what to do about it.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.formatting import count, display_path, package_name
from nixprof.nix.derivation import is_download, needed_among
from nixprof.nix.errors import unreachable
from nixprof.record import field, record, replace
from nixprof.redact import excerpt, plain
from nixprof.store_path import is_store_path, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from nixprof.lock.flake_lock import LockedInput
    from nixprof.manifest.model import Input, Package, Scope
    from nixprof.nix.errors import NixError

# What an attribute is that has packages in it.
A_SET = "a set of packages"
# Reasons whose details are Nix's own words.
_IN_WORDS_OF_NIX = (Reason.FAILED, Reason.NEEDS_BUILD, Reason.NO_SUCH_SYSTEM)
# How much of a build's log is shown: of one build, and of each of several.
_MAX_LOG_LINES = 10
_MIN_LOG_LINES = 3
_MAX_LINE_LENGTH = 200
# More packages that need a dependency are not named.
_MAX_NAMES = 3


@record
class Attempt:
    """The command that packages were refused to, as far as a hint can correct it."""

    command: tuple[str, ...] = ()  # its words, as typed; empty where it takes no flags that allow something
    typed: Mapping[str, str] = field(default_factory=dict)  # its words that name packages, with the key of each
    references: Mapping[str, str] = field(default_factory=dict)  # what was typed for inputs that it adds, by name
    moves: bool = False  # whether it moves inputs or packages: then the list as it is can still be had
    is_trial: bool = False  # whether it writes nothing


@record
class Refusal:
    """A package that cannot be had, for one system or several."""

    package: Package
    systems: tuple[str, ...]
    reason: Reason
    full_name: str = ""  # name and version of what is in the way, as it calls itself; or the output that is missing
    allowed_as: tuple[str, ...] = ()  # the names that a policy takes, as nixpkgs itself gives them
    details: tuple[str, ...] = ()  # known problems, specs that may be meant, systems, outputs, or Nix's own words
    through: bool = False  # whether not the package itself is in the way, but one that it needs
    elsewhere: tuple[str, ...] = ()  # specs of other inputs that may be meant
    kind: str = ""  # what it is instead of a package, or more about the reason
    is_indexed: bool = False  # whether there is an index to look for it in
    is_elsewhere: bool = False  # whether another system has it, where it is missing
    can_be_allowed: bool = True  # whether a policy has an effect on it: one for nixpkgs has none on other flakes

    @property
    def policy(self) -> tuple[str, tuple[str, ...]] | None:
        """The key under [nixpkgs] that allows it, and the names that it takes; None where none does."""
        key = self.reason.policy_key
        return (key, self.allowed_as) if key and self.can_be_allowed else None


class UnresolvableError(NixprofError):
    """Packages of the manifest cannot be had."""

    def __init__(
        self,
        refusals: Sequence[Refusal],
        inputs: Mapping[str, LockedInput],
        listed: Mapping[str, Collection[Scope]] = MappingProxyType({}),
        attempt: Attempt | None = None,
    ) -> None:
        """Say why.

        Args:
            refusals: what is in the way, in the order of the manifest; at least one.
            inputs: as they are locked.
            listed: where each package, by its key, is on the list already, and not just to be added.
            attempt: the command; None where that is not known.

        """
        self.refusals = merged(refusals)
        self.inputs = inputs
        self.listed = listed
        self.attempt = attempt or Attempt()
        # Each sentence, with what nixpkgs or Nix says about it.
        self.sentences = {sentence(one, inputs): _words(one) for one in self.refusals}
        [first, *more] = self.sentences
        names = {one.package.spec.key: one.package.written for one in self.refusals}
        several = f"{len(names)} packages" if len(names) > 1 else excerpt(self.refusals[0].package.written)
        reasons = {one.reason for one in self.refusals}
        super().__init__(
            f"{several} cannot be had" if more else first,
            reasons.pop() if len(reasons) == 1 else Reason.SEVERAL,
            cause=None if more else "\n".join(self.sentences[first]) or None,
        )

    def is_listed(self, package: Package) -> bool:
        """Tell whether an entry is on the list already, and not just one of its package for other machines."""
        return package.scope in self.listed.get(package.spec.key, ())


class InputError(NixprofError):
    """An input cannot be fetched; its name is empty where Nix does not tell."""

    def __init__(self, name: str, message: str, reason: Reason, *, cause: str | None, hints: tuple[str, ...]) -> None:
        super().__init__(message, reason, cause=cause, hints=hints)
        self.name = name


@record
class Failure:
    """Why a package that could be resolved cannot be had all the same."""

    reason: Reason
    message: str
    derivation: str = ""  # what failed to build; empty for nothing


class PackagesError(NixprofError):
    """Packages cannot be built, or not be linked together."""

    def __init__(self, error: NixprofError, groups: Sequence[Mapping[str, Failure]]) -> None:
        """Say it as an error does; where one package of each group stays at what it was, the others can be had.

        Args:
            error: what to say.
            groups: why, by the keys of packages.

        """
        super().__init__(error.message, error.reason, cause=error.cause, hints=error.hints)
        self.groups = groups


def merged(refusals: Sequence[Refusal]) -> tuple[Refusal, ...]:
    """Put the systems of one package together."""
    found: dict[tuple[object, ...], Refusal] = {}
    for refusal in refusals:
        key = (refusal.package, refusal.reason, refusal.details)
        known = found.get(key)
        found[key] = replace(refusal, systems=(*known.systems, *refusal.systems)) if known else refusal
    return tuple(found.values())


def sentence(refusal: Refusal, inputs: Mapping[str, LockedInput]) -> str:
    """Say in one line why a package cannot be had, by the name that the user gave it."""
    spec, written = refusal.package.spec, excerpt(refusal.package.written)
    called = refusal.full_name or written
    return refusal.reason.sentence.format(
        name=excerpt(spec.name),
        kind=refusal.kind,
        unlifted=", and nothing in the list allows it" if refusal.can_be_allowed else "",
        written=written,
        called=f"{written} needs {called}, which" if refusal.through else called,
        where=_where(spec.input, inputs),
        there=f" for {', '.join(refusal.systems)}" if refusal.is_elsewhere else "",
        output=refusal.full_name,
        systems=", ".join(refusal.systems),
        listed=", ".join(refusal.details),
        first=refusal.details[0] if refusal.details else "",
    )


def _words(refusal: Refusal) -> tuple[str, ...]:
    """Give what nixpkgs lists as the reasons, or Nix's own words where nixprof does not know better."""
    if refusal.reason in (Reason.INSECURE, Reason.BROKEN):
        return refusal.details
    return tuple(refusal.details[0].splitlines()) if refusal.reason in _IN_WORDS_OF_NIX else ()


def _where(name: str, inputs: Mapping[str, LockedInput]) -> str:
    from nixprof.lock.flake_lock import revision

    locked = inputs.get(name)
    return f"{name} ({revision(locked)})" if locked and revision(locked) else name


## failures of Nix


def of_packages(
    error: NixError,
    absent: Mapping[str, str],
    derivations: Mapping[str, str],
    log: Callable[[str], str],
    others: int,
    command: str,
) -> NixprofError:
    """Say which packages cannot be had because Nix failed to fetch or to build.

    Args:
        error: what Nix said.
        absent: the store paths that are not there, each with the key of its package.
        derivations: what builds them, each with the key of its package, as far as that is known.
        log: gives what a build has written; empty where there is none.
        others: how many packages of the list are installed all the same.
        command: what the user typed.

    """
    if error.reason is Reason.BUILD_FAILED:
        return _of_builds((error, *error.others), absent, derivations, log)
    if error.reason not in (Reason.NETWORK, Reason.CACHE):
        return error
    message, names = error.message, sorted(set(map(package_name, absent.values())))
    if error.found.get("name") not in {*map(name_of, absent)}:  # then the message names it
        are = "is" if len(names) == 1 else "are"
        message += f", and {count(len(names), 'package')} {are} not in the store: {', '.join(names)}"
    hints = [*error.hints, f"or build instead of downloading: NIX_CONFIG='substituters =' {command}"]
    if others:
        rest = f"the other {others} are in sync" if others > 1 else "the other one is in sync"
        hints[0] = f"{rest}; {hints[0]}"
    return NixprofError(message, error.reason, cause=error.cause, hints=tuple(hints))


def _of_builds(
    errors: Sequence[NixError], absent: Mapping[str, str], derivations: Mapping[str, str], log: Callable[[str], str]
) -> NixprofError:
    """Say which builds failed, and why each of them did."""
    failed = [derivations.get(error.found["drv"]) for error in errors]
    waiting = sorted({package_name(key) for key in absent.values() if key not in failed})
    # Of several dependencies it is not known which package needs which.
    needed = "which packages of the list need"
    if failed.count(None) == 1 and len(waiting) <= _MAX_NAMES:
        needed = f"which {', '.join(waiting)} {'needs' if len(waiting) == 1 else 'need'}"
    lines = max(_MAX_LOG_LINES // len(errors), _MIN_LOG_LINES)
    each = [_of_build(error, key, needed, log, lines) for error, key in zip(errors, failed, strict=True)]
    if len(each) == 1:
        return each[0]
    each.sort(key=lambda one: one.message)
    offline = next((one.reason for one in each if one.reason is not Reason.BUILD_FAILED), None)
    causes = (line for one in each for line in (one.message, *(f"  {line}" for line in (one.cause or "").splitlines())))
    return NixprofError(
        f"{count(len(each), 'package')} cannot be built",
        offline or Reason.BUILD_FAILED,
        cause="\n".join(causes),
        hints=tuple(hint for one in each for hint in one.hints),
    )


def why_unbuilt(
    errors: Sequence[NixError], absent: Iterable[str], derivations: Mapping[str, str], built: Collection[str]
) -> list[dict[str, Failure]]:
    """Say of each package which failed build it needs.

    Args:
        errors: the builds that failed.
        absent: the keys of the packages that are not there.
        derivations: what builds packages, by key.
        built: the derivations that were to be built.

    """
    failed = {one.found["drv"]: Failure(Reason.BUILD_FAILED, one.message, one.found["drv"]) for one in errors}
    needed = {key: needed_among(derivations.get(key, ""), {*built, *failed}) for key in absent}
    unknown = Failure(Reason.BUILD_FAILED, "something that it needs cannot be built")
    usual = next(iter(failed.values())) if len(failed) == 1 else unknown
    return [{key: next((failed[one] for one in failed if one in needs), usual)} for key, needs in needed.items()]


def why_stopped(error: NixError, absent: Iterable[str], derivations: Mapping[str, str]) -> list[dict[str, Failure]]:
    """Say that builds were ended by a limit of nix.conf, which of them new versions of Nix do not say; else nothing."""
    limit = r"timed out after \d+ seconds(?: of silence)?|killed after writing more than \d+ bytes of log output"
    how = re.search(limit, error.nix_message) if error.reason is Reason.FAILED else None
    if how is None:
        return []
    return [
        {key: Failure(Reason.BUILD_FAILED, f"{package_name(key)} cannot be built: {how[0]}", derivations.get(key, ""))}
        for key in absent
    ]


def _of_build(error: NixError, key: str | None, needed: str, log: Callable[[str], str], lines: int) -> NixprofError:
    """Say why one build failed, with at most so many lines of its log."""
    name, derivation, system = error.found["name"], error.found["drv"], error.found.get("system")
    called = package_name(key) if key else f"{name}, {needed},"
    written = log(derivation) if is_store_path(derivation) else ""
    offline = unreachable(written) if is_download(derivation) else None
    if offline:
        message = f"{called} cannot be downloaded: {offline.message}"
        return NixprofError(message, offline.reason, cause=offline.cause, hints=(*offline.hints, *error.hints))
    cause = [*([error.cause] if error.cause else []), *end_of_log(written, lines)]
    hints = error.hints
    if key and system:
        table = f'[system.{system}]\npackages = ["{package_name(key)}"]'
        hints = (*hints, f"list it in nixprof.toml only for the systems that have it:\n{table}")
    return NixprofError(
        error.message.replace(name, called, 1), error.reason, cause="\n".join(cause) or None, hints=hints
    )


def end_of_log(written: str, most: int) -> tuple[str, ...]:
    """Give the last lines of what a build has written, each of which may be cut."""
    last = [line.rstrip() for line in plain(written).splitlines() if line.strip()][-most:]
    return tuple(excerpt(line, _MAX_LINE_LENGTH) for line in last)


def of_input(error: NixError, inputs: Iterable[Input], listed: Collection[str], manifest: Path) -> NixprofError:
    """Say which input it is that Nix failed to look up.

    Args:
        error: what Nix said.
        inputs: those that may be meant.
        listed: the names of the inputs that the manifest has already.
        manifest: the file.

    """
    if error.reason not in (Reason.INPUT, Reason.NETWORK):
        return error
    one = _meant(error, list(inputs))
    name = one.name if one else ""
    message = f"cannot fetch {f'the input {one.name}' if one else 'an input'}: {error.message}"
    hints = error.hints
    if one and error.reason is Reason.INPUT:
        where = f"it is under [inputs] in {display_path(manifest)}" if one.name in listed else "check how it is written"
        hints = (*hints, f'{where}: {one.name} = "{one.url}"')
    return InputError(name, message, error.reason, cause=error.cause, hints=hints)


def _meant(error: NixError, inputs: Sequence[Input]) -> Input | None:
    """Find the input by the name that newer versions tell, else by what of its reference Nix repeats."""
    named = [one for one in inputs if one.name == error.found.get("input_name")]
    if named or len(inputs) == 1:
        return (named or inputs)[0]
    parts = [part for part in error.found.values() if part]
    return next(
        (one for one in inputs if _place(one.url) in error.nix_message or any(part in one.url for part in parts)), None
    )


def _place(url: str) -> str:
    return url.partition("?")[0].rpartition(":")[2].lstrip("/")
