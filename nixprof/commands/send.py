"""`nixprof sync --to HOST`: have other machines match the list of this one, each by itself."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from nixprof.change.differences import Change, Kind, compare
from nixprof.change.generations import SOURCES, relative_sources, write_sources
from nixprof.change.staging import generated
from nixprof.change.state import State
from nixprof.commands.init import fetch
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import count, listed
from nixprof.manifest.model import EVERYWHERE
from nixprof.record import record, replace
from nixprof.remote.known import remember
from nixprof.remote.machine import Standing, compared, generation_in, look, state_for
from nixprof.remote.sent import Sent, SentTo
from nixprof.remote.ssh import Host, Ssh, failed_there
from nixprof.schema import MISSHAPEN, fits
from nixprof.signals import Interrupted
from nixprof.store_path import is_store_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nixprof.context import Context
    from nixprof.remote.machine import RemoteMachine

T = TypeVar("T")
R = TypeVar("R")

# What nixprof's answer there has, at least.
_RESULT = {"done": bool, "packages": int, "changes": [{"package": str, "change": str}], "held": [{"package": str}]}
_FAILURE = {"error": {"code": str, "message": str, "hints": [str]}}


@record
class _Lacking:
    """A machine that lacks store paths which no cache has."""

    there: RemoteMachine
    paths: tuple[str, ...]


def send(context: Context, names: Sequence[str], *, overwrite: bool) -> Sent:
    """Send the list and its lock to machines, several at once; one that fails stops no other."""
    hosts = list(dict.fromkeys(map(Host.parse, names)))
    _check_synced(State(context))
    files = fetch(context, str(context.folders.config)).files
    texts = {os.path.relpath(path, context.folders.config): data for path, data in files.items()}
    reached = []
    with Ssh.to(hosts, can_ask=context.console.can_ask) as ssh:

        def begin(host: Host) -> SentTo | _Lacking:
            there = look(ssh, host)
            reached.append(host.name)
            _check_list(context, there, overwrite=overwrite)
            return _sync(context, ssh, there, texts)

        def go_on(lacking: _Lacking) -> SentTo | _Lacking:
            return _sync(context, ssh, lacking.there, texts, lacking)

        try:
            found = _at_once(context, ssh, begin, hosts)
        finally:
            if not context.dry_run:
                remember(context.folders, [host.name for host in hosts if host.name in reached])
        found = [_copied(context, ssh, one) if isinstance(one, _Lacking) else one for one in found]
        again = iter(_at_once(context, ssh, go_on, [one for one in found if isinstance(one, _Lacking)]))
        found = [next(again) if isinstance(one, _Lacking) else one for one in found]
    machines = (
        one if isinstance(one, SentTo) else SentTo(host.name, error=_error(host, one))
        for host, one in zip(hosts, found, strict=True)
    )
    return Sent(tuple(machines), done=not context.dry_run)


def _at_once(context: Context, ssh: Ssh, work: Callable[[T], R], machines: Sequence[T]) -> list[R | NixprofError]:
    """Do something for several machines, and say how far that is; a failure takes the place of what comes of it."""
    if not machines:
        return []
    try:
        with ssh.step(context.progress, f"syncing {count(len(machines), 'machine')}"):
            return ssh.each(work, machines, context.progress)
    except Interrupted as error:
        message = "Interrupted. Machines that had begun may go on by themselves: nixprof machines"
        raise NixprofError(message, Reason.INTERRUPTED, changed=True) from error


def _error(host: Host, found: _Lacking | NixprofError) -> NixprofError:
    if isinstance(found, NixprofError):
        return found
    return NixprofError(f"{host.name} lacks what it has been sent", Reason.NO_SOURCE, cause="\n".join(found.paths))


def _check_synced(state: State) -> None:
    """Make sure that the lock answers the list."""
    if state.unresolved or not state.compiled:
        message = "the list here was changed since it was last synced"
        raise NixprofError(message, Reason.NOT_SYNCED, hints=("nixprof sync",))


def _check_list(context: Context, there: RemoteMachine, *, overwrite: bool) -> None:
    """Make sure that a machine can take the list, and loses none of its own."""
    state = state_for(context, there)
    name = there.host.name
    if not overwrite and compared(context, there).standing is Standing.OTHER_LIST:
        hints = (
            f"to see it: {there.host.command} cat .config/nixprof/nixprof.toml",
            f"to replace it: nixprof sync --to {name} --overwrite",
        )
        raise NixprofError(
            f"{name} has a list of its own, or one that was edited there", Reason.OTHER_LIST, hints=hints
        )
    if there.has_nixprof or not state.unresolved:
        return
    system = there.machine.system
    names = listed([package.written for package in state.wanted if package in state.unresolved])
    raise NixprofError(
        f"{name} has no nixprof, and the lock does not say what {names} is on {system}",
        Reason.NO_SUCH_SYSTEM,
        hints=(f'add "{system}" to systems: nixprof edit', f"or install nixprof there: {there.host.command}"),
    )


def _sync(
    context: Context, ssh: Ssh, there: RemoteMachine, texts: Mapping[str, bytes], lacking: _Lacking | None = None
) -> SentTo | _Lacking:
    """Have a machine sync, by its nixprof or else by Nix; `lacking` has been looked for already, and copied."""
    state = state_for(context, there)
    changes = compare(there.packages, state.expected)
    if context.dry_run and not there.has_nixprof:
        return SentTo(there.host.name, changes, len(state.expected), there.generation, by_nix=True)
    words = ("--copied", *(("--dry-run",) if context.dry_run else ())) if lacking or context.dry_run else ()
    sent = {"sender": context.machine.host.encode(), **_payload(state, there, texts)}
    answer = ssh.ask(there.host, ["sync", *words], sent)
    if said := answer.get("said", b"").decode(errors="replace").rstrip():
        context.progress.nix_said(said)
    if "code" not in answer:
        return _Lacking(there, _lacking_paths(there, answer))
    copied = lacking.paths if lacking else ()
    if there.has_nixprof:
        return replace(_by_nixprof(there, answer), copied=copied)
    _check_nix(there, answer)
    held = tuple(gap.package.written for gap in state.held)
    generation = generation_in({name: data.decode(errors="replace") for name, data in answer.items()})
    return SentTo(there.host.name, changes, len(state.expected), generation, held, copied, by_nix=True)


def _payload(state: State, there: RemoteMachine, texts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give what a machine is sent; one that has Nix alone gets a flake of its own packages, by no other name."""
    manifest = state.manifest
    if not there.has_nixprof:
        own = (replace(one, scope=EVERYWHERE) for one in state.wanted)
        manifest = replace(manifest, packages=tuple(own))
    flake = generated(manifest, state.lock)
    if not there.has_nixprof:
        flake |= {SOURCES: write_sources(relative_sources(state.manifest))}
    paths = sorted({path for one in state.expected for path in one.paths})
    return {
        **{f"list/{name}": data for name, data in texts.items()},
        **{f"list/flake/{name}": data for name, data in flake.items()},
        "paths": "".join(f"{path}\n" for path in paths).encode(),
    }


def _lacking_paths(there: RemoteMachine, answer: Mapping[str, bytes]) -> tuple[str, ...]:
    """Read which store paths a machine lacks and finds in no cache; raise NixprofError where it says something else."""
    said = answer.get("plan", b"").decode(errors="replace")
    below = re.search(r"know how to build[^\n]*\n((?:  \S+\n?)+)", said)
    paths = tuple(path for path in (below[1].split() if below else ()) if is_store_path(path))
    if not paths:
        raise failed_there(there.host, answer)
    return paths


def _copied(context: Context, ssh: Ssh, lacking: _Lacking) -> _Lacking | NixprofError:
    """Copy what a machine lacks, as far as it is in the store here; the rest it may build by itself."""
    host = lacking.there.host
    try:
        with context.nix() as nix:
            here = tuple(sorted(set(lacking.paths) - nix.invalid(lacking.paths)))
            if here:
                with ssh.step(context.progress, f"copying {count(len(here), 'store path')} to {host.name}"):
                    nix.send(here, host.store(lacking.there.nix, *ssh.options))
    except NixprofError as error:
        return error
    return _Lacking(lacking.there, here)


def _by_nixprof(there: RemoteMachine, answer: Mapping[str, bytes]) -> SentTo:
    """Read what the nixprof of a machine has done, as it says with `--json`."""
    said: Any = None
    with suppress(*MISSHAPEN):
        said = json.loads(answer.get("result", b""))
    if fits(said, _FAILURE):
        raise _reported(there, said["error"])
    if not fits(said, _RESULT):
        raise failed_there(there.host, answer)
    changes = (_change(one) for one in said["changes"])
    held = tuple(one["package"] for one in said["held"])
    generation = said.get("generation")
    number = generation if type(generation) is int else None
    return SentTo(there.host.name, tuple(changes), said["packages"], number, held)


def _change(said: Mapping[str, object]) -> Change:
    kind = next((kind for kind in Kind if kind.value == said["change"]), Kind.CHANGED)
    before, after = (one if isinstance(one, str) else None for one in (said.get("before"), said.get("after")))
    return Change(kind, str(said["package"]), before, after)


def _reported(there: RemoteMachine, said: Mapping[str, Any]) -> NixprofError:
    """Repeat what the nixprof of a machine has failed at."""
    name = there.host.name
    if said["code"] == Reason.USAGE.value:
        return NixprofError(f"the nixprof on {name} is too old to be sent a list", Reason.NOT_SYNCED)
    reason = next((reason for reason in Reason if reason.value == said["code"]), Reason.NOT_SYNCED)
    cause = said.get("cause")
    # What names the folder that the list came in is of no use any more.
    hints = tuple(f"on {name}: {hint}" for hint in said["hints"] if "--overwrite" not in hint)
    return NixprofError(said["message"], reason, cause=cause if isinstance(cause, str) else None, hints=hints)


def _check_nix(there: RemoteMachine, answer: Mapping[str, bytes]) -> None:
    """Raise NixprofError where Nix alone has not done it."""
    if answer["code"].strip() == b"0":
        return
    name = there.host.name
    if "refused" in answer:
        message = f"the profile on {name} was made by nix-env, which Nix alone would convert with losses"
        hints = (f"install nixprof there, and then on {name}: nixprof freeze",)
        raise NixprofError(message, Reason.UNSUITABLE_PROFILE, hints=hints)
    raise failed_there(there.host, answer)
