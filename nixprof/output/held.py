"""What is held back, shown: why, and for how long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

from nixprof.errors import Reason
from nixprof.formatting import DAY_SECONDS, count, day, package_name, shell_quote, titled
from nixprof.manifest.flake_reference import Reference
from nixprof.output.table import columns, cut, fold
from nixprof.redact import excerpt
from nixprof.store_path import built_name, split_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nixprof.change.hold_story import HoldStory
    from nixprof.console import Console
    from nixprof.lock.freshness import Gap

# What says best itself why it is held back.
_IN_OWN_WORDS = tuple(one.value for one in (Reason.UNCACHED, Reason.COLLISION, Reason.INPUT, Reason.NETWORK))
_ALLOWED = (Reason.UNFREE, Reason.INSECURE, Reason.BROKEN)
_BRIEFLY = {
    Reason.MISSING.value: "gone from its input",
    Reason.UNFREE.value: "unfree licence",
    Reason.INSECURE.value: "marked as insecure",
    Reason.BROKEN.value: "marked as broken",
    Reason.UNSUPPORTED.value: "not available here",
    Reason.NO_SUCH_SYSTEM.value: "not available here",
    Reason.RENAMED.value: "has another name now",
    Reason.REMOVED.value: "removed from its input",
    Reason.BUILD_FAILED.value: "fails to build",
}


def briefly(gap: Gap) -> str:
    """Say in a few words why a package is held back."""
    waits_for = build_of_another(gap)
    if waits_for:
        return f"{waits_for}, which it needs, fails to build"
    if gap.why.reason in _IN_OWN_WORDS:
        return gap.why.message.removeprefix(f"{gap.package.written} is ")
    return _BRIEFLY.get(gap.why.reason, "cannot be evaluated")


def build_of_another(gap: Gap) -> str:
    """Name the build that failed where that is one of something that a package needs; empty where it is its own."""
    name = built_name(gap.why.derivation) if gap.why.derivation else ""
    return "" if gap.kept and split_name(name)[0] == gap.kept.pname else name


def by_cause(held: Sequence[Gap]) -> list[tuple[Gap, ...]]:
    """Put together what waits for the same build."""
    found: dict[str, list[Gap]] = {}
    for gap in held:
        found.setdefault(gap.why.derivation or gap.package.spec.key, []).append(gap)
    return [tuple(gaps) for gaps in found.values()]


def held_lines(held: Sequence[Gap], console: Console, stream: TextIO) -> Iterator[str]:
    """Tell what is held back: one line for each package, and one for all that wait for the same build."""
    width = console.width(stream)
    room = width and width - 2
    groups = by_cause(held)
    alone = [gap for gap, *others in groups if not others]
    rows = [(package_name(gap.package.spec.key), held_version(gap), held_for(gap)) for gap in alone]
    for line in columns(rows, room):
        yield f"{console.styled('=', 'dim', stream)} {line}"
    for group in groups:
        first, *others = (package_name(gap.package.spec.key) for gap in group)
        if others:
            what = build_of_another(group[0]) or "what they need"
            start = f"{count(len(group), 'package')} wait for {what}, which fails to build: {first}"
            line, *more = fold([start, *others], ", ", room and room - 1)
            yield f"{console.styled('=', 'dim', stream)} {cut(line, room)}"
            yield from (f"  {cut(part, room)}" for part in more)
    flags = [f" --{reason.policy_key}" for reason in _ALLOWED if any(gap.why.reason == reason.value for gap in held)]
    if flags:
        yield f"  to allow {'it' if len(held) == 1 else 'what may be allowed'}: nixprof update{''.join(flags)}"
    if held:
        yield f"  the whole story: nixprof why {shell_quote(package_name(held[0].package.spec.key))}"


def held_version(gap: Gap) -> str:
    """Give the version that a package is held back at; empty where that is not known."""
    return gap.kept.version if gap.kept else ""


def held_for(gap: Gap) -> str:
    """Say for how long a package has been held back, and why: `held for 3 days: fails to build`."""
    return f"held{_age(gap)}: {briefly(gap)}"


def _age(gap: Gap) -> str:
    days = int(time.time() - gap.why.since) // DAY_SECONDS if gap.why.since else 0
    return f" for {count(days, 'day')}" if days > 0 else ""


def held_title(gap: Gap) -> str:
    """Name what is held back, with its version, the reason and the age: `git 2.51.0 (fails to build, for 3 days)`."""
    age = f",{_age(gap)}" if _age(gap) else ""
    return f"{titled(gap.package.spec.key, held_version(gap))} ({briefly(gap)}{age})"


def revision_of(reference: str, input_name: str) -> str:
    """Name the revision of an input that a locked reference means; the reference itself where it has no commit."""
    rev = Reference.parse(reference).rev
    return f"{input_name} {rev[:7]}" if rev else excerpt(reference)


def story_lines(story: HoldStory, width: int | None) -> Iterator[str]:
    """Tell the whole story of a package that is held back."""
    gap = story.gap
    since = f" since {day(gap.why.since)}" if gap.why.since else ""
    yield cut(f"held back{since}: {gap.why.message}", None)
    tried = revision_of(gap.why.source, gap.package.spec.input)
    rows = [("tried", tried), ("failed", gap.why.derivation), ("waiting too", ", ".join(story.together))]
    yield from columns([row for row in rows if row[1]], None, indent=2)
    if story.log:
        yield "  its log ends with"
        yield from (f"    {cut(line, width and width - 4)}" for line in story.log)
    yield from (f"  {hint}" for hint in story.hints)
