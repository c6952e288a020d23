"""`init`: a list to begin with or another machine's, written over nothing, and all of it or nothing."""

from pathlib import Path

import pytest
from support.claims import agree, refused
from support.faults import Stages, Standing, chosen, leftovers
from support.waiting import until
from support.world import World

pytestmark = pytest.mark.newest_nix


@pytest.fixture
def origin(world: World) -> Path:
    """The folder of another machine's list, which includes a file."""
    folder = world.root / "dotfiles/nixprof"
    (folder / "more").mkdir(parents=True)
    (folder / "nixprof.toml").write_text(
        f'packages = ["hello"]\ninclude = ["more/work.toml"]\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n'
    )
    (folder / "more/work.toml").write_text('packages = ["jq"]\ninclude = ["../common.toml"]\n')
    (folder / "common.toml").write_text('packages = ["fd"]\n')
    return folder


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_another_list_is_taken_over(world: World, origin: Path) -> None:
    said = world.nixprof("init", "--from", origin).stderr
    assert "nixprof.toml with 3 packages" in said
    assert files(world.config_dir) == files(origin)
    assert leftovers(world) == []
    world.nixprof("sync")
    assert world.run("jq").startswith("jq ")
    agree(world)


def test_a_new_machine_in_one_command(world: World, origin: Path) -> None:
    planned = world.nixprof("sync", "--from", origin, "--dry-run").stderr
    assert "~/.config/nixprof/nixprof.toml with 3 packages\n" in planned
    assert "dry run: would add 3 packages" in planned
    assert not world.config_dir.exists()
    common = origin / "common.toml"
    common.write_text(common.read_text().replace("fd", "vscode"))
    assert "Nothing was changed." in refused(world, "sync", "--from", origin)
    assert not world.config_dir.exists()
    common.write_text(common.read_text().replace("vscode", "fd"))
    assert "there is no folder dots" in refused(world, "sync", "--from", "dots")
    assert world.nixprof("sync", "--from", origin, "--json").json["packages"] == 3
    assert {**files(origin), **files(world.config_dir)} == files(world.config_dir)
    assert world.run("jq").startswith("jq ")
    agree(world)
    # It may be run again; a list that is another one by now is nobody's to overwrite.
    assert world.nixprof("sync", "--from", origin).stderr.startswith("✓ in sync: 3 packages")
    world.nixprof("remove", "hello")
    assert "already exists, and is not what" in refused(world, "sync", "--from", origin)
    # A list that was copied and not synced yet, as after a failure, is synced.
    world.new_home()
    world.nixprof("init", "--from", origin)
    assert world.nixprof("sync", "--from", origin, "--json").json["packages"] == 3


def test_a_new_list_starts_no_nix(world: World) -> None:
    empty = world.root / "empty"
    empty.mkdir()
    python = Path(world.env["PATH"].split(":")[1])
    world.command(python / "python3", "-m", "nixprof", "init", env={"PATH": str(empty)})
    assert world.manifest.is_file()
    assert leftovers(world) == []


@pytest.mark.parametrize("there", ["nixprof.toml", "more/work.toml", "common.toml"])
def test_nothing_that_is_there_is_overwritten(world: World, origin: Path, there: str) -> None:
    mine = world.config_dir / there
    mine.parent.mkdir(parents=True)
    mine.write_text("# mine\n")
    failed = world.nixprof("init", "--from", origin, check=False)
    assert failed.code == 1
    assert f"error: ~/.config/nixprof/{there} already exists" in failed.stderr
    assert files(world.config_dir) == {there: "# mine\n"}


def test_a_list_that_is_written_meanwhile_is_left_alone(world: World, origin: Path) -> None:
    world.enable_flakes()
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        world.command("git", "-C", origin, *command)
    folder, fetching, go = world.root / "slow-nix", world.root / "fetching", world.root / "go"
    folder.mkdir()
    real = world.env["PATH"].split(":")[0]
    (folder / "nix").write_text(
        f'#!/bin/sh\ncase " $* " in *" prefetch "*)\n: >{fetching}\n'
        f'while [ ! -e {go} ]; do sleep 0.02; done ;; esac\nexec {real}/nix "$@"\n'
    )
    (folder / "nix").chmod(0o755)
    path = f"{folder}:{world.env['PATH']}"
    with world.spawn("init", "--from", f"git+file://{origin}", env={"PATH": path}) as process:
        until(fetching.exists)
        world.write_manifest("packages = [] # mine\n")
        mine = files(world.config_dir)
        go.touch()
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "~/.config/nixprof/nixprof.toml already exists" in said
    assert files(world.config_dir) == mine


@pytest.mark.parametrize("name", ["../shared.toml", "more/../../shared.toml", "./../nixprof/../shared.toml"])
def test_nothing_is_written_outside_of_the_folder(world: World, origin: Path, name: str) -> None:
    (origin.parent / "shared.toml").write_text('packages = ["tree"]\n')
    text = (origin / "nixprof.toml").read_text()
    (origin / "nixprof.toml").write_text(text.replace("more/work.toml", name))
    failed = world.nixprof("init", "--from", origin, check=False)
    assert failed.code == 1
    assert f"error: the list includes {origin.parent}/shared.toml, which is outside of its folder" in failed.stderr
    assert not world.config_dir.exists()
    assert not (world.config_dir.parent / "shared.toml").exists()


def test_what_has_an_absolute_path_stays_where_it_is(world: World, origin: Path) -> None:
    shared = world.home / "shared.toml"
    shared.write_text('packages = ["tree"]\n')
    text = (origin / "nixprof.toml").read_text()
    (origin / "nixprof.toml").write_text(text.replace('"more/work.toml"', f'"{shared}", "~/shared.toml"'))
    world.nixprof("init", "--from", origin)
    assert list(files(world.config_dir)) == ["nixprof.toml"]
    assert shared.read_text() == 'packages = ["tree"]\n'
    assert {one["attrPath"][0] for one in world.nixprof("list", "--json").json["packages"]} == {"hello", "tree"}


def test_a_list_that_is_a_link_brings_what_it_includes(world: World, origin: Path) -> None:
    linked = world.root / "linked"
    linked.mkdir()
    (linked / "nixprof.toml").symlink_to(origin / "nixprof.toml")
    world.nixprof("init", "--from", linked)
    assert files(world.config_dir) == files(origin)


def test_killed_anywhere_it_can_be_said_again(world: World, origin: Path, sample: int) -> None:
    stages = Stages(world, ("init", "--from", str(origin)), staying=())
    assert len(stages.points) > 10
    for at, what in chosen(stages.points, max(1, sample // 6)):
        stages.disturbed(at, "kill")
        world.nixprof("init", "--from", origin, check=False)
        assert Standing.of(world).files == stages.new.files, what
        assert [path for path in leftovers(world) if path.name != "running.json"] == [], what
