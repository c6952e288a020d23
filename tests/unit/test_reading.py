"""Reading: regular files only, with a limit, and never waiting."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nixprof.change.commit import is_unfinished, recover
from nixprof.change.generations import read_sources
from nixprof.change.process_lock import was_stopped
from nixprof.files import content, read_file, read_json
from nixprof.folders import Folders
from nixprof.manifest.parse import parse
from nixprof.manifest.problems import ManifestError
from nixprof.nix.local_flakes import came_from, is_gone
from nixprof.nix.profile import read_manifest


def pipe(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def huge(path: Path) -> None:
    """Four gigabytes, none of which is on the disk."""
    path.touch()
    os.truncate(path, 4 << 30)


ODD = [pipe, folder, endless, loop, huge]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    found = Folders(tmp_path / "config", tmp_path / "state", tmp_path / "cache", tmp_path / "data")
    found.config.mkdir()
    found.state.mkdir()
    return found


@pytest.mark.parametrize("make", ODD)
def test_what_cannot_be_read_is_refused_at_once(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "odd"
    make(path)
    with pytest.raises(OSError):  # noqa: PT011 - the system's words differ
        read_file(path)
    assert content(path) is None
    assert read_json(path) is None


@pytest.mark.parametrize("make", ODD)
def test_a_journal_that_is_none(folders: Folders, make: Callable[[Path], None]) -> None:
    make(folders.state / "commit.json")
    if make is loop:
        assert not is_unfinished(folders)
        return
    assert is_unfinished(folders)
    if make is not folder:
        recover(folders)
        assert not is_unfinished(folders)


@pytest.mark.parametrize("make", ODD)
def test_an_include_that_is_none(folders: Folders, make: Callable[[Path], None]) -> None:
    folders.manifest.write_text('include = ["more.toml"]\n')
    make(folders.config / "more.toml")
    with pytest.raises(ManifestError) as caught:
        parse(folders.manifest)
    assert [problem.text for problem in caught.value.problems] == ['"more.toml"']


def test_json_that_is_nested_too_deeply(folders: Folders) -> None:
    text = "[" * 1_000_000
    assert read_sources(text.encode()) == {}
    (folders.state / "commit.json").write_text(text)
    recover(folders)
    (folders.state / "running.json").write_text(text)
    assert was_stopped(folders)


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 3}, {"version": None}, {"at": None}, {"at": "\ud800"}, {"profile": "p"}, {"profile": "/p\x00"},
        {"path": "relative"}, {"path": "/f\x00"}, {"path": "/f\ud800"}, {"before": 1}, {"after": None},
    ],
)  # fmt: skip
def test_a_journal_with_one_damaged_part_says_nothing(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, damage: dict[str, object]
) -> None:
    """Neither does it say what to do with its other files."""
    good, other = folders.config / "nixprof.toml", folders.config / "relative"
    monkeypatch.chdir(folders.config)
    for damaged in (False, True):
        good.write_text("after")
        other.write_text("after")
        first: dict[str, object] = {"path": str(good), "before": "before", "after": "after"}
        second = {**first, "path": str(other)}
        journal: dict[str, object] = {"version": 2, "profile": str(folders.config / "profile"), "at": ""}
        if damaged:
            second |= {key: value for key, value in damage.items() if key in second}
            journal |= {key: value for key, value in damage.items() if key in journal}
        (folders.state / "commit.json").write_text(json.dumps({**journal, "files": [first, second]}))
        recover(folders)
        assert not is_unfinished(folders)
        assert {good.read_text(), other.read_text()} == ({"after"} if damaged else {"before"})


def test_what_no_file_can_be_called(tmp_path: Path) -> None:
    for name in ("a\x00", "a\ud800"):
        assert content(tmp_path / name) is None
        assert not came_from(f"path:/{name}", tmp_path)
        assert not is_gone(f"path:/{name}")
        assert read_sources(json.dumps({"files": {name: "text"}}).encode()) == {}
    assert not came_from("path:/a%00", tmp_path)
    assert read_sources(json.dumps({"files": {"a": "\ud800"}}).encode()) == {}


def test_a_limit_is_in_whole_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    assert read_file(path, 10) == b"x" * 10
    with pytest.raises(OSError, match="larger"):
        read_file(path, 9)


def test_a_profile_with_a_path_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text('{"version": 2, "elements": [{"storePaths": ["--plugin-files"]}]}')
    with pytest.raises(Exception, match="is not the manifest of a Nix profile") as caught:
        read_manifest(path)
    assert "'--plugin-files' is not a path in the store /nix/store" in str(getattr(caught.value, "cause", ""))
