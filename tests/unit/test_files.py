"""Replacing files: through links, durably, with mode and owner kept, or not at all."""

import contextlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nixprof.change.commit import commit, is_unfinished, recover
from nixprof.errors import ConcurrentChangeError, NixprofError, Reason
from nixprof.files import TEMPORARY, check_writable, remove_temporary_files, replace_file
from nixprof.folders import Folders


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    found = Folders(tmp_path / "config", tmp_path / "state", tmp_path / "cache", tmp_path / "data")
    found.config.mkdir()
    found.state.mkdir()
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def as_file(folder: Path) -> Path:
    path = folder / "list"
    path.write_bytes(b"old")
    return path


def as_link(folder: Path) -> Path:
    (folder / "real").mkdir()
    (folder / "real/target").write_bytes(b"old")
    (folder / "list").symlink_to(folder / "real/target")
    return folder / "list"


def as_chain_of_relative_links(folder: Path) -> Path:
    for name in ("a", "b", "c"):
        (folder / name).mkdir()
    (folder / "c/target").write_bytes(b"old")
    (folder / "b/second").symlink_to("../c/target")
    (folder / "a/first").symlink_to("../b/second")
    (folder / "list").symlink_to("a/first")
    return folder / "list"


def in_linked_folder(folder: Path) -> Path:
    (folder / "real").mkdir()
    (folder / "real/list").write_bytes(b"old")
    (folder / "linked").symlink_to("real")
    return folder / "linked/list"


def as_dangling_link(folder: Path) -> Path:
    (folder / "list").symlink_to("not/there/yet")
    return folder / "list"


WAYS = [as_file, as_link, as_chain_of_relative_links, in_linked_folder, as_dangling_link]


@pytest.mark.parametrize("way", WAYS)
def test_a_file_is_replaced_where_it_really_is(way: Callable[[Path], Path], tmp_path: Path) -> None:
    path = way(tmp_path)
    links = {each: each.readlink() for each in tmp_path.rglob("*") if each.is_symlink()}
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert {each: each.readlink() for each in tmp_path.rglob("*") if each.is_symlink()} == links
    assert [each for each in tmp_path.rglob("*") if TEMPORARY in each.name] == []


def failing() -> int:
    raise NixprofError("no", Reason.CANNOT_WRITE)


@pytest.mark.parametrize("way", WAYS)
def test_a_failing_activation_takes_a_file_back(way: Callable[[Path], Path], folders: Folders) -> None:
    path = way(folders.config)
    before = path.read_bytes() if path.exists() else None
    inode = path.stat().st_ino if path.exists() else None

    def fail() -> int:
        assert path.read_bytes() == b"new"
        return failing()

    with pytest.raises(NixprofError, match="no"):
        commit(folders, folders.config / "profile", {path: b"new"}, fail)
    assert (path.read_bytes() if path.exists() else None) == before
    assert (path.stat().st_ino if path.exists() else None) == inode
    assert [each for each in folders.config.rglob("*") if TEMPORARY in each.name] == []
    assert names(folders.state) == []


def test_without_hard_links_it_can_be_taken_back_as_well(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    path = as_file(folders.config)
    path.chmod(0o640)

    def no_link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    with pytest.raises(NixprofError, match="no"):
        commit(folders, folders.config / "profile", {path: b"new"}, failing)
    assert path.read_bytes() == b"old"
    assert path.stat().st_mode & 0o7777 == 0o640
    assert names(folders.config) == ["list"]


def test_what_somebody_else_wrote_is_not_taken_back(folders: Folders) -> None:
    path = as_file(folders.config)

    def edited() -> int:
        path.write_bytes(b"edited")
        return failing()

    with pytest.raises(NixprofError, match="no"):
        commit(folders, folders.config / "profile", {path: b"new"}, edited)
    assert path.read_bytes() == b"edited"


def test_what_cannot_be_taken_back_is_said_and_left_to_the_next_nixprof(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = as_file(folders.config)

    def refused() -> int:
        monkeypatch.setattr(os, "replace", no_replace)
        return failing()

    def no_replace(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    with pytest.raises(NixprofError, match="list; other files were already written") as caught, monkeypatch.context():
        commit(folders, folders.config / "profile", {path: b"new"}, refused)
    assert caught.value.changed
    assert is_unfinished(folders)
    monkeypatch.undo()
    recover(folders)
    assert path.read_bytes() == b"old"
    assert names(folders.state) == []


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664, 0o400, 0o4755])
def test_the_mode_is_kept(tmp_path: Path, mode: int) -> None:
    path = as_file(tmp_path)
    path.chmod(mode)
    replace_file(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_that_the_user_wants(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        replace_file(tmp_path / "a/b/list", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a/b/list").stat().st_mode) == mode


def test_nobody_else_reads_a_file_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = as_file(tmp_path)
    path.chmod(0o600)
    modes: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: modes.append(os.fstat(file).st_mode & 0o777))
    replace_file(path, b"secret")
    assert modes[0] == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_is_kept(tmp_path: Path) -> None:
    path = as_file(tmp_path)
    os.chown(path, 1234, 4321)
    replace_file(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


def test_an_owner_that_cannot_be_kept_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    path = as_file(tmp_path)
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"


def test_of_two_hard_links_the_other_keeps_its_content(tmp_path: Path) -> None:
    """A rename cannot do otherwise; nothing is lost."""
    path = as_file(tmp_path)
    os.link(path, tmp_path / "other")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert (tmp_path / "other").read_bytes() == b"old"


def test_a_folder_with_a_sticky_or_setgid_bit(tmp_path: Path) -> None:
    tmp_path.chmod(0o3777)
    path = as_file(tmp_path)
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"


def test_first_the_file_then_its_name_then_the_folder_reach_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = as_file(tmp_path)
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        done.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")
        if done[-1] == "sync file":
            assert os.fstat(descriptor).st_size == 3
        fsync(descriptor)

    def replaced(one: str, other: str) -> None:
        done.append("rename")
        replace(one, other)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    replace_file(path, b"new")
    assert done == ["sync file", "rename", "sync folder"]


def test_everything_is_written_before_anything_is_in_its_place(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {folders.config / name: name.encode() for name in ("one", "two", "three")}
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        done.append("sync")
        fsync(descriptor)

    def replaced(one: str, other: Path) -> None:
        done.append(other.name)
        replace(one, other)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    commit(folders, folders.config / "profile", files, lambda: done.append("activate"))
    written = ["sync", "commit.json", "sync", "sync", "sync", "sync"]
    assert done == [*written, "one", "sync", "two", "sync", "three", "sync", "activate"]
    assert names(folders.state) == []


def test_a_failing_activation_takes_everything_back(folders: Folders) -> None:
    old, new = as_file(folders.config), folders.config / "folder/new"

    def fail() -> int:
        assert old.read_bytes() == b"newer"
        assert new.read_bytes() == b"new"
        raise NixprofError("no", Reason.CANNOT_WRITE)

    with pytest.raises(NixprofError, match="no"):
        commit(folders, folders.config / "profile", {new: b"new", old: b"newer"}, fail)
    assert old.read_bytes() == b"old"
    assert not new.exists()
    assert names(folders.config / "folder") == []
    assert names(folders.state) == []


def test_a_file_that_was_edited_meanwhile_is_not_replaced(folders: Folders) -> None:
    path = as_file(folders.config)
    with pytest.raises(ConcurrentChangeError):
        commit(folders, folders.config / "profile", {path: b"new"}, lambda: None, {path: b"something before that"})
    with pytest.raises(ConcurrentChangeError):
        commit(
            folders,
            folders.config / "profile",
            {folders.config / "x": b"x"},
            lambda: None,
            {path: b"something before that"},
        )
    assert path.read_bytes() == b"old"
    assert names(folders.config) == ["list"]


def test_what_is_equal_is_not_touched(folders: Folders) -> None:
    path = as_file(folders.config)
    before = path.stat()
    assert commit(folders, folders.config / "profile", {path: b"old"}, lambda: 7) == 7
    assert path.stat() == before
    assert not is_unfinished(folders)


class KilledError(BaseException):
    """Stands for a kill: nobody catches it, and nothing is cleaned up."""


@pytest.mark.parametrize("moved", [False, True])
def test_what_was_stopped_goes_with_the_profile(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, *, moved: bool
) -> None:
    old, edited, new = as_file(folders.config), folders.config / "edited", folders.config / "folder/new"
    edited.write_bytes(b"old")
    profile = folders.config / "profile"
    with monkeypatch.context() as patched:
        patched.setattr("nixprof.change.commit._settle_own", lambda *_, **__: None)
        patched.setattr("nixprof.change.commit._forget", lambda *_: None)
        with pytest.raises(KilledError):
            commit(folders, profile, {new: b"\xff new", old: b"new", edited: b"new"}, killed)
    (old if moved else folders.config / "other").write_bytes(b"old")  # as if it had not been written yet
    edited.write_bytes(b"by hand")
    if moved:
        profile.symlink_to("somewhere")
    assert is_unfinished(folders)
    recover(folders)
    assert not is_unfinished(folders)
    assert edited.read_bytes() == b"by hand"
    assert old.read_bytes() == (b"new" if moved else b"old")
    assert new.exists() == moved


def killed() -> int:
    raise KilledError


def test_temporary_files_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (f".a.x{TEMPORARY}", "list", ".hidden", f"a{TEMPORARY}.old"):
        (tmp_path / name).touch()
    (tmp_path / f"nixprof-x{TEMPORARY}" / "flake").mkdir(parents=True)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    (tmp_path / f"link{TEMPORARY}").symlink_to("folder")
    remove_temporary_files(tmp_path)
    assert names(tmp_path) == [".hidden", f"a{TEMPORARY}.old", "folder", "list"]
    assert names(tmp_path / "folder") == ["file"]


def as_device(path: Path) -> None:
    """A node of its own that reads as nothing; where that is not permitted, a pipe will do."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except (OSError, AttributeError):
        os.mkfifo(path)


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in a store of its own."""
    monkeypatch.setenv("NIX_STORE_DIR", str(tmp_path / "store"))
    path = tmp_path / "store" / f"{'0' * 32}-source" / "list"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"of the store")
    return path


def written_somehow(folders: Folders, link: Path) -> None:
    """Every way in which a file is written."""
    with contextlib.suppress(NixprofError):
        replace_file(link, b"new")
    with contextlib.suppress(NixprofError):
        commit(folders, folders.config / "profile", {link: b"new"}, lambda: None)
    with contextlib.suppress(NixprofError):
        commit(folders, folders.config / "profile", {folders.config / "first": b"x", link: b"new"}, failing)
    entry = f'{{"path": "{link}", "before": BEFORE, "after": "new"}}'
    journal = f'{{"version": 2, "profile": null, "at": "elsewhere", "files": [{entry}]}}'
    for before in ("null", '"of the store"'):
        (folders.state / "commit.json").write_text(journal.replace("BEFORE", before))
        with contextlib.suppress(NixprofError):
            recover(folders)


def test_a_device_behind_a_link_stays_as_it_is(folders: Folders) -> None:
    device, link = folders.config / "device", folders.config / "list"
    as_device(device)
    link.symlink_to(device)
    before = device.lstat()
    written_somehow(folders, link)
    assert device.lstat() == before
    assert link.readlink() == device
    with pytest.raises(NixprofError, match="which leads to") as caught:
        check_writable(link)
    assert caught.value.cause == f"{device} is not a file"


def _written(path: Path) -> tuple[int, ...]:
    """What writing changes: reading may change when a file was read last."""
    found = path.stat()
    return found.st_ino, found.st_mode, found.st_uid, found.st_size, found.st_mtime_ns


def test_the_store_behind_a_link_stays_as_it_is(folders: Folders, stored: Path) -> None:
    """Root could write there."""
    link = folders.config / "list"
    link.symlink_to(stored)
    folder = folders.config / "flake"
    folder.symlink_to(stored.parent)
    before = _written(stored)
    for path in (link, folder / "list", folder / "new"):
        written_somehow(folders, path)
        with pytest.raises(NixprofError, match="cannot write") as caught:
            check_writable(path)
        assert caught.value.cause == "the Nix store is never written to"
    assert _written(stored) == before
    assert stored.read_bytes() == b"of the store"
    assert names(stored.parent) == ["list"]


@pytest.mark.parametrize("of_another_file_system", [True, False])
def test_a_file_that_is_mounted_by_itself_is_known_before(tmp_path: Path, *, of_another_file_system: bool) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("only Linux mounts single files")
    path, other = as_file(tmp_path), tmp_path / "other"
    other.write_bytes(b"mounted")
    if of_another_file_system:
        other = Path("/proc/version")
    check = f"from pathlib import Path; from nixprof.files import check_writable; check_writable(Path({str(path)!r}))"
    script = 'mount --bind "$1" "$2" && echo mounted && shift 2 && "$@"'
    words: list[str | Path] = [
        "unshare",
        "--mount",
        "--map-root-user",
        "/bin/sh",
        "-c",
        script,
        "sh",
        other,
        path,
        sys.executable,
        "-c",
    ]
    done = subprocess.run([*words, check], capture_output=True, text=True, check=False)
    if done.stdout != "mounted\n":
        pytest.skip(f"nothing may be mounted here: {done.stderr}")
    assert f"NixprofError: cannot write {path}" in done.stderr
    check_writable(path)


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="Python knows no extended attributes here")
def test_extended_attributes_are_kept(tmp_path: Path) -> None:
    path = as_file(tmp_path)
    try:
        os.setxattr(path, "user.note", b"mine")
    except OSError:
        pytest.skip("this file system has none")
    replace_file(path, b"new")
    assert os.getxattr(path, "user.note") == b"mine"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "list").mkdir()
    with pytest.raises(NixprofError, match="cannot write"):
        replace_file(tmp_path / "list", b"new")
    assert names(tmp_path) == ["list"]


def test_a_file_where_a_folder_has_to_be(tmp_path: Path) -> None:
    as_file(tmp_path)
    with pytest.raises(NixprofError, match="cannot write"):
        replace_file(tmp_path / "list/flake.nix", b"new")


@pytest.mark.parametrize("marked", ["file", "folder"])
def test_what_is_marked_read_only_is_known_before(tmp_path: Path, marked: str) -> None:
    path = as_file(tmp_path)
    place = path if marked == "file" else tmp_path
    place.chmod(0o555 if marked == "folder" else 0o444)
    with pytest.raises(NixprofError, match="cannot write") as caught:
        check_writable(path)
    assert caught.value.cause == f"{place} is read-only"
    tmp_path.chmod(0o755)
