"""Something going wrong at a chosen point of a nixprof, and worlds that begin again the same."""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from support.world import ProfileElement, Result, World, make_writable

FAULTY = Path(__file__).with_name("faulty.py")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and when.

    `at` counts from 1; None for nothing. `how` is "kill", or the name of an error that every file operation gives;
    with `lasts` from then on, otherwise once.
    """

    log: str
    at: int | None = None
    how: str = "kill"
    lasts: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand: the list and the generated folder byte for byte, and what the profile has.

    What is only there until the next nixprof is looked at by `leftovers`.
    """

    files: dict[str, bytes]
    tree: dict[str, str]
    elements: list[ProfileElement]

    @classmethod
    def of(cls, world: World) -> "Standing":
        files = {
            str(path.relative_to(world.home)): path.read_bytes()
            for path in sorted(world.config_dir.rglob("*"))
            if path.is_file() and "nixprof-tmp" not in path.name
        }
        # The locked reference of a folder has a time in it.
        elements = [replace(element, url=None) for element in world.profile_elements()]
        return cls(files, world.tree(), elements)


class Stages:
    """A world that can be as it was before a command, again and again, at the price of copying its home."""

    def __init__(
        self,
        world: World,
        command: tuple[str, ...],
        absent: tuple[str, ...] = (),
        staying: tuple[str, ...] = ("rg", "hello"),
    ) -> None:
        """Takes the world as it is.

        `absent` are store paths that are deleted each time, `staying` programs that the profile has before and after.
        """
        self.world = world
        self.command = command
        self.staying = staying
        self._absent = absent
        self._copy = world.root / "before"
        shutil.copytree(world.home, self._copy, symlinks=True)
        self.old = Standing.of(world)
        world.nixprof(*command)
        self.new = Standing.of(world)
        # Not the first time, when more has to be built.
        self.points = self.count("kill")

    def again(self) -> None:
        world = self.world
        if self._absent:
            gone = world.command("nix-store", "--query", "--referrers-closure", *self._absent, check=False)
            world.command("nix-store", "--delete", "--ignore-liveness", *gone.stdout.split(), check=False)
        make_writable(world.home)
        shutil.rmtree(world.home)
        # Where an old Nix makes the first profile of a user.
        shutil.rmtree(world.store.root / "var/profiles", ignore_errors=True)
        shutil.copytree(self._copy, world.home, symlinks=True)

    def count(self, how: str) -> list[str]:
        """Runs the command undisturbed; returns its points for a fault of a kind."""
        self.again()
        log = self.world.root / "points"
        log.unlink(missing_ok=True)
        result = self.run(Fault(str(log), how=how))
        assert result.code == 0, str(result)
        return log.read_text().splitlines()

    def run(self, fault: Fault) -> Result:
        world = self.world
        return world.command(sys.executable, FAULTY, json.dumps(asdict(fault)), *self.command, check=False)

    def disturbed(self, at: int, how: str, *, lasts: bool = False) -> Result:
        """Begins again and runs the command with a fault."""
        self.again()
        return self.run(Fault(str(self.world.root / "disturbed"), at, how, lasts))


def chosen(points: list[str], sample: int) -> Iterator[tuple[int, str]]:
    """Every so many-th point with its number, which counts from 1."""
    return ((number, what) for number, what in enumerate(points, 1) if number % sample == 0)


def leftovers(world: World) -> list[Path]:
    """What a nixprof leaves that does not end in order."""
    folders = (world.config_dir, world.home / ".local/state/nixprof")
    found = [path for folder in folders for path in folder.rglob("*") if "nixprof-tmp" in path.name]
    state = world.home / ".local/state/nixprof"
    return found + [path for path in state.glob("*") if path.name.startswith(("commit", "running"))]


def processes_of(world: World) -> list[str]:
    """The processes that run in a world's store: Nix, and what it builds with."""
    mark = f"NIX_STORE_DIR={world.store.store_dir}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (
                mark in (folder / "environ").read_bytes()
                or str(world.store.root).encode() in (folder / "environ").read_bytes()
            ):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def wait_until_quiet(world: World, seconds: float = 10) -> list[str]:
    """Waits until no process runs in a world's store; returns those that still do."""
    end = time.monotonic() + seconds
    while (running := processes_of(world)) and time.monotonic() < end:
        time.sleep(0.02)
    return running


def works(world: World, *programs: str) -> bool:
    return all(os.access(world.profile / "bin" / program, os.X_OK) for program in programs)
