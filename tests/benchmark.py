"""Measures what the design sets bounds for. Run it with the Python of the tests: python tests/benchmark.py

- The start: `nixprof list` and a `sync` with nothing to do, beside a bare typer app of twenty commands, interleaved.
- The growth: parsing, compiling and editing lists of 5,000 to 20,000 packages.

What counts are the ratios of one run; the milliseconds are those of the machine.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from support import demo
from support.installs import MissingNix, newest
from support.world import Store, World

from nixprof.lock.flake_nix import compile_flake
from nixprof.manifest.edit import NewPackage, add_packages, remove_package
from nixprof.manifest.parse import parse_text

ROUNDS = 20
SIZES = (5_000, 10_000, 20_000)
BARE = """
import typer
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
def command(number):
    def function(word: str = "x", flag: bool = False) -> None:
        print("done")
    function.__name__ = f"command{number}"
    return function
for number in range(20):
    app.command()(command(number))
app(["command3"])
"""


def measure_start(world: World, bare: Path) -> None:
    console = Path(sys.executable).with_name("nixprof")
    commands: dict[str, list[str | Path]] = {
        "bare typer app": [sys.executable, bare],
        "nixprof list": [console, "list"],
        "nixprof sync": [console, "sync"],
        "nixprof status": [console, "status"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS + 2):
        for name, words in commands.items():
            started = time.perf_counter()
            subprocess.run(words, env=world.env, check=True, capture_output=True)
            taken[name].append((time.perf_counter() - started) * 1000)
    base = statistics.median(taken["bare typer app"][2:])
    for name, times in taken.items():
        median = statistics.median(times[2:])
        print(f"{name:16} {median:7.1f} ms  {median / base:5.2f}")


def measure_growth() -> None:
    print(f"\n{'packages':>8} {'parse':>9} {'compile':>9} {'add':>9} {'remove':>9}   ms")
    path = Path("nixprof.toml")
    for size in SIZES:
        text = "packages = [\n" + "".join(f'  "package{number}",\n' for number in range(size)) + "]\n"
        manifest = parse_text(path, text.encode())
        steps: list[Callable[[], object]] = [
            lambda text=text: parse_text(path, text.encode()),  # type: ignore[misc]
            lambda manifest=manifest: compile_flake(manifest, {}),  # type: ignore[misc]
            lambda text=text: add_packages(text, [NewPackage("one-more")]),  # type: ignore[misc]
            lambda text=text, size=size: remove_package(text, ("packages", size // 2)),  # type: ignore[misc]
        ]
        print(f"{size:8} " + " ".join(f"{_best(step):9.1f}" for step in steps))


def _best(step: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        started = time.perf_counter()
        step()
        times.append((time.perf_counter() - started) * 1000)
    return min(times)


def main() -> None:
    install = newest()[-1]
    if isinstance(install, MissingNix):
        sys.exit(install.reason)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(os.path.realpath(scratch))
        bare = root / "bare.py"
        bare.write_text(BARE)
        world = World(root / "world", install, Store(root / "nix"), demo.make_template(root / "demo"))
        world.write_manifest('packages = ["hello", "ripgrep", "fd", "jq", "tree", "git^out,man", "htop"]\n')
        world.nixprof("sync")
        measure_start(world, bare)
        subprocess.run(["chmod", "-R", "u+w", root], check=True)
    measure_growth()


if __name__ == "__main__":
    main()
