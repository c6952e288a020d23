"""One list in git, edited on several machines, merged by git and by `sync`."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import MakeWorld
from support.binary_cache import BinaryCache
from support.claims import agree, lock, revisions
from support.world import Result, Store, World

pytestmark = pytest.mark.newest_nix


def git(world: World, *words: str | Path, check: bool = True) -> Result:
    """What a user does in the repository of their dot-files."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    return world.command("git", *who, "-C", world.config_dir, *words, check=check)


def commit(world: World) -> None:
    git(world, "add", "--all")
    git(world, "commit", "--quiet", "--message", "edited", check=False)  # perhaps there is nothing


def test_two_machines_that_both_update_and_add(world: World) -> None:
    """Two branches stand for them. What both have is kept, what one has is taken, and the newer revision wins."""
    world.sync('packages = [\n  "jq",\n  "bat",\n  "git",\n]\n')
    git(world, "init", "--quiet")
    (world.config_dir / ".gitattributes").write_text("nixprof.toml merge=union\n")
    commit(world)
    git(world, "checkout", "--quiet", "-b", "laptop")
    world.update("--yes")
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


@contextlib.contextmanager
def at(world: World) -> Iterator[World]:
    """Goes to a machine. Each has a store of its own, and all stores have the same path."""
    own = world.root / "its-store"
    if own.exists():
        own.rename(world.store.root)
    else:
        world.store.root.mkdir()
    yield world
    world.store.root.rename(own)


def pull_and_sync(world: World, *, merges: bool = True) -> str:
    """Commits, pulls what others have pushed, syncs, pushes the result; returns what was said."""
    commit(world)
    pulled = git(world, "pull", "--no-rebase", "--no-edit", "origin", "main", check=False)
    said = pulled.stdout + world.nixprof("sync", "--yes").stderr
    if merges:
        commit(world)
        git(world, "push", "--quiet", "origin", "main")
    return said


def fill(cache: BinaryCache, world: World) -> None:
    """Builds all that a list has, for every system that it is resolved for, and copies it to a cache."""
    for key, package in lock(world).items():
        for system in package["systems"]:
            attribute = f"legacyPackages.{system}.{key.removeprefix('nixpkgs#')}"
            cache.push(world, *world.build(f"{world.nixpkgs_url}#{attribute}"))


def begin(world: World, dotfiles: Path, systems: tuple[str, str]) -> None:
    """Makes a list on the first machine, and a repository that the others know."""
    names = "".join(f'  "{name}",\n' for name in ("sqlite", "bat", "git", "jq", "ripgrep"))
    world.write_manifest(f"# Mine.\npackages = [\n{names}]\nsystems = {list(systems)}\n")
    world.nixprof("add", "tree", "--on", "darwin")
    world.nixprof("sync")
    (world.config_dir / ".gitattributes").write_text("nixprof.toml merge=union\n")
    world.command("git", "init", "--quiet", "--bare", "--initial-branch=main", dotfiles)
    git(world, "init", "--quiet")
    git(world, "remote", "add", "origin", dotfiles)
    pull_and_sync(world)


def test_three_machines_and_one_repository(make_world: MakeWorld, binary_cache: BinaryCache, tmp_path: Path) -> None:
    """Edits on each, merges, syncs: always the declared result, and only one machine can reach an input."""
    store, dotfiles = Store(tmp_path / "nix"), tmp_path / "dotfiles.git"
    systems = ("x86_64-linux", "aarch64-darwin")
    desktop, laptop, server = (make_world(store=store, home=name) for name in ("desktop", "laptop", "server"))
    for world in (desktop, server):
        world.configure(system=systems[0])
    laptop.become_a_mac("arm64")
    desktop.configure(extra_platforms=systems[1])  # it builds for the cache what the laptop needs
    with at(desktop):
        begin(desktop, dotfiles, systems)
        fill(binary_cache, desktop)
    away = desktop.nixpkgs.rename(tmp_path / "out-of-reach")

    for world, extra in ((laptop, {"tree"}), (server, set())):
        binary_cache.use_in(world)
        with at(world):
            world.command("git", "clone", "--quiet", dotfiles, world.config_dir)
            assert f"{5 + len(extra)} added" in world.nixprof("sync").stderr
            agree_here(world, {"bat", "git", "jq", "ripgrep", "sqlite", *extra})

    # Edits on each, none of which knows of the others.
    away.rename(desktop.nixpkgs)
    with at(desktop):
        desktop.update("--yes")
        desktop.nixprof("add", "fd")
        fill(binary_cache, desktop)
        pull_and_sync(desktop)
    desktop.nixpkgs.rename(away)
    with at(laptop):
        laptop.nixprof("remove", "jq")
        said = pull_and_sync(laptop)
        assert "Merge conflict in flake/packages.json" in said
        assert "packages.json has a merge conflict, which is settled:" in said
        agree_here(laptop, {"bat", "fd", "git", "ripgrep", "sqlite", "tree"})
    with at(server):
        server.nixprof("add", "bat", "--priority", "3")
        text = server.manifest.read_text()
        server.manifest.write_text(text.replace("# Mine.", "# Ours.").replace('  "sqlite",\n', ""))
        pull_and_sync(server)
        agree_here(server, {"bat", "fd", "git", "ripgrep"})

    texts = set()
    for world, extra in ((desktop, set()), (laptop, {"tree"}), (server, set())):
        with at(world):
            pull_and_sync(world, merges=False)
            agree_here(world, {"bat", "fd", "git", "ripgrep", *extra})
            assert world.run("git") == "git 2.52.1"
            assert git(world, "status", "--porcelain").stdout == ""
            texts.add((world.manifest.read_text(), *revisions(world).values()))
    [(text, revision)] = texts
    assert text.startswith("# Ours.\n")
    assert revision == git(desktop, "-C", away, "rev-parse", "HEAD").stdout.strip()


def agree_here(world: World, names: set[str]) -> None:
    """What is declared for a machine is what is installed there, from the store that it has."""
    listed = world.nixprof("list", "--json").json["packages"]
    assert {one["package"] for one in listed if one["state"] == "installed"} == names
    assert {one["state"] for one in listed} <= {"installed", "skipped"}
    assert world.nixprof("status", "--check").code == 0
    programs = {"ripgrep": "rg", "sqlite": "sqlite3"}
    assert all(world.run(programs.get(name, name)) for name in names)
