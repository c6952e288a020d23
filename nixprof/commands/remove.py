"""`nixprof remove`: take packages off the list, and sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.flow import begin
from nixprof.change.request import ChangeRequest, Unlisted
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import shell_quote
from nixprof.manifest.edit import remove_empty_table, remove_package
from nixprof.manifest.place import read_place
from nixprof.record import replace
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from nixprof.change.plan import Outcome
    from nixprof.context import Context
    from nixprof.lock.packages_json import LockedPackage
    from nixprof.machine import Machine
    from nixprof.manifest.model import Manifest, Package, Policy


def run(context: Context, packages: Sequence[str], places: Sequence[str] | None = None) -> Outcome:
    """Remove packages, from every table and included file that lists them, or from the tables of some places."""
    with begin(context) as change:
        manifest, before = change.manifest, change.before
        found = {package for name in packages for package in before.named(name, "remove")}
        if places:
            found = {one for place in places for one in _of_place(found, place, manifest, context)}
        texts = manifest.texts()
        # From the last of a list to the first, so that the places of the others stay what they are.
        for package in sorted(found, key=lambda package: package.path[-1], reverse=True):
            texts[package.file] = remove_package(texts[package.file], package.path)
        for file, table in {(package.file, package.scope.table) for package in found}:
            texts[file] = remove_empty_table(texts[file], table)
        keys = {package.spec.key for package in found}
        request = replace(
            ChangeRequest.rewriting(manifest, texts, keys), unlisted=_elsewhere(manifest, found, context.machine)
        )
        outcome = change.carry_out(request)
    if outcome.declined:
        return outcome
    gone = _names(map(before.lock.package, keys)) - _names(outcome.plan.after.lock.packages.values())
    return replace(outcome, notes=tuple(_still_allowed(outcome.plan.after.manifest.policy, gone)))


def _of_place(found: Iterable[Package], place: str, manifest: Manifest, context: Context) -> set[Package]:
    """Choose the entries of one place.

    Raises: NixprofError where a package has none there.
    """
    scope = read_place(place, manifest, context.machine, context.arguments)
    chosen = {one for one in found if (one.scope.kind, one.scope.name.lower()) == (scope.kind, scope.name.lower())}
    kept = {one.spec.key for one in chosen}
    for package in found:
        if package.spec.key not in kept:
            there = dict.fromkeys(scope.on for scope in manifest.places[package.spec.key])
            where = ", ".join(one or "all machines" for one in there)
            message = f"{package.written} is not listed for {excerpt(place)}, but for {where}"
            hints = tuple(_from(package.written, one) for one in there)
            raise NixprofError(message, Reason.NOT_LISTED, hints=hints)
    return chosen


def _from(name: str, place: str) -> str:
    """Offer to remove a package from a place that lists it; empty for all machines, which no `--on` means."""
    if place:
        return f"to remove it there: nixprof remove {shell_quote(name)} --on {shell_quote(place)}"
    return f"to remove it from every machine: nixprof remove {shell_quote(name)}"


def _elsewhere(manifest: Manifest, found: Collection[Package], machine: Machine) -> tuple[Unlisted, ...]:
    """Say which entries of other machines go, in the order of the list."""
    going = (one for one in manifest.packages if one in found and not one.scope.applies(machine))
    return tuple(Unlisted(one.written.partition("^")[0], one.scope.on) for one in going)


def _names(packages: Iterable[LockedPackage]) -> set[str]:
    """Give the names that a policy may allow packages by."""
    systems = [resolved for package in packages for resolved in package.systems.values()]
    return {one.pname for one in systems} | {f"{one.pname}-{one.version}" for one in systems}


def _still_allowed(policy: Policy, names: set[str]) -> Iterator[str]:
    """Name what a policy allows although it was for what is gone."""
    for key, allowed in policy.allowed.items():
        found = [name for name in allowed if name in names] if isinstance(allowed, tuple) else []
        if found:
            yield f"{key} still names {', '.join(found)}; if nothing else needs that: nixprof edit"
