"""Odd ground: no home, no locale, other people's files, damaged files, odd profiles and odd streams."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import needs
from support.binary_cache import BinaryCache
from support.claims import agree, lock, refused
from support.installs import ROOT
from support.world import NIXPROF, NIXPROF_TYPED, Result, World


def calm(result: Result, code: int = 1) -> str:
    """A failure that is told in order."""
    assert result.code == code, str(result)
    assert "Traceback" not in result.stderr, str(result)
    assert "has a bug" not in result.stderr, str(result)
    return result.stderr


def bare(world: World, script: str, **env: str | None) -> Result:
    """Runs a shell line with variables taken away."""
    environment = {name: value for name, value in {**world.env, **env}.items() if value is not None}
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env=environment,
        cwd=world.home,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=60,
    )
    return Result((script,), done.returncode, done.stdout, done.stderr)


# --- environment


def test_no_home(synced: World) -> None:
    # Then the system's list of users tells it; nobody has the number 54321.
    script = f"setpriv --reuid=54321 --regid=54321 --clear-groups {NIXPROF_TYPED} list"
    if os.geteuid() == 0:
        said = calm(bare(synced, f"cd /; {script}", HOME=None))
        assert "there is no home folder: HOME is not set" in said
    said = calm(bare(synced, f"{NIXPROF_TYPED} list", HOME="relative"))
    assert "not an absolute path" in said


@pytest.mark.parametrize("command", ["list", "status", "sync", "add jq", "freeze --dry-run", "history", "init"])
def test_a_home_that_cannot_be_written(synced: World, command: str) -> None:
    needs.root("become another user")
    for folder in [synced.root, *synced.root.parents]:
        folder.chmod(folder.stat().st_mode | 0o005)
    script = f"cd /; setpriv --reuid=54321 --regid=54321 --clear-groups {NIXPROF_TYPED} {command}"
    before = synced.snapshot()
    result = bare(synced, script)
    assert result.code in (0, 1)
    calm(result, result.code)
    assert command not in ("add jq", "init") or result.code == 1
    assert synced.snapshot() == before


@pytest.mark.parametrize(
    "locale",
    [
        {"LANG": "C", "LC_ALL": None},
        {"LC_ALL": "POSIX"},
        {"LANG": None},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
def test_no_locale(synced: World, locale: dict[str, str | None]) -> None:
    for command in ("sync", "list", "status", "update --yes", "add ripgrp", "--help", "list --json"):
        result = bare(synced, f"{NIXPROF_TYPED} {command}", **locale)
        calm(result, 1 if command == "add ripgrp" else 0)
    assert "in sync" in bare(synced, f"{NIXPROF_TYPED} sync", **locale).stderr


@pytest.mark.parametrize("terminal", [None, "", "dumb", "nothing-like-it"])
def test_no_terminal_type(synced: World, terminal: str | None) -> None:
    result = bare(synced, f"{NIXPROF_TYPED} sync", TERM=terminal)
    assert "in sync" in calm(result, 0)
    shown = synced.nixprof_on_terminal("sync", env={"TERM": terminal or ""}).stdout
    assert "in sync" in shown


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(synced: World, closed: str) -> None:
    for command in ("list", "sync", "add jq --dry-run", "status"):
        calm(bare(synced, f"{NIXPROF_TYPED} {command} {closed}"), 0)
    calm(bare(synced, f"{NIXPROF_TYPED} add ripgrp {closed}"), 1)


def test_a_full_disk_behind_stdout(synced: World) -> None:
    said = calm(bare(synced, f"{NIXPROF_TYPED} list >/dev/full"))
    assert "No space left on device" in said


def test_a_current_folder_that_is_gone(synced: World) -> None:
    for command, code in (("list", 0), ("sync", 0), ("add jq", 0), ("add ./x#y", 1), ("remove jq", 0)):
        result = bare(synced, f"mkdir gone; cd gone; rmdir ../gone; {NIXPROF_TYPED} {command}")
        calm(result, code)
    agree(synced)


# --- the clock


@pytest.mark.parametrize("seconds", [0, -1, 4_102_444_800, 10**18])
def test_a_clock_that_was_wrong(synced: World, seconds: int) -> None:
    state = synced.home / ".local" / "state" / "nixprof"
    (state / "running.json").write_text(json.dumps({"command": "nixprof add x", "process": 999999, "since": seconds}))
    lock_file = synced.flake / "flake.lock"
    data = json.loads(lock_file.read_text())
    for node in data["nodes"].values():
        if "locked" in node:
            node["locked"]["lastModified"] = seconds
    lock_file.write_text(json.dumps(data))
    for path in (synced.manifest, lock_file):
        os.utime(path, (min(abs(seconds), 2**33),) * 2)
    for command in (["list"], ["status"], ["sync"], ["history"], ["add", "ripgrp"]):
        result = synced.nixprof(*command, check=False)
        calm(result, result.code)


@pytest.mark.parametrize("when", ["1975-01-01 00:00:00", "2099-06-01 00:00:00"])
def test_a_clock_that_is_wrong(world: World, when: str) -> None:
    """For nixprof and for Nix."""
    # The library of the oldest suite runs everywhere.
    found = sorted(ROOT.glob(".nix/*/root/usr/lib/*/faketime/libfaketime.so.1"))
    if not found:
        pytest.skip("libfaketime comes with the Nixes of Debian")
    world.sync('packages = ["hello"]\n')
    library = str(shutil.copy(found[0], world.root))  # a path with a space would be two
    world.extra_env |= {"LD_PRELOAD": library, "FAKETIME": f"@{when}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    assert when[:4] in world.command("date").stdout
    assert "in sync" in world.nixprof("sync").stderr
    world.nixprof("add", "jq", "ripgrep")
    world.publish(2)
    assert "ripgrep" in world.nixprof("outdated").stdout
    world.nixprof("update", "--yes")
    assert world.run("rg") == "ripgrep 15.1.0"
    assert len(world.nixprof("history", "--json").json["generations"]) == 3
    world.nixprof("rollback", "--yes")
    assert world.run("rg") == "ripgrep 14.1.1"
    assert "did you mean ripgrep" in refused(world, "add", "ripgrp")
    del world.extra_env["LD_PRELOAD"]
    assert "in sync" in world.nixprof("sync").stderr
    agree(world)


# --- the profile


def pasted(world: World, said: str, words: str) -> None:
    """Runs the command of the hint that begins with some words."""
    command = next(line for line in said.splitlines() if words in line).partition(words)[2]
    world.command("/bin/sh", "-c", command)


def test_a_profile_link_that_leads_nowhere(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    world.profile.unlink()
    world.profile.symlink_to(world.home / "nowhere" / "deep" / "profile")
    world.nixprof("sync")
    assert world.run("hello") == "hello 2.12.1"
    agree(world)


def test_a_profile_link_to_where_nothing_can_be_made(world: World) -> None:
    """As on a machine that once had another Nix."""
    world.write_manifest('packages = ["hello"]\n')
    world.profile.unlink()
    world.profile.symlink_to("/proc/nowhere/profile")
    if os.geteuid() == 0:
        assert "cannot write /proc/nowhere" in refused(world, "sync")
        return
    assert "remove the link ~/.nix-profile" in refused(world, "sync")
    world.profile.unlink()
    world.nixprof("sync")


def test_a_profile_link_that_leads_to_itself(fresh_world: World) -> None:
    # As root, Nix makes its profile in the store.
    world = fresh_world
    world.write_manifest('packages = ["hello"]\n')
    world.profile.unlink()
    world.profile.symlink_to(world.profile)
    said = refused(world, "sync")
    assert "error: ~/.nix-profile is a link that leads back to itself" in said
    assert "remove that link, then: nixprof sync" in said
    world.profile.unlink()
    world.nixprof("sync")
    assert world.run("hello") == "hello 2.12.1"


@pytest.mark.parametrize("kind", ["folder", "file", "full folder"])
def test_a_profile_that_is_no_link(fresh_world: World, kind: str) -> None:
    # As root, Nix makes its profile in the store.
    world = fresh_world
    world.write_manifest('packages = ["hello"]\n')
    world.profile.unlink()
    if kind == "file":
        world.profile.write_text("mine\n")
    else:
        world.profile.mkdir()
    if kind == "full folder":
        (world.profile / "mine").touch()
    for more in ([], ["--profile", str(world.profile)], ["--yes"]):
        said = refused(world, "sync", *more)
        assert f"error: ~/.nix-profile is {'a file' if kind == 'file' else 'a folder'}, and a profile is a link" in said
    assert "without --dry-run this fails: " in world.nixprof("sync", "--dry-run").stderr
    assert "or move away what is there" in said
    world.profile.rename(world.home / "old")
    world.nixprof("sync")
    assert world.run("hello") == "hello 2.12.1"


def test_arguments_that_are_no_text(world: World) -> None:
    """A file may have any name; what is shown of it has a sign in place of what is none."""
    world.write_manifest('packages = ["hello"]\n')
    place = os.fsdecode(os.fsencode(world.home) + b"/\xff")
    for command in (["sync"], ["add", "jq"], ["list"], ["status"], ["history"], ["history", "--json"], ["rollback"]):
        calm(world.nixprof(*command, "--profile", place, check=False), 0)
    for command in (
        ["remove"],
        ["pin"],
        ["update"],
        ["add"],
        ["freeze", "--only"],
        ["freeze", "--from"],
        ["init", "--from"],
    ):
        calm(world.nixprof(*command, place, check=False))


@pytest.mark.parametrize("place", ["", "/", "/usr", "HOME/a b"])
def test_no_hint_moves_or_removes_what_nixprof_did_not_make(world: World, place: str) -> None:
    world.write_manifest("packages = []\n")
    (world.home / "a b").mkdir()
    result = world.nixprof("sync", "--profile", place.replace("HOME", str(world.home)), check=False)
    assert result.code == (1 if place else 2)
    assert not re.search(r"\b(mv|rm|rmdir|ln) ", result.stderr)
    if not place:
        assert "--profile" in result.stderr
        assert "it is empty (is a variable not set?)" in result.stderr


@pytest.mark.parametrize("to", ["store", "folder"])
def test_a_profile_link_that_leads_to_no_generation(world: World, to: str) -> None:
    [path] = world.build("nixpkgs#jq")
    world.profile.unlink()
    if to == "folder":
        world.command("cp", "-r", path, world.home / "my tools")
        path = str(world.home / "my tools")
    world.profile.symlink_to(path)
    world.write_manifest('packages = ["hello"]\n')
    said = refused(world, "sync")
    assert "no list of packages, and they would be lost: bin/jq" in said
    assert "they would be lost: bin/jq" in world.nixprof("sync", "--dry-run").stderr
    world.nixprof("sync", "--yes")
    assert world.run("hello") == "hello 2.12.1"
    pasted(world, said.replace("~", str(world.home)), "to get them back afterwards: ")
    assert world.run("jq").startswith("jq")
    assert os.readlink(world.profile) == path


def test_a_profile_that_was_set(world: World) -> None:
    [path] = world.build("nixpkgs#jq")
    link = world.profile.readlink()
    world.command("nix-env", "--profile", link, "--set", path)
    world.write_manifest('packages = ["hello"]\n')
    said = refused(world, "sync")
    assert "they would be lost: bin/jq" in said
    assert "they would be lost: bin/jq" in world.nixprof("sync", "--dry-run").stderr
    assert "nixprof sync --yes" in said
    world.nixprof("sync", "--yes")
    agree(world)
    assert world.run("hello") == "hello 2.12.1"
    command = next(line for line in said.splitlines() if "--rollback" in line).partition("afterwards: ")[2]
    world.command("/bin/sh", "-c", command)
    assert world.run("jq").startswith("jq")


# --- nixprof's own files


def test_a_folder_replaced_by_a_file(synced: World) -> None:
    synced.command("rm", "-r", synced.flake)
    synced.flake.write_text("not a folder\n")
    for command in (["list"], ["status"], ["sync"], ["add", "jq"]):
        said = calm(synced.nixprof(*command, check=False))
        assert "~/.config/nixprof/flake is not a folder" in said
    assert "move it away, then: nixprof sync" in said
    synced.flake.unlink()
    synced.nixprof("sync")
    agree(synced)


def test_a_folder_that_is_a_link_to_nowhere(synced: World) -> None:
    synced.command("rm", "-r", synced.flake)
    synced.flake.symlink_to(synced.home / "nowhere" / "flake")
    synced.nixprof("sync")
    assert synced.flake.is_symlink()
    agree(synced)


def test_files_that_were_edited_or_deleted(synced: World) -> None:
    for name, text in (("flake.nix", "{ }"), ("nixprof.nix", "nonsense"), ("flake.nix", None), ("flake.lock", None)):
        file = synced.flake / name
        file.unlink()
        if text is not None:
            file.write_text(text)
        synced.nixprof("sync")
        agree(synced)


def test_a_file_of_somebody_elses_among_them(synced: World) -> None:
    """Such as a Mac leaves in every folder that somebody looks into."""
    (synced.flake / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    synced.nixprof("add", "jq")
    assert synced.run("jq").startswith("jq")
    synced.nixprof("update", "--yes")
    synced.nixprof("remove", "hello")
    assert "in sync" in synced.nixprof("sync").stderr
    assert (synced.flake / ".DS_Store").exists()


def test_locks_with_a_merge_conflict_that_git_no_longer_has(synced: World) -> None:
    """Reading reads what the next change writes, and a failure leaves the conflict; other marks are refused."""
    texts = {}
    for name in ("flake.lock", "packages.json", "manifest.json"):
        file = synced.flake / name
        texts[name] = f"<<<<<<< HEAD\n{file.read_text()}=======\n{file.read_text()}>>>>>>> laptop\n"
        file.write_text(texts[name])
    assert "hello  2.12.1" in synced.nixprof("list").stdout
    assert "merge conflict          flake.lock, packages.json  nixprof sync" in synced.nixprof("status").stdout
    assert synced.nixprof("sync", "--check", check=False).code == 3
    for words in (["sync", "--dry-run"], ["add", "jq", "--dry-run"], ["add", "no-such"]):
        synced.nixprof(*words, check=False)
        assert {name: (synced.flake / name).read_text() for name in texts} == texts
    result = synced.nixprof("add", "jq")
    assert "packages.json has a merge conflict, which is settled:\n  the same in both  1\n" in result.stderr
    agree(synced)
    [kept] = (synced.home / ".local/share/nixprof/before-merge").iterdir()
    assert {file.name: file.read_text() for file in kept.iterdir()} == {
        name: texts[name] for name in ("flake.lock", "packages.json")
    }
    assert "in sync" in synced.nixprof("sync").stderr
    (synced.flake / "manifest.json").write_text(texts["manifest.json"])
    assert "no package changes" in synced.nixprof("sync").stderr
    (synced.flake / "packages.json").write_text("<<<<<<< Conflict 1 of 1\n%%%%%%% Changes\n>>>>>>> Conflict 1 ends\n")
    for words in (["sync"], ["status"], ["add", "fd"]):
        said = calm(synced.nixprof(*words, check=False))
        assert "~/.config/nixprof/flake/packages.json has an unresolved merge conflict in lines 1 to 3" in said
        assert "checkout --ours packages.json flake.lock" in said


def test_a_manifest_with_merge_markers(synced: World) -> None:
    text = synced.manifest.read_text()
    synced.manifest.write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n")
    said = refused(synced, "sync")
    assert "line 1  <<<<<<< HEAD  an unresolved merge conflict, up to line " in said
    assert "keep what you want\n" in said


def test_packages_of_a_newer_nixprof(synced: World) -> None:
    file = synced.flake / "packages.json"
    file.write_text(file.read_text().replace('"version": 1\n', '"version": 99\n', 1))
    said = calm(synced.nixprof("sync", check=False))
    assert "was written by a newer nixprof" in said
    assert "upgrade nixprof" in said


def test_packages_of_another_machine(synced: World) -> None:
    file = synced.flake / "packages.json"
    other = "aarch64-darwin" if "linux" in synced.system else "x86_64-linux"
    file.write_text(file.read_text().replace(synced.system, other))
    synced.nixprof("sync")
    agree(synced)
    assert set(lock(synced)["nixpkgs#hello"]["systems"]) == {synced.system, other}


def test_another_users_files(synced: World) -> None:
    needs.root("give files away")
    files = [synced.manifest, *synced.flake.iterdir()]
    for file in files:
        os.chown(file, 54321, 54321)
        file.chmod(0o640)
    synced.nixprof("add", "jq")
    assert {(file.stat().st_uid, file.stat().st_gid, file.stat().st_mode & 0o777) for file in files} == {
        (54321, 54321, 0o640)
    }


# --- what the lock names and nobody has


def forget_jq(world: World) -> str:
    """jq is on the list and in the lock, and no longer in the store."""
    world.sync('packages = ["hello", "jq"]\n')
    kept = {path: path.read_bytes() for path in (world.manifest, *world.flake.iterdir())}
    [path] = world.build(f"{world.nixpkgs_url}#jq")
    world.nixprof("remove", "jq")
    world.command("nix-env", "--profile", world.profile.readlink(), "--delete-generations", "old")
    for file, data in kept.items():
        file.write_bytes(data)
    return path


def test_a_path_that_was_collected_comes_back_from_a_cache(fresh_world: World, binary_cache: BinaryCache) -> None:
    path = forget_jq(fresh_world)
    binary_cache.push(fresh_world, path)
    binary_cache.use_in(fresh_world)
    fresh_world.command("nix-store", "--gc")
    assert not Path(path).exists()
    fresh_world.nixprof("sync")
    assert Path(path).exists()
    assert len(binary_cache.downloads) == 1
    agree(fresh_world)


def test_a_path_that_was_collected_is_built_again(fresh_world: World) -> None:
    path = forget_jq(fresh_world)
    fresh_world.command("nix-store", "--gc")
    fresh_world.nixprof("sync")
    assert Path(path).exists()
    agree(fresh_world)


def test_what_is_on_the_disk_and_not_in_the_store_is_made_again(fresh_world: World) -> None:
    path = forget_jq(fresh_world)
    fresh_world.command("nix-store", "--gc")
    Path(path).mkdir()
    fresh_world.nixprof("sync")
    assert (Path(path) / "bin" / "jq").exists()
    agree(fresh_world)


def test_a_path_that_nobody_can_make_again(fresh_world: World) -> None:
    path = forget_jq(fresh_world)
    fresh_world.command("nix-store", "--gc")
    fresh_world.command("rm", "-rf", fresh_world.home / ".cache", fresh_world.nixpkgs)
    said = refused(fresh_world, "sync")
    assert "jq" in said
    assert not Path(path).exists()


# --- secrets


def test_temporary_files_are_not_for_others(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    temporary = world.root / "tmp"
    temporary.mkdir()
    real = world.env["PATH"].split(os.pathsep)[0]
    folder = world.root / "watching"
    folder.mkdir()
    log = world.root / "modes"
    (folder / "nix").write_text(
        f'#!/bin/sh\nfind "{temporary}" -mindepth 1 -prune -printf "%m %p\\n" >>"{log}"\n'
        f'find "{world.home}" -name "*.nixprof-tmp" -prune -printf "%m %p\\n" >>"{log}"\nexec {real}/nix "$@"\n'
    )
    (folder / "nix").chmod(0o755)
    path = f"{folder}{os.pathsep}{world.env['PATH']}"
    world.command("/bin/sh", "-c", f"umask 000; {NIXPROF_TYPED} sync", env={"TMPDIR": str(temporary), "PATH": path})
    modes = {line.split()[0] for line in log.read_text().splitlines()}
    assert modes <= {"600", "700"}
    assert modes
    state = world.home / ".local" / "state" / "nixprof"
    assert state.stat().st_mode & 0o077 == 0


def test_no_process_is_started_through_a_shell() -> None:
    assert NIXPROF[0] == sys.executable
