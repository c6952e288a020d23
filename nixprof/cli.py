"""The command line: words to arguments, results to streams, errors to exit codes. No logic of its own.

A command imports what it does only when it runs, so that a start costs little.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from nixprof import __version__
from nixprof.console import Colour, Console, can_ask, unwritten
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import command_line
from nixprof.redact import clean, excerpt, one_line, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from typer.models import CommandInfo

    from nixprof.change.confirmation import Consent
    from nixprof.change.flow import Outcome, Plan
    from nixprof.change.refusal import Allowance
    from nixprof.context import Context
    from nixprof.nix.progress import Progress

app = typer.Typer(
    name="nixprof",
    help="One short TOML list of packages, the same on every machine, installed by Nix.",
    epilog="To begin: nixprof add ripgrep. The list is ~/.config/nixprof/nixprof.toml.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _given(text: str) -> str:
    """Refuse an empty argument: mostly it is a variable that is not set."""
    if not text:
        raise typer.BadParameter("it is empty: is the variable set that it comes from?")
    return text


def _path(text: str) -> Path:
    return Path(_given(text))


ProfileOption = Annotated[
    Path | None,
    typer.Option("--profile", metavar="PATH", parser=_path, help="Use this profile instead of the default one."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would change, and change nothing.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
NoWaitOption = Annotated[bool, typer.Option("--no-wait", help="Fail immediately if another nixprof is running.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Show every step and the full output of Nix.")]
UnfreeOption = Annotated[bool, typer.Option("--allow-unfree", help="Allow packages that are unfree.")]
InsecureOption = Annotated[bool, typer.Option("--allow-insecure", help="Allow packages that are marked as insecure.")]
BrokenOption = Annotated[bool, typer.Option("--allow-broken", help="Allow packages that are marked as broken.")]
ColourOption = Annotated[Colour, typer.Option("--color", help="When to use colour.")]


class _Settings:
    """What the options that every command has were set to; for whoever shows the error of a command."""

    arguments: Sequence[str] = ()
    command = ""
    json = False
    verbose = False
    console = Console()
    answered = False  # with the one object of --json
    usual_profile = True  # and not one that the user has named
    changes = False  # whether the command is one that changes something


def _start(
    command: str,
    profile: Path | None,
    *,
    json: bool = False,
    verbose: bool = False,
    colour: Colour = Colour.AUTO,
    waits: bool | None = None,
    yes: bool = False,
) -> Context:
    """Note the common options and find out whose packages, and where; `waits` is of what changes something."""
    from nixprof.context import Context
    from nixprof.folders import Folders
    from nixprof.machine import Machine, host_name
    from nixprof.nix.system import system_of_nix
    from nixprof.output.progress import Display, Lines, Verbose

    _Settings.command, _Settings.json, _Settings.verbose = command, json, verbose
    _Settings.console, _Settings.answered = Console(colour), False
    _Settings.changes, _Settings.usual_profile = waits is not None, profile is None
    progress: Progress = Lines()
    if verbose:
        progress = Verbose()
    elif sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        progress = Display(colours=_Settings.console.colours(sys.stderr))
    named = command_line(command, _Settings.arguments)
    folders = Folders.of_user()
    machine = Machine(system_of_nix(folders.cache / "system.json", progress), host_name)
    return Context(folders, machine, profile, named, waits is not False, progress, yes, _Settings.arguments)


def _version(value: bool) -> None:  # noqa: FBT001 - so typer calls it
    if value:
        typer.echo(f"nixprof {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    del version


def _show_plan(plan: Plan, stream: TextIO) -> None:
    from nixprof.output import change

    if not _Settings.json:
        for line in change.plan(plan, _Settings.console, stream, verbose=_Settings.verbose):
            _Settings.console.write(line, stream)


def _allowed(*, unfree: bool, insecure: bool, broken: bool) -> Allowance:
    """Note what the user allows, and the words that a hint may add to."""
    from nixprof.change.refusal import Allowance
    from nixprof.errors import Reason

    allowed = {Reason.UNFREE: unfree, Reason.INSECURE: insecure, Reason.BROKEN: broken}
    return Allowance(frozenset(one for one, allow in allowed.items() if allow), ("nixprof", *_Settings.arguments))


def _consent(*, yes: bool) -> Consent:
    """Make out how to come by a yes."""
    import shlex

    from nixprof.change.confirmation import Consent

    somebody = can_ask() and not _Settings.json
    again = shlex.join(["nixprof", *_Settings.arguments, "--yes"])
    return Consent(yes, somebody, again, _ask)


def _ask(question: str) -> bool:
    """Ask a question that is answered with yes by default; the end of the input is a no."""
    try:
        return typer.confirm(clean(one_line(redact(question))), default=True, err=True)
    except typer.Abort:
        sys.stderr.write("\n")
        return False


def _confirm(*, yes: bool) -> Callable[[Plan], bool]:
    """Make a function that shows a plan and asks where it has to; `yes` is whether the user has said so beforehand."""

    def confirm(plan: Plan) -> bool:
        from nixprof.change.confirmation import risk_of
        from nixprof.output import change

        _show_plan(plan, sys.stderr)
        return plan.is_empty or _consent(yes=yes).to(change.question(plan), risk_of(plan), change.loss(plan))

    return confirm


def _show_outcome(result: Outcome, notes: Sequence[str] = (), otherwise: str = "", **more: object) -> None:
    from nixprof.output import change

    console = _Settings.console
    if _Settings.json:
        from nixprof.output import json

        _print_json(**json.outcome(result), **more)
        return
    for note in notes:
        console.say(note)
    if not result.done and not result.declined:
        _show_plan(result.plan, sys.stderr)
    console.say(change.outcome(result, otherwise))
    if result.done and _Settings.usual_profile and any(one.before is None for one in result.plan.changes):
        from nixprof.nix.profile import locate

        link = locate(None)
        hint = change.not_on_path(link) if link else None
        if hint:
            console.say(hint)


def _print_json(**content: object) -> None:
    from nixprof.output import json

    text = json.envelope(_Settings.command, **content)
    _Settings.answered = True
    sys.stdout.write(f"{text}\n")


@app.command(
    short_help="Write a commented list to begin with.",
    epilog="Examples: nixprof init; nixprof init --from ~/dotfiles/nixprof",
)
def init(
    origin: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="REF", parser=_given, help="Take over the list of a folder, git URL or flake reference."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write a commented list to begin with, or take over another machine's."""
    from nixprof.commands import init as command
    from nixprof.output.init import initialised

    done = command.run(_start("init", None, json=json, waits=True), origin)
    if json:
        _print_json(manifest=str(done.manifest), packages=done.packages)
        return
    _say(initialised(str(done.manifest), done.packages))


@app.command(
    short_help="Add packages to the list and install them.",
    epilog="Examples: nixprof add ripgrep fd; nixprof add git^out,man; nixprof add github:helix-editor/helix",
)
def add(
    packages: Annotated[list[str], typer.Argument(metavar="PACKAGE…", help="Packages, or any Nix installable.")],
    priority: Annotated[
        int | None,
        typer.Option("--priority", help="When packages provide the same file, the lower number wins (default: 5)."),
    ] = None,
    pin: Annotated[bool, typer.Option("--pin", help="`update` leaves it alone.")] = False,
    allow_unfree: UnfreeOption = False,
    allow_insecure: InsecureOption = False,
    allow_broken: BrokenOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
    no_wait: NoWaitOption = False,
    verbose: VerboseOption = False,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Add packages to the list and install them; for packages already listed, change their options."""
    context = _start("add", profile, json=json, verbose=verbose, colour=color, waits=not no_wait, yes=yes)
    from nixprof.commands import add as command

    allowed = _allowed(unfree=allow_unfree, insecure=allow_insecure, broken=allow_broken)
    wish = command.AddRequest(packages, priority, pin, allowed)
    done = command.run(context, wish, dry_run=dry_run, confirm=_confirm(yes=yes))
    notes = [f"{name} is on the list already" for name in done.present]
    _show_outcome(done.outcome, notes, present=list(done.present))


@app.command(epilog="Examples: nixprof remove ripgrep; nixprof rm unstable#neovim")
def remove(
    packages: Annotated[list[str], typer.Argument(metavar="PACKAGE…", help="As on the list, or by their own names.")],
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
    no_wait: NoWaitOption = False,
    verbose: VerboseOption = False,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Take packages off the list and uninstall them."""
    context = _start("remove", profile, json=json, verbose=verbose, colour=color, waits=not no_wait, yes=yes)
    from nixprof.commands import remove as command

    done = command.run(context, packages, dry_run=dry_run, confirm=_confirm(yes=yes))
    notes = [
        f"{key} still names {', '.join(names)}; if nothing else needs that: nixprof edit"
        for key, names in done.still_allowed.items()
        if not done.outcome.declined
    ]
    _show_outcome(done.outcome, notes)


@app.command(epilog="Examples: nixprof sync; nixprof sync --dry-run; nixprof sync --check || echo something to do")
def sync(
    check: Annotated[bool, typer.Option("--check", help="Like --dry-run; exit with 3 if there is anything.")] = False,
    allow_unfree: UnfreeOption = False,
    allow_insecure: InsecureOption = False,
    allow_broken: BrokenOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
    no_wait: NoWaitOption = False,
    verbose: VerboseOption = False,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Make this machine match the list."""
    context = _start("sync", profile, json=json, verbose=verbose, colour=color, waits=not no_wait, yes=yes)
    from nixprof.commands import sync as command

    allowed = _allowed(unfree=allow_unfree, insecure=allow_insecure, broken=allow_broken)
    done = command.run(context, allowed, dry_run=dry_run or check, confirm=_confirm(yes=yes))
    if not isinstance(done, command.InSync):
        _show_outcome(done)
        if check:
            raise typer.Exit(3)
    elif json:
        from nixprof.output import json as rendered

        _print_json(**rendered.in_sync(done))
    else:
        from nixprof.output.sync import in_sync

        _Settings.console.say(in_sync(done))


@app.command(epilog="Examples: nixprof update; nixprof update unstable; nixprof update ripgrep")
def update(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[INPUT or PACKAGE]…", help="Inputs with all of their packages, or packages alone."),
    ] = None,
    allow_unfree: UnfreeOption = False,
    allow_insecure: InsecureOption = False,
    allow_broken: BrokenOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
    no_wait: NoWaitOption = False,
    verbose: VerboseOption = False,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Move inputs, or single packages, to the newest versions."""
    context = _start("update", profile, json=json, verbose=verbose, colour=color, waits=not no_wait, yes=yes)
    from nixprof.commands import update as command

    allowed = _allowed(unfree=allow_unfree, insecure=allow_insecure, broken=allow_broken)
    confirm = _confirm(yes=yes)
    _show_outcome(command.run(context, names or [], allowed, dry_run=dry_run, confirm=confirm))


@app.command(
    "list",
    short_help="Show the list, with versions and what is skipped.",
    epilog="Examples: nixprof list; nixprof list --json | jq '.packages[].package'",
)
def list_(json: JsonOption = False, profile: ProfileOption = None, color: ColourOption = Colour.AUTO) -> None:
    """Show the list: versions, descriptions, and what is skipped here and why."""
    context = _start("list", profile, json=json, colour=color)
    from nixprof.commands import list as command

    found = command.run(context)
    if json:
        from nixprof.output import json as rendered

        _print_json(**rendered.listing(found))
        return
    from nixprof.output.list import listing

    _Settings.console.out(listing(found, _Settings.console))
    if not found.packages:
        _Settings.console.say("The list is empty. To begin: nixprof add ripgrep")


@app.command(epilog="Examples: nixprof status; nixprof status --check || nixprof sync")
def status(
    check: Annotated[bool, typer.Option("--check", help="Exit with 3 if `sync` has something to do.")] = False,
    json: JsonOption = False,
    profile: ProfileOption = None,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Show how the list and the profile differ."""
    context = _start("status", profile, json=json, colour=color)
    from nixprof.commands import status as command

    found = command.run(context)
    if json:
        from nixprof.output import json as rendered

        _print_json(**rendered.status(found))
    else:
        from nixprof.output import status as rendered_text

        _Settings.console.out(rendered_text.status(found, _Settings.console))
    if check and not found.in_sync:
        raise typer.Exit(3)


@app.command(
    short_help="Turn an existing profile into the list.",
    epilog="Examples: nixprof freeze; nixprof freeze --dry-run; nixprof freeze --only nodejs wget",
)
def freeze(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="More names for --only or --except.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="Import this one; repeatable.")
    ] = None,
    besides: Annotated[list[str] | None, typer.Option("--except", metavar="NAME", help="Leave this one alone.")] = None,
    generation: Annotated[int | None, typer.Option("--generation", metavar="N", help="An earlier generation.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", parser=_path, help="A manifest.json or manifest.nix, or a list of names."
        ),
    ] = None,
    latest: Annotated[
        bool, typer.Option("--latest", help="Take the newest versions instead of holding what is installed.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Where the list differs, take over what is installed.")
    ] = False,
    comments: Annotated[bool, typer.Option("--comments", help="Write known descriptions as comments.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Write the list, and leave the profile as it is.")] = False,
    stdout: Annotated[bool, typer.Option("--stdout", help="Write the list to stdout, and change nothing.")] = False,
    identify: Annotated[
        bool, typer.Option("--identify", help="Look up again what the list keeps by store path.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Download nothing to look packages up.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
    no_wait: NoWaitOption = False,
    verbose: VerboseOption = False,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Turn an existing profile into the list, without changing one store path."""
    context = _start("freeze", profile, json=json, verbose=verbose, colour=color, waits=not no_wait)
    from nixprof.change.confirmation import Risk, risk_of
    from nixprof.commands import freeze as command
    from nixprof.importers.decide import Choice
    from nixprof.output import change
    from nixprof.output import freeze as rendered

    chosen, left = list(only or ()), list(besides or ())
    (left if left and not chosen else chosen).extend(names or ())
    choice = Choice(chosen, left, overwrite, latest)
    if identify and (file or generation is not None):
        raise typer.BadParameter("--identify goes over the list: it takes neither --from nor --generation")
    options = command.Options(choice, generation, file, keep, comments, identify, offline)
    found = command.survey(context, options, _agree_to_download(yes=yes))
    if stdout:
        _say(rendered.unidentified(found))
        sys.stdout.write(found.text)
        return
    if not json:
        _say(rendered.survey(found, _Settings.console))

    def show(plan: Plan) -> None:
        _show_plan(plan, sys.stderr)
        if not json:
            _say(rendered.consequence(found, plan, keep=keep))

    def confirm(plan: Plan) -> bool:
        show(plan)
        risk = risk_of(plan, Risk.NONE if keep else Risk.MANY)
        question = "Change the list?" if identify else "Switch the profile over?"
        return _consent(yes=yes).to(question, risk, change.loss(plan))

    done = command.run(context, options, found, dry_run=dry_run, confirm=confirm)
    if json:
        from nixprof.output import json as rendered_json

        outcome = rendered_json.outcome(done.outcome) if done.outcome else None
        _print_json(**rendered_json.survey(found), outcome=outcome)
        return
    if dry_run and done.outcome:
        show(done.outcome.plan)
    if found.imports:
        _say(rendered.done(done, keep=keep))


def _agree_to_download(*, yes: bool) -> Callable[[int], bool]:
    """Make a function that asks whether to download nixpkgs to look so many packages up."""

    def agree(number: int) -> bool:
        from nixprof.output.freeze import cannot_identify

        if yes or _Settings.json or not can_ask():
            return yes
        _Settings.console.say(cannot_identify(number))
        return _ask("Look in nixpkgs? This downloads nixpkgs once.")

    return agree


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        _Settings.console.say(line)


@app.command(epilog="Examples: nixprof outdated; nixprof outdated --check && echo everything is up to date")
def outdated(
    check: Annotated[bool, typer.Option("--check", help="Exit with 3 if there is anything newer.")] = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
    verbose: VerboseOption = False,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Show what `update` would bring, without doing it."""
    context = _start("outdated", profile, json=json, verbose=verbose, colour=color)
    from nixprof.commands import update as command

    done = command.run(context, [], dry_run=True)
    if json:
        _show_outcome(done)
    else:
        from nixprof.output.change import available

        _show_plan(done.plan, sys.stdout)
        _Settings.console.out([available(done)])
    if check and done.plan.changes:
        raise typer.Exit(3)


@app.command(epilog="Examples: nixprof pin terraform; nixprof update terraform moves it all the same")
def pin(
    packages: Annotated[list[str], typer.Argument(metavar="PACKAGE…", help="As on the list.")],
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
    no_wait: NoWaitOption = False,
    verbose: VerboseOption = False,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Keep packages at their version when updating."""
    context = _start("pin", profile, json=json, verbose=verbose, colour=color, waits=not no_wait)
    from nixprof.commands import pin as command

    confirm = _confirm(yes=yes)
    done = command.run(context, packages, pin=True, dry_run=dry_run, confirm=confirm)
    from nixprof.output import change

    _show_outcome(done, otherwise=change.pinned(done.plan, pin=True))


@app.command(epilog="Examples: nixprof unpin terraform")
def unpin(
    packages: Annotated[list[str], typer.Argument(metavar="PACKAGE…", help="As on the list.")],
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
    no_wait: NoWaitOption = False,
    verbose: VerboseOption = False,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Let `update` move pinned packages again."""
    context = _start("unpin", profile, json=json, verbose=verbose, colour=color, waits=not no_wait)
    from nixprof.commands import pin as command

    confirm = _confirm(yes=yes)
    done = command.run(context, packages, pin=False, dry_run=dry_run, confirm=confirm)
    from nixprof.output import change

    _show_outcome(done, otherwise=change.pinned(done.plan, pin=False))


@app.command(epilog="Examples: nixprof edit; EDITOR='code --wait' nixprof edit")
def edit(
    yes: YesOption = False,
    profile: ProfileOption = None,
    no_wait: NoWaitOption = False,
    verbose: VerboseOption = False,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Open the list in your editor, check it, and sync."""
    context = _start("edit", profile, verbose=verbose, colour=color, waits=not no_wait, yes=yes)
    from nixprof.commands import edit as command
    from nixprof.output.error import report

    def again(error: NixprofError) -> bool:
        if not can_ask():
            return False
        _say(report(error, _Settings.console.width(sys.stderr)))
        if not _ask("Edit it again?"):
            _Settings.console.say("Nothing was changed.")
            raise typer.Exit(1)
        return True

    done = command.run(context, again=again, confirm=_confirm(yes=yes))
    if done is None:
        _Settings.console.say("The list was not changed.")
        return
    _show_outcome(done)


@app.command(
    short_help="Compare the versions of two generations, or of the profile and the list.",
    epilog="Examples: nixprof diff; nixprof diff 10; nixprof diff 10 12",
)
def diff(
    before: Annotated[
        int | None, typer.Argument(metavar="[A]", help="Generation to start from (default: the list).")
    ] = None,
    after: Annotated[
        int | None, typer.Argument(metavar="[B]", help="Generation to compare with (default: the current one).")
    ] = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Show package versions between two generations, or between what is installed and the list."""
    context = _start("diff", profile, json=json, colour=color)
    from nixprof.commands import diff as command

    found = command.run(context, before, after)
    if json:
        from nixprof.output import json as rendered_json

        _print_json(**rendered_json.difference(found))
        return
    from nixprof.output import history as rendered

    _Settings.console.out(rendered.difference(found, _Settings.console))
    if not found.changes and not found.unresolved:
        _Settings.console.say(rendered.no_difference(found))


@app.command(epilog="Examples: nixprof history; nixprof history --json | jq '.generations[0]'")
def history(profile: ProfileOption = None, json: JsonOption = False, color: ColourOption = Colour.AUTO) -> None:
    """Show the generations of the profile and what each one changed."""
    context = _start("history", profile, json=json, colour=color)
    from nixprof.commands import history as command

    found = command.run(context)
    if json:
        from nixprof.output import json as rendered_json

        _print_json(**rendered_json.history(found))
        return
    from nixprof.output import history as rendered

    _Settings.console.out(rendered.history(found, _Settings.console))
    if not found.entries:
        _Settings.console.say("There is no profile yet. To begin: nixprof add ripgrep")


@app.command(
    short_help="Go back to an earlier generation, with the list.",
    epilog="Examples: nixprof rollback; nixprof rollback 10; nixprof rollback --dry-run",
)
def rollback(
    generation: Annotated[
        int | None, typer.Argument(metavar="[N]", help="Generation to go back to (default: the previous one).")
    ] = None,
    profile_only: Annotated[
        bool, typer.Option("--profile-only", help="Leave the list and the locks as they are.")
    ] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    profile: ProfileOption = None,
    json: JsonOption = False,
    no_wait: NoWaitOption = False,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Go back to an earlier generation: the profile, the list and the locks."""
    context = _start("rollback", profile, json=json, colour=color, waits=not no_wait)
    from nixprof.commands import rollback as command
    from nixprof.output import history as rendered

    def confirm(way: command.Return) -> bool:
        if not json:
            _say(rendered.way(way, _Settings.console))
        return _consent(yes=yes).to("Go back?", way.risk, rendered.loss(way))

    done = command.run(context, generation, profile_only=profile_only, dry_run=dry_run, confirm=confirm)
    if json:
        from nixprof.output import json as rendered_json

        _print_json(**rendered_json.rolled_back(done))
        return
    if dry_run:
        _say(rendered.way(done.way, _Settings.console))
    _say(rendered.rolled_back(done, dry_run=dry_run))


_ALIASES = {
    "install": "add",
    "i": "add",
    "rm": "remove",
    "uninstall": "remove",
    "delete": "remove",
    "ls": "list",
    "upgrade": "update",
    "up": "update",
}


def _canonical(arguments: Sequence[str]) -> list[str]:
    """Replace an alias by the name of its command, and `help COMMAND` by `COMMAND --help`.

    Raises: NixprofError where there is no such command.
    """
    words = list(arguments)
    at = next((index for index, word in enumerate(words) if not word.startswith("-")), None)
    if at is None:
        return words
    if words[at] == "help":
        del words[at]
        return [*_canonical(words), "--help"] if not {"-h", "--help"}.intersection(words) else _canonical(words)
    words[at] = name = _ALIASES.get(words[at], words[at])
    commands = {info.name or info.callback.__name__: info for info in app.registered_commands}  # type: ignore[union-attr]
    if name not in commands:
        from nixprof.manifest.find import suggest

        hints = suggest(name, {*commands, *_ALIASES, "help"}, "nixprof") or ("nixprof --help",)
        raise NixprofError(f"there is no command {excerpt(name)}", Reason.USAGE, hints=hints)
    _leave_only(commands[name])
    return words


def _leave_only(command: CommandInfo) -> None:
    """Spare typer the other commands, whose options it would all work out at every start."""
    app.registered_commands = [command]


def run(arguments: Sequence[str]) -> int:
    """Run a command line.

    Args:
        arguments: without the name of the program.

    Returns: the exit code: 0 done, 1 error, 2 usage, 3 differences found, 130 interrupted.

    """
    from nixprof.console import opened
    from nixprof.signals import Interrupted, ignore_signals, install_signal_handlers

    _Settings.arguments = arguments
    opened()
    install_signal_handlers()
    try:
        return _delivered(_attempt(arguments))
    except Interrupted as stop:
        ignore_signals()
        words = f"Interrupted{', when everything was done' if stop.done else '. Nothing was changed'}"
        if _Settings.json and not _Settings.answered:
            _show_error(NixprofError(words, Reason.INTERRUPTED))
        else:
            sys.stderr.write(f"\n{words}.\n")
        return 130


def _attempt(arguments: Sequence[str]) -> int:
    """Run a command and show what it fails at. Return the exit code."""
    _Settings.json = "--json" in arguments  # for what fails before the command has its options
    try:
        # What a command returns is its exit code, but none of them returns anything.
        return app(args=_canonical(arguments or ["--help"]), prog_name="nixprof", standalone_mode=False) or 0
    except NixprofError as error:
        failure = error
    except typer.TyperException as error:
        failure = _usage_error(error)
    except OSError as error:
        from nixprof.files import permission_hint

        where = f" {error.filename}" if error.filename else ""
        failure = NixprofError(
            f"the system refuses to use{where or ' a file'}",
            Reason.SYSTEM,
            cause=error.strerror or str(error),
            hints=permission_hint(error.filename) if isinstance(error.filename, str) else (),
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the user gets a sentence
        failure = _bug(error)
    _show_error(failure)
    return failure.exit_code


def _usage_error(error: typer.TyperException) -> NixprofError:
    """Say in nixprof's own way what typer does not understand."""
    message = error.format_message().rstrip(".")
    command = getattr(getattr(error, "ctx", None), "command_path", "nixprof")
    _Settings.command = command.removeprefix("nixprof").lstrip()
    return NixprofError(message[:1].lower() + message[1:], Reason.USAGE, hints=(f"{command} --help",))


def _delivered(code: int) -> int:
    """Say where the data of a command was lost that did all else. Return the exit code."""
    lost = unwritten()
    if lost is None or code not in (0, 3):
        return code
    import shlex

    from nixprof.output.error import report

    words = shlex.join(["nixprof", *_Settings.arguments])
    message = f"`{words}` is done, but its output cannot be written"
    _say(report(NixprofError(message, Reason.OUTPUT_LOST, cause=lost.strerror)))
    return 1


def _bug(error: Exception) -> NixprofError:
    """Say that nixprof itself is wrong, and with --verbose where."""
    if _Settings.verbose:
        import traceback

        sys.stderr.write(redact("".join(traceback.format_exception(error))))
    return NixprofError(
        f"nixprof has a bug: {type(error).__name__}: {excerpt(str(error), 200)}",
        Reason.BUG,
        hints=(
            "please report it, with the command and what it says when it is run again with --verbose",
            "what is installed stays as it is; to put right what may be half done: nixprof sync",
        ),
        changed=True,
    )


def _show_error(error: NixprofError) -> None:
    if _Settings.json:
        from nixprof.output import json

        _print_json(**json.error(error))
        if unwritten() is None:
            return
    from nixprof.output.error import report

    _say(report(error, _Settings.console.width(sys.stderr)))
    if _Settings.changes and not error.changed:
        _Settings.console.say("Nothing was changed.")
