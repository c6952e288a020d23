"""A change, shown: what it will do and what it did. Every command that changes something shows it this way."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from nixprof.change.differences import Kind
from nixprof.formatting import count, package_title, size
from nixprof.lock.flake_lock import revision
from nixprof.output.table import cells, column_widths, columns, cut, fold, gaps_by_system

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nixprof.change.differences import Change
    from nixprof.change.plan import MovedInput, Outcome, Plan
    from nixprof.console import Console
    from nixprof.context import Context
    from nixprof.nix.download_plan import DownloadPlan

# A log gets at most this many lines of a plan.
_MAX_LOG_LINES = 12
# More builds, or lost packages, than this are counted.
_MAX_NAMES = 3
# A smaller difference on the disk is not worth a word.
_MIN_DIFFERENCE_BYTES = 50 << 10
# In a flake reference: a revision, which nothing moves.
_REVISION = re.compile(r"\b[0-9a-f]{40}\b")
_SIGNS = {
    Kind.ADDED: ("+", "green"),
    Kind.REMOVED: ("-", "red"),
    Kind.CHANGED: ("~", "yellow"),
    Kind.REBUILT: ("~", "yellow"),
    Kind.RANKED: ("~", "yellow"),
}
_WORDS = {
    "added": (Kind.ADDED,),
    "removed": (Kind.REMOVED,),
    "changed": (Kind.CHANGED, Kind.RANKED),
    "rebuilt": (Kind.REBUILT,),
}
_VERBS = dict(zip(("add", "remove", "change", "rebuild"), _WORDS.values(), strict=True))


def show(result: Outcome | None, context: Context, notes: Sequence[str] = (), otherwise: str = "") -> None:
    """Show what became of a change.

    Args:
        result: the change; None where an editor changed nothing.
        context: who made it.
        notes: what else to say.
        otherwise: what was done where no package has changed.

    """
    console = context.console
    if result is None:
        console.say("The list was not changed.")
        return
    for note in notes:
        console.say(note)
    if not result.done and not result.declined:
        show_plan(result.plan, console, sys.stderr)
    console.say(outcome(result, otherwise))
    if result.done and not context.chosen_profile and any(one.before is None for one in result.plan.changes):
        from nixprof.nix.profile import locate

        link = locate(None)
        hint = not_on_path(link) if link else None
        if hint:
            console.say(hint)


def as_json(result: Outcome) -> dict[str, Any]:
    """Give what became of a change."""
    plan = result.plan
    return {
        "done": result.done,
        "changes": plan.changes,
        "inputs": plan.moved,
        "packages": len(plan.packages),
        "generation": result.generation,
        "weight": plan.downloads,
        "unavailable": plan.gaps,
    }


def show_plan(result: Plan, console: Console, stream: TextIO) -> None:
    """Show what a change comes to; nothing where a script reads."""
    if not console.json:
        for line in plan(result, console, stream):
            console.write(line, stream)


def plan(result: Plan, console: Console, stream: TextIO) -> Iterator[str]:
    """Show what a change comes to: with --verbose everything, dependencies too.

    Where the stream is not a terminal, a long list would only fill a log, and is folded.
    """
    inputs = list(_input_lines(result))
    yield from inputs
    if inputs and result.changes:
        yield ""
    descriptions = {
        key: next(iter(locked.systems.values())).description
        for key, locked in result.lock.packages.items()
        if locked.systems
    }
    lines = list(change_lines(result.changes, descriptions, console, stream))
    folded = not console.verbose and not stream.isatty() and len(lines) > _MAX_LOG_LINES
    yield from lines[: _MAX_LOG_LINES if folded else None]
    if folded:
        yield f"  and {count(len(lines) - _MAX_LOG_LINES, 'more package')}"
    width = console.width(stream)
    for system, names in gaps_by_system(result.new_gaps).items():
        yield from _indented([f"not on {system}: {', '.join(names)}"], width)
    if result.request.moves.inputs or result.request.moves.packages:
        yield from _indented(_unchanged_parts(result), width)
    if result.downloads:
        yield from _indented(_download_parts(result.downloads, result), width)
        if console.verbose:
            yield from _dependency_lines(result.downloads)


def _indented(parts: Sequence[str], width: int | None) -> Iterator[str]:
    for line in fold(parts, " · ", width and width - 2):
        yield cut(f"  {line}", width)


def _input_lines(result: Plan) -> Iterator[str]:
    """Tell what becomes of the inputs, also of those that were to move and do not."""
    moved = {one.name: one for one in result.moved}
    rows = []
    for name, locked in result.lock.inputs.items():
        one = moved.get(name)
        if one is not None and one.before is not None:
            rows.append((name, _move(one)))
        elif one is None and name in result.request.moves.inputs:
            fixed = any(each.name == name and _REVISION.search(each.url) for each in result.manifest.inputs)
            why = "stays: the list names this revision" if fixed else "is up to date"
            rows.append((name, f"{revision(locked)} {why}".strip()))
    if rows:
        yield from columns(rows, None)


def _move(moved: MovedInput) -> str:
    before = revision(moved.before) if moved.before else ""
    if moved.before and moved.before.url == moved.after.url:
        return f"{before} with newer inputs of its own".strip()
    return f"{before or 'another revision'} → {revision(moved.after) or 'another revision'}"


def _unchanged_parts(result: Plan) -> list[str]:
    """Say how many packages an update leaves as they are, and why those that could not have moved."""
    changed = {change.key for change in result.changes}
    pins = {
        package.spec.key
        for package in result.manifest.packages
        if package.pin and package.spec.input in result.request.moves.inputs
    }
    there = [one for one in result.packages if one.key not in changed]
    named = {key: f"{package_title(key, one.version)} {one.version}".rstrip() for one in there for key in (one.key,)}
    alone = {package.spec.key for package in result.request.moves.packages}
    pinned = [named[one.key] for one in there if one.key in pins and one.key not in alone]
    kept = [named[one.key] for one in there if one.key not in pins and one.key.startswith("/")]
    newest = [named[one.key] for one in there if one.key in alone]
    unchanged = len({one.key for one in there} - alone) - len(pinned) - len(kept)
    return [
        *([f"{', '.join(newest)}: up to date"] if newest else []),
        *([f"{unchanged} unchanged"] if unchanged else []),
        *([f"{len(pinned)} pinned: {', '.join(pinned)}"] if pinned else []),
        *([f"{len(kept)} kept by store path: {', '.join(kept)}"] if kept else []),
    ]


def _download_parts(downloads: DownloadPlan, result: Plan) -> list[str]:
    """Say what has to be fetched and built, and what that comes to on the disk."""
    own = {path for package in result.packages for path in package.paths}
    others = len([path for path in downloads.fetched if path not in own])
    names = sorted(_built_name(path) for path in downloads.built)
    named = f": {', '.join(names)}" if len(names) <= _MAX_NAMES else ""
    return [
        *([f"and {others} {'dependency' if others == 1 else 'dependencies'}"] if others else []),
        *([f"{size(downloads.download_bytes)} to download"] if downloads.fetched else []),
        *_disk(downloads),
        *([f"{len(names)} to build{named}"] if names else []),
    ]


def _disk(downloads: DownloadPlan) -> list[str]:
    if downloads.difference_bytes is not None:
        return on_disk(downloads.difference_bytes)
    return [f"{size(downloads.unpacked_bytes)} on disk"] if downloads.fetched else []


def on_disk(number: int | None) -> list[str]:
    """Write how much more or less there is on the disk, `+2.1 MiB on disk`, where that is worth a word."""
    if number is None or abs(number) < _MIN_DIFFERENCE_BYTES:
        return []
    return [f"{'-' if number < 0 else '+'}{size(abs(number))} on disk"]


def _dependency_lines(downloads: DownloadPlan) -> Iterator[str]:
    """List all that is fetched and built, by name."""
    from nixprof.store_path import name_of

    rows = [(name_of(path), "") for path in downloads.fetched]
    rows += [(_built_name(path), "to build") for path in downloads.built]
    if rows:
        yield from (f"    {line}" for line in columns(sorted(rows), None))


def _built_name(derivation: str) -> str:
    from nixprof.store_path import name_of

    return name_of(derivation).removesuffix(".drv")


def change_lines(
    changes: Sequence[Change], descriptions: Mapping[str, str], console: Console, stream: TextIO
) -> Iterator[str]:
    """Show changes, one a line, with sign and versions; added packages with their descriptions, which are by key."""
    texts = [
        (
            package_title(change.key, change.after or change.before or ""),
            _versions(change),
            descriptions.get(change.key, "") if change.kind is Kind.ADDED else "",
        )
        for change in changes
    ]
    rows = cells(texts)
    if not rows:
        return
    width = console.width(stream)
    room = width and width - 2
    names = column_widths(rows, room)[0]
    for change, row, line in zip(changes, rows, columns(rows, room), strict=True):
        sign, style = _SIGNS[change.kind]
        start = max(names, len(row[0])) + 2
        versions = _emphasised(change, line[start:], console, stream)
        yield f"{console.styled(sign, style, stream)} {line[:start]}{versions}".rstrip()


def _emphasised(change: Change, text: str, console: Console, stream: TextIO) -> str:
    """Set off the part of a version that changed, and a description from the version."""
    if change.kind is Kind.CHANGED and text == _versions(change):
        same = common_part(change.before or "", change.after or "")
        before, after = text[: -len(change.after or "no version")], change.after or "no version"
        return console.styled(before + after[:same], "dim", stream) + console.styled(after[same:], "bold", stream)
    versions = _versions(change)
    return text[: len(versions)] + console.styled(text[len(versions) :], "dim", stream)


def common_part(before: str, after: str) -> int:
    """Tell how long the part of two versions is that is the same: whole numbers only."""
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
    same = "".join(one for one, _ in pairs)
    return len(re.sub(r"[^.+_-]+$", "", same))


def _versions(change: Change) -> str:
    match change.kind:
        case Kind.ADDED:
            return change.after or ""
        case Kind.REMOVED:
            return change.before or ""
        case Kind.CHANGED:
            return f"{change.before or 'no version'} → {change.after or 'no version'}"
        case Kind.REBUILT:
            return f"{change.after} (rebuilt)".lstrip()
        case Kind.RANKED:
            return f"{change.after} (other priority)".lstrip()


def outcome(result: Outcome, otherwise: str = "") -> str:
    """Sum a change up in one line; `otherwise` says what was done where no package has changed."""
    if result.declined:
        return "Nothing was changed."
    if not result.done:
        return dry_run(result.plan.changes, otherwise or _unseen(result.plan))
    what = ", ".join(filter(None, (counts(result.plan.changes), otherwise))) or _unseen(result.plan)
    generation = f" · generation {result.generation}" if result.generation else ""
    return f"✓ {what}{generation} · {result.seconds:.1f} s"


def dry_run(changes: Sequence[Change], otherwise: str) -> str:
    """Sum up what would be done: `dry run: would add 2 packages, remove 1 (nothing was changed)`."""
    numbers = [(sum(change.kind in kinds for change in changes), verb) for verb, kinds in _VERBS.items()]
    parts = [(number, verb) for number, verb in numbers if number]
    if not parts:
        return f"dry run, nothing was changed: {otherwise}"
    (number, verb), *rest = parts
    first = f"{verb} {count(number, 'package')}"
    return f"dry run: would {', '.join([first, *(f'{word} {n}' for n, word in rest)])} (nothing was changed)"


def _unseen(result: Plan) -> str:
    """Say what was done where no package has changed."""
    return "no package changes, only the list" if result.request.files else "no package changes"


def counts(changes: Sequence[Change]) -> str:
    """Count changes: `2 added, 1 removed`; empty for none."""
    numbers = ((sum(change.kind in kinds for change in changes), word) for word, kinds in _WORDS.items())
    return ", ".join(f"{number} {word}" for number, word in numbers if number)


def not_on_path(profile: Path) -> str | None:
    """Say how to have the programs of a profile on the PATH; None where they are."""
    programs = profile / "bin"
    real = os.path.realpath(programs)
    if any(os.path.realpath(folder) == real for folder in os.environ.get("PATH", "").split(os.pathsep) if folder):
        return None
    usual = Path("~/.nix-profile/bin").expanduser()
    shown = "$HOME/.nix-profile/bin" if os.path.realpath(usual) == real else shlex.quote(str(programs))
    fish = os.path.basename(os.environ.get("SHELL", "")) == "fish"
    command = f"fish_add_path {shown}" if fish else f'export PATH={shown}:"$PATH"'
    return f"  the programs are not on your PATH yet: {command}"
