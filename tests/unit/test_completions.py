"""What shells complete: the answers of `nixprof complete`, and what a user sees who types in a real shell."""

import os
import shlex
import sys
from pathlib import Path
from typing import Protocol

import pytest
from support import needs
from support.asking import ABOUT, User
from support.installs import ROOT
from support.shells import TypedShell

from nixprof.index.database import IndexedPackage
from nixprof.manifest.parse import parse
from nixprof.quick import complete
from nixprof.record import replace

UNSTABLE = replace(ABOUT, input="unstable")
HOSTILE = (
    "rm$(touch hacked)",
    "rm`touch hacked`",
    "rm;touch hacked",
    "rm\x1b[31m",
    "rm' 'x",
    'rm"x',
    "rm x",
    "-r",
    "~x",
)
LIST = """
packages = [
  "nixpkgs#git^out,man",
  { package = "unstable#neovim", pin = true },
  '"rm$(touch hacked)"',
  "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-tool-1.0",
]
include = ["more.toml"]
[inputs]
unstable = "github:NixOS/nixpkgs/nixos-unstable"
[system.darwin]
packages = ["mas"]
[host.there]
packages = ["htop"]
"""
MORE = """
packages = ["python3Packages.black"]
[inputs]
helix = "github:helix-editor/helix"
"""


def _package(name: str, version: str = "1.0", **more: str) -> IndexedPackage:
    parts = tuple(name.split("."))
    return replace(IndexedPackage(parts, parts[-1].partition("_")[0], version), **more)  # type: ignore[arg-type]


@pytest.fixture
def user(tmp_path: Path) -> User:
    user = User(tmp_path / "home", "complete")
    user.environment.pop("XDG_STATE_HOME", None)
    described = _package("ripgrep", "15.1.0", description="finds:\x1b[31m $(touch hacked)", main_program="rg")
    nodes = [_package("nodejs_22", "22.1.0"), _package("nodejs_24", "24.0.1")]
    sets = [_package(f"python3Packages.{name}") for name in ("black", "blessed")]
    user.index(ABOUT, described, *nodes, *sets, _package("red"), *(IndexedPackage((one,), one) for one in HOSTILE))
    user.index(UNSTABLE, _package("neovim", "0.12", main_program="nvim"), _package("ripgrep"))
    (user.home / ".config/nixprof/nixprof.toml").write_text(LIST)
    (user.home / ".config/nixprof/more.toml").write_text(MORE)
    profiles = user.home / ".local/state/nix/profiles"
    profiles.mkdir(parents=True)
    for number in (1, 2, 10):
        (profiles / f"profile-{number}-link").symlink_to("/")
    (profiles / "profile").symlink_to("profile-10-link")
    (user.home / ".nix-profile").symlink_to(profiles / "profile")
    return user


class Asking(Protocol):
    def __call__(self, *words: str) -> list[str]: ...


@pytest.fixture
def asking(user: User, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Asking:
    """Asks for the words that what was typed can become."""
    for name in os.environ.keys() - user.environment.keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(user.home))

    def ask(*words: str) -> list[str]:
        assert complete.run(list(words)) == 0
        out, said = capfd.readouterr()
        assert said == ""
        return [line.partition("\t")[0] for line in out.splitlines()]

    return ask


LISTED = ["git", "unstable#neovim", "tool-1.0", "mas", "htop", "python3Packages.black"]
PAST = ["10", "2", "1"]


def test_each_argument_is_what_its_command_takes(user: User, asking: Asking) -> None:
    assert user.ask("add", "ripg") == (0, "ripgrep\t15.1.0 finds:[31m $(touch hacked)\n", "")
    assert asking("add", "-y", "jq", "r") == ["red", "ripgrep"]
    assert asking("add", "") == asking("add", "u") == ["unstable#neovim", "unstable#ripgrep"]
    assert asking("i", "unstable\\#n") == asking("i", '"unstable#n') == ["unstable#neovim"]
    assert asking("add", "p") == ["python3Packages.black", "python3Packages.blessed"]
    assert asking("add", "nodejs@") == ["nodejs@22.1.0", "nodejs@24.0.1"]
    assert asking("add", "nixpkgs#nodejs@24") == ["nixpkgs#nodejs@24.0.1"]
    assert asking("search", "ne") == ["neovim"]
    assert asking("search", "jq", "--input", "") == ["nixpkgs", "unstable", "helix"]
    assert asking("search", "--input=n") == ["nixpkgs"]
    systems = ["aarch64", "aarch64-linux", "aarch64-darwin"]
    assert asking("add", "git", "--on", "a") == asking("add", "git", "--on=a") == systems
    assert asking("remove", "--on", "h") == ["host"]
    assert asking("remove", "--on=")[-2:] == ["host", "there"]
    assert asking("try", "jq", "r") == ["red", "ripgrep"]
    assert asking("try", "jq", "--", "r") == asking("try", "jq", "--", "grep", "--on", "") == []
    assert asking("input", "add", "") == asking("input", "add", "new", "") == asking("input", "list", "") == []
    assert asking("input", "remove", "unstable", "h") == ["helix"]
    assert asking("input", "follow", "h") == ["helix"]
    assert asking("input", "follow", "helix", "") == []
    assert asking("input", "follow", "helix", "nixpkgs", "") == ["nixpkgs", "unstable", "helix"]
    assert asking("which", "r") == ["rg"]
    assert sorted(asking("remove", "")) == sorted(LISTED)
    assert asking("show", "u") == ["unstable#neovim", "unstable#"]
    assert asking("update", "h") == ["htop", "helix"]
    assert asking("rollback", "") == [*PAST, *sorted(LISTED)]
    assert asking("rollback", "--color", "never", "1") == ["10", "1"]
    for words in (("rollback", "git"), ("bisect", "--good"), ("diff",), ("diff", "1")):
        assert asking(*words, "") == PAST
    assert asking("rollback", "1", "") == asking("rollback", "git", "1", "") == asking("diff", "1", "2", "") == []
    elsewhere = user.home / "else"
    elsewhere.symlink_to("else-7-link")
    (user.home / "else-7-link").symlink_to("/")
    assert asking("diff", "--profile", str(elsewhere), "") == ["7"]


def test_what_a_shell_would_run_is_never_an_answer(asking: Asking) -> None:
    for command in ("add", "try", "remove", "search", "show", "which"):
        assert asking(command, "rm") == asking(command, "-") == asking(command, "~") == []


def test_nothing_is_said_of_what_is_odd(user: User, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in ("", "no-such-command r", "list r", "tidy --keep 1", "add a@b#c", "add é", "add #", "add ."):
        assert asking(*line.split()) == []
    assert complete.run([]) == 0
    for name, command in (("XDG_CACHE_HOME", "add"), ("HOME", "diff"), ("NIXPROF_CONFIG_DIR", "remove")):
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv(name, "/nowhere")
            assert asking(command, "") == []
        assert asking(command, "") != []
    (user.cache / "system.json").write_text("{")
    assert asking("add", "r") == []
    assert asking("show", "g") == ["git"]
    manifest = user.home / ".config/nixprof/nixprof.toml"
    for text in ("packages = [", "packages = 1", "packages = [1]", "packages = [{}]", "[system]\nx = 1"):
        manifest.write_text(text)
        assert asking("remove", "") == []
    manifest.write_text('packages = ["git"]\ninclude = ["nixprof.toml", "no-such.toml"]')
    assert asking("remove", "") == ["git"]
    manifest.unlink()
    os.mkfifo(manifest)
    assert asking("remove", "") == []
    assert asking("rollback", "") == PAST


def test_the_list_is_read_as_nixprof_reads_it(user: User, asking: Asking) -> None:
    dotfiles = user.home / "dotfiles"
    (user.home / ".config/nixprof").rename(dotfiles)
    (user.home / ".config/nixprof").mkdir()
    manifest = user.home / ".config/nixprof/nixprof.toml"
    manifest.symlink_to(dotfiles / "nixprof.toml")
    known = parse(manifest)
    specs = [replace(package.spec, outputs=()) for package in known.packages]
    names = {spec.name if spec.is_store_path else str(spec) for spec in specs}
    assert set(asking("remove", "")) == names - {'"rm$(touch hacked)"'} == set(LISTED)
    assert sorted(asking("search", "--input", "")) == sorted(one.name for one in known.inputs)


def test_many_answers_begin_with_no_more_in_common_than_all(user: User, asking: Asking) -> None:
    user.index(ABOUT, *(_package(f"a{number:04}") for number in range(1000)), _package("ab"), _package("a" * 50))
    found = asking("add", "a")
    assert len(found) in range(190, 201)
    assert (found[0], found[-1]) == ("a0000", "ab")


START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source {share}/bash-completion/completions/nixprof"),
    "zsh": (
        ["zsh", "-f", "-i"],
        "PS1='$ '; fpath=({share}/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D",
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        "function fish_prompt; echo '$ '; end; source {share}/fish/vendor_completions.d/nixprof.fish",
    ),
}
# What is typed, and what stands there then. The X shows where the next letter goes, and that the shell is done.
TYPED = {
    "rem\tX": "remove X",
    "add rip\tX": "add ripgrep X",
    "add nodejs@24\tX": "add nodejs@24.0.1 X",
    "add -y unstable#n\tX": "add -y unstable#neovim X",
    "add python3\tX": "add python3Packages.blX",
    "search --input uns\tX": "search --input unstable X",
    "add --on aarch64-d\tX": "add --on aarch64-darwin X",
    "add --on=th\tX": "add --on=there X",
    "search --input=uns\tX": "search --input=unstable X",
    "pin to\tX": "pin tool-1.0 X",
    "rollback git 2\tX": "rollback git 2 X",
    "remove rm\tX": "remove rmX",
    "add rm\tX": "add rmX",
}


@pytest.mark.parametrize("shell", START)
def test_a_user_types_in_a_real_shell(user: User, shell: str, tmp_path: Path) -> None:
    needs.program(shell)
    folder, programs = tmp_path / "work", tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    program = programs / "nixprof"
    program.write_text(
        f'#!/bin/sh\n[ ! -e answers ] || exec cat answers\nexec {shlex.quote(sys.executable)} -m nixprof "$@"\n'
    )
    program.chmod(0o755)
    search = f"{programs}:{user.environment['PATH']}"
    env = {**user.environment, "PATH": search, "PYTHONPATH": str(ROOT), "PS1": "$ ", "LANG": "C.UTF-8"}
    argv, start = START[shell]
    with TypedShell(argv, env, folder) as terminal:
        terminal.type(f"{start.format(share=ROOT / 'share')}; echo rea''dy\n", "\nready")
        for typed, expected in TYPED.items():
            terminal.clear()
            terminal.type(f"nixprof {typed}", f"$ nixprof {expected}")
        terminal.clear()
        terminal.type("nixprof rollback \t\t", "python3Packages.black")
        # Even if nixprof answered so, no shell would run it.
        (folder / "answers").write_text("".join(f"{one}\t{one}\n" for one in HOSTILE))
        for typed in ("rm\t\tX", "\t\t\tX"):
            terminal.clear()
            terminal.type(f"nixprof remove {typed}", "X")
        terminal.type("\x03\nec''ho end\n", "\nend")
    assert [path.name for path in folder.iterdir()] == ["answers"]
