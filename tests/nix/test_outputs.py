"""The generated flake: what nixprof installs is what a person would have written, and plain Nix can use it."""

import json
from pathlib import Path

import pytest
from support.claims import lock
from support.world import World

HELIX = '\n[inputs]\nnixpkgs = "{nixpkgs}"\nhelix = {{ url = "{helix}", follows = {{ nixpkgs = "nixpkgs" }} }}\n'

MANIFESTS = {
    "default outputs": 'packages = ["hello", "git", "big"]\n',
    "chosen outputs": 'packages = ["git^out,man", "ripgrep^out"]\n',
    "one output that is not the first": 'packages = ["git^doc"]\n',
    "all outputs": 'packages = ["git^*", "hello^*"]\n',
    "ranked by hand": 'packages = ["coreutils", { package = "busybox", priority = 4 }]\n',
    "ranked by hand the other way round": 'packages = ["coreutils", { package = "busybox", priority = 6 }]\n',
    "ranked below zero": 'packages = ["coreutils", { package = "busybox", priority = -3 }]\n',
    "ranked by the package": 'packages = ["toybox", "coreutils"]\n',
    "ranked by the package and by hand": 'packages = ["coreutils", { package = "toybox", priority = 1 }]\n',
    "many files ranked": 'packages = ["vim", { package = "vim-full", priority = 7 }]\n',
    "identical files": 'packages = ["coreutils", "uutils"]\n',
    "identical and ranked files": 'packages = ["uutils", { package = "busybox", priority = 9 }, "coreutils"]\n',
    "sets of packages": 'packages = ["python3Packages.black", "nerd-fonts.jetbrains-mono"]\n',
    "names in quotes": 'packages = [\'"zig-0.15"\', \'nodePackages."@angular/cli"\', "389-ds-base"]\n',
    "no package": "packages = []\n",
    "unfree by name": 'packages = ["vscode"]\n[nixpkgs]\nallow-unfree = ["vscode"]\n',
    "unfree altogether": 'packages = ["vscode", "spotify"]\n[nixpkgs]\nallow-unfree = true\n',
    "insecure": 'packages = ["openssl_1_1"]\n[nixpkgs]\nallow-insecure = ["openssl-1.1.1w"]\n',
    "broken by name": 'packages = ["brokenpkg"]\n[nixpkgs]\nallow-broken = ["brokenpkg"]\n',
    "broken altogether": 'packages = ["brokenpkg", "hello"]\n[nixpkgs]\nallow-broken = true\n',
    "another flake": 'packages = ["hello", "helix#helix"]\n' + HELIX,
    "another flake's default": 'packages = ["helix#default"]\n' + HELIX,
    "an overlay": 'packages = ["hello", "nixpkgs#helix"]\n' + HELIX + '[nixpkgs]\noverlays = ["helix"]\n',
    "an overlay and a licence": (
        'packages = ["hello", "vscode", "helix#helix"]\n'
        + HELIX
        + '[nixpkgs]\noverlays = ["helix"]\nallow-unfree = true\n'
    ),
    "only for an OS": '[system.linux]\npackages = ["strace"]\n[system.darwin]\npackages = ["hello", "mas"]\n',
}


def write(world: World, text: str) -> None:
    if HELIX in text:
        text = text.replace(HELIX, HELIX.format(nixpkgs=world.nixpkgs_url, helix=world.publish_helix()))
    world.write_manifest(text)


def tree(world: World, output: str) -> dict[str, str]:
    [path] = world.build(f"path:{world.flake}#{output}")
    return world.tree(Path(path))


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS.keys())
def test_both_outputs_link_the_same_files(world: World, manifest: str) -> None:
    write(world, manifest)
    world.nixprof("sync")
    ours = tree(world, "nixprof")
    assert ours == tree(world, "default")
    assert ours == world.tree()
    assert bool(ours) == (manifest != MANIFESTS["no package"])


def test_both_outputs_link_the_same_files_of_a_held_package(world: World) -> None:
    world.sync('packages = ["hello", "ripgrep", { package = "git^*", pin = true }]\n')
    world.update("hello")
    ours = tree(world, "nixprof")
    assert ours == tree(world, "default")
    assert "hello-2.12.2" in ours["bin/hello"]
    assert "ripgrep-14.1.1" in ours["bin/rg"]
    world.nixprof("update")
    ours = tree(world, "nixprof")
    assert ours == tree(world, "default")
    assert "git-2.51.0" in ours["bin/git"]


def test_both_outputs_of_a_list_that_is_held_altogether(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    world.update("hello")
    assert tree(world, "nixprof") == tree(world, "default")


def test_both_outputs_of_a_host(world: World) -> None:
    host = world.command("uname", "-n").stdout.strip().partition(".")[0].lower()
    world.sync(f'packages = ["hello"]\n[host."{host}"]\npackages = ["ripgrep"]\n[host.another]\npackages = ["tree"]\n')
    ours = tree(world, f"hosts.{host}.nixprof")
    assert ours == tree(world, f"hosts.{host}.default") == world.tree()
    assert "bin/rg" in ours
    assert "bin/tree" not in ours
    # Whoever is no host that the list knows gets what everybody gets.
    assert "bin/rg" not in tree(world, "nixprof")
    assert tree(world, "nixprof") == tree(world, "default")


def test_the_plain_output_does_without_packages_json(world: World) -> None:
    world.sync('packages = ["hello", "git^*"]\n')
    copy = world.home / "copy"
    copy.mkdir()
    for file in world.flake.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "packages.json").unlink()
    [path] = world.build(f"path:{copy}#default")
    assert world.tree(Path(path)) == world.tree()


def test_the_locked_output_fetches_no_input(fresh_world: World) -> None:
    world = fresh_world
    helix = world.publish_helix()
    world.sync(
        f'packages = ["hello", "vscode", "helix#helix"]\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n'
        f'helix = "{helix}"\n[nixpkgs]\nallow-unfree = true\noverlays = ["helix"]\n'
    )
    world.nixpkgs.rename(world.root / "gone")
    (world.root / "helix").rename(world.root / "gone too")
    # Neither from the store, nor from a cache of Nix's own.
    (world.home / ".cache").rename(world.home / "no cache")
    for source in world.store.store_dir.glob("*-source"):
        if not (source / "packages.json").exists():
            world.command("nix-store", "--delete", "--ignore-liveness", source)
    [path] = world.build(f"path:{world.flake}#nixprof")
    assert world.tree(Path(path)) == world.tree()
    failed = world.nix("build", "--no-link", f"path:{world.flake}#default", check=False)
    assert failed.code != 0


def test_every_system_of_the_list_has_its_environment(world: World) -> None:
    other = "aarch64-darwin"
    world.sync(f'packages = ["hello"]\nsystems = ["{world.system}", "{other}"]\n[system.darwin]\npackages = ["mas"]\n')
    assert set(lock(world)["nixpkgs#hello"]["systems"]) == {world.system, other}
    assert set(lock(world)["nixpkgs#mas"]["systems"]) == {other}
    drv = world.eval(f"path:{world.flake}#packages.{world.system}.nixprof.drvPath")
    plain = world.eval(f"path:{world.flake}#packages.{other}.default.drvPath")
    assert drv != plain


@pytest.mark.parametrize("manifest", ["no package", "chosen outputs", "an overlay and a licence", "only for an OS"])
def test_nix_finds_nothing_wrong_with_the_folder(world: World, manifest: str) -> None:
    write(world, MANIFESTS[manifest])
    world.nixprof("sync")
    world.nix("flake", "show", f"path:{world.flake}")
    world.nix("flake", "check", "--no-build", f"path:{world.flake}")
    shown = json.dumps(world.nix("flake", "show", "--json", f"path:{world.flake}").json)
    assert "nixprof" in shown


def test_the_folder_is_the_same_on_every_machine(world: World, tmp_path: Path) -> None:
    world.sync('packages = ["hello", "ripgrep"]\n[host.another]\npackages = ["jq"]\n')
    before = {path.name: path.read_bytes() for path in world.flake.iterdir()}
    assert set(before) == {"flake.nix", "flake.lock", "nixprof.nix", "packages.json", "manifest.json"}
    assert str(world.home) not in "".join(data.decode() for data in before.values())
    assert str(tmp_path) not in before["nixprof.nix"].decode()
    world.nixprof("add", "tree")
    world.nixprof("remove", "tree")
    assert {path.name: path.read_bytes() for path in world.flake.iterdir()} == before
