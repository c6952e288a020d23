"""What the user allows of what is in the way of a package, written into the policy of the list where it is needed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nixprof.change import flow
from nixprof.change.refusal import UnresolvableError
from nixprof.manifest.edit import set_policy_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nixprof.change.flow import Outcome, Plan, Propose
    from nixprof.change.refusal import Allowance, Attempt, Refusal
    from nixprof.change.request import ChangeRequest
    from nixprof.context import Context
    from nixprof.manifest.model import Manifest, Policy


def change(
    context: Context,
    propose: Propose,
    allowed: Allowance,
    attempt: Attempt,
    *,
    template: str | None = None,
    dry_run: bool = False,
    confirm: Callable[[Plan], bool] = flow.always,
) -> Outcome:
    """Make a change as `flow.change` does, with a policy for what is in the way and may be lifted.

    What a package needs only shows when the package itself is allowed, so it is tried until nothing new is in the way.

    Args:
        context: whose.
        propose: says what to change.
        allowed: what may be lifted.
        attempt: the command, for the hints.
        template: the manifest to begin with where there is none.
        dry_run: only plan.
        confirm: asked before anything is fetched or built.

    Raises: NixprofError; then everything is as before.

    """

    def lift(error: UnresolvableError, manifest: Manifest) -> str:
        futile = [one for one in error.refusals if one.policy and _is_allowed(manifest.policy, *one.policy)]
        if futile or any(one.policy is None or one.reason not in allowed.obstacles for one in error.refusals):
            raise _without_effect(error, futile, attempt) from error
        text = manifest.texts()[manifest.path]
        for key, names in (one.policy for one in error.refusals if one.policy):
            text = set_policy_names(text, key, names)
        return text

    def allowing(manifest: Manifest) -> ChangeRequest:
        return replace(propose(manifest), can_be_allowed=allowed.obstacles)

    return flow.change(context, allowing, template=template, dry_run=dry_run, confirm=confirm, lift=lift)


def _is_allowed(policy: Policy, key: str, names: Sequence[str]) -> bool:
    """Tell whether a policy allows a package already."""
    allowed = policy.allowed[key]
    return set(names) <= set(allowed) if isinstance(allowed, tuple) else allowed


def _without_effect(error: UnresolvableError, futile: Sequence[Refusal], attempt: Attempt) -> UnresolvableError:
    """Say of what is in the way all the same that no policy lifts it."""
    refusals = [replace(one, can_be_allowed=one.can_be_allowed and one not in futile) for one in error.refusals]
    return UnresolvableError(refusals, error.inputs, error.listed, attempt)
