"""The list in the formats of others: literal text, what is lost, and names that stay data."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lists import QUICKLY, Evaluate, manifests, read

from nixprof.exporters.export import Exportable, Item, exportable
from nixprof.exporters.formats import EXPORTERS
from nixprof.exporters.formulae import FORMULAE, formula
from nixprof.exporters.names import Format
from nixprof.exporters.sources import fetched
from nixprof.importers.environments import read_devbox, read_flox
from nixprof.importers.name_table import ATTRIBUTES
from nixprof.importers.nix_lists import read_nix_lists
from nixprof.lock.flake_lock import LockedInput, fetchable, locked_url, reference_attributes
from nixprof.lock.lock import Lock
from nixprof.lock.packages_json import HeldAt, KeptByPath, LockedPackage, Resolved, Unavailable
from nixprof.machine import Machine
from nixprof.manifest.model import Input, Manifest
from nixprof.manifest.problems import ManifestError

LINUX, MAC = "x86_64-linux", "aarch64-darwin"
KEPT = "/nix/store/00000000000000000000000000000000-my-tool-0.3"
REV = "f1e2d3c" + 33 * "0"
OLD = "9a8b7c6" + 33 * "0"
LIST = f"""
packages = [
  "ripgrep",
  "git^out,man",
  "jq^*",
  {{ package = "coreutils", priority = -7 }},
  {{ package = "terraform", pin = true }},
  'nodePackages."@angular/cli"',
  "unstable#neovim",
  "helix#default",
  "strace",
  "{KEPT}",
]
systems = ["{LINUX}", "{MAC}"]

[inputs]
nixpkgs = "github:NixOS/nixpkgs/nixpkgs-unstable"
unstable = "github:NixOS/nixpkgs/nixos-unstable"
helix = {{ url = "github:helix-editor/helix", follows = {{ nixpkgs = "nixpkgs" }} }}

[nixpkgs]
allow-unfree = ["terraform"]
allow-broken = ["a.broken.thing"]

[system.darwin]
packages = ["mas"]

[host.other]
packages = ["htop"]
"""


def resolved(name: str, version: str = "1.0", source: str = "", outputs: tuple[str, ...] = ("out",)) -> Resolved:
    paths = dict.fromkeys(outputs, f"/nix/store/00000000000000000000000000000000-{name}-{version}")
    return Resolved(name, version, "", "", 5, paths, (outputs[0],), source, "")


NODES = {
    "nixpkgs": {"locked": {"rev": REV}, "original": {}},
    "old": {"locked": {"rev": OLD}, "original": {}},
    "root": {"inputs": {"nixpkgs": "nixpkgs", "unstable": "old", "gone": "gone"}},
}


def lock(flake_lock: bytes | None = json.dumps({"nodes": NODES, "root": "root", "version": 7}).encode()) -> Lock:
    inputs = {
        "nixpkgs": LockedInput(f"github:NixOS/nixpkgs/{REV}?narHash=sha256-a%2Bb%3D", REV, 1793361600, "n"),
        "unstable": LockedInput(f"github:NixOS/nixpkgs/{OLD}?narHash=sha256-old%3D", OLD, 0, "u"),
        "helix": LockedInput(f"github:helix-editor/helix/{OLD}", OLD, 0, "h"),
    }
    nodes = (
        {"locked": {"type": "github", "owner": "o", "repo": "r", "rev": OLD}, "inputs": {"a b": 1}},
        {"locked": {"type": "git", "url": "https://x/y", "rev": OLD, "narHash": "h"}, "inputs": {}, "flake": False},
    )
    held = HeldAt(f"github:NixOS/nixpkgs/{OLD}?narHash=sha256-old%3D", nodes)
    packages = {
        "nixpkgs#ripgrep": LockedPackage({LINUX: resolved("ripgrep", "15.1.0")}),
        "nixpkgs#jq": LockedPackage({LINUX: resolved("jq", outputs=("out", "bin"))}),
        "nixpkgs#terraform": LockedPackage({LINUX: resolved("terraform", "1.9.8", held.reference)}, held),
        'nixpkgs#nodePackages."@angular/cli"': LockedPackage({LINUX: resolved("@angular/cli")}),
        "nixpkgs#strace": LockedPackage(
            {LINUX: resolved("strace")}, unavailable={MAC: Unavailable("unsupported", "x", "", "")}
        ),
        KEPT: LockedPackage({LINUX: resolved("my-tool", "0.3")}, KeptByPath()),
    }
    return Lock(inputs, packages, flake_lock)


def what(manifest: Manifest | None = None, *systems: str, locked: Lock | None = None) -> Exportable:
    machine = Machine(LINUX, lambda: "one")
    return exportable(manifest or read(LIST), locked or lock(), machine, systems or (LINUX, MAC))


def text(target: Format, of: Exportable) -> str:
    return next(iter(EXPORTERS[target].write(of).values()))


def lost(target: Format, of: Exportable) -> list[str]:
    return [f"{one.feature.value} {one.subject}: {one.message}" for one in of.losses(EXPORTERS[target].expresses)]


LEFT_OUT = [
    "unavailable strace: left out on aarch64-darwin: unsupported",
    "host htop: left out: only on host other",
    "store-path my-tool-0.3: left out: only its store path is known",
]


def test_a_flake() -> None:
    files = EXPORTERS[Format.FLAKE].write(what())
    assert files["flake.nix"] == FLAKE
    written = json.loads(files["flake.lock"])
    root = {"nixpkgs": "nixpkgs", "unstable": "old", "nixpkgs-9a8b7c6": "nixpkgs-9a8b7c6"}
    assert written["nodes"].pop("root") == {"inputs": root}
    locked = {"type": "git", "url": "https://x/y", "rev": OLD, "narHash": "h"}
    original = {key: value for key, value in locked.items() if key != "narHash"}
    assert written["nodes"]["nixpkgs-9a8b7c6/a b"] == {
        "locked": locked,
        "original": original,
        "flake": False,
        "inputs": {},
    }
    assert written["nodes"]["nixpkgs-9a8b7c6"]["inputs"] == {"a b": "nixpkgs-9a8b7c6/a b"}
    assert lost(Format.FLAKE, what()) == LEFT_OUT


FLAKE = r"""# The packages of the list of nixprof, as a flake of its own: nix profile install .
{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
    unstable.url = "github:NixOS/nixpkgs/nixos-unstable";
    helix = {
      url = "github:helix-editor/helix";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    nixpkgs-9a8b7c6.url = "github:NixOS/nixpkgs/9a8b7c6000000000000000000000000000000000?narHash=sha256-old%3D";
    nixpkgs-9a8b7c6.inputs."a b".url = "git+https://x/y?rev=9a8b7c6000000000000000000000000000000000";
    nixpkgs-9a8b7c6.inputs."a b".flake = false;
  };

  outputs =
    inputs:
    let
      inherit (inputs.nixpkgs) lib;
      systems = [ "x86_64-linux" "aarch64-darwin" ];
      environment =
        system:
        let
          config = {
            allowUnfreePredicate = package: builtins.elem (lib.getName package) [ "terraform" ];
            allowBrokenPredicate = package: builtins.elem (lib.getName package) [ "a.broken.thing" ];
            problems.handlers."a.broken".thing = "warn";
            problems.handlers."a.broken.thing".broken = "warn";
          };
          overlays = [ ];
          # As Nix looks for the packages of a flake.
          packagesOf =
            flake:
            if builtins.pathExists (flake.outPath + "/pkgs/top-level") then
              import flake.outPath { inherit system config overlays; }
            else
              flake
              // { default = flake.defaultPackage.${system}; }
              // flake.legacyPackages.${system} or { }
              // flake.packages.${system} or { };
          pkgs = packagesOf inputs.nixpkgs;
          from = {
            unstable = packagesOf inputs.unstable;
            helix = packagesOf inputs.helix;
            nixpkgs-9a8b7c6 = packagesOf inputs.nixpkgs-9a8b7c6;
          };
        in
        pkgs.buildEnv {
          name = "nixprof";
          paths = [
            pkgs.ripgrep
            pkgs.git.out
            pkgs.git.man
            pkgs.jq.bin
            pkgs.jq.out
            (lib.setPrio (-7) pkgs.coreutils)
            from.nixpkgs-9a8b7c6.terraform
            pkgs.nodePackages."@angular/cli"
            from.unstable.neovim
            from.helix.default
          ]
          ++ lib.optionals (builtins.elem system [ "x86_64-linux" ]) [
            pkgs.strace
          ]
          ++ lib.optionals (builtins.elem system [ "aarch64-darwin" ]) [
            pkgs.mas
          ];
        };
    in
    {
      packages = lib.genAttrs systems (system: {
        default = environment system;
      });
    };
}
"""


def test_modules_take_nixpkgs_from_whoever_imports_them() -> None:
    plain = read('packages = ["hello", "fd"]')
    assert text(Format.HOME_MANAGER, what(plain)) == (
        "# The packages of the list of nixprof: imports = [ ./packages.nix ];\n{ lib, pkgs, ... }:\n"
        "{\n  home.packages = [\n    pkgs.hello\n    pkgs.fd\n  ];\n}\n"
    )
    assert "\n  environment.systemPackages = [\n" in text(Format.NIXOS, what(plain))
    assert text(Format.NIXOS, what()) == text(Format.NIX_DARWIN, what()) == MODULE
    assert lost(Format.NIXOS, what()) == [
        *LEFT_OUT[:2],
        "follows helix: takes nixpkgs from nixpkgs",
        LEFT_OUT[2],
        "flakes helix#default: needs Nix's experimental feature flakes",
        "revision nixpkgs: locked to 2026-10-30 f1e2d3c",
    ]


MODULE = r"""# The packages of the list of nixprof: imports = [ ./packages.nix ];
{ lib, pkgs, ... }:
let
  inherit (pkgs.stdenv.hostPlatform) system;
  config = {
    allowUnfreePredicate = package: builtins.elem (lib.getName package) [ "terraform" ];
    allowBrokenPredicate = package: builtins.elem (lib.getName package) [ "a.broken.thing" ];
    problems.handlers."a.broken".thing = "warn";
    problems.handlers."a.broken.thing".broken = "warn";
  };
  overlays = [ ];
  # As Nix looks for the packages of a flake.
  packagesOf =
    flake:
    if builtins.pathExists (flake.outPath + "/pkgs/top-level") then
      import flake.outPath { inherit system config overlays; }
    else
      flake
      // { default = flake.defaultPackage.${system}; }
      // flake.legacyPackages.${system} or { }
      // flake.packages.${system} or { };
  from = {
    unstable = import (builtins.fetchTarball {
      url = "https://github.com/NixOS/nixpkgs/archive/9a8b7c6000000000000000000000000000000000.tar.gz";
      sha256 = "sha256-old=";
    }) { inherit system config overlays; };
    helix = packagesOf (builtins.getFlake "github:helix-editor/helix/9a8b7c6000000000000000000000000000000000");
    nixpkgs-9a8b7c6 = import (builtins.fetchTarball {
      url = "https://github.com/NixOS/nixpkgs/archive/9a8b7c6000000000000000000000000000000000.tar.gz";
      sha256 = "sha256-old=";
    }) { inherit system config overlays; };
  };
  nixpkgs = import pkgs.path { inherit system config overlays; };
in
{
  environment.systemPackages = [
    nixpkgs.ripgrep
    nixpkgs.git.out
    nixpkgs.git.man
    nixpkgs.jq.bin
    nixpkgs.jq.out
    (lib.setPrio (-7) nixpkgs.coreutils)
    from.nixpkgs-9a8b7c6.terraform
    nixpkgs.nodePackages."@angular/cli"
    from.unstable.neovim
    from.helix.default
  ]
  ++ lib.optionals (builtins.elem system [ "x86_64-linux" ]) [
    nixpkgs.strace
  ]
  ++ lib.optionals (builtins.elem system [ "aarch64-darwin" ]) [
    nixpkgs.mas
  ];
}
"""


def test_a_shell_fetches_its_nixpkgs() -> None:
    shown = text(Format.SHELL, what())
    url = f"https://github.com/NixOS/nixpkgs/archive/{REV}.tar.gz"
    assert f'"{url}";\n    sha256 = "sha256-a+b=";\n  }}) {{ inherit system config overlays; }};\n' in shown
    assert "setPrio" not in shown
    assert [one for one in lost(Format.SHELL, what()) if one not in LEFT_OUT] == [
        "priority coreutils: the priority -7",
        "follows helix: takes nixpkgs from nixpkgs",
        "flakes helix#default: needs Nix's experimental feature flakes",
    ]
    plain = text(Format.SHELL, what(read('packages = ["hello"]')))
    assert "inherit system; config = { }; overlays = [ ]; };\n" in plain
    assert "packagesOf" not in plain


def test_devbox() -> None:
    assert json.loads(text(Format.DEVBOX, what()))["packages"] == {
        "ripgrep": "latest",
        "git": {"version": "latest", "outputs": ["out", "man"]},
        "jq": {"version": "latest", "outputs": ["bin", "out"]},
        "coreutils": "latest",
        f"github:NixOS/nixpkgs/{OLD}#terraform": {},
        "nodePackages.@angular/cli": "latest",
        f"github:NixOS/nixpkgs/{OLD}#neovim": {},
        f"github:helix-editor/helix/{OLD}#default": {},
        "strace": {"version": "latest", "platforms": [LINUX]},
        "mas": {"version": "latest", "platforms": [MAC]},
    }
    dotted = what(read("packages = ['\"zig-0.15\"']"))
    assert json.loads(text(Format.DEVBOX, dotted)) == {"packages": {}}
    assert lost(Format.DEVBOX, dotted)[0].startswith('dotted-name "zig-0.15": left out')
    assert "dotted" not in "".join(lost(Format.FLOX, dotted) + lost(Format.FLAKE, dotted))
    assert "allow-unfree: terraform" in " ".join(lost(Format.DEVBOX, what()))


def test_flox() -> None:
    read_back = tomllib.loads(text(Format.FLOX, what()))
    assert read_back["options"] == {"systems": [LINUX, MAC]}
    assert read_back["schema-version"] == "1.10.0"
    assert read_back["install"] == {
        "ripgrep": {"pkg-path": "ripgrep"},
        "git": {"pkg-path": "git", "outputs": ["out", "man"]},
        "jq": {"pkg-path": "jq", "outputs": "all"},
        "coreutils": {"pkg-path": "coreutils", "priority": -7},
        "terraform": {"flake": f"github:NixOS/nixpkgs/{OLD}#terraform"},
        "@angular/cli": {"pkg-path": ["nodePackages", "@angular/cli"]},
        "neovim": {"flake": f"github:NixOS/nixpkgs/{OLD}#neovim"},
        "default": {"flake": f"github:helix-editor/helix/{OLD}#default"},
        "strace": {"pkg-path": "strace", "systems": [LINUX]},
        "my-tool-0.3": {"store-path": KEPT, "systems": [LINUX]},
        "mas": {"pkg-path": "mas", "systems": [MAC]},
    }
    assert not any("store-path" in one for one in lost(Format.FLOX, what()))
    twins = tomllib.loads(text(Format.FLOX, what(read('packages = ["a.x", "b.x", "b.c.x"]'))))
    assert (list(twins["install"]), twins["version"]) == (["x", "b.x-2", "b.c.x-2"], 1)


def test_a_brewfile_and_a_plain_list_say_what_they_lose() -> None:
    one = what(None, LINUX)
    assert text(Format.BREWFILE, one).splitlines()[1:] == [
        f'brew "{name}"' for name in ("ripgrep", "git", "jq", "coreutils", "terraform", "neovim", "default", "strace")
    ]
    assert lost(Format.BREWFILE, one) == [
        "system mas: left out: only on darwin",
        LEFT_OUT[1],
        "outputs git^out,man: the outputs out, man",
        "outputs jq^*: all outputs",
        "priority coreutils: the priority -7",
        "held terraform: stays at 1.9.8",
        'name nodePackages."@angular/cli": left out: Homebrew has no such names',
        "input unstable#neovim: from github:NixOS/nixpkgs/nixos-unstable",
        "input helix#default: from github:helix-editor/helix",
        "follows helix: takes nixpkgs from nixpkgs",
        LEFT_OUT[2],
        "revision nixpkgs: locked to 2026-10-30 f1e2d3c",
    ]
    lines = text(Format.PLAIN, one).splitlines()
    assert lines[:3] == ["ripgrep", "git^out,man", "jq^*"]
    assert lines[-1] == KEPT
    # As `add` reads it.
    again = LIST[LIST.index("\n[inputs]") : LIST.index("\n[system")]
    assert [str(package.spec) for package in read(f"packages = {json.dumps(lines)}{again}").packages] == lines


@pytest.mark.parametrize(
    ("attribute", "own_name", "name"),
    [
        ("ripgrep", "ripgrep", "ripgrep"),
        ("nodejs_22", "nodejs", "node@22"),
        ("python312", "python3", "python@3.12"),
        ("jdk17", "openjdk", "openjdk@17"),
        ("php83", "php", "php@8.3"),
        ("gnused", "gnused", "gnu-sed"),
        ("hyperfine", "", "hyperfine"),
        ("R", "R", "r"),
        ("@angular/cli", "@angular/cli", ""),
    ],
)
def test_what_homebrew_calls_a_package(attribute: str, own_name: str, name: str) -> None:
    assert formula(attribute, own_name) == name


def test_freeze_knows_the_names_of_homebrew_as_export_does() -> None:
    differing = {
        attribute: ATTRIBUTES[name]
        for attribute, name in FORMULAE.items()
        if attribute not in ATTRIBUTES.get(name, (attribute,))
    }
    assert differing == {"cargo": ("rustc",)}  # of which Homebrew makes one


def test_freeze_reads_what_export_writes() -> None:
    known = [item for item in what().items if item.source]
    paths = [item.package.spec.attr_path for item in known]
    for found in (
        list(read_devbox(text(Format.DEVBOX, what()))),
        [one for one in read_flox(text(Format.FLOX, what())) if "store path" not in one.leave],
    ):
        assert [one.attribute for one in found if not one.leave] == paths
        assert [one.reference for one in found if one.reference] == [
            f"github:NixOS/nixpkgs/{OLD}",
            f"github:NixOS/nixpkgs/{OLD}",
            f"github:helix-editor/helix/{OLD}",
        ]
        assert {one.scope.name for one in found} >= {"", LINUX}
    module = text(Format.HOME_MANAGER, what(read('packages = ["hello", "python3Packages.black"]')))
    assert [one.attribute or (one.name,) for one in read_nix_lists(module)] == [
        ("hello",),
        ("python3Packages", "black"),
    ]


def test_what_is_not_locked_is_said() -> None:
    of = what(read('packages = ["hello", "x#y"]\n[inputs]\nx = "github:o/x"'), locked=Lock())
    for target in (Format.FLAKE, Format.SHELL, Format.NIXOS, Format.DEVBOX):
        assert "lock x: not locked yet: nixprof sync" in lost(target, of)
    assert list(EXPORTERS[Format.FLAKE].write(of)) == ["flake.nix"]
    assert 'getFlake "github:o/x"' in text(Format.NIXOS, of)


@pytest.mark.parametrize(
    ("reference", "fetched"),
    [
        ("github:o/r/rev?narHash=x", "github:o/r/rev?narHash=x"),
        ("git+https://h/r?narHash=x&ref=a&rev=b", "git+https://h/r?ref=a&rev=b"),
        ("git+https://h/r?rev=b&narHash=x", "git+https://h/r?rev=b"),
        ("git+https://h/r?narHash=x", "git+https://h/r"),
    ],
)
def test_the_hash_of_a_git_repository_is_no_part_of_its_address(reference: str, fetched: str) -> None:
    assert fetchable(reference) == fetched


def test_one_revision_is_one_input_however_it_is_written() -> None:
    url = f"git+file:///x?rev={REV}"
    holds = {
        "hello": HeldAt(f"{url}&narHash=sha256-a%2Bb%3D&ref=refs%2Fheads%2Fmain"),
        "fd": HeldAt(f"{url}&ref=refs/heads/main"),
        "jq": HeldAt(f"git+file:///y?rev={REV}"),
    }
    locked = Lock({}, {f"nixpkgs#{name}": LockedPackage(hold=hold) for name, hold in holds.items()})
    of = what(read('packages = ["hello", "fd", "jq"]'), locked=locked)
    assert [item.source for item in of.items] == ["nixpkgs-f1e2d3c", "nixpkgs-f1e2d3c", "nixpkgs-f1e2d3c-2"]
    files = EXPORTERS[Format.FLAKE].write(of)
    assert "inputs.nixpkgs-f1e2d3c)" in files["flake.nix"]  # no other nixpkgs is fetched to link them
    assert list(json.loads(files["flake.lock"])["nodes"]) == ["nixpkgs-f1e2d3c", "nixpkgs-f1e2d3c-2", "root"]
    shown = text(Format.SHELL, of)
    assert "getFlake" not in shown
    assert "builtins.fetchGit {\n" in shown
    assert lost(Format.SHELL, of) == []


_HASH = "sha256-" + 43 * "a" + "="


@pytest.mark.parametrize(
    ("locked", "code"),
    [
        ({"type": "github", "owner": "o", "repo": "r", "rev": REV, "narHash": _HASH}, f"github.com/o/r/archive/{REV}"),
        ({"type": "github", "owner": "o", "repo": "r", "rev": REV, "narHash": _HASH, "host": "h.org"}, "//h.org/o/r/"),
        ({"type": "gitlab", "owner": "a/b", "repo": "r", "rev": REV, "narHash": _HASH}, "a%2Fb%2Fr/repository/"),
        ({"type": "sourcehut", "owner": "~o", "repo": "r", "rev": REV, "narHash": _HASH}, "git.sr.ht/~o/r/archive/"),
        ({"type": "git", "url": "https://h/a b?x=1", "rev": REV, "ref": "refs/heads/m"}, 'ref = "refs/heads/m";'),
        ({"type": "git", "url": "file:///r", "rev": REV, "submodules": True, "narHash": _HASH}, "submodules = true;"),
        ({"type": "tarball", "url": "https://h/r.tar.gz?x=1", "narHash": _HASH}, 'url = "https://h/r.tar.gz?x=1";'),
        ({"type": "path", "path": "/a b", "narHash": _HASH, "lastModified": 1}, 'path = "/a b";'),
        ({"type": "github", "owner": "o", "repo": "r", "rev": REV, "narHash": _HASH, "dir": "d"}, ""),
        ({"type": "file", "url": "https://h/r.json", "narHash": _HASH}, ""),
    ],
)
def test_a_reference_is_taken_apart_as_nix_does(locked: dict[str, Any], code: str) -> None:
    url = locked_url(locked)
    assert reference_attributes(url) == locked
    assert code in fetched(url)
    assert bool(code) is bool(fetched(url))


@pytest.mark.parametrize("url", ["", "nixpkgs", "github:o/r", "x+y:z", "git+", "path:"])
def test_what_is_not_locked_has_no_code_without_flakes(url: str) -> None:
    assert not fetched(url)


## names stay data

# What stands for nixpkgs and for flakes: each package says where it was found.
STUBS = """
folder: name:
let
  trees = builtins.fromJSON (builtins.readFile (folder + "/trees.json"));
  lib = {
    optionals = condition: list: if condition then list else [ ];
    setPrio = priority: package: package // { inherit priority; };
    genAttrs = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);
  };
  set = source: trees.${source} or { } // { buildEnv = env: env.paths; inherit lib; };
  flake = source: { outPath = "/nowhere"; inherit lib; packages.x86_64-linux = set source; };
  pkgs = set "nixpkgs" // { stdenv.hostPlatform.system = "x86_64-linux"; path = folder; };
  scope = { builtins = builtins // { getFlake = flake; }; };
  code = builtins.scopedImport scope (folder + "/${name}");
  told = map (one: { inherit (one) path source; output = one.output or null; priority = one.priority or null; });
  inputs = builtins.mapAttrs (name: _: flake name) code.inputs;
in
if name == "flake.nix" then
  { inherit (code) inputs; packages = told (code.outputs inputs).packages.x86_64-linux.default; }
else
  told (code { inherit lib pkgs; }).home.packages
"""
NIXPKGS = """
{ system, config, overlays }:
(builtins.fromJSON (builtins.readFile ./trees.json)).nixpkgs or { }
"""


def trees(what: Exportable, *, by_url: bool) -> dict[str, Any] | None:
    """The packages by source and attribute path; None where one stands in the way of another."""
    found: dict[str, Any] = {}
    paths = [item.package.spec.attr_path for item in what.items]
    if any(one != other and one == other[: len(one)] for one in paths for other in paths):
        return None
    for item in what.items:
        source, path = named(item, what, by_url=by_url), item.package.spec.attr_path
        at = found.setdefault(source, {})
        for name in path[:-1]:
            at = at.setdefault(name, {})
        leaf = at.setdefault(path[-1], {"path": path, "source": source})
        leaf |= {output: {"path": path, "source": source, "output": output} for output in item.outputs}
    return found


def named(item: Item, what: Exportable, *, by_url: bool) -> str:
    return what.input(item.source).url if by_url and item.source != "nixpkgs" else item.source


def told(what: Exportable, *, by_url: bool) -> list[dict[str, Any]]:
    """What Nix has to read back."""
    return [
        {
            "path": list(item.package.spec.attr_path),
            "source": named(item, what, by_url=by_url),
            "output": output,
            "priority": item.package.priority,
        }
        for item in what.items
        for output in item.outputs or (None,)
    ]


def parsed(texts: list[str]) -> Iterator[Exportable]:
    for one in texts:
        try:
            yield what(read(one), LINUX, locked=Lock())
        except ManifestError:
            continue


@settings(QUICKLY, max_examples=5)
@given(texts=st.lists(manifests(hostile=False), min_size=1, max_size=8))
@pytest.mark.parametrize("target", [Format.FLAKE, Format.HOME_MANAGER])
def test_names_are_data_to_nix(evaluate: Evaluate, tmp_path: Path, target: Format, texts: list[str]) -> None:
    by_url = target is not Format.FLAKE
    lists = [one for one in parsed(texts) if trees(one, by_url=by_url) is not None]
    (tmp_path / "stubs.nix").write_text(STUBS)
    calls = []
    for number, one in enumerate(lists):
        here = tmp_path / str(number)
        here.mkdir(exist_ok=True)
        [(name, code), *_] = EXPORTERS[target].write(one).items()
        (here / name).write_text(code, encoding="utf-8")
        (here / "default.nix").write_text(NIXPKGS)
        (here / "trees.json").write_text(json.dumps(trees(one, by_url=by_url)))
        calls.append(f'(import ./stubs.nix ./{number} "{name}")')
    (tmp_path / "all.nix").write_text(f"[{' '.join(calls)}]")
    wanted: list[object] = [told(one, by_url=by_url) for one in lists]
    if not by_url:
        wanted = [{"inputs": inputs(one), "packages": each} for one, each in zip(lists, wanted, strict=True)]
    assert evaluate(tmp_path / "all.nix") == wanted


def inputs(what: Exportable) -> dict[str, Any]:
    every = {one.name: one for one in (what.input("nixpkgs"), *what.inputs)}
    return {name: as_nix(one) for name, one in every.items()}


def as_nix(one: Input) -> dict[str, Any]:
    follows = {theirs: {"follows": ours} for theirs, ours in one.follows}
    return {"url": one.url, **({"inputs": follows} if follows else {})}


@given(texts=st.lists(manifests(hostile=False), min_size=1, max_size=4))
def test_names_are_data_to_the_other_tools(texts: list[str]) -> None:
    for one in parsed(texts):
        names = {item.package.spec.name for item in one.items if item.source == "nixpkgs" and not item.is_dotted}
        assert names <= json.loads(text(Format.DEVBOX, one))["packages"].keys()
        assert len(tomllib.loads(text(Format.FLOX, one))["install"]) == len(one.items)
        assert len(text(Format.PLAIN, one).splitlines()) == len({str(item.package.spec) for item in one.items})
        _, *lines = text(Format.BREWFILE, one).splitlines()
        assert all(re.fullmatch(r'brew "[a-z0-9][a-z0-9+._@-]*"', line) for line in lines)
