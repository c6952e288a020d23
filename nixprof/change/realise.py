"""Bring what an environment links into the store, and say beforehand what that takes."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from nixprof.change.failures import PackagesError, of_packages, why_stopped, why_unbuilt
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import count, listed, package_name
from nixprof.lock.packages_json import KeptByPath
from nixprof.nix.download_plan import DownloadPlan, difference
from nixprof.nix.errors import NixError
from nixprof.record import record, replace
from nixprof.redact import excerpt
from nixprof.store_path import is_store_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.change.evaluation import ResolvedPackage, ResolveRequest
    from nixprof.change.plan import Plan
    from nixprof.change.resolve import Resolver
    from nixprof.context import Context
    from nixprof.nix.operations import Nix, SshStore

    Evaluated = Mapping[ResolveRequest, ResolvedPackage]

MAX_NAMES = 4  # how many packages a step names


def derivations(evaluated: Evaluated, system: str) -> dict[str, str]:
    """Give what builds each store path of a system, as `nix-store --realise` takes it, as far as it is in the store."""
    return {
        path: f"{package.derivation}!{output}"
        for request, package in evaluated.items()
        if request.system == system and os.path.lexists(package.derivation)
        for output, path in package.resolved.outputs.items()
    }


def _missing(packages: Iterable[EnvironmentEntry]) -> dict[str, str]:
    """Give the store paths that are not on the disk, each with the key of its package."""
    return {path: one.key for one in packages for path in one.paths if not os.path.lexists(path)}


def _lent(context: Context, nix: Nix, missing: Iterable[str]) -> set[str]:
    """Tell which store paths come from another machine; none from one that does not say, see `_borrow`."""
    if context.store:
        with suppress(NixprofError), context.progress.step(f"asking {context.store.machine}"):
            return nix.lent(missing, context.store)
    return set()


def plan_downloads(
    context: Context,
    nix: Nix,
    packages: Sequence[EnvironmentEntry],
    leaving: Sequence[EnvironmentEntry],
    evaluated: Evaluated,
    failed: Collection[str] = (),
) -> DownloadPlan | None:
    """Tell what `realise` will fetch and build, and how much more that is than what leaves.

    Args:
        context: whose packages.
        nix: is asked.
        packages: what the environment will link.
        leaving: what it takes the place of.
        evaluated: what was evaluated for the change.
        failed: derivations that have failed to build before, and may have left something in the place of a path.

    Returns: None where nothing is missing and nothing leaves.

    """
    builds = derivations(evaluated, context.machine.system)
    missing = _missing(packages).keys() | {path for path, how in builds.items() if how.partition("!")[0] in failed}
    downloads = None
    if missing:
        lent = _lent(context, nix, missing)
        with context.progress.step("asking the caches"):
            downloads = nix.plan_downloads(builds.get(path, path) for path in missing - lent)
        if context.store and lent:
            downloads = replace(downloads, copied=tuple(sorted(lent)), lender=context.store.machine)
    if not leaving or (downloads and (downloads.built or downloads.copied)):
        return downloads
    there = ([path for one in some for path in one.paths if os.path.lexists(path)] for some in (leaving, packages))
    try:
        before, staying = nix.closures(*there)
    except NixprofError:  # something was deleted by hand
        return downloads
    return replace(downloads or DownloadPlan((), (), 0, 0), difference_bytes=difference(before, staying, downloads))


@record
class Realisation:
    """Bringing the packages of an environment into the store."""

    context: Context
    nix: Nix
    roots: Path  # gets links that protect what was fetched or built from garbage collection
    installed: Sequence[EnvironmentEntry]  # what the profile has, which protects it
    plan: Plan
    resolver: Resolver

    @property
    def missing(self) -> dict[str, str]:
        """The store paths that are not on the disk, each with the key of its package."""
        return _missing(self.plan.packages)

    def perform(self) -> None:
        """Fetch what is in a cache, and build the rest.

        Raises: NixprofError that says which packages cannot be had, and why.
        """
        missing = self.missing
        if self.context.store and missing:
            self._borrow(missing, self.context.store)
            missing = self.missing
        there = {path for one in self.installed for path in one.paths} - missing.keys()
        new = [path for one in self.plan.packages for path in one.paths if path not in there]
        if not new or (not missing and self._are_there(new)):
            return
        doing = f"{_doing(self.plan.downloads)} {_names(missing.values())}" if missing else "looking into the store"
        tried = {path: how for path, how in self._builds().items() if path in missing}
        try:
            self._realise(new, tried, doing)
        except NixError as error:
            missing = self.invalid()
            builds = self._builds()
            if error.reason is not Reason.FAILED or missing.keys() <= tried.keys() & builds.keys():
                raise self._explained(error, missing) from error
        else:
            return
        # A path was only there as what a failed build has left, was locked earlier and is in no cache, or the garbage
        # collector has deleted what was to build it.
        unknown = {path: key for path, key in missing.items() if path not in builds}
        if unknown:
            self._evaluate_again(unknown)
        builds = self._builds()
        try:
            self._realise(new, {path: builds[path] for path in missing}, f"building {_names(missing.values())}")
        except NixError as error:
            raise self._explained(error, self.invalid()) from error

    def _borrow(self, missing: Mapping[str, str], store: SshStore) -> None:
        """Copy what another machine has; what that comes to nothing for is fetched or built as ever."""
        try:
            with self.context.progress.step(f"copying {_names(missing.values())} from {store.machine}"):
                found = self.nix.borrow(missing, store)
        except NixprofError as error:
            for line in (f"nothing is copied from {store.machine}: {error.message}", *error.hints):
                self.context.progress.note(line)
        else:
            self.context.progress.note(f"{count(len(found), 'store path')} copied from {store.machine}")

    def _are_there(self, paths: Sequence[str]) -> bool:
        """Protect store paths that are on the disk; False where Nix does not count one of them as in the store."""
        try:
            with self.context.progress.step("looking into the store"):
                self.nix.protect(paths, self.roots)
        except NixError:
            return False
        return True

    def _builds(self) -> dict[str, str]:
        """Give what builds each store path, as far as that is known by now."""
        return derivations(self.resolver.evaluated, self.context.machine.system)

    def _realise(self, paths: Sequence[str], builds: Mapping[str, str], doing: str) -> None:
        with self.context.progress.step(doing):
            self.nix.realise((builds.get(path, path) for path in paths), self.roots)

    def invalid(self) -> dict[str, str]:
        """Give the store paths that are not in the store, whatever a build that failed has left in their places."""
        keys = {path: one.key for one in self.plan.packages for path in one.paths}
        there = {path for path in keys if os.path.lexists(path)}
        gone = keys.keys() - there | self.nix.invalid(there)
        return {path: key for path, key in keys.items() if path in gone}

    def _evaluate_again(self, missing: Mapping[str, str]) -> None:
        """Evaluate the packages of store paths that cannot be fetched, to be able to build them.

        Raises: NixprofError where nothing builds exactly them.
        """
        lost = {path: key for path, key in missing.items() if not self._has_source(key)}
        if lost:
            raise _lost(lost)
        evaluated = self.resolver.evaluate_again(self.plan.after, set(missing.values()))
        for path in missing.keys() - derivations(evaluated, self.context.machine.system).keys():
            raise self._mismatch(path, missing[path], evaluated)

    def _has_source(self, key: str) -> bool:
        known, system = self.plan.after.lock.package(key), self.context.machine.system
        by_path = isinstance(known.hold_on(system), KeptByPath)
        return not is_store_path(key) and (not by_path or known.systems[system].source != "")

    def _mismatch(self, path: str, key: str, evaluated: Evaluated) -> NixprofError:
        """Say why a store path cannot be built: evaluation gives another one, or its derivation is gone."""
        name = package_name(key)
        outputs = next(
            (one.resolved.outputs for request, one in evaluated.items() if request.package.spec.key == key), {}
        )
        if path in outputs.values():
            return NixprofError(
                f"{name} cannot be built: the garbage collector keeps deleting what its build needs",
                Reason.NO_SOURCE,
                hints=("wait for the garbage collection to end, then run the same command again",),
            )
        locked = self.plan.after.lock.package(key).systems[self.context.machine.system].outputs
        now = next((outputs.get(output) for output, there in locked.items() if there == path), None)
        return NixprofError(
            f"{name} is in no cache, and building it does not give what the lock says",
            Reason.LOCK_MISMATCH,
            cause=f"the lock says   {path}\nevaluation says {now or 'that there is no such output'}",
            hints=(f"nixprof update {name}",),
        )

    def _who_signed(self, error: NixError) -> str | None:
        """Say who has signed what Nix does not trust, where the cache tells."""
        if "untrusted" not in error.found:
            return None
        with suppress(NixprofError):
            signers = self.nix.signers(error.found["url"], [error.found["path"]]).get(error.found["path"])
            if signers is not None:
                who = listed(sorted(map(excerpt, signers)), MAX_NAMES)
                return f"it is signed by {who}, which is not in trusted-public-keys" if who else "it is not signed"
        return None

    def _explained(self, error: NixError, missing: Mapping[str, str]) -> NixprofError:
        """Say which packages a failure of Nix to fetch or to build belongs to."""
        derivations = {key: one for key, one in self.resolver.derivations.items() if one}
        keys = {one: key for key, one in derivations.items()}
        others = {one.key for one in self.installed} - set(missing.values())
        error.cause = self._who_signed(error) or error.cause
        explained = of_packages(error, missing, keys, self.nix.log, len(others), self.context.typed())
        absent = dict.fromkeys(missing.values())
        built = self.plan.downloads.built if self.plan.downloads else ()
        if explained.reason is Reason.BUILD_FAILED:
            return PackagesError(explained, why_unbuilt((error, *error.others), absent, derivations, built))
        stopped = why_stopped(error, absent, derivations)
        return PackagesError(explained, stopped) if stopped else explained


def _lost(absent: Mapping[str, str]) -> NixprofError:
    """Say that store paths are gone, and that nobody knows how to make them again."""
    return NixprofError(
        f"{_names(absent.values())}: in no cache, and the source is unknown",
        Reason.NO_SOURCE,
        cause="\n".join(absent),
        hints=(
            "copy it from a machine that has it: nix copy --from ssh://HOST STORE-PATH",
            *(f"or: nixprof remove {package_name(key)}" for key in sorted(set(absent.values()))),
        ),
    )


def _doing(downloads: DownloadPlan | None) -> str:
    if downloads is None or not downloads.built:
        return "fetching"
    return "fetching and building" if downloads.fetched else "building"


def _names(keys: Iterable[str]) -> str:
    names = sorted(set(map(package_name, keys)))
    return ", ".join(names) if len(names) <= MAX_NAMES else count(len(names), "package")
