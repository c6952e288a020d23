"""Hold-back: a package that cannot be had as its input has it now stays at what it was, and everything else moves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nixprof.change.failures import Failure
from nixprof.errors import TRY_AGAIN, NixprofError, Reason
from nixprof.formatting import DAY_SECONDS, count
from nixprof.lock.freshness import has_outputs
from nixprof.lock.packages_json import HeldAt, Unavailable
from nixprof.nix.derivation import is_download, needed_among
from nixprof.record import field, record, replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nixprof.change.evaluation import ResolveRequest
    from nixprof.change.plan import StayingInput
    from nixprof.change.request import ChangeRequest
    from nixprof.lock.freshness import Gap, LockedManifest
    from nixprof.lock.lock import Lock
    from nixprof.lock.packages_json import LockedPackage
    from nixprof.manifest.model import Build, Package
    from nixprof.nix.download_plan import DownloadPlan

# What may be otherwise at the next update, although nothing has changed in the input.
_MAY_PASS = tuple(reason.value for reason in (Reason.UNCACHED, Reason.INPUT, Reason.NETWORK))


@record
class HoldBack:
    """Which packages stay at what they were before a change."""

    before: Lock
    request: ChangeRequest
    today: int = field(default_factory=lambda: int(time.time()) // DAY_SECONDS * DAY_SECONDS)

    def begin(self, lock: Lock) -> Lock:
        """Let go what is worth another try in an update: what is named, and what may be in a cache by now."""
        moves, packages = self.request.moves, dict(lock.packages)
        for key, known in lock.packages.items():
            moving = key.partition("#")[0] in moves.inputs
            for system, why in known.unavailable.items():
                again = moves.again or moves.strict or why.reason in _MAY_PASS
                if key in moves.keys or (moving and again):
                    packages[key] = packages[key].without(system, replace(why, source="", fingerprint=""))
        return replace(lock, packages=packages)

    def may_stay(self, package: Package, system: str) -> bool:
        """Tell whether a package that cannot be had stays, instead of failing the change.

        What an update names does not: who names a package wants that one. What is held back already does in every
        change, so that nobody has to see to it before something else can be done.
        """
        known = self.before.package(package.spec.key)
        kept = known.systems.get(system)
        if package.spec.key in self.request.moves.keys or kept is None or not has_outputs(package, kept):
            return False
        return bool(self.request.moves) or system in known.unavailable

    def has_moved(self, lock: Lock, package: Package, system: str) -> bool:
        """Tell whether a package may stay, and a lock has something else for it."""
        key = package.spec.key
        if not self.may_stay(package, system):
            return False
        return self.before.package(key).systems[system].outputs != lock.package(key).systems[system].outputs

    def stay(self, lock: Lock, package: Package, system: str, why: Unavailable) -> Lock:
        """Put what a package was on a system, if anything, back into a lock, with the reason."""
        key = package.spec.key
        known, now = self.before.package(key), lock.package(key)
        if system not in known.systems:
            return lock.with_packages({key: now.without(system, why)})
        back = replace(now, systems={**now.systems, system: known.systems[system]})
        if system in known.unavailable:
            back = back.without(system, known.unavailable[system])
        why = replace(why, since=self.today, nodes=self._nodes(package, known, system))
        return lock.with_packages({key: back.without(system, why)})

    def stay_after_all(self, locked: LockedManifest, packages: Mapping[Package, Failure]) -> LockedManifest:
        """Do so for packages that could be resolved, and then could not be had on the machine."""
        lock, system = locked.lock, locked.machine.system
        for package, failure in packages.items():
            now = lock.package(package.spec.key).systems[system]
            # Not the one that it was resolved under: since then, more may have been allowed.
            fingerprint = locked.fingerprints.get(package.spec.input, now.fingerprint)
            reason, message, derivation = failure.reason.value, failure.message, failure.derivation
            why = Unavailable(reason, message, now.source, fingerprint, derivation=derivation)
            lock = self.stay(lock, package, system, why)
        return locked.with_lock(lock)

    def stay_with_input(
        self, locked: LockedManifest, asked: Sequence[ResolveRequest], staying: Mapping[str, StayingInput]
    ) -> LockedManifest:
        """Let packages stay whose input cannot be fetched, although something that it follows has moved."""
        lock = locked.lock
        for one in asked:
            name, is_known = one.package.spec.input, one.system in lock.package(one.key).systems
            if is_known and not locked.is_resolved(one.package, one.system):
                url, fingerprint = lock.inputs[name].url, locked.fingerprints.get(name, "")
                why = Unavailable(staying[name].reason.value, staying[name].message, url, fingerprint)
                lock = self.stay(lock, one.package, one.system, why)
        return locked.with_lock(lock)

    @property
    def failed(self) -> dict[str, str]:
        """The derivations that have failed to build before, each with what was said of it."""
        known = (why for package in self.before.packages.values() for why in package.unavailable.values())
        return {why.derivation: why.message for why in known if why.derivation}

    def unbuilt(
        self, derivations: Mapping[Package, str], downloads: DownloadPlan, policy: Build
    ) -> dict[Package, Failure]:
        """Choose the packages that are not to be built here.

        Args:
            derivations: of the packages that have moved.
            downloads: what would be fetched and built.
            policy: what may be built.

        Raises: NixprofError where these are all of them and a cache cannot be reached.

        """
        if self.request.moves.again:
            return {}
        built, known = set(downloads.built), self.failed
        builds = {one for one in built if not is_download(one)}
        held: dict[Package, Failure] = {}
        for package, derivation in derivations.items():
            needed = needed_among(derivation, built)
            failed = next((one for one in known if one in needed), None)
            if failed:
                held[package] = Failure(Reason.BUILD_FAILED, known[failed], failed)
            elif len(needed & builds) > policy.most:
                held[package] = _uncached(package, len(needed & builds), downloads.unreachable)
        uncached = [one for one in held.values() if one.reason is Reason.UNCACHED]
        if downloads.unreachable and uncached and len(uncached) == len(derivations):
            raise NixprofError(
                f"cannot reach {', '.join(downloads.unreachable)}, and every package would have to be built here",
                Reason.NETWORK,
                hints=(TRY_AGAIN, "or build everything here: nixprof update --build"),
            )
        return held

    def _nodes(self, package: Package, known: LockedPackage, system: str) -> tuple[Mapping[str, object], ...]:
        """Give what the package that stays depends on, as it was locked."""
        hold, source = known.hold_on(system), known.systems[system].source
        if isinstance(hold, HeldAt):
            return hold.nodes
        locked = self.before.inputs.get(package.spec.input)
        return locked.nodes if locked and locked.url == source else ()


def _uncached(package: Package, builds: int, unreachable: Sequence[str]) -> Failure:
    where = f"no cache but perhaps {', '.join(unreachable)}" if unreachable else "no cache"
    return Failure(Reason.UNCACHED, f"{package.written} is in {where}, and takes {count(builds, 'build')} here")


def told(failures: Mapping[Package, Failure]) -> Iterator[str]:
    """Say which packages stay, those with the same reason in one line, and where the log of a build is."""
    names: dict[Failure, list[str]] = {}
    for package, failure in failures.items():
        names.setdefault(failure, []).append(package.written)
    for failure, some in names.items():
        stay = "stays as it is" if len(some) == 1 else "stay as they are"
        yield f"{', '.join(some)} {stay}: {failure.message}"
        if failure.derivation:
            yield f"  its log: nix-store --read-log {failure.derivation}"


def check_nothing_held(held: Sequence[Gap]) -> None:
    """Make sure that nothing is held back, as `--strict` wants it.

    Raises: NixprofError that says why what is held cannot be had.
    """
    if not held:
        return
    reasons = {gap.why.reason for gap in held}
    messages = dict.fromkeys(gap.why.message for gap in held)
    raise NixprofError(
        next(iter(messages)) if len(messages) == 1 else f"{count(len(held), 'package')} cannot be updated",
        Reason(reasons.pop()) if len(reasons) == 1 else Reason.SEVERAL,
        cause=None if len(messages) == 1 else "\n".join(messages),
        hints=("without --strict the others are updated, and what cannot be had stays as it is",),
    )
