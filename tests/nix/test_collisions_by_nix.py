"""The verdict on collisions is that of Nix, and of `pkgs.buildEnv`."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.claims import agree, refused
from support.world import NIXPROF_TYPED, World

from nixprof.change.collisions import Provider, find_collisions, find_profile_collisions
from nixprof.nix.profile import USUAL_PRIORITY

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


def planted(world: World, commands: list[str]) -> list[str]:
    """The store paths of packages, each made by shell commands."""
    packages = " ".join(f'(package "p{index}" "mkdir $out; {command}")' for index, command in enumerate(commands))
    package = (
        'name: command: derivation { inherit name; system = builtins.currentSystem; builder = "/bin/sh"; '
        'PATH = "/usr/bin:/bin"; args = [ "-c" command ]; }'
    )
    listed = world.nix(
        "build", "--no-link", "--json", "--impure", "--expr", f"let package = {package}; in [ {packages} ]"
    )
    built = {Path(path).name.partition("-")[2]: path for entry in listed.json for path in entry["outputs"].values()}
    return [built[f"p{index}"] for index in range(len(commands))]


def link(world: World, those: Sequence[Provider]) -> str | None:
    """The store path of an environment that Nix makes, as it makes every profile; None where it refuses."""
    derivations = json.dumps([word for one in those for word in ("true", str(one.priority), "1", one.path)])
    environment = (
        'derivation { name = "e"; system = builtins.currentSystem; builder = "builtin:buildenv"; '
        f'manifest = builtins.toFile "m" ""; derivations = map (word: if builtins.substring 0 1 word == "/" then '
        f"builtins.storePath word else word) (builtins.fromJSON ''{derivations}''); }}"
    )
    done = world.nix("build", "--no-link", "--impure", "--json", "--expr", environment, check=False)
    return done.json[0]["outputs"]["out"] if done.code == 0 else None


@pytest.mark.parametrize("commands", TREES.values(), ids=TREES.keys())
def test_what_is_found_in_order_can_be_linked(world: World, commands: list[str]) -> None:
    """Nix links everything in which no collision was found, and where a rank does not help it does not."""
    paths = planted(world, commands)
    for order in itertools.permutations(range(len(paths))):
        those = [Provider(f"p{at}", 4 + rank, paths[at]) for rank, at in enumerate(order)]
        assert (link(world, those) is not None) == (find_collisions(those) == ()), order


BESIDE = {
    "two files, the better one against": [FILE, "echo other >$out/s", "echo other >$out/s"],
    "two folders against a file": [FOLDER, "mkdir $out/s; echo z >$out/s/u", FILE],
    "a file in the second folder": [FOLDER, "mkdir $out/s; echo z >$out/s/u", "mkdir $out/s; echo q >$out/s/u"],
    "what is in no second": [FOLDER, FILE.replace("s", "r"), "mkdir $out/s; echo q >$out/s/v"],
    "links that lead nowhere": [DANGLING, FOLDER, FILE],
    "a link to a folder": [f"mkdir $out/r; echo q >$out/r/u; {LINK}", FOLDER, FOLDER],
}


@pytest.mark.parametrize("commands", BESIDE.values(), ids=BESIDE.keys())
def test_the_same_verdict_beside_an_element_of_the_profile(world: World, commands: list[str]) -> None:
    """As if the environment of the first packages were linked into a profile that has the last."""
    *paths, foreign = planted(world, commands)
    for ranks in itertools.permutations(range(4, 4 + len(paths))):
        those = [Provider(f"p{at}", rank, paths[at]) for at, rank in enumerate(ranks)]
        built = link(world, those)
        assert (built is not None) == (find_collisions(those) == ()), ranks
        if built is None:
            continue
        for priority in (4, 5, 6):
            element = Provider("foreign", priority, foreign)
            profile = link(world, [Provider("nixprof", USUAL_PRIORITY, built), element])
            found = find_profile_collisions(those, [element])
            assert (profile is not None) == (found == ()), (ranks, priority, found)


def told(said: str, after: str) -> str:
    """The command behind a word of the hints."""
    [line] = [line for line in said.splitlines() if f"{after}:" in line]
    return line.partition(f"{after}:")[2].strip()


def do(world: World, said: str, after: str) -> None:
    """Pastes the command behind a word of the hints into a shell."""
    line = told(said, after)
    program = NIXPROF_TYPED if line.startswith("nixprof ") else line.partition(" ")[0]
    world.command("/bin/sh", "-c", f"{program} {line.partition(' ')[2]}")


def test_all_collisions_at_once_with_the_ways_out(world: World) -> None:
    world.sync('packages = ["coreutils", "vim"]\n')
    said = refused(world, "add", "busybox", "vim-full")
    assert "2 pairs of packages provide the same files" in said
    assert "busybox and coreutils both provide bin/ls" in said
    assert "vim-full and vim both provide bin/vim and 14 more files" in said
    assert told(said, "keep one") == "nixprof remove coreutils vim"
    do(world, said, "rank them")
    assert world.run("ls") == "busybox 1.37.0"
    assert world.run("vim").startswith("vim-full 9")
    agree(world)

    world.nixprof("remove", "busybox", "vim-full")
    said = refused(world, "add", "busybox")
    assert "error: busybox and coreutils both provide bin/ls" in said
    assert said.endswith("Nothing was changed.\n")
    do(world, said, "keep one")
    world.nixprof("add", "busybox")
    assert world.run("ls") == "busybox 1.37.0"


def test_collisions_with_packages_and_with_the_profile_in_one_report(world: World) -> None:
    world.install_element("nixpkgs#vim")
    world.sync('packages = ["coreutils"]\n')
    said = refused(world, "add", "busybox", "vim-full")
    assert "2 pairs of packages provide the same files" in said
    assert "busybox and coreutils both provide bin/ls" in said
    assert "vim-full and the vim that nixprof did not install both provide bin/vim and 14 more files" in said
    do(world, said, "rank them")
    said = refused(world, "add", "vim-full")
    do(world, said, "remove it")
    world.nixprof("add", "vim-full")
    assert world.run("ls") == "busybox 1.37.0"
    assert world.run("vim").startswith("vim-full 9")
    agree(world)


def test_what_was_written_by_hand_has_its_ways_out(world: World) -> None:
    """All on the list already, in two tables and a file of its own; three of one file."""
    world.write_manifest(
        'packages = ["coreutils"]\ninclude = ["more.toml"]\n\n[system.linux]\npackages = ["busybox"]\n'
    )
    (world.config_dir / "more.toml").write_text('packages = ["vim", { package = "vim-full", priority = 5 }]\n')
    said = world.nixprof("sync", check=False).stderr
    assert told(said, "keep one") == "nixprof remove coreutils vim"
    do(world, said, "rank them")
    assert '[system.linux]\npackages = [{ package = "busybox", priority = 4 }]' in world.manifest.read_text()
    assert '{ package = "vim-full", priority = 4 }' in (world.config_dir / "more.toml").read_text()
    agree(world)


def test_packages_that_are_all_new(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    said = refused(world, "add", "coreutils", "busybox")
    assert told(said, "keep one") == "do not add busybox"
    do(world, said, "rank them")
    assert world.run("ls") == "busybox 1.37.0"


def test_the_priority_of_what_is_on_the_list(world: World) -> None:
    world.sync('packages = [\n  "hello", # mine\n  { package = "jq", pin = true },\n]\n')
    said = world.nixprof("add", "hello", "jq", "tree", "--priority", "7").stderr
    assert "is on the list already" not in said
    assert '\n  { package = "hello", priority = 7 }, # mine\n' in world.manifest.read_text()
    assert '\n  { package = "jq", pin = true, priority = 7 },\n' in world.manifest.read_text()
    before = world.manifest.read_bytes()
    said = world.nixprof("add", "hello", "jq", "--priority", "7").stderr
    assert "hello is on the list already" in said
    assert world.manifest.read_bytes() == before
    said = world.nixprof("add", "hello", "jq", "--pin").stderr
    assert "jq is on the list already" in said
    assert "hello is on the list already" not in said
    assert '\n  { package = "hello", priority = 7, pin = true }, # mine\n' in world.manifest.read_text()
    agree(world)
