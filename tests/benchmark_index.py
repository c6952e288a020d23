"""Measures the package index: python tests/benchmark_index.py [--sizes 100000] [--failing 0 10] [--write]

A made-up set of so many packages is walked by a real Nix, then searched in by `nixprof search` as a whole process. One
attribute of so many as `--failing` says throws, aborts, lacks an argument or never ends. `--write` puts the table into
share/doc/nixprof/BENCHMARK.md.
"""

import argparse
import itertools
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support import stopwatch
from support.installs import ROOT, newest_or_exit
from support.world import Store, World, make_writable

PAGE = ROOT / "share" / "doc" / "nixprof" / "BENCHMARK.md"
CONSOLE = Path(sys.executable).with_name("nixprof")
_LOOK_SECONDS = 0.1
# What is searched for: a name, two words of descriptions, a word of many packages, what nobody has.
SEARCHES = {
    "a name": ("p4321",),
    "two words": ("json", "editor"),
    "what all have": ("p",),
    "an expression": ("--regex", "^p12.*7$"),
}
# A quarter is in sets, as in nixpkgs; the rest is at the top. The metadata are as long as those of nixpkgs are.
_SET = """{
  outputs = _: {
    legacyPackages.SYSTEM = let
      words = [ "json" "editor" "library" "fast" "network" "client" "server" "parser" "font" "terminal" "video" ];
      word = n: builtins.elemAt words (n - n / 11 * 11);
      fails = n: FAILING != 0 && n - n / FAILING * FAILING == 0;
      failure = n: let kind = n - n / 4 * 4; in
        if kind == 0 then throw "p${toString n} has been renamed" else if kind == 1 then abort "p${toString n}"
        else if kind == 2 then ({ missing }: missing) { } else let loop = loop; in loop;
      package = n: let pname = "p${toString n}"; in {
        type = "derivation";
        name = "${pname}-1.${toString n}";
        inherit pname;
        version = "1.${toString n}";
        outputs = if n - n / 3 * 3 == 0 then [ "out" "man" "dev" ] else [ "out" ];
        meta = {
          description = "A ${word n} ${word (n / 11)} for the ${word (n / 121)} of everybody, number ${toString n}";
          homepage = "https://example.org/${pname}";
          changelog = "https://example.org/${pname}/changes/1.${toString n}";
          license = { spdxId = "MIT"; fullName = "MIT License"; };
          platforms = [ "aarch64-darwin" "aarch64-linux" "x86_64-darwin" "x86_64-linux" ];
          position = "${toString ./.}/pkgs/${pname}/package.nix:${toString n}";
          unfree = n - n / 50 * 50 == 0; broken = false; insecure = false; unsupported = false;
        } // (if n - n / 2 * 2 == 0 then { mainProgram = pname; } else { });
      };
      range = from: number: builtins.listToAttrs (builtins.genList (i: let n = from + i; in {
        name = "p${toString n}"; value = if fails n then failure n else package n;
      }) number);
      set = from: range from (SIZE / 20) // { recurseForDerivations = true; };
      real = derivation {
        name = "real"; system = "SYSTEM"; builder = "/bin/sh"; args = [ "-c" "echo > $out" ];
      };
    in { inherit real; } // range 0 (SIZE / 20 * 15) // builtins.listToAttrs (builtins.genList (i: {
      name = "set${toString i}"; value = set (SIZE / 20 * (15 + i));
    }) 5);
  };
}
"""


def measure(root: Path, size: int, failing: int, rounds: int) -> list[str]:
    """Walk a set and search in it; gives the cells of a row."""
    (scratch := root / f"scratch-{size}-{failing}").mkdir()
    world = World(root / f"world-{size}-{failing}", newest_or_exit(), Store(root / f"nix-{size}-{failing}"), scratch)
    (folder := world.root / "set").mkdir()
    text = _SET.replace("SYSTEM", world.system).replace("SIZE", str(size)).replace("FAILING", str(failing))
    (folder / "flake.nix").write_text(text)
    world.sync(f'packages = ["real"]\n[inputs]\nnixpkgs = "path:{folder}"\n')
    seconds, memory, ours = _built(world)
    told = world.nixprof("search", "--json").json["indexes"][0]
    row = [f"{told['packages']:,}", f"{told['failed']:,}", f"{seconds:.0f} s", memory, ours]
    row.append(f"{told['bytes'] / 1e6:.0f} MB")
    stopwatch.write_bare_app(world.root / "bare.py")
    commands: list[list[str | Path]] = [[CONSOLE, "search", *words] for words in SEARCHES.values()]
    commands.append([sys.executable, world.root / "bare.py"])
    for command in commands:
        times = [stopwatch.seconds(command, world.env) for _ in range(rounds)]
        row.append(f"{statistics.median(times):.2f} s")
    return row


def _built(world: World) -> tuple[float, str, str]:
    """Build the index. Gives the seconds, and the most memory that Nix and nixprof have used."""
    began = time.perf_counter()
    process = subprocess.Popen([CONSOLE, "search"], env=world.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    most: dict[str, int] = {}
    while process.poll() is None:
        for status in Path("/proc").glob("[0-9]*/status"):
            name, peak = _peak(status, process.pid)
            most[name] = max(most.get(name, 0), peak)
        time.sleep(_LOOK_SECONDS)
    assert process.stdout
    said = process.stdout.read().decode()
    assert process.returncode == 0, said
    print(said, file=sys.stderr)
    ours, nix = (f"{most[name] / 1e3:.0f} MB" if most.get(name) else "-" for name in ("nixprof", "nix"))
    return time.perf_counter() - began, nix, ours


def _peak(status: Path, nixprof: int) -> tuple[str, int]:
    """Read the name of a process and the most memory that it has used, in kB: Linux tells that."""
    try:
        text = status.read_text()
    except OSError:
        return "", 0
    is_child = f"\nPPid:\t{nixprof}\n" in text
    name = "nixprof" if status.parent.name == str(nixprof) else "nix" if is_child else ""
    peak = re.search(r"VmHWM:\s+(\d+)", text)
    return name, int(peak[1]) if peak else 0


def write_page(table: str) -> None:
    """Puts the table between its marks."""
    before, mark, rest = PAGE.read_text().partition("<!-- index -->\n")
    assert mark, f"{PAGE} has no marks for the index"
    PAGE.write_text(f"{before}{mark}{table}\n<!-- end -->{rest.partition('<!-- end -->')[2]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument(
        "--failing", type=int, nargs="+", default=[0, 10], help="one attribute in so many fails; 0 for none"
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    searches = [f"search {name}" for name in SEARCHES]
    columns = ["packages", "failing", "built in", "Nix", "nixprof", "file", *searches, "bare typer app"]
    lines = [f"| {' | '.join(columns)} |", f"|{'--:|' * len(columns)}"]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(os.path.realpath(scratch))
        for size, failing in itertools.product(options.sizes, options.failing):
            lines.append(f"| {' | '.join(measure(root, size, failing, options.rounds))} |")
            print(lines[-1], file=sys.stderr)
        make_writable(root)
    print("\n".join(lines))
    if options.write:
        write_page("\n".join(lines))


if __name__ == "__main__":
    main()
