"""From a manifest to flake.nix: literal text, and data that stays data whatever is in it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.lists import FILE, HOSTILE, NAME, QUICKLY, Evaluate, manifests, read

from nixprof.lock.flake_nix import compile_flake, used_inputs
from nixprof.lock.packages_json import HeldAt, LockedPackage
from nixprof.manifest.model import Input, Manifest, Package, Policy
from nixprof.manifest.problems import ManifestError
from nixprof.nix.nix_data import attribute, quoted

RICH = r"""
packages = [
  "ripgrep",
  "python3Packages.black",
  "git^out,man",
  "jq^*",
  'nodePackages."@angular/cli"',
  '"zig-0.15"',
  "helix#default",
  { package = "coreutils", priority = -7 },
  { package = "terraform", pin = true },
]
systems = ["aarch64-darwin", "riscv64-linux"]

[inputs]
nixpkgs = "github:NixOS/nixpkgs/nixpkgs-unstable"
helix = { url = "github:helix-editor/helix?a=${b}", follows = { nixpkgs = "nixpkgs" } }
unused = "github:owner/repo"

[nixpkgs]
allow-unfree = ["vscode", "a\"b"]
allow-insecure = ["openssl-1.1.1w"]
allow-broken = true
overlays = ["helix"]

[system.darwin]
packages = ["mas"]

[host.Build-Server]
packages = ["htop"]
"""

# One package a line, however long: so that the versions of two machines merge.
COMPILED = r"""# Written by nixprof from nixprof.toml, for Nix to read: change nixprof.toml and run `nixprof sync`.
{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
    helix = {
      url = "github:helix-editor/helix?a=\${b}";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    inputs:
    import ./nixprof.nix {
      inherit inputs;
      systems = [ "aarch64-darwin" "riscv64-linux" ];
      packages = [
        { key = "nixpkgs#ripgrep"; input = "nixpkgs"; attrPath = [ "ripgrep" ]; }
        { key = "nixpkgs#python3Packages.black"; input = "nixpkgs"; attrPath = [ "python3Packages" "black" ]; }
        { key = "nixpkgs#git"; input = "nixpkgs"; attrPath = [ "git" ]; outputs = [ "out" "man" ]; }
        { key = "nixpkgs#jq"; input = "nixpkgs"; attrPath = [ "jq" ]; outputs = [ "*" ]; }
        { key = "nixpkgs#nodePackages.@angular/cli"; input = "nixpkgs"; attrPath = [ "nodePackages" "@angular/cli" ]; }
        { key = "nixpkgs#\"zig-0.15\""; input = "nixpkgs"; attrPath = [ "zig-0.15" ]; }
        { key = "helix#default"; input = "helix"; attrPath = [ "default" ]; }
        { key = "nixpkgs#coreutils"; input = "nixpkgs"; attrPath = [ "coreutils" ]; priority = (-7); }
        { key = "nixpkgs#terraform"; input = "nixpkgs"; attrPath = [ "terraform" ]; held = "github:o/r/abc?dir=x%3D"; }
        { key = "nixpkgs#mas"; input = "nixpkgs"; attrPath = [ "mas" ]; system = "darwin"; }
        { key = "nixpkgs#htop"; input = "nixpkgs"; attrPath = [ "htop" ]; host = "build-server"; }
      ];
      policy = {
        allowUnfree = [ "vscode" "a\"b" ];
        allowInsecure = [ "openssl-1.1.1w" ];
        allowBroken = true;
        overlays = [ "helix" ];
      };
    };
}
"""

HOLDS = {"nixpkgs#terraform": LockedPackage(hold=HeldAt("github:o/r/abc?dir=x%3D"))}


def test_a_rich_manifest() -> None:
    assert compile_flake(read(RICH), HOLDS) == COMPILED


def test_the_smallest_manifest() -> None:
    assert compile_flake(read(""), {}).endswith(
        """\
{
  inputs = {
  };

  outputs =
    inputs:
    import ./nixprof.nix {
      inherit inputs;
      packages = [
      ];
    };
}
"""
    )


def test_only_inputs_in_use_are_compiled() -> None:
    text = """
packages = ["a#x", "held#y", "/nix/store/00000000000000000000000000000000-hello-1.0"]
[inputs]
nixpkgs = "github:NixOS/nixpkgs"
a = { url = "github:o/a", follows = { x = "b" } }
b = { url = "github:o/b", follows = { x = "c" } }
c = "github:o/c"
held = "github:o/held"
over = "github:o/over"
unused = "github:o/unused"
[nixpkgs]
overlays = ["over"]
"""
    held = LockedPackage(hold=HeldAt("github:o/held/rev"))
    assert [one.name for one in used_inputs(read(text), {"held#y": held})] == ["a", "b", "c", "over"]
    # A list that is held altogether asks no input for anything but its overlays.
    assert [one.name for one in used_inputs(read(text), {"held#y": held, "a#x": held})] == ["over"]


def as_nix(manifest: Manifest) -> dict[str, Any]:
    """What Nix has to read back."""
    return {
        "inputs": {one.name: _input(one) for one in used_inputs(manifest, {})},
        "outputs": {
            "packages": [_package(package) for package in manifest.packages],
            **({"systems": list(manifest.systems)} if manifest.systems else {}),
            **({"policy": _policy(manifest.policy)} if manifest.policy.is_asked_for else {}),
        },
    }


def _input(one: Input) -> dict[str, Any]:
    follows = {theirs: {"follows": ours} for theirs, ours in one.follows}
    return {"url": one.url, **({"inputs": follows} if follows else {})}


def _package(package: Package) -> dict[str, Any]:
    fields = {
        "key": package.spec.key,
        "input": package.spec.input,
        "attrPath": list(package.spec.attr_path),
        "outputs": list(package.spec.outputs) or None,
        "priority": package.priority,
        "host": package.scope.name.lower() if package.scope.kind == "host" else None,
        "system": package.scope.name if package.scope.kind == "system" else None,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _policy(policy: Policy) -> dict[str, Any]:
    fields = {
        "allowUnfree": policy.allow_unfree,
        "allowInsecure": policy.allow_insecure,
        "allowBroken": policy.allow_broken,
        "overlays": policy.overlays,
    }
    return {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items() if value}


def read_back(evaluate: Evaluate, folder: Path, flakes: Sequence[str]) -> list[Any]:
    """Let Nix read many flake.nix at once, each beside a nixprof.nix that returns what it is given."""
    for index, flake in enumerate(flakes):
        here = folder / str(index)
        here.mkdir(exist_ok=True)
        (here / "flake.nix").write_text(flake, encoding="utf-8")
        (here / "nixprof.nix").write_text('arguments: removeAttrs arguments [ "inputs" ]')
    (folder / "all.nix").write_text(
        "map (flake: { inherit (flake) inputs; outputs = flake.outputs { }; }) ["
        + " ".join(f"(import ./{index}/flake.nix)" for index in range(len(flakes)))
        + "]"
    )
    read: list[Any] = evaluate(folder / "all.nix")
    return read


@QUICKLY
@given(texts=st.lists(manifests(hostile=False), min_size=1, max_size=8))
def test_what_parses_is_data_to_nix(evaluate: Evaluate, tmp_path: Path, texts: list[str]) -> None:
    parsed = [one for one in map(_tried, texts) if one]
    compiled = [compile_flake(manifest, {}) for manifest in parsed]
    assert read_back(evaluate, tmp_path, compiled) == [as_nix(manifest) for manifest in parsed]


@QUICKLY
@given(texts=st.lists(manifests(hostile=True), min_size=1, max_size=8))
def test_anything_anywhere_is_data_or_an_error_with_its_place(
    evaluate: Evaluate, tmp_path: Path, texts: list[str]
) -> None:
    parsed = [one for one in map(_tried, texts) if one]
    compiled = [compile_flake(manifest, {}) for manifest in parsed]
    assert read_back(evaluate, tmp_path, compiled) == [as_nix(manifest) for manifest in parsed]


def _tried(text: str) -> Manifest | None:
    """Parses, or makes sure that every problem names its place."""
    try:
        return read(text)
    except ManifestError as error:
        lines = text.split("\n")
        for problem in error.problems:
            assert problem.file == FILE
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
            assert problem.message
            assert problem.text == "" or problem.text.isprintable()
        return None


def test_the_manifests_of_these_tests_do_parse() -> None:
    """Else they show nothing."""
    parsed: list[bool] = []

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(text=manifests(hostile=False))
    def collect(text: str) -> None:
        parsed.append(_tried(text) is not None)

    collect()
    assert sum(parsed) >= len(parsed) // 4


@QUICKLY
@given(
    texts=st.lists(
        HOSTILE.map(lambda text: text.replace("\x00", "")) | st.text().map(lambda text: text.replace("\x00", ""))
    )
)
def test_any_text_comes_back_from_nix(evaluate: Evaluate, tmp_path: Path, texts: list[str]) -> None:
    file = tmp_path / "texts.nix"
    file.write_text("[ " + " ".join(map(quoted, texts)) + " ]", encoding="utf-8", newline="")
    assert evaluate(file) == texts


@QUICKLY
@given(texts=st.sets(NAME | HOSTILE.map(lambda text: text.replace("\x00", ""))))
def test_any_name_comes_back_from_nix(evaluate: Evaluate, tmp_path: Path, texts: set[str]) -> None:
    file = tmp_path / "names.nix"
    file.write_text("{ " + " ".join(f"{attribute(text)} = 1;" for text in texts) + " }", encoding="utf-8", newline="")
    assert set(evaluate(file)) == texts


@pytest.mark.parametrize(
    "manifest",
    [
        'packages = ["a\\u0000b"]',
        "packages = ['a.\"b\\u0000\"']".replace("'", '"').replace('"b', '\\"b').replace('""', '\\""'),
        '[inputs]\nnixpkgs = "path:/a\\u0000b"',
        '[inputs]\n"a\\u0000b" = "path:/a"',
        '[inputs]\na = { url = "path:/a", follows = { "x\\u0000" = "nixpkgs" } }',
        '[nixpkgs]\nallow-unfree = ["a\\u0000b"]',
        '[nixpkgs]\nallow-insecure = ["a\\u0000b"]',
        '[nixpkgs]\nallow-broken = ["a\\u0000b"]',
        '[nixpkgs]\noverlays = ["a\\u0000b"]',
        'systems = ["x86_64-linux\\u0000"]',
        '[system."linux\\u0000"]\npackages = ["a"]',
        '[host."a\\u0000b"]\npackages = ["a"]',
    ],
)
def test_a_nul_is_an_error_everywhere(manifest: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read(manifest)
    assert caught.value.problems
