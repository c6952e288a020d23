"""`nixprof try`: programs of packages that are not on the list, for one command or one shell."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.flow import begin
from nixprof.commands.add import read_addition
from nixprof.commands.init import template
from nixprof.errors import NixprofError, Reason
from nixprof.files import scratch_folder
from nixprof.record import record
from nixprof.redact import excerpt
from nixprof.shell.startup import login_shell
from nixprof.signals import ctrl_c_left_to_child

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nixprof.change.plan import Plan
    from nixprof.context import Context


@record
class Trial:
    """What became of trying packages out."""

    plan: Plan
    exit_code: int  # of the command


def run(context: Context, packages: Sequence[str]) -> Trial:
    """Run a command, or a shell, that finds the programs of packages first. The list and the profile stay."""
    names, command = _split(context.arguments, packages)
    with scratch_folder() as roots:
        with begin(context, template(context.machine.system)) as change:
            request = read_addition(context, change, names).request
            plan = change.plan(replace(request, activates=False, attempt=replace(request.attempt, is_trial=True)))
            if plan.downloads or context.dry_run:
                context.show(plan)
            if context.dry_run:
                return Trial(plan, 0)
            change.try_out(plan, roots)
        return Trial(plan, _run(command, plan))


def _split(arguments: Sequence[str], words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Tell packages from the command, which is what was typed after `--`; without one it is the user's shell."""
    if "--" not in arguments:
        return words, (str(login_shell()),)
    command = arguments[arguments.index("--") + 1 :]
    packages = words[: len(words) - len(command)]
    if not packages or not command:
        what = "no command after --" if packages else "no package before --"
        raise NixprofError(f"there is {what}", Reason.USAGE, hints=("nixprof try ripgrep -- rg --version",))
    return packages, command


def _run(command: Sequence[str], plan: Plan) -> int:
    """Run a command with the programs of a trial. Return what its shell would call its exit code."""
    folders = [os.path.join(path, "bin") for one in plan.packages for path in one.paths]
    path = os.pathsep.join([*filter(os.path.isdir, folders), os.environ.get("PATH", os.defpath)])
    try:
        with ctrl_c_left_to_child():
            code = subprocess.run(command, check=False, env={**os.environ, "PATH": path}).returncode
    except OSError as error:
        raise _not_run(command[0], folders, error) from error
    return code if code >= 0 else 128 - code


def _not_run(program: str, folders: Sequence[str], error: OSError) -> NixprofError:
    """Say that a program cannot be started, and which ones could."""
    names = sorted({each.name for folder in folders if os.path.isdir(folder) for each in Path(folder).iterdir()})
    there = f"the packages have {', '.join(names)}" if names else "the packages have no programs"
    cause = f"{error.strerror}\n{there}" if not isinstance(error, FileNotFoundError) else there
    return NixprofError(f"cannot run {excerpt(program)}", Reason.NOT_RUN, cause=cause)
