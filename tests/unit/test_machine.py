"""Which machine this is: its system comes from Nix, its name from what no network changes."""

import json
import os
from pathlib import Path

import pytest
from support.scripts import script

from nixprof import machine
from nixprof.errors import NixprofError
from nixprof.machine import Machine, host_name
from nixprof.nix.progress import Progress
from nixprof.nix.system import InstalledNix, installed_nix


def fake_nix(folder: Path, system: str, log: Path) -> Path:
    """A folder of commands that answer as Nix does, and note that they ran."""
    folder.mkdir()
    (folder / "nix").write_text(
        f"#!/bin/sh\necho x >>{log}\nprintf '%s\\n' 'nix (Nix) 2.34.8' 'System type: {system}'\n"
    )
    (folder / "nix").chmod(0o755)
    return folder


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIX_CONF_DIR", str(tmp_path / "etc"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("NIX_CONFIG", raising=False)
    (tmp_path / "etc").mkdir()
    log = tmp_path / "log"
    log.touch()
    return log


def test_nix_is_asked_once_and_again_when_it_or_its_settings_change(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"

    def found() -> tuple[str, int]:
        nix = installed_nix(cache / "system.json", Progress())
        assert nix.version
        assert nix.version.release == (2, 34)
        return nix.system, log.read_text().count("x\n")

    monkeypatch.setenv("PATH", f"{fake_nix(tmp_path / 'one', 'aarch64-darwin', log)}:/usr/bin:/bin")
    assert found() == ("aarch64-darwin", 1)
    assert found() == ("aarch64-darwin", 1)
    (tmp_path / "etc" / "nix.conf").write_text("system = x86_64-darwin\n")
    assert found() == ("aarch64-darwin", 2)
    (tmp_path / "etc" / "nix.custom.conf").write_text("system = x86_64-darwin\n")
    assert found() == ("aarch64-darwin", 3)
    monkeypatch.setenv("NIX_CONFIG", "access-tokens = github.com=secret\nsystem = x86_64-darwin")
    assert found() == ("aarch64-darwin", 4)
    assert "secret" not in (cache / "system.json").read_text()
    monkeypatch.setenv("PATH", f"{fake_nix(tmp_path / 'two', 'riscv64-linux', log)}:/usr/bin:/bin")
    assert found() == ("riscv64-linux", 5)
    assert found() == ("riscv64-linux", 5)


@pytest.mark.parametrize("damage", ["", "[]", "{}", "null", '{"nix": [], "system": 1, "version": 2}', "\udcff"])
def test_a_damaged_memory_is_no_harm(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    monkeypatch.setenv("PATH", f"{fake_nix(tmp_path / 'one', 'aarch64-linux', log)}:/usr/bin:/bin")
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "system.json").write_bytes(damage.encode(errors="surrogateescape"))
    assert installed_nix(cache / "system.json", Progress()).system == "aarch64-linux"
    assert json.loads((cache / "system.json").read_text())["system"] == "aarch64-linux"


@pytest.mark.parametrize("answer", ["", "x86_64", "a-b c-d", '"; builtins.abort'])
def test_the_kernel_is_asked_where_there_is_no_nix_or_none_that_answers(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    expected = f"{os.uname().machine.replace('arm64', 'aarch64')}-{os.uname().sysname.lower()}"
    monkeypatch.setenv("PATH", f"{fake_nix(tmp_path / 'one', answer, log)}:/usr/bin:/bin")
    assert installed_nix(tmp_path / "cache" / "system.json", Progress()).system == expected
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert installed_nix(tmp_path / "cache" / "system.json", Progress()) == InstalledNix(expected)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"LocalHostName": "Alices-MacBook"}, "alices-macbook"),
        ({"LocalHostName": "Alices-MacBook", "HostName": "build.example.org"}, "build"),
        ({}, "dhcp-7"),
    ],
)
def test_a_network_does_not_rename_a_mac(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: dict[str, str], expected: str
) -> None:
    cases = "".join(f"{key}) echo {name}; exit 0;;\n" for key, name in names.items())
    scutil = script(tmp_path / "scutil", f'case $2 in\n{cases}esac\necho "$2: not set"; exit 1')
    monkeypatch.setattr(machine, "_SCUTIL", str(scutil))
    name = os.uname_result(("Darwin", "dhcp-7.example.org", "25.0", "", "arm64"))
    monkeypatch.setattr(os, "uname", lambda: name)
    assert Machine("aarch64-darwin", lambda: host_name(tmp_path / "none")).host == expected


def test_a_user_may_name_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "machine.toml"
    assert host_name(file) == host_name(file / "below") == os.uname().nodename
    file.write_text('host = "Lap.example.org"\n')
    assert Machine("x86_64-linux", lambda: host_name(file)).host == "lap"
    monkeypatch.setenv("NIXPROF_HOST", " Desk.example.org ")
    assert Machine("x86_64-linux", lambda: host_name(file)).host == "desk"
    monkeypatch.setenv("NIXPROF_HOST", "")
    assert host_name(file) == "Lap.example.org"
    file.write_text("# nothing\n")
    assert host_name(file) == os.uname().nodename


@pytest.mark.parametrize("data", [b"host = 3", b'host = "a"\nname = "b"', b"host", b"\xff"])
def test_a_file_that_does_not_name_the_machine_is_an_error(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "machine.toml"
    file.write_bytes(data)
    with pytest.raises(NixprofError, match=r"machine\.toml does not say which host this is") as caught:
        host_name(file)
    assert caught.value.hints == ('write there: host = "laptop"',)


def test_a_name_that_the_list_cannot_have_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "machine.toml"
    file.write_text('host = "lap top"\n')
    monkeypatch.setenv("NIXPROF_HOST", "my host")
    with pytest.raises(NixprofError, match="NIXPROF_HOST is 'my host', which is not a host name"):
        host_name(file)
    monkeypatch.delenv("NIXPROF_HOST")
    with pytest.raises(NixprofError, match="does not say which host this is") as caught:
        host_name(file)
    assert caught.value.cause == "'lap top' is not a host name"
