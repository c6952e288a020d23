"""The verdict on collisions is that of Nix, and of `pkgs.buildEnv`."""

import itertools
import json
from pathlib import Path

import pytest
from support.claims import refused
from support.world import World

from nixprof.collisions import Provider, find_collisions

SETS = [
    *itertools.combinations(["coreutils", "busybox", "uutils", "toybox", "vim", "vim-full"], 2),
    ("coreutils", "uutils", "toybox"),
    ("toybox", "busybox", "uutils"),
]


def test_the_same_verdict_as_build_env(world: World) -> None:
    """All sets of packages in one evaluation, and one build of each."""
    names = sorted({name for one in SETS for name in one})
    known = world.eval_expr(
        "builtins.listToAttrs (map (name: { inherit name; value = { path = pkgs.${name}.outPath; "
        "priority = pkgs.${name}.meta.priority or 5; }; }) [" + " ".join(f'"{name}"' for name in names) + "])"
    )
    world.build(*(f"nixpkgs#{name}" for name in names))
    drvs = world.eval_expr(
        'map (names: (pkgs.buildEnv { name = "e"; paths = map (name: pkgs.${name}) names; }).drvPath) [ '
        + " ".join("[ " + " ".join(f'"{name}"' for name in one) + " ]" for one in SETS)
        + " ]"
    )
    world.command("nix-store", "--realise", "--keep-going", *drvs, check=False)
    for names_of_set, drv in zip(SETS, drvs, strict=True):
        out = world.command("nix-store", "--query", "--outputs", drv).stdout.strip()
        valid = world.command("nix-store", "--check-validity", out, check=False).code == 0
        those = [Provider(name, known[name]["priority"], known[name]["path"]) for name in names_of_set]
        assert valid == (find_collisions(those) == ()), names_of_set


FILE, FOLDER, DANGLING, LINK = (
    "echo x >$out/s",
    "mkdir $out/s; echo y >$out/s/t",
    "ln -s /none $out/s",
    "ln -s r $out/s",
)
TREES = {
    "a file and a folder": [FILE, FOLDER],
    "a file and two folders": [FILE, FOLDER, "mkdir $out/s; echo z >$out/s/u"],
    "two links that lead nowhere": [DANGLING, "ln -s /none/2 $out/s"],
    "a link that leads nowhere and a file": [DANGLING, FILE],
    "a link that leads nowhere and a folder": [DANGLING, FOLDER],
    "a link to a folder and a folder": [f"mkdir $out/r; echo q >$out/r/u; {LINK}", FOLDER],
    "two files": [FILE, "echo other >$out/s"],
}


@pytest.mark.parametrize("commands", TREES.values(), ids=TREES.keys())
def test_what_is_found_in_order_can_be_linked(world: World, commands: list[str]) -> None:
    """Nix links everything in which no collision was found, and where a rank does not help it does not."""
    packages = " ".join(f'(package "p{index}" "mkdir $out; {command}")' for index, command in enumerate(commands))
    package = (
        'name: command: derivation { inherit name; system = builtins.currentSystem; builder = "/bin/sh"; '
        'PATH = "/usr/bin:/bin"; args = [ "-c" command ]; }'
    )
    listed = world.nix(
        "build", "--no-link", "--json", "--impure", "--expr", f"let package = {package}; in [ {packages} ]"
    )
    built = {Path(path).name.partition("-")[2]: path for entry in listed.json for path in entry["outputs"].values()}
    paths = [built[f"p{index}"] for index in range(len(commands))]
    for order in itertools.permutations(range(len(paths))):
        those = [Provider(f"p{at}", 4 + rank, paths[at]) for rank, at in enumerate(order)]
        derivations = json.dumps([word for one in those for word in ("true", str(one.priority), "1", one.path)])
        environment = (
            'derivation { name = "e"; system = builtins.currentSystem; builder = "builtin:buildenv"; '
            f'manifest = builtins.toFile "m" ""; derivations = map (word: if builtins.substring 0 1 word == "/" then '
            f"builtins.storePath word else word) (builtins.fromJSON ''{derivations}''); }}"
        )
        done = world.nix("build", "--no-link", "--impure", "--expr", environment, check=False)
        assert (done.code == 0) == (find_collisions(those) == ()), (order, done.stderr)


def test_all_collisions_at_once_with_the_way_out(world: World) -> None:
    world.write_manifest('packages = ["coreutils", "vim"]\n')
    world.nixprof("sync")
    said = refused(world, "add", "busybox", "vim-full")
    assert "2 pairs of packages provide the same files" in said
    assert "busybox and coreutils both provide bin/ls" in said
    assert "vim-full and vim both provide bin/vim and 14 more files" in said
    for name in ("coreutils", "vim"):
        assert f"keep one:      nixprof remove {name}\n" in said
    for name in ("busybox", "vim-full"):
        assert f'or rank them:  {{ package = "{name}", priority = 4 }} in nixprof.toml\n' in said

    said = refused(world, "add", "busybox")
    assert "error: busybox and coreutils both provide bin/ls" in said
    assert "nixprof remove coreutils" in said
    assert '{ package = "busybox", priority = 4 }' in said
    # Both ways out are ways out.
    world.manifest.write_text(
        world.manifest.read_text().replace('"vim"', '"vim", { package = "busybox", priority = 4 }')
    )
    world.nixprof("sync")
    assert world.run("ls") == "busybox 1.37.0"
    world.nixprof("remove", "busybox")
    world.nixprof("remove", "coreutils")
    world.nixprof("add", "busybox")
    assert world.run("ls") == "busybox 1.37.0"
