"""Store paths that packages, locks and profiles name: whatever is no path of this store reaches no command of Nix."""

import json
from pathlib import Path

import pytest
from support.claims import refused
from support.scripts import in_front
from support.world import World

OPTION = "--plugin-files"


@pytest.fixture
def watched(world: World) -> tuple[World, Path]:
    """A world that notes the arguments of every command of Nix."""
    notes = world.root / "arguments"
    notes.touch()
    commands = Path(world.env["PATH"].split(":")[0]).iterdir()
    noting = {one.name: f'printf "%s\\n" "$@" >>{notes}\nexec {one} "$@"' for one in commands}
    world.extra_env |= in_front(world, noting)
    return world, notes


@pytest.mark.parametrize("output", ["outPath", "drvPath"])
def test_a_package_whose_path_is_an_option(watched: tuple[World, Path], output: str) -> None:
    world, notes = watched
    folder = world.home / "odd"
    folder.mkdir()
    (folder / "flake.nix").write_text(
        f"""{{ outputs = _: {{ packages.{world.system}.tool = derivation {{
          name = "tool-1.0"; system = "{world.system}"; outputs = [ "out" "lib" ]; builder = "/bin/sh";
        }} // {{ {output} = "{OPTION}"; lib.outPath = "{folder}/library.so"; out.outPath = "{OPTION}";
          meta.outputsToInstall = [ "out" "lib" ]; }}; }}; }}"""
    )
    world.write_manifest("packages = []\n")
    for more in (["--dry-run"], []):
        said = refused(world, "add", f"path:{folder}#tool", *more)
        assert "tool" in said
        assert "which is not a store path" in said
    assert OPTION not in notes.read_text().splitlines()
    assert f"{folder}/library.so" not in notes.read_text().splitlines()
    assert "eval" in notes.read_text().splitlines()  # it does note what there is


@pytest.mark.parametrize("path", [OPTION, "/elsewhere/store/HASH-jq-1.0"])
def test_a_lock_with_paths_that_are_none(watched: tuple[World, Path], path: str) -> None:
    world, notes = watched
    world.sync('packages = ["hello"]\n')
    file = world.flake / "packages.json"
    data = json.loads(file.read_text())
    [resolved] = data["packages"]["nixpkgs#hello"]["systems"].values()
    path = path.replace("HASH", "0" * 32)
    resolved["outputs"]["out"] = path
    file.write_text(json.dumps(data))
    said = refused(world, "sync")
    assert (
        f"error: ~/.config/nixprof/flake/packages.json is damaged\ncause: '{path}' is not a path in the store" in said
    )
    theirs = world.root / "theirs"
    world.config_dir.rename(theirs)
    assert "is damaged" in refused(world, "init", "--from", theirs)
    assert not world.manifest.exists()
    assert path not in notes.read_text().splitlines()


def test_a_profile_with_paths_that_are_none(world: World) -> None:
    file = world.home / "manifest.json"
    element = {"active": True, "storePaths": [OPTION], "priority": 5}
    file.write_text(json.dumps({"version": 3, "elements": {"x": element}}))
    said = refused(world, "freeze", "--from", file)
    assert f"is not the manifest of a Nix profile\ncause: '{OPTION}' is not a path in the store" in said
    file = world.home / "list"
    file.write_text(f"0 flake:nixpkgs#hello github:NixOS/nixpkgs/x#hello {OPTION}\n")
    assert f"cause: '{OPTION}' is not a path in the store" in refused(world, "freeze", "--from", file)
