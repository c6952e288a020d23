"""Measures one cache for many machines: python tests/benchmark_caches.py [--machines 100] [--packages 100] [--write]

One machine pushes what its list has into a binary cache, signed, which a web server on loopback serves, and again after
an update. Then as many new machines as wanted match the list, each with an empty store and a new home, one after the
other, because all stores have one path; they follow the update, too. Counted are requests and bytes at the server, and
the seconds of each command. The package set is generated (support/large_set.py); only the first machine builds.

`--write` puts the outcome into share/doc/nixprof/CACHES.md.
"""

import argparse
import platform
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from support.binary_cache import BinaryCache
from support.installs import ROOT, newest_or_exit
from support.large_set import LargeSet, generate
from support.world import Store, World, make_writable

from nixprof.formatting import count, size

PAGE = ROOT / "share" / "doc" / "nixprof" / "CACHES.md"
CONSOLE = Path(sys.executable).with_name("nixprof")
MANY = 10_000  # machines that the figures are given for


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command asked of the cache, and how long it took."""

    seconds: float
    narinfos: int  # requests for what a path is
    archives: int  # requests for a path itself
    sent: int  # bytes that came from the cache
    received: int  # bytes that went into it


class Fleet:
    """A machine that fills a cache, and the one place where all others are, one after the other."""

    def __init__(self, root: Path, packages: LargeSet, number: int) -> None:
        scratch = root / "scratch"
        scratch.mkdir()
        self.packages, self.cache = packages, BinaryCache(root / "cache")
        self.first = World(root / "first", newest_or_exit(), Store(root / "nix"), scratch)
        self.first.store.empty()
        tools = "".join(f'  "{tool}",\n' for tool in packages.tools[:number])
        self.first.write_manifest(f'packages = [\n{tools}]\n\n[inputs]\nnixpkgs = "{packages.url}"\n')
        self.key = root / "key"
        self.first.command("nix-store", "--generate-binary-cache-key", "cache-1", self.key, root / "key.pub")
        self.public = (root / "key.pub").read_text().strip()

    def costs(self, world: World, *words: str | Path) -> Cost:
        """Runs nixprof as a user does, and asks the server what it was asked."""
        self.cache.forget_requests()
        before = self.size
        began = time.perf_counter()
        world.command(CONSOLE, *words)
        seconds = time.perf_counter() - began
        asked = self.cache.requests
        narinfos = sum(number for path, number in asked.items() if path.endswith(".narinfo"))
        archives = sum(number for path, number in asked.items() if path.startswith("/nar/"))
        return Cost(seconds, narinfos, archives, sum(self.cache.bytes_sent.values()), self.size - before)

    @property
    def size(self) -> int:
        """How large the cache is."""
        return sum(file.stat().st_size for file in self.cache.folder.rglob("*") if file.is_file())

    def fill(self) -> dict[str, list[Cost]]:
        """Pushes the list at both revisions of the package set; keeps what the dot-files had each time."""
        found = {}
        for revision, command in ((1, ("sync",)), (2, ("update", "--build"))):
            self.packages.publish(revision)
            self.first.nixprof(*command, "--yes")
            shutil.copytree(self.first.config_dir, self.dotfiles(revision))
            found[f"push {revision}"] = [self.costs(self.first, "push", self.cache.url, "--key", self.key)]
        found["push again"] = [self.costs(self.first, "push", self.cache.url, "--key", self.key)]
        return found

    def dotfiles(self, revision: int) -> Path:
        return self.first.root / f"dotfiles-{revision}"

    def follow(self) -> dict[str, Cost]:
        """What a new machine does: it matches the list, has nothing to do, and follows an update."""
        world = self.first
        world.new_machine()
        world.configure(substituters=self.cache.url, trusted_public_keys=self.public, max_jobs="1")
        found = {"sync 1": self.costs(world, "sync", "--from", self.dotfiles(1))}
        found["nothing"] = self.costs(world, "sync")
        shutil.rmtree(world.config_dir)
        shutil.copytree(self.dotfiles(2), world.config_dir)
        found["sync 2"] = self.costs(world, "sync")
        return found


STEPS = {
    "push 1": ("`push` of a new list", False),
    "push again": ("`push` of what is there", False),
    "push 2": ("`push` after an `update`", False),
    "sync 1": ("`sync --from` on a new machine", True),
    "nothing": ("`sync` with nothing to do", True),
    "sync 2": ("`sync` after an `update`", True),
}


def table(costs: dict[str, list[Cost]]) -> str:
    """A row for each step: medians, and what all machines together ask for."""
    head = f"| step | seconds | .narinfo | archives | from the cache | into it | {MANY:,} machines |"
    lines = [head, "|---|--:|--:|--:|--:|--:|---|"]
    for step, (told, each) in STEPS.items():
        found = costs[step]
        seconds = statistics.median(one.seconds for one in found)
        numbers = [round(statistics.median(getattr(one, name) for one in found)) for name in ("narinfos", "archives")]
        sent, received = (
            round(statistics.median(getattr(one, name) for one in found)) for name in ("sent", "received")
        )
        requests = sum(numbers) * MANY
        many = f"{requests:,} requests, {size(sent * MANY)}" if each else "once for each kind of machine"
        sizes = f"{size(sent)} | {size(received)}"
        lines.append(f"| {told} | {seconds:.1f} | {numbers[0]} | {numbers[1]} | {sizes} | {many} |")
    return "\n".join(lines)


def write_page(text: str) -> None:
    """Puts the measured part between its marks."""
    before, _, rest = PAGE.read_text().partition("<!-- measured -->\n")
    _, end, after = rest.partition("<!-- end -->")
    assert end, f"{PAGE} has no marks for what is measured"
    PAGE.write_text(f"{before}<!-- measured -->\n{text}\n{end}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--machines", type=int, default=100)
    parser.add_argument("--packages", type=int, default=100, help="how many packages the list has")
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch).resolve()
        fleet = Fleet(root, generate(root / "set", 2 * options.packages, 1, 0), options.packages)
        costs: dict[str, list[Cost]] = {step: [] for step in STEPS}
        with fleet.cache.serve():
            costs |= fleet.fill()
            for number in range(options.machines):
                for step, cost in fleet.follow().items():
                    costs[step].append(cost)
                print(f"machine {number + 1}", file=sys.stderr)
        about = (
            f"Nix {fleet.first.install.version}, {platform.system()} on {platform.machine()}; "
            f"{count(options.machines, 'machine')}, {count(options.packages, 'package')} on the list; the cache is "
            f"{size(fleet.size)} in {len(list(fleet.cache.folder.glob('*.narinfo')))} paths."
        )
        measured = f"{about}\n\n{table(costs)}\n"
        print(measured, flush=True)
        if options.write:
            write_page(measured)
        make_writable(root)


if __name__ == "__main__":
    main()
