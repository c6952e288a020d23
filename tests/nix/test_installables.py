"""Everything that can be typed after `add` and `remove`, on real Nix."""

import re
import subprocess
from pathlib import Path

import pytest
from support.claims import agree, lock, refused
from support.world import World


def listed(world: World) -> list[str]:
    return [entry["package"] for entry in world.nixprof("list", "--json").json["packages"]]


def inputs(world: World) -> dict[str, str]:
    """What is written under [inputs], by name."""
    table = world.manifest.read_text().partition("[inputs]")[2]
    return dict(re.findall(r'(?m)^([\w-]+)\s*=\s*"([^"]*)"', table))


def small_flake(folder: Path, system: str, *, repository: bool = False) -> Path:
    """A flake with the packages `x` and `default`, whose commands are named so."""
    folder.mkdir(parents=True)
    package = (
        f'name: derivation {{ inherit name; system = "{system}"; builder = "/bin/sh"; args = [ ./build ]; '
        'PATH = "/usr/bin:/bin"; outputs = [ "out" "man" ]; }'
    )
    (folder / "flake.nix").write_text(
        f"{{\n  outputs = _: let package = {package}; in {{\n"
        f'    packages.{system} = {{ x = package "x"; default = package "default"; }};\n  }};\n}}\n'
    )
    (folder / "build").write_text(
        "mkdir -p $out/bin $man/share; printf '#!/bin/sh\\necho %s\\n' $name >$out/bin/$name; "
        "chmod +x $out/bin/$name; echo manual >$man/share/$name.1\n"
    )
    if repository:
        git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
        for arguments in (["init", "--quiet", "-b", "main"], ["add", "."], ["commit", "--quiet", "-m", "one"]):
            subprocess.run([*git, *arguments], check=True)
    return folder


@pytest.fixture
def world(world: World) -> World:
    """With an empty list."""
    world.write_manifest("packages = []\n")
    return world


def test_every_form_of_a_spec(world: World) -> None:
    world.nixprof("add", "ripgrep", "python3Packages.black", "git^out,man", "nixpkgs#fd", '"zig-0.15"', "389-ds-base")
    assert listed(world) == ["ripgrep", "python3Packages.black", "git^out,man", "fd", '"zig-0.15"', "389-ds-base"]
    for program in ("rg", "black", "git", "fd", "zig", "ns-slapd"):
        assert (world.profile / "bin" / program).exists()
    assert (world.profile / "share/man/man1/git.1").exists()
    assert not (world.profile / "share/doc/git").exists()
    agree(world)


def test_a_flake_in_a_folder(world: World) -> None:
    folder = small_flake(world.home / "tools", world.system)
    world.nixprof("add", f"path:{folder}#x")
    assert inputs(world)["tools"] == f"path:{folder}"
    assert listed(world) == ["tools#x"]
    assert world.run("x") == "x"
    # The same flake by other words is the same input.
    world.nixprof("add", "./tools", cwd=world.home)
    world.nixprof("add", f"{folder}#x")
    assert listed(world) == ["tools#x", "tools#default"]
    assert list(inputs(world)) == ["nixpkgs", "tools"]
    assert world.run("default") == "default"
    agree(world)


def test_a_git_repository(world: World) -> None:
    folder = small_flake(world.home / "my.tools", world.system, repository=True)
    world.nixprof("add", f"git+file://{folder}")
    assert inputs(world)["my-tools"] == f"git+file://{folder}"
    assert world.run("default") == "default"
    world.nixprof("add", f"git+file://{folder}#x^man")
    assert listed(world) == ["my-tools#default", "my-tools#x^man"]
    assert (world.profile / "share/x.1").exists()
    assert not (world.profile / "bin/x").exists()
    # A folder that is a repository is taken as one.
    world.nixprof("add", "./my.tools#x^man")
    assert list(inputs(world)) == ["nixpkgs", "my-tools"]
    agree(world)


def test_two_flakes_of_one_name_and_one_command(world: World) -> None:
    one = small_flake(world.home / "a/tools", world.system)
    other = small_flake(world.home / "b/tools", world.system)
    (other / "build").write_text((other / "build").read_text().replace("$name >", "$name-b >"))
    world.nixprof("add", f"path:{one}#x", f"path:{other}#default")
    assert list(inputs(world)) == ["nixpkgs", "tools", "tools-2"]
    assert listed(world) == ["tools#x", "tools-2#default"]
    agree(world)


def test_a_name_of_the_registry(world: World) -> None:
    world.enable_flakes()
    world.nixprof("add", "flake:nixpkgs#hello")
    assert inputs(world) == {"nixpkgs": world.nixpkgs_url, "nixpkgs-2": "flake:nixpkgs"}
    assert world.run("hello") == "hello 2.12.1"
    agree(world)


def test_an_input_of_the_list(world: World) -> None:
    world.write_manifest(
        f'packages = []\n\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nunstable = "{world.nixpkgs_url}?ref=main"\n'
    )
    world.nixprof("add", "unstable#neovim", f"{world.nixpkgs_url}?ref=main#hello", f"{world.nixpkgs_url}#jq")
    assert listed(world) == ["unstable#neovim", "unstable#hello", "jq"]
    assert list(inputs(world)) == ["nixpkgs", "unstable"]
    agree(world)


def test_a_flake_that_cannot_be_had_leaves_no_trace(world: World) -> None:
    assert "gone" in refused(world, "add", f"path:{world.home}/gone#x")
    assert "there is no input oops" in refused(world, "add", "oops#x")
    folder = small_flake(world.home / "tools", world.system)
    said = refused(world, "add", f"path:{folder}#y")
    assert "there is no package y in tools" in said
    (folder / "flake.nix").write_text("{ outputs = _: { ")
    assert "syntax error" in refused(world, "add", f"path:{folder}#x")


def test_what_is_there_is_success_with_a_note(world: World) -> None:
    world.nixprof("add", "hello", "git^out,man")
    before = world.snapshot()
    for text in ("hello", "nixpkgs#hello", f"{world.nixpkgs_url}#hello", "git", "git^man,out"):
        result = world.nixprof("add", text)
        assert "is on the list already" in result.stderr
        assert world.snapshot() == before
    assert "git is on the list with other outputs, as git^out,man" in refused(world, "add", "git^doc")
    result = world.nixprof("add", "hello", "jq")
    assert "hello is on the list already" in result.stderr
    assert world.run("jq") == "jq 1.8.1"


def test_what_is_typed_twice_is_added_once(world: World) -> None:
    world.nixprof("add", "hello", "nixpkgs#hello", "hello")
    assert listed(world) == ["hello"]


def test_priority_and_pin_are_written(world: World) -> None:
    world.nixprof("add", "coreutils")
    world.nixprof("add", "busybox", "--priority", "3", "--pin")
    assert '{ package = "busybox", priority = 3, pin = true }' in world.manifest.read_text()
    assert world.run("ls") == "busybox 1.37.0"
    assert world.nixprof("list", "--json").json["packages"][1]["pinned"]
    agree(world)


def test_all_of_one_command_or_nothing(world: World) -> None:
    assert "there is no package jqq" in refused(world, "add", "hello", "jqq")
    world.nixprof("add", "hello", "jq")
    refused(world, "remove", "hello", "jqq")


def test_removal_by_several_kinds_of_names(world: World) -> None:
    world.nixprof("add", "hello", "ripgrep", "python3Packages.black", "git^out,man", "nodejs_22", '"zig-0.15"')
    world.nixprof("remove", "nixpkgs#ripgrep", "black", "git^out", "nodejs", "zig-0.15")
    assert listed(world) == ["hello"]
    assert list(lock(world)) == ["nixpkgs#hello"]
    agree(world)


def test_removal_of_what_a_flake_gave(world: World) -> None:
    folder = small_flake(world.home / "tools", world.system)
    world.nixprof("add", f"path:{folder}")
    assert listed(world) == ["tools#default"]
    world.nixprof("remove", "tools")
    assert listed(world) == []
    # By what was typed to add it.
    world.nixprof("add", "./tools#x")
    world.nixprof("remove", "./tools#x")
    assert listed(world) == []


def test_removal_of_what_is_not_there(world: World) -> None:
    world.nixprof("add", "ripgrep", "hello")
    said = refused(world, "remove", "ripgrp")
    assert "ripgrp is not on the list" in said
    assert "did you mean ripgrep? nixprof remove ripgrep" in said
    assert "to see the list: nixprof list" in refused(world, "remove", "something-else-altogether")


def test_removal_of_one_of_two_with_the_same_name(world: World) -> None:
    world.sync(
        'packages = ["hello", { package = "old#hello", priority = 9 }]\n\n'
        f'[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nold = "{world.nixpkgs_url}?ref=main"\n'
    )
    world.nixprof("remove", "old#hello")
    assert listed(world) == ["hello"]
    assert "old" in inputs(world)


def test_removal_by_a_name_that_two_have(world: World) -> None:
    world.sync(
        'packages = [{ package = "old#hello", priority = 9 }, { package = "new#hello", priority = 8 }]\n\n'
        f'[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nold = "{world.nixpkgs_url}?ref=main"\n'
        f'new = "{world.nixpkgs_url}?ref=HEAD"\n'
    )
    said = refused(world, "remove", "hello")
    assert "nixprof remove old#hello" in said
    assert "nixprof remove new#hello" in said


@pytest.mark.parametrize("alias", ["rm", "uninstall"])
def test_aliases(world: World, alias: str) -> None:
    world.nixprof("install", "hello")
    world.nixprof(alias, "hello")
    assert world.nixprof("ls", "--json").json["packages"] == []
    world.nixprof("upgrade")
    world.nixprof("up")


def test_a_flake_within_a_repository_brings_only_what_git_knows(world: World) -> None:
    repository = small_flake(world.home / "all", world.system, repository=True)
    inner = small_flake(repository / "inner", world.system)
    (inner / "build").unlink()
    (inner / "flake.nix").write_text((inner / "flake.nix").read_text().replace("./build", "../build"))
    (repository / ".gitignore").write_text(".env\n")
    (inner / ".env").write_text(f"secret of {world.root}\n")
    git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "two"], check=True)
    world.nixprof("add", "./inner#x", cwd=repository)
    assert inputs(world)["all"] == f"git+file://{repository}?dir=inner"
    assert world.run("x") == "x"
    secrets = (path.read_text() for path in world.store.store_dir.glob("*-source/**/.env"))
    assert f"secret of {world.root}\n" not in secrets
    # What is not committed has no revision, which Nix locks from 2.26 on.
    (inner / "flake.nix").write_text((inner / "flake.nix").read_text().replace("manual", "book"))
    (repository / "build").write_text((repository / "build").read_text() + "# changed\n")
    if world.install.release < (2, 26):
        world.nixprof("update", "--yes")
        return
    for command in (("update",), ("add", f"{inner}#default", f"{repository}#x")):
        said = refused(world, *command)
        assert "the input all" in said
        assert "its git repository has changes that are not committed" in said
        assert "git -C ~/all commit --all" in said
        assert "nixprof-tmp" not in said
