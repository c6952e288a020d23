"""Why packages of the list cannot be had: as types, in a sentence, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.formatting import shell_quote
from nixprof.manifest.model import INTEL_MAC, LAST_FOR_INTEL_MACS
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.change.hints import Attempt
    from nixprof.lock.flake_lock import LockedInput
    from nixprof.manifest.model import Package

# What has packages in it, and is none.
A_SET = "a set of packages"
_SYSTEMS = ("aarch64-darwin", "x86_64-darwin", "aarch64-linux", "x86_64-linux")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a command line allows.

    Attributes:
        obstacles: what may be lifted.
        command: the command line itself, to which a hint may add; empty where it has no place for that.

    """

    obstacles: frozenset[Reason] = frozenset()
    command: tuple[str, ...] = ()


NOTHING = Allowance()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A package that cannot be had, for one system or several.

    Attributes:
        package: the entry of the manifest.
        systems: where.
        reason: why.
        full_name: name and version of what is in the way, as it calls itself; empty where there is no package.
        allowed_as: the names that a policy takes, as nixpkgs itself gives them.
        details: known vulnerabilities or problems, specs that may be meant, systems that have it, or Nix's own words,
            by the obstacle.
        through: whether not the package itself is in the way, but one that it needs.
        elsewhere: specs of other inputs that may be meant.
        kind: what it is instead of a package, or more about the obstacle.
        can_be_allowed: whether a policy has an effect on it: one for nixpkgs has none on other flakes.

    """

    package: Package
    systems: tuple[str, ...]
    reason: Reason
    full_name: str = ""
    allowed_as: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    through: bool = False
    elsewhere: tuple[str, ...] = ()
    kind: str = ""
    can_be_allowed: bool = True

    @property
    def policy(self) -> tuple[str, tuple[str, ...]] | None:
        """The key under [nixpkgs] that lifts the obstacle, and the names that it takes; None where none does."""
        key = self.reason.policy_key
        return (key, self.allowed_as) if key and self.can_be_allowed else None


class UnresolvableError(NixprofError):
    """Packages of the manifest that cannot be had.

    Attributes:
        refusals: what is in the way, in the order of the manifest; at least one.
        inputs: as they are locked.
        listed: the keys of the packages that are on the list already, and not just to be added.

    """

    def __init__(
        self,
        refusals: Sequence[Refusal],
        inputs: Mapping[str, LockedInput],
        listed: frozenset[str] = frozenset(),
        attempt: Attempt | None = None,
    ) -> None:
        """Take what is in the way, and the command that it is in the way of; None where that is not known."""
        from nixprof.change.hints import advise

        refusals = merged(refusals)
        alone = len(refusals) == 1
        packages = dict.fromkeys(refusal.package.spec.key for refusal in refusals)
        one = f"{excerpt(refusals[0].package.written)} cannot be installed"
        several = one if len(packages) == 1 else f"{len(packages)} packages cannot be installed"
        super().__init__(
            sentence(refusals[0], inputs) if alone else several,
            refusals[0].reason if len({refusal.reason for refusal in refusals}) == 1 else Reason.SEVERAL,
            cause="\n".join(words(refusals[0])) or None if alone else None,
            hints=advise(refusals, listed, attempt),
        )
        self.refusals = refusals
        self.inputs = inputs
        self.listed = listed

    def met_by(self, attempt: Attempt) -> UnresolvableError:
        """Give the same with hints for the command that it is in the way of."""
        return UnresolvableError(self.refusals, self.inputs, self.listed, attempt)


def without_system(refusals: Sequence[Refusal], inputs: Mapping[str, LockedInput]) -> NixprofError:
    """Say that an input has nothing for this machine, and what to do about it.

    nixpkgs refuses Intel Macs from 26.11 on: https://nixos.org/manual/nixpkgs/unstable/release-notes
    """
    first = refusals[0]
    name, cause = first.package.spec.input, first.details[0]
    packages = dict.fromkeys(one.package.written for one in refusals if one.package.spec.input == name)
    hints = [f"without {'it' if len(packages) == 1 else 'them'}: nixprof remove {' '.join(map(shell_quote, packages))}"]
    if first.systems == (INTEL_MAC,) and "has dropped support" in cause:
        lines = f'[inputs]\nnixpkgs = "{LAST_FOR_INTEL_MACS.url}"'
        hints = [f"for the last release that has them, write to nixprof.toml, then: nixprof sync\n{lines}"]
    return NixprofError(sentence(first, inputs), Reason.NO_SUCH_SYSTEM, cause=cause, hints=tuple(hints))


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


def words(refusal: Refusal) -> tuple[str, ...]:
    """Give what nixpkgs lists as the reasons, or Nix's own words where nixprof does not know better."""
    if refusal.reason in (Reason.INSECURE, Reason.BROKEN):
        return refusal.details
    own_words = refusal.reason in (Reason.FAILED, Reason.NEEDS_BUILD, Reason.NO_SUCH_SYSTEM)
    return tuple(refusal.details[0].splitlines()) if own_words else ()


def tables(platforms: Sequence[str]) -> tuple[str, ...]:
    """Name the fewest `[system.…]` tables that stand for the systems of a package."""
    there = [system for system in _SYSTEMS if system in platforms]
    names: list[str] = []
    for word in ("darwin", "linux", "aarch64", "x86_64"):
        meant = [system for system in _SYSTEMS if word in system.split("-")]
        if set(meant) <= set(there):
            names.append(word)
            there = [system for system in there if system not in meant]
    return (*names, *there) or tuple(platforms[:1])


def _where(name: str, inputs: Mapping[str, LockedInput]) -> str:
    from nixprof.lock.flake_lock import revision

    locked = inputs.get(name)
    return f"{name} ({revision(locked)})" if locked and revision(locked) else name
