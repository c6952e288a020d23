"""A change, shown: what it will do and what it did. Every command that changes something shows it this way."""

from __future__ import annotations

import itertools
import os
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

from nixprof.change.differences import Kind
from nixprof.formatting import count, display_path, package_name, package_title, size, size_difference, titled
from nixprof.lock.flake_lock import revision
from nixprof.output.held import held_lines
from nixprof.output.merged import merged_json, merged_lines
from nixprof.output.table import cells, columns, cut, fold, gaps_by_system
from nixprof.store_path import built_name, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from nixprof.change.differences import Change
    from nixprof.change.plan import MovedInput, Outcome, Plan
    from nixprof.console import Console
    from nixprof.context import Context
    from nixprof.manifest.model import Package
    from nixprof.nix.download_plan import DownloadPlan

# A log gets at most this many lines of a plan.
_MAX_LOG_LINES = 12
# More builds, or lost packages, than this are counted.
_MAX_NAMES = 3
# A smaller difference on the disk is not worth a word.
_MIN_DIFFERENCE_BYTES = 50 << 10
# In a flake reference: a revision, which nothing moves.
_REVISION = re.compile(r"\b[0-9a-f]{40}\b")
# What a kind of change is shown with: sign, colour, what was done, and what would be.
KINDS = {
    Kind.ADDED: ("+", "green", "added", "add"),
    Kind.REMOVED: ("-", "red", "removed", "remove"),
    Kind.CHANGED: ("~", "yellow", "changed", "change"),
    Kind.RANKED: ("~", "yellow", "changed", "change"),
    Kind.REBUILT: ("~", "yellow", "rebuilt", "rebuild"),
}
_DONE, _TO_DO = 2, 3
# What a dry run would do where it would do nothing.
_NOTHING = "change no package"


def show(result: Outcome | None, context: Context) -> None:
    """Show what became of a change; None where an editor changed nothing."""
    console = context.console
    if result is None:
        console.say("The list was not changed.")
        return
    already = dict.fromkeys(_already(one, context.folders.manifest) for one in result.present or ())
    console.say(*already, *result.notes)
    if not result.done and not result.declined:
        show_plan(result.plan, console, sys.stderr)
    console.say(_summary(result))
    if result.done and not context.chosen_profile and any(one.before is None for one in result.plan.changes):
        console.say(*_not_on_path())


def _already(package: Package, manifest: Path) -> str:
    """Say that an entry is on the list, and where, if that is not the usual place."""
    file = f"in {display_path(package.file)}" if package.file != manifest else ""
    place = ", ".join(filter(None, (package.scope.reason, file)))
    return f"{package.written} is on the list already" + (f", {place}" if place else "")


def _written(packages: Iterable[Package]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.written for one in packages))


def as_json(result: Outcome) -> dict[str, Any]:
    """Give what became of a change."""
    plan = result.plan
    return {
        "done": result.done,
        "changes": plan.changes,
        "inputs": plan.moved,
        "staying": plan.staying,
        "packages": len(plan.packages),
        "generation": result.generation,
        "weight": plan.downloads,
        "unavailable": plan.after.gaps,
        "held": plan.after.held,
        "merged": merged_json(plan),
        **({} if plan.request.unlisted is None else {"unlisted": plan.request.unlisted}),
        **({} if result.present is None else {"present": _written(result.present), "found": result.found}),
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
    yield from merged_lines(result, console.width(stream))
    inputs = list(_input_lines(result))
    yield from inputs
    if inputs and (result.changes or result.after.held):
        yield ""
    lines = list(change_lines(result.changes, _descriptions(result), console, stream))
    folded = not console.verbose and not stream.isatty() and len(lines) > _MAX_LOG_LINES
    yield from lines[: _MAX_LOG_LINES if folded else None]
    if folded:
        yield f"  and {count(len(lines) - _MAX_LOG_LINES, 'more package')}"
    width = console.width(stream)
    if result.late:
        yield from _indented([f"on the list before, and not installed until now: {', '.join(result.late)}"], width)
    for name, places in _unlisted(result).items():
        yield from _indented([f"{name}: also no longer for {', '.join(places)}"], width)
    if result.request.moves:
        yield from held_lines(result.after.held, console, stream)
    for system, names in gaps_by_system(result.new_gaps).items():
        yield from _indented([f"not on {system}: {', '.join(names)}"], width)
    if result.request.moves:
        yield from _indented(_unchanged_parts(result), width)
    if result.downloads:
        yield from _indented(_download_parts(result.downloads, result), width)
        if console.verbose:
            yield from _dependency_lines(result.downloads)


def _unlisted(result: Plan) -> dict[str, list[str]]:
    """Give the other machines that packages go from, by package, in the words of the list."""
    places: dict[str, list[str]] = {}
    for one in result.request.unlisted or ():
        places.setdefault(one.package, []).append(one.on.replace("host.", "host ", 1))
    return places


def _descriptions(result: Plan) -> dict[str, str]:
    packages = result.after.lock.packages.items()
    return {key: next(iter(locked.systems.values())).description for key, locked in packages if locked.systems}


def _indented(parts: Sequence[str], width: int | None) -> Iterator[str]:
    for line in fold(parts, " · ", width and width - 2):
        yield cut(f"  {line}", width)


def _input_lines(result: Plan) -> Iterator[str]:
    """Tell what becomes of the inputs, also of those that were to move and do not."""
    moved = {one.name: one for one in result.moved}
    staying = {one.name: one.message for one in result.staying}
    rows = []
    for name, locked in result.after.lock.inputs.items():
        one = moved.get(name)
        if name in staying:
            rows.append((name, f"{revision(locked)} stays: {staying[name]}".strip()))
            continue
        if one is not None and one.before is not None:
            rows.append((name, _move(one)))
        elif one is None and name in result.request.moves.inputs:
            fixed = any(each.name == name and _REVISION.search(each.url) for each in result.after.manifest.inputs)
            why = "stays: the list names this revision" if fixed else "is up to date"
            rows.append((name, f"{revision(locked)} {why}".strip()))
    yield from columns(rows, None)


def _move(moved: MovedInput) -> str:
    before = revision(moved.before) if moved.before else ""
    if moved.before and moved.before.url == moved.after.url:
        return f"{before} with newer inputs of its own".strip()
    return f"{before or 'another revision'} → {revision(moved.after) or 'another revision'}"


def _unchanged_parts(result: Plan) -> list[str]:
    """Say how many packages an update leaves as they are, and why those that could not have moved."""
    moves = result.request.moves
    changed = {change.key for change in result.changes} | {gap.package.spec.key for gap in result.after.held}
    pins = {one.spec.key for one in result.after.manifest.packages if one.pin and one.spec.input in moves.inputs}
    there = {one.key: titled(one.key, one.version) for one in result.packages if one.key not in changed}
    newest = [there.pop(package.spec.key) for package in moves.packages if package.spec.key in there]
    pinned = [name for key, name in there.items() if key in pins]
    kept = [name for key, name in there.items() if key not in pins and key.startswith("/")]
    unchanged = len(there) - len(pinned) - len(kept)
    return _parts(
        f"{', '.join(newest)}: up to date" if newest else "",
        f"{unchanged} unchanged" if unchanged else "",
        f"{len(pinned)} pinned: {', '.join(pinned)}" if pinned else "",
        f"{len(kept)} kept by store path: {', '.join(kept)}" if kept else "",
    )


def brief(change: Change) -> str:
    """Name a package with its version, or with both: `jq 1.6 → 1.7`."""
    if change.kind is Kind.CHANGED:
        return f"{package_name(change.key)} {change.before or '?'} → {change.after or '?'}"
    return titled(change.key, change.after or change.before or "")


def _parts(*texts: str) -> list[str]:
    return [text for text in texts if text]


def _download_parts(downloads: DownloadPlan, result: Plan) -> list[str]:
    """Say what has to be fetched and built, and what that comes to on the disk."""
    own = {path for package in result.packages for path in package.paths}
    others = len([path for path in downloads.fetched if path not in own])
    names = sorted(built_name(path) for path in downloads.built)
    named = f": {', '.join(names)}" if len(names) <= _MAX_NAMES else ""
    is_known = downloads.difference_bytes is not None or not downloads.fetched
    return _parts(
        f"and {others} {'dependency' if others == 1 else 'dependencies'}" if others else "",
        f"{size(downloads.download_bytes)} to download" if downloads.fetched else "",
        *(on_disk(downloads.difference_bytes) if is_known else [f"{size(downloads.unpacked_bytes)} on disk"]),
        f"{len(downloads.copied)} to copy from {downloads.lender}" if downloads.copied else "",
        f"{len(names)} to build{named}" if names else "",
    )


def on_disk(number: int | None) -> list[str]:
    """Write how much more or less there is on the disk, `+2.1 MiB on disk`, where that is worth a word."""
    if number is None or abs(number) < _MIN_DIFFERENCE_BYTES:
        return []
    return [f"{size_difference(number)} on disk"]


def _dependency_lines(downloads: DownloadPlan) -> Iterator[str]:
    rows = [(name_of(path), "") for path in downloads.fetched]
    rows += [(name_of(path), f"from {downloads.lender}") for path in downloads.copied]
    rows += [(built_name(path), "to build") for path in downloads.built]
    yield from columns(sorted(rows), None, indent=4)


def change_lines(
    changes: Sequence[Change], descriptions: Mapping[str, str], console: Console, stream: TextIO
) -> Iterator[str]:
    """Show changes, one a line, with sign, versions, and why; added packages with their descriptions, which are by key.

    With --verbose, the address of what has changed in a new version is below it.
    """
    texts = [
        (
            package_title(change.key, change.after or change.before or ""),
            _versions(change),
            descriptions.get(change.key, "") if change.kind is Kind.ADDED else _why(change),
        )
        for change in changes
    ]
    width = console.width(stream)
    for change, row, line in zip(changes, cells(texts), columns(texts, width and width - 2), strict=True):
        sign, style, *_ = KINDS[change.kind]
        start = max(line.find(row[1], len(row[0])), len(row[0]))
        versions = _emphasised(change, line[start:], console, stream)
        yield f"{console.styled(sign, style, stream)} {line[:start]}{versions}".rstrip()
        if console.verbose and change.changelog:
            yield f"    {change.changelog}"


def _why(change: Change) -> str:
    """Say why a package changes, as far as that is known: security patches, and what a rebuilt one is rebuilt for."""
    cause = change.cause
    if not cause:
        return _fixes(change.cves or ())
    if cause.before != cause.after:
        because = f"{cause.name} {cause.before or '?'} → {cause.after or '?'}"
    else:
        because = f"{cause.name} built in another way".lstrip()
    if cause.guessed:
        because = f"probably {because}"
    return ", ".join(_parts(because, _fixes(cause.cves or change.cves or ())))


def _fixes(cves: Sequence[str]) -> str:
    return f"patched for {', '.join(cves)}" if cves else ""


def _emphasised(change: Change, text: str, console: Console, stream: TextIO) -> str:
    """Set off the part of a version that changed, and a description from the version."""
    versions, after = _versions(change), change.after or "no version"
    if change.kind is not Kind.CHANGED or text != versions:
        return text[: len(versions)] + console.styled(text[len(versions) :], "dim", stream)
    at = len(versions) - len(after) + common_part(change.before or "", after)
    return console.styled(versions[:at], "dim", stream) + console.styled(versions[at:], "bold", stream)


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


def _summary(result: Outcome) -> str:
    if result.declined:
        return "Nothing was changed."
    changes = result.plan.changes
    only_list = bool(result.plan.request.files)
    if not result.done:
        return dry_run(changes, result.would, "change no package, only the list" if only_list else _NOTHING)
    held = f"{len(result.plan.after.held)} held" if result.plan.after.held and result.plan.request.moves else ""
    what = ", ".join(filter(None, (counts(changes), result.summary, held)))
    what = what or ("no package changes, only the list" if only_list else "no package changes")
    generation = f" · generation {result.generation}" if result.generation else ""
    return f"✓ {what}{generation} · {result.seconds:.1f} s"


def dry_run(changes: Sequence[Change], also: str = "", otherwise: str = _NOTHING) -> str:
    """Sum up what would be done: `dry run: would add 2 packages, remove 1 (nothing was changed)`."""
    numbers = enumerate(_numbers(changes, _TO_DO))
    parts = [f"{verb} {number if at else count(number, 'package')}" for at, (verb, number) in numbers]
    return f"dry run: would {', '.join([*parts, *([also] if also else [])]) or otherwise} (nothing was changed)"


def counts(changes: Sequence[Change], *, done: bool = True) -> str:
    """Count changes: `2 added, 1 removed`, or `2 to add, 1 to remove` where they are not done; empty for none."""
    if done:
        return ", ".join(f"{number} {word}" for word, number in _numbers(changes, _DONE))
    return ", ".join(f"{number} to {word}" for word, number in _numbers(changes, _TO_DO))


def _numbers(changes: Sequence[Change], column: int) -> list[tuple[str, int]]:
    """Count changes by a word of `KINDS`, in its order."""
    words = [KINDS[change.kind][column] for change in changes]
    known = dict.fromkeys(kind[column] for kind in KINDS.values())
    return [(word, words.count(word)) for word in known if word in words]


def _not_on_path() -> Iterator[str]:
    """Say how to have the programs of the profile on the PATH, where they are not."""
    from nixprof.nix.profile import locate
    from nixprof.shell.startup import is_among, set_up

    profile = locate(None)
    if not profile or is_among(profile / "bin", os.environ.get("PATH", "")):
        return
    yield f"  the programs are not on your PATH yet: {set_up(profile)}"
