"""The generation and the packages in it that broke something are found, and the profile stays as it is."""

import json
import os
import shutil
import signal
import time
from typing import Any

import pytest
from support.world import Result, World

pytestmark = pytest.mark.newest_nix

_PACKAGES = 64
_GENERATIONS = 6

# Programs that print their versions.
_FLAKE = """
{
  outputs = { self }: {
    packages.SYSTEM = builtins.mapAttrs (name: version: derivation {
      inherit name;
      version = toString version;
      system = "SYSTEM";
      builder = "/bin/sh";
      PATH = "/usr/bin:/bin";
      program = "#!/bin/sh\\necho ${toString version}\\n";
      passAsFile = [ "program" ];
      args = [ "-c" "mkdir -p $out/bin; cp $programPath $out/bin/${name}; chmod +x $out/bin/${name}" ];
    }) (builtins.fromJSON (builtins.readFile ./versions.json));
  };
}
"""


def _published(world: World, revision: int) -> None:
    """A flake of 64 small packages; each revision changes about a fifth of them."""
    folder = world.root / "tools"
    folder.mkdir(exist_ok=True)
    versions = {f"p{number}": 1 + (number % (_GENERATIONS - 1) < revision - 1) for number in range(_PACKAGES)}
    (folder / "versions.json").write_text(json.dumps(versions))
    (folder / "flake.nix").write_text(_FLAKE.replace("SYSTEM", world.system))
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    if revision == 1:
        world.command("git", "init", "--quiet", folder)
    world.command(*git, "add", ".")
    world.command(*git, "commit", "--quiet", "-m", str(revision))


@pytest.fixture
def history(world: World) -> World:
    """Six generations of 64 packages, all of which have changed between the first and the last."""
    _published(world, 1)
    names = ", ".join(f'"tools#p{number}"' for number in range(_PACKAGES))
    world.sync(f'packages = [{names}]\n\n[inputs]\ntools = "git+file://{world.root}/tools"\n', inputs=False)
    for revision in range(2, _GENERATIONS + 1):
        _published(world, revision)
        world.nixprof("update", "--yes")
    assert len(world.generations()) == _GENERATIONS
    assert len(world.nixprof("diff", "1", str(_GENERATIONS), "--json").json["changes"]) == _PACKAGES
    return world


def _unchanged(world: World, *arguments: str, check: bool = True) -> Result:
    """Bisects; the profile stays as it is, and nothing is left in the temporary folder."""
    temporary = world.root / "tmp"
    temporary.mkdir(exist_ok=True)
    before = world.snapshot()
    result = world.nixprof("bisect", *arguments, check=check, env={"TMPDIR": str(temporary)})
    assert world.snapshot() == before
    assert list(temporary.iterdir()) == []
    return result


def _found(world: World, *arguments: str) -> Any:
    return _unchanged(world, "--json", *arguments).json


def test_culprits_among_many(history: World) -> None:
    world = history
    for guilty in (3, 59):
        found = _found(world, "--", "sh", "-c", f"test $(p{guilty}) = 1")
        changed_in = guilty % (_GENERATIONS - 1) + 2
        assert (found["good"], found["bad"]) == (changed_in - 1, changed_in)
        assert found["culprits"] == [
            {"package": f"tools#p{guilty}", "change": "changed", "before": "1", "after": "2"}
            | {"cause": None, "cves": None, "changelog": None}
            | {"command": f"nixprof rollback tools#p{guilty} {changed_in - 1}"}
        ]
        assert found["tries"] <= 12
    # In one step, and a pair that only fails together.
    pair = _found(world, "--good", "1", "--bad", "6", "--", "sh", "-c", "test $(p12) = 1 || test $(p47) = 1")
    assert [one["package"] for one in pair["culprits"]] == ["tools#p12", "tools#p47"]

    said = _unchanged(world, "--", "sh", "-c", "echo noise; test $(p3) = 1")
    assert "~ tools#p3  1 → 2\nto take it back: nixprof rollback tools#p3 4\n" in said.stdout
    assert "noise" not in said.stdout
    assert "noise" in said.stderr
    world.command("sh", "-c", f"export TMPDIR=; {said.stdout.rpartition('back: ')[2]}")
    assert world.run("p3") == "1"
    assert world.run("p8") == "2"


def test_what_cannot_be_found(history: World) -> None:
    world = history
    for command, message, hint in (
        (["false"], "generation 1, which should be good, is bad", "nixprof bisect --good N"),
        (["no-such-program"], "generation 1, which should be good, is bad", "nixprof bisect --good N"),
        (["true"], "generation 6, which should be bad, is good", "nixprof bisect --bad N"),
        (["sh", "-c", "exit 125"], "generation 1, which should be good, cannot be told", "nixprof history"),
        (["sh", "-c", "test $(p3) = 1 || exit 200"], "sh gave up: exit code 200", "nixprof bisect --good 1 --bad 6 --"),
        (["sh", "-c", "kill -9 $$"], "sh gave up: a signal ended it (9)", "to go on from here: nixprof bisect"),
    ):
        failed = _unchanged(world, "--", *command, check=False)
        assert failed.code == 1
        assert f"error: {message}" in failed.stderr
        assert hint in failed.stderr
    assert "no terminal to ask on" in _unchanged(world, check=False).stderr
    assert "there is no generation 9" in _unchanged(world, "--good", "9", "--", "true", check=False).stderr
    assert "no two generations that differ" in _unchanged(world, "--good", "6", "--", "true", check=False).stderr
    # Generations that cannot be told are passed over.
    skips = _found(world, "--", "sh", "-c", "test $(p0) = 2 && test $(p2) = 1 && exit 125; test $(p1) = 1")
    assert [one["package"] for one in skips["culprits"]] == ["tools#p1"]


def test_somebody_is_asked(history: World) -> None:
    world = history
    # The profile, which start-up files put first, has version 2 of it.
    (world.home / ".bashrc").write_text(f"PATH={world.profile}/bin:$PATH\n")
    answers = "good\nbad\n" + "b\n" + "try\np3 >~/seen\nexit 0\ng\n" + "quit\n"
    shell = {"SHELL": str(shutil.which("bash"))}
    shown = world.nixprof_on_terminal("bisect", typed=answers, check=False, env=shell).stdout
    assert (world.home / "seen").read_text() == "1\n"
    assert "try 1, about 11 left: generation 1" in shown
    assert "its programs are in " in shown
    assert "How is it? [good/bad/skip/try/quit]" in shown
    assert "to go on from here: nixprof bisect --good 2 --bad 3" in shown


def test_ctrl_c_leaves_nothing(history: World) -> None:
    world = history
    temporary, marker = world.root / "tmp", world.root / "marker"
    temporary.mkdir()
    before = world.snapshot()
    command = ["sh", "-c", f"touch {marker}; exec sleep 60"]
    with world.spawn("bisect", "--", *command, env={"TMPDIR": str(temporary)}) as process:
        while not marker.exists():
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    assert "Interrupted. Nothing was changed" in said
    assert list(temporary.iterdir()) == []
    assert world.snapshot() == before
