"""What share/ has for shells and packagers: complete, and accepted by those who read it."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from support import completions, needs
from support.commandline import commands, options, options_by_command
from support.installs import ROOT
from support.world import World

from nixprof.command import ALIASES
from nixprof.quick.complete import ARGUMENTS

SHARE = ROOT / "share"
BASH = SHARE / "bash-completion" / "completions" / "nixprof"
ZSH = SHARE / "zsh" / "site-functions" / "_nixprof"
FISH = SHARE / "fish" / "vendor_completions.d" / "nixprof.fish"
COMPLETIONS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
# Every file has the option of this name; this is the command.
HELP = {BASH: " help)", ZSH: "'help:", FISH: " -a help "}
SCRIPTS = (
    ROOT / ".ci" / "run",
    ROOT / "tests" / "get-nix.sh",
    ROOT / "tests" / "run",
    SHARE / "nixprof" / "bootstrap",
    SHARE / "nixprof" / "demo" / "publish",
    SHARE / "nixprof" / "machine.sh",
    SHARE / "nixprof" / "try",
)

_BASH_COMPLETES = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMP_LINE="$*"
COMP_POINT=${#COMP_LINE}
_nixprof nixprof "${COMP_WORDS[COMP_CWORD]}"
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
"""


def run(*argv: str | Path, path: Path | None = None) -> str:
    environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}"} if path else None
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def completed(*words: str, path: Path | None = None) -> set[str]:
    return set(run("bash", "--norc", "-c", _BASH_COMPLETES, "bash", BASH, *words, path=path).splitlines())


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_completions_are_accepted(shell: str) -> None:
    needs.program(shell)
    run(shell, "-n", COMPLETIONS[shell])


@pytest.mark.parametrize("file", COMPLETIONS.values(), ids=COMPLETIONS)
def test_completions_have_what_the_command_line_declares(file: Path) -> None:
    """With NIXPROF_UPDATE_COMPLETIONS=1, they are changed where they have not."""
    text = completions.written(file)
    if os.environ.get("NIXPROF_UPDATE_COMPLETIONS"):
        file.write_text(text)
    assert file.read_text() == text, "to write it: NIXPROF_UPDATE_COMPLETIONS=1 pytest tests/test_share.py"


@pytest.mark.parametrize("file", COMPLETIONS.values(), ids=COMPLETIONS)
def test_completions_know_every_command_alias_and_option(file: Path) -> None:
    text = file.read_text()
    # fish has the name of an option without the dashes.
    words = options() if file is not FISH else [f" {option.strip('-')} " for option in options()]
    assert [word for word in (*words, *commands(), *ALIASES, HELP[file]) if word not in text] == []


def test_bash_completes_commands() -> None:
    assert completed("nixprof", "") == {*commands(), "help"}
    assert completed("nixprof", "help", "") == set(commands())
    assert completed("nixprof", "help", "re") == {"remove"}
    assert completed("nixprof", "re") == {"remove"}
    assert completed("nixprof", "-") == {"--version", "-h", "--help"}


@pytest.mark.parametrize("command", [*commands(), *ALIASES])
def test_bash_completes_the_options_of_a_command(command: str) -> None:
    assert completed("nixprof", command, "-") == set(options_by_command()[ALIASES.get(command, command)])


def test_bash_completes_values() -> None:
    assert completed("nixprof", "list", "--color", "a") == {"auto", "always"}
    assert completed("nixprof", "list", "--color", "=", "a") == completed("nixprof", "ls", "--color", "a")
    assert completed("nixprof", "add", "--priority", "") == set()
    assert completed("nixprof", "setup", "-n", "") == {"bash", "zsh", "fish", "sh"}
    assert completed("nixprof", "sync", "--from", f"{SHARE}/nixprof/") == {str(SHARE / "nixprof" / "demo")}
    assert str(SHARE / "nixprof" / "try") in completed("nixprof", "freeze", "--from", f"{SHARE}/nixprof/")
    assert completed("nixprof", "add", str(SHARE / "n")) == {str(SHARE / "nixprof")}


@pytest.mark.parametrize("command", [*commands(), *ALIASES])
def test_an_alias_is_completed_as_its_command(command: str) -> None:
    assert ARGUMENTS.get(command) == ARGUMENTS.get(ALIASES.get(command, command))


def test_fish_completes() -> None:
    needs.program("fish")
    script = f"source {shlex.quote(str(FISH))}; complete -C 'nixprof sy'; complete -C 'nixprof init --'"
    shown = run("fish", "--no-config", "-c", script)
    words = {line.partition("\t")[0] for line in shown.splitlines()}
    assert words == {"sync", "--from", "--json", "--help"}
    shown = run("fish", "--no-config", "-c", f"source {shlex.quote(str(FISH))}; complete -C 'nixprof help '")
    assert {line.partition("\t")[0] for line in shown.splitlines()} == set(commands())
    script = f"set -x PATH /nowhere; source {shlex.quote(str(FISH))}; complete -C 'nixprof input "
    assert run("fish", "--no-config", "-c", f"{script}'").split() == ["add", "follow", "list", "remove"]
    assert run("fish", "--no-config", "-c", f"{script}remove '") == ""
    assert "--pin" not in run("fish", "--no-config", "-c", f"{script}add --'")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_are_posix_shell(script: Path) -> None:
    run("sh", "-n", script)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_have_no_known_traps(script: Path) -> None:
    needs.program("shellcheck")
    checks = ("--shell=sh", "--severity=warning", "--external-sources", "--source-path=SCRIPTDIR")
    run("shellcheck", *checks, script)


def test_the_man_page_has_no_warnings() -> None:
    needs.program("groff")
    run("groff", "-mandoc", "-ww", "-z", "-Tutf8", SHARE / "man" / "man1" / "nixprof.1")


@pytest.mark.newest_nix
def test_the_readme_names_every_file_that_is_written(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    world.nixprof("add", "jq")
    world.manifest.write_text(world.manifest.read_text() + "# mine\n")
    world.nixprof("rollback", "--yes")
    world.manifest.write_text(world.manifest.read_text() + "# mine\n")
    world.nixprof("edit", check=False, env={"VISUAL": "sed -i s/hello/helloo/"})
    table = (ROOT / "README.md").read_text().partition("\n## Files\n")[2].partition("\n## ")[0]
    written = {
        path.relative_to(folder).parts[0]
        for folder in (
            world.config_dir,
            world.flake,
            world.home / ".local" / "share" / "nixprof",
            world.home / ".local" / "state" / "nixprof",
            world.home / ".cache" / "nixprof",
        )
        for path in folder.iterdir()
    }
    assert {"before-rollback", "edited", "rollbacks.json", "commands.json", "system.json", "nixprof.nix"} <= written
    assert [name for name in sorted(written) if name not in table] == []


def test_nix_reads_the_package(world: World) -> None:
    world.command("nix-instantiate", "--parse", SHARE / "nixprof" / "package.nix")
