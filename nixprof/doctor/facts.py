"""What there is to know about a set-up, gathered once; nothing here judges."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nixprof.change.commit import is_unfinished
from nixprof.change.needs import Needs
from nixprof.change.state import State
from nixprof.doctor.nix_facts import NixFacts, ask_nix
from nixprof.doctor.shell_facts import ShellFacts, ask_shells
from nixprof.errors import NixprofError
from nixprof.folders import Folders, home
from nixprof.importers.candidate import candidate
from nixprof.nix.profile import ProfileManager
from nixprof.record import field, record, replace
from nixprof.schema import MISSHAPEN
from nixprof.store_path import name_of, split_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nixprof.context import Context
    from nixprof.lock.freshness import Gap
    from nixprof.nix.profile import Profile

T = TypeVar("T")

# The format that Nix writes (`LockFile::LockFile` in Nix's lockfile.cc).
LOCK_FORMAT = 7

# `nixpkgs`, and what Nix calls further ones in a lock.
_NIXPKGS = re.compile(r"nixpkgs(_\d+)?")
# How many installed paths each cache is asked for.
_MAX_ASKED = 3
# What programs load to draw by the graphics card, and where NixOS has the drivers for it.
_GL = "libglvnd"
_DRIVERS = "/run/opengl-driver"


@record
class Apart:
    """Packages that come from another revision of nixpkgs than the list's, and so share less with the others."""

    keys: tuple[str, ...]
    bytes: int  # what would go without them


@record
class Facts:
    """A user's set-up at one moment. What cannot be found out is empty, and `failures` say why."""

    system: str  # such as `aarch64-darwin`
    nix: NixFacts = field(default_factory=NixFacts)
    login: ShellFacts = field(default_factory=ShellFacts)
    others: tuple[ShellFacts, ...] = ()  # shells that terminals start besides a login shell
    failures: tuple[NixprofError, ...] = ()  # of reading the list, the locks and the profile
    unfinished: bool = False  # whether a change of nixprof's was stopped half-way, or is being made
    manifest: Path = Path()
    in_git: bool = True  # whether a git repository may hold the list
    lock_file: Path = Path()  # `flake.lock`
    lock_format: object = LOCK_FORMAT  # what it says of its format
    own_nixpkgs: Mapping[str, frozenset[str]] = field(default_factory=dict)  # see `inputs_with_own_nixpkgs`
    held: tuple[Gap, ...] = ()
    by_inputs: Apart | None = None  # packages of inputs with a nixpkgs of their own
    by_holds: Apart | None = None  # packages that are held at a revision of their own
    profile: Path | None = None  # the link, as a shell would name it
    lost_profile: Path | None = None  # where the profile should be, which is not there though the list has packages
    chosen_profile: bool = False  # whether the user has named the profile
    in_sync: bool = True  # whether `sync` has nothing to do
    manager: ProfileManager = ProfileManager.NOBODY
    foreign: tuple[str, ...] = ()  # elements of the profile that are neither nixprof's nor another tool's
    home_manager: bool = False  # whether home-manager has an element of the profile
    managers: tuple[str, ...] = ()  # what else looks after packages of this user or machine, by name
    graphical: tuple[str, ...] = ()  # packages that need a driver which this system does not have for them
    sudo: bool = False  # whether nixprof is run by another user than the one who logged in


def gather(context: Context) -> Facts:
    """Look at everything once. Starts Nix for its settings, for its store and for what the packages need."""
    failures: list[NixprofError] = []
    state, system, folders = State(context), context.machine.system, context.folders
    profile = _tried(lambda: state.profile, failures)
    linux = system.endswith("-linux") and not os.path.exists("/etc/NIXOS")
    with context.nix() as nix, context.progress.step("asking Nix and its caches"):
        asked = ask_nix(nix, context.nix_version, _installed(state, profile)[:_MAX_ASKED])
        needs = _tried(lambda: Needs(context, nix), []) if profile and profile.store_path and asked.settings else None
    link = profile.link if profile and profile.store_path and os.path.exists(profile.store_path) else None
    with context.progress.step("asking a new shell"):
        login, *others = ask_shells(link, _names(needs) if needs else set(), linux=linux)
    facts = Facts(
        system=system,
        nix=asked,
        login=login,
        others=tuple(others),
        unfinished=is_unfinished(folders),
        manifest=folders.manifest,
        in_git=any((folder / ".git").exists() for folder in Path(os.path.realpath(folders.manifest)).parents),
        lock_file=folders.flake / "flake.lock",
        profile=link,
        lost_profile=None if link else _lost(state, profile, failures),
        chosen_profile=context.chosen_profile is not None,
        # An empty list needs no environment.
        in_sync=not link
        or _tried(lambda: state.in_sync or not (state.wanted or state.installed), failures) is not False,
        manager=profile.manager if profile else ProfileManager.NOBODY,
        managers=_managers(),
        graphical=_graphical(needs) if needs and linux else (),
        sudo="SUDO_USER" in os.environ,
    )
    facts = _with_locks(facts, state, needs, failures)
    return replace(_with_others(facts, state, profile) if profile else facts, failures=tuple(failures))


# A link that each leaves, to what it has made last; one of them may be there.
_LEFT_BY = {
    "home-manager": ("{state}/home-manager/gcroots/current-home", "{state}/nix/profiles/home-manager"),
    "nix-darwin": ("/run/current-system/darwin-version",),
}


def _managers() -> tuple[str, ...]:
    """Find other tools that keep packages, each in a place of its own, which nixprof leaves alone."""
    state = Folders.of_user().state.parent
    return tuple(
        name for name, links in _LEFT_BY.items() if any(os.path.lexists(link.format(state=state)) for link in links)
    )


def _lost(state: State, profile: Profile | None, failures: list[NixprofError]) -> Path | None:
    """Say where the profile should be, if the list has packages for it; one that cannot be read is a failure."""
    if failures or not _tried(lambda: state.wanted, failures):
        return None
    return profile.link if profile else home() / ".nix-profile"


def _installed(state: State, profile: Profile | None) -> list[str]:
    """Give the store paths of a profile, those of packages first."""
    if profile is None:
        return []
    packages = [path for one in state.environments for entry in one.packages for path in entry.paths]
    return packages + [path for element in profile.elements for path in element.store_paths]


def _names(needs: Needs) -> set[str]:
    """Name all that a profile needs, without versions."""
    return {split_name(name_of(path))[0] for path in needs.closure_now}


def _with_locks(facts: Facts, state: State, needs: Needs | None, failures: list[NixprofError]) -> Facts:
    """Add what the locks tell, and what their revisions cost."""
    lock = _tried(lambda: state.lock, failures)
    flake_lock = json.loads(lock.flake_lock) if lock and lock.flake_lock else {}
    own_nixpkgs = inputs_with_own_nixpkgs(flake_lock)
    by_inputs = [one.key for one in needs.packages if one.key.partition("#")[0] in own_nixpkgs] if needs else []
    return replace(
        facts,
        held=_tried(lambda: state.held, failures) or (),
        lock_format=flake_lock.get("version", LOCK_FORMAT),
        own_nixpkgs=own_nixpkgs,
        by_inputs=_apart(needs, by_inputs) if needs else None,
        by_holds=_apart(needs, _keys_held(needs, state)) if needs and lock else None,
    )


def _with_others(facts: Facts, state: State, profile: Profile) -> Facts:
    """Add which elements of a profile are not nixprof's, but for what nobody should take out."""
    ours = {environment.element for environment in state.environments}
    others = [candidate(element) for element in profile.elements if element not in ours]
    return replace(
        facts,
        foreign=tuple(one.name for one in others if not one.leave),
        home_manager=any("home-manager" in one.leave for one in others),
    )


def _tried(find: Callable[[], T], failures: list[NixprofError]) -> T | None:
    """Find something, or note why that fails; the same failure is noted once."""
    try:
        return find()
    except NixprofError as error:
        if error.message not in [one.message for one in failures]:
            failures.append(error)
        return None


def _apart(needs: Needs, keys: Sequence[str]) -> Apart | None:
    return Apart(tuple(keys), needs.own_bytes(keys)) if keys else None


def _keys_held(needs: Needs, state: State) -> list[str]:
    """Name the packages that are held at another revision than others; what is held by its path has none."""
    held = {reference: keys for reference, keys in needs.held_apart(state).items() if reference}
    keys = [key for some in held.values() for key in some]
    others = len(needs.packages) > len(keys)
    return keys if len(held) + others > 1 else []


def inputs_with_own_nixpkgs(lock: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Give the inputs of a lock that bring a nixpkgs which the list does not name itself, with its revisions."""
    with suppress(*MISSHAPEN):  # nodes of the lock that nothing leads to may be anything
        return _with_own_nixpkgs(lock)
    return {}


def _with_own_nixpkgs(lock: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    nodes = lock.get("nodes", {})
    root = nodes.get(lock.get("root", ""), {}).get("inputs", {})
    targets = {name: target for name, target in root.items() if isinstance(target, str)}
    hashes = {name: node["locked"].get("narHash", name) for name, node in nodes.items() if "locked" in node}
    known = {hashes[target] for target in targets.values() if target in hashes}
    found = {
        name: frozenset(hashes[node] for node in _reachable(nodes, target) if _NIXPKGS.fullmatch(node)) - known
        for name, target in targets.items()
    }
    return {name: revisions for name, revisions in found.items() if revisions}


def _reachable(nodes: Mapping[str, Any], start: str) -> list[str]:
    """Give what a node of a lock leads to; what follows another input is that one's."""
    order = [start]
    for name in order:
        inputs = nodes.get(name, {}).get("inputs", {}).values()
        order += [one for one in inputs if isinstance(one, str) and one not in order and one in nodes]
    return order


def _graphical(needs: Needs) -> tuple[str, ...]:
    """Name the packages that draw by a graphics card which is there, and whose driver they do not find."""
    if os.path.exists(_DRIVERS) or not os.path.isdir("/dev/dri"):
        return ()
    drawing = [path for path in needs.closure_now if split_name(name_of(path))[0] == _GL]
    bits = 0
    for path in drawing:
        bits |= needs.needed_by[path]
    return tuple(one.key for number, one in enumerate(needs.packages) if bits >> number & 1)
