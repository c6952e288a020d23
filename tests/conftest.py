"""Fixtures for tests against a real Nix.

A test that asks for one of them runs on the newest Nix, and with `pytest --all` on the oldest, too. Two markers change
that: `newest_nix` where the version of Nix makes no difference, so that the newest is always enough, and `every_nix`
where the difference between versions is what is tested.

`world`          a user with a home, a profile and a package set; the tests of a session share one store
`fresh_world`    the same with a store of its own, for tests that count, collect garbage or begin with nothing
`make_world`     for several users or other circumstances: `make_world(home="with space", fresh=True)`
`binary_cache`   a cache on loopback, empty
`nix_install`    the version under test: `nix_install.release >= (2, 20)`
"""

import itertools
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Protocol

import hypothesis
import pytest
from support import demo
from support.binary_cache import BinaryCache
from support.installs import MissingNix, NixInstall, every_install, newest, oldest_and_newest
from support.world import Store, World

# `pytest --hypothesis-profile=long`: many examples, for hours when nobody waits.
hypothesis.settings.register_profile(
    "long", max_examples=10_000, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
# How long an example takes says more about what else the machine does.
hypothesis.settings.register_profile("quick", max_examples=20, deadline=None)
hypothesis.settings.register_profile("all", max_examples=150, deadline=None)


# What is started inherits a signal that is ignored (Ctrl-C in the background, a closed terminal under nohup), but not a
# handler: these tests go on ignoring it, and what they start is as it would be on a terminal.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)

# A test that takes longer hangs: it fails with a traceback of where it waits. Most take two seconds, none takes thirty.
TEST_SECONDS = 240


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup() -> Generator[None, None, None]:
    return (yield from _limited())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    return (yield from _limited())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Generator[None, None, None]:
    return (yield from _limited())


def _limited() -> Generator[None, None, None]:
    def stop(*_: object) -> None:
        pytest.fail(f"hangs: it has taken {TEST_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    # Again and again: what cleans up on the way out may wait for the same.
    signal.setitimer(signal.ITIMER_REAL, 0 if "NIXPROF_TEST_POINTS" in os.environ else TEST_SECONDS, 5)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class MakeWorld(Protocol):
    def __call__(
        self,
        *,
        home: str = "home",
        fresh: bool = False,
        profile_link: bool = True,
        store: Store | None = None,
    ) -> World: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="also on the oldest Nix, and stopped at more points")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("hypothesis_profile"):
        hypothesis.settings.load_profile("all" if config.getoption("all") else "quick")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "nix_install" not in metafunc.fixturenames:
        return
    if metafunc.definition.get_closest_marker("newest_nix"):
        installs = newest()
    elif metafunc.definition.get_closest_marker("every_nix"):
        installs = every_install()
    else:
        both = metafunc.config.getoption("all") or os.environ.get("NIXPROF_TEST_NIX")
        installs = oldest_and_newest() if both else newest()
    metafunc.parametrize("nix_install", installs, ids=[one.id for one in installs], indirect=True, scope="session")


@pytest.fixture(scope="session")
def nix_install(request: pytest.FixtureRequest) -> NixInstall:
    install: NixInstall | MissingNix = request.param
    if isinstance(install, MissingNix):
        pytest.fail(install.reason, pytrace=False)
    return install


@pytest.fixture(scope="session")
def nix_store(nix_install: NixInstall, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The store that the worlds of a session share: what one test has built is there for the next."""
    return Store(_real(tmp_path_factory.mktemp(f"store-{nix_install.version}-")))


@pytest.fixture(scope="session")
def demo_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo.make_template(_real(tmp_path_factory.mktemp("demo")))


@pytest.fixture
def make_world(nix_install: NixInstall, nix_store: Store, demo_template: Path, tmp_path: Path) -> MakeWorld:
    numbers = itertools.count()

    def make(
        *, home: str = "home", fresh: bool = False, profile_link: bool = True, store: Store | None = None
    ) -> World:
        number = next(numbers)
        root = _real(tmp_path) / f"w{number}"
        own_store = Store(root / "nix") if fresh else nix_store
        return World(root, nix_install, store or own_store, demo_template, home=home, profile_link=profile_link)

    return make


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


@pytest.fixture
def fresh_world(make_world: MakeWorld) -> World:
    return make_world(fresh=True)


@pytest.fixture
def binary_cache(tmp_path: Path) -> Iterator[BinaryCache]:
    cache = BinaryCache(_real(tmp_path) / "cache")
    with cache.serve():
        yield cache


def _real(path: Path) -> Path:
    # Nix refuses a store below a symbolic link, and a temporary folder often is (on macOS, always).
    return Path(os.path.realpath(path))
