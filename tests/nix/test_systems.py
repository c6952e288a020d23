"""Systems: the one that Nix has, others that the list is kept resolved for, and what they do not have."""

import json
import sys

from support.claims import agree
from support.world import World

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


def started(world: World, *command: str) -> list[list[str]]:
    """The processes that a command starts."""
    result = world.command(sys.executable, "-c", _COUNTED, *command)
    processes: list[list[str]] = json.loads(result.stderr.splitlines()[-1])
    return processes


def test_the_system_is_the_one_that_nix_has(world: World) -> None:
    world.configure(system="i686-linux")
    world.write_manifest('packages = ["hello"]\n\n[system.i686]\npackages = ["jq"]\n')
    if world.install.release < (2, 26):  # The builder of another system does not start there.
        assert "jq" in world.nixprof("sync", "--dry-run").stderr
        return
    world.nixprof("sync")
    assert world.run("jq").startswith("jq ")
    agree(world)
    assert set(json.loads((world.flake / "packages.json").read_text())["packages"]["nixpkgs#jq"]["systems"]) == {
        "i686-linux"
    }
    for command in ("sync", "list", "status"):
        assert started(world, command) == []
