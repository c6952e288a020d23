"""What a shell asks: a program that it does not find. One line or silence, and little is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.asking import ABOUT, User

from nixprof.errors import Reason
from nixprof.folders import Folders
from nixprof.index.database import IndexedPackage
from nixprof.quick import lookup
from nixprof.record import replace

SILENT = (127, "", "")


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path / "a user#?%41é", "command-not-found")


def program(name: str, main: str, **more: object) -> IndexedPackage:
    return replace(IndexedPackage((name,), name, main_program=main), **more)  # type: ignore[arg-type]


def test_one_line_or_silence(user: User) -> None:
    odd = IndexedPackage(("odd", "a b; \x1b[31m"), "odd", main_program="odd")
    refused = program("ripgrep-paid", "rg", refusals=(Reason.UNFREE,))
    elsewhere = program("mas", "mas-cli", refusals=(Reason.UNSUPPORTED,))
    user.index(ABOUT, refused, elsewhere, program("ripgrep", "rg"), odd)
    user.index(ABOUT, program("other", "other"), program("one", "one"), manifest="other.toml")
    damaged = user.index(replace(ABOUT, input="unstable"), program("jq", "jq"), program("rg", "rg"))
    user.index(replace(ABOUT, system="aarch64-darwin"), program("mas", "mas"))
    user.index(replace(ABOUT, input="gone"), program("gone", "gone"))
    user.index(replace(ABOUT, system="x86_64-darwin"), program("left", "left"))
    rg = (127, "", "rg is not installed. To install it: nixprof add ripgrep\n")
    assert user.ask("rg") == rg
    assert user.ask("jq") == (127, "", "jq is not installed. To install it: nixprof add unstable#jq\n")
    for word in (
        "no-such",
        "odd",
        "mas",
        "mas-cli",
        "gone",
        "left",
        "other",
        "",
        "--help",
        "\x1b[31m",
        "a/b",
        "' OR 1",
    ):
        assert user.ask(word) == SILENT
    assert user.ask() == user.ask("rg", "jq") == SILENT
    assert user.ask("rg", NIXPROF_COMMAND_NOT_FOUND="0") == SILENT
    assert user.ask("rg", XDG_CACHE_HOME="/nowhere") == user.ask("rg", NIXPROF_CONFIG_DIR="/nowhere") == SILENT
    assert user.ask("rg", XDG_CACHE_HOME="relative") == rg
    damaged.write_bytes(damaged.read_bytes()[:5000])
    assert user.ask("rg") == rg
    assert user.ask("jq") == SILENT
    user.lock("unstable")
    assert user.ask("rg") == SILENT


def test_what_only_a_search_has_locked(user: User) -> None:
    user.index(replace(ABOUT, input="unstable"), program("jq", "jq"))
    user.lock("unstable")
    own = next(user.home.rglob("flake.lock"))
    folder = next(user.home.rglob("list-*.json")).parent / "unlocked" / "abc"
    folder.mkdir(parents=True)
    own.rename(folder / own.name)
    assert user.ask("jq") == (127, "", "jq is not installed. To install it: nixprof add unstable#jq\n")
    (folder / own.name).unlink()
    assert user.ask("jq") == SILENT


def test_what_is_installed_and_not_searched(user: User) -> None:
    programs = user.home / ".nix-profile/bin"
    programs.mkdir(parents=True)
    (programs / "rg").touch(0o755)
    said = "rg is in ~/.nix-profile/bin, which this shell does not search. To see why: nixprof doctor\n"
    assert user.ask("rg") == (127, "", said)


@pytest.mark.parametrize("words", [["command-not-found", "rg"], ["complete", "add", "rip"]], ids=" ".join)
def test_little_is_loaded(user: User, words: list[str]) -> None:
    user.index(ABOUT, program("ripgrep", "rg"))
    code = (
        "import sys; from nixprof.__main__ import main; before = set(sys.modules); sys.argv[1:] = "
        f"{words}\ntry: main()\nfinally: print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    command = [sys.executable, "-S", "-c", f"sys = __import__('sys'); sys.path[:0] = {sys.path!r}; {code}"]
    done = subprocess.run(command, env=user.environment, capture_output=True, text=True, check=False)
    *said, loaded = done.stderr.splitlines()
    assert "ripgrep" in "".join(said) + done.stdout
    heavy = {"typer", "typing", "json", "re", "pathlib", "dataclasses", "enum", "inspect", "platformdirs", "subprocess"}
    assert heavy & set(loaded.split()) == set()


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("value", [None, "", " ", "relative", "/x", "/x/", "/x/../y"])
def test_the_folders_are_nixprofs_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, value: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", platform)
    for chosen in (None, "", "mine", "/mine"):
        for name, given in (("XDG_CACHE_HOME", value), ("XDG_CONFIG_HOME", value), ("NIXPROF_CONFIG_DIR", chosen)):
            if given is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, given)
        folders = Folders.of_user()
        assert (Path(lookup.cache_folder()), Path(lookup.config_folder())) == (folders.cache, folders.config)
