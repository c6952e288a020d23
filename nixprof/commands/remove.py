"""`nixprof remove`: take packages off the list, and sync."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nixprof.change.flow import begin
from nixprof.change.request import ChangeRequest
from nixprof.lock.packages_json import own_names
from nixprof.manifest.edit import remove_package
from nixprof.manifest.installable import find_packages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nixprof.change.plan import Outcome
    from nixprof.context import Context
    from nixprof.lock.packages_json import LockedPackage
    from nixprof.manifest.model import Policy


def run(context: Context, packages: Sequence[str]) -> Outcome:
    """Remove packages, from every table and included file that lists them."""
    with begin(context) as change:
        manifest, locked = change.manifest, change.before.locked
        known_as = own_names(locked)
        found = {package for name in packages for package in find_packages(name, manifest, known_as, "remove")}
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
