"""`nixprof machines`: how other machines stand to the list of this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.state import State
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import count, nearest
from nixprof.record import record
from nixprof.remote.known import forget, known_machines
from nixprof.remote.machine import Comparison, compared, look
from nixprof.remote.ssh import Host, Ssh

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nixprof.context import Context
    from nixprof.remote.machine import RemoteMachine

# A machine that has not answered by then counts as one that cannot be reached.
_MAX_SECONDS = 20


@record
class MachineStatus:
    """One machine: either how it stands, or why that is not known."""

    host: str
    there: RemoteMachine | None = None
    comparison: Comparison | None = None
    error: NixprofError | None = None


@record
class Machines:
    """All machines that were asked for."""

    machines: tuple[MachineStatus, ...]
    forgotten: tuple[str, ...] = ()  # the names that nobody is to ask for again


def run(context: Context, names: Sequence[str] | None = None, *, forgets: bool = False) -> Machines:
    """Ask machines, by default all that the list was sent to, how they stand; or forget some."""
    known = known_machines(context.folders)
    hosts = list(dict.fromkeys(map(Host.parse, names or ([] if forgets else known))))
    if forgets:
        return Machines((), _forgotten(context, hosts, known))
    if hosts:
        _ = State(context).manifest  # what is wrong with the list here is said once
    with Ssh(batch=True, seconds=_MAX_SECONDS) as ssh, context.progress.step(f"asking {count(len(hosts), 'machine')}"):

        def ask(host: Host) -> MachineStatus:
            there = look(ssh, host)
            return MachineStatus(host.name, there, compared(context, there))

        found = ssh.each(ask, hosts, context.progress)
    return Machines(
        tuple(
            MachineStatus(host.name, error=one) if isinstance(one, NixprofError) else one
            for host, one in zip(hosts, found, strict=True)
        )
    )


def _forgotten(context: Context, hosts: Sequence[Host], known: Sequence[str]) -> tuple[str, ...]:
    """Forget machines; raise NixprofError for none, or for one that is not known."""
    if not hosts:
        known_ones = f"known: {', '.join(known) or 'none'}"
        raise NixprofError("--forget takes the machines to forget", Reason.USAGE, hints=(known_ones,))
    names = tuple(host.name for host in hosts)
    for name in names:
        if name not in known:
            meant = tuple(f"did you mean nixprof machines --forget {one}?" for one in nearest(name, known))
            raise NixprofError(f"{name} is not known", Reason.USAGE, hints=meant or ("nixprof machines",))
    forget(context.folders, names)
    return names
