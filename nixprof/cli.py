"""The command line as typer reads it: every command and option is declared here. No logic of its own."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from nixprof import __version__
from nixprof.command import ALIASES, Command, MistypedError
from nixprof.console import Colour
from nixprof.errors import NixprofError, Reason
from nixprof.exporters.names import Format
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# What adds each command to the command line, by name.
COMMANDS: dict[str, Callable[[typer.Typer], None]] = {}


def _given(text: str) -> str:
    """Refuse an empty argument, which usually comes from a variable that is not set."""
    if not text:
        raise typer.BadParameter("it is empty (is a variable not set?)")
    return text


def _path(text: str) -> Path:
    return Path(_given(text))


## what commands share


def _flag(*names: str, help: str) -> Any:  # noqa: A002 - as typer calls it
    return typer.Option(False, *names, help=help)


def _shared(
    allow_unfree: bool = _flag("--allow-unfree", help="Allow packages that are unfree."),
    allow_insecure: bool = _flag("--allow-insecure", help="Allow packages that are marked as insecure."),
    allow_broken: bool = _flag("--allow-broken", help="Allow packages that are marked as broken."),
    check: bool = _flag("--check", help="Change nothing; exit with 3 if not up to date."),
    dry_run: bool = _flag("--dry-run", "-n", help="Show what would change, and change nothing."),
    yes: bool = _flag("--yes", "-y", help="Do not ask for confirmation."),
    profile: Path | None = typer.Option(
        None, "--profile", metavar="PATH", parser=_path, help="Use this profile instead of the default one."
    ),
    json: bool = _flag("--json", help="Write one JSON object to stdout."),
    no_wait: bool = _flag("--no-wait", help="Fail immediately if another nixprof is running."),
    verbose: bool = _flag("--verbose", "-v", help="Show each step, and Nix's commands and output."),
    color: Colour = typer.Option(Colour.AUTO, "--color", help="When to use colour."),
) -> None:
    """Declare each option that several commands have; `command` adds those that a command names to its signature."""


_ALLOWING = ("allow_unfree", "allow_insecure", "allow_broken")
_READING = ("json", "profile", "color")
_CHANGING = ("dry_run", "yes", "profile", "json", "no_wait", "verbose", "color")


def command(
    *shared: str, examples: str, summary: str | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare a command by a function without a body, whose parameters are the arguments that only this command has.

    `run` of the module of `commands` with its name does it, given a `Context` and these arguments; the module of
    `output` with its name shows what it returns. It has the `shared` options, too, whose values are in the context;
    `summary` is for the help of nixprof, where that differs.
    """

    def register(declared: Callable[..., None]) -> Callable[..., None]:
        name = declared.__name__.rstrip("_").replace("_", "-")

        def typed(**given: Any) -> Command:
            options = {option: given.pop(option) for option in shared}
            return Command(name, given=given, shared=options)

        def add_to(app: typer.Typer) -> None:
            own, others = _parameters(declared), _parameters(_shared)
            parameters = [*own.values(), *(others[option] for option in shared)]
            typed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
            typed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
            app.command(name, help=declared.__doc__, short_help=summary, epilog=f"Examples: {examples}")(typed)

        COMMANDS[name] = add_to
        return declared

    return register


def _parameters(declared: Callable[..., None]) -> dict[str, inspect.Parameter]:
    """Give the parameters of a declaration by name, with types."""
    types = get_type_hints(declared)
    return {
        name: one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=types[name])
        for name, one in inspect.signature(declared).parameters.items()
    }


## the commands


@command(
    "json",
    summary="Write a commented list to begin with.",
    examples="nixprof init; nixprof init --from ~/dotfiles/nixprof",
)
def init(
    origin: str | None = typer.Option(
        None,
        "--from",
        metavar="REF",
        parser=_given,
        help="Copy the list from a folder, git URL, flake reference or ssh://HOST.",
    ),
) -> None:
    """Write a commented list to begin with, or copy another machine's."""


@command(
    *_ALLOWING,
    *_CHANGING,
    summary="Add packages to the list and install them.",
    examples="nixprof add ripgrep fd; nixprof add git^out,man; nixprof add nodejs@22; "
    "nixprof add github:helix-editor/helix",
)
def add(
    packages: list[str] = typer.Argument(
        ..., metavar="PACKAGE…", help="Packages, as git or nodejs@22, or any Nix installable."
    ),
    priority: int | None = typer.Option(
        None, "--priority", help="When packages provide the same file, the lower number wins (default: 5)."
    ),
    pin: bool = _flag("--pin", help="Keep these packages at their version when updating."),
    places: list[str] | None = typer.Option(
        None,
        "--on",
        metavar="WHERE",
        parser=_given,
        help="For an OS, an architecture, a system or a host only; repeatable.",
    ),
) -> None:
    """Add packages to the list and install them; for packages already listed, change their options."""


@command(
    *_ALLOWING,
    "dry_run",
    "no_wait",
    "verbose",
    "color",
    summary="Run programs of packages without adding these.",
    examples="nixprof try ripgrep; nixprof try nodejs@22 -- node --version; nixprof try cowsay lolcat -- sh -c "
    "'cowsay hello | lolcat'",
)
def try_(
    packages: list[str] = typer.Argument(
        ..., metavar="PACKAGE… [-- COMMAND…]", parser=_given, help="Packages, as `add` takes them."
    ),
) -> None:
    """Run a command with the programs of packages that need not be on the list; without a command, a shell.

    They come from the inputs as they are locked. The list and the profile stay as they are.
    """


@command(*_CHANGING, examples="nixprof remove ripgrep; nixprof rm unstable#neovim")
def remove(
    packages: list[str] = typer.Argument(
        ..., metavar="PACKAGE…", help="Packages as written on the list, or their names."
    ),
    places: list[str] | None = typer.Option(
        None, "--on", metavar="WHERE", parser=_given, help="Only from this OS, system or host; repeatable."
    ),
) -> None:
    """Take packages off the list and uninstall them."""


@command(
    "check",
    *_ALLOWING,
    *_CHANGING,
    examples="nixprof sync; nixprof sync --dry-run; nixprof sync --check || echo something to do; "
    "nixprof sync --from ~/dotfiles/nixprof; nixprof sync --to server laptop",
)
def sync(
    hosts: list[str] | None = typer.Argument(None, metavar="[HOST]…", parser=_given, help="More machines for --to."),
    origin: str | None = typer.Option(
        None, "--from", metavar="REF", parser=_given, help="Where there is no list yet, copy one first, as `init` does."
    ),
    cache: str | None = typer.Option(
        None, "--cache", metavar="HOST", parser=_given, help="First copy what is missing from this machine, over ssh."
    ),
    to: list[str] | None = typer.Option(
        None, "--to", metavar="HOST", parser=_given, help="Have this machine do it, over ssh; repeatable."
    ),
    overwrite: bool = _flag("--overwrite", help="Replace another list that is there; rollback brings it back."),
) -> None:
    """Make this machine match the list; or other machines, with the list and the lock of this one."""


@command(
    "check",
    *_READING,
    summary="Show how other machines stand to the list of this one.",
    examples="nixprof machines; nixprof machines server; nixprof machines --check || nixprof sync --to server; "
    "nixprof machines --forget old-laptop",
)
def machines(
    names: list[str] | None = typer.Argument(
        None, metavar="[HOST]…", parser=_given, help="Which (default: all that `sync --to` has reached)."
    ),
    forgets: bool = _flag("--forget", help="Forget these instead of asking them."),
) -> None:
    """Show how other machines stand to the list of this one: in sync, behind, held, or not to be reached."""


@command(
    *_ALLOWING,
    *_CHANGING,
    summary="Move inputs, or single packages, to the newest versions.",
    examples="nixprof update; nixprof update unstable; nixprof update ripgrep; nixprof update --build",
)
def update(
    names: list[str] | None = typer.Argument(
        None, metavar="[INPUT or PACKAGE]…", help="Inputs with all of their packages, or packages alone."
    ),
    build: bool = _flag("--build", help="Build what is in no cache, and try again what failed to build."),
    now: bool = _flag("--now", help="Take the newest revisions, even if they are younger than `age`."),
    strict: bool = _flag("--strict", help="Fail and change nothing if one of the packages cannot be updated."),
) -> None:
    """Move inputs, or single packages, to the newest versions; what cannot be had stays as it is."""


@command(
    *_READING,
    summary="Show the list, with versions and what is skipped.",
    examples="nixprof list; nixprof list --all; nixprof list --json | jq '.packages[].package'",
)
def list_(
    everything: bool = _flag("--all", help="Show where each entry applies: on every machine, a system or a host."),
) -> None:
    """Show the list: versions, descriptions, and what is skipped here and why."""


@command(
    *_READING,
    "verbose",
    summary="Find packages by words.",
    examples="nixprof search json processor; nixprof search --regex '^python3[0-9]*$'; "
    "nixprof search --input unstable vim",
)
def search(
    words: list[str] | None = typer.Argument(
        None,
        metavar="[WORDS]…",
        parser=_given,
        help="Words of a name, a program or a description (default: describe the index).",
    ),
    regex: bool = _flag("--regex", help="Take the words as one regular expression for names and descriptions."),
    source: str | None = typer.Option(
        None, "--input", metavar="NAME", parser=_given, help="Search this input only (default: all)."
    ),
    everything: bool = _flag("--all", help="Show all that is found, instead of the best matches."),
) -> None:
    """Find packages by words, in the inputs as they are locked; on a terminal the best match comes last."""


@command(
    *_READING,
    summary="Show all about one package.",
    examples="nixprof show ripgrep; nixprof show unstable#neovim; nixprof show jq --json | jq .programs",
)
def show_(
    asked: str = typer.Argument(
        ..., metavar="PACKAGE", parser=_given, help="An entry of the list, or a package as `add` takes it."
    ),
) -> None:
    """Show all about one package: versions, what is installed, programs, size, licence, and why it cannot be had.

    Also for what is on the list or in old generations alone. This needs no network.
    """


@command(
    *_READING,
    summary="Show what has a program, or would bring it.",
    examples="nixprof which rg; nixprof which rg node make; nixprof which rg --json | jq '.programs[].offers'",
)
def which(
    programs: list[str] = typer.Argument(
        ..., metavar="PROGRAM…", parser=_given, help="Programs, as they are typed in a shell."
    ),
) -> None:
    """Show which package of the list or of a generation has a program, and which file runs; else what would bring it.

    This needs no network. The exit code is 1 where nothing is known of a program.
    """


@command("check", *_READING, examples="nixprof status; nixprof status --check || nixprof sync")
def status() -> None:
    """Show how the list and the profile differ."""


@command(
    *_ALLOWING,
    *_CHANGING,
    summary="Resolve the list for every system; install nothing.",
    examples="nixprof lock; nixprof lock && git diff --exit-code",
)
def lock() -> None:
    """Resolve the list for every system that it is for, and install nothing."""


@command(
    *_READING,
    "no_wait",
    "verbose",
    summary="Check that everything can be had on every system.",
    examples="nixprof check; nixprof check --json | jq '.unavailable[].package'",
)
def check() -> None:
    """Check that every package of the list can be had, on every system and host that it is for.

    This evaluates, and installs and writes nothing. The exit code is 3 where something cannot be had.
    """


@command(
    *_CHANGING,
    summary="Turn an existing profile into the list.",
    examples="nixprof freeze; nixprof freeze --only nodejs wget; nixprof freeze --from ~/Brewfile --dry-run; "
    "apt-mark showmanual | nixprof freeze --from apt --dry-run",
)
def freeze(
    names: list[str] | None = typer.Argument(None, metavar="[NAME]…", help="More names for --only or --except."),
    only: list[str] | None = typer.Option(None, "--only", metavar="NAME", help="Import only this element; repeatable."),
    besides: list[str] | None = typer.Option(None, "--except", metavar="NAME", help="Do not import this element."),
    generation: int | None = typer.Option(
        None, "--generation", metavar="N", help="Import this generation of the profile."
    ),
    file: str | None = typer.Option(
        None,
        "--from",
        metavar="FILE",
        parser=_given,
        help="Import the list of another tool or machine.",
    ),
    latest: bool = _flag("--latest", help="Install the newest versions instead of keeping the installed ones."),
    overwrite: bool = _flag("--overwrite", help="Change entries of the list that differ from what is installed."),
    comments: bool = _flag("--comments", help="Add the descriptions of packages as comments."),
    keep: bool = _flag("--keep", help="Write the list, and leave the profile as it is."),
    stdout: bool = _flag("--stdout", help="Print the list, and change nothing."),
    identify: bool = _flag("--identify", help="Look up again what the list keeps by store path."),
    offline: bool = _flag("--offline", help="Do not download nixpkgs to identify packages."),
) -> None:
    """Turn an existing profile into the list, without changing a single store path; or import the list of another tool.

    `--from` reads a Brewfile, a devbox.json, flox's manifest.toml, the lists of packages in Nix code, what `apt-mark
    showmanual` prints, a list of names, or the manifest of a profile; `-` is stdin. FORM:FILE says which, where the
    file does not tell: brew, devbox, flox, nix, apt, list, profile or nix-env.
    """


@command(
    "dry_run",
    "yes",
    "json",
    "color",
    summary="Write the list in the format of another tool.",
    examples="nixprof export flake --output ~/flake; nixprof export home-manager > packages.nix; "
    "nixprof export image --output image.tar && docker load < image.tar",
)
def export(
    target: Format = typer.Argument(..., metavar="FORMAT", help=f"One of {', '.join(Format)}."),
    output: Path | None = typer.Option(
        None, "--output", "-o", metavar="PATH", parser=_path, help="Write there, a file or a folder, and not to stdout."
    ),
    systems: list[str] | None = typer.Option(
        None, "--system", metavar="SYSTEM", parser=_given, help="For this system (default: the list's); repeatable."
    ),
) -> None:
    """Write the list in the format of another tool, and say what that format cannot express.

    This needs neither Nix nor the network, but for an image. What is there already is only replaced if you agree.
    """


@command(
    *_CHANGING,
    summary="Take packages that something else installed onto the list.",
    examples="nixprof adopt nodejs; nixprof adopt nodejs wget --dry-run; nixprof status shows what there is",
)
def adopt(
    names: list[str] = typer.Argument(
        ..., metavar="NAME…", parser=_given, help="Elements of the profile, by the names that `status` shows."
    ),
) -> None:
    """Take packages that something else installed in the profile onto the list, at what is installed.

    `freeze` does so for all of them.
    """


@command(
    "check",
    "profile",
    "json",
    "verbose",
    "color",
    examples="nixprof outdated; nixprof outdated --check && echo everything is up to date",
)
def outdated() -> None:
    """Show what `update` would bring, without doing it."""


@command(
    *_CHANGING,
    summary="List the inputs, and add, remove or share them.",
    examples="nixprof input; nixprof input add unstable github:NixOS/nixpkgs/nixos-unstable; "
    "nixprof input follow helix nixpkgs",
)
def input_(
    action: str = typer.Argument("list", metavar="[list|add|remove|follow]", help="What to do."),
    names: list[str] | None = typer.Argument(
        None,
        metavar="[NAME]…",
        parser=_given,
        help="add: NAME URL; remove: NAME…; follow: NAME, its input, and yours to take instead (default: the same).",
    ),
) -> None:
    """List the inputs: which revision, how old, what uses them; or change them.

    `follow` lets an input take one of yours instead of its own, so that there is one nixpkgs less.
    """


@command(*_CHANGING, examples="nixprof pin terraform; nixprof update terraform moves it all the same")
def pin(packages: list[str] = typer.Argument(..., metavar="PACKAGE…", help="Packages as written on the list.")) -> None:
    """Keep packages at their version when updating."""


@command(*_CHANGING, examples="nixprof unpin terraform")
def unpin(
    packages: list[str] = typer.Argument(..., metavar="PACKAGE…", help="Packages as written on the list."),
) -> None:
    """Let `update` move pinned packages again."""


@command(
    "dry_run",
    "json",
    "no_wait",
    "color",
    summary="Let nixpkgs of the registry be what the list is locked to.",
    examples="nixprof pin-registry; nixprof pin-registry --undo; nix shell nixpkgs#jq then downloads no other nixpkgs",
)
def pin_registry(undo: bool = _flag("--undo", help="Let the registry be what it was before.")) -> None:
    """Let `nixpkgs` in your registry of flakes be the revision that the list is locked to, wherever that moves.

    For <nixpkgs> as well, as in `nix-shell -p`: nixprof setup --nix-path
    """


@command("yes", "profile", "no_wait", "verbose", "color", examples="nixprof edit; EDITOR='code --wait' nixprof edit")
def edit() -> None:
    """Open the list in your editor, check it, and sync."""


@command(
    *_READING,
    "verbose",
    summary="Compare the versions of two generations, or of the profile and the list.",
    examples="nixprof diff; nixprof diff 10; nixprof diff 10 12; nixprof diff 10 --verbose",
)
def diff(
    before: int | None = typer.Argument(None, metavar="[A]", help="Generation to start from (default: the list)."),
    after: int | None = typer.Argument(
        None, metavar="[B]", help="Generation to compare with (default: the current one)."
    ),
) -> None:
    """Compare package versions of two generations, or of what is installed and the list.

    With --verbose, also everything that the packages of two generations need, and the changelogs of new versions.
    """


@command(*_READING, examples="nixprof history; nixprof history --json | jq '.generations[0]'")
def history() -> None:
    """Show the generations of the profile and what each one changed."""


@command(
    *_CHANGING,
    summary="Go back to an earlier generation, with the list; or take back one package.",
    examples="nixprof rollback; nixprof rollback 10; nixprof rollback ripgrep; nixprof rollback ripgrep 10",
)
def rollback(
    target: str | None = typer.Argument(
        None,
        metavar="[N or PACKAGE]",
        help="Generation to go back to (default: the previous one), or a package (one called 2048: nixpkgs#2048).",
    ),
    generation: int | None = typer.Argument(
        None, metavar="[N]", help="The package as this generation had it (default: the newest that had another)."
    ),
    profile_only: bool = _flag("--profile-only", help="Leave the list and the locks as they are."),
) -> None:
    """Go back to an earlier generation: the profile, the list and the locks; or take back one package, and pin it."""


@command(
    "json",
    "profile",
    "verbose",
    "color",
    summary="Find which package broke something.",
    examples="nixprof bisect -- make test; nixprof bisect --good 10 -- sh -c 'rg --pcre2 x y'; nixprof bisect",
)
def bisect(
    command: list[str] | None = typer.Argument(
        None, metavar="[COMMAND]…", help="Ends with 0 if good, 125 if it cannot tell, 1-127 if bad (default: asks)."
    ),
    good: int | None = typer.Option(
        None, "--good", metavar="N", help="A generation that is good (default: the oldest)."
    ),
    bad: int | None = typer.Option(
        None, "--bad", metavar="N", help="A later one that is bad (default: the current one)."
    ),
) -> None:
    """Find the generation, and the package in it, that broke something; the profile stays as it is."""


@command(
    *_READING,
    "verbose",
    summary="Show how much disk space each package takes.",
    examples="nixprof space; nixprof space --verbose; nixprof space --json | jq '.packages[0]'",
)
def space() -> None:
    """Show how much disk space each package takes: by itself, and in all.

    What a package takes by itself would be free without it; the rest is shared with others.
    """


@command(
    *_READING,
    "verbose",
    summary="Show what needs a package, a store path or a program.",
    examples="nixprof why openssl; nixprof why git; nixprof why ~/.nix-profile/bin/rg",
)
def why(
    asked: str = typer.Argument(
        ...,
        metavar="PACKAGE or PATH",
        parser=_given,
        help="An entry of the list, what is installed with it, a program, a file or a store path.",
    ),
) -> None:
    """Show which packages need something, through what, and where an entry of the list is from.

    This needs no network.
    """


@command(
    "dry_run",
    "profile",
    "json",
    "verbose",
    "color",
    summary="Copy what is installed to a cache, for other machines.",
    examples="nixprof push file:///mnt/cache --key ~/cache.key; nixprof push s3://BUCKET; nixprof push ssh-ng://HOST; "
    "nixprof push cachix:NAME --dry-run",
)
def push(
    cache: str = typer.Argument(
        ..., metavar="CACHE", parser=_given, help="An address that Nix can copy to, attic:CACHE or cachix:CACHE."
    ),
    key: Path | None = typer.Option(
        None, "--key", metavar="FILE", parser=_path, help="Sign with this secret key, as Nix makes one."
    ),
) -> None:
    """Copy what is installed from the list, with all that it needs, to a cache; what that has already stays.

    The list goes with it: who can read the cache can read the list.
    """


@command(
    *_READING,
    "verbose",
    summary="Find what is wrong with the set-up, and how to fix it.",
    examples="nixprof doctor; nixprof doctor --json | jq '.findings[].code'",
)
def doctor() -> None:
    """Find what is wrong with Nix, the list, the profile and the shell: why it matters, and the command that fixes it.

    It asks a new login shell, and changes nothing. The exit code is 1 where there is a problem; advice is none.
    """


@command(
    "dry_run",
    "profile",
    "json",
    "color",
    summary="Set up your shell: PATH, completions, man pages.",
    examples="nixprof setup; nixprof setup zsh --command-not-found; nixprof setup --print; nixprof setup --undo",
)
def setup(
    shell: str | None = typer.Argument(
        None, metavar="[bash|zsh|fish|sh]", parser=_given, help="Which shell (default: the login shell)."
    ),
    printed: bool = _flag("--print", help="Print the line for the start-up file and what it reads; change nothing."),
    undo: bool = _flag("--undo", help="Take it away again, of this shell or of all."),
    command_not_found: bool | None = typer.Option(
        None,
        "--command-not-found/--no-command-not-found",
        help="Say which package has a command that is not found.",
    ),
    nix_path: bool | None = typer.Option(
        None, "--nix-path/--no-nix-path", help="Let <nixpkgs> be what the registry has (see `pin-registry`)."
    ),
) -> None:
    """Set up your shell: PATH, completions, man pages, terminals, locales and fonts of the profile.

    One line in your own start-up file reads a file that nixprof writes; no program runs when a shell starts.
    A start-up file that is a link or read-only is left as it is: you are shown the line instead.
    """


@command(
    "dry_run",
    "yes",
    "profile",
    "json",
    "no_wait",
    "color",
    examples="nixprof tidy; nixprof tidy --keep 3; nixprof tidy --keep-days 14 --yes --gc",
)
def tidy(
    number: int | None = typer.Option(
        None, "--keep", metavar="N", min=1, help="Keep the newest N (without options: 5, and 30 days)."
    ),
    days: int | None = typer.Option(
        None, "--keep-days", metavar="D", min=0, help="Keep what was in use in the last D days."
    ),
    collects: bool = _flag("--gc", help="Then run nix-collect-garbage, without asking."),
) -> None:
    """Remove old generations of this profile.

    The current one stays, and the last one before it that was in use for a day. Nothing else on the machine is touched.
    """


## from words to a command


def make_app(commands: Iterable[str]) -> typer.Typer:
    """Make the command line with some commands only: typer works out their options, which takes time at every start."""
    app = typer.Typer(
        name="nixprof",
        help="One short TOML list of packages, the same on every machine, installed by Nix.",
        epilog="To begin: nixprof add ripgrep. The list is ~/.config/nixprof/nixprof.toml.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def root(
        version: Annotated[
            bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
        ] = False,
    ) -> None:
        del version

    for name in commands:
        COMMANDS[name](app)
    return app


def _version(value: bool) -> None:
    if value:
        typer.echo(f"nixprof {__version__}")
        raise typer.Exit


def _canonical(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """Replace an alias by its command, and `help COMMAND` by `COMMAND --help`. Return also the command, if any."""
    words = list(arguments)
    at = next((index for index, word in enumerate(words) if not word.startswith("-")), None)
    if at is None:
        return words or ["--help"], None
    if words[at] == "help":
        del words[at]
        words, name = _canonical(words)
        return [*(word for word in words if word not in ("-h", "--help")), "--help"], name
    words[at] = name = ALIASES.get(words[at], words[at])
    if name not in COMMANDS:
        from nixprof.formatting import shell_quote
        from nixprof.manifest.installable import suggest

        rest = " ".join(map(shell_quote, words[at + 1 :]))
        hints = tuple(f"{hint} {rest}".rstrip() for hint in suggest(name, {*COMMANDS, *ALIASES, "help"}, "nixprof"))
        hints = hints or ("nixprof --help",)
        raise NixprofError(f"there is no command {excerpt(name)}", Reason.USAGE, hints=hints)
    return words, name


def read(arguments: Sequence[str]) -> Command | None:
    """Read a command line; None where that has answered it, with help or the version.

    Raises: MistypedError, or NixprofError where there is no such command.
    """
    words, name = _canonical(arguments)
    needed = [name] if name else COMMANDS if words != ["--version"] else ()
    app = make_app(needed)
    try:
        found = app(args=words, prog_name="nixprof", standalone_mode=False)
    except typer.TyperException as error:
        raise _mistyped(error) from error
    return found if isinstance(found, Command) else None


# What typer says of wrong usage, and what nixprof says.
_USAGE = {
    r"^no such option: (.*) \(Possible options: (.*)\)$": r"there is no option \1; did you mean \2?",
    r"^no such option: ": "there is no option ",
    r"^got unexpected extra arguments?(?:\(s\))? \((.*)\)$": r"unexpected argument: \1",
    r"is not a valid int$": "is not a whole number",
}


def _mistyped(error: typer.TyperException) -> MistypedError:
    """Say in nixprof's own words what is wrong."""
    message = error.format_message().rstrip(".")
    message = message[:1].lower() + message[1:]
    for typers, ours in _USAGE.items():
        message = re.sub(typers, ours, message, flags=re.DOTALL)
    typed = getattr(error, "ctx", None)
    return MistypedError(message, typed.command_path.removeprefix("nixprof").lstrip() if typed else "")
