"""`nixprof remove`: take packages off the list, and sync."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nixprof.change.flow import begin
from nixprof.change.request import ChangeRequest
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import shell_quote
from nixprof.lock.packages_json import own_names
from nixprof.manifest.edit import remove_package
from nixprof.manifest.installable import find_packages
from nixprof.manifest.place import read_place
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nixprof.change.plan import Outcome
    from nixprof.context import Context
    from nixprof.lock.packages_json import LockedPackage
    from nixprof.manifest.model import Package, Policy, Scope


def run(context: Context, packages: Sequence[str], place: str | None = None) -> Outcome:
    """Remove packages, from every table and included file that lists them, or from the tables of one place."""
    with begin(context) as change:
        manifest, locked = change.manifest, change.before.locked
        known_as = own_names(locked)
        found = {package for name in packages for package in find_packages(name, manifest, known_as, "remove")}
        if place:
            found = _of_place(found, read_place(place, manifest, context.machine, context.arguments), place)
        texts = manifest.texts()
        # From the last of a list to the first, so that the places of the others stay what they are.
        for package in sorted(found, key=lambda package: package.path[-1], reverse=True):
            texts[package.file] = remove_package(texts[package.file], package.path)
        keys = {package.spec.key for package in found}
        request = ChangeRequest.rewriting(manifest, texts, keys)
        outcome = change.carry_out(request)
    if outcome.declined:
        return outcome
    gone = _names(locked[key] for key in keys if key in locked) - _names(outcome.plan.lock.packages.values())
    return replace(outcome, notes=tuple(_still_allowed(outcome.plan.manifest.policy, gone)))


def _of_place(found: Iterable[Package], scope: Scope, place: str) -> set[Package]:
    """Choose the entries of one place.

    Raises: NixprofError where a package has none there.
    """
    chosen = {one for one in found if (one.scope.kind, one.scope.name.lower()) == (scope.kind, scope.name.lower())}
    kept = {one.spec.key for one in chosen}
    for package in found:
        if package.spec.key not in kept:
            message = f"{package.written} is not listed for {excerpt(place)}, but {package.scope.where}"
            raise NixprofError(message, Reason.NOT_LISTED, hints=(f"nixprof remove {shell_quote(package.written)}",))
    return chosen


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
