"""One list in git, edited on several machines, merged by git and by `sync`."""

import re

import pytest
from support.claims import agree, lock, revisions
from support.world import Result, World

pytestmark = pytest.mark.newest_nix


def git(world: World, *words: str, check: bool = True) -> Result:
    """What a user does in the repository of their dot-files."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    return world.command("git", *who, "-C", world.config_dir, *words, check=check)


def commit(world: World) -> None:
    git(world, "add", "--all")
    git(world, "commit", "--quiet", "--message", "edited")


def test_two_machines_that_both_update_and_add(world: World) -> None:
    """Two branches stand for them. What both have is kept, what one has is taken, and the newer revision wins."""
    world.write_manifest('packages = [\n  "jq",\n  "bat",\n  "git",\n]\n')
    world.nixprof("sync")
    git(world, "init", "--quiet")
    (world.config_dir / ".gitattributes").write_text("nixprof.toml merge=union\n")
    commit(world)
    git(world, "checkout", "--quiet", "-b", "laptop")
    world.publish(2)
    world.nixprof("update", "--yes")
    world.nixprof("add", "fd")
    newer, at_newer = revisions(world), lock(world)
    commit(world)
    git(world, "checkout", "--quiet", "main")
    world.commit(extra="")  # whose day is that of the first revision
    world.nixprof("update", "--yes")
    world.nixprof("add", "ripgrep")
    world.nixprof("remove", "jq")
    commit(world)
    assert "Merge conflict in flake/packages.json" in git(world, "merge", "laptop", check=False).stdout
    conflicted = {name: (world.flake / name).read_text() for name in ("flake.lock", "packages.json")}
    assert all("<<<<<<< HEAD\n" in text for text in conflicted.values())

    result = world.nixprof("sync", "--yes")
    said = re.sub(" {2,}", "  ", result.stderr)
    assert "\n  newer in laptop  nixpkgs 2026-11-18 " in said
    assert "\n  only in HEAD  ripgrep\n" in said
    assert "\n  only in laptop  fd" in said
    assert "\n  as locked now, from laptop  bat, git" in said
    assert "✓ 1 added" in result.stderr
    [kept] = (world.home / ".local/share/nixprof/before-merge").iterdir()
    assert {file.name: file.read_text() for file in kept.iterdir()} == conflicted
    agree(world)
    assert set(lock(world)) == {f"nixpkgs#{name}" for name in ("bat", "git", "fd", "ripgrep")}
    assert revisions(world) == newer
    assert all(lock(world)[key] == at_newer[key] for key in ("nixpkgs#bat", "nixpkgs#fd", "nixpkgs#git"))
    commit(world)
    assert "in sync" in world.nixprof("sync").stderr
    assert git(world, "status", "--porcelain").stdout == ""
