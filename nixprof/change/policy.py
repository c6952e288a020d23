"""What the user allows of what is in the way of a package, written into the policy of the list where it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.failures import UnresolvableError
from nixprof.record import replace

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from nixprof.errors import Reason
    from nixprof.manifest.model import Manifest, Policy


def allow(error: UnresolvableError, manifest: Manifest, reasons: Collection[Reason]) -> str:
    """Give the text of the list with a policy that allows everything that is in the way of packages.

    Raises: UnresolvableError where something is not allowed, or no policy would help.

    """
    from nixprof.manifest.edit import set_policy_names

    futile = [one for one in error.refusals if one.policy and _is_allowed(manifest.policy, *one.policy)]
    if futile or any(one.policy is None or one.reason not in reasons for one in error.refusals):
        refusals = [replace(one, can_be_allowed=one.can_be_allowed and one not in futile) for one in error.refusals]
        raise UnresolvableError(refusals, error.inputs, error.listed, error.attempt) from error
    text = manifest.texts()[manifest.path]
    for key, names in (one.policy for one in error.refusals if one.policy):
        text = set_policy_names(text, key, names)
    return text


def _is_allowed(policy: Policy, key: str, names: Sequence[str]) -> bool:
    """Tell whether a policy allows a package already."""
    allowed = policy.allowed[key]
    return set(names) <= set(allowed) if isinstance(allowed, tuple) else allowed
