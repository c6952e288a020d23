"""`nixprof add`: put packages on the list, and sync."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof import flow
from nixprof.commands.init import TEMPLATE
from nixprof.draft import Draft
from nixprof.errors import NixprofError
from nixprof.installable import read_installable
from nixprof.manifest.edit import NewPackage, add_input, add_packages, set_policy_names
from nixprof.refusal import UnresolvableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nixprof.flow import Outcome, Plan
    from nixprof.installable import Installable
    from nixprof.manifest.model import Manifest
    from nixprof.refusal import Obstacle
    from nixprof.state import Project


@dataclass(frozen=True, slots=True)
class Added:
    """What `add` did; `present` are the packages that were on the list already, as they stand there."""

    outcome: Outcome
    present: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants to add.

    Attributes:
        texts: specs and installables, as typed.
        priority: for each of them; None for the package's own.
        pin: whether `update` shall leave them alone.
        allow: the obstacles that may be lifted for them.

    """

    texts: Sequence[str]
    priority: int | None = None
    pin: bool = False
    allow: frozenset[Obstacle] = frozenset()


def run(project: Project, wish: Wish, *, dry_run: bool = False, confirm: Callable[[Plan], bool] = flow.always) -> Added:
    """Add packages; an input for each flake reference that is new.

    Raises: NixprofError, with the list as before.
    """
    present: list[str] = []
    allowed: dict[str, tuple[str, ...]] = {}

    def propose(manifest: Manifest) -> Draft:
        present.clear()
        text = manifest.sources[0].text
        for key, names in allowed.items():
            text = set_policy_names(text, key, names)
        fresh = _fresh(wish, manifest, present)
        for new in dict.fromkeys(one.new_input for one in fresh):
            if new is not None:
                text = add_input(text, new.name, new.url)
        if fresh:
            entries = [NewPackage(str(one.spec), wish.priority, wish.pin) for one in fresh]
            text = add_packages(text, entries)
        return Draft({manifest.path: text} if text != manifest.sources[0].text else {})

    while True:
        try:
            outcome = flow.change(project, propose, dry_run=dry_run, confirm=confirm, template=TEMPLATE)
        except UnresolvableError as error:
            lifted = _lifted(error, wish)
            if not lifted or lifted.items() <= allowed.items():
                raise
            allowed |= lifted
        else:
            return Added(outcome, tuple(present))


def _fresh(wish: Wish, manifest: Manifest, present: list[str]) -> list[Installable]:
    """Read what was typed and leave out what is on the list, which goes to `present`."""
    listed = {package.spec.key: package for package in manifest.packages}
    inputs = list(manifest.inputs)
    fresh: dict[str, Installable] = {}
    for text in wish.texts:
        one = read_installable(text, inputs)
        if one.new_input:
            inputs.append(one.new_input)
        known = listed.get(one.spec.key)
        if known is None:
            fresh.setdefault(one.spec.key, one)
        elif set(known.spec.outputs) == set(one.spec.outputs) or not one.spec.outputs:
            present.append(known.written)
        else:
            raise NixprofError(
                f"{known.spec.name} is on the list with other outputs, as {known.written}",
                hints=(f"nixprof remove {known.spec.name}", f"nixprof add {text}"),
            )
    return list(fresh.values())


def _lifted(error: UnresolvableError, wish: Wish) -> dict[str, tuple[str, ...]]:
    """Give the names to allow, by the key of the policy; nothing where something else is in the way as well."""
    lifted: dict[str, tuple[str, ...]] = {}
    for refusal in error.refusals:
        if refusal.obstacle not in wish.allow:
            return {}
        key, name = refusal.policy or ("", "")
        lifted[key] = (*lifted.get(key, ()), name)
    return lifted
