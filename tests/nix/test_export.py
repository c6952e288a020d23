"""`export`: what the tools that run here make of the list."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

from support.claims import lock, refused
from support.world import World

LIST = """
packages = [
  "hello",
  {{ package = "git^out,man", pin = true }},
  {{ package = "coreutils", priority = 7 }},
  'nodePackages."@angular/cli"',
  "vscode",
  "brokenpkg",
  "other#ripgrep",
  {{ package = "helix#default", pin = true }},
]

[inputs]
nixpkgs = "{nixpkgs}"
other = "{nixpkgs}"
helix = {{ url = "{helix}", follows = {{ nixpkgs = "nixpkgs" }} }}

[nixpkgs]
allow-unfree = ["vscode"]
allow-broken = ["brokenpkg"]
overlays = ["helix"]

[system.darwin]
packages = ["mas"]
"""
# What stands for home-manager: it links the packages of a module.
_HOME = """
let
  pkgs = (builtins.getFlake "{nixpkgs}?rev={rev}").legacyPackages.{system};
  module = import {module} {{ inherit pkgs; inherit (pkgs) lib; }};
in
pkgs.buildEnv {{ name = "home"; paths = module.home.packages; }}
"""


def locked(world: World) -> set[str]:
    """The store paths that are locked for this machine."""
    found = {key: one["systems"].get(world.system) for key, one in lock(world).items()}
    return {
        one["outputs"][output]
        for key, one in found.items()
        if one
        for output in (["out", "man"] if key == "nixpkgs#git" else one["outputsToInstall"])
    }


def linked(world: World, environment: str) -> set[str]:
    """The packages that an environment links, without what checks them."""
    references = world.command("nix-store", "--query", "--references", environment).stdout.split()
    return {path for path in references if not path.endswith("-check")}


def test_what_nix_makes_of_the_list_is_the_list(world: World) -> None:
    helix = world.publish_helix()
    git = ("git", "-C", world.root / "helix", "-c", "user.name=a", "-c", "user.email=a@example.org")
    world.nix("flake", "lock", helix)  # as flakes are published
    world.command(*git, "add", "flake.lock")
    world.command(*git, "commit", "-qm", "lock")
    world.sync(LIST.format(nixpkgs=world.nixpkgs_url, helix=helix))
    world.update("nixpkgs")
    assert lock(world)["nixpkgs#git"]["held"]
    [hello] = [path for path in locked(world) if "hello" in path]
    assert hello.endswith("-overlay")  # by its version

    # No Nix is needed for any of it.
    without = {"PATH": "/nowhere", "NIX_REMOTE": "daemon"}
    flake, module, shell = (world.home / name for name in ("flake", "packages.nix", "shell.nix"))
    said = world.nixprof("export", "flake", "--output", flake, env=without)
    assert said.stderr == (
        "not expressed in flake:\n  mas  left out: only on darwin\n"
        "✓ 8 packages written to ~/flake/flake.nix and ~/flake/flake.lock\n"
    )
    built = world.nix("build", "--no-link", "--json", "--no-update-lock-file", f"path:{flake}").json
    environment = built[0]["outputs"]["out"]
    assert linked(world, environment) == locked(world)

    shell.write_text(world.nixprof("export", "shell", env=without).stdout)
    run = ("nix-shell", "--extra-experimental-features", "nix-command flakes", shell, "--run", "hello; git; rg; hx")
    shown = world.command(*run).stdout.splitlines()
    assert shown == ["hello 2.12.2-overlay", "git 2.51.0", "ripgrep 14.1.1", "helix 25.07"]

    world.nixprof("export", "home-manager", "-o", module, env=without)
    rev = world.command("git", "-C", world.nixpkgs, "rev-parse", "HEAD").stdout.strip()
    text = _HOME.format(nixpkgs=world.nixpkgs_url, rev=rev, system=world.system, module=module)
    built = world.nix("build", "--impure", "--no-link", "--json", "--expr", text).json[0]["outputs"]["out"]
    ours = {path for path in locked(world) if "helix" not in path}  # which has a nixpkgs of its own there
    assert linked(world, built) >= ours
    found = {one["feature"] for one in world.nixprof("export", "nixos", "--json").json["notExpressed"]}
    assert found >= {"follows", "flakes"}
    world.write_manifest(
        f'packages = ["fd", {{ package = "git", pin = true }}]\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n'
    )
    world.nixprof("sync", "--yes")
    said = world.nixprof("export", "shell", "--output", shell, "--yes")
    assert said.stderr == "✓ 2 packages written to ~/shell.nix\n"
    assert world.command("nix-shell", shell, "--run", "fd; git").stdout.splitlines() == ["fd 10.3.0", "git 2.51.0"]


def test_a_file_is_only_replaced_if_the_user_agrees(world: World) -> None:
    world.write_manifest('packages = ["hello", "jq"]\n[host.other]\npackages = ["fd"]\n')
    assert world.nixprof("export", "plain").stdout == "hello\njq\n"
    target = world.home / "new" / "Brewfile"
    assert world.nixprof("export", "brewfile", "-n", "-o", target).stderr.endswith(
        "dry run: would write ~/new/Brewfile (nothing was written)\n"
    )
    assert not target.parent.exists()
    world.nixprof("export", "brewfile", "-o", target)
    text = target.read_text()
    assert text.endswith('\nbrew "hello"\nbrew "jq"\n')
    world.nixprof("export", "brewfile", "-o", target.parent)  # it says the same: nobody is asked
    target.write_text("mine\n")
    said = refused(world, "export", "brewfile", "-o", target)
    assert "cause: ~/new/Brewfile would be replaced\nhint:  to go ahead: nixprof export brewfile" in said
    assert said.endswith("--yes\nNothing was changed.\n")
    assert target.read_text() == "mine\n"
    shown = world.nixprof_on_terminal("export", "brewfile", "-o", target, typed="\n").stdout
    assert "? [y/N]" in shown
    assert shown.endswith("Nothing was changed.\n")
    assert "not expressed" not in shown
    assert target.read_text() == "mine\n"
    world.nixprof("export", "brewfile", "-o", target, "--yes")
    assert target.read_text() == text

    for words, told in {
        "nothing": "is not one of",
        "flox --system linux": "linux is not a system",
        "brewfile --system=darwin -n": "aarch64-darwin? nixprof export brewfile --system=aarch64-darwin -n",
        "plain --system x86_64-linux --system aarch64-darwin": "one system at a time",
        "image": "an image is written to a file",
        "image -o x --system aarch64-darwin": "an image is for Linux",
    }.items():
        wrong = world.nixprof("export", *words.split(), check=False)
        assert (wrong.code, told in wrong.stderr, wrong.stdout) == (2, True, ""), wrong
    for mine in (world.manifest, world.flake / "flake.nix"):
        assert "belongs to the list itself" in refused(world, "export", "plain", "--yes", "-o", mine)
    found = world.nixprof("export", "flox", "--system", "arm64-macos", "--json").json
    assert found["systems"] == ["aarch64-darwin"]
    assert Path(
        world.nixprof("export", "flake", "--json", "-o", target.parent / "flake.nix").json["places"][0]
    ).exists()


def test_an_image_has_the_locked_paths_and_what_they_need(world: World) -> None:
    world.sync('packages = ["git^out,man", "ripgrep"]\n[system.darwin]\npackages = ["mas"]\n')
    file = world.home / "image.tar"
    said = world.nixprof("export", "image", "-o", file).stderr
    assert said == "not in the image:\n  mas  left out: only on darwin\n✓ 2 packages written to ~/image.tar\n"
    before = file.read_bytes()
    assert "~/image.tar would be replaced" in refused(world, "export", "image", "-o", file)
    world.nixprof("export", "image", "-o", file, "--yes")
    assert file.read_bytes() == before  # the same list, the same image

    root = world.home / "root"
    with tarfile.open(file) as archive:
        for member in archive.getmembers():
            kind, _, digest = member.name.rpartition("/")
            if kind:
                assert hashlib.sha256(_content(archive, member.name)).hexdigest() == digest
        [for_docker] = json.loads(_content(archive, "manifest.json"))
        [found] = json.loads(_content(archive, "index.json"))["manifests"]
        manifest = json.loads(_content(archive, f"blobs/{found['digest'].replace(':', '/')}"))
        config = json.loads(_content(archive, for_docker["Config"]))
        digests = [layer["digest"] for layer in manifest["layers"]]
        assert config["rootfs"]["diff_ids"] == digests
        assert for_docker["Layers"] == [f"blobs/{one.replace(':', '/')}" for one in digests]
        for layer in for_docker["Layers"]:
            with tarfile.open(fileobj=io.BytesIO(_content(archive, layer))) as files:
                files.extractall(root, filter="tar")
    assert (config["os"], config["config"]["Env"]) == ("linux", ["PATH=/bin"])

    # Each link leads to what is there, and there is just what the environment needs.
    store = root / str(world.store.store_dir).lstrip("/")
    environment = Path(os.readlink(root / "bin")).parent
    needed = world.closure(environment)
    assert {f"{world.store.store_dir}/{one.name}" for one in store.iterdir()} == needed > locked(world)
    for path in needed:
        for one in (path, *map(str, Path(path).rglob("*"))):
            copy = root / one.lstrip("/")
            if os.path.islink(one):
                assert os.readlink(copy) == os.readlink(one)
            elif os.path.isfile(one):
                assert copy.read_bytes() == Path(one).read_bytes()
                assert os.access(copy, os.X_OK) == os.access(one, os.X_OK)
    assert sorted(os.listdir(environment / "bin")) == ["git", "rg"]
    assert not list(world.home.glob(".nixprof-*"))

    other = "aarch64-linux" if world.system != "aarch64-linux" else "x86_64-linux"
    assert f'add "{other}" to systems in the list' in refused(world, "export", "image", "-o", file, "--system", other)
    world.write_manifest(f'packages = ["ripgrep"]\nsystems = ["{world.system}", "{other}"]\n')
    world.nixprof("sync", "--yes")
    said = refused(world, "export", "image", "--yes", "-o", file, "--system", other)
    assert f"error: in no cache for {other}: ripgrep\n" in said
    assert file.read_bytes() == before


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    found = archive.extractfile(name)
    assert found, name
    return found.read()
