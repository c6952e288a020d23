"""Streams that are closed, full or gone: they never decide what is done; and secrets, which no stream gets."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from typing import Self

import pytest
from support.claims import agree
from support.faults import leftovers, wait_until_quiet
from support.terminal import Terminal
from support.waiting import Waiting, WaitingActivation, until
from support.world import NIXPROF, World

pytestmark = pytest.mark.newest_nix

TOKEN = "glpat-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ADDRESS = f"git+https://oauth2:{TOKEN}@gitlab.com/x"


# --- streams


@pytest.mark.parametrize(
    "streams",
    [
        "2>/dev/full",
        "2>&1 | true",
        "2>&1 | head -1 >/dev/null",
        "--verbose 2>&1 | true",
        "--verbose 2>&1 | head -1 >/dev/null",
        "--verbose 2>/dev/full",
        "--json 2>/dev/full >/dev/null",
        "--json | true",
    ],
)
def test_a_change_is_done_whoever_hears_of_it(synced: World, streams: str) -> None:
    out, err = synced.bash(f"nixprof add jq {streams}; echo code ${{PIPESTATUS[0]}}")
    assert out == "code 0\n", err
    assert synced.run("jq").startswith("jq ")
    agree(synced)


@pytest.mark.parametrize("streams", ["2>/dev/full", "2>&1 | true", "--json >/dev/full", "--json | true"])
def test_a_failure_stays_one(synced: World, streams: str) -> None:
    out, err = synced.bash(f"nixprof add ripgrp {streams}; echo code ${{PIPESTATUS[0]}}")
    assert out == "code 1\n"
    assert ("ripgrp" in err) == (streams == "--json >/dev/full")


def test_differences_stay_differences(synced: World) -> None:
    synced.manifest.write_text(synced.manifest.read_text().replace('"hello"', '"hello", "jq"'))
    for options in ("--check", "--check --json"):
        assert synced.bash(f"nixprof status {options} | true; echo ${{PIPESTATUS[0]}}") == ("3\n", "")


def test_a_change_whose_output_is_lost_says_that_it_was_done(synced: World) -> None:
    out, err = synced.bash("nixprof add jq --json >/dev/full; echo code $?")
    assert out == "code 1\n"
    assert "`nixprof add jq --json` is done, but its output cannot be written" in err
    assert "No space left on device" in err
    assert synced.run("jq").startswith("jq ")
    agree(synced)


@pytest.mark.parametrize("command", ["list", "list --json", "status", "history", "freeze --stdout", "--help"])
def test_a_full_disk_behind_what_is_read(synced: World, command: str) -> None:
    out, err = synced.bash(f"nixprof {command} >/dev/full; echo code $?")
    assert out == "code 1\n"
    assert err == (
        f"error: `nixprof {command}` is done, but its output cannot be written\ncause: No space left on device\n"
    )


def test_a_reader_that_makes_the_pipe_impatient(world: World) -> None:
    """As a program does that shares the pipe: it is full, and a write says so instead of waiting."""
    entries = "".join(f'"package-with-a-long-name-{number}",\n' for number in range(4000))
    world.write_manifest(f"packages = [\n{entries}]\n")
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    with subprocess.Popen([*NIXPROF, "list", "--json"], stdout=theirs, env=world.env, cwd=world.home) as listing:
        until(lambda: not select.select([], [theirs], [], 0)[1])
        os.close(theirs)
        with open(ours, "rb") as pipe:
            found = json.load(pipe)
    assert listing.returncode == 0
    assert len(found["packages"]) == 4000


def test_interrupted_when_the_reader_is_gone(synced: World) -> None:
    waiting = Waiting(synced, "tardy")
    ours, theirs = os.pipe()
    with subprocess.Popen(
        [*NIXPROF, "add", f"{waiting.url}#tardy"],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=synced.env,
        cwd=synced.home,
        start_new_session=True,
    ) as adding:
        os.close(theirs)
        waiting.until_building()
        os.close(ours)
        os.kill(adding.pid, signal.SIGINT)
        assert adding.wait(30) == 130
    assert wait_until_quiet(synced) == []
    assert leftovers(synced) == []


# --- a terminal that is closed


class Window:
    """A terminal in a window, which can be closed."""

    def __init__(self, world: World, *args: str, env: dict[str, str] | None = None) -> None:
        # In a session of its own, which takes the terminal that it opens first: only so does closing it send SIGHUP.
        self._ours, self._theirs = pty.openpty()
        line = 'exec <>"$0" >&0 2>&1; exec "$@"'
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", line, os.ttyname(self._theirs), *NIXPROF, *args],
            env={**world.env, "TERM": "xterm", "COLUMNS": "80", **(env or {})},
            cwd=world.home,
            start_new_session=True,
        )
        self.shown = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def until_shown(self, text: bytes) -> None:
        while text not in self.shown:
            assert select.select([self._ours], [], [], 30)[0], self.shown.decode()
            self.shown += os.read(self._ours, 4096)

    def close(self) -> None:
        os.close(self._theirs)
        os.close(self._ours)


def test_closed_while_it_builds(synced: World) -> None:
    waiting = Waiting(synced, "tardy")
    with Window(synced, "add", f"{waiting.url}#tardy") as window:
        waiting.until_building()
        window.until_shown(b"tardy")
        window.close()
        assert window.process.wait(30) == 130
    assert wait_until_quiet(synced) == []
    assert leftovers(synced) == []
    assert "in sync" in synced.nixprof("sync").stderr


def test_closed_at_a_question(synced: World) -> None:
    synced.nixprof("add", "jq")
    synced.manifest.write_text(synced.manifest.read_text() + "# mine\n")
    before = synced.snapshot()
    with Window(synced, "rollback") as window:
        window.until_shown(b"Go back?")
        window.close()
        assert window.process.wait(30) == 130
    assert synced.snapshot() == before


def test_closed_while_the_profile_is_switched(synced: World) -> None:
    activation = WaitingActivation(synced)
    with Window(synced, "add", "jq") as window:
        activation.until_begun()
        time.sleep(1)  # until the display is drawn
        window.close()
        time.sleep(0.3)
        activation.go()
        assert window.process.wait(30) == 130
    assert synced.run("jq").startswith("jq ")
    assert '"jq"' in synced.manifest.read_text()
    agree(synced)


# --- interruptions that a script reads


def test_an_interruption_is_an_object_too(synced: World) -> None:
    waiting = Waiting(synced, "tardy")
    with synced.spawn("add", f"{waiting.url}#tardy", "--json") as adding:
        waiting.until_building()
        adding.send_signal(signal.SIGINT)
        out, err = adding.communicate(timeout=30)
    assert adding.returncode == 130
    assert json.loads(out)["error"]["message"] == "Interrupted. Nothing was changed"
    assert "Interrupted" not in err


# --- secrets


def test_json_stays_json(world: World) -> None:
    world.write_manifest('packages = [{package="hello", url="https://u:tok@h/x?token=abc"}]\n')
    result = world.nixprof("list", "--json", check=False)
    [problem] = result.json["error"]["problems"]
    assert problem["text"] == 'url="https://***@h/x?token=***"'


def test_json_in_any_locale(world: World) -> None:
    world.write_manifest('packages = ["“x”"]\n')
    for locale in ({}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        result = world.nixprof("list", "--json", check=False, env=locale)
        assert "“x”" in result.json["error"]["problems"][0]["text"]


@pytest.mark.parametrize(
    "text",
    [
        f'packages = []\n[inputs]\n"x y" = "{ADDRESS}"\n',
        f'packages = []\n[inputs]\nx = {{ ulr = "{ADDRESS}" }}\n',
        f'packages = ["{ADDRESS}"]\n',
        f'packages = []\n[inputs]\nx = "{ADDRESS}\n',
        f'packages = []\n[system.linux]\nxyz = "{ADDRESS}"\n',
    ],
)
def test_an_excerpt_is_masked_before_it_is_cut(world: World, text: str) -> None:
    world.write_manifest(text)
    for options in ([], ["--json"]):
        result = world.nixprof("list", *options, check=False)
        assert result.code == 1
        assert TOKEN[:9] not in result.stdout + result.stderr


def test_a_waiting_line_is_masked_before_it_is_cut(synced: World) -> None:
    state = synced.home / ".local/state/nixprof"
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = {"command": f"nixprof add {ADDRESS}/and/so/on#y", "process": 1, "since": 0}
        (state / "running.json").write_text(json.dumps(running))
        with Terminal(synced, "sync", columns=60) as terminal:
            terminal.wait_for(lambda lines: any(re.match("[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] waiting", line) for line in lines))
            assert TOKEN[:9].encode() not in terminal.written
