"""`nixprof try`: programs of packages that are not on the list, for one command or one shell."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from nixprof.change.flow import begin
from nixprof.commands.add import read_addition
from nixprof.commands.init import template
from nixprof.errors import NixprofError, Reason
from nixprof.files import scratch_folder
from nixprof.formatting import titled
from nixprof.record import record, replace
from nixprof.redact import excerpt
from nixprof.shell.session import run_shell
from nixprof.signals import ctrl_c_left_to_child
from nixprof.store_path import programs_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

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
    with scratch_folder() as scratch:
        with begin(context, template(context.machine.system)) as change:
            request = read_addition(context, change, names).request
            plan = change.plan(replace(request, activates=False, attempt=replace(request.attempt, is_trial=True)))
            if plan.downloads or context.dry_run:
                context.show(plan)
            if context.dry_run:
                return Trial(plan, 0)
            change.try_out(plan, scratch)
        if not command:
            context.progress.note(f"a shell that finds {_titles(plan)} first; to leave it: exit")
        return Trial(plan, _run(command, plan, scratch))


def _split(arguments: Sequence[str], words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Tell packages from the command, which is what was typed after `--`; without one it is empty."""
    if "--" not in arguments:
        return words, ()
    command = arguments[arguments.index("--") + 1 :]
    packages = words[: len(words) - len(command)]
    if not packages or not command:
        what = "no command after --" if packages else "no package before --"
        raise NixprofError(f"there is {what}", Reason.USAGE, hints=("nixprof try ripgrep -- rg --version",))
    return packages, command


def _titles(plan: Plan) -> str:
    return ", ".join(titled(one.key, one.version) for one in plan.packages)


def _run(command: Sequence[str], plan: Plan, scratch: Path) -> int:
    """Run a command, or the user's shell, with the programs of a trial. Return what a shell would call its exit code.

    `scratch` is a folder for what a shell reads at its start.
    """
    paths = [path for one in plan.packages for path in one.paths]
    folders = [folder for folder in (f"{path}/bin" for path in paths) if os.path.isdir(folder)]
    variables = {**os.environ, "PATH": os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])}
    if not command:
        return _exit_code(run_shell(folders, variables, scratch))
    try:
        with ctrl_c_left_to_child():
            return _exit_code(subprocess.run(command, check=False, env=variables).returncode)
    except OSError as error:
        raise _not_run(command[0], paths, error) from error


def _exit_code(returned: int) -> int:
    return returned if returned >= 0 else 128 - returned


def _not_run(program: str, paths: Sequence[str], error: OSError) -> NixprofError:
    """Say that a program cannot be started, and which ones could."""
    names = programs_in(paths)
    there = f"the packages have {', '.join(names)}" if names else "the packages have no programs"
    why = "there is no such program" if isinstance(error, FileNotFoundError) else error.strerror
    return NixprofError(f"cannot run {excerpt(program)}", Reason.NOT_RUN, cause=f"{why}; {there}")
