"""`setup` in real shells, each on a terminal of its own: set up twice, tried as a user does, and undone."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pytest
from support import forks, needs
from support.installs import ROOT

# What each shell has before, byte for byte: without a newline at the end, and with a handler of its own.
BEFORE = {
    "bash": {
        ".bashrc": b"PS1='ready> '\ncommand_not_found_handle() {\n  echo \"before: $1\"\n  return 127\n}",
        ".profile": b"# mine\n. ~/.bashrc\n",
    },
    "zsh": {
        ".zshrc": b"PROMPT='ready> '\nautoload -Uz compinit && compinit -D\n"
        b'command_not_found_handler() { echo "before: $1"; return 127 }\n'
    },
    "fish": {
        ".config/fish/config.fish": b"function fish_prompt; echo -n 'ready> '; end\nset -g fish_greeting",
        ".config/fish/functions/fish_command_not_found.fish": b"function fish_command_not_found\n"
        b'    echo "before: $argv[1]"\nend\n',
    },
}
COMPLETION = {
    "bash": ("bash-completion/completions/greet.bash", "complete -W 'hello-there' greet\n"),
    "zsh": ("zsh/site-functions/_greet", "#compdef greet\n_arguments '1:word:(hello-there)'\n"),
    "fish": ("fish/vendor_completions.d/greet.fish", "complete -c greet -f -a hello-there\n"),
}

MADE_BY_SHELLS = (".cache", ".local", ".config/fish/fish_variables", ".bash_history")
# What a terminal obeys, and what zsh and fish write to find out whether a line has an end.
ESCAPES = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[()].|[=>])"


class Machine:
    """A user with a home, a profile that has a program, and nixprof; all names are odd."""

    def __init__(self, root: Path, shell: str) -> None:
        program = needs.program(shell)
        self.home = root / "it's $one `home`"
        self.profile = self.home / ".nix-profile"
        self.write(".nix-profile/bin/greet", '#!/bin/sh\necho greeted "$@"\n', mode=0o755)
        self.write(".nix-profile/share/man/man1/greet.1", ".TH GREET 1\n.SH NAME\ngreet \\- greets\n")
        # What a shell asks for is answered by a stand-in, as long as it is asked rightly.
        stand_in = '#!/bin/sh\n[ "$1" = command-not-found ] && echo "asked: $2" >&2\nexit 127\n'
        self.write(".nix-profile/bin/nixprof", stand_in, mode=0o755)
        # Where that is missing, fish reads all man pages of the machine in the background.
        (self.home / ".local/share/fish/generated_completions").mkdir(parents=True)
        self.env = {
            "HOME": str(self.home),
            "SHELL": program,
            "PATH": f"{self.home}/bin:/usr/bin:/bin",
            "USER": "me",
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
        }

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        file = self.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def nixprof(self, *words: str, code: int = 0) -> str:
        result = forks.run(["-m", "nixprof", *words], self.env, self.home, 60)
        assert result[0] == code, result
        return "".join(result[1:])

    def files(self) -> dict[str, bytes]:
        found = {str(file.relative_to(self.home)): file for file in self.home.rglob("*") if file.is_file()}
        return {name: file.read_bytes() for name, file in found.items() if not name.startswith(MADE_BY_SHELLS)}


class Sitting:
    """A login shell on a terminal; use as a context manager."""

    def __init__(self, machine: Machine, env: Mapping[str, str] | None = None) -> None:
        self.shown = ""
        pid, self._terminal = pty.fork()
        if pid == 0:
            os.chdir(machine.home)
            os.execve(machine.env["SHELL"], [machine.env["SHELL"], "-l", "-i"], {**machine.env, **(env or {})})
        self._pid = pid

    def __enter__(self) -> Self:
        self.wait_for("ready> ")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)

    def type(self, text: str) -> None:
        self.shown = ""
        os.write(self._terminal, text.encode())

    def wait_for(self, *wanted: str) -> str:
        end = time.monotonic() + 30
        while not all(one in self.shown for one in wanted):
            if time.monotonic() > end or not select.select([self._terminal], [], [], 10)[0]:
                raise AssertionError(f"{wanted} not in {self.shown}")
            self.shown = re.sub(ESCAPES, "", self.shown + os.read(self._terminal, 65536).decode(errors="replace"))
        return self.shown

    def does(self, line: str, *wanted: str) -> str:
        self.type(f"{line}\n")
        return self.wait_for(*wanted)


@pytest.mark.parametrize("shell", BEFORE)
def test_a_new_shell_finds_all_and_is_as_before_in_the_end(shell: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path, shell)
    for name, data in BEFORE[shell].items():
        machine.write(name, data.decode())
    name, text = COMPLETION[shell]
    machine.write(f".nix-profile/share/{name}", text)
    before = machine.files()
    machine.nixprof("setup", "--dry-run")
    assert machine.files() == before
    assert f"{shell} is set up: programs, " in machine.nixprof("setup", "--command-not-found")
    after = machine.files()
    assert machine.nixprof("setup") == f"✓ {shell} is set up already\n"
    assert machine.files() == after
    with Sitting(machine) as sitting:
        sitting.does("greet 'by name'", "greeted by name")
        sitting.type("greet hel\t\n")
        sitting.wait_for("greeted hello-there")
        sitting.type("nixprof setu\t")
        sitting.wait_for("setup ")
        sitting.does("\x15man -w greet", f"{machine.profile}/share/man/man1/greet.1")
        sitting.does("no-such-program x", "before: no-such-program", "asked: no-such-program")
        sitting.does("export NIXPROF_COMMAND_NOT_FOUND=0; no-such-one; echo e''nd", "end")
        assert "before: no-such-one" in sitting.shown
        assert "asked" not in sitting.shown
    assert "is undone" in machine.nixprof("setup", "--undo")
    assert machine.files() == before
    assert machine.nixprof("setup", "--undo") == "✓ there is no set-up to undo\n"


def test_zsh_completes_also_where_nothing_of_its_own_starts_that(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "zsh")
    machine.write(".zshrc", "PROMPT='ready> '\n")
    name, text = COMPLETION["zsh"]
    machine.write(f".nix-profile/share/{name}", text)
    machine.nixprof("setup")
    with Sitting(machine) as sitting:
        sitting.type("greet hel\t\n")
        sitting.wait_for("greeted hello-there")
    # With its own, that is left to it.
    machine.write(".zshrc", "autoload -Uz compinit && compinit\n")
    machine.nixprof("setup")
    assert "compinit -i" not in (machine.home / ".config/nixprof/shell/setup.zsh").read_text()


@pytest.mark.parametrize("told", ["", "export "])
def test_zsh_is_asked_where_its_start_up_files_are(tmp_path: Path, told: str) -> None:
    machine = Machine(tmp_path, "zsh")
    machine.write(".zshenv", f"echo noise; {told}ZDOTDIR=$HOME/'its own'; printf 'no end'\n")
    machine.write("its own/.zshrc", "PROMPT='ready> '\nautoload -Uz compinit && compinit -D\n")
    before = machine.files()
    assert "~ ~/its own/.zshrc" in machine.nixprof("setup", "zsh")
    assert not (machine.home / ".zshrc").exists()
    with Sitting(machine) as sitting:
        sitting.does("greet 'by name'", "greeted by name")
    # That may be new, and a line may be where zsh looked before.
    machine.write(".zshrc", (machine.home / "its own/.zshrc").read_text())
    machine.nixprof("setup", "zsh", "--undo")
    assert machine.files() == {**before, ".zshrc": before["its own/.zshrc"]}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "bash")


def test_what_is_not_for_nixprof_to_write_is_left_and_the_line_is_shown(machine: Machine) -> None:
    line = 'if [ -r "$HOME"/.config/nixprof/shell/setup.sh ]; then . "$HOME"/.config/nixprof/shell/setup.sh; fi'
    rc, real = machine.home / ".bashrc", machine.home / "dotfiles/rc"
    machine.write("dotfiles/rc", "# mine\n")
    machine.write(".profile", ". ~/.bashrc\n")
    rc.symlink_to(real)
    said = machine.nixprof("setup", code=1)
    assert "cause: it is a link to ~/dotfiles/rc\n" in said
    assert f"~/.bashrc, or of what it is made from:\n       {line}\n" in said
    assert said.count("~/.bashrc") == 2
    assert said.count("it is a link") == 1
    assert "Nothing was changed" not in said
    error = json.loads(machine.nixprof("setup", "--json", code=1))["error"]
    assert error["code"] == "cannot-write"
    assert line in error["hints"][0]
    assert real.read_text() == "# mine\n"
    # Once it is there, all is well.
    real.write_text(f"# mine\n  {line}\n")
    assert machine.nixprof("setup") == "✓ bash is set up already\n"
    # A folder on the way may be the link, and a link may be a hard one.
    rc.unlink()
    os.link(real, rc)
    real.write_text("# mine\n")
    assert "hard link" in machine.nixprof("setup", code=1)
    (machine.home / ".zshrc").mkdir()
    assert "cause: it is a folder\n" in machine.nixprof("setup", "zsh", code=1)
    rc.unlink()
    machine.write(".bashrc", "# secret")
    rc.chmod(0o444)
    assert "cause: ~/.bashrc is read-only\n" in machine.nixprof("setup", code=1)
    rc.chmod(0o200)
    if os.getuid():
        assert "it cannot be read" in machine.nixprof("setup", code=1)
    rc.chmod(0o644)
    assert rc.read_text() == "# secret"
    machine.nixprof("setup")
    rc.chmod(0o444)
    marked = "~/.bashrc, or of what it is made from:\n       " + line
    assert f"take this line out of {marked} # nixprof setup, with the newline before\n" in machine.nixprof(
        "setup", "--undo", code=1
    )
    (machine.home / "elsewhere").mkdir()
    (machine.home / ".config/fish").symlink_to(machine.home / "elsewhere")
    assert "it is a link to ~/elsewhere/conf.d/nixprof.fish" in machine.nixprof("setup", "fish", code=1)
    assert not list((machine.home / "elsewhere").iterdir())


def test_fonts_of_another_are_left_alone_and_ours_stay_while_a_shell_is_set_up(machine: Machine) -> None:
    folder = machine.home / ".config"
    fonts, session = folder / "fontconfig/conf.d/10-nixprof-fonts.conf", folder / "environment.d/10-nixprof.conf"
    machine.nixprof("setup", "bash")
    machine.nixprof("setup", "zsh")
    assert f"<dir>{machine.profile}/share/fonts</dir>" in fonts.read_text()
    machine.nixprof("setup", "bash", "--undo")
    assert fonts.exists()
    assert session.exists()
    machine.nixprof("setup", "zsh", "--undo")
    assert not fonts.parent.exists()
    assert not session.parent.exists()
    machine.write(".config/fontconfig/conf.d/10-nixprof-fonts.conf", "mine")
    assert "nixprof did not write it" in machine.nixprof("setup", "bash")
    machine.nixprof("setup", "--undo")
    assert fonts.read_text() == "mine"


@pytest.mark.parametrize("given", ["", "/snap/share:/usr/share"])
def test_the_session_of_a_desktop_knows_the_applications(machine: Machine, given: str) -> None:
    generator = Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")
    if not generator.exists():
        pytest.skip("there is no systemd")
    profile = machine.home / 'an "odd\\ one" for $HOME'
    machine.nixprof("setup", "bash", "--profile", str(profile))
    environment = {"HOME": str(machine.home), "PATH": "/bin", **({"XDG_DATA_DIRS": given} if given else {})}
    told = subprocess.run([generator], env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    command = ["bash", "-c", f'{told}\nprintf %s "$XDG_DATA_DIRS"']
    known = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert known == f"{given or '/usr/local/share:/usr/share'}:{profile}/share"


def test_what_is_printed_does_the_same_and_changes_nothing(machine: Machine) -> None:
    before = machine.files()
    printed = machine.nixprof("setup", "--print", "--command-not-found", "bash")
    assert machine.files() == before
    assert printed.startswith("# At the end of ~/.bashrc and ~/.profile:\nif [ -r ")
    command = ["bash", "--norc", "-i", "-c", f"{printed}\ncommand -v greet; declare -F command_not_found_handle"]
    done = subprocess.run(command, env=machine.env, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == f"{machine.profile}/bin/greet\ncommand_not_found_handle\n"
    text = json.loads(machine.nixprof("setup", "--print", "--json", "zsh"))["text"]
    assert "compdef" in text


def test_other_shells_are_told_what_to_do(machine: Machine) -> None:
    for shell in ("/bin/tcsh", "nushell", "elvish"):
        said = machine.nixprof("setup", shell, code=1)
        assert f"cannot set up the shell {shell.rpartition('/')[2]}, only" in said
        assert "/.nix-profile/bin" in said
    machine.env["SHELL"] = "/opt/mysh"
    assert "error: cannot set up the shell mysh, only bash, zsh, fish and sh\n" in machine.nixprof("setup", code=1)
    assert "nixprof setup --undo --dry-run" in machine.nixprof("setup", "--undo", "--print", code=2)
    machine.env["SHELL"] = "/bin/dash"
    before = machine.files()
    said = machine.nixprof("setup", "--command-not-found")
    assert "+ ~/.profile" in said
    assert "✓ sh is set up: programs, man pages\n" in said
    assert "✓ the set-up of sh is undone\n" in machine.nixprof("setup", "sh", "--undo")
    # bash reads the same file, and says so when it goes.
    machine.nixprof("setup", "bash")
    said = machine.nixprof("setup", "dash", "--undo")
    assert "- ~/.bashrc" in said
    assert "✓ the set-up of bash and sh is undone\n" in said
    assert machine.files() == before


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_nixpkgs_in_angle_brackets_is_what_the_registry_has_for_those_who_want_it(shell: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path, shell)
    machine.write(".zshrc", "")  # without one, zsh asks who is new to it

    def nix_path(before: str | None) -> str:
        """What a new shell has, where `before` was set."""
        env = machine.env if before is None else {**machine.env, "NIX_PATH": before}
        command = [machine.env["SHELL"], "-l", "-i", "-c", "sh -c 'printf %s \"${NIX_PATH-nothing}\"'"]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=30).stdout

    machine.nixprof("setup")
    assert nix_path(None) == "nothing"
    for words in (("--nix-path",), ()):  # again, it stays
        machine.nixprof("setup", *words)
        assert nix_path(None) == "nixpkgs=flake:nixpkgs"
        assert nix_path("mine=/x y:/z") == "nixpkgs=flake:nixpkgs:mine=/x y:/z"
        assert nix_path("/z:nixpkgs=flake:nixpkgs") == "/z:nixpkgs=flake:nixpkgs"
    machine.nixprof("setup", "--no-nix-path")
    assert nix_path(None) == "nothing"


def test_folders_that_were_made_go_with_what_is_in_them(machine: Machine) -> None:
    mine = machine.home / ".config/fish/config.fish"
    machine.write(".config/fish/config.fish", "# mine\n")
    machine.nixprof("setup", "fish")
    machine.nixprof("setup", "fish", "--undo")
    assert os.listdir(mine.parent) == ["config.fish"]
    mine.unlink()
    machine.nixprof("setup", "fish")
    machine.nixprof("setup", "fish", "--undo")
    assert os.listdir(machine.home / ".config") == []


def test_another_profile(machine: Machine) -> None:
    other = machine.home / "an other"
    machine.nixprof("setup", "zsh", "--profile", str(other))
    text = (machine.home / ".config/nixprof/shell/setup.zsh").read_text()
    assert "_nixprof=\"$HOME\"/'an other'\n" in text


def test_nixprof_itself_is_found_where_it_was_started_from(machine: Machine) -> None:
    installed = Path(sys.executable).parent / "nixprof"
    if not installed.exists():
        pytest.skip("nixprof is not installed here")
    typed = machine.home / ".local/bin/nixprof"
    typed.parent.mkdir(parents=True)
    typed.symlink_to(installed)
    for program, end in ((installed, "/usr/bin:/bin"), (typed, f"/usr/bin:/bin:{typed.parent}")):
        subprocess.run([program, "setup"], env=machine.env, capture_output=True, check=True)
        command = [machine.env["SHELL"], "-c", '. ~/.bashrc; echo "$PATH"']
        done = subprocess.run(command, env=machine.env, stdout=subprocess.PIPE, text=True, check=True)
        shown = done.stdout.strip().replace(":/nix/var/nix/profiles/default/bin", "")
        assert shown == f"{machine.profile}/bin:{machine.home}/bin:{end}"
