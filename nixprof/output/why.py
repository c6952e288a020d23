"""`nixprof why`, shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nixprof.formatting import count, package_name, shell_quote, size, titled
from nixprof.lock.flake_lock import revision
from nixprof.output.held import revision_of, story_lines
from nixprof.output.table import columns, cut, fold
from nixprof.store_path import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.commands.why import Reached, Story, Way, Why
    from nixprof.context import Context

# A terminal gets this many packages for each path, without --verbose.
_MAX_WAYS = 8
# How the names of packages are set off from what they need.
_INDENT = "  "


def show(result: Why, context: Context) -> None:
    """Show the story of an entry, and what brings each path."""
    console = context.console
    width = console.width(sys.stdout)
    most = _MAX_WAYS if width and not console.verbose else None
    if result.story:
        console.out(_story(result.story, width))
    for one in result.paths:
        console.out(_reached(one, width, most, is_entry=result.story is not None))


def as_json(result: Why) -> dict[str, Any]:
    """Give all of it; of an entry what is known of it."""
    story = result.story
    return {
        "asked": result.asked,
        "entry": story
        and {
            "package": story.package.written,
            "version": story.version or None,
            "pinned": story.package.pin,
            "held": story.held,
            "input": story.package.spec.input or None,
            "revision": story.input,
            "ownBytes": story.own_bytes,
            "closureBytes": story.closure_bytes,
            "heldBack": story.held_back,
        },
        "paths": result.paths,
    }


## an entry of the list


def _story(story: Story, width: int | None) -> Iterator[str]:
    yield cut(f"{titled(story.package.spec.key, story.version)} is on the list", width)
    takes = f"{size(story.own_bytes)} for itself, {size(story.closure_bytes)} in all"
    yield from columns([*_origin(story), *_hold(story), ("takes", takes)], width, indent=2)
    if story.held_back:
        yield from story_lines(story.held_back, width)


def _origin(story: Story) -> Iterator[tuple[str, str]]:
    name = story.package.spec.input
    if story.held_back and story.held_back.gap.kept:
        yield "from", revision_of(story.held_back.gap.kept.source, name) or "an unknown source"
    elif story.held is None and name:
        yield "from", f"{name} {revision(story.input) if story.input else ''}".rstrip()


def _hold(story: Story) -> Iterator[tuple[str, str]]:
    """Say whether `update` leaves a package where it is, and why."""
    name = shell_quote(package_name(story.package.spec.key))
    if story.held:
        yield "held", f"at {revision_of(story.held, story.package.spec.input)}"
    elif story.held == "":
        yield "kept", "by store path: its source is unknown"
    if story.package.pin:
        yield "pinned", f"`update` leaves it alone; to let it move again: nixprof unpin {name}"


## what needs a path


def _reached(one: Reached, width: int | None, most: int | None, *, is_entry: bool) -> Iterator[str]:
    """Show what needs a path: the package on the left, and how on the right."""
    if is_entry and not one.needed_by:
        return
    takes = "" if is_entry else f" ({size(one.bytes)})"
    users = count(len(one.needed_by), "package") if one.needed_by else "the profile itself"
    if one.generations:
        users = f"other generations only: {', '.join(map(str, one.generations))}"
    yield cut(f"{name_of(one.path)}{takes} is needed by {users}", width)
    shown = one.needed_by[:most]
    names = max((len(package_name(way.key)) for way in shown), default=0)
    for way in shown:
        yield from _way(way, names, width)
    if len(shown) < len(one.needed_by):
        yield f"{_INDENT}and {count(len(one.needed_by) - len(shown), 'more package')}"


def _way(way: Way, names: int, width: int | None) -> Iterator[str]:
    """Show a chain of references beside the package that it starts from, on as many lines as it takes."""
    start = f"{_INDENT}{package_name(way.key):{names}}{_INDENT}"
    room = width and max(width - len(start), width // 2)
    for line in fold([name_of(path) for path in way.chain], " → ", room):
        yield cut(f"{start}{line}", width)
        start = " " * (len(start) - 2) + "→ "
