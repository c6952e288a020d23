"""Stopped by Ctrl-C, by the system or by a closed terminal, and read by somebody who has had enough."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from support.claims import agree
from support.faults import Standing, leftovers, wait_until_quiet
from support.waiting import Waiting, WaitingActivation, until
from support.world import World

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Send = Callable[[int, signal.Signals], None]


def to_the_process(process: int, number: signal.Signals) -> None:
    os.kill(process, number)


def to_the_group(process: int, number: signal.Signals) -> None:
    """As a terminal does with Ctrl-C: to Nix as well."""
    os.killpg(process, number)


@pytest.fixture(params=[to_the_process, to_the_group])
def send(request: pytest.FixtureRequest) -> Send:
    found: Send = request.param
    return found


@contextmanager
def nothing_remains(world: World) -> Iterator[None]:
    world.sync('packages = ["hello"]\n')
    before = Standing.of(world)
    yield
    assert wait_until_quiet(world) == []
    assert Standing.of(world) == before
    assert leftovers(world) == []
    assert "in sync" in world.nixprof("sync").stderr


@pytest.mark.parametrize("number", SIGNALS)
def test_stopped_while_it_builds(world: World, send: Send, number: signal.Signals) -> None:
    with nothing_remains(world):
        waiting = Waiting(world, "tardy")
        with world.spawn("add", f"{waiting.url}#tardy") as adding:
            waiting.until_building()
            send(adding.pid, number)
            _, said = adding.communicate(timeout=30)
        assert adding.returncode == 130, said
        assert said.endswith("Interrupted. Nothing was changed.\n")
        assert "Traceback" not in said


def test_stopped_again_and_again_while_it_cleans_up(world: World, send: Send) -> None:
    with nothing_remains(world):
        waiting = Waiting(world, "tardy")
        with world.spawn("add", f"{waiting.url}#tardy") as adding:
            waiting.until_building()
            while adding.poll() is None:
                for number in SIGNALS:
                    try:
                        send(adding.pid, number)
                    except ProcessLookupError:
                        break
                time.sleep(0.001)
            _, said = adding.communicate(timeout=30)
        assert adding.returncode == 130, said
        assert "Traceback" not in said


def test_stopped_while_it_evaluates(world: World, send: Send) -> None:
    with nothing_remains(world):
        waiting = Waiting(world)
        state = world.home / ".local/state/nixprof"
        with world.spawn("add", f"{waiting.url}#slowly") as adding:
            until(lambda: list(state.glob("nixprof-*/flake/flake.lock")))
            until(lambda: b"lib.resolve" in nix_of(adding.pid))
            time.sleep(0.3)
            send(adding.pid, signal.SIGINT)
            _, said = adding.communicate(timeout=30)
        assert adding.returncode == 130, said
        assert list(state.glob("nixprof-*")) == []


def nix_of(process: int) -> bytes:
    """The command lines of the children of a process."""
    found = b""
    try:
        with open(f"/proc/{process}/task/{process}/children", "rb") as children:
            for child in children.read().split():
                with open(f"/proc/{child.decode()}/cmdline", "rb") as line:
                    found += line.read()
    except OSError:
        pass
    return found


def test_stopped_while_an_input_does_not_answer(world: World, send: Send) -> None:
    with nothing_remains(world), socket.create_server(("127.0.0.1", 0)) as server:
        url = f"git+http://127.0.0.1:{server.getsockname()[1]}/x"
        with world.spawn("add", f"{url}#y", env={"http_proxy": ""}) as adding:
            connection, _ = server.accept()
            with connection:
                send(adding.pid, signal.SIGINT)
                _, said = adding.communicate(timeout=30)
        assert adding.returncode == 130, said


@pytest.mark.parametrize("number", SIGNALS)
def test_stopped_while_it_switches_the_profile(world: World, send: Send, number: signal.Signals) -> None:
    """Too late to go back: what was begun is finished, and it says so."""
    world.sync('packages = ["hello"]\n')
    activation = WaitingActivation(world)
    with world.spawn("add", "jq") as adding:
        activation.until_begun()
        send(adding.pid, number)
        send(adding.pid, signal.SIGINT)
        activation.go()
        _, said = adding.communicate(timeout=30)
    assert adding.returncode == 130, said
    assert said.endswith("Interrupted, when everything was done.\n")
    assert wait_until_quiet(world) == []
    assert leftovers(world) == []
    assert world.run("jq").startswith("jq ")
    agree(world)


def test_stopped_again_and_again_until_it_has_switched_the_profile(world: World) -> None:
    """It does not say that nothing was changed."""
    world.sync('packages = ["hello"]\n')
    activation = WaitingActivation(world)
    link = world.profile.readlink()
    before = os.readlink(link)
    with world.spawn("add", "jq") as adding:
        activation.until_begun()
        os.kill(adding.pid, signal.SIGINT)
        activation.go()
        until(lambda: os.readlink(link) != before)
        while adding.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(adding.pid, signal.SIGINT)
            time.sleep(0.0005)
        _, said = adding.communicate(timeout=30)
    assert adding.returncode == 130, said
    assert said.endswith("Interrupted, when everything was done.\n")
    agree(world)


def test_killed_while_it_switches_the_profile(world: World) -> None:
    """The Nix that it started goes on, and has the lock as long."""
    world.sync('packages = ["hello"]\n')
    activation = WaitingActivation(world)
    with world.spawn("add", "jq") as adding:
        activation.until_begun()
        os.killpg(adding.pid, signal.SIGKILL)
    refused = world.nixprof("sync", "--no-wait", check=False)
    assert refused.code == 1
    assert f"`nixprof add jq` (process {adding.pid}" in refused.stderr
    with world.spawn("sync") as syncing:
        assert syncing.stderr is not None
        assert "waiting for `nixprof add jq`" in syncing.stderr.readline()
        activation.go()
        assert "repairing what `nixprof add jq`" in syncing.stderr.read()
        assert syncing.wait() == 0
    assert world.run("jq").startswith("jq ")
    agree(world)


@pytest.mark.newest_nix
def test_a_reader_who_has_had_enough(world: World) -> None:
    entries = "".join(f'"package-with-a-long-name-{number}",\n' for number in range(4000))
    world.write_manifest(f"packages = [\n{entries}]\n")
    for command in ("list", "list --json", "status"):
        out, err = world.bash(f"nixprof {command} | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}")
        assert err == ""
        assert out.strip() in ("0", "1", "141")
        out, err = world.bash(f"nixprof {command} | true; echo ${{PIPESTATUS[0]}}")
        assert err == ""


@pytest.mark.newest_nix
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(world: World, closed: str) -> None:
    world.write_manifest('packages = ["hello"]\n')
    for command in ("sync", "list", "list --json", "add jq", "remove jq", "status", "--help"):
        out, err = world.bash(f"nixprof {command} {closed}; echo code $?")
        assert "code 0" in out, (command, out, err)
        assert "Traceback" not in err
        assert "Exception" not in err
    assert world.run("hello") == "hello 2.12.1"
    agree(world)


@pytest.mark.newest_nix
def test_an_output_on_a_full_disk(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    out, err = world.bash("nixprof list >/dev/full; echo code $?")
    assert out == "code 1\n"
    assert "No space left on device" in err
    assert "Traceback" not in err
    assert "Exception" not in err
