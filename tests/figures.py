"""Counts what a checkout of nixprof consists of, and what its commands cost: the same script for every version.

    python tests/figures.py [CHECKOUT]…          one column for each; this checkout where none is named
    python tests/figures.py --source CHECKOUT…   only what is counted by reading, which takes a second

- Read: lines, modules, classes, lengths of functions, imports in circles and upwards.
- Run: the Nix processes that each command starts, the start as a multiple of a bare typer app's, and how many tests
  there are.

Lengths are lines of code: without blank lines, comments and docstrings. `git worktree add FOLDER COMMIT` makes a
checkout.
"""

import argparse
import ast
import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from support import claims, demo, stopwatch
from support.binary_cache import BinaryCache
from support.installs import ROOT, NixInstall, newest_or_exit
from support.world import Store, World, make_writable

START_ROUNDS = 15
FEW = ("ripgrep", "fd", "git")
LIST = 'packages = ["ripgrep", "fd", "git"]\n'

## read


@dataclass(frozen=True, slots=True)
class Module:
    """A module of Python: its dotted name, its tree, its lines, and the numbers of those that are code."""

    name: str
    path: str
    tree: ast.Module
    lines: int
    code: frozenset[int]


def read_modules(checkout: Path) -> dict[str, Module]:
    found = {}
    for path in sorted((checkout / "nixprof").rglob("*.py")):
        name = ".".join(path.relative_to(checkout).with_suffix("").parts)
        text = path.read_text()
        tree = ast.parse(text)
        code = frozenset(_lines_of_code(text) - _docstrings(tree))
        found[name] = Module(name, str(path.relative_to(checkout)), tree, len(text.splitlines()), code)
    return found


def _lines_of_code(text: str) -> set[int]:
    blank = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {line for one in tokens if one.type not in blank for line in range(one.start[0], one.end[0] + 1)}


def _docstrings(tree: ast.Module) -> set[int]:
    """The lines of every string that stands alone."""
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def function_lengths(modules: dict[str, Module]) -> list[int]:
    return sorted(
        len(module.code & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)))
        for module in modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef)
    )


def import_graph(modules: dict[str, Module]) -> dict[str, set[str]]:
    """The modules that each module imports anywhere in it, for types as well."""
    graph: dict[str, set[str]] = {name: set() for name in modules}
    for name, module in modules.items():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = (f"{node.module}.{alias.name}" for alias in node.names)
                graph[name] |= {full if full in modules else node.module for full in names}
        graph[name] = (graph[name] & modules.keys()) - {name}
    return graph


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """The groups of modules that all lead to each other."""
    reached = {name: _reachable(graph, name) for name in graph}
    groups = {
        frozenset(other for other in reached[name] if name in reached[other]) for name in graph if name in reached[name]
    }
    return [set(group) for group in groups]


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    ahead = set(graph[start])
    while ahead:
        name = ahead.pop()
        found.add(name)
        ahead |= graph[name] - found
    return found


def upward_imports(checkout: Path, modules: dict[str, Module]) -> int:
    """How many imports go against the order of the rooms in that checkout's own ARCHITECTURE.md."""
    page = (checkout / "share" / "doc" / "nixprof" / "ARCHITECTURE.md").read_text()
    table = page.partition("## The rooms")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    floor: dict[str, int] = {}
    for name, module in modules.items():
        for number, row in enumerate(rows):
            places = re.findall(r"`([\w/.]+)`", row)
            if any(module.path == f"nixprof/{one}" or module.path.startswith(f"nixprof/{one}") for one in places):
                floor[name] = number
    pairs = ((one, other) for one, others in import_graph(modules).items() for other in others)
    return sum(floor[other] < floor[one] for one, other in pairs if one in floor and other in floor)


def count_source(checkout: Path) -> dict[str, str]:
    modules = read_modules(checkout)
    lengths = function_lengths(modules)
    groups = circles(import_graph(modules))
    nix = sum(len(path.read_text().splitlines()) for path in (checkout / "nixprof").rglob("*.nix"))
    classes = sum(isinstance(node, ast.ClassDef) for module in modules.values() for node in ast.walk(module.tree))
    return {
        "lines of Python": f"{sum(module.lines for module in modules.values()):,}",
        "of these, code": f"{sum(len(module.code) for module in modules.values()):,}",
        "lines of Nix": f"{nix:,}",
        "modules": str(len(modules)),
        "types (classes)": str(classes),
        "functions": str(len(lengths)),
        "lines of a function, median": f"{statistics.median(lengths):.0f}",
        "lines of a function, 90th percentile": f"{statistics.quantiles(lengths, n=10)[-1]:.0f}",
        "import circles": f"{len(groups)} ({sum(map(len, groups))} modules)" if groups else "0",
        "upward imports": str(upward_imports(checkout, modules)),
    }


## run


def count_processes(checkout: Path, install: NixInstall, root: Path) -> dict[str, str]:
    """The processes of Nix for each command, in a life of a list of three packages that are in the store."""
    world = World(root / "world", install, Store(root / "nix"), demo.make_template(root / "demo"))
    world.extra_env["PYTHONPATH"] = str(checkout)
    cache = BinaryCache(root / "cache")
    counted = {}

    def count(label: str, *command: str) -> None:
        result, processes = claims.run_counted(world, *command)
        assert result.code == 0, str(result)
        counted[label] = str(sum(os.path.basename(argv[0]).startswith("nix") for argv in processes))

    world.write_manifest(LIST)
    world.build("nixpkgs#jq")
    count("first `sync`", "sync")
    for reading in ("sync", "list", "status"):
        count("`sync`, nothing to do" if reading == "sync" else f"`{reading}`", reading)
    count("`add`, in the store", "add", "jq")
    count("`remove`", "remove", "jq")
    count("`rollback`", "rollback", "--yes")
    cache.push(world, *world.tree().values())
    with cache.serve():
        cache.use_in(world)
        saved = {path: path.read_bytes() for path in world.config_dir.rglob("*") if path.is_file()}
        world.new_machine()
        for path, content in saved.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        count("`sync` from a lock, new machine", "sync")
        world.configure(substituters="")
    world.publish(2)
    count("`update`", "update", "--yes")
    world.new_machine()
    for name in FEW:
        world.install_element(f"nixpkgs#{name}")
    count("`freeze` of three elements", "freeze", "--yes")
    return counted


def count_tests(checkout: Path) -> dict[str, str]:
    """How many tests pytest collects there with the same versions of Nix as here."""
    installs = os.environ.get("NIXPROF_TEST_NIX") or " ".join(
        str(path / "root" / "usr" / "bin") for path in sorted((ROOT / ".nix").glob("*"))
    )
    counted = {}
    for label, more in (("tests", []), ("tests with `--all`", ["--all"])):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *more],
            cwd=checkout,
            env={**os.environ, "NIXPROF_TEST_NIX": installs if more else "", "PYTHONPATH": str(checkout)},
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.search(r"^(\d+)(?:/\d+)? tests? collected", done.stdout, re.MULTILINE)
        counted[label] = f"{int(found[1]):,}" if found else "-"
    return counted


def measure_start(checkout: Path, install: NixInstall, root: Path) -> dict[str, str]:
    """The time of a start, as a multiple of that of a bare typer app, all of them in turn."""
    world = World(root / "world", install, Store(root / "nix"), demo.make_template(root / "demo"))
    world.extra_env["PYTHONPATH"] = str(checkout)
    world.sync(LIST)
    nixprof = (sys.executable, "-c", "from nixprof.__main__ import main; main()")
    commands = {
        "bare": (sys.executable, str(stopwatch.write_bare_app(root / "bare.py"))),
        "`--version`": (*nixprof, "--version"),
        "`list`": (*nixprof, "list"),
        "`sync`, nothing to do": (*nixprof, "sync"),
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(START_ROUNDS):
        for name, words in commands.items():
            taken[name].append(stopwatch.seconds(words, world.env))
    bare = statistics.median(taken.pop("bare"))
    return {f"start of {name}": f"{statistics.median(times) / bare:.2f}" for name, times in taken.items()}


def count_runs(checkout: Path, install: NixInstall) -> Iterator[dict[str, str]]:
    steps: tuple[Callable[[Path, NixInstall, Path], dict[str, str]], ...] = (count_processes, measure_start)
    for step in steps:
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(os.path.realpath(scratch))
            counted = step(checkout, install, root)
            make_writable(root)
        if step is count_processes:
            counted = {f"Nix processes of {name}": number for name, number in counted.items()}
        yield counted
    yield count_tests(checkout)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkouts", nargs="*", type=Path, default=[ROOT])
    parser.add_argument("--source", action="store_true", help="only what is counted by reading")
    options = parser.parse_args()
    columns = []
    for checkout in options.checkouts:
        column = count_source(checkout.resolve())
        if not options.source:
            for more in count_runs(checkout.resolve(), newest_or_exit()):
                column |= more
        columns.append(column)
    print("| |" + "".join(f" {checkout.resolve().name} |" for checkout in options.checkouts))
    print("|---|" + "--:|" * len(columns))
    for name in dict.fromkeys(name for column in columns for name in column):
        print(f"| {name} |" + "".join(f" {column.get(name, '-')} |" for column in columns))


if __name__ == "__main__":
    main()
