"""nixprof is stopped at every point where it touches a file or a process, and every file operation is refused once.

How many points each command has is in the record of the tests: `pytest --junit-xml=FILE`.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import MakeWorld, Prepare
from support import needs
from support.claims import agree
from support.faults import Stages, Standing, chosen, leftovers, wait_until_quiet, works
from support.scripts import in_front
from support.world import Result, World

PUTTING_RIGHT = "repairing what `nixprof {}` (process "


def to_add(world: World) -> Stages:
    world.sync('packages = ["hello", "ripgrep"]  # mine\n')
    return Stages(world, ("add", "jq"), absent=(world.eval("nixpkgs#jq.outPath"),))


def to_remove(world: World) -> Stages:
    """What goes is all that its input is for, and what the input is locked to is not what it is at now."""
    branch = world.command("git", "-C", world.nixpkgs, "branch", "--show-current").stdout.strip()
    world.sync(
        'packages = [\n  "hello",\n  "other#jq", # goes, with this\n  "ripgrep",\n]\n\n'
        f'[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nother = "{world.nixpkgs_url}?ref={branch}"\n'
    )
    world.publish(2)
    return Stages(world, ("remove", "other#jq"))


def to_sync(world: World) -> Stages:
    world.sync('packages = ["hello", "ripgrep", "jq"]\n')
    world.write_manifest('packages = ["ripgrep", "fd", "hello"] # by hand\n')
    return Stages(world, ("sync", "--yes"))


def to_update(world: World) -> Stages:
    """One package goes with its input, one is pinned, one is at a revision of its own."""
    world.sync('packages = ["hello", { package = "ripgrep", pin = true }, "jq"]\n')
    world.update("jq")
    return Stages(world, ("update",))


def to_hold(world: World) -> Stages:
    """One package moves, one is gone, and one fails to build once everything else is in the store."""
    world.commit(breaks="")
    world.sync('packages = ["hello", "oldtool", "ripgrep", "breaks"]\n')
    world.publish(2)
    world.commit(breaks='buildCommand = "exit 3";')
    return Stages(world, ("update",))


def to_freeze(world: World) -> Stages:
    world.sync('packages = ["tree"]\n')
    world.install_element("nixpkgs#hello")
    world.publish(2)
    world.install_element("nixpkgs#ripgrep")
    return Stages(world, ("freeze", "--yes"))


def to_begin(world: World) -> Stages:
    """The very first command on a machine: no profile, not even the link that leads to one."""
    world.write_manifest('packages = ["hello"]\n')
    return Stages(world, ("sync",), staying=())


def to_begin_elsewhere(world: World) -> Stages:
    """The same where Nix makes its profile in the state folder, as it can since 2.14."""
    world.configure(use_xdg_base_directories="true")
    if world.install.release >= (2, 14):
        world.profile = world.home / ".local/state/nix/profile"
    return to_begin(world)


COMMANDS = {"add": to_add, "remove": to_remove, "sync": to_sync, "update": to_update, "freeze": to_freeze}
HOLDING = {"update that holds": to_hold}
FIRST = {"begin": to_begin, "begin elsewhere": to_begin_elsewhere}


@pytest.fixture
def stages(request: pytest.FixtureRequest, prepare: Prepare) -> Stages:
    if request.param in FIRST:
        return prepare(FIRST[request.param], profile_link=False)
    return prepare((COMMANDS | HOLDING)[request.param])


def left(world: World) -> str:
    """What is on disk, in short: of two equal ones the future is equal, too."""
    digest = hashlib.sha256()
    for where, folders, names in os.walk(world.home):
        there = sorted([*names, *folders], key=plain)
        # What is in a scratch folder goes with it.
        folders[:] = sorted(name for name in folders if name != ".cache" and not name.endswith(".nixprof-tmp"))
        for name in there:
            path = Path(where, name)
            content = os.readlink(path).encode() if path.is_symlink() else b""
            if path.is_file() and not path.is_symlink() and name != "running.json":
                content = path.read_bytes()
            digest.update(repr((os.path.relpath(where, world.home), plain(name), content)).encode())
    return digest.hexdigest()


def plain(name: str) -> str:
    """A name without what tempfile chose."""
    return re.sub(r"[.-][a-z0-9_]{8}(\.nixprof-tmp)$", r"\1", name)


def all_is_there(stages: Stages, what: str) -> None:
    """What holds at every moment."""
    name = ".config/nixprof/nixprof.toml"
    now = stages.world.manifest.read_bytes() if stages.world.manifest.exists() else None
    assert now in (stages.old.files.get(name), stages.new.files[name]), what
    assert works(stages.world, *stages.staying), what


@pytest.mark.parametrize("stages", [*COMMANDS, *HOLDING, *FIRST], indirect=True)
def test_killed_at_every_point(stages: Stages, sample: int, record_property: Callable[[str, object], None]) -> None:
    world, command = stages.world, stages.command
    known: set[str] = set()
    points = list(chosen(stages.points, sample))
    for number, what in points:
        where = f"killed at point {number} of {len(stages.points)}: {what}"
        result = stages.disturbed(number, "kill")
        assert result.code == -9, f"{where}\n{result}"
        all_is_there(stages, where)
        orphan = what.startswith("running")
        state = left(world)
        if state in known and not orphan:
            continue
        known.add(state)
        noted = leftovers(world) != []
        result = world.nixprof("sync", "--yes", check=False)
        assert result.code == 0, f"{where}\n{result}"
        assert result.stderr.count("repairing") == noted, f"{where}\n{result}"
        assert not noted or PUTTING_RIGHT.format(" ".join(command).replace(" --yes", "")) in result.stderr, where
        wait_until_quiet(world)
        assert leftovers(world) == [], where
        now = Standing.of(world)
        assert now in (stages.old, stages.new), f"{where}\n{difference(stages, now)}"
        assert command[0] != "sync" or now == stages.new, where
        assert "in sync" in world.nixprof("sync").stderr, where
        if now != stages.new:
            world.nixprof(*command)
            now = Standing.of(world)
            assert now == stages.new, f"{where}, and again\n{difference(stages, now)}"
    record_property("points", len(stages.points))
    record_property("states", len(known))


def difference(stages: Stages, now: Standing) -> str:
    lines = []
    for name, standing in (("old", stages.old), ("new", stages.new)):
        names = {*standing.files, *now.files}
        files = [file for file in sorted(names) if standing.files.get(file) != now.files.get(file)]
        lines.append(
            f"other than {name}: {files}, profile {'same' if standing.tree == now.tree else 'differs'}, "
            f"elements {'same' if standing.elements == now.elements else now.elements}"
        )
    return "\n".join(lines)


@pytest.mark.newest_nix
@pytest.mark.parametrize("stages", COMMANDS, indirect=True)
@pytest.mark.parametrize("reason", ["ENOSPC", "EROFS", "EACCES"])
def test_every_write_is_refused(
    stages: Stages, reason: str, sample: int, record_property: Callable[[str, object], None]
) -> None:
    """Refused from that point on, and where a second try may help, also once only."""
    points = stages.count(reason)
    for number, what in chosen(points, sample):
        for lasts in (True, False):
            if not lasts and (reason != "EACCES" or "/.config/" not in what):
                continue
            where = f"{reason} at point {number} of {len(points)}: {what}"
            refused(stages, stages.disturbed(number, reason, lasts=lasts), where)
    record_property("points", len(points))


def refused(stages: Stages, result: Result, where: str, mend: Callable[[], None] = lambda: None) -> None:
    world = stages.world
    assert "Traceback" not in result.stderr, f"{where}\n{result}"
    all_is_there(stages, where)
    now = Standing.of(world)
    if result.code == 0:
        # What is only there for the user's convenience, or only has to be cleared away.
        assert now == stages.new, f"{where}\n{result}\n{difference(stages, now)}"
        return
    assert result.code == 1, f"{where}\n{result}"
    assert "error:" in result.stderr, f"{where}\n{result}"
    assert reason_in(result.stderr), f"{where}\n{result}"
    if now != stages.old:
        # Nothing can be taken back any more: it says so, and the next nixprof puts it right.
        told = "; other files were already written" in result.stderr and "nixprof sync" in result.stderr
        assert told, f"{where}\n{result}\n{difference(stages, now)}"
    elif leftovers(world) == []:
        # Nothing is left to be put right, as if it had not been tried.
        return
    mend()
    world.nixprof("sync", "--yes")
    assert leftovers(world) == [], where
    now = Standing.of(world)
    assert now in (stages.old, stages.new), f"{where}\n{difference(stages, now)}"


@pytest.fixture
def small_disk(make_world: MakeWorld) -> Iterator[World]:
    """A home on a disk of four MiB; the store is on another."""
    world = make_world(home="small/home")
    kept = world.root / "kept"
    shutil.move(world.home, kept)
    with needs.small_disk(world.home.parent, "4m"):
        shutil.copytree(kept, world.home, symlinks=True)
        world.extra_env["XDG_CACHE_HOME"] = str(world.root / "cache")  # of Nix, which needs more room than there is
        yield world


def leave(folder: Path, pages: int) -> None:
    """Fills a disk until so many pages are free."""
    disk = os.statvfs(folder)
    with (folder / "fill").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, (disk.f_bavail - pages) * disk.f_frsize)


@pytest.mark.newest_nix
@pytest.mark.parametrize("command", ["add", "sync"])
def test_a_disk_that_fills_up(small_disk: World, command: str, record_property: Callable[[str, object], None]) -> None:
    """With room for a little more each time, until there is enough."""
    stages = COMMANDS[command](small_disk)
    refusals, pages = 0, 0
    while True:
        where = f"with {pages} free pages"
        stages.again()
        leave(small_disk.home.parent, pages)
        result = small_disk.nixprof(*stages.command, check=False)
        refused(stages, result, where, (small_disk.home.parent / "fill").unlink)
        (small_disk.home.parent / "fill").unlink(missing_ok=True)
        if result.code == 0:
            break
        refusals, pages = refusals + 1, pages + 1
    assert refusals > 5
    record_property("refusals", refusals)


def reason_in(said: str) -> bool:
    reasons = (
        "No space left on device",
        "Read-only file system",
        "Permission denied",
        "is read-only",
        "No usable temporary directory",
    )
    return any(reason in said for reason in reasons)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("end", ["kill -9 $$", "echo error: late >&2; exit 1"])
def test_nix_fails_when_it_has_switched_the_profile(world: World, end: str, first: bool) -> None:  # noqa: FBT001
    """What is done is done: the list is that of the profile."""
    world.write_manifest("packages = []\n")
    if not first:
        world.nixprof("sync")
    late = f'case " $* " in *" profile "*) "$real"/nix "$@"; {end} ;; esac\nexec "$real"/nix "$@"'
    said = world.nixprof("add", "jq", env=in_front(world, {"nix": late})).stderr
    assert "the profile was switched, but then:" in said
    assert world.run("jq").startswith("jq")
    agree(world)
    assert leftovers(world) == []
    assert "in sync" in world.nixprof("sync").stderr


@pytest.mark.newest_nix
def test_a_journal_that_is_damaged_does_no_harm(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    for text in (
        "",
        "{",
        "[]",
        '{"files": 1}',
        json.dumps({"version": 2, "profile": None, "at": "", "files": [{"path": "/x"}]}),
        '{"version": 2, "profile": "/x", "at": "", "files": [{}]}',
    ):
        (world.home / ".local/state/nixprof/commit.json").write_text(text)
        assert "repairing what an earlier nixprof left" in world.nixprof("sync").stderr
        assert leftovers(world) == []
        assert "in sync" in world.nixprof("sync").stderr
