"""The user's shell, and what a new one of it has: real shells."""

import subprocess
import time
from pathlib import Path

import pytest
from support import needs

from nixprof.shell.asking import Login, Silence, ask_new_shell, ask_zdotdir
from nixprof.shell.startup import SHELLS, quote, starts_completion, startup_files

ODD = """it's "odd" \\ $HOME `x` \\' !"""


@pytest.fixture
def odd_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "a 'home' \\ of $one"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("ZDOTDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.mark.parametrize("shell", SHELLS)
def test_a_word_stays_one_word_in_each_shell(shell: str) -> None:
    command = [needs.program(shell), "-c", f"printf %s {quote(ODD, shell)}"]
    assert subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout == ODD


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_is_asked_whatever_it_prints(shell: str, odd_home: Path) -> None:
    sets = "set -gx SEEN 'two\nlines'" if shell == "fish" else "export SEEN='two\nlines'"
    function = "function told; end" if shell == "fish" else "told() { :; }"
    for file in startup_files(shell):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"echo noise; printf 'without an end'\nsleep 60 &\n{sets}\n{function}\n")
    before = time.monotonic()
    login = ask_new_shell(Path(needs.program(shell)))
    assert isinstance(login, Login)
    assert login.environment["SEEN"] == "two\nlines"
    assert login.environment["HOME"] == str(odd_home)
    assert "told" in login.functions
    assert time.monotonic() - before < 15


def test_a_shell_that_hangs_or_is_not_there_has_no_answer(odd_home: Path) -> None:
    (odd_home / ".bash_profile").write_text("sleep 60\n")
    before = time.monotonic()
    assert ask_new_shell(Path(needs.program("bash")), patience=0.5) == Silence("no answer in 0.5 s")
    assert time.monotonic() - before < 10
    assert ask_new_shell(odd_home / "none") == Silence("No such file or directory")
    (odd_home / ".bash_profile").write_text("exit 3\n")
    assert ask_new_shell(Path(needs.program("bash"))) == Silence("exit code 3")


def test_a_bash_that_is_no_login_shell_reads_another_file(odd_home: Path) -> None:
    (odd_home / ".bashrc").write_text("export SEEN=rc\n")
    (odd_home / ".bash_profile").write_text("export SEEN=profile LOGGED_IN=yes\n")
    login = ask_new_shell(Path(needs.program("bash")))
    assert isinstance(login, Login)
    # A terminal of a desktop has what the login had.
    plain = ask_new_shell(Path(needs.program("bash")), inherited=login.environment)
    assert isinstance(plain, Login)
    assert (login.environment["SEEN"], login.environment["LOGGED_IN"]) == ("profile", "yes")
    assert (plain.environment["SEEN"], plain.environment["LOGGED_IN"]) == ("rc", "yes")


def test_zsh_may_have_no_answer(odd_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", needs.program("zsh"))
    assert ask_zdotdir() is None
    (odd_home / ".zshenv").write_text("echo noise; ZDOTDIR='/two\nlines'\n")
    assert ask_zdotdir() == Path("/two\nlines")
    (odd_home / ".zshenv").write_text("sleep 60\n")
    before = time.monotonic()
    assert ask_zdotdir(patience=0.3) is None
    assert time.monotonic() - before < 10
    monkeypatch.setenv("SHELL", str(odd_home / "zsh"))
    assert ask_zdotdir() is None


def test_bash_needs_a_line_for_login_shells_unless_one_file_reads_the_other(odd_home: Path) -> None:
    rc, profile = odd_home / ".bashrc", odd_home / ".profile"
    assert startup_files("bash") == (rc, profile)
    profile.write_text("# .bashrc is not read\n")
    assert startup_files("bash") == (rc, profile)
    profile.write_text(". ~/.bashrc\n")
    assert startup_files("bash") == (rc,)


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("export A=b\n# compinit\nif [ -r x/nixprof/shell/y ]; then . x/nixprof/shell/y; fi\n", False),
        ("autoload -Uz compinit && compinit\n", True),
        ("[ -f ~/.x ] && . ~/.x\n", True),
        ("source $ZSH/oh-my-zsh.sh\n", True),
        ("alias l='ls -l'\n", False),
    ],
)
def test_who_starts_the_completion_of_zsh(text: str, tmp_path: Path, *, starts: bool) -> None:
    file = tmp_path / ".zshrc"
    file.write_text(text)
    assert starts_completion(file) is starts
