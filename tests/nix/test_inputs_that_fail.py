"""Inputs that fail late: gone when a package is resolved, without the overlay, with a mistake in them."""

import pytest
from support.claims import refused
from support.world import World


def flake(world: World, name: str, text: str) -> str:
    folder = world.home / name
    folder.mkdir()
    (folder / "flake.nix").write_text(text)
    return f"path:{folder}"


def manifest(world: World, packages: str, **inputs: str) -> str:
    lines = "".join(f'{name} = "{url}"\n' for name, url in inputs.items())
    return f'packages = [{packages}]\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n{lines}'


def test_an_input_that_is_gone_when_a_package_is_resolved(fresh_world: World) -> None:
    world = fresh_world
    tool = f'derivation {{ name = "x"; system = "{world.system}"; builder = "/bin/sh"; args = [ "-c" ">$out" ]; }}'
    url = flake(world, "tools", f"{{ outputs = _: {{ packages.{world.system} = rec {{ x = {tool}; y = x; }}; }}; }}")
    world.sync(manifest(world, '"tools#x"', tools=url))
    world.write_manifest(manifest(world, '"tools#x", "tools#y", "hello"', tools=url))
    world.command("rm", "-r", world.home / "tools")
    world.command("nix-store", "--gc")
    said = refused(world, "sync")
    assert "error: cannot fetch the input tools: there is no folder ~/tools" in said
    assert f'tools = "{url}"' in said
    assert "nixprof remove" not in said


@pytest.mark.parametrize("packages", ['"jq"', '"jq", "hello"'])
def test_an_input_without_an_overlay(world: World, packages: str) -> None:
    url = flake(world, "plain", "{ outputs = _: { }; }")
    text = manifest(world, packages, plain=url)
    world.write_manifest(f'{text}[nixpkgs]\noverlays = ["plain"]\n')
    said = refused(world, "sync")
    assert "error: the input plain has no overlay, and [nixpkgs] names it under overlays" in said
    assert "nixprof remove" not in said
    assert ".nix:" not in said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{ outputs = _: { ; }", "syntax error, unexpected ';'"),
        ("{ outputs = _: x; }", "undefined variable 'x'"),
        ("[ ]", "must be an attribute set"),
        ("{ inputs.x.url = 7; outputs = _: { }; }", "but got an integer"),
    ],
)
def test_an_input_with_a_mistake(world: World, text: str, why: str) -> None:
    world.sync('packages = ["jq"]\n')
    url = flake(world, "bad", text)
    world.write_manifest(manifest(world, '"jq", "bad#x"', bad=url))
    said = refused(world, "sync")
    assert "error: cannot fetch the input bad: there is a mistake in its flake.nix\ncause: " in said
    assert why in said
    assert "/flake.nix" in said


def test_a_lock_that_is_damaged_goes_by_its_own_name(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    (world.flake / "flake.lock").write_text('{ "nodes": 7 }')
    for words in (["add", "jq"], ["sync"], ["update"]):
        said = refused(world, *words)
        assert "error: ~/.config/nixprof/flake/flake.lock is not a lock file that Nix wrote" in said
        assert "rm ~/.config/nixprof/flake/flake.lock" in said
    world.command("rm", world.flake / "flake.lock")
    world.nixprof("add", "jq")
