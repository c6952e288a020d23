"""Why packages of the list cannot be had, as data. What to do about it is in `hints`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.lock.flake_lock import LockedInput
    from nixprof.manifest.model import Package

# What an attribute is that has packages in it.
A_SET = "a set of packages"
# Reasons whose details are Nix's own words.
_IN_WORDS_OF_NIX = (Reason.FAILED, Reason.NEEDS_BUILD, Reason.NO_SUCH_SYSTEM)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a command line allows."""

    obstacles: frozenset[Reason] = frozenset()
    command: tuple[str, ...] = ()  # its words, to which a hint may add flags; empty where it takes none


NOTHING = Allowance()


@dataclass(frozen=True, slots=True)
class Attempt:
    """The command that packages were refused to, as far as a hint can correct it."""

    command: tuple[str, ...] = ()  # its words, as typed; empty where it takes no flags that allow something
    typed: Mapping[str, str] = field(default_factory=dict)  # its words that name packages, with the key of each
    references: Mapping[str, str] = field(default_factory=dict)  # what was typed for inputs that it adds, by name
    moves: bool = False  # whether it moves inputs or packages: then the list as it is can still be had


@dataclass(frozen=True, slots=True)
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
        listed: frozenset[str] = frozenset(),
        attempt: Attempt | None = None,
    ) -> None:
        """Say why.

        Args:
            refusals: what is in the way, in the order of the manifest; at least one.
            inputs: as they are locked.
            listed: the keys of the packages that are on the list already, and not just to be added.
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
            f"{several} cannot be installed" if more else first,
            reasons.pop() if len(reasons) == 1 else Reason.SEVERAL,
            cause=None if more else "\n".join(self.sentences[first]) or None,
        )


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
