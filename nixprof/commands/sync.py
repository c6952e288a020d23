"""`nixprof sync`: make this machine match the list."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nixprof.change.process_lock import recover_first, was_stopped
from nixprof.change.state import State
from nixprof.errors import NixprofError, Reason
from nixprof.files import content
from nixprof.lock.lock import Lock
from nixprof.record import record, replace
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nixprof.change.plan import Outcome
    from nixprof.change.request import ChangeRequest
    from nixprof.context import Context
    from nixprof.lock.freshness import Gap
    from nixprof.remote.sent import Sent


@record
class InSync:
    """There is nothing to do: how many packages the profile has, in which generation, and what other systems lack."""

    packages: int
    generation: int | None
    gaps: tuple[Gap, ...] = ()
    held: tuple[Gap, ...] = ()  # what stays here at what it was, because it cannot be had


def run(
    context: Context,
    hosts: Sequence[str] | None = None,
    *,
    origin: str | None = None,
    to: Sequence[str] | None = None,
    cache: str | None = None,
    overwrite: bool = False,
) -> Outcome | InSync | Sent:
    """Install what is missing and remove what is no longer listed. Starts no process where nothing is to do.

    Where there is no list yet, that of `origin` is copied first: a folder, git URL, flake reference or machine. `cache`
    is a machine that is asked first for what is missing here. With `to`, other machines do it, with the list and the
    lock of this one; more `hosts` follow.
    """
    if hosts and not to:
        raise _usage(f"sync takes no packages, and machines only behind --to: {excerpt(hosts[0])}")
    if to and (origin or cache or context.chosen_profile or context.allowed):
        raise _usage("with --to, other machines sync by themselves: options that are for this one do not go with it")
    if overwrite and not (origin or to):
        raise _usage("--overwrite needs --to or --from")
    if to:
        from nixprof.commands.send import send

        return send(context, (*to, *(hosts or ())), overwrite=overwrite)
    if cache is not None:
        from nixprof.remote.lists import store_of
        from nixprof.remote.ssh import Host

        context = replace(context, store=store_of(context, Host.parse(cache)))
    if origin is None:
        return _run(context)
    from nixprof.commands.init import taken

    if overwrite:
        return _receive(context, origin)
    with taken(context, origin) as own:
        return _run(own)


def _usage(message: str) -> NixprofError:
    return NixprofError(message, Reason.USAGE, hints=("nixprof sync --help",))


def _receive(context: Context, origin: str) -> Outcome | InSync:
    """Match the list of another machine, which takes the place of the one that is here: all of it, or nothing."""
    from nixprof.change.flow import begin
    from nixprof.commands.init import fetch, replacing

    recover_first(context)
    found = fetch(context, origin)
    sender = excerpt(os.environ.get("NIXPROF_SENT_BY", ""))  # the folder is of one time: `history` had better name who
    command = f"nixprof sync, sent by {sender}" if sender else context.command
    context = replace(context, store=found.store or context.store, command=command)
    files, lock = replacing(context, found)
    own = Lock.read(context.folders.flake)
    is_known = (lock.flake_lock, lock.packages) == (own.flake_lock, own.packages)
    if is_known and all(content(path) == data for path, data in files.items()):
        return _run(context)
    with begin(context, received=(files, lock)) as change:
        return change.carry_out(_request(context))


def _run(context: Context) -> Outcome | InSync:
    state = State(context)
    allowable = {reason.value for reason in context.allowed}
    if (
        state.in_sync
        and not was_stopped(context.folders)
        and not any(gap.why.reason in allowable for gap in (*state.gaps, *state.held))
    ):
        return InSync(len(state.wanted), state.generation, state.gaps, state.held)
    from nixprof.change.flow import begin

    with begin(context) as change:
        return change.carry_out(_request(context))


def _request(context: Context) -> ChangeRequest:
    from nixprof.change.failures import Attempt
    from nixprof.change.request import ChangeRequest

    return ChangeRequest(attempt=Attempt(("nixprof", *context.arguments)))
