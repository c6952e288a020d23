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
from nixprof.folders import home
from nixprof.formatting import package_name
from nixprof.record import record
from nixprof.redact import excerpt
from nixprof.shell.startup import login_shell, quote
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
    return ", ".join(f"{package_name(one.key)} {one.version}".rstrip() for one in plan.packages)


def _run(command: Sequence[str], plan: Plan, scratch: Path) -> int:
    """Run a command, or the user's shell, with the programs of a trial. Return what its shell would call its exit code.

    `scratch` is a folder for what a shell reads at its start.
    """
    folders = [f"{path}/bin" for one in plan.packages for path in one.paths if os.path.isdir(f"{path}/bin")]
    variables = {**os.environ, "PATH": os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])}
    own = str(login_shell())
    words = command or (own, *_at_its_start(own, folders, scratch, variables))
    try:
        with ctrl_c_left_to_child():
            code = subprocess.run(words, check=False, env=variables).returncode
    except OSError as error:
        if not command:
            message, hints = f"cannot start your shell {excerpt(own)}", ("export SHELL=/bin/sh",)
            raise NixprofError(message, Reason.NOT_RUN, cause=error.strerror, hints=hints) from error
        raise _not_run(command[0], folders, error) from error
    return code if code >= 0 else 128 - code


def _at_its_start(shell: str, folders: Sequence[str], scratch: Path, variables: dict[str, str]) -> Sequence[str]:
    """Have a shell put folders first once it has read the user's start-up files, which may put others there.

    Returns: the arguments of the shell; `variables` may change.

    """
    name = Path(shell).name
    first = f"PATH={quote(os.pathsep.join(folders), 'sh')}:$PATH\n"
    if name == "bash":
        (scratch / "bashrc").write_text(f"[ ! -r ~/.bashrc ] || . ~/.bashrc\n{first}")
        return "--rcfile", str(scratch / "bashrc")
    if name == "zsh":
        own = quote(os.environ.get("ZDOTDIR") or str(home()), "zsh")
        (scratch / ".zshenv").write_text(f"[[ ! -r {own}/.zshenv ]] || . {own}/.zshenv\n")
        (scratch / ".zshrc").write_text(f"ZDOTDIR={own}\n[[ ! -r {own}/.zshrc ]] || . {own}/.zshrc\n{first}")
        variables["ZDOTDIR"] = str(scratch)
    if name == "fish":
        return "-C", f"set -gx PATH {' '.join(quote(folder, 'fish') for folder in folders)} $PATH"
    return ()


def _not_run(program: str, folders: Sequence[str], error: OSError) -> NixprofError:
    """Say that a program cannot be started, and which ones could."""
    names = sorted({each.name for folder in folders for each in Path(folder).iterdir()})
    there = f"the packages have {', '.join(names)}" if names else "the packages have no programs"
    why = "there is no such program" if isinstance(error, FileNotFoundError) else error.strerror
    return NixprofError(f"cannot run {excerpt(program)}", Reason.NOT_RUN, cause=f"{why}; {there}")
