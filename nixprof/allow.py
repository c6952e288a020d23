"""What the user allows of what is in the way of a package, written into the policy of the list where it is needed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nixprof import flow
from nixprof.manifest.edit import set_policy_names
from nixprof.refusal import UnresolvableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nixprof.advice import Attempt
    from nixprof.draft import Draft
    from nixprof.flow import Outcome, Plan, Propose
    from nixprof.manifest.model import Manifest, Policy
    from nixprof.refusal import Allowance, Refusal
    from nixprof.state import Project


def change(
    project: Project,
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
        project: whose.
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
        if futile or any(one.policy is None or one.obstacle not in allowed.obstacles for one in error.refusals):
            raise _without_effect(error, futile).met_by(attempt) from error
        text = manifest.texts()[manifest.path]
        for key, names in (one.policy for one in error.refusals if one.policy):
            text = set_policy_names(text, key, names)
        return text

    def allowing(manifest: Manifest) -> Draft:
        return replace(propose(manifest), can_be_allowed=allowed.obstacles)

    return flow.change(project, allowing, template=template, dry_run=dry_run, confirm=confirm, lift=lift)


def _is_allowed(policy: Policy, key: str, names: Sequence[str]) -> bool:
    """Tell whether a policy allows a package already."""
    allowed = policy.allowed[key]
    return set(names) <= set(allowed) if isinstance(allowed, tuple) else allowed


def _without_effect(error: UnresolvableError, futile: Sequence[Refusal]) -> UnresolvableError:
    """Say of what is in the way all the same that no policy lifts it."""
    refusals = [replace(one, liftable=one.liftable and one not in futile) for one in error.refusals]
    return UnresolvableError(refusals, error.inputs, error.listed)
