"""The lock as a value: read once from the generated folder, changed in memory, written once by the commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.files import text_of
from nixprof.lock.flake_lock import parse_flake_lock
from nixprof.lock.merge_conflict import read_lock, sides
from nixprof.lock.packages_json import FollowsInput, HeldAt, LockedPackage, parse_packages, write_packages
from nixprof.record import field, record, replace

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from nixprof.lock.flake_lock import LockedInput
    from nixprof.lock.merging import Merged
    from nixprof.manifest.model import Input, Manifest, Package

_UNKNOWN = LockedPackage()
_MACHINERY = Path(__file__).with_name("nixprof.nix")


@record
class Lock:
    """What was resolved: the revision of each input, and what each package is."""

    inputs: Mapping[str, LockedInput] = field(default_factory=dict)  # by name
    packages: Mapping[str, LockedPackage] = field(default_factory=dict)  # by key
    flake_lock: bytes | None = None  # the file that Nix wrote `inputs` in
    flake_nix: str = ""  # the file that it wrote that for
    merged: tuple[Merged, ...] = ()  # the files of the user's that git had left a conflict in

    @classmethod
    def read(cls, folder: Path) -> Lock:
        """Read the lock of a generated folder, as far as it is there, and merged where git could not merge it.

        Raises: NixprofError where a file of it is damaged.
        """
        lock, path = cls().locked_in(folder), folder / "packages.json"
        data = read_lock(path)
        if data is None:
            return lock
        both = sides(path, data)
        if both is None:
            return replace(lock, packages=parse_packages(path, data))
        from nixprof.lock.merging import merge_packages

        packages, merged = merge_packages(path, data, both, lock.inputs)
        return replace(lock, packages=packages, merged=(*lock.merged, merged))

    def locked_in(self, folder: Path) -> Lock:
        """Take over which revisions Nix has locked the inputs to in a folder."""
        path = folder / "flake.lock"
        data = read_lock(path)
        text = text_of(folder / "flake.nix")
        both = None if data is None else sides(path, data)
        if data is None or both is None:
            return replace(self, inputs=parse_flake_lock(path, data), flake_lock=data, flake_nix=text)
        from nixprof.lock.merging import merge_flake_lock

        data, merged = merge_flake_lock(path, data, both)
        # Nix looks over what was merged: the list may ask for other references than what was taken.
        return replace(self, inputs=parse_flake_lock(path, data), flake_lock=data, flake_nix="", merged=(merged,))

    def with_packages(self, packages: Mapping[str, LockedPackage]) -> Lock:
        """Add packages, by key, or put them in the place of those of the same key."""
        return replace(self, packages={**self.packages, **packages})

    def for_manifest(self, manifest: Manifest) -> Lock:
        """Keep the packages that a manifest lists, on any machine."""
        keys = {package.spec.key for package in manifest.packages}
        return replace(self, packages={key: package for key, package in self.packages.items() if key in keys})

    def package(self, key: str) -> LockedPackage:
        """Give what is known of a package, which may be nothing."""
        return self.packages.get(key, _UNKNOWN)

    def held(self, package: Package, system: str) -> LockedPackage:
        """Hold a package at what it was resolved from, best of all on a system: so it stays where its input moves."""
        known = self.package(package.spec.key)
        sources = {name: one.source for name, one in sorted(known.systems.items())}
        source = sources.get(system) or next(iter(sources.values()), "")
        if not source or not isinstance(known.hold, FollowsInput):
            return known
        hold, now = known.hold_on(system), self.inputs.get(package.spec.input)
        if not isinstance(hold, HeldAt):
            hold = HeldAt(source, now.nodes if now and now.url == source else ())
        return replace(known.let_go(system), hold=hold)

    def let_go(self, asked: Iterable[tuple[str, str]]) -> Lock:
        """Forget why packages cannot be had, each named by its key and a system."""
        packages = dict(self.packages)
        for key, system in asked:
            packages[key] = packages.get(key, _UNKNOWN).let_go(system)
        return replace(self, packages=packages)

    def packages_of(self, manifest: Manifest, inputs: Container[str]) -> dict[str, LockedPackage]:
        """Give what is known of the packages of some inputs."""
        keys = {package.spec.key for package in manifest.packages if package.spec.input in inputs}
        return {key: self.packages[key] for key in keys & self.packages.keys()}

    def joined(self, own: Lock) -> Lock:
        """Add what this machine knows of the same packages: on other systems, and what it could not have.

        What has become of an entry since shows in its fingerprint.
        """
        return replace(self, packages={key: one.joined(own.package(key)) for key, one in self.packages.items()})

    @property
    def changelogs(self) -> dict[str, str]:
        """The address of what has changed in each package, by key, as far as there is one."""
        found = ((key, resolved.changelog) for key, one in self.packages.items() for resolved in one.systems.values())
        return {key: address for key, address in found if address}

    def is_complete(self, inputs: tuple[Input, ...]) -> bool:
        """Tell whether Nix has locked these very inputs, and no others."""
        from nixprof.lock.flake_nix import compile_inputs

        if self.inputs.keys() != {one.name for one in inputs}:
            return False
        return not inputs or "\n".join(f"  {line}" for line in compile_inputs(inputs)) in self.flake_nix

    def code(self, manifest: Manifest) -> dict[str, bytes]:
        """Give the generated files that Nix evaluates, by name."""
        from nixprof.lock.flake_nix import compile_flake

        text = compile_flake(manifest, self.packages)
        return {"flake.nix": text.encode(), "nixprof.nix": _MACHINERY.read_bytes()}

    def files(self, manifest: Manifest) -> dict[str, bytes]:
        """Give all generated files, by name."""
        locked = {} if self.flake_lock is None else {"flake.lock": self.flake_lock}
        return self.code(manifest) | locked | {"packages.json": write_packages(self.packages).encode()}
