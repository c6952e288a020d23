"""`nixprof space`: what the packages of the profile cost on the disk, each for itself and all together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.needs import Needs
from nixprof.change.process_lock import warn
from nixprof.change.state import State
from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.context import Context


@record
class Cost:
    """What one package takes, in bytes."""

    key: str
    version: str  # may be empty
    by_nixprof: bool  # False for what nixprof has not installed
    own_bytes: int  # what would go without it
    closure_bytes: int  # what it needs in all


@record
class SharedPath:
    """A store path that several packages need."""

    path: str
    bytes: int
    packages: int  # how many need it


@record
class Revision:
    """Packages that stay at another revision than their input."""

    held: str | None  # the locked reference; None for what is kept by store path
    keys: tuple[str, ...]
    own_bytes: int  # what would go without them all


@record
class Space:
    """What a profile takes. The sizes of all packages, of what they share and of the links are `closure_bytes`."""

    generation: int
    packages: tuple[Cost, ...]  # the largest first
    shared_bytes: int  # what several packages need
    shared: tuple[SharedPath, ...]  # the largest first
    link_bytes: int  # the profile itself: links, and the list that it was made from
    closure_bytes: int
    revisions: tuple[Revision, ...]  # other than those of the inputs
    revision_bytes: int  # what would go without all packages at other revisions
    older: tuple[int, ...]  # the other generations
    older_bytes: int  # what only those need


def run(context: Context) -> Space:
    """Add up what the profile needs, with one question to Nix.

    Raises: NixprofError where there is no profile.
    """
    warn(context)
    with context.nix() as nix:
        needs = Needs(context, nix)
    graph, users, now = needs.graph, needs.needed_by, needs.closure_now
    counts = {path: users[path].bit_count() for path in now}
    shared = [SharedPath(path, graph.sizes[path], number) for path, number in counts.items() if number > 1]
    others = [one for one in needs.generations if one != needs.current]
    apart = needs.held_apart(State(context))
    held = {key for keys in apart.values() for key in keys}
    return Space(
        needs.current.number,
        tuple(sorted(_costs(needs), key=lambda one: (-one.own_bytes, -one.closure_bytes, one.key))),
        sum(one.bytes for one in shared),
        tuple(sorted(shared, key=lambda one: (-one.bytes, one.path))),
        graph.size(path for path, number in counts.items() if not number),
        graph.size(now),
        tuple(Revision(reference or None, tuple(keys), needs.own_bytes(keys)) for reference, keys in apart.items()),
        needs.own_bytes(held),
        tuple(one.number for one in others),
        graph.size(needs.closure(others) - now),
    )


def _costs(needs: Needs) -> Iterator[Cost]:
    environment = needs.current.environment
    ours = set(environment.packages if environment else ())
    own, whole = [0] * len(needs.packages), [0] * len(needs.packages)
    for path, users in needs.needed_by.items():
        size = needs.graph.sizes[path]
        if users.bit_count() == 1:
            own[users.bit_length() - 1] += size
        for number in _numbers(users):
            whole[number] += size
    for number, one in enumerate(needs.packages):
        yield Cost(one.key, one.version, one in ours, own[number], whole[number])


def _numbers(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
