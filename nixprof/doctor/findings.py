"""What is wrong with a set-up, or could be better: findings, each a pure function of the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.doctor.facts import LOCK_FORMAT
from nixprof.doctor.finding import Finding
from nixprof.doctor.nix_findings import from_failure, nix_findings
from nixprof.doctor.shell_findings import shell_findings
from nixprof.errors import Reason
from nixprof.formatting import DAY_SECONDS, count, listed, package_name, period, shell_quote, size
from nixprof.nix.profile import ProfileManager
from nixprof.shell.startup import word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.doctor.facts import Apart, Facts
    from nixprof.errors import NixprofError

_OLD_HOLD_SECONDS = 30 * DAY_SECONDS
# What Nix still reads.
_READ_FORMATS = range(5, LOCK_FORMAT + 1)


def findings(facts: Facts, now: float) -> tuple[Finding, ...]:
    """Give all findings, by topic; `now` is in seconds since 1970."""
    return (
        *nix_findings(facts),
        *_list(facts),
        *_lock(facts),
        *_revisions(facts),
        *_holds(facts, now),
        *_not_in_sync(facts),
        *_profile(facts),
        *shell_findings(facts),
    )


def _list(facts: Facts) -> Iterator[Finding]:
    if facts.unfinished:
        what = "a change was stopped half-way, or is being made"
        yield Finding("unfinished", "list", what, "the list and the profile may differ until then", ("nixprof sync",))
    for failure in facts.failures:
        # Who has not begun yet has no problem; a list that is lost has a generation to bring it back from.
        new = failure.reason is Reason.NO_MANIFEST and facts.manager is ProfileManager.NOBODY
        why = "nothing is installed by nixprof yet" if new else "no change can be made until that is put right"
        yield from_failure("list", failure, why, _to_mend(facts, failure), problem=not new)
    if not facts.in_git and not facts.failures:
        folder = word(facts.manifest.parent, "sh")
        what = "the list is not in git"
        why = "another machine cannot have it, and what you delete from it is gone"
        yield Finding("not-in-git", "list", what, why, (f"git init {folder} && git -C {folder} add .",), problem=False)


def _to_mend(facts: Facts, failure: NixprofError) -> tuple[str, ...]:
    """Say what to do where the failure itself does not."""
    match failure.reason:
        case Reason.INVALID_MANIFEST:
            return ("nixprof edit",)
        case Reason.CANNOT_READ:
            return (f"ls -ld {word(facts.manifest, 'sh')}", "it has to be a file that you can read")
    return ("nixprof sync",)


def _lock(facts: Facts) -> Iterator[Finding]:
    """Find a lock in another format than Nix writes."""
    version = facts.lock_format
    if version == LOCK_FORMAT:
        return
    file = word(facts.lock_file, "sh")
    if version in _READ_FORMATS:
        what = f"flake.lock has an older format ({version}; Nix writes {LOCK_FORMAT})"
        why = "a newer Nix may refuse it"
        commands: tuple[str, ...] = ("nixprof update", "which writes it in the new format as soon as an input moves")
        yield Finding("old-lock", "locks", what, why, commands, problem=False)
    else:
        what = f"flake.lock has a format that Nix does not read ({version})"
        why = "no package can be added or updated"
        commands = ("restore it from version control", f"or lock all inputs at their newest: rm {file} && nixprof sync")
        yield Finding("unknown-lock", "locks", what, why, commands)


def _revisions(facts: Facts) -> Iterator[Finding]:
    """Find what comes from other revisions of nixpkgs than the list's, and what that costs."""
    inputs = facts.own_nixpkgs
    if inputs:
        revisions: frozenset[str] = frozenset().union(*inputs.values())
        verb = "brings" if len(inputs) == 1 else "bring"
        what = f"{listed(sorted(inputs))} {verb} nixpkgs in {count(len(revisions), 'further revision')}"
        why = f"each is downloaded and evaluated, and its packages share little with the others{_cost(facts.by_inputs)}"
        fix = 'nixprof edit   and for the input: follows = { nixpkgs = "nixpkgs" }'
        yield Finding("several-nixpkgs", "locks", what, why, (fix,), problem=False)
    if facts.by_holds:
        names = [package_name(key) for key in facts.by_holds.keys]
        verb, needs = ("stays", "it needs") if len(names) == 1 else ("stay", "they need")
        what = f"{listed(names)} {verb} at another revision of nixpkgs than the rest"
        why = f"what {needs} is there once more{_cost(facts.by_holds)}"
        yield Finding("held-apart", "locks", what, why, ("nixprof space",), problem=False)


def _cost(apart: Apart | None) -> str:
    return f": {size(apart.bytes)} are there for {'it' if len(apart.keys) == 1 else 'them'} alone" if apart else ""


def _holds(facts: Facts, now: float) -> Iterator[Finding]:
    old = [gap for gap in facts.held if gap.why.since and now - gap.why.since > _OLD_HOLD_SECONDS]
    for gap in old:
        name = package_name(gap.package.spec.key)
        what = f"{name} has been held back for {period(now - gap.why.since)}: {gap.why.message}"
        why = "it gets no security fixes meanwhile"
        yield Finding("old-hold", "locks", what, why, (f"nixprof why {shell_quote(name)}",), problem=False)


def _not_in_sync(facts: Facts) -> Iterator[Finding]:
    """Find a profile that is not there, or not what the list says."""
    place = facts.lost_profile
    chosen = f" --profile {shell_quote(str(place or facts.profile))}" if facts.chosen_profile else ""
    sync = f"nixprof sync{chosen}"
    if place:
        is_link = place.is_symlink() or not place.exists()
        what = f"the profile {place} is {'not there' if is_link else 'not a link, as Nix makes it'}"
        away = "" if is_link else f"mv {word(place, 'sh')} {word(place.with_name(f'{place.name}.old'), 'sh')} && "
        yield Finding("profile-lost", "profile", what, "no shell finds what is on the list", (f"{away}{sync}",))
    elif not facts.in_sync and not facts.unfinished:
        what = "the profile is not what the list says"
        why = "what was changed by hand is not installed or removed yet"
        commands = (sync, f"to see what that does: nixprof status{chosen}")
        yield Finding("not-in-sync", "profile", what, why, commands, problem=False)


def _profile(facts: Facts) -> Iterator[Finding]:
    if facts.foreign:
        by = "nix-env" if facts.manager is ProfileManager.NIX_ENV else "nix profile or another tool"
        number = count(len(facts.foreign), "element")
        what = f"the profile has {number} from {by}: {listed(facts.foreign)}"
        why = "they are not on the list: no other machine gets them, and `update` leaves them behind"
        yield Finding("foreign", "profile", what, why, ("nixprof freeze",), problem=False)
    if facts.home_manager:
        what = "home-manager has its packages in the same profile"
        why = "a file that a package of each provides is taken from one of them only"
        commands = ("home-manager packages", "and keep what is on the list out of its home.packages")
        yield Finding("home-manager", "profile", what, why, commands, problem=False)
    if facts.graphical:
        names = [package_name(key) for key in facts.graphical]
        what = f"{listed(names)} may not find the driver of the graphics card"
        why = "programs of Nix look for OpenGL drivers where only NixOS has them"
        nix = "nix --extra-experimental-features 'nix-command flakes'"
        command = f"{nix} run --impure github:nix-community/nixGL -- PROGRAM"
        yield Finding("graphics", "profile", what, why, (command,), problem=False, guess=True)
