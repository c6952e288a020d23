"""Merging the locks of two machines where git could not: what both say is kept, and what only one has is taken.

Where they differ, the newer revision of an input is taken, and of a package what belongs to that. What was chosen is
told.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from nixprof.errors import NixprofError
from nixprof.lock.flake_lock import parse_flake_lock
from nixprof.lock.merge_conflict import unmerged
from nixprof.lock.packages_json import FollowsInput, HeldAt, KeptByPath, LockedPackage, parse_packages
from nixprof.record import record
from nixprof.schema import MISSHAPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from nixprof.lock.flake_lock import LockedInput
    from nixprof.lock.merge_conflict import Sides
    from nixprof.lock.packages_json import Hold, Resolved, Unavailable

    Packages = Mapping[str, LockedPackage]  # by key
    # What a package is on a system, and why it cannot be had there.
    OnSystem = tuple[Resolved | None, Unavailable | None]

Key = TypeVar("Key", str, tuple[str, str])
Value = TypeVar("Value")


class Why(Enum):
    """Why one side was taken."""

    ONLY = "only"  # the other does not have it
    NEWER = "newer"
    LOCKED = "locked"  # it belongs to what is locked now
    HELD = "held"  # it stays until `update` moves it
    FIRST = "first"  # nothing tells which is better


_OURS, _THEIRS = 0, 1


@record
class Choice:
    """What was taken from one side."""

    name: str  # of an input, or the key of a package
    system: str  # that it is about; empty for all
    side: str  # what git calls it, such as `HEAD`
    why: Why


@record
class Merged:
    """A lock that git has left a conflict in, and how it was merged."""

    path: Path
    text: bytes  # with the conflict
    agreed: int  # how many inputs or packages are the same on both sides
    choices: tuple[Choice, ...]


def _choose(
    ours: Mapping[Key, Value], theirs: Mapping[Key, Value], prefer: Callable[[Key, Value, Value], tuple[int, Why]]
) -> dict[Key, tuple[int, Why | None]]:
    """Choose a side for everything that one of them has; with why, where they are not the same."""
    chosen: dict[Key, tuple[int, Why | None]] = {}
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in ours or key not in theirs:
            chosen[key] = (_OURS if key in ours else _THEIRS), Why.ONLY
        else:
            same = ours[key] == theirs[key]
            chosen[key] = (_OURS, None) if same else prefer(key, ours[key], theirs[key])
    return chosen


## flake.lock


def merge_flake_lock(path: Path, data: bytes, both: Sides) -> tuple[bytes, Merged]:
    """Merge the two versions of a `flake.lock`.

    Raises: NixprofError where one of them is not a lock.
    """
    try:
        ours, theirs = (parse_flake_lock(path, side) for side in (both.ours, both.theirs))
        chosen = _choose(ours, theirs, _newer)
        names = [name for name, (side, _) in chosen.items() if side == _THEIRS]
        text = _joined(json.loads(both.ours), json.loads(both.theirs), names)
        parse_flake_lock(path, text)
    except (NixprofError, *MISSHAPEN) as error:
        raise unmerged(path, data) from error
    choices = tuple(Choice(name, "", both.names[side], why) for name, (side, why) in _differing(chosen).items())
    return text, Merged(path, data, len(chosen) - len(choices), choices)


def _newer(_: str, mine: LockedInput, other: LockedInput) -> tuple[int, Why]:
    if mine.last_modified == other.last_modified:
        return _OURS, Why.FIRST
    return (_OURS if mine.last_modified > other.last_modified else _THEIRS), Why.NEWER


def _joined(ours: Any, theirs: Any, names: Sequence[str]) -> bytes:
    """Write a lock with some inputs of another and all that these depend on, renamed where a name is taken."""
    nodes, others = ours["nodes"], theirs["nodes"]
    root, asked = nodes[ours["root"]], others[theirs["root"]].get("inputs", {})
    new: dict[str, str] = {}
    for name in _reachable(others, [asked[name] for name in names]):
        new[name] = name
        while new[name] in nodes:
            new[name] += "_"

    def renamed(inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {name: new[target] if isinstance(target, str) else target for name, target in inputs.items()}

    for name, ours_now in new.items():
        inputs = {"inputs": renamed(others[name]["inputs"])} if "inputs" in others[name] else {}
        nodes[ours_now] = others[name] | inputs
    root["inputs"] = root.get("inputs", {}) | renamed({name: asked[name] for name in names})
    lock = ours | {"nodes": {name: nodes[name] for name in _reachable(nodes, [ours["root"]])}}
    return (json.dumps(lock, indent=2, sort_keys=True) + "\n").encode()


def _reachable(nodes: Mapping[str, Any], starts: Iterable[Any]) -> list[str]:
    """List the nodes that some lead to, themselves first; a path from the root, a `follows`, leads to no new one."""
    found = [start for start in starts if isinstance(start, str)]
    for name in found:  # grows
        found += [one for one in nodes[name].get("inputs", {}).values() if isinstance(one, str) and one not in found]
    return list(dict.fromkeys(found))


## packages.json


def merge_packages(
    path: Path, data: bytes, both: Sides, inputs: Mapping[str, LockedInput]
) -> tuple[dict[str, LockedPackage], Merged]:
    """Merge the two versions of a `packages.json`, where `inputs` is what is locked now.

    Raises: NixprofError where one of them is damaged, or of a newer nixprof.
    """
    try:
        ours, theirs = (parse_packages(path, side) for side in (both.ours, both.theirs))
    except NixprofError as error:
        raise unmerged(path, data) from error
    holds = _choose(_holds(ours), _holds(theirs), _held)
    held = {key: _holds((ours, theirs)[side])[key] for key, (side, _) in holds.items()}
    states = _states(ours), _states(theirs)

    def locked(at: tuple[str, str], mine: OnSystem, other: OnSystem) -> tuple[int, Why]:
        wanted = _source(at[0], held[at[0]], inputs)
        fits = [_tried(one) == wanted for one in (mine, other)]
        return (_THEIRS if fits == [False, True] else _OURS), (Why.FIRST if fits[0] == fits[1] else Why.LOCKED)

    chosen = _choose(*states, locked)
    packages = {key: LockedPackage(hold=hold) for key, hold in held.items()}
    for (key, system), (side, _) in chosen.items():
        resolved, why = states[side][key, system]
        packages[key] = packages[key].on(system, resolved) if resolved else packages[key]
        packages[key] = packages[key].without(system, why) if why else packages[key]
    found: dict[str, list[tuple[str, int, Why]]] = {key: [("", *one)] for key, one in _differing(holds).items()}
    for (key, system), one in _differing(chosen).items():
        if holds[key][1] is not Why.ONLY:
            found.setdefault(key, []).append((system, *one))
    choices = tuple(
        Choice(key, system, both.names[side], why) for key, each in found.items() for system, side, why in _told(each)
    )
    merged = Merged(path, data, len(held) - len(found), choices)
    return {key: one.kept_for(set()) for key, one in packages.items()}, merged


def _differing(chosen: Mapping[Key, tuple[int, Why | None]]) -> dict[Key, tuple[int, Why]]:
    return {key: (side, why) for key, (side, why) in chosen.items() if why}


def _told(found: list[tuple[str, int, Why]]) -> list[tuple[str, int, Why]]:
    """Say once what is the same for all systems that differ."""
    (_, side, why), *_ = found
    return [("", side, why)] if {one[1:] for one in found} == {(side, why)} else found


def _holds(packages: Packages) -> dict[str, Hold]:
    """Give what holds each package; whether one follows elsewhere is seen from its systems."""
    return {key: KeptByPath() if isinstance(one.hold, KeptByPath) else one.hold for key, one in packages.items()}


def _held(_: str, mine: Hold, other: Hold) -> tuple[int, Why]:
    """Prefer what stays until `update` moves it."""
    if isinstance(mine, FollowsInput):
        return _THEIRS, Why.HELD
    return _OURS, (Why.HELD if isinstance(other, FollowsInput) else Why.FIRST)


def _states(packages: Packages) -> dict[tuple[str, str], OnSystem]:
    return {
        (key, system): (one.systems.get(system), one.unavailable.get(system))
        for key, one in packages.items()
        for system in one.systems.keys() | one.unavailable.keys()
    }


def _tried(found: OnSystem) -> str:
    """Tell what a package was resolved from, or could not be had from."""
    resolved, why = found
    return why.source if why else resolved.source if resolved else ""


def _source(key: str, hold: Hold, inputs: Mapping[str, LockedInput]) -> str:
    """Tell what a package is to be resolved from."""
    if isinstance(hold, FollowsInput):
        locked = inputs.get(key.partition("#")[0])
        return locked.url if locked else ""
    return hold.reference if isinstance(hold, HeldAt) else ""
