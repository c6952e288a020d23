"""What is to be exported, and what of it a format cannot express."""

from __future__ import annotations

from enum import Enum
from itertools import chain, count
from typing import TYPE_CHECKING

from nixprof.exporters.formulae import formula
from nixprof.exporters.sources import fetched, identity
from nixprof.lock.flake_lock import revision
from nixprof.lock.flake_nix import used_inputs
from nixprof.lock.packages_json import FollowsInput, HeldAt, KeptByPath, LockedPackage
from nixprof.manifest.flake_reference import Reference
from nixprof.manifest.spec import ALL_OUTPUTS, DEFAULT_INPUT
from nixprof.record import record, replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from nixprof.lock.lock import Lock
    from nixprof.lock.packages_json import Hold, Resolved
    from nixprof.machine import Machine
    from nixprof.manifest.model import Input, Manifest, Package


class Feature(Enum):
    """What a list says or holds, and a format may be unable to; the value is what scripts read."""

    SYSTEM = "system"  # a package for some systems only
    HOST = "host"  # a package for another host
    UNAVAILABLE = "unavailable"  # a package that cannot be had on a system
    STORE_PATH = "store-path"  # a package of which only the store path is known
    NAME = "name"  # a package that can have no such name elsewhere
    DOTTED = "dotted-name"  # an attribute with a dot in its name, which looks like two
    HELD = "held"  # a package at a revision of its own: pinned, frozen or held back
    OUTPUTS = "outputs"
    PRIORITY = "priority"
    INPUT = "input"  # a package that is not from nixpkgs
    REVISION = "revision"  # which revision nixpkgs is locked to
    LOCK = "lock"  # an input that is not locked yet
    FOLLOWS = "follows"  # an input that takes an input of the list instead of its own
    POLICY = "policy"  # what [nixpkgs] allows
    OVERLAYS = "overlays"
    FLAKES = "flakes"  # something that Nix fetches only where flakes are enabled


@record
class Loss:
    """Something that is not expressed."""

    feature: Feature
    subject: str  # the package, the input or the key of the list
    message: str


@record
class Item:
    """A package of the list, as some systems have it."""

    package: Package
    hold: Hold
    resolved: Resolved | None  # on the first of the systems; None where it is not resolved yet
    systems: tuple[str, ...]
    source: str = ""  # the input that it follows, or one of `Exportable.held`; empty for a store path

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs that the list chooses; () for the usual ones, or for all where these are not known."""
        chosen = self.package.spec.outputs
        if chosen == ALL_OUTPUTS:
            return tuple(sorted(self.resolved.outputs)) if self.resolved else ()
        return chosen

    @property
    def formula(self) -> str:
        """What Homebrew may call it; empty where it can have no such name."""
        return formula(self.package.spec.attr_path[-1], self.resolved.pname if self.resolved else "")

    @property
    def is_dotted(self) -> bool:
        """Whether a part of its attribute path has a dot."""
        return any("." in part for part in self.package.spec.attr_path)

    @property
    def version(self) -> str:
        """The version that it is locked to; empty where that is not known."""
        return self.resolved.version if self.resolved else ""


@record
class Exportable:
    """A list with its lock, as some systems have it."""

    manifest: Manifest
    lock: Lock
    systems: tuple[str, ...]
    items: tuple[Item, ...]  # in the order of the list
    held: Mapping[str, HeldAt]  # where packages come from that stay at a revision of their own, each with a name
    left_out: tuple[Loss, ...]  # entries of the list that none of the systems has

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs that are needed, besides those of what stays at a revision of its own."""
        by_hold = sorted(self.items, key=lambda item: isinstance(item.hold, FollowsInput))
        holds = {item.package.spec.key: LockedPackage(hold=item.hold) for item in by_hold}
        return used_inputs(replace(self.manifest, packages=tuple(item.package for item in self.items)), holds)

    def input(self, name: str) -> Input:
        """Give an input of the list by its name."""
        return next(one for one in self.manifest.inputs if one.name == name)

    @property
    def linker(self) -> str:
        """The source of packages that is the nixpkgs of all."""
        found = self._of_nixpkgs
        return found[0] if found and DEFAULT_INPUT not in found else DEFAULT_INPUT

    @property
    def _of_nixpkgs(self) -> list[str]:
        """The sources of packages that are the list's nixpkgs, at whatever revision."""
        return [item.source for item in self.items if item.source and item.package.spec.input == DEFAULT_INPUT]

    def url(self, source: str) -> str:
        """Give the locked reference of a source; the one of the list where it is not locked yet."""
        held, locked = self.held.get(source), self.lock.inputs.get(source)
        return held.reference if held else locked.url if locked else self.input(source).url

    def tree(self, source: str) -> str:
        """Give the code that fetches a nixpkgs without flakes; empty where it takes those, or is another flake."""
        url = self.url(source)
        is_nixpkgs = source in (DEFAULT_INPUT, *self._of_nixpkgs) or Reference.parse(url).is_nixpkgs
        return fetched(url) if is_nixpkgs else ""

    def losses(self, expressed: Collection[Feature]) -> tuple[Loss, ...]:
        """Give what is not expressed by a format that can express some features."""
        has_nixpkgs = Feature.REVISION in expressed  # and does not take that of another configuration
        found = [loss for item in self.items for loss in self._of(item)]
        found += (
            Loss(Feature.FLAKES, item.package.written, "needs Nix's experimental feature flakes")
            for item in self.items
            if item.source and (has_nixpkgs or item.source != DEFAULT_INPUT) and not self.tree(item.source)
        )
        linker = (self.input(DEFAULT_INPUT),) if has_nixpkgs and self.linker == DEFAULT_INPUT else ()
        found += self._of_all(dict.fromkeys((*self.inputs, *linker)))
        lost = (loss for loss in found if loss.feature not in expressed)
        return tuple(dict.fromkeys((*self.left_out, *lost)))

    def _of(self, item: Item) -> Iterator[Loss]:
        package, spec = item.package, item.package.spec
        name = spec.name if spec.is_store_path else package.written
        if isinstance(item.hold, KeptByPath):
            yield Loss(Feature.STORE_PATH, name, "left out: only its store path is known")
            return
        if not item.formula:
            yield Loss(Feature.NAME, name, "left out: Homebrew has no such names")
        if item.is_dotted and item.source == DEFAULT_INPUT:
            yield Loss(Feature.DOTTED, name, "left out: its name has a dot in it, which means a set there")
        if len(item.systems) < len(self.systems):
            yield Loss(Feature.SYSTEM, name, f"for {', '.join(item.systems)} only")
        if isinstance(item.hold, HeldAt):
            rev = Reference.parse(item.hold.reference).rev[:7]
            yield Loss(Feature.HELD, name, f"stays at {item.version or rev or item.hold.reference}")
        if spec.outputs:
            outputs = "all outputs" if spec.outputs == ALL_OUTPUTS else f"the outputs {', '.join(spec.outputs)}"
            yield Loss(Feature.OUTPUTS, name, outputs)
        if package.priority is not None:
            yield Loss(Feature.PRIORITY, name, f"the priority {package.priority}")
        source = self.input(spec.input)
        if spec.input != DEFAULT_INPUT:
            yield Loss(Feature.INPUT, name, f"from {source.url}")
        if source.follows:
            ours = ", ".join(f"{theirs} from {ours}" for theirs, ours in source.follows)
            yield Loss(Feature.FOLLOWS, source.name, f"takes {ours}")

    def _of_all(self, inputs: Iterable[Input]) -> Iterator[Loss]:
        for one in inputs:
            locked = self.lock.inputs.get(one.name)
            if locked is None:
                yield Loss(Feature.LOCK, one.name, "not locked yet: nixprof sync")
            elif one.name == DEFAULT_INPUT:
                yield Loss(Feature.REVISION, one.name, f"locked to {revision(locked) or locked.url}")
        policy = self.manifest.policy
        for key, value in policy.table.items():
            feature = Feature.OVERLAYS if key == "overlays" else Feature.POLICY
            if value and feature is Feature.OVERLAYS:
                yield Loss(Feature.FLAKES, key, "need Nix's experimental feature flakes")
            if value:
                yield Loss(feature, key, "true" if isinstance(value, bool) else ", ".join(value))


def exportable(manifest: Manifest, lock: Lock, machine: Machine, systems: Sequence[str]) -> Exportable:
    """Find out what each of some systems has, for this host."""
    wanted = {system: set(manifest.for_machine(machine.with_system(system))) for system in systems}
    items: list[Item] = []
    left_out: list[Loss] = []
    for package in manifest.packages:
        having = [system for system in systems if package in wanted[system]]
        if not having and package.scope.reason:
            feature = Feature.HOST if package.scope.kind == "host" else Feature.SYSTEM
            left_out.append(Loss(feature, package.written, f"left out: {package.scope.reason}"))
        known = lock.held(package, machine.system) if package.pin else lock.package(package.spec.key)
        missing = {system: why for system, why in known.unavailable.items() if system not in known.systems}
        for system in having:
            if system in missing:
                message = f"left out on {system}: {missing[system].reason}"
                left_out.append(Loss(Feature.UNAVAILABLE, package.written, message))
        items += _items(package, known, [system for system in having if system not in missing])
    places = _named_holds(items, (one.name for one in manifest.inputs))
    named = tuple(replace(item, source=_source(item, places)) for item in items)
    return Exportable(manifest, lock, tuple(systems), named, dict(places.values()), tuple(left_out))


def _named_holds(items: Sequence[Item], of_inputs: Iterable[str]) -> dict[str, tuple[str, HeldAt]]:
    """Name the places that packages are held at: by the input and the revision, as in `nixpkgs-9a8b7c6`.

    Returns: by `identity`, the name of each place, which no input has, and what is held there first.
    """
    found: dict[str, tuple[str, HeldAt]] = {}
    taken = set(of_inputs)
    for item in items:
        if isinstance(item.hold, HeldAt) and (place := identity(item.hold)) not in found:
            rev = Reference.parse(item.hold.reference).rev[:7] or "held"
            base = f"{item.package.spec.input}-{rev}"
            names = chain((base,), (f"{base}-{number}" for number in count(2)))
            found[place] = next(name for name in names if name not in taken), item.hold
            taken.add(found[place][0])
    return found


def _source(item: Item, places: Mapping[str, tuple[str, HeldAt]]) -> str:
    if isinstance(item.hold, HeldAt):
        return places[identity(item.hold)][0]
    return item.package.spec.input if isinstance(item.hold, FollowsInput) else ""


def _items(package: Package, known: LockedPackage, systems: Sequence[str]) -> list[Item]:
    """Tell what a package is on some systems; those on which the same holds it are together."""
    found: list[tuple[Hold, list[str]]] = []
    for system in systems:
        hold = known.hold_on(system)
        if isinstance(hold, KeptByPath) and system not in known.systems:
            if package.spec.is_store_path:
                continue  # it is one of another system
            hold = FollowsInput()
        same = next((on for other, on in found if other == hold and not isinstance(hold, KeptByPath)), None)
        if same is None:
            found.append((hold, [system]))
        else:
            same.append(system)
    return [Item(package, hold, known.systems.get(on[0]), tuple(on)) for hold, on in found]
