"""Whether `packages.json` still answers what a package is.

An answer holds while its basis does: the locked input with all that it depends on, and the policy. A package that is
held goes by its own locked reference instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nixprof.flake.inputs import LockedInput
    from nixprof.flake.packages import LockedPackage
    from nixprof.manifest.model import Manifest, Package


def bases(manifest: Manifest, inputs: Mapping[str, LockedInput]) -> dict[str, str]:
    """Give what an answer from each input rests on, by the name of the input: equal while the answer holds."""
    policy = manifest.policy
    if not policy.is_asked_for:
        return {name: locked.identity for name, locked in inputs.items()}
    from nixprof.flake.inputs import digest

    overlays = [inputs[name].identity for name in policy.overlays if name in inputs]
    asked = repr((policy.allow_unfree, policy.allow_insecure, policy.allow_broken, policy.overlays, overlays))
    return {name: digest(f"{locked.identity} {asked}") for name, locked in inputs.items()}


def is_answered(package: Package, system: str, locked: Mapping[str, LockedPackage], basis: str | None) -> bool:
    """Say whether it is known what a package is on a system, at what its input is locked to now.

    An output that is not known is asked for again, which ends in a proper refusal.

    Args:
        package: an entry of the manifest.
        system: where.
        locked: what `packages.json` has, by key.
        basis: what an answer has to rest on; None where the input is not locked.

    """
    known = locked.get(package.spec.key)
    resolved = known.systems.get(system) if known else None
    if known is None or resolved is None:
        return False
    if package.spec.is_store_path:
        return True
    chosen_exist = package.spec.outputs == ("*",) or resolved.outputs.keys() >= set(package.spec.outputs)
    # One of unknown source is held where it is installed; elsewhere it goes with its input.
    held = known.held is not None and not (known.held == "" and resolved.source)
    return chosen_exist and (resolved.source == known.held if held else resolved.basis == basis)
