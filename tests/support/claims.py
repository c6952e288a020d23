"""What holds after every change that succeeds, and the few things that many tests look at."""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nixprof.manifest.spec import Spec
from support.world import Result, World

# Runs nixprof and writes what it starts to stderr.
_COUNTED = """
import json, runpy, sys
started = []
def watch(event, args):
    if event == "subprocess.Popen":
        started.append([str(word) for word in args[1]])
sys.addaudithook(watch)
sys.argv = ["nixprof", *sys.argv[1:]]
try:
    runpy.run_module("nixprof", run_name="__main__")
finally:
    print(json.dumps(started), file=sys.stderr)
"""


def lock(world: World) -> dict[str, Any]:
    """The entries of packages.json, by key."""
    packages: dict[str, Any] = json.loads((world.flake / "packages.json").read_text())["packages"]
    return packages


def versions(world: World) -> dict[str, str]:
    """The locked versions for this machine, by key."""
    return {key: entry["systems"][world.system]["version"] for key, entry in lock(world).items()}


def revisions(world: World) -> dict[str, str]:
    """The locked revisions of the inputs, by name."""
    nodes = json.loads((world.flake / "flake.lock").read_text())["nodes"]
    return {name: nodes[node]["locked"]["rev"] for name, node in nodes["root"]["inputs"].items()}


def ours(world: World) -> list[str]:
    """The attribute paths of nixprof's elements in the profile."""
    elements = world.profile_elements()
    return [element.attr_path or "" for element in elements if (element.attr_path or "").endswith("nixprof")]


def agree(world: World) -> None:
    """Manifest, lock and profile say the same, and the profile has one element of nixprof's."""
    listed = world.nixprof("list", "--json").json["packages"]
    assert {entry["state"] for entry in listed} <= {"installed"}
    named = {Spec(entry["input"], tuple(entry["attrPath"])).key: entry["version"] or "" for entry in listed}
    assert named == versions(world)
    assert len(ours(world)) == 1
    assert world.nixprof("status", "--check").code == 0


def run_counted(world: World, *command: str) -> tuple[Result, list[list[str]]]:
    """Runs nixprof; returns what it did, and the command line of each process that it started."""
    result = world.command(sys.executable, "-c", _COUNTED, *command)
    processes: list[list[str]] = json.loads(result.stderr.splitlines()[-1])
    return result, processes


def started(world: World, *command: str) -> list[list[str]]:
    """The processes that a command starts."""
    return run_counted(world, *command)[1]


def refused(world: World, *args: str | Path) -> str:
    """Runs a nixprof that has to fail and leave everything as it was; returns what it says."""
    before = world.snapshot()
    result = world.nixprof(*args, check=False)
    assert result.code == 1, str(result)
    assert "error:" in result.stderr, str(result)
    assert "Traceback" not in result.stderr, str(result)
    assert world.snapshot() == before
    return result.stderr


@contextlib.contextmanager
def always_there(*files: Path) -> Iterator[None]:
    """Looks for files over and over, and fails if one of them was missing at any moment."""
    missing: list[Path] = []
    looks = 0
    done = threading.Event()

    def look() -> None:
        nonlocal looks
        while not done.is_set():
            missing.extend(file for file in files if not os.path.exists(file))
            looks += 1
            time.sleep(0.0005)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    assert looks > 10
    assert missing == []
