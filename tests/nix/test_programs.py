"""What has a program, by all that there is to know it: the store, the generations, and the lists of inputs."""

import hashlib
from pathlib import Path

import pytest
from support.program_lists import nix_index, programs_sqlite
from support.world import World

pytestmark = pytest.mark.newest_nix

# As nix-index-database has it: a package that Nix only has to fetch.
_LISTS = """
{ outputs = _: { packages.%(system)s = {
  tool = derivation { name = "tool-1"; system = "%(system)s"; builder = "/bin/sh"; args = [ "-c" "echo > $out" ]; };
  nix-index-small-database = derivation {
    name = "index-small"; system = "builtin"; builder = "builtin:fetchurl"; url = "file://%(file)s"; unpack = false;
    outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "%(digest)s";
  };
}; }; }
"""


def _lists(world: World) -> Path:
    """A flake with a database of nix-index."""
    file = world.root / "files"
    folder = world.root / "lists"
    folder.mkdir()
    nix_index(file, [("tree", "out", True, {"/bin/treee": "1x"}), ("no-such", "out", True, {"/bin/lost": "1x"})])
    told = {"system": world.system, "file": file, "digest": hashlib.sha256(file.read_bytes()).hexdigest()}
    (folder / "flake.nix").write_text(_LISTS % told)
    return folder


def test_a_program_is_found_wherever_it_is(world: World) -> None:
    rows = [("jqq", world.system, "jq"), ("sol", "sparc-solaris", "jq")]
    programs_sqlite(world.nixpkgs / "programs.sqlite", rows)  # as the tarball of a channel has it
    world.commit()
    world.write_manifest('packages = ["ripgrep", "hello"]')
    world.nixprof("add", f"path:{_lists(world)}#tool", "--yes")
    built = world.nixprof("search")
    assert "without the programs" not in built.stderr
    assert ", programs by nix-index · " in built.stdout
    assert ", programs by programs.sqlite · " in built.stdout

    no_nix = {"PATH": f"{world.profile}/bin"}
    shown = world.nixprof("which", "rg", "fd", "jqq", "treee", env=no_nix).stdout
    assert shown == (
        "rg is in ripgrep 14.1.1, which is on the list\n"
        "  runs      ~/.nix-profile/bin/rg\n"
        "  known by  the store\n"
        "fd is not installed\n"
        "  to add  nixprof add fd  (10.3.0, by meta.mainProgram)\n"
        "jqq is not installed\n"
        "  to add  nixprof add jq  (1.8.1, by programs.sqlite)\n"
        "treee is not installed\n"
        "  to add  nixprof add tree  (2.2.1, by nix-index)\n"
    )
    assert world.nixprof("command-not-found", "treee", env=no_nix, check=False).stderr == (
        "treee is not installed. To install it: nixprof add tree\n"
    )
    assert world.nixprof("search", "treee", env=no_nix).stdout.split()[0] == "tree"
    for unknown in ("sol", "lost"):
        failed = world.nixprof("which", unknown, check=False, env=no_nix)
        assert (failed.code, failed.stderr.partition("\n")[0]) == (
            1,
            f"error: nothing is known to have the program {unknown}",
        )
        quiet = world.nixprof("command-not-found", unknown, check=False, env=no_nix)
        assert (quiet.code, quiet.stdout, quiet.stderr) == (127, "", "")

    world.nixprof("remove", "ripgrep")
    assert world.nixprof("which", "rg").stdout == (
        "rg is not installed any more\n"
        "  earlier   ripgrep 14.1.1 in generation 1\n"
        "  to add    nixprof add ripgrep  (14.1.1, by meta.mainProgram)\n"
        "  known by  the store\n"
    )
