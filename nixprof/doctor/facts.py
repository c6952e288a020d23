"""What there is to know about a set-up, gathered once; nothing here judges."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nixprof.change.commit import is_unfinished
from nixprof.change.needs import Needs
from nixprof.change.state import State
from nixprof.doctor.nix_facts import NixFacts, ask_nix
from nixprof.doctor.shell_facts import ShellFacts, ask_shell
from nixprof.errors import NixprofError
from nixprof.importers.candidate import candidate
from nixprof.nix.profile import ProfileManager
from nixprof.record import record
from nixprof.schema import MISSHAPEN
from nixprof.store_path import name_of, split_name

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, Sequence

    from nixprof.context import Context
    from nixprof.lock.freshness import Gap
    from nixprof.nix.operations import Nix
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
    manager: ProfileManager = ProfileManager.NOBODY
    foreign: tuple[str, ...] = ()  # elements of the profile that are neither nixprof's nor another tool's
    home_manager: bool = False  # whether home-manager has an element of the profile
    graphical: tuple[str, ...] = ()  # packages that need a driver which this system does not have for them
    sudo: bool = False  # whether nixprof is run by another user than the one who logged in


def gather(context: Context) -> Facts:
    """Look at everything once. Starts Nix for its settings, for its store and for what the packages need."""
    failures: list[NixprofError] = []
    state = State(context)
    profile = _tried(lambda: state.profile, failures)
    lock = _tried(lambda: state.lock, failures)
    flake_lock = json.loads(lock.flake_lock) if lock and lock.flake_lock else {}
    own_nixpkgs: Mapping[str, frozenset[str]] = {}
    with suppress(*MISSHAPEN):  # nodes of the lock that nothing leads to may be anything
        own_nixpkgs = inputs_with_own_nixpkgs(flake_lock)
    held = _tried(lambda: state.held, failures) or ()
    installed = [path for element in profile.elements for path in element.store_paths] if profile else []
    packages = [path for one in state.environments for entry in one.packages for path in entry.paths] if profile else []
    with context.nix() as nix:
        asked = ask_nix(nix, context.nix_version, (*packages, *installed)[:_MAX_ASKED])
        needs = _needs(context, nix) if profile and profile.store_path and asked.settings else None
    link = profile.link if profile and profile.store_path else None
    names = {split_name(name_of(path))[0] for path in needs.closure_now} if needs else set()
    linux = context.machine.system.endswith("-linux")
    manifest, flake = context.folders.manifest, context.folders.flake
    others = list(_others(state, profile)) if profile else []
    return Facts(
        system=context.machine.system,
        nix=asked,
        login=ask_shell(link, names, linux=linux and not os.path.exists("/etc/NIXOS")),
        failures=tuple(failures),
        unfinished=is_unfinished(context.folders),
        manifest=manifest,
        in_git=any((folder / ".git").exists() for folder in Path(os.path.realpath(manifest)).parents),
        lock_file=flake / "flake.lock",
        lock_format=flake_lock.get("version", LOCK_FORMAT),
        own_nixpkgs=own_nixpkgs,
        held=held,
        by_inputs=_apart(needs, _keys_of(needs, own_nixpkgs)) if needs else None,
        by_holds=_apart(needs, _keys_held(needs, state)) if needs and not failures else None,
        profile=link,
        manager=profile.manager if profile else ProfileManager.NOBODY,
        foreign=tuple(name for name, why in others if not why),
        home_manager=any("home-manager" in why for _, why in others),
        graphical=_graphical(needs) if needs and linux else (),
        sudo="SUDO_USER" in os.environ,
    )


def _tried(find: Callable[[], T], failures: list[NixprofError]) -> T | None:
    """Find something, or note why that fails; the same failure is noted once."""
    try:
        return find()
    except NixprofError as error:
        if error.message not in [one.message for one in failures]:
            failures.append(error)
        return None


def _needs(context: Context, nix: Nix) -> Needs | None:
    return _tried(lambda: Needs(context, nix), [])


def _others(state: State, profile: Profile) -> Iterator[tuple[str, str]]:
    """Name the elements that are not nixprof's, each with why `freeze` leaves it alone; empty where it does not."""
    ours = {environment.element for environment in state.environments}
    for element in profile.elements:
        if element not in ours:
            yield element.title, candidate(element).leave


def _apart(needs: Needs, keys: Sequence[str]) -> Apart | None:
    return Apart(tuple(keys), needs.own_bytes(keys)) if keys else None


def _keys_held(needs: Needs, state: State) -> list[str]:
    """Name the packages that are held at another revision than others; what is held by its path has none."""
    held = {reference: keys for reference, keys in needs.held_apart(state).items() if reference}
    keys = [key for some in held.values() for key in some]
    others = len(needs.packages) > len(keys)
    return keys if len(held) + others > 1 else []


def _keys_of(needs: Needs, inputs: Container[str]) -> list[str]:
    """Name the packages of some inputs."""
    return [one.key for one in needs.packages if one.key.partition("#")[0] in inputs]


def inputs_with_own_nixpkgs(lock: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Give the inputs of a lock that bring a nixpkgs which the list does not name itself, with its revisions."""
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
