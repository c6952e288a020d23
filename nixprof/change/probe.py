"""Which versions an input has of a package, at the revision that it is locked to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.evaluation import ResolveRequest, evaluate
from nixprof.lock.freshness import LockedManifest
from nixprof.manifest.model import EVERYWHERE, Package
from nixprof.nix.nix_data import quoted
from nixprof.record import replace
from nixprof.schema import fits
from nixprof.store_path import split_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nixprof.change.staging import Staging
    from nixprof.manifest.spec import Spec
    from nixprof.nix.operations import Nix

# An attribute that no set has: of one that is missing, Nix names those that are there.
_ABSENT = "no such package"
_SPECIAL = ".^$*+?()[]{}|\\"


class Probe:
    """Asks the inputs of a list about packages that are not on it."""

    def __init__(self, nix: Nix, staging: Staging, locked: LockedManifest) -> None:
        """Begin; nothing of these is changed, but for what is in the staging folder."""
        self._nix = nix
        self._staging = staging
        self._locked = locked

    def versions(self, spec: Spec) -> dict[Spec, str]:
        """Give the versions of a package, and of those whose names go on with a number: of nodejs, nodejs_22 as well.

        A package that nixpkgs refuses has its version, too. Starts two processes of Nix.

        Raises: NixprofError where the input cannot be evaluated.
        """
        above = spec.attr_path[:-1]
        [absent], _ = self._stage([replace(spec, attr_path=(*above, _ABSENT), outputs=())])
        reply = self._nix.evaluate(self._staging.folder, "lib", _function(spec, absent))
        names = [path[-1] for path in reply] if fits(reply, [[str]]) else []
        asked, locked = self._stage([replace(spec, attr_path=(*above, name)) for name in names])
        if not asked:
            return {}
        evaluated, refusals = evaluate(self._nix, self._staging.folder, asked, locked)
        refused = {one.package.spec: split_name(one.full_name)[1] for one in refusals if one.full_name}
        return refused | {one.package.spec: found.resolved.version for one, found in evaluated.items()}

    def _stage(self, specs: Sequence[Spec]) -> tuple[list[ResolveRequest], LockedManifest]:
        """Write a list with packages in addition, none of which is held; returns how to ask for them."""
        manifest, lock, machine = self._locked.manifest, self._locked.lock, self._locked.machine
        keys = {spec.key for spec in specs}
        others = [one for one in manifest.packages if one.spec.key not in keys]
        lock = replace(lock, packages={key: one for key, one in lock.packages.items() if key not in keys})
        new = [Package(spec, str(spec), None, False, EVERYWHERE, manifest.path, ()) for spec in specs]  # noqa: FBT003 - not pinned
        listed = replace(manifest, packages=(*others, *new))
        lock = self._staging.lock_inputs(listed, lock)
        self._staging.write(listed, lock)
        asked = [ResolveRequest(len(others) + at, one, machine.system) for at, one in enumerate(new)]
        return asked, LockedManifest(listed, lock, machine)


def _function(spec: Spec, absent: ResolveRequest) -> str:
    """Write the Nix function that gives the attribute paths of the packages with a name like that of a package."""
    escaped = "".join(f"\\{char}" if char in _SPECIAL else char for char in spec.attr_path[-1])
    above = " ".join(map(quoted, spec.attr_path[:-1]))
    system, index = quoted(absent.system), absent.index
    return (
        f"lib: let reply = builtins.head (lib.resolve {{ {system} = [ {index} ]; }}).{system};\n"
        f"like = name: builtins.match {quoted(f'{escaped}([_-]?[0-9][0-9_]*)?')} name != null;\n"
        f"in lib.filterDerivations {system} {index}\n"
        f"(map (name: [ {above} name ]) (builtins.filter like (reply.names or [ ])))"
    )
