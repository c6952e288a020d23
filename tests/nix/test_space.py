"""What the packages take on the disk, what needs what, and old generations that go."""

import json
import os
import re
import time
from pathlib import Path

import pytest
from support.claims import agree, started
from support.faults import Stages, leftovers, wait_until_quiet
from support.world import FEATURES, World

DAY = 86400


def closure_size(world: World, path: str | Path) -> int:
    """As Nix counts it."""
    return int(world.command("nix", *FEATURES, "path-info", "--closure-size", path).stdout.split()[1])


def age(world: World, *days: float) -> None:
    """Makes generations look older: from the first on, by how many days ago each was made."""
    link = world.profile.parent / world.profile.readlink()
    for number, ago in zip(world.generations(), days, strict=True):
        made = time.time() - ago * DAY
        os.utime(link.with_name(f"{link.name}-{number}-link"), (made, made), follow_symlinks=False)


@pytest.mark.every_nix
def test_space_adds_up(world: World) -> None:
    """The story of a list of which two share a library, one stays at an older revision, and one is not on it."""
    world.sync('packages = ["git^out", { package = "ripgrep", pin = true }, "hello"]\n')
    world.update()
    world.install_element("nixpkgs#tree")
    [argv] = [one for one in started(world, "space") if "--version" not in one]
    assert "path-info" in argv
    found = world.nixprof("space", "--json").json
    packages = {one["package"]: one for one in found["packages"]}
    assert [name for name, one in packages.items() if not one["byNixprof"]] == ["tree"]
    own = sum(one["ownBytes"] for one in found["packages"])
    assert (
        own + found["sharedBytes"] + found["linkBytes"] == found["closureBytes"] == closure_size(world, world.profile)
    )
    assert [Path(one["path"]).name[33:] for one in found["shared"]] == ["pcre2-10.46"]
    [git] = [path for path in world.closure(world.profile) if path.endswith("-git-2.52.1")]
    assert packages["git"]["closureBytes"] == closure_size(world, git)
    assert packages["git"]["ownBytes"] == closure_size(world, git) - found["sharedBytes"]
    assert [one["packages"] for one in found["revisions"]] == [["ripgrep"]]
    assert found["revisionBytes"] == packages["ripgrep"]["ownBytes"]
    assert found["older"] == [1, 2]
    assert found["olderBytes"] > 0

    shown = world.nixprof_on_terminal("space", env={"NO_COLOR": "1"}).stdout
    assert re.search(r"^git +\d[\d.]* \w+ +\d[\d.]* \w+  ━+", shown, re.MULTILINE)
    assert "tree (not on the list)" in shown
    assert "at other revisions: ripgrep" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "━" not in world.nixprof("space").stdout


def test_why(world: World) -> None:
    world.sync('packages = ["git^out,man", { package = "ripgrep", pin = true }]\n')
    world.update()

    found = world.nixprof("why", "pcre2", "--json").json
    assert found["entry"] is None
    [pcre2] = found["paths"]
    ways = {one["package"]: [Path(path).name[33:] for path in one["chain"]] for one in pcre2["neededBy"]}
    assert ways == {"git": ["git-2.52.1", "pcre2-10.46"], "ripgrep": ["ripgrep-14.1.1", "pcre2-10.46"]}
    for same in (pcre2["path"], f"{pcre2['path']}/lib", "pcre2-10.46"):
        assert world.nixprof("why", same, "--json").json["paths"] == found["paths"]
    assert "git-2.52.1 → pcre2-10.46" in world.nixprof("why", "pcre2").stdout

    entry = world.nixprof("why", "ripgrep", "--json").json["entry"]
    assert (entry["version"], entry["pinned"]) == ("14.1.1", True)
    assert "rev=" in entry["held"]
    for same in ("rg", str(world.profile / "bin/rg"), entry["package"]):
        assert "ripgrep 14.1.1 is on the list" in world.nixprof("why", same).stdout, same
    told = world.nixprof("why", "ripgrep").stdout
    assert "nixprof unpin ripgrep" in told
    assert "held" in told

    assert "other generations only: 1" in world.nixprof("why", "git-2.51.0").stdout
    for nothing, hint in (("pcre3", "did you mean pcre2?"), ("/etc/passwd", "not in the Nix store"), ("-", "nixprof")):
        result = world.nixprof("why", nothing, check=False)
        assert (result.code, hint in result.stderr) == (1, True), str(result)


def test_tidy(fresh_world: World) -> None:
    """Old generations of this profile go, of no other, and what then is garbage is as much as was said."""
    world = fresh_world
    world.write_manifest('packages = ["hello"]\n')
    other = world.home / "other"
    world.nixprof("sync", "--profile", other)
    world.nixprof("sync")
    world.nixprof("add", "jq")
    world.nixprof("remove", "jq", "--yes")
    world.nixprof("add", "git")
    world.nixprof("rollback", "3", "--yes")
    world.nixprof("add", "fd")
    world.nixprof("sync", "--profile", other)
    assert list(world.generations()) == [1, 2, 3, 4, 5]
    assert "nothing to remove" in world.nixprof("tidy").stderr
    age(world, 90, 60, 59, 58.9, 0.1)
    before = world.snapshot()

    assert "remove  1" in world.nixprof("tidy", "--keep", "4", "--dry-run").stderr
    refused = world.nixprof("tidy", "--keep", "1", check=False)
    assert (refused.code, "nixprof tidy --keep 1 --yes" in refused.stderr) == (1, True)
    shown = world.nixprof_on_terminal("tidy", "--keep", "1", typed="n\n").stdout
    assert "Remove 3 generations for good?" in shown
    assert list(world.generations()) == [1, 2, 3, 4, 5]

    result = world.nixprof("tidy", "--keep", "1", "--yes", "--json").json
    assert [one["generation"] for one in result["removed"]] == [1, 2, 3]
    assert {one["generation"]: one["why"] for one in result["kept"]} == {4: "proven", 5: "current"}
    assert result["removed"][1]["command"] == "nixprof add jq"
    assert list(world.generations()) == [4, 5]
    assert len(list(world.home.glob("other-*-link"))) == 2
    assert world.snapshot() == before
    agree(world)
    jq = {path for path in Path(world.store.store_dir).iterdir() if path.name.endswith("-jq-1.8.1")}
    assert jq
    collected = world.nixprof("tidy", "--gc", "--json").json
    assert (collected["done"], "freed" in collected["collected"]) == (False, True)
    assert not any(path.exists() for path in jq)
    assert world.run("hello").startswith("hello")

    history = world.nixprof("history", "--json").json["generations"]
    assert [(one["generation"], one["changes"] is None) for one in history] == [(5, True), (4, True)]
    assert "there is no generation 3" in world.nixprof("rollback", "3", check=False).stderr
    world.nixprof("rollback", "--yes")
    assert world.run("git").startswith("git")
    assert json.loads(world.nixprof("history", "--json").stdout)["generations"][1]["current"]


def test_tidy_says_what_is_freed(fresh_world: World) -> None:
    world = fresh_world
    world.sync('packages = ["git"]\n')
    world.update()
    said = world.nixprof("tidy", "--keep", "1", "--keep-days", "0", "--dry-run", "--json").json["freedBytes"]
    now = closure_size(world, world.profile)
    link = world.profile.parent / world.profile.readlink()
    both = world.closure(link.with_name(f"{link.name}-1-link"), world.profile)
    sizes = world.command("nix-store", "--query", "--size", *both).stdout.split()
    assert said == sum(map(int, sizes)) - now > 0
    done = world.nixprof_on_terminal("tidy", "--keep", "1", typed="y\ny\n")
    assert "1 generation removed, 1 kept" in done.stdout
    assert "freed" in done.stdout.splitlines()[-1]
    assert world.run("git").startswith("git")


def test_a_profile_that_is_not_nixprofs_is_left_alone(world: World) -> None:
    """As a colleague's, who has a list of their own, or one of `nix profile` alone."""
    world.write_manifest('packages = ["hello"]\n')
    own = {"NIXPROF_CONFIG_DIR": str(world.home / "colleague")}
    world.install_element("nixpkgs#tree")
    assert "not nixprof's profile" in world.nixprof("tidy", "--yes", check=False).stderr
    world.config_dir.rename(own["NIXPROF_CONFIG_DIR"])
    world.nixprof("sync", env=own)
    result = world.nixprof("tidy", "--keep", "1", "--yes", check=False)
    assert (result.code, "not nixprof's profile" in result.stderr) == (1, True)
    assert list(world.generations()) == [1, 2]
    assert world.nixprof("space", "--json").json["packages"]


def test_tidy_killed_anywhere_and_two_at_once(world: World, sample: int) -> None:
    world.sync('packages = ["hello", "ripgrep"]\n')
    world.nixprof("add", "jq")
    world.nixprof("remove", "jq", "--yes")
    stages = Stages(world, ("tidy", "--keep", "1", "--yes"))
    assert list(world.generations()) == [3]
    for number in range(sample // 3, len(stages.points) + 1, max(sample // 3, 1)):
        assert stages.disturbed(number, "kill").code == -9
        assert world.run("rg").startswith("ripgrep"), stages.points[number - 1]
        assert 3 in world.generations()
        world.nixprof("tidy", "--keep", "1", "--yes")
        wait_until_quiet(world)
        assert list(world.generations()) == [3]
        assert leftovers(world) == []
    stages.again()
    with world.spawn(*stages.command) as one, world.spawn(*stages.command) as two:
        assert [one.wait(), two.wait()] == [0, 0]
    assert list(world.generations()) == [3]
    agree(world)
