"""What is wrong with a set-up, or could be better: findings, each a pure function of the facts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nixprof.change.hints import hints_of
from nixprof.doctor.path import for_shell, is_of_system, set_up, to_be_on_path
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import DAY_SECONDS, count, listed, package_name, period, shell_quote, size
from nixprof.nix.install_hint import hints
from nixprof.nix.profile import ProfileManager
from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.doctor.facts import Facts

# With less, the next update may fail half-way through a download.
_LITTLE_BYTES = 1 << 30
_ENOUGH_BYTES = 5 << 30
_OLD_HOLD_SECONDS = 30 * DAY_SECONDS
_MAX_NAMED = 4
# `nixpkgs`, and what Nix calls further ones in a lock.
_NIXPKGS = re.compile(r"nixpkgs(_\d+)?")


@record
class Finding:
    """One thing that is wrong, or could be better."""

    code: str  # for scripts; it stays
    topic: str  # what it is about, in a word
    what: str
    why: str  # why it matters
    commands: tuple[str, ...]  # what to do, mostly a command; the first one is the best
    problem: bool = True  # False for advice


def findings(facts: Facts, now: float) -> tuple[Finding, ...]:
    """Give all findings, by topic; `now` is in seconds since 1970."""
    return (*_nix(facts), *_store(facts), *_list(facts), *_locks(facts, now), *_profile(facts), *_shell(facts))


def _nix(facts: Facts) -> Iterator[Finding]:
    if facts.nix and not facts.nix.is_supported:
        yield Finding("nix-too-old", "Nix", facts.nix.too_old, "nothing can be installed with it", hints())
    elif facts.nix_failure:
        yield _failure("Nix", facts.nix_failure, "nothing can be installed without it")
    if facts.missing_set_up:
        what = "Nix is installed, but not set up for you"
        yield Finding("nix-not-set-up", "Nix", what, "it cannot write to its store", facts.missing_set_up)
    if facts.unreachable:
        what = f"{count(len(facts.unreachable), 'cache')} cannot be reached: {listed(facts.unreachable, _MAX_NAMED)}"
        yield Finding(
            "cache-unreachable",
            "Nix",
            what,
            "what is only there cannot be downloaded, and is built instead, which takes long",
            (f"curl -I {shell_quote(facts.unreachable[0].rstrip('/'))}/nix-cache-info",),
        )


def _store(facts: Facts) -> Iterator[Finding]:
    if facts.free_bytes is None or facts.free_bytes >= _ENOUGH_BYTES:
        return
    little = facts.free_bytes < _LITTLE_BYTES
    why = "the next update may not fit" if little else "a few more updates fill it"
    yield Finding("disk-space", "store", f"{size(facts.free_bytes)} are free", why, ("nixprof tidy --gc",), little)


def _list(facts: Facts) -> Iterator[Finding]:
    if facts.unfinished:
        what = "a change was stopped half-way, or is being made"
        yield Finding("unfinished", "list", what, "the list and the profile may differ until then", ("nixprof sync",))
    for failure in facts.failures:
        # Who has not begun yet has no problem; a list that is lost has a generation to bring it back from.
        new = failure.reason is Reason.NO_MANIFEST and facts.manager is ProfileManager.NOBODY
        yield _failure("list", failure, "no command works until that is put right", problem=not new)
    if not facts.in_git and not facts.failures:
        folder = shell_quote(str(facts.manifest.parent))
        what = "the list is not in git"
        why = "another machine cannot have it, and what you delete from it is gone"
        yield Finding("not-in-git", "list", what, why, (f"git init {folder} && git -C {folder} add .",), problem=False)


def _locks(facts: Facts, now: float) -> Iterator[Finding]:
    extra = further_nixpkgs(facts)
    if extra:
        what = f"the inputs bring nixpkgs in {count(len(extra), 'further revision')}"
        why = "each is downloaded and evaluated by itself, and its packages share nothing with the others"
        yield Finding(
            "several-nixpkgs",
            "locks",
            what,
            why,
            ('nixprof edit   and for the input: follows = { nixpkgs = "nixpkgs" }',),
            problem=False,
        )
    old = [gap for gap in facts.held if gap.why.since and now - gap.why.since > _OLD_HOLD_SECONDS]
    for gap in old:
        name = package_name(gap.package.spec.key)
        what = f"{name} has been held back for {period(now - gap.why.since)}: {gap.why.message}"
        why = "it gets no security fixes meanwhile"
        yield Finding("old-hold", "locks", what, why, (f"nixprof why {shell_quote(name)}",), problem=False)


def further_nixpkgs(facts: Facts) -> frozenset[str]:
    """Give the revisions of nixpkgs in the lock that the list does not name itself."""
    nodes = facts.lock.get("nodes", {})
    root = nodes.get(facts.lock.get("root", ""), {})
    named = {target for target in root.get("inputs", {}).values() if isinstance(target, str)}
    hashes = {name: node["locked"].get("narHash", name) for name, node in nodes.items() if "locked" in node}
    known = {hashes[name] for name in named if name in hashes}
    return frozenset(hash_ for name, hash_ in hashes.items() if _NIXPKGS.fullmatch(name)) - known


def _profile(facts: Facts) -> Iterator[Finding]:
    if facts.foreign:
        by = "nix-env" if facts.manager is ProfileManager.NIX_ENV else "nix profile or another tool"
        what = f"the profile has {count(facts.foreign, 'element')} from {by}"
        why = "they are not on the list: no other machine gets them, and `update` leaves them behind"
        yield Finding("foreign", "profile", what, why, ("nixprof freeze",), problem=False)


def _shell(facts: Facts) -> Iterator[Finding]:
    if "SUDO_USER" in facts.environment:
        what = "this is run with sudo"
        why = "nixprof then works on the profile of root, and leaves files in your home that you cannot change"
        yield Finding("sudo", "shell", what, why, ("nixprof doctor",), problem=False)
    if facts.profile is None:
        return
    in_new = (set_up(facts.profile), "and then open a new terminal")
    if not facts.on_path:
        what = "the programs of the profile are not on your PATH"
        yield Finding("not-on-path", "shell", what, "the shell does not find what is installed", in_new)
    if facts.shadowed:
        names = [f"{name} by {file}" for name, file in facts.shadowed.items()]
        verb = "is" if len(names) == 1 else "are"
        what = f"{count(len(names), 'program')} of the profile {verb} shadowed: {listed(names, _MAX_NAMED)}"
        command = to_be_on_path(facts.profile, facts.environment.get("SHELL", ""))
        in_file = (command, "and the same line at the end of your shell's start-up file")
        todo = in_new if all(map(is_of_system, facts.shadowed.values())) else in_file
        yield Finding("shadowed", "shell", what, "what comes first on the PATH runs instead", todo)
    yield from _variables(facts, for_shell(facts.profile))


def _variables(facts: Facts, profile: str) -> Iterator[Finding]:
    """Find variables that do not name the profile."""
    if "TERMINFO_DIRS" in facts.unnamed:
        what = "TERMINFO_DIRS does not name the profile, which describes terminals"
        why = "programs fail in such a terminal, also over ssh"
        command = f'export TERMINFO_DIRS={profile}/share/terminfo:"$TERMINFO_DIRS"'
        yield Finding("terminfo", "shell", what, why, (command,), problem=False)
    if "XDG_DATA_DIRS" in facts.unnamed and facts.system.endswith("-linux"):
        what = "XDG_DATA_DIRS does not name the profile, which has desktop applications"
        why = "the menu of the desktop does not show them"
        command = f'export XDG_DATA_DIRS={profile}/share:"${{XDG_DATA_DIRS:-/usr/local/share:/usr/share}}"'
        yield Finding("applications", "shell", what, why, (command,), problem=False)


def _failure(topic: str, failure: NixprofError, why: str, *, problem: bool = True) -> Finding:
    """Make a finding of why something cannot be read or run."""
    cause = f" ({failure.cause})" if failure.cause else ""
    commands = hints_of(failure) or ("nixprof sync",)
    return Finding(failure.reason.value, topic, f"{failure.message}{cause}", why, commands, problem)
