"""Which package of the list a name means."""

from pathlib import Path

import pytest

from nixprof.errors import NixprofError
from nixprof.manifest.installable import find_packages
from nixprof.manifest.model import Manifest
from nixprof.manifest.parse import parse

MANIFEST = """
packages = [
  "python3Packages.black", "git^out,man", "nodejs_22", 'nodePackages."@angular/cli"', '"zig-0.15"',
  "old#hello", "new#hello", "helix#default", "unstable#neovim",
]
[inputs]
nixpkgs = "github:NixOS/nixpkgs"
old = "github:NixOS/nixpkgs/nixos-24.05"
new = "github:NixOS/nixpkgs/nixos-25.05"
unstable = "github:NixOS/nixpkgs/nixos-unstable"
helix = "github:helix-editor/helix"
[system.linux]
packages = ["ripgrep"]
[host.one]
packages = ["ripgrep"]
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    file = tmp_path / "nixprof.toml"
    file.write_text(MANIFEST)
    return parse(file)


OWN_NAMES = {"nixpkgs#nodejs_22": {"nodejs"}, "nixpkgs#ripgrep": {"ripgrep"}}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ripgrep", "nixpkgs#ripgrep"),
        ("nixpkgs#ripgrep", "nixpkgs#ripgrep"),
        ("ripgrep^out", "nixpkgs#ripgrep"),
        ("github:NixOS/nixpkgs#ripgrep", "nixpkgs#ripgrep"),
        ("black", "nixpkgs#python3Packages.black"),
        ("python3Packages.black", "nixpkgs#python3Packages.black"),
        ("git", "nixpkgs#git"),
        ("git^out,man", "nixpkgs#git"),
        ("git^doc", "nixpkgs#git"),
        ("nodejs", "nixpkgs#nodejs_22"),
        ("nodejs_22", "nixpkgs#nodejs_22"),
        ('nodePackages."@angular/cli"', "nixpkgs#nodePackages.@angular/cli"),
        ("nodePackages.@angular/cli", "nixpkgs#nodePackages.@angular/cli"),
        ("@angular/cli", "nixpkgs#nodePackages.@angular/cli"),
        ("zig-0.15", 'nixpkgs#"zig-0.15"'),
        ('"zig-0.15"', 'nixpkgs#"zig-0.15"'),
        ("old#hello", "old#hello"),
        ("github:NixOS/nixpkgs/nixos-25.05#hello", "new#hello"),
        ("helix", "helix#default"),
        ("helix#default", "helix#default"),
        ("github:helix-editor/helix", "helix#default"),
        ("neovim", "unstable#neovim"),
    ],
)
def test_what_a_name_means(manifest: Manifest, name: str, key: str) -> None:
    found = find_packages(name, manifest, OWN_NAMES, "remove")
    assert {package.spec.key for package in found} == {key}
    assert len(found) == (2 if key == "nixpkgs#ripgrep" else 1)


def test_a_name_that_several_have(manifest: Manifest) -> None:
    with pytest.raises(NixprofError) as caught:
        find_packages("hello", manifest, OWN_NAMES, "remove")
    assert caught.value.message == "hello may be old#hello or new#hello"
    assert caught.value.hints == ("nixprof remove old#hello", "nixprof remove new#hello")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ripgrp", "did you mean ripgrep? nixprof remove ripgrep"),
        ("blakc", "did you mean black? nixprof remove black"),
        ("new#helo", "did you mean new#hello? nixprof remove new#hello"),
        ("emacs-nox", "to see the list: nixprof list"),
        ("", "to see the list: nixprof list"),
        ("^", "to see the list: nixprof list"),
        ("#", "to see the list: nixprof list"),
        ("github:owner/other#ripgrep", ""),
    ],
)
def test_a_name_that_nothing_has(manifest: Manifest, name: str, hint: str) -> None:
    with pytest.raises(NixprofError) as caught:
        find_packages(name, manifest, OWN_NAMES, "remove")
    assert caught.value.message == f"{name} is not on the list"
    assert hint in caught.value.hints or not hint


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("RIPGREP", "did you mean ripgrep? nixprof remove ripgrep"),
        ('"zig-0.1"', """did you mean "zig-0.15"? nixprof remove '"zig-0.15"'"""),
        ("helo", "did you mean hello? nixprof remove hello"),
    ],
)
def test_a_name_like_one_on_the_list(manifest: Manifest, name: str, hint: str) -> None:
    with pytest.raises(NixprofError) as caught:
        find_packages(name, manifest, OWN_NAMES, "remove")
    assert caught.value.hints == (hint,)
