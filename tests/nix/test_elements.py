"""Which element of a profile a command acts on: the one that is meant, whatever it and the others are called."""

import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import MakeWorld
from support.claims import agree, always_there, ours, refused
from support.world import World


def flake_of(world: World, name: str, **packages: str) -> str:
    """Makes a flake whose outputs are packages of the demo set: `flake_of(world, "a", default="hello")`."""
    folder = world.root / "flakes" / name
    folder.mkdir(parents=True, exist_ok=True)
    outputs = "".join(
        f"{json.dumps(attribute)} = nixpkgs.legacyPackages.{world.system}.{package};\n"
        for attribute, package in packages.items()
    )
    (folder / "flake.nix").write_text(
        f'{{ inputs.nixpkgs.url = "{world.nixpkgs_url}";\n'
        f"outputs = {{ nixpkgs, ... }}: {{ packages.{world.system} = {{\n{outputs}}}; }}; }}\n"
    )
    return f"path:{folder}"


def paths(world: World) -> set[tuple[str, ...]]:
    """The store paths of each element that is not nixprof's."""
    return {each.store_paths for each in world.profile_elements() if "nixprof" not in (each.attr_path or "")}


def test_freezing_one_default_package_leaves_those_of_other_flakes(world: World) -> None:
    world.write_manifest("packages = []\n")
    flakes = [flake_of(world, name, default=package) for name, package in (("a", "hello"), ("b", "tree"), ("c", "jq"))]
    world.install_element(*flakes)
    before = paths(world)
    with always_there(*(world.profile / "bin" / program for program in ("hello", "tree", "jq"))):
        world.nixprof("freeze", "--only", "hello", "--yes")
    assert len(paths(world)) == 2
    assert paths(world) < before
    assert len(ours(world)) == 1
    world.nixprof("add", "fd")
    world.nixprof("remove", "fd")
    assert len(paths(world)) == 2
    agree(world)


def test_an_element_called_nixprof_is_not_upgraded_by_what_nixprof_does(world: World) -> None:
    """Its attribute is called as that of nixprof's own element is."""
    flake = flake_of(world, "tools", nixprof="hello")
    world.write_manifest('packages = ["tree"]\n')
    world.install_element(f"{flake}#nixprof")
    world.nixprof("sync")
    before = {each for each in world.profile_elements() if each.original_url == flake}
    flake_of(world, "tools", nixprof="jq")
    world.nixprof("add", "fd")
    world.nixprof("remove", "tree")
    assert {each for each in world.profile_elements() if each.original_url == flake} == before
    assert world.run("hello")


HOSTILE = {"--all": "hello", "-v": "tree", "1": "jq", "1.2": "fd", ".*": "eza"}


def test_elements_with_names_that_mean_something_else_to_nix(world: World) -> None:
    world.write_manifest("packages = []\n")
    flake = flake_of(world, "odd", keep="bat", **HOSTILE)
    for name in HOSTILE:
        world.install_element(f'{flake}#"{name}"')
    world.install_element(f"{flake}#keep")
    world.nixprof("freeze", "--except", "keep", "--except", "--all", "--yes")
    assert world.run("hello")
    assert sorted(each.attr_path or "" for each in world.profile_elements() if each.original_url == flake) == [
        f"packages.{world.system}.--all",
        f"packages.{world.system}.keep",
    ]
    assert len(world.nixprof("list", "--json").json["packages"]) == 4
    assert "in sync" in world.nixprof("sync").stderr
    assert len(ours(world)) == 1


def test_two_elements_with_one_store_path_are_told_apart(world: World) -> None:
    world.write_manifest("packages = []\n")
    flake = flake_of(world, "twins", first="hello", second="hello")
    world.install_element(f"{flake}#first")
    world.install_element(f"{flake}#second")
    if world.install.release < (2, 9):  # there Nix can have a file only once
        assert "second and the first that nixprof did not install" in refused(
            world, "freeze", "--except", "first", "--yes"
        )
        return
    world.nixprof("freeze", "--except", "first", "--yes")
    left = [each.attr_path for each in world.profile_elements() if each.original_url == flake]
    assert left == [f"packages.{world.system}.first"]
    assert world.run("hello")


def test_adopt_takes_what_is_named_and_nothing_else(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    world.commit(**{"home-manager-path": ""})
    for name in ("ripgrep", "tree", "wget", "home-manager-path"):
        world.install_element(f"nixpkgs#{name}")
    before, list_before = world.tree(), world.manifest.read_text()
    world.publish(2)
    assert "is managed by home-manager" in refused(world, "adopt", "tree", "home-manager-path")
    assert "has no jq\nhint:  nixprof status\n" in refused(world, "adopt", "tree", "jq")
    assert "hello is on the list already" in refused(world, "adopt", "tree", "hello")
    said = world.nixprof("adopt", "ripgrep", "tree").stderr
    assert re.search(r"imported exactly +2 +from nixpkgs\n", said)
    assert world.tree() == before  # not one store path is another, though nixpkgs has a newer ripgrep
    assert {one.attr_path and one.attr_path.rpartition(".")[2] for one in world.profile_elements()} == {
        "nixprof",
        "wget",
        "home-manager-path",
    }
    assert "in sync" in world.nixprof("sync").stderr
    world.nixprof("rollback")
    assert (world.manifest.read_text(), world.tree()) == (list_before, before)


@pytest.fixture
def two_nixprofs(world: World) -> World:
    """Another config folder's environment is an element of the profile, and this one's is."""
    world.write_manifest('packages = ["hello"]\n')
    other = world.home / "other"
    other.mkdir()
    shutil.copy(world.manifest, other / "nixprof.toml")
    env = {"NIXPROF_CONFIG_DIR": str(other)}
    (other / "nixprof.toml").write_text(world.manifest.read_text().replace("hello", "tree"))
    world.nixprof("sync", "--profile", world.home / "elsewhere", env=env)
    world.install_element(f"path:{other}/flake#nixprof")
    return world


def test_the_environment_of_another_nixprof_is_not_taken_for_ones_own(two_nixprofs: World) -> None:
    world = two_nixprofs
    with always_there(world.profile / "bin/tree"):
        world.nixprof("sync")
        world.nixprof("add", "jq")
        world.nixprof("remove", "hello")
        world.nixprof("freeze", "--yes")
    assert len(ours(world)) == 2
    assert world.run("tree")
    assert world.run("jq")
    assert [each["attrPath"] for each in world.nixprof("list", "--json").json["packages"]] == [["jq"]]
    world.nixprof("rollback", "--yes")
    assert len(ours(world)) == 2
    assert "in sync" in world.nixprof("sync").stderr
    assert "TWICE" not in world.nixprof("status").stdout


def test_an_environment_from_a_folder_that_is_gone_is_ones_own(two_nixprofs: World) -> None:
    """Nothing else can change it any more: mostly the folder has moved."""
    world = two_nixprofs
    shutil.rmtree(world.home / "other")
    assert "it would remove tree" in refused(world, "sync")
    world.nixprof("sync", "--yes")
    assert len(ours(world)) == 1
    agree(world)


def test_the_hint_that_removes_an_element_removes_that_one(world: World) -> None:
    """Both elements have the same attribute path."""
    world.install_element(flake_of(world, "a", default="vim"), flake_of(world, "b", default="jq"))
    world.sync('packages = ["hello"]\n')
    said = refused(world, "add", "vim-full")
    [line] = [line for line in said.splitlines() if "remove it:" in line]
    world.command("sh", "-c", line.partition("remove it:")[2])
    assert world.run("jq")
    world.nixprof("add", "vim-full")
    assert world.run("vim").startswith("vim-full 9")


def test_inactive_packages_of_nix_env_stay_inactive(make_world: MakeWorld) -> None:
    world = make_world(fresh=True)
    world.command("nix-env", "--install", *world.build("nixpkgs#tree", "nixpkgs#hello", "nixpkgs#jq"))
    world.command("nix-env", "--set-flag", "active", "false", "jq")
    world.write_manifest("packages = []\n")
    world.nixprof("freeze", "--except", "tree", "--yes")
    assert world.run("tree")
    assert world.run("hello")
    assert not (world.profile / "bin/jq").exists()
    kept = {Path(path).name.partition("-")[2] for each in paths(world) for path in each}
    assert {name.partition("-")[0] for name in kept} == {"tree", "jq"}
