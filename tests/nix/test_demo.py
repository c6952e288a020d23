"""The demo package set behaves as nixpkgs does, on every Nix."""

# ruff: noqa: RUF001 (nixpkgs has typographic quotes around names)

import json
import subprocess
from pathlib import Path

import pytest
from support import demo
from support.binary_cache import BinaryCache
from support.world import World

EVERY_PACKAGE = [
    "389-ds-base", "bat", "big", "busybox", "coreutils", "eza", "fd", "git^*", "go", "hello", "htop", "jq", "neovim",
    "nerd-fonts.jetbrains-mono", 'nodePackages."@angular/cli"', "nodejs", "nodejs_24", "oldtool", "openssl",
    "python3Packages.black", "python3Packages.requests", "ripgrep", "silver-searcher", "sqlite", "terraform",
    "toybox", "tree", "uutils", "vim", "vim-full", "vimHugeX", "wget", "yq", '"zig-0.15"',
]  # fmt: skip


ENVIRONMENT = 'with pkgs; buildEnv { name = "env"; paths = [ %s ]; }'


def refusal(world: World, attribute: str) -> str:
    """What Nix says when it refuses to evaluate a package."""
    result = world.nix("eval", "--raw", f"nixpkgs#{attribute}.outPath", check=False)
    assert result.code != 0
    return result.stderr


def imported(world: World, config: str, attribute: str, overlays: str = "[ ]") -> object:
    """An attribute of the set as nixprof instantiates it where a policy is wanted."""
    return world.eval_expr(
        f"(import (builtins.getFlake {json.dumps(world.nixpkgs_url)}) "
        f'{{ system = "{world.system}"; config = {config}; overlays = {overlays}; }}).{attribute}'
    )


def environment(world: World, paths: str) -> Path:
    """Builds pkgs.buildEnv over packages."""
    return Path(world.build_expr(ENVIRONMENT % paths))


def test_every_package_builds(world: World) -> None:
    old = world.install.release < (2, 9)
    names = [attribute.removesuffix("^*") if old else attribute for attribute in EVERY_PACKAGE]
    built = world.nix("build", "--no-link", "--json", *(f"nixpkgs#{name}" for name in names)).json
    assert len({entry["drvPath"] for entry in built}) == len(EVERY_PACKAGE) - 1  # vimHugeX is vim-full.


def test_programs_say_name_and_version(world: World) -> None:
    [path] = world.build("nixpkgs#ripgrep")
    assert world.command(f"{path}/bin/rg").stdout == "ripgrep 14.1.1\n"
    assert world.eval("nixpkgs#ripgrep.meta.mainProgram") == "rg"


def test_run_time_dependencies_are_in_the_closure(world: World) -> None:
    [path] = world.build("nixpkgs#bat")
    names = sorted(Path(entry).name.split("-", 1)[1] for entry in world.closure(path))
    assert names == ["bat-0.25.0", "libgit2-1.9.1", "zlib-1.3.1"]


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ("vscode", "Package ‘vscode-1.106’ in {} has an unfree license (‘unfree’), refusing to evaluate."),
        ("openssl_1_1", "Package ‘openssl-1.1.1w’ in {} is marked as insecure, refusing to evaluate."),
        ("openssl_1_1", "Known issues:\n        - OpenSSL 1.1 reached its end of life"),
        ("brokenpkg", "Package ‘brokenpkg-1.0’ in {} is marked as broken, refusing to evaluate."),
        ("ag", "'ag' has been renamed to/replaced by 'silver-searcher'"),
        ("exa", "'exa' has been removed because it is unmaintained upstream."),
        ("tests.aborting", "evaluation aborted"),
        ("newtool", "does not provide attribute"),
    ],
    ids=["unfree", "insecure", "vulnerabilities", "broken", "renamed", "removed", "abort", "missing"],
)
def test_refusals_read_like_nixpkgs(world: World, attribute: str, words: str) -> None:
    if "{}" in words:
        words = words.format(world.eval(f"nixpkgs#{attribute}.meta.position"))
    assert words in refusal(world, attribute)


def test_another_platform_is_refused(world: World) -> None:
    other = "strace" if world.system.endswith("darwin") else "mas"
    said = refusal(world, other)
    assert "is not available on the requested hostPlatform:" in said
    assert f'hostPlatform.system = "{world.system}"' in said


def test_meta_never_throws(world: World) -> None:
    found = world.eval_expr(
        "builtins.mapAttrs (_: p: with p.meta; [ unfree insecure broken unsupported available ]) "
        "{ inherit (pkgs) vscode openssl_1_1 brokenpkg mas strace hello; }"
    )
    mac = world.system.endswith("darwin")
    assert found == {
        "vscode": [True, False, False, False, False],
        "openssl_1_1": [False, True, False, False, False],
        "brokenpkg": [False, False, True, False, False],
        "mas": [False, False, False, not mac, mac],
        "strace": [False, False, False, mac, not mac],
        "hello": [False, False, False, False, True],
    }
    assert "CVE-2024-0727" in world.eval("nixpkgs#openssl_1_1.meta.knownVulnerabilities")


def test_name_version_and_outputs_never_throw(world: World) -> None:
    found = world.eval_expr("{ inherit (pkgs.vscode) name pname version outputs type system; }")
    assert found == {
        "name": "vscode-1.106",
        "pname": "vscode",
        "version": "1.106",
        "outputs": ["out"],
        "type": "derivation",
        "system": world.system,
    }


@pytest.mark.parametrize(
    ("attribute", "config"),
    [
        ("vscode", '{ allowUnfreePredicate = p: builtins.elem p.pname [ "vscode" ]; }'),
        ("vscode", "{ allowUnfree = true; }"),
        ("openssl_1_1", '{ permittedInsecurePackages = [ "openssl-1.1.1w" ]; }'),
        ("brokenpkg", "{ allowBroken = true; }"),
        ("brokenpkg", '{ allowBrokenPredicate = p: p.pname == "brokenpkg"; }'),
    ],
)
def test_a_policy_allows(world: World, attribute: str, config: str) -> None:
    assert str(imported(world, config, f"{attribute}.outPath")).startswith(str(world.store.store_dir))
    assert imported(world, config, f"{attribute}.meta.available") is True


def test_a_policy_allows_only_what_it_names(world: World) -> None:
    predicate = '{ allowUnfreePredicate = p: builtins.elem p.pname [ "vscode" ]; }'
    assert imported(world, predicate, "spotify.meta.available") is False


def test_position_leads_to_by_name(world: World) -> None:
    assert "/pkgs/by-name/he/hello/package.nix:" in world.eval("nixpkgs#hello.meta.position")
    assert "/pkgs/development/web/nodejs/default.nix:" in world.eval("nixpkgs#nodejs_24.meta.position")


def test_outputs(world: World) -> None:
    found = world.eval_expr(
        "{ inherit (pkgs.git) outputs; install = pkgs.git.meta.outputsToInstall; "
        "chosen = pkgs.git.man.outputSpecified; name = pkgs.git.man.outputName; "
        "undecided = pkgs.git.outputSpecified or false; same = pkgs.git.out.outPath == pkgs.git.outPath; }"
    )
    assert found == {
        "outputs": ["out", "man", "doc"],
        "install": ["out", "man"],
        "chosen": True,
        "name": "man",
        "undecided": False,
        "same": True,
    }


def test_environment_has_the_outputs_to_install(world: World) -> None:
    assert list(world.tree(environment(world, "git"))) == [
        "bin/git",
        "share/git-core/templates/description",
        "share/man/man1/git.1",
    ]
    assert list(world.tree(environment(world, "git.doc"))) == ["share/doc/git/README.md"]


def test_environment_merges_folders(world: World) -> None:
    files = world.tree(environment(world, "big hello"))
    assert {"bin/big", "bin/hello", "share/man/man1/big-7.1", "share/man/man1/hello.1"} <= set(files)


def test_identical_files_do_not_collide(world: World) -> None:
    files = world.tree(environment(world, "coreutils uutils"))
    assert {"bin/ls", "bin/cat", "bin/uutils"} == set(files)


@pytest.mark.parametrize("paths", ["coreutils busybox", "vim vim-full"])
def test_different_files_collide(world: World, paths: str) -> None:
    with pytest.raises(AssertionError, match="two given paths contain a conflicting subpath:"):
        environment(world, paths)


def test_vim_and_vim_full_collide_in_fifteen_files(world: World) -> None:
    small, full = (world.tree(Path(path)) for path in world.build("nixpkgs#vim", "nixpkgs#vim-full"))
    both = set(small) & set(full)
    assert len(both) == 15
    assert all(Path(small[name]).read_bytes() != Path(full[name]).read_bytes() for name in both)


@pytest.mark.parametrize(
    ("paths", "winner"),
    [
        ("coreutils toybox", "coreutils"),
        ("busybox (lib.hiPrio coreutils)", "coreutils"),
        ("(lib.lowPrio coreutils) busybox", "busybox"),
        ("(lib.setPrio 3 busybox) (lib.setPrio 4 coreutils)", "busybox"),
    ],
)
def test_the_lower_number_wins(world: World, paths: str, winner: str) -> None:
    assert f"-{winner}-" in world.tree(environment(world, paths))["bin/ls"]


def test_a_failing_build_shows_ten_lines(world: World) -> None:
    result = world.nix("build", "--no-link", "nixpkgs#failing", check=False)
    assert result.code != 0
    assert "exit code 3" in result.stderr
    assert "> compiling unit 1 of 10\n" in result.stderr
    assert "> unit10.c:3: error:" in result.stderr


def test_every_system_evaluates(world: World) -> None:
    systems = ["aarch64-darwin", "aarch64-linux", "i686-linux", "x86_64-darwin", "x86_64-linux"]
    flake = f'builtins.getFlake "{world.nixpkgs_url}"'
    assert world.eval_expr(f"builtins.mapAttrs (_: p: p.hello.system) ({flake}).legacyPackages") == {
        system: system for system in systems
    }


def test_profile_install_gives_a_true_manifest(world: World) -> None:
    world.install_element("nixpkgs#hello")
    [element] = world.profile_elements()
    assert world.run("hello") == "hello 2.12.1"
    assert element.original_url == "flake:nixpkgs"
    assert element.attr_path == f"legacyPackages.{world.system}.hello"
    assert element.url is not None
    assert element.url.startswith(f"{world.nixpkgs_url}?")
    assert "rev=" in element.url
    assert list(world.generations()) == [1]
    assert set(world.tree()) == {"bin/hello", "share/man/man1/hello.1"}


def test_revision_2_moves_versions(world: World) -> None:
    versions = "map (p: p.version) (with pkgs; [ hello ripgrep git fd ])"
    assert world.eval_expr(versions) == ["2.12.1", "14.1.1", "2.51.0", "10.3.0"]
    sqlite, fd = world.build("nixpkgs#sqlite", "nixpkgs#fd")

    world.publish(2)

    assert world.eval_expr(versions) == ["2.12.2", "15.1.0", "2.52.1", "10.3.0"]
    rebuilt, same = world.build("nixpkgs#sqlite", "nixpkgs#fd")
    assert same == fd
    assert rebuilt != sqlite
    assert rebuilt.endswith("-sqlite-3.50.4")
    assert world.eval("nixpkgs#newtool.version") == "1.0"
    assert "'oldtool' has been removed because" in refusal(world, "oldtool")
    # nixpkgs changed its words, and so does the second revision.
    assert "Refusing to evaluate package 'vscode-1.107' in " in refusal(world, "vscode")
    assert "because it has problems:\n       - broken:" in refusal(world, "brokenpkg")


def test_helix_is_a_flake_of_its_own(world: World) -> None:
    url = world.publish_helix()
    [path] = world.build(f"{url}#helix")
    assert world.build(url) == [path]
    assert world.command(f"{path}/bin/hx").stdout == "helix 25.07\n"
    world.publish_helix(2)
    assert world.eval(f"{url}#helix.version") == "25.07.1"


def test_helix_follows_and_overlays(world: World, tmp_path: Path) -> None:
    url = world.publish_helix()
    flake = tmp_path / "user"
    flake.mkdir()
    (flake / "flake.nix").write_text(f"""{{
      inputs.nixpkgs.url = "{world.nixpkgs_url}";
      inputs.helix.url = "{url}";
      inputs.helix.inputs.nixpkgs.follows = "nixpkgs";
      outputs = {{ self, nixpkgs, helix }}: {{
        names = let
          pkgs = import nixpkgs {{ system = "{world.system}"; overlays = [ helix.overlays.default ]; }};
        in [ pkgs.hello.name pkgs.helix.name pkgs.fd.name ];
      }};
    }}""")
    assert world.eval(f"path:{flake}#names") == ["hello-2.12.1-overlay", "helix-25.07", "fd-10.3.0"]
    lock = json.loads((flake / "flake.lock").read_text())
    assert lock["nodes"]["helix"]["inputs"] == {"nixpkgs": ["nixpkgs"]}


def test_publishing_is_reproducible_and_repeatable(tmp_path: Path) -> None:
    def head(folder: Path) -> str:
        git = ["git", "-C", str(folder), "rev-parse", "HEAD"]
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout

    one, other = tmp_path / "one", tmp_path / "other"
    assert demo.publish(one) == f"git+file://{one}"
    first = head(one)
    demo.publish(one)
    assert head(one) == first
    demo.publish(other, 2)
    demo.publish(one, 2)
    assert head(one) == head(other) != first
    demo.publish(one, 1)
    assert head(one) == head(other)


def test_publishing_leaves_other_folders_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(subprocess.CalledProcessError):
        demo.publish(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]


def test_a_new_machine_gets_everything_from_the_cache(fresh_world: World, binary_cache: BinaryCache) -> None:
    [path] = fresh_world.build("nixpkgs#bat")
    closure = fresh_world.closure(path)
    binary_cache.push(fresh_world, path)
    fresh_world.new_machine()
    assert not Path(path).exists()

    binary_cache.use_in(fresh_world)
    fresh_world.command("nix-store", "--realise", path)

    assert fresh_world.command(f"{path}/bin/bat").stdout == "bat 0.25.0\n"
    assert len(binary_cache.downloads) == len(closure)
    assert all(binary_cache.bytes_sent[name] > 0 for name in binary_cache.downloads)


def test_an_untrusted_cache_is_not_used(fresh_world: World, binary_cache: BinaryCache) -> None:
    [path] = fresh_world.build("nixpkgs#hello")
    binary_cache.push(fresh_world, path)
    fresh_world.new_machine()
    binary_cache.use_in(fresh_world, trust=False)
    assert fresh_world.command("nix-store", "--realise", path, check=False).code != 0
