"""Where nixprof's files are: the same on every platform, and where the user says."""

import sys
from pathlib import Path

import pytest

from nixprof.errors import NixprofError
from nixprof.folders import Folders


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("NIXPROF_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_the_usual_folders(home: Path, monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert Folders.of_user() == Folders(
        home / ".config/nixprof", home / ".local/state/nixprof", home / ".cache/nixprof", home / ".local/share/nixprof"
    )


def test_those_of_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", f"/x/{name}")
    assert Folders.of_user() == Folders(*(Path(f"/x/{name}/nixprof") for name in ("CONFIG", "STATE", "CACHE", "DATA")))


@pytest.mark.parametrize("value", ["", "relative"])
def test_a_relative_folder_of_xdg_counts_as_none(home: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", value)
    assert Folders.of_user().config == home / ".config/nixprof"


def test_a_folder_of_the_users_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv("NIXPROF_CONFIG_DIR", "mine")
    assert Folders.of_user().manifest == home / "mine/nixprof.toml"


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "relative")
    with pytest.raises(NixprofError, match="not an absolute path"):
        Folders.of_user()
