"""What is shown while it runs: true at each moment, calm on a terminal, sparse without one, on every Nix."""

import re
import subprocess
import time
from pathlib import Path

import pytest
from conftest import Prepare
from support import needs
from support.binary_cache import BinaryCache
from support.terminal import Terminal
from support.world import World

NUMBER, BYTES = 50, 100_000
MIB = 1 << 20
# A count is shown with one digit; what a socket holds, the server has sent and Nix has not seen.
SLACK_BYTES = 0.1 * MIB + 0.1 * MIB
LAG_SECONDS = 1.0
_FLAKE = """
{{ outputs = _: {{ packages.{system} = builtins.listToAttrs (map (number: rec {{
  name = "p${{toString number}}";
  value = derivation {{
    name = "${{name}}-1.${{toString number}}";
    system = "{system}";
    builder = "/bin/sh";
    PATH = "/usr/bin:/bin";
    args = [ "-c" "mkdir -p $out/bin; head -c {size} /dev/urandom >$out/bin/${{name}}" ];
  }};
}}) (builtins.genList (number: number) {number})); }}; }}
"""


@pytest.fixture
def far_away(prepare: Prepare, binary_cache: BinaryCache) -> World:
    """A new machine whose list has fifty packages, all of them in a cache that is slow."""
    world, cache = prepare(without_fifty)
    binary_cache.have(cache)
    binary_cache.use_in(world)
    world.configure(max_jobs="16")  # which is how many paths an old Nix fetches at once
    binary_cache.bytes_per_second = 80_000  # for each connection, of which Nix has many
    return world


def without_fifty(world: World) -> tuple[World, BinaryCache]:
    cache = BinaryCache(world.root / "cache")
    flake = world.root / "many"
    flake.mkdir()
    (flake / "flake.nix").write_text(_FLAKE.format(system=world.system, number=NUMBER, size=BYTES))
    packages = ", ".join(f'"many#p{number}"' for number in range(NUMBER))
    world.sync(f'packages = [{packages}]\n[inputs]\nmany = "path:{flake}"\nnixpkgs = "{world.nixpkgs_url}"\n')
    cache.push(world, *(path for element in world.profile_elements() for path in element.store_paths))
    world.move()
    return world, cache


def sent(cache: BinaryCache) -> int:
    return sum(number for path, number in cache.bytes_sent.copy().items() if path.startswith("/nar/"))


def display(lines: list[str], left: int = 0) -> list[str]:
    """The lines of the display, below the plan; above it, `left` lines of earlier frames may be left."""
    heads = [index for index, line in enumerate(lines) if re.match(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] ", line)]
    assert len(heads) <= 1 + left, "\n".join(lines)
    return lines[heads[-1] :] if heads else []


def test_the_bytes_are_those_that_the_server_has_sent(far_away: World, binary_cache: BinaryCache) -> None:
    counts: list[tuple[float, int]] = []
    seen = []
    with Terminal(far_away, "sync", env={"NO_COLOR": "1"}) as terminal:
        while terminal.running:
            counts.append((time.monotonic(), sent(binary_cache)))
            lines = display(terminal.lines())
            found = re.search(r"(\d+\.\d)/(\d+\.\d) MiB", "\n".join(lines))
            assert len(lines) <= 5
            if found:
                now = counts[-1][0]
                earlier = max((number for at, number in counts if at <= now - LAG_SECONDS), default=0)
                shown = float(found[1]) * MIB
                assert earlier - SLACK_BYTES <= shown <= sent(binary_cache) + SLACK_BYTES
                assert found[2] == "4.8"
                seen.append(shown)
            time.sleep(0.05)
        assert terminal.wait() == 0
        assert display(terminal.lines()) == []
        assert terminal.lines()[-1].startswith("✓ 50 added · generation 1 · ")
    assert len(set(seen)) > 5
    assert sorted(seen) == seen


def test_without_a_terminal_there_are_few_lines(far_away: World) -> None:
    lines = far_away.nixprof("sync").stderr.splitlines()
    assert len(lines) < 20
    assert any(re.search(r"fetching 50 packages: \d\.\d/4\.8 MiB", line) for line in lines)
    assert lines[-1].startswith("✓ 50 added")


@pytest.mark.newest_nix
def test_a_terminal_that_changes_its_size(far_away: World, binary_cache: BinaryCache) -> None:
    needs.program("tmux")
    binary_cache.bytes_per_second = 10_000
    with _tmux(far_away, "sync") as screen:
        for columns in (80, 40, 120, 60):
            screen.resize(columns)
            time.sleep(0.8)
            # A frame may be half drawn, and a terminal that changes in the middle of a frame keeps a line of it.
            lines = next(filter(None, (display(screen.lines(), left=1) for _ in range(20))))
            assert len(lines) <= 5
            assert all(len(line) < columns for line in lines)


def test_a_build(fresh_world: World) -> None:
    fresh_world.write_manifest('packages = ["slow"]\n')
    phases = set()
    with Terminal(fresh_world, "sync", env={"NO_COLOR": "1"}) as terminal:
        while terminal.running:
            found = re.search(r"building     slow-1\.0  \((\w+) phase, (\d) s\)", "\n".join(terminal.lines()))
            if found:
                phases.add(found[1])
            time.sleep(0.1)
        assert terminal.wait() == 0
        assert terminal.lines()[-1].startswith("✓ 1 added · generation 1 · ")
    assert phases >= {"patch", "configure", "build", "install"}


def test_a_build_that_fails_shows_the_end_of_its_log(fresh_world: World) -> None:
    fresh_world.write_manifest('packages = ["failing"]\n')
    with Terminal(fresh_world, "sync", env={"NO_COLOR": "1"}) as terminal:
        assert terminal.wait() == 1
        text = "\n".join(terminal.lines())
    assert "compiling unit 9 of 10" in text
    assert "unit10.c:3: error: expected ';' before '}'" in text


def test_an_input_that_is_fetched(fresh_world: World, binary_cache: BinaryCache) -> None:
    archive = binary_cache.folder / "nixpkgs.tar.gz"
    archive.parent.mkdir(parents=True, exist_ok=True)
    git = ["git", "-C", str(fresh_world.nixpkgs), "archive", "--prefix=nixpkgs/", f"--output={archive}", "HEAD"]
    subprocess.run(git, check=True)
    binary_cache.bytes_per_second = archive.stat().st_size // 2
    url = f"{binary_cache.url}/nixpkgs.tar.gz"
    fresh_world.write_manifest(f'packages = ["hello"]\n\n[inputs]\nnixpkgs = "{url}"\n')
    with Terminal(fresh_world, "sync", columns=120, env={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for(lambda lines: any(line.startswith(f"fetching     {url}") for line in lines))
        assert terminal.wait() == 0


def test_verbose_tells_what_nix_says_as_it_says_it(fresh_world: World) -> None:
    fresh_world.write_manifest('packages = ["slow"]\n')
    with Terminal(fresh_world, "sync", "--verbose") as terminal:
        terminal.wait_for(lambda lines: any("Running phase: patchPhase" in line for line in lines))
        assert terminal.running
        assert terminal.wait() == 0
    assert b"nix --extra-experimental-features 'nix-command flakes' eval --json --apply '" in terminal.written


class _Tmux:
    """A terminal that wraps its lines anew where its size changes, as most do."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def run(self, *words: str) -> str:
        command = ["tmux", "-S", str(self._socket), "-f", "/dev/null", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def resize(self, columns: int) -> None:
        self.run("resize-window", "-x", str(columns), "-y", "24")

    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.run("capture-pane", "-p").rstrip().splitlines()]


def _tmux(world: World, *args: str) -> "_Running":
    return _Running(world, args)


class _Running:
    def __init__(self, world: World, args: tuple[str, ...]) -> None:
        self._world = world
        self._args = args
        self._tmux = _Tmux(world.root / "tmux")

    def __enter__(self) -> _Tmux:
        script = self._world.root / "start"
        variables = "".join(f"export {name}='{value}'\n" for name, value in self._world.env.items() if name != "TERM")
        words = " ".join(("python3 -m nixprof", *self._args))
        script.write_text(f"{variables}cd\n{words}\nsleep 60\n")
        self._tmux.run("new-session", "-d", "-x", "80", "-y", "24", f"sh {script}")
        end = time.monotonic() + 30
        while not any("fetching 50 packages" in line for line in self._tmux.lines()):
            assert time.monotonic() < end
            time.sleep(0.1)
        return self._tmux

    def __exit__(self, *_: object) -> None:
        self._tmux.run("kill-server")
