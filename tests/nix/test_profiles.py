"""Profiles of every kind, and what else is in them."""

import os
import shutil
from pathlib import Path

import pytest
from conftest import MakeWorld
from support.claims import agree, always_there, ours, refused
from support.world import World


def foreign(world: World) -> list[str]:
    elements = world.profile_elements()
    return [element.attr_path or "" for element in elements if not (element.attr_path or "").endswith(".nixprof")]


def generations_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith("-link"))


def test_a_home_without_a_profile_gets_the_one_that_nix_makes(make_world: MakeWorld) -> None:
    # A store of its own: until 2.14 Nix keeps profiles beside the store.
    world = make_world(profile_link=False, fresh=True)
    world.sync('packages = ["hello"]\n')
    assert world.profile.is_symlink()
    assert world.run("hello") == "hello 2.12.1"
    world.nixprof("add", "ripgrep")
    assert world.run("rg") == "ripgrep 14.1.1"
    assert len(world.generations()) == 2
    agree(world)


def test_a_profile_by_its_path_is_made_and_kept(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    chosen = world.home / "profiles of mine"
    chosen.mkdir()
    option = ("--profile", chosen / "one")
    world.nixprof("sync", *option)
    world.nixprof("add", "ripgrep", *option)
    assert world.command(chosen / "one/bin/rg").stdout == "ripgrep 14.1.1\n"
    assert generations_in(chosen) == ["one-1-link", "one-2-link"]
    assert "in sync" in world.nixprof("sync", *option).stderr
    assert not world.profile.exists()


def test_a_relative_profile_path_is_below_the_current_folder(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    (world.home / "here").mkdir()
    world.nixprof("sync", "--profile", "mine", cwd=world.home / "here")
    assert (world.home / "here/mine/bin/hello").exists()


def test_the_users_own_profile_by_its_path_keeps_its_generations_where_they_are(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    place = world.profile.readlink().parent
    world.nixprof("add", "ripgrep", "--profile", world.profile)
    assert generations_in(world.home) == []
    assert generations_in(place) == ["profile-1-link", "profile-2-link"]
    assert world.run("rg") == "ripgrep 14.1.1"
    agree(world)


def test_the_users_own_profile_by_its_path_before_there_is_one(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    world.nixprof("sync", "--profile", world.profile)
    assert generations_in(world.home) == []
    assert world.run("hello") == "hello 2.12.1"


def test_foreign_elements_stay_through_everything(world: World) -> None:
    world.install_element("nixpkgs#tree", "nixpkgs#jq")
    before = world.profile_elements()
    world.write_manifest('packages = ["hello"]\n')
    with always_there(world.profile / "bin/tree", world.profile / "bin/jq"):
        world.nixprof("sync")
        world.nixprof("add", "ripgrep")
        world.nixprof("remove", "hello")
        world.update()
    after = world.profile_elements()
    assert [element for element in after if element in before] == before
    assert len(after) == len(before) + 1
    assert world.run("tree") == "tree 2.2.1"
    assert world.run("rg") == "ripgrep 15.1.0"


def test_what_nix_does_beside_nixprof_does_no_harm(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    world.install_element("nixpkgs#tree")
    assert "in sync" in world.nixprof("sync").stderr
    world.nixprof("add", "ripgrep")
    assert len(foreign(world)) == 1
    agree(world)


def test_an_element_that_somebody_removed_comes_back(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    name = "nixprof" if world.install.release >= (2, 20) else ".*nixprof"
    world.nix("profile", "remove", name)
    assert ours(world) == []
    assert world.nixprof("status", "--check", check=False).code == 3
    world.nixprof("sync")
    assert world.run("hello") == "hello 2.12.1"
    agree(world)


def test_an_identical_file_of_a_foreign_element_is_no_collision(world: World) -> None:
    world.install_element("nixpkgs#hello")
    world.sync('packages = ["ripgrep"]\n')
    if world.install.release < (2, 9):  # there an element has no priority, and Nix can have the file only once
        said = refused(world, "add", "hello")
        assert "hello and the hello that nixprof did not install both provide bin/hello" in said
        assert "profile remove" in said
        return
    world.nixprof("add", "hello")
    assert world.run("hello") == "hello 2.12.1"
    assert len(foreign(world)) == 1
    agree(world)
    world.nixprof("add", "jq")
    assert len(ours(world)) == 1
    world.nixprof("remove", "hello")
    assert world.run("hello") == "hello 2.12.1"
    assert len(foreign(world)) == 1
    agree(world)


def test_another_file_of_a_foreign_element_is_a_collision_that_names_both(world: World) -> None:
    world.install_element("nixpkgs#vim")
    world.sync('packages = ["hello"]\n')
    said = refused(world, "add", "vim-full")
    assert "vim-full and the vim that nixprof did not install both provide bin/vim and 14 more files" in said
    assert "take it over:  nixprof freeze --only vim\n" in said
    world.nixprof("freeze", "--only", "vim", "--yes")
    said = refused(world, "add", "vim-full")
    assert "rank them:  nixprof add vim-full --priority 4\n" in said
    world.nixprof("add", "vim-full", "--priority", "4")
    assert world.run("vim").startswith("vim-full 9")


def test_a_profile_of_nix_env_is_left_alone(world: World) -> None:
    world.command("nix-env", "--install", *world.build("nixpkgs#tree"))
    world.write_manifest('packages = ["hello"]\n')
    said = refused(world, "sync")
    assert "nix-env" in said
    assert "nixprof sync --profile" in said
    assert world.run("tree") == "tree 2.2.1"


def test_a_profile_without_a_list_is_left_alone(world: World) -> None:
    world.nix("build", "--no-link", "--profile", world.profile.readlink(), "nixpkgs#tree")
    world.write_manifest('packages = ["hello"]\n')
    said = refused(world, "sync")
    assert "they would be lost" in said
    assert world.run("tree") == "tree 2.2.1"


def test_two_elements_of_nixprof_end_as_one_without_a_gap(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    copy = world.home / "copy"
    copy.mkdir()
    for file in world.flake.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    # One that links nothing, else Nix refuses the second for the files of the first.
    lines = (copy / "flake.nix").read_text().splitlines()
    (copy / "flake.nix").write_text("\n".join(line for line in lines if "attrPath" not in line))
    world.install_element(f"path:{copy}#nixprof")
    # One of a folder that is there would be another nixprof's.
    shutil.rmtree(copy)
    assert len(ours(world)) == 2
    assert world.nixprof("status", "--check", check=False).code == 3
    with always_there(world.profile / "bin/hello"):
        world.nixprof("sync")
    assert len(ours(world)) == 1
    agree(world)


def test_the_plain_output_installed_by_hand_is_foreign(world: World) -> None:
    world.sync("packages = []\n")
    world.install_element(f"path:{world.flake}#default")
    world.nixprof("add", "hello")
    agree(world)
    assert any(path.endswith(".default") for path in foreign(world))


@pytest.mark.parametrize("where", ["plain", "a b#c"])
def test_an_environment_in_a_folder_that_is_gone_is_replaced(world: World, where: str) -> None:
    """The whole config folder was thrown away and begun anew elsewhere."""
    world.sync('packages = ["hello"]\n')
    os.rename(world.config_dir, world.home / "gone")
    for path in sorted((world.home / "gone").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    world.config_dir = world.home / where
    world.manifest, world.flake = world.config_dir / "nixprof.toml", world.config_dir / "flake"
    world.extra_env["NIXPROF_CONFIG_DIR"] = str(world.config_dir)
    world.write_manifest('packages = ["hello", "ripgrep"]\n')
    with always_there(world.profile / "bin/hello"):
        world.nixprof("sync")
    assert world.run("rg") == "ripgrep 14.1.1"
    agree(world)
