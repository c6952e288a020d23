"""One home under one Nix after the other: what a version has written, the next ones take up."""

from pathlib import Path

import pytest
from conftest import MakeWorld
from support.claims import agree, always_there, ours, refused
from support.installs import MissingNix, NixInstall, every_install
from support.world import World

pytestmark = pytest.mark.newest_nix  # each test goes through all of them by itself


@pytest.fixture
def installs() -> tuple[NixInstall, ...]:
    """Every Nix that is there, the oldest first."""
    found = every_install()
    missing = [each.reason for each in found if isinstance(each, MissingNix)]
    assert missing == []
    return tuple(each for each in found if isinstance(each, NixInstall))


def default_of(world: World, package: str) -> str:
    """Makes a flake whose default package is one of the demo set."""
    folder = world.root / f"{package}-flake"
    folder.mkdir()
    (folder / "flake.nix").write_text(
        f'{{ inputs.nixpkgs.url = "{world.nixpkgs_url}"; outputs = {{ nixpkgs, ... }}: '
        f"{{ packages.{world.system}.default = nixpkgs.legacyPackages.{world.system}.{package}; }}; }}\n"
    )
    return f"path:{folder}"


def test_every_command_works_after_nix_was_upgraded_and_downgraded(
    make_world: MakeWorld, installs: tuple[NixInstall, ...]
) -> None:
    world = make_world(fresh=True)
    oldest, *newer = installs
    world.use_nix(oldest)
    world.install_element(default_of(world, "hello"), default_of(world, "jq"))
    world.sync('packages = ["tree"]\n')
    for install in (*newer, *reversed(newer[:-1])):
        world.use_nix(install)
        with always_there(*(world.profile / "bin" / program for program in ("hello", "jq", "tree"))):
            every_command(world)
        assert world.nixprof("freeze", "--dry-run").code == 0
    world.nixprof("freeze", "--only", "jq", "--yes")
    assert len(world.profile_elements()) == 2
    assert world.run("hello")
    assert world.run("jq")


def every_command(world: World) -> None:
    """Runs every command that changes something, and those that read; the list ends as it was."""
    before = foreign(world)
    assert "in sync" in world.nixprof("sync").stderr
    for command in ("list", "status", "history", "diff"):
        world.nixprof(command)
    world.nixprof("add", "fd")
    assert world.run("fd").startswith("fd ")
    agree_beside(world, 3)
    world.nixprof("pin", "fd")
    world.nixprof("update", "--yes", "fd")
    world.nixprof("unpin", "fd")
    world.nixprof("remove", "fd")
    world.nixprof("rollback", "--yes")
    assert world.run("fd").startswith("fd ")
    world.nixprof("edit", "--yes", env={"EDITOR": "sed -i s/fd/eza/"})
    assert world.run("eza").startswith("eza ")
    world.nixprof("update", "--yes")
    world.nixprof("remove", "eza")
    agree_beside(world, 3)
    assert foreign(world) == before


def foreign(world: World) -> set[tuple[str, ...]]:
    return {each.store_paths for each in world.profile_elements() if "nixprof" not in (each.attr_path or "")}


def agree_beside(world: World, elements: int) -> None:
    assert len(world.profile_elements()) == elements
    assert len(ours(world)) == 1
    assert "in sync" in world.nixprof("sync").stderr


def test_freeze_of_a_profile_from_before_the_upgrade(make_world: MakeWorld, installs: tuple[NixInstall, ...]) -> None:
    """A profile that nixprof never saw, of which an old Nix has written the list without names."""
    for install in installs[1:]:
        world = make_world(fresh=True)
        world.use_nix(installs[0])
        world.write_manifest("packages = []\n")
        world.install_element(*(default_of(world, package) for package in ("hello", "jq", "tree")))
        world.use_nix(install)
        with always_there(*(world.profile / "bin" / program for program in ("hello", "jq", "tree"))):
            world.nixprof("freeze", "--except", "jq", "--yes")
        assert len(world.profile_elements()) == 2
        assert [[Path(path).name[33:] for path in found] for found in foreign(world)] == [["jq-1.8.1"]]
        agree_beside(world, 2)


def test_a_nix_that_is_too_old_for_the_profile_changes_nothing(
    make_world: MakeWorld, installs: tuple[NixInstall, ...]
) -> None:
    world = make_world(fresh=True)
    world.use_nix(installs[-1])
    world.sync('packages = ["tree"]\n')
    world.use_nix(installs[0])
    if installs[0].release >= (2, 20):
        pytest.fail("every Nix that is there reads every profile")
    for command in (("add", "fd"), ("remove", "tree")):
        said = refused(world, *command)
        assert "a newer Nix than this one has made the profile" in said
    assert world.run("tree")
    assert "in sync" in world.nixprof("sync").stderr
    for reading in ("list", "status", "history"):
        world.nixprof(reading)
    world.use_nix(installs[-1])
    world.nixprof("add", "fd")
    agree(world)
