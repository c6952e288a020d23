"""The lock against a second nixprof: who has it, who inherits it, and what lies in its place."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nixprof.change.process_lock import process_lock, was_stopped
from nixprof.context import Context
from nixprof.errors import NixprofError, Reason
from nixprof.folders import Folders
from nixprof.machine import Machine

# A nixprof that says when it has the lock, starts a process that inherits it, and is killed.
KILLED = """
import os, signal, subprocess, sys
from pathlib import Path
from nixprof.change.process_lock import process_lock
from nixprof.context import Context
from nixprof.folders import Folders
from nixprof.machine import Machine
folder = Path(sys.argv[1])
folders = Folders(*(folder / name for name in "abcd"))
with process_lock(Context(folders, Machine("x86_64-linux", lambda: "here"), command="nixprof add x")) as lock:
    subprocess.Popen(["sleep", "1"], pass_fds=(lock,))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def context(tmp_path: Path) -> Context:
    folders = Folders(*(tmp_path / name for name in "abcd"))
    return Context(folders, Machine("x86_64-linux", lambda: "here"), command="nixprof sync", waits=False)


def test_only_one_has_it(context: Context) -> None:
    other = Context(context.folders, context.machine, command="nixprof add x", waits=False)
    with process_lock(context):
        note = json.loads((context.folders.state / "running.json").read_text())
        assert note["command"] == "nixprof sync"
        with pytest.raises(NixprofError) as caught, process_lock(other):
            pass
    assert caught.value.reason is Reason.BUSY
    assert caught.value.message == f"`nixprof sync` (process {note['process']}) is running"
    assert not was_stopped(context.folders)
    with process_lock(other):
        pass


def test_what_it_started_has_it_after_a_kill(context: Context, tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    assert killed.returncode == -9
    with pytest.raises(NixprofError, match=r"`nixprof add x` \(process \d+\) is running"), process_lock(context):
        pass
    waiting = Context(context.folders, context.machine)
    with process_lock(waiting):
        assert json.loads((context.folders.state / "running.json").read_text())["command"] == "nixprof"


def linked(context: Context, name: str) -> Path:
    victim = context.folders.state.parent / "victim"
    victim.write_text("mine")
    context.folders.state.mkdir()
    (context.folders.state / name).symlink_to(victim)
    return victim


def test_a_link_in_the_place_of_the_lock_is_not_followed(context: Context) -> None:
    victim = linked(context, "lock")
    with pytest.raises(NixprofError, match="cannot write below"), process_lock(context):
        pass
    assert victim.read_text() == "mine"


def test_a_link_in_the_place_of_the_note_is_replaced(context: Context) -> None:
    victim = linked(context, "running.json")
    with process_lock(context):
        assert not (context.folders.state / "running.json").is_symlink()
    assert victim.read_text() == "mine"
