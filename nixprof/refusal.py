"""Why packages of the list cannot be had: as types, in a sentence, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from nixprof.flake.inputs import LockedInput
    from nixprof.manifest.model import Package

_SYSTEMS = ("aarch64-darwin", "x86_64-darwin", "aarch64-linux", "x86_64-linux")


class Obstacle(Enum):
    """Why a package cannot be had."""

    MISSING = "missing"
    NO_PACKAGE = "not a package"
    UNFREE = "unfree"
    INSECURE = "insecure"
    BROKEN = "broken"
    UNSUPPORTED = "unsupported"
    NO_OUTPUT = "no such output"
    RENAMED = "renamed"
    REMOVED = "removed"
    FAILED = "failed"


# What lifts an obstacle: the key under [nixpkgs].
POLICY_KEYS = {
    Obstacle.UNFREE: "allow-unfree",
    Obstacle.INSECURE: "allow-insecure",
    Obstacle.BROKEN: "allow-broken",
}


_SENTENCES = {
    Obstacle.MISSING: "there is no package {name} in {where}",
    Obstacle.NO_PACKAGE: "{written} is a set of packages, not a package",
    Obstacle.UNFREE: "{called} has an unfree licence, and nothing in the list allows it",
    Obstacle.INSECURE: "{called} is marked as insecure",
    Obstacle.BROKEN: "{called} is marked as broken",
    Obstacle.UNSUPPORTED: "{called} is not available on {systems}",
    Obstacle.NO_OUTPUT: "{written} has no output {output}; it has {listed}",
    Obstacle.RENAMED: "{written} is called {first} now",
    Obstacle.REMOVED: "{written} {first}",
    Obstacle.FAILED: "{written} cannot be evaluated",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A package that cannot be had, for one system or several.

    Attributes:
        package: the entry of the manifest.
        systems: where.
        obstacle: why.
        full_name: name and version of what is in the way, as it calls itself; empty where there is no package.
        pname: the name that a policy takes, likewise.
        details: known vulnerabilities, names that exist instead, systems that have it, or Nix's own words, by the
            obstacle.
        through: whether not the package itself is in the way, but one that it needs.
        elsewhere: specs of other inputs that may be meant.

    """

    package: Package
    systems: tuple[str, ...]
    obstacle: Obstacle
    full_name: str = ""
    pname: str = ""
    details: tuple[str, ...] = ()
    through: bool = False
    elsewhere: tuple[str, ...] = ()

    @property
    def policy(self) -> tuple[str, str] | None:
        """The key under [nixpkgs] that lifts the obstacle, and the name that it takes; None where none does."""
        key = POLICY_KEYS.get(self.obstacle)
        # An insecure package is allowed by name and version, the others by name.
        name = self.full_name if self.obstacle is Obstacle.INSECURE else self.pname
        return (key, name) if key else None


class UnresolvableError(NixprofError):
    """Packages of the manifest that cannot be had."""

    def __init__(
        self,
        refusals: Sequence[Refusal],
        inputs: Mapping[str, LockedInput],
        listed: frozenset[str] = frozenset(),
    ) -> None:
        """Take what is in the way.

        Args:
            refusals: at least one, in the order of the manifest.
            inputs: as they are locked.
            listed: the keys of the packages that are on the list already, and not just to be added.

        """
        refusals = merged(refusals)
        alone = len(refusals) == 1
        hints = [hint for refusal in refusals for hint in remedies(refusal, listed, alone=alone)]
        if not alone and any(refusal.package.spec.key in listed for refusal in refusals):
            hints.append("to change the list: nixprof edit")
        super().__init__(
            sentence(refusals[0], inputs) if alone else f"{len(refusals)} packages cannot be installed",
            cause="\n".join(words(refusals[0])) or None if alone else None,
            hints=tuple(dict.fromkeys(hints)),
        )
        self.refusals = refusals
        self.inputs = inputs


def merged(refusals: Sequence[Refusal]) -> tuple[Refusal, ...]:
    """Put the systems of one package together."""
    found: dict[tuple[object, ...], Refusal] = {}
    for refusal in refusals:
        key = (refusal.package, refusal.obstacle, refusal.details)
        known = found.get(key)
        found[key] = replace(refusal, systems=(*known.systems, *refusal.systems)) if known else refusal
    return tuple(found.values())


def sentence(refusal: Refusal, inputs: Mapping[str, LockedInput]) -> str:
    """Say in one line why a package cannot be had, by the name that the user gave it."""
    spec, written = refusal.package.spec, refusal.package.written
    called = refusal.full_name or written
    return _SENTENCES[refusal.obstacle].format(
        name=spec.name,
        written=written,
        called=f"{written} needs {called}, which" if refusal.through else called,
        where=_where(spec.input, inputs),
        output=refusal.full_name,
        systems=", ".join(refusal.systems),
        listed=", ".join(refusal.details),
        first=refusal.details[0] if refusal.details else "",
    )


def words(refusal: Refusal) -> tuple[str, ...]:
    """Give the vulnerabilities that are known, or Nix's own words where nixprof does not know better."""
    if refusal.obstacle is Obstacle.INSECURE:
        return refusal.details
    return tuple(refusal.details[0].splitlines()) if refusal.obstacle is Obstacle.FAILED else ()


def remedies(refusal: Refusal, listed: Collection[str], *, alone: bool) -> Iterator[str]:
    """Say what to do, as commands and as lines of the manifest that can be pasted.

    Args:
        refusal: what is in the way.
        listed: the keys of the packages that are on the list already.
        alone: whether nothing else is in the way, so that a command that changes this one package succeeds.

    """
    written = refusal.package.written
    stands = refusal.package.spec.key in listed
    instead = f"nixprof remove {written} && nixprof add" if stands else "nixprof add"
    for text, spec in _others(refusal):
        if spec in listed:
            yield f"it is on the list already, from another input: {spec}"
        elif alone or not stands:
            yield f"{text}{instead} {spec}"
        elif text:
            yield text.strip().removesuffix(":") + ("" if spec in text else f": {spec}")
    if refusal.obstacle is Obstacle.NO_PACKAGE and refusal.details:
        yield f"it has for example {', '.join(f'{written}.{name}' for name in refusal.details)}"
    if refusal.policy:
        key, name = refusal.policy
        yield f'to allow it: nixprof add {written} --{key}\nwhich writes {key} = ["{name}"] under [nixpkgs]'
    if refusal.obstacle is Obstacle.UNSUPPORTED and refusal.details and not refusal.through:
        entries = "\n".join(f'[system.{one}]\npackages = ["{written}"]' for one in tables(refusal.details))
        yield f"list it in nixprof.toml only for the systems that have it:\n{entries}"
    if stands and alone and refusal.obstacle in (Obstacle.UNSUPPORTED, Obstacle.REMOVED, Obstacle.FAILED):
        yield f"to do without it: nixprof remove {written}"


def _others(refusal: Refusal) -> Iterator[tuple[str, str]]:
    """Give the specs that may be meant, each after the words that introduce it."""
    names = [_in_input(refusal.package, name) for name in refusal.details]
    match refusal.obstacle:
        case Obstacle.MISSING:
            yield from ((f"did you mean {name}? ", name) for name in names[:1])
            yield from ((f"there is an input {spec.partition('#')[0]}: ", spec) for spec in refusal.elsewhere)
        case Obstacle.NO_OUTPUT:
            yield "", f"{refusal.package.written.partition('^')[0]}^{','.join(refusal.details)}"
        case Obstacle.RENAMED:
            yield "", names[0]
        case Obstacle.REMOVED:
            yield from (("in its place: ", name) for name in names[1:])


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


def _in_input(package: Package, name: str) -> str:
    return name if package.spec.input == "nixpkgs" else f"{package.spec.input}#{name}"


def _where(name: str, inputs: Mapping[str, LockedInput]) -> str:
    from nixprof.words import revision

    locked = inputs.get(name)
    return f"{name} ({revision(locked)})" if locked and revision(locked) else name
