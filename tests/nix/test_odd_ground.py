"""Homes and folders with odd names, links in all places, and files that cannot be written."""

import subprocess
from pathlib import Path

import pytest
from conftest import MakeWorld
from support.claims import agree, always_there, ours, refused
from support.world import World

ODD = "a b#c%20d?e&f='g\"hé$i`"


@pytest.fixture
def odd_world(make_world: MakeWorld) -> World:
    return make_world(home=ODD)


def test_every_command_in_a_home_with_an_odd_name(odd_world: World) -> None:
    world = odd_world
    world.nixprof("init")
    world.manifest.write_text(world.manifest.read_text() + f'\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n')
    world.nixprof("add", "hello", "ripgrep")
    assert world.run("hello") == "hello 2.12.1"
    world.nixprof("remove", "ripgrep")
    assert not (world.profile / "bin/rg").exists()
    world.update()
    assert world.run("hello") == "hello 2.12.2"
    agree(world)
    assert "in sync" in world.nixprof("sync").stderr


def test_a_package_moves_alone_in_a_home_with_an_odd_name(odd_world: World) -> None:
    world = odd_world
    world.sync('packages = ["hello", "ripgrep"]\n')
    world.update("hello")
    assert world.run("hello") == "hello 2.12.2"
    assert world.run("rg") == "ripgrep 14.1.1"
    agree(world)


def test_no_link_is_left_behind_in_tmp(odd_world: World) -> None:
    world = odd_world
    world.write_manifest('packages = ["hello"]\n')
    before = {path.name for path in Path("/tmp").glob("nixprof-*")}
    world.nixprof("sync")
    mine = {path.name for path in Path("/tmp").glob("nixprof-*/to") if world.home in path.resolve().parents}
    assert mine - before == set()


@pytest.mark.parametrize("variable", ["NIXPROF_CONFIG_DIR", "XDG_CONFIG_HOME"])
def test_the_config_folder_that_a_variable_names(world: World, variable: str) -> None:
    chosen = world.home / ODD
    world.extra_env[variable] = str(chosen)
    world.config_dir = chosen if variable == "NIXPROF_CONFIG_DIR" else chosen / "nixprof"
    world.manifest = world.config_dir / "nixprof.toml"
    world.flake = world.config_dir / "flake"
    world.sync('packages = ["hello"]\n')
    assert world.run("hello") == "hello 2.12.1"
    assert (world.flake / "packages.json").is_file()
    assert not (world.home / ".config").exists()
    agree(world)


def test_a_relative_config_folder_is_below_the_current_one(world: World) -> None:
    (world.home / "here").mkdir()
    world.extra_env["NIXPROF_CONFIG_DIR"] = "mine"
    world.nixprof("init", cwd=world.home / "here")
    assert (world.home / "here/mine/nixprof.toml").is_file()


def test_a_manifest_that_is_a_link_stays_one(world: World) -> None:
    dotfiles = world.home / "dotfiles"
    dotfiles.mkdir()
    target = dotfiles / "packages of mine.toml"
    target.write_text(f'packages = [] # mine\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n')
    world.config_dir.mkdir(parents=True)
    world.manifest.symlink_to("../../dotfiles/packages of mine.toml")
    world.nixprof("add", "hello")
    assert world.manifest.is_symlink()
    assert not target.is_symlink()
    assert target.read_text().startswith('packages = ["hello"] # mine\n')
    assert [path.name for path in dotfiles.iterdir()] == [target.name]
    agree(world)


@pytest.mark.parametrize("linked", ["nixprof", "flake"])
def test_a_folder_that_is_a_link_stays_one(world: World, linked: str) -> None:
    link = world.config_dir if linked == "nixprof" else world.flake
    target = world.home / "dot files" / linked
    target.mkdir(parents=True)
    link.parent.mkdir(parents=True)
    link.symlink_to(target)
    world.sync('packages = ["hello"]\n')
    world.nixprof("add", "ripgrep")
    assert link.is_symlink()
    assert (target / ("nixprof.toml" if linked == "nixprof" else "flake.nix")).is_file()
    assert world.run("rg") == "ripgrep 14.1.1"
    agree(world)


def test_nothing_beside_the_generated_folder_reaches_the_store(fresh_world: World) -> None:
    world = fresh_world
    world.write_manifest('packages = ["hello"]\n')
    (world.config_dir / ".env").write_text("token=secret-in-a-file\n")
    git = ["git", "-C", str(world.config_dir), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", ".env"], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "secret-in-git"], check=True)
    world.nixprof("sync")
    world.nixprof("add", "ripgrep")
    assert world.run("rg") == "ripgrep 14.1.1"
    found = subprocess.run(
        ["grep", "-rlE", "secret-in-", str(world.store.store_dir)], capture_output=True, text=True, check=False
    )
    assert found.stdout == ""
    # The search itself finds what is there.
    assert subprocess.run(["grep", "-rqF", "ripgrep", str(world.store.store_dir)], check=False).returncode == 0
    assert [path for path in world.store.store_dir.iterdir() if (path / ".git").exists()] == []


@pytest.mark.parametrize("name", ["elsewhere", ODD])
def test_a_config_folder_that_has_moved_is_put_right_without_a_gap(world: World, name: str) -> None:
    world.sync('packages = ["hello"]\n')
    moved = world.home / name
    world.config_dir.rename(moved)
    world.extra_env["NIXPROF_CONFIG_DIR"] = str(moved)
    world.flake = moved / "flake"
    with always_there(world.profile / "bin/hello"):
        world.nixprof("sync")
    assert len(ours(world)) == 1
    [element] = world.profile_elements()
    assert str(world.home / ".config") not in (element.original_url or "")
    assert "in sync" in world.nixprof("sync").stderr
    with always_there(world.profile / "bin/hello"):
        world.nixprof("add", "ripgrep")
    agree(world)


def test_a_manifest_that_is_marked_read_only_is_left_alone(world: World) -> None:
    world.sync("packages = []\n")
    world.manifest.chmod(0o444)
    assert "cannot write ~/.config/nixprof/nixprof.toml" in refused(world, "add", "hello")
    world.manifest.chmod(0o640)
    world.nixprof("add", "hello")
    assert world.manifest.stat().st_mode & 0o777 == 0o640


def test_a_manifest_in_the_store_is_named_and_left_alone(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    stored = world.command("nix-store", "--add", world.manifest).stdout.strip()
    world.manifest.unlink()
    world.manifest.symlink_to(stored)
    world.nixprof("sync")
    assert world.run("hello") == "hello 2.12.1"
    text = Path(stored).read_bytes()
    for command in (["add", "ripgrep"], ["remove", "hello"]):
        said = refused(world, *command)
        assert "cannot write ~/.config/nixprof/nixprof.toml" in said
        assert stored in said
    assert world.manifest.is_symlink()
    assert Path(stored).read_bytes() == text


@pytest.mark.parametrize("trailing", ["", "/"])
def test_a_temporary_folder_with_an_odd_name(world: World, trailing: str) -> None:
    temporary = world.home / ODD
    temporary.mkdir()
    world.extra_env["TMPDIR"] = f"{temporary}{trailing}"
    world.sync('packages = ["hello"]\n')
    world.nixprof("add", "ripgrep")
    assert world.run("rg") == "ripgrep 14.1.1"
    agree(world)
    # Nix leaves folders of its own there, nixprof does not.
    assert list(temporary.glob("nixprof-*")) == []


def test_an_input_in_a_folder_with_an_odd_name(world: World) -> None:
    folder = world.home / "my flake"
    folder.mkdir()
    thing = (
        f'derivation {{ name = "thing-1.0"; system = "{world.system}"; builder = "/bin/sh"; args = [ "-c" COMMAND ]; }}'
    )
    thing = thing.replace(
        "COMMAND", '"/bin/mkdir -p $out/bin; echo echo hi >$out/bin/thing; /bin/chmod +x $out/bin/thing"'
    )
    (folder / "flake.nix").write_text(f"{{ outputs = _: {{ packages.{world.system}.thing = {thing}; }}; }}\n")
    world.write_manifest("packages = []\n")
    if world.install.release < (2, 26):  # Nix itself has no way to write it
        assert "error:" in refused(world, "add", "./my flake#thing")
        return
    world.nixprof("add", "./my flake#thing")
    assert '"path:' in world.manifest.read_text()
    assert "/my%20flake" in world.manifest.read_text()
    assert (world.profile / "bin/thing").is_file()


def test_generated_files_that_are_links_as_stow_makes_them(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    dotfiles = world.home / "dotfiles/nixprof/flake"
    dotfiles.mkdir(parents=True)
    for file in list(world.flake.iterdir()):
        file.rename(dotfiles / file.name)
        file.symlink_to(f"../../../dotfiles/nixprof/flake/{file.name}")
    # The profile's element is of the folder where the files were before.
    assert world.nixprof("status", "--check", check=False).code == 3
    world.nixprof("sync")
    assert world.nixprof("status", "--check").code == 0
    world.nixprof("add", "jq")
    assert world.run("jq").startswith("jq ")
    assert all(file.is_symlink() for file in world.flake.iterdir())
    assert "jq" in (dotfiles / "packages.json").read_text()
    agree(world)
    assert "in sync" in world.nixprof("sync").stderr
