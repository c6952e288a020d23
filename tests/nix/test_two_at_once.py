"""More than one nixprof at once, and a list that somebody edits while one is running."""

import fcntl
import itertools
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.claims import agree
from support.faults import leftovers
from support.waiting import Waiting, until
from support.world import World

pytestmark = pytest.mark.newest_nix

EIGHT = ("bat", "coreutils", "git", "hello", "jq", "neovim", "ripgrep", "vim")


@contextmanager
def changed_meanwhile(world: World, waiting: Waiting, *command: str, what: str = "nixprof.toml") -> Iterator[None]:
    """Runs a nixprof that stops, because something else is changed while it builds."""
    with world.spawn(*command) as process:
        waiting.until_building()
        yield
        waiting.go()
        _, said = process.communicate()
    assert process.returncode == 1
    assert f"{what} was changed by something else while nixprof was running" in said


def test_eight_adds_started_together(world: World) -> None:
    world.write_manifest("packages = []\n")
    with ThreadPoolExecutor(len(EIGHT)) as pool:
        results = list(pool.map(lambda name: world.nixprof("add", name, check=False), EIGHT))
    assert [str(result) for result in results if result.code] == []
    listed = world.nixprof("list", "--json").json["packages"]
    assert sorted(entry["attrPath"][0] for entry in listed) == sorted(EIGHT)
    assert {entry["state"] for entry in listed} == {"installed"}
    agree(world)
    waited = [result for result in results if "waiting for" in result.stderr]
    assert waited
    # The note of one that has just begun may not be there yet.
    who = r"waiting for (another nixprof|`nixprof add [\w-]+` \(process \d+\)) to finish"
    assert [result for result in waited if not re.search(who, result.stderr)] == []
    assert leftovers(world) == []


def test_an_edit_by_hand_while_add_builds_is_kept(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    waiting = Waiting(world, "tardy")
    with changed_meanwhile(world, waiting, "add", f"{waiting.url}#tardy"):
        edited = world.manifest.read_text().replace('["hello"]', '["hello", "jq"] # mine')
        world.manifest.write_text(edited)
    assert world.manifest.read_text() == edited
    world.nixprof("add", f"{waiting.url}#tardy")
    assert '["hello", "jq", "waiting#tardy"] # mine' in world.manifest.read_text()
    assert world.run("tardy") == "tardy"
    assert world.run("jq").startswith("jq ")
    agree(world)


def test_a_list_that_is_rewritten_all_the_time_stops_add(world: World) -> None:
    """As by an editor that saves as one types, or a tool that generates it."""
    world.sync('packages = ["hello"]\n')
    before = world.snapshot()
    text = world.manifest.read_text()
    waiting = Waiting(world, "tardy")
    done = threading.Event()

    def rewrite() -> None:
        for number in itertools.count():
            if done.is_set():
                return
            write_whole(world.manifest, f"{text}# {number}\n")
            time.sleep(0.15)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        with changed_meanwhile(world, waiting, "add", f"{waiting.url}#tardy"):
            pass
    finally:
        done.set()
        writer.join()
    assert "# " in world.manifest.read_text()
    world.manifest.write_text(text)
    assert world.snapshot() == before


def write_whole(path: Path, text: str) -> None:
    new = path.with_name("new")
    new.write_text(text)
    new.rename(path)


def test_an_edit_by_hand_while_sync_builds_is_kept(world: World) -> None:
    waiting = Waiting(world, "tardy")
    inputs = f'[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nwaiting = "{waiting.url}"\n'
    world.write_manifest(f'packages = ["waiting#tardy"]\n{inputs}')
    with changed_meanwhile(world, waiting, "sync"):
        world.write_manifest(f'packages = ["waiting#tardy", "jq"]\n{inputs}')
    world.nixprof("sync")
    assert world.run("jq").startswith("jq ")
    agree(world)


def test_an_edit_by_hand_while_add_waits_is_kept(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    waiting = Waiting(world, "tardy")
    with world.spawn("add", f"{waiting.url}#tardy") as first:
        waiting.until_building()
        with world.spawn("add", "fd") as second:
            assert second.stderr is not None
            assert "waiting for `nixprof add" in second.stderr.readline()
            world.manifest.write_text(world.manifest.read_text() + "# mine\n")
            waiting.go()
            # The edit is from after the first one has read the list, and from before the second one does.
            assert first.wait() == 1
            assert second.wait() == 0
    assert world.manifest.read_text().endswith("# mine\n")
    listed = world.nixprof("list", "--json").json["packages"]
    assert {entry["attrPath"][0] for entry in listed} == {"hello", "fd"}
    agree(world)


def test_a_list_that_is_deleted_while_add_builds_is_not_begun_anew(world: World) -> None:
    waiting = Waiting(world, "tardy")
    world.sync('packages = ["hello", "jq"]\n')
    kept = world.manifest.read_bytes()
    with changed_meanwhile(world, waiting, "add", f"{waiting.url}#tardy"):
        world.manifest.unlink()
    assert not world.manifest.exists()
    assert world.run("hello")
    for command in (("sync",), ("add", "fd"), ("freeze",), ("list",), ("status",)):
        assert "but nixprof has installed 2 packages" in world.nixprof(*command, check=False).stderr
    world.nixprof("rollback", "1")
    assert world.manifest.read_bytes() == kept
    assert "in sync" in world.nixprof("sync").stderr


def test_locks_that_arrive_while_add_builds_are_kept(world: World) -> None:
    """As with a git pull in the config folder."""
    waiting = Waiting(world, "tardy")
    world.sync('packages = ["hello", { package = "jq", pin = true }]\n')
    old = {file: file.read_bytes() for file in world.flake.iterdir()}
    world.update("--yes", "jq", "nixpkgs")
    new = {file: file.read_bytes() for file in world.flake.iterdir()}
    world.nixprof("rollback", "--yes")
    assert {file: file.read_bytes() for file in world.flake.iterdir()} == old
    with changed_meanwhile(world, waiting, "add", f"{waiting.url}#tardy", what="packages.json"):
        for file, data in new.items():
            file.write_bytes(data)
    assert {file: file.read_bytes() for file in world.flake.iterdir()} == new
    world.nixprof("add", f"{waiting.url}#tardy")
    assert world.run("hello") == "hello 2.12.2"
    agree(world)


def test_what_nix_installs_while_nixprof_builds_stays(world: World) -> None:
    """The folder has moved, so that the environment is exchanged for another element."""
    waiting = Waiting(world, "tardy")
    inputs = f'[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nwaiting = "{waiting.url}"\n'
    world.sync(f'packages = ["hello"]\n{inputs}')
    elsewhere = world.home / "elsewhere"
    world.config_dir.rename(elsewhere)
    world.config_dir, world.manifest, world.flake = elsewhere, elsewhere / "nixprof.toml", elsewhere / "flake"
    world.extra_env["NIXPROF_CONFIG_DIR"] = str(elsewhere)
    world.write_manifest(f'packages = ["hello", "waiting#tardy"]\n{inputs}')
    with changed_meanwhile(world, waiting, "sync", what="the profile"):
        world.install_element("nixpkgs#fd")
    world.nixprof("sync")
    assert world.run("fd").startswith("fd ")
    assert world.run("tardy") == "tardy"
    agree(world)


def test_whoever_does_not_wait_is_told_who_is_at_work(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    waiting = Waiting(world, "tardy")
    with world.spawn("add", f"{waiting.url}#tardy") as adding:
        waiting.until_building()
        before = world.snapshot()
        for command in (["add", "fd"], ["remove", "hello"], ["update"], ["sync"]):
            result = world.nixprof(*command, "--no-wait", check=False)
            assert result.code == 1, str(result)
            assert re.search(rf"error: `nixprof add \S+#tardy` \(process {adding.pid}\) is running", result.stderr), (
                str(result)
            )
        # Whoever only reads never waits.
        for command in (["list"], ["status"]):
            world.nixprof(*command)
        assert world.snapshot() == before
        waiting.go()
        assert adding.wait() == 0
    agree(world)


def test_a_lock_of_a_dead_process_never_blocks(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    waiting = Waiting(world, "tardy")
    with world.spawn("add", f"{waiting.url}#tardy") as adding:
        waiting.until_building()
        adding.kill()
        adding.wait()
    said = world.nixprof("add", "fd", "--no-wait").stderr
    assert f"repairing what `nixprof add {waiting.url}#tardy` (process {adding.pid}) left" in said
    assert "tardy" not in world.manifest.read_text()
    waiting.go()
    agree(world)


def test_a_process_of_another_with_the_number_of_a_dead_one_is_no_lock(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    state = world.home / ".local/state/nixprof"
    state.mkdir(parents=True)
    (state / "lock").touch()
    note = {"command": "nixprof add x", "process": os.getpid(), "since": 0}
    (state / "running.json").write_text(json.dumps(note))
    world.nixprof("sync", "--no-wait")
    agree(world)


@pytest.mark.parametrize("note", ["", "{", "[]", '{"command": 1, "process": "x", "since": null}', "nan"])
def test_a_lock_without_a_name_is_one_all_the_same(world: World, note: str) -> None:
    world.write_manifest('packages = ["hello"]\n')
    state = world.home / ".local/state/nixprof"
    state.mkdir(parents=True)
    (state / "running.json").write_text(note)
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = world.nixprof("sync", "--no-wait", check=False)
        assert result.code == 1
        assert "another nixprof is running" in result.stderr
    world.nixprof("sync")


def test_waiting_can_be_given_up(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    waiting = Waiting(world, "tardy")
    with world.spawn("add", f"{waiting.url}#tardy") as first:
        waiting.until_building()
        with world.spawn("add", "fd") as second:
            assert second.stderr is not None
            until(lambda: "waiting" in second.stderr.readline())  # type: ignore[union-attr]
            second.send_signal(signal.SIGINT)
            assert second.wait() == 130
        assert isinstance(first, subprocess.Popen)
        waiting.go()
        assert first.wait() == 0
    assert '"fd"' not in world.manifest.read_text()
    agree(world)


def test_a_list_that_has_become_empty_uninstalls_nothing(world: World) -> None:
    """As an editor or a copy leaves it that was stopped."""
    world.sync('packages = ["hello", "jq"]\n')
    kept = world.manifest.read_bytes()
    world.manifest.write_bytes(b"")
    for command in (("sync",), ("add", "fd"), ("remove", "jq"), ("update",)):
        said = world.nixprof(*command, check=False).stderr
        assert "~/.config/nixprof/nixprof.toml is empty, but nixprof has installed 2 packages" in said
    for text in (" \n\n", "# nothing yet\n", f'[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n'):
        world.manifest.write_text(text)
        for command in (("sync", "--yes"), ("add", "fd")):
            said = world.nixprof(*command, check=False).stderr
            assert "but nixprof has installed 2 packages" in said
            assert "write: packages = []" in said
    assert world.run("hello")
    world.manifest.write_bytes(kept)
    emptied = world.nixprof("edit", "--yes", check=False, env={"VISUAL": "sed -i s/.*/#&/"}).stderr
    assert "lists no packages, but nixprof has installed 2 packages" in emptied
    assert world.manifest.read_bytes() == kept
    world.nixprof("rollback", "1", "--yes")
    assert world.manifest.read_bytes() == kept
    world.manifest.write_text("packages = []\n")
    world.nixprof("sync", "--yes")
    assert not (world.profile / "bin/hello").exists()
