"""What is wrong with Nix, its store and its caches: findings, each a pure function of the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.hints import hints_of
from nixprof.doctor.finding import Finding
from nixprof.errors import Reason
from nixprof.formatting import count, listed, shell_quote, size
from nixprof.manifest.problems import ManifestError
from nixprof.nix.install_hint import hints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nixprof.doctor.facts import Facts
    from nixprof.doctor.nix_facts import NixFacts
    from nixprof.errors import NixprofError
    from nixprof.manifest.problems import Problem

# With less, the next update may fail half-way through a download.
_LITTLE_BYTES = 1 << 30
_ENOUGH_BYTES = 5 << 30
# What shows more of a failure that nothing is known to cure.
_TO_LOOK = (
    "nix --extra-experimental-features nix-command config show",
    "and put right what that complains of, mostly in nix.conf",
)
_BUILT_INSTEAD = "what is only there cannot be downloaded, and is built instead, which takes long"


def nix_findings(facts: Facts) -> Iterator[Finding]:
    """Find what is wrong with Nix, its store and its caches."""
    nix = facts.nix
    if nix.unmounted:
        what = "/nix is a volume of its own, which is not mounted"
        mac = facts.system.endswith("-darwin")
        command = "sudo launchctl kickstart -k system/org.nixos.darwin-store" if mac else "sudo mount /nix"
        yield Finding("store-not-mounted", "store", what, "nothing that is installed can be run", (command,))
    elif nix.version and not nix.version.is_supported:
        yield Finding("nix-too-old", "Nix", nix.version.too_old, "nothing can be installed with it", hints())
    elif nix.failure and nix.failure.reason is Reason.NO_NIX and facts.login.asked and facts.login.has_nix:
        what = "this terminal does not find Nix, and new ones do"
        yield Finding("no-nix", "Nix", what, "nothing can be installed from this one", ("open a new terminal",))
    elif nix.failure:
        yield from_failure("Nix", nix.failure, "nothing can be installed without it", _TO_LOOK)
    if nix.missing_set_up:
        what = "Nix is installed, but not set up for you"
        yield Finding("nix-not-set-up", "Nix", what, "it cannot write to its store", nix.missing_set_up)
    yield from _caches(nix)
    yield from _store(nix)


def _caches(nix: NixFacts) -> Iterator[Finding]:
    if nix.unreachable:
        what = f"{count(len(nix.unreachable), 'cache')} cannot be reached: {listed(nix.unreachable)}"
        command = f"curl -I {shell_quote(nix.unreachable[0].rstrip('/'))}/nix-cache-info"
        yield Finding("cache-unreachable", "Nix", what, _BUILT_INSTEAD, (command,))
    for cache, key in nix.foreign_keys.items():
        what = f"Nix does not trust the key {key} of {cache}"
        command = f"in nix.conf, as the owner of the cache publishes it: extra-trusted-public-keys = {key}:…"
        yield Finding("cache-untrusted", "Nix", what, _BUILT_INSTEAD, (command,))
    if nix.ignored:
        what = f"Nix ignores {count(len(nix.ignored), 'cache')} of your own settings: {listed(nix.ignored)}"
        why = f"you are not a trusted user; {_BUILT_INSTEAD}"
        line = f"extra-trusted-substituters = {' '.join(nix.ignored)}"
        command = f"echo {shell_quote(line)} | sudo tee -a /etc/nix/nix.conf"
        yield Finding("cache-ignored", "Nix", what, why, (command, "and restart the Nix daemon"))
    if nix.settings.get("require-sigs") is False:
        what = "Nix does not check signatures"
        why = "whoever is between you and a cache decides what you run"
        yield Finding("signatures-off", "Nix", what, why, ("in nix.conf, remove: require-sigs = false",), problem=False)


def _store(nix: NixFacts) -> Iterator[Finding]:
    if nix.free_bytes is None or nix.free_bytes >= _ENOUGH_BYTES:
        return
    little = nix.free_bytes < _LITTLE_BYTES
    why = "the next update may not fit" if little else "a few more updates fill it"
    yield Finding("disk-space", "store", f"{size(nix.free_bytes)} are free", why, ("nixprof tidy --gc",), little)


def from_failure(
    topic: str, failure: NixprofError, why: str, otherwise: tuple[str, ...], *, problem: bool = True
) -> Finding:
    """Make a finding of why something cannot be read or run; `otherwise` is what to do where that says nothing."""
    cause = f" ({failure.cause})" if failure.cause else ""
    if isinstance(failure, ManifestError):
        cause = f": {listed([_wrong(one, failure) for one in failure.problems])}"
    commands = hints_of(failure) or otherwise
    return Finding(failure.reason.value, topic, f"{failure.message}{cause}", why, commands, problem)


def _wrong(problem: Problem, failure: ManifestError) -> str:
    file = "" if problem.file == failure.manifest else f"{problem.file} "
    text = f" ({problem.text})" if problem.text else ""
    fix = f"; {problem.fix}" if problem.fix else ""
    return f"{file}line {problem.line}{text}: {problem.message}{fix}"
