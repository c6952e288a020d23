"""Measures nixprof beside what a person would do without it: python tests/benchmark.py [--sizes 1 10] [--rounds 3]

Everybody does the same things to the same list, in turn: nixprof, a flake written by hand with one `buildEnv` (with the
evaluation cache of Nix and without), `nix profile install`, and `nix-env -iA`. Each has a home of its own; the store is
private, the packages are in it already unless it says "new machine", and nothing needs a network. The package set is
generated (support/large_set.py). Given are medians of all rounds.

`--write` puts the tables into share/doc/nixprof/BENCHMARK.md.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support import stopwatch
from support.binary_cache import BinaryCache
from support.installs import ROOT, NixInstall, newest_or_exit
from support.large_set import LargeSet, generate, put_into_store
from support.world import Store, World, make_writable

PAGE = ROOT / "share" / "doc" / "nixprof" / "BENCHMARK.md"
CONSOLE = Path(sys.executable).with_name("nixprof")
# The start is measured so often in each round.
STARTS = 3
# So many paths are copied into the cache at once.
MAX_PUSHED = 200
OPERATIONS = {
    "first": "first install, no lock yet",
    "nothing": "again, nothing to do",
    "list": "show the list",
    "add": "add one package",
    "remove": "remove one package",
    "update": "update to the newer revision",
    "lock": "install from a lock, packages in the store",
    "machine": "install from a lock, new machine",
    "freeze": "freeze a profile of so many elements",
    "space": "`space`",
    "why": "`why` of a package",
    "tidy": "`tidy --dry-run`",
    "diff": "`diff 1 4 --verbose`",
    "bisect": "`bisect` over four generations",
    "version": "`add --dry-run` of a package at the version that it had",
    "back": "`rollback` of a package",
}
# What nobody else does; one package has gone since the first of four generations.
OURS = {
    "space": ("space",),
    "why": ("why", "{kept}"),
    "tidy": ("tidy", "--dry-run"),
    "diff": ("diff", "1", "4", "--verbose"),
    "bisect": ("bisect", "--", "sh", "-c", 'test -e "$NIXPROF_BISECT/bin/{gone}"'),
    "version": ("add", "{gone}@1.0", "--dry-run"),
    "back": ("rollback", "{gone}", "--yes"),
}


Commands = Iterator[Sequence[str | Path]]


class Contestant(ABC):
    """One way to have a list of packages installed, by somebody with a home of their own."""

    name: str
    # What a person takes to another machine: the folder of the list and its lock, below the home.
    baggage: str | None = None

    def __init__(self, root: Path, install: NixInstall, store: Store, packages: LargeSet, fetched: Path) -> None:
        scratch = root / "scratch"
        scratch.mkdir(parents=True)
        self.world = World(root / "world", install, store, scratch)
        self.world.map_registry(nixpkgs=packages.url)
        self.world.enable_flakes()
        # Some versions of Nix leave folders there.
        self.world.extra_env["TMPDIR"] = str(scratch)
        self.set = packages
        self.tools: list[str] = []
        self._fetched = fetched
        self._saved = root / "saved"

    @abstractmethod
    def commands(self, operation: str, name: str) -> Commands:
        """What to run for one of OPERATIONS, with the name of a package; what a person edits is done in between."""

    def move_in(self, *, has_fetched: bool, with_baggage: bool) -> None:
        """A new home, where Nix has fetched the package set before or not, with the list and its lock or nothing."""
        if with_baggage and self.baggage and not self._saved.exists():
            shutil.copytree(self.world.home / self.baggage, self._saved)
        self.world.new_home()
        if has_fetched:
            shutil.copytree(self._fetched, self.world.home / ".cache" / "nix")
        if with_baggage and self.baggage:
            shutil.copytree(self._saved, self.world.home / self.baggage)
        elif self._saved.exists():
            shutil.rmtree(self._saved)


class Nixprof(Contestant):
    name = "nixprof"
    baggage = ".config/nixprof"

    def commands(self, operation: str, name: str) -> Commands:
        match operation:
            case "first":
                entries = "".join(f'  "{tool}",\n' for tool in self.tools)
                text = f'packages = [\n{entries}]\n\n[inputs]\nnixpkgs = "{self.set.url}"\n'
                self.world.write_manifest(text)
                yield CONSOLE, "sync"
            case "nothing" | "lock":
                yield CONSOLE, "sync"
            case "add" | "remove":
                yield CONSOLE, operation, name
            case "update":
                yield CONSOLE, "update", "--yes"
            case _:
                yield CONSOLE, operation


class Flake(Contestant):
    """A `buildEnv` in a git repository, because only what is committed can be in the evaluation cache."""

    name = "flake, cached"
    baggage = "by-hand"
    options: tuple[str, ...] = ()

    def commands(self, operation: str, name: str) -> Commands:  # noqa: ARG002 (it writes the whole list)
        folder = self.world.home / "by-hand"
        url = f"git+file://{folder}"
        release = self.world.install.release
        if operation == "first":
            self.world.command("git", "init", "--quiet", "--template=", folder)
        if operation in ("first", "add", "remove"):
            self._edit(folder)
        if operation == "first":
            yield "nix", "flake", "lock", url
        if operation == "update":
            yield "nix", "flake", "update", *(("--flake",) if release >= (2, 19) else ()), url
        if operation in ("first", "update"):
            self._commit(folder)
        if operation == "list":
            yield "nix", "profile", "list"
        elif operation in ("first", "lock"):
            yield "nix", "profile", _install_word(self.world), *self.options, url
        else:
            (element,) = self.world.profile_elements()
            yield "nix", "profile", "upgrade", *self.options, *element.store_paths

    def _edit(self, folder: Path) -> None:
        system = self.world.system
        (folder / "flake.nix").write_text(f"""{{
  inputs.nixpkgs.url = "{self.set.url}";
  outputs = {{ self, nixpkgs }}: {{
    packages.{system}.default = let pkgs = nixpkgs.legacyPackages.{system}; in pkgs.buildEnv {{
      name = "{self.name.replace(", ", "-").replace(" ", "-")}";
      paths = with pkgs; [ {" ".join(self.tools)} ];
    }};
  }};
}}
""")
        self._commit(folder)

    def _commit(self, folder: Path) -> None:
        git = ("git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.org")
        self.world.command(*git, "add", "--all")
        self.world.command(*git, "commit", "--quiet", "--message", "edit")


class UncachedFlake(Flake):
    name = "flake, not cached"
    options = ("--option", "eval-cache", "false")


class NixProfile(Contestant):
    """One element for each package, of what the registry calls `nixpkgs`."""

    name = "nix profile"

    def commands(self, operation: str, name: str) -> Commands:
        install = ("nix", "profile", _install_word(self.world))
        match operation:
            case "first":
                yield *install, *(f"nixpkgs#{tool}" for tool in self.tools)
            case "lock":
                locked = f"{self.set.url}&rev={self.set.commit(2)}"
                yield *install, *(f"{locked}#{tool}" for tool in self.tools)
            case "add":
                yield *install, f"nixpkgs#{name}"
            case "remove":
                elements = self.world.profile_elements()
                (element,) = (one for one in elements if f".{one.attr_path}".endswith(f".{name}"))
                yield "nix", "profile", "remove", element.store_paths[0]
            case "list":
                yield "nix", "profile", "list"
            case _:
                yield "nix", "profile", "upgrade", "--all" if self.world.install.release >= (2, 20) else ".*"


class NixEnv(Contestant):
    """From a channel: the package set as a folder on the disk."""

    name = "nix-env"

    def commands(self, operation: str, name: str) -> Commands:
        match operation:
            case "list":
                yield "nix-env", "--query"
            case "remove":
                yield "nix-env", "--uninstall", name
            case _:
                channel = self.set.checkouts[2 if operation in ("update", "lock") else 1]
                install = ("nix-env", "--file", channel, "--install")
                if operation == "add":
                    yield *install, "--attr", name
                else:  # With --attr, the whole set would be evaluated anew for each package.
                    yield *install, "--from-expression", f"set: with set {{ }}; [ {' '.join(self.tools)} ]"


KINDS = (Nixprof, Flake, UncachedFlake, NixProfile, NixEnv)


def _install_word(world: World) -> str:
    return "add" if world.install.release >= (2, 30) else "install"


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each round, by operation or start, number of packages and contestant."""

    taken: dict[tuple[str, int, str], list[float]]

    def median(self, operation: str, size: int, name: str) -> float:
        return statistics.median(self.taken[operation, size, name])

    def ratio(self, operation: str, size: int, name: str, other: str) -> float:
        """How much longer the one takes than the other, as the median of the rounds."""
        pairs = zip(self.taken[operation, size, name], self.taken[operation, size, other], strict=True)
        return statistics.median(one / two for one, two in pairs)


class Benchmark:
    """The machine that all of it happens on."""

    def __init__(self, root: Path, install: NixInstall, packages: LargeSet, tools: tuple[str, ...]) -> None:
        self.root = root
        self.store = Store(root / "nix")
        self.set = packages
        self.tools = tools
        self.bare = stopwatch.write_bare_app(root / "bare.py")
        self.times = Times(defaultdict(list))
        caches = root / "fetched" / "world" / "home" / ".cache" / "nix"
        fetcher = NixEnv(root / "fetched", install, self.store, packages, caches)
        self.cache = BinaryCache(root / "cache")
        self._prepare(fetcher.world)
        self.contestants = [kind(root / kind.__name__, install, self.store, packages, caches) for kind in KINDS]
        self._before = self._entries()

    def _prepare(self, world: World) -> None:
        """Has the packages of both revisions in the store and in the cache, and the set fetched."""
        outputs: set[str] = set()
        for revision, checkout in self.set.checkouts.items():
            outputs |= put_into_store(world, checkout, self.tools, self.root / f"built-{revision}")
            self.set.publish(revision)
            world.nix("flake", "metadata", self.set.url)
        every = sorted(outputs)
        for start in range(0, len(every), MAX_PUSHED):
            self.cache.push(world, *every[start : start + MAX_PUSHED])

    def run_round(self, size: int, number: int) -> None:
        """Lets everybody live through the operations; who begins changes from round to round."""
        turn = number % len(KINDS)
        everybody = self.contestants[turn:] + self.contestants[:turn]
        nixprof, *_, profile, _ = self.contestants
        first, *others = self.tools[: size + 1]
        lists = {"first": [first, *others[:-1]], "add": [first, *others], "remove": others}
        self._begin(everybody, with_baggage=False)
        for operation in ("first", "nothing", "list", "add", "remove", "update"):
            self.set.publish(2 if operation == "update" else 1)
            for one in everybody:
                one.tools = lists.get(operation, one.tools)
                name = first if operation == "remove" else others[-1]
                self._measure(operation, size, one.name, one.world, one.commands(operation, name))
        self._measure_start(size, nixprof.world)
        for operation, words in OURS.items():
            command: list[str | Path] = [CONSOLE, *(word.format(kept=others[-1], gone=first) for word in words)]
            self._measure(operation, size, nixprof.name, nixprof.world, [command])
        nixprof.world.command(CONSOLE, "rollback", "4", "--yes")
        self._measure("freeze", size, nixprof.name, profile.world, [(CONSOLE, "freeze", "--yes")])
        self._begin(everybody, with_baggage=True)
        for one in everybody:
            self._measure("lock", size, one.name, one.world, one.commands("lock", ""))
        self._measure_new_machines(size, [one for one in everybody if not isinstance(one, UncachedFlake)])

    def _measure(
        self, operation: str, size: int, name: str, world: World, commands: Iterable[Sequence[str | Path]]
    ) -> None:
        seconds = sum(stopwatch.seconds(words, world.env) for words in commands)
        self.times.taken[operation, size, name].append(seconds)

    def _begin(self, contestants: Sequence[Contestant], *, with_baggage: bool) -> None:
        """New homes, and the store as it was before anything was installed."""
        for one in contestants:
            one.move_in(has_fetched=True, with_baggage=with_baggage)
        more = [str(self.store.store_dir / entry) for entry in sorted(self._entries() - self._before)]
        if more:
            contestants[0].world.command("nix-store", "--delete", "--ignore-liveness", *more)

    def _entries(self) -> set[str]:
        return {entry for entry in os.listdir(self.store.store_dir) if not entry.startswith(".")}

    def _measure_start(self, size: int, world: World) -> None:
        for _ in range(STARTS):
            self._measure("start", size, "bare", world, [(sys.executable, self.bare)])
            for words in ("--version", "list", "sync"):
                self._measure("start", size, words, world, [(CONSOLE, words)])

    def _measure_new_machines(self, size: int, contestants: Sequence[Contestant]) -> None:
        aside = self.root / "aside"
        self.store.root.rename(aside)
        with self.cache.serve():
            for one in contestants:
                self.store.empty()
                one.move_in(has_fetched=False, with_baggage=True)
                self.cache.use_in(one.world)
                self._measure("machine", size, one.name, one.world, one.commands("lock", ""))
                one.world.configure(substituters="")
        self.store.empty()
        self.store.root.rmdir()
        aside.rename(self.store.root)


## the page


def tables(times: Times, sizes: list[int]) -> str:
    names = [kind.name for kind in KINDS]
    lines = ["| | packages |" + "".join(f" {name} |" for name in names), "|---|--:|" + "--:|" * len(names)]
    for operation, label in OPERATIONS.items():
        for size in sizes:
            cells = [_cell(times, operation, size, name) for name in names]
            lines.append(f"| {label if size == sizes[0] else ''} | {size} |" + "".join(f" {cell} |" for cell in cells))
    lines += ["", "| start | packages | bare typer app | `--version` | `list` | `sync`, nothing to do |"]
    lines += ["|---|--:|--:|--:|--:|--:|"]
    for size in sizes:
        bare = f"{times.median('start', size, 'bare') * 1000:.0f} ms"
        starts = (f" {_start(times, size, words)} |" for words in ("--version", "list", "sync"))
        lines.append(f"| | {size} | {bare} |" + "".join(starts))
    return "\n".join(lines)


def _cell(times: Times, operation: str, size: int, name: str) -> str:
    if (operation, size, name) not in times.taken:
        return "-"
    seconds = f"{times.median(operation, size, name):.2f} s"
    return seconds if name == Nixprof.name else f"{seconds} ({times.ratio(operation, size, name, Nixprof.name):.1f})"


def _start(times: Times, size: int, words: str) -> str:
    return f"{times.median('start', size, words) * 1000:.0f} ms ({times.ratio('start', size, words, 'bare'):.2f})"


def targets(times: Times, sizes: list[int]) -> str:
    """What the design promises, and what was measured."""
    lines = ["| promised | measured |", "|---|---|"]
    for words, label in (("list", "`list`"), ("sync", "`sync` with nothing to do")):
        worst = max(times.ratio("start", size, words, "bare") for size in sizes)
        lines.append(f"| {label} takes at most 1.5 times as long as a bare typer app | {worst:.2f} times |")
    for operation, label in (
        ("lock", "`sync` from a lock takes at most 0.25 of the first evaluation of a flake written by hand"),
        ("add", "`add` takes at most 0.7 of it"),
    ):
        parts = ", ".join(f"{_part(times, operation, size):.2f} for {size}" for size in sizes)
        lines.append(f"| {label} | {parts} |")
    long = [size for size in sizes if size >= 10]
    if len(long) > 1:
        growth = times.median("lock", long[-1], Nixprof.name) / times.median("lock", long[0], Nixprof.name)
        label = f"`sync` from a lock takes as long for {long[-1]} packages as for {long[0]}"
        lines.append(f"| {label} | {growth:.2f} times |")
    return "\n".join(lines)


def _part(times: Times, operation: str, size: int) -> float:
    """An operation of nixprof beside the first evaluation of the faster of the flakes."""
    ours = times.taken[operation, size, Nixprof.name]
    theirs = (times.taken["lock", size, flake.name] for flake in (Flake, UncachedFlake))
    return max(statistics.median(one / two for one, two in zip(ours, flake, strict=True)) for flake in theirs)


def circumstances(packages: LargeSet, world: World, sizes: Sequence[int], rounds: int) -> str:
    """The kind of machine, and what Nix itself counts when it evaluates so many packages."""
    number = len(list(packages.checkouts[1].glob("pkgs/by-name/*/*")))
    machine = f"{platform.system()} on {platform.machine()} with {os.cpu_count()} cores"
    about = (
        f"Nix {world.install.version}, Python {platform.python_version()}, {machine}; rounds: {rounds}; {number:,} "
        "packages in by-name. What Nix counts for the `drvPath` of so many, the derivations being in the store:"
    )
    head = "| packages | function calls | thunks | memory | processor time |\n|--:|--:|--:|--:|--:|"
    return "\n".join((about, "", head, *(_counted(packages, world, size) for size in sizes)))


def _counted(packages: LargeSet, world: World, size: int) -> str:
    tools = " ".join(packages.tools[:size])
    expression = f"with import {packages.checkouts[1]} {{ }}; map (one: one.drvPath) [ {tools} ]"
    command = ("nix-instantiate", "--eval", "--strict", "--read-write-mode", "--expr", expression)
    said = world.command(*command, env={"NIX_SHOW_STATS": "1"}).stderr
    stats = json.loads(said[said.index("{") :])
    counts = f"{stats['nrFunctionCalls']:,} | {stats['nrThunks']:,} | {stats['gc']['totalBytes'] / 1e6:.0f} MB"
    return f"| {size} | {counts} | {stats['cpuTime']:.2f} s |"


def write_page(text: str) -> None:
    """Puts the measured part between its marks."""
    page = PAGE.read_text()
    before, _, rest = page.partition("<!-- measured -->\n")
    _, end, after = rest.partition("<!-- end -->")
    assert end, f"{PAGE} has no marks for what is measured"
    PAGE.write_text(f"{before}<!-- measured -->\n{text}\n{end}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1, 10, 100, 500], help="how many packages the lists have"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nix", metavar="NAME", help="a Nix in .nix, or a folder with its commands; else the newest")
    parser.add_argument("--packages", type=int, default=8000, help="how many packages the set has in by-name")
    parser.add_argument("--stages", type=int, default=3, help="how many stages its bootstrap has")
    parser.add_argument("--needs", type=int, default=14, help="how many generators a tool of it is built with")
    parser.add_argument("--write", action="store_true", help=f"write the tables into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    if options.nix:
        os.environ["NIXPROF_TEST_NIX"] = options.nix
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(os.path.realpath(scratch))
        packages = generate(root / "set", options.packages, options.stages, options.needs)
        benchmark = Benchmark(root, newest_or_exit(), packages, packages.tools[: max(options.sizes) + 1])
        about = circumstances(packages, benchmark.contestants[0].world, sorted(options.sizes), options.rounds)
        measured = ""
        for done, size in enumerate(options.sizes, start=1):
            for number in range(options.rounds):
                benchmark.run_round(size, number)
                print(f"{size} packages, round {number + 1}", file=sys.stderr)
            sizes = sorted(options.sizes[:done])
            measured = "\n\n".join((about, targets(benchmark.times, sizes), tables(benchmark.times, sizes)))
            if options.write:  # What has been measured stays where somebody stops it.
                write_page(measured)
        print(measured, flush=True)
        make_writable(root)


if __name__ == "__main__":
    main()
