"""The stage: the generated folder that is to be, put together in a scratch folder, and what it asks of Nix.

Its methods are the steps of a change, in this order; each leaves the folder complete for the next.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.build_failures import of_input, of_packages
from nixprof.change.generations import SOURCES, relative_sources, write_sources
from nixprof.change.hints import renaming
from nixprof.change.refusal import UnresolvableError, sentence
from nixprof.change.request import Moves
from nixprof.change.resolve import questions, resolve
from nixprof.change.state import State, generated
from nixprof.errors import NixprofError, Reason
from nixprof.files import content, scratch_folder
from nixprof.formatting import count, package_name, shell_quote
from nixprof.lock.flake_lock import LockedInput, read_flake_lock
from nixprof.lock.flake_nix import compile_inputs, used_inputs
from nixprof.lock.freshness import fingerprints, is_answered, is_known_unavailable
from nixprof.lock.packages_json import LockedPackage, Resolved, Unavailable, holds, prune, write_packages
from nixprof.nix.download_plan import DownloadPlan, difference
from nixprof.nix.errors import NixError
from nixprof.nix.profile import USUAL_PRIORITY
from nixprof.store_path import is_store_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.change.resolve import ResolvedPackage, ResolveRequest
    from nixprof.context import Context
    from nixprof.manifest.model import Input, Manifest, Package
    from nixprof.nix.operations import Nix


# Stands for a package on a system until it is known there: it rests on nothing that is.
_TO_BE_RESOLVED = Resolved("", "", "", "", USUAL_PRIORITY, {}, (), source="?", fingerprint="?")


class Staging:
    """The generated folder of a manifest, on its way.

    Attributes:
        locked: what `packages.json` will have, by key.

    """

    def __init__(
        self, folder: Path, roots: Path, context: Context, nix: Nix, manifest: Manifest, before: State
    ) -> None:
        """Begin in an empty folder, with what is locked so far.

        Args:
            folder: becomes the generated folder.
            roots: gets links to what was fetched or built, which protect it from garbage collection.
            context: whose packages.
            nix: is asked.
            manifest: what is wanted.
            before: how things stand.

        """
        self._folder = folder
        self._roots = roots
        self._absent: dict[str, str] = {}
        self._project = context
        self._nix = nix
        self._manifest = manifest
        self._before = before
        self._listed = frozenset(package.spec.key for package in before.manifest.packages)
        self._sources = relative_sources(manifest)
        self._answers: dict[ResolveRequest, ResolvedPackage] = {}
        self._written: Mapping[str, LockedPackage] | None = None
        self._can_be_allowed: frozenset[Reason] = frozenset()
        self.locked = prune(before.locked, (package.spec.key for package in manifest.packages))
        lock = content(context.folders.flake / "flake.lock")
        if lock is not None:
            # Here, where its name is that of the user's file.
            read_flake_lock(context.folders.flake / "flake.lock")
            self._lock_file.write_bytes(lock)
        self._write()

    @classmethod
    @contextmanager
    def of(cls, context: Context, nix: Nix, manifest: Manifest, before: State) -> Iterator[Staging]:
        """Set the stage for a manifest, and clear it away in the end."""
        with scratch_folder(context.folders.state) as scratch:
            folder, roots = Path(scratch, "flake"), Path(scratch, "roots")
            folder.mkdir()
            roots.mkdir()
            yield cls(folder, roots, context, nix, manifest, before)

    def inputs(self) -> Mapping[str, LockedInput]:
        """Read what the inputs are locked to."""
        return read_flake_lock(self._lock_file)

    def files(self) -> dict[str, bytes]:
        """Give the whole folder, by the names of its files."""
        return {path.name: path.read_bytes() for path in sorted(self._folder.iterdir())}

    @property
    def _lock_file(self) -> Path:
        return self._folder / "flake.lock"

    def _write(self) -> None:
        """Write what follows from the manifest and from what is locked, unless it is there already."""
        if self._written == self.locked:
            return
        self._written = dict(self.locked)
        for name, data in generated(self._manifest, self.locked).items():
            (self._folder / name).write_bytes(data)
        (self._folder / "packages.json").write_text(write_packages(self.locked), encoding="utf-8")
        (self._folder / SOURCES).write_bytes(write_sources(self._sources))

    def adopt(self, packages: Mapping[str, LockedPackage]) -> None:
        """Take over answers, by key."""
        for key, package in packages.items():
            systems = self.locked.get(key, LockedPackage()).systems
            self.locked[key] = replace(package, systems={**systems, **package.systems})
        self._write()

    ## lock

    def lock_inputs(self) -> None:
        """Lock the inputs that are not locked yet."""
        self._let_go_elsewhere()
        used = self._used_inputs()
        compiled = "\n".join(f"  {line}" for line in compile_inputs(used))
        text = (content(self._project.folders.flake / "flake.nix") or b"").decode(errors="replace")
        # The lock is complete where it was made for these very inputs.
        if compiled in text and {one.name for one in used} == set(self.inputs()):
            return
        with self._project.progress.step("locking the inputs"), self._named_inputs():
            self._nix.lock(self._folder)

    def _let_go_elsewhere(self) -> None:
        """Let what is held without a known source go with its input on every other system."""
        let_go: dict[str, LockedPackage] = {}
        for question in questions(self._manifest, self._project.machine):
            key = question.package.spec.key
            known = let_go.get(key) or self.locked.get(key)
            if known and known.held == "" and question.system not in {*known.systems, *known.unavailable}:
                let_go[key] = known.on(question.system, _TO_BE_RESOLVED)
        if let_go:
            self.locked |= let_go
            self._write()

    @contextmanager
    def _named_inputs(self) -> Iterator[None]:
        """Name the input where Nix fails to look one up."""
        known = self.inputs()
        used = self._used_inputs()
        try:
            yield
        except NixError as error:
            missing = [one for one in used if one.name not in known]
            listed = {one.name for one in self._before.manifest.inputs}
            raise of_input(error, missing or used, listed, self._project.folders.manifest) from error

    def move(self, moves: Moves) -> None:
        """Move inputs with their packages, and packages alone."""
        if moves == Moves():
            return
        with self._project.progress.step("looking for newer revisions"), self._named_inputs():
            for package in moves.packages:
                self._move_alone(package)
            moving = self._following(moves.inputs)
            for package in self._manifest.packages:
                own = package.spec.input in moves.inputs
                if package not in moves.packages and (own or (package.pin and package.spec.input in moving)):
                    self._go_along(package)
            self._write()
            used = [one.name for one in self._used_inputs() if one.name in moves.inputs]
            if used:
                self._nix.update(self._folder, used)
            self.lock_inputs()

    def _following(self, names: Iterable[str]) -> set[str]:
        """Give inputs with all that follow one of them, and so move with it."""
        moving = set(names)
        while (
            more := {one.name for one in self._manifest.inputs if moving.intersection(ours for _, ours in one.follows)}
            - moving
        ):
            moving |= more
        return moving

    def _move_alone(self, package: Package) -> None:
        """Hold a package at the newest revision of its input, which itself stays where it is."""
        name = package.spec.input
        before = self.inputs().get(name)
        self._hold(package, None)
        self.lock_inputs()
        newest = self._inputs_after(lambda: self._nix.update(self._folder, [name]))[name]
        goes_with_input = not package.pin and (before is None or before.identity == newest.identity)
        self._hold(package, None if goes_with_input else newest)

    def _hold(self, package: Package, at: LockedInput | None) -> None:
        """Hold a package at an input as it is locked; None lets it go with its input."""
        known = self.locked.get(package.spec.key, LockedPackage())
        if at is None:
            known = replace(known, held=None, nodes=())
        else:
            # One reference with other dependencies is another package.
            systems = known.systems if at.nodes == known.nodes else {}
            known = replace(known, held=at.url, nodes=at.nodes, systems=systems)
        self.locked[package.spec.key] = known
        self._write()

    def _used_inputs(self) -> tuple[Input, ...]:
        return used_inputs(self._manifest, holds(self.locked))

    def _inputs_after(self, locking: Callable[[], None]) -> Mapping[str, LockedInput]:
        """Read what would be locked after `locking`, and leave the lock as it is."""
        kept = self._lock_file.read_bytes()
        try:
            locking()
            return self.inputs()
        finally:
            self._lock_file.write_bytes(kept)

    def _go_along(self, package: Package) -> None:
        """Let a package go with its input, which moves; a pinned one stays at what it was resolved from."""
        known = self.locked.get(package.spec.key)
        if known is None:
            return
        if not package.pin:
            self.locked[package.spec.key] = replace(known, held=None, nodes=())
        elif known.held is None:
            source = next((resolved.source for _, resolved in sorted(known.systems.items())), None)
            now = self.inputs().get(package.spec.input)
            nodes = now.nodes if now and now.url == source else ()
            self.locked[package.spec.key] = replace(known, held=source, nodes=nodes)

    def revise(self, manifest: Manifest) -> None:
        """Go on with a manifest that has the same packages and inputs, and another policy."""
        self._manifest = manifest
        self._written = None
        self._write()

    ## resolve

    def resolve(self, can_be_allowed: frozenset[Reason] = frozenset()) -> None:
        """Have an answer for every package, on this machine and for every system of the manifest.

        What cannot be had on another system is noted, and holds nothing back here.

        Args:
            can_be_allowed: what to raise for other systems, too, where a policy lifts it.

        Raises: UnresolvableError that names every package that cannot be had; then it may be called again, after
            `revise`, and asks for those alone.

        """
        self._can_be_allowed = can_be_allowed
        fingerprint_of = fingerprints(self._manifest, self.inputs())
        try:
            self._ask(
                [
                    question
                    for question in questions(self._manifest, self._project.machine)
                    if not self._is_settled(question, fingerprint_of.get(question.package.spec.input))
                ]
            )
        finally:
            for question, answer in self._answers.items():
                key = question.package.spec.key
                self.locked[key] = self.locked.get(key, LockedPackage()).on(question.system, answer.resolved)
            self._write()

    def _is_settled(self, question: ResolveRequest, fingerprint: str | None) -> bool:
        """Tell whether there is nothing to ask: the answer is known, or that there is none on another system."""
        asked = (question.package, question.system, self.locked, fingerprint)
        if is_answered(*asked):
            return True
        if question.system == self._project.machine.system or not is_known_unavailable(*asked):
            return False
        reason = self.locked[question.package.spec.key].unavailable[question.system].reason
        return reason not in {reason.value for reason in self._can_be_allowed}

    def _ask(self, asked: Sequence[ResolveRequest]) -> None:
        inputs = self.inputs()
        fingerprint_of = fingerprints(self._manifest, inputs)
        declared = [one.name for one in self._manifest.inputs]
        number = len({question.package for question in asked})
        with self._project.progress.step(f"resolving {count(number, 'package')}"), self._named_inputs():
            answers, refusals = resolve(self._nix, self._folder, asked, self.locked, inputs, fingerprint_of, declared)
        self._answers |= answers
        here = self._project.machine.system
        in_the_way = {one.package for one in refusals if here in one.systems}
        in_the_way |= {one.package for one in refusals if one.reason in self._can_be_allowed and one.policy}
        for one in refusals:
            if one.package in in_the_way:
                continue
            known = self.locked.get(one.package.spec.key, LockedPackage())
            source = known.held or inputs[one.package.spec.input].url
            fingerprint = "" if known.held else fingerprint_of[one.package.spec.input]
            why = Unavailable(one.reason.value, sentence(one, inputs), source, fingerprint)
            self.locked[one.package.spec.key] = known.without(one.systems[0], why)
        if in_the_way:
            raise UnresolvableError([one for one in refusals if one.package in in_the_way], inputs, self._listed)

    ## realise

    def plan_downloads(
        self, packages: Sequence[EnvironmentEntry], leaving: Sequence[EnvironmentEntry]
    ) -> DownloadPlan | None:
        """Tell what `realise` will fetch and build, and what that is beside what leaves.

        Returns: None where nothing is missing and nothing leaves.
        """
        absent = self._absent = self._absent_of({path: linked.key for linked in packages for path in linked.paths})
        downloads = None
        if absent:
            builds = self._derivations()
            with self._project.progress.step("asking the caches"):
                downloads = self._nix.plan_downloads(builds.get(path, path) for path in absent)
        if not leaving or (downloads and downloads.built):
            return downloads
        before = self._closure(path for linked in leaving for path in linked.paths)
        staying = self._closure(path for linked in packages for path in linked.paths if path not in absent)
        return replace(downloads or DownloadPlan((), (), 0, 0), difference_bytes=difference(before, staying, downloads))

    def notes(self, downloads: DownloadPlan | None) -> Iterator[str]:
        """Say what else is worth knowing of what was resolved: new names, and caches for what has to be built.

        Args:
            downloads: what has to be fetched and built; None for nothing.

        """
        built: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
        for question, answer in self._answers.items():
            if answer.new_name:
                yield renaming(question.package, answer.new_name)
            if downloads and answer.derivation in downloads.built and answer.substituters:
                built.setdefault((answer.substituters, answer.trusted_keys), []).append(question.package.written)
        for (substituters, keys), names in built.items():
            yield f"{', '.join(names)} may be in a cache that the flake names; in nix.conf:"
            yield f"  extra-substituters = {' '.join(substituters)}"
            if keys:
                yield f"  extra-trusted-public-keys = {' '.join(keys)}"

    def _closure(self, paths: Iterable[str]) -> Mapping[str, int]:
        """Give what store paths need; as good as nothing of what has been deleted by hand."""
        try:
            return self._nix.closure(path for path in paths if os.path.lexists(path))
        except NixprofError:
            return {}

    def realise(self, packages: Sequence[EnvironmentEntry], downloads: DownloadPlan | None) -> None:
        """Bring what is to be linked into the store: from a cache, and what no cache has by building it.

        Args:
            packages: what is to be linked.
            downloads: what has to be fetched and built for it, as `plan_downloads` has said.

        What the profile does not have yet is protected from garbage collection until it does.
        """
        kept = {path for linked in self._before.installed for path in linked.paths} - self._absent.keys()
        new = [path for linked in packages for path in linked.paths if path not in kept]
        if not new:
            return
        absent = self._absent
        builds = self._derivations()
        text = f"{_doing(downloads)} {_names(absent)}" if absent else "looking into the store"
        with self._project.progress.step(text):
            try:
                self._nix.realise((builds.get(path, path) if path in absent else path for path in new), self._roots)
            except NixError as error:
                absent = self._absent_of({path: linked.key for linked in packages for path in linked.paths})
                if error.reason is not Reason.FAILED or not absent.keys() - builds.keys():
                    raise self._of_packages(error, absent) from error
            else:
                return
        sourceless = {path: key for path, key in absent.items() if not self._has_source(key)}
        if sourceless:
            raise _lost(sourceless)
        self._derive({absent[path] for path in absent.keys() - builds.keys()})
        builds = self._derivations()
        for path in absent.keys() - builds.keys():
            raise self._mismatch(path, absent[path])
        with self._project.progress.step(f"building {_names(absent)}"):
            try:
                self._nix.realise((builds[path] if path in absent else path for path in new), self._roots)
            except NixError as error:
                raise self._of_packages(error, self._absent_of(absent)) from error

    def _of_packages(self, error: NixError, absent: Mapping[str, str]) -> NixprofError:
        """Say which packages a failure of Nix to fetch or to build belongs to."""
        derivations = {
            answer.derivation: question.package.spec.key
            for question, answer in self._answers.items()
            if answer.derivation
        }
        others = {linked.key for linked in self._before.installed} - set(absent.values())
        command = " ".join(map(shell_quote, ("nixprof", *self._project.arguments)))
        return of_packages(error, absent, derivations, self._nix.log, len(others), command)

    def _absent_of(self, paths: Mapping[str, str]) -> dict[str, str]:
        """Leave out what is in the store."""
        # What a build leaves that failed or was killed is there as well.
        there = {path for path in paths if os.path.lexists(path)}
        there -= self._nix.invalid(there)
        return {path: key for path, key in paths.items() if path not in there}

    def _derivations(self) -> dict[str, str]:
        """Give what builds each store path of this machine, as `nix-store --realise` takes it."""
        return {
            path: f"{answer.derivation}!{output}"
            for question, answer in self._answers.items()
            if question.system == self._project.machine.system and os.path.lexists(answer.derivation)
            for output, path in answer.resolved.outputs.items()
        }

    def _has_source(self, key: str) -> bool:
        resolved = self.locked[key].systems[self._project.machine.system]
        return not is_store_path(key) and (self.locked[key].held != "" or resolved.source != "")

    def _derive(self, keys: set[str]) -> None:
        """Evaluate packages that are resolved already, to be able to build them."""
        system = self._project.machine.system
        everything = questions(self._manifest, self._project.machine)
        self._ask([one for one in everything if one.system == system and one.package.spec.key in keys])

    def _mismatch(self, path: str, key: str) -> NixprofError:
        """Say that evaluation gives another path than the lock says."""
        system = self._project.machine.system
        answers = (answer for question, answer in self._answers.items() if question.package.spec.key == key)
        outputs = next((answer.resolved.outputs for answer in answers), {})
        locked = self.locked[key].systems[system].outputs
        evaluated = next((outputs.get(name) for name, there in locked.items() if there == path), None)
        name = package_name(key)
        return NixprofError(
            f"{name} is in no cache, and building it does not give what the lock says",
            Reason.LOCK_MISMATCH,
            cause=f"the lock says   {path}\nevaluation says {evaluated or 'that there is no such output'}",
            hints=(f"nixprof update {name}",),
        )

    ## build

    def build(self) -> str:
        """Link the environment of this machine; returns its store path."""
        with self._project.progress.step("linking the environment"):
            return self._nix.build(self._folder, self.attribute, self._roots / "environment")

    @property
    def attribute(self) -> str:
        """The environment of this machine among the outputs of the flake."""
        machine = self._project.machine
        if any(package.scope.kind == "host" and package.scope.applies(machine) for package in self._manifest.packages):
            return f"hosts.{machine.host}.nixprof"
        return "nixprof"


def _lost(absent: Mapping[str, str]) -> NixprofError:
    """Say that store paths are gone of which it is not known how to make them again."""
    return NixprofError(
        f"{_names(absent)}: in no cache, and it is not known what it came from",
        Reason.NO_SOURCE,
        cause="\n".join(absent),
        hints=(
            "copy it from a machine that has it: nix copy --from ssh://HOST STORE-PATH",
            *(f"or: nixprof remove {package_name(key)}" for key in sorted(set(absent.values()))),
        ),
    )


# So many packages go by their names.
_NAMED = 4


def _doing(downloads: DownloadPlan | None) -> str:
    if downloads is None or not downloads.built:
        return "fetching"
    return "fetching and building" if downloads.fetched else "building"


def _names(absent: Mapping[str, str]) -> str:
    names = sorted({package_name(key) for key in absent.values()})
    return ", ".join(names) if len(names) <= _NAMED else count(len(names), "package")
