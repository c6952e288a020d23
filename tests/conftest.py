"""Fixtures for tests against a real Nix, and which tests run when.

A test that asks for one of them runs on the newest Nix. What IN_ALL_ONLY names is left to `pytest --all`, unless files
are named on the command line; what ON_OLDEST names runs on the oldest Nix as well with --all. Two markers say more:
`newest_nix` where the version of Nix makes no difference to one test of such a file, and `every_nix` where the
difference between versions is what is tested, on all that there are.

`world`          a user with a home, a profile and a package set; the tests of a session share one store
`fresh_world`    the same with a store of its own, for tests that count, collect garbage or begin with nothing
`make_world`     for several users or other circumstances: `make_world(home="with space", fresh=True)`
`prepare`        a world with a store of its own, or what else a function makes of one, for the price of a copy after
                 the first time: `prepare(to_freeze)`
`synced`         a world with hello on the list and in the profile
`binary_cache`   a cache on loopback, empty
`evaluate`       a Nix that reads a file without any world
`nix_install`    the version under test: `nix_install.release >= (2, 20)`
"""

import itertools
import json
import os
import signal
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import hypothesis
import pytest
from support import demo
from support.binary_cache import BinaryCache
from support.installs import MissingNix, NixInstall, every_install, newest, oldest_and_newest
from support.kept import Kept
from support.lists import Evaluate
from support.world import Store, World

from nixprof.store_path import store

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


# Files, or FILE::TEST, that are left to `pytest --all`: odd machines, foul input, faults, and what others show as well.
IN_ALL_ONLY = {
    *(
        "test_benchmark",
        "test_bisect",
        "test_bootstrap",
        "test_collisions_by_nix",
        "test_damage",
        "test_demo",
        "test_doctor",
        "test_elements",
    ),
    *("test_faults", "test_foul_text", "test_habits", "test_hand_edits", "test_identify", "test_inputs_that_fail"),
    *("test_interrupts", "test_new_nix", "test_odd_ground", "test_odd_machines", "test_odd_owners", "test_outputs"),
    *("test_outside_paths", "test_progress", "test_safe_switch", "test_screens", "test_streams", "test_systems"),
    "test_doctor",
    "test_two_at_once",
    "test_never_blocks",
    "test_merged_lists::test_three_machines_and_one_repository",
    "test_freeze::test_a_broken_profile_is_refused_and_nothing_changes",
    "test_freeze::test_an_error_leaves_everything_as_it_was",
    "test_freeze::test_killed_at_any_point_the_profile_is_the_old_or_the_new_one",
    "test_init::test_killed_anywhere_it_can_be_said_again",
    "test_freeze::test_a_broken_file_is_refused_and_nothing_changes",
    "test_other_lists::test_every_other_form_is_read_and_what_is_code_is_left",
    "test_other_machines::test_what_goes_wrong_there",
    "test_other_machines::test_the_list_and_the_store_of_another_machine",
    "test_export::test_an_image_has_the_locked_paths_and_what_they_need",
    "test_push::test_a_folder_that_is_not_signed",
    "test_push::test_another_machine_builds_and_takes_what_it_trusts",
    "test_push::test_s3",
    "test_push::test_what_a_cache_refuses",
    "test_space::test_tidy_killed_anywhere_and_two_at_once",
}

# Those that run on the oldest Nix as well, where versions differ in what they say, write or refuse.
ON_OLDEST = {
    *("test_collisions_by_nix", "test_errors", "test_faults", "test_freeze", "test_interrupts"),
    *("test_main_job", "test_profiles", "test_progress", "test_safe_switch"),
    "test_demo::test_every_package_builds",
    "test_moves::test_update_moves_every_input",
    "test_moves::test_one_package_moves_alone_and_goes_with_its_input_again_later",
    "test_push::test_what_one_machine_pushes_another_has_without_a_build",
    "test_push::test_what_a_cache_refuses",
    "test_outputs::test_nix_finds_nothing_wrong_with_the_folder",
    "test_outputs::test_the_locked_output_fetches_no_input",
    "test_outputs::test_the_plain_output_does_without_packages_json",
    "test_resolve::test_a_policy_is_written_for_the_package_and_for_no_other",
    "test_resolve::test_several_systems_stay_resolved_in_one_evaluation",
}


class MakeWorld(Protocol):
    def __call__(
        self,
        *,
        home: str = "home",
        fresh: bool = False,
        profile_link: bool = True,
        store: Store | None = None,
    ) -> World: ...


_T = TypeVar("_T")


class Prepare(Protocol):
    def __call__(self, make: Callable[[World], _T], *, profile_link: bool = True) -> _T: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="every test, and many on the oldest Nix as well")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("hypothesis_profile"):
        hypothesis.settings.load_profile("all" if config.getoption("all") else "quick")


def _leaves_out(config: pytest.Config) -> bool:
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return everything and not config.getoption("all")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker of xdist is told: its own command line names what it is to run."""
    node.workerinput["leaves_out"] = _leaves_out(node.config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if getattr(config, "workerinput", {}).get("leaves_out", _leaves_out(config)):
        left_out = [item for item in items if _is_in(IN_ALL_ONLY, item)]
        items[:] = [item for item in items if not _is_in(IN_ALL_ONLY, item)]
        config.hook.pytest_deselected(items=left_out)


def _is_in(names: set[str], item: pytest.Item) -> bool:
    return item.path.stem in names or f"{item.path.stem}::{getattr(item, 'originalname', item.name)}" in names


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "nix_install" not in metafunc.fixturenames:
        return
    installs = newest()
    if metafunc.definition.get_closest_marker("every_nix"):
        installs = every_install()
    elif not metafunc.definition.get_closest_marker("newest_nix"):
        named = "NIXPROF_TEST_NIX" in os.environ
        if named or (metafunc.config.getoption("all") and _is_in(ON_OLDEST, metafunc.definition)):
            installs = oldest_and_newest()
    metafunc.parametrize("nix_install", installs, ids=[one.id for one in installs], indirect=True, scope="session")


@pytest.fixture(autouse=True)
def _own_store() -> None:
    """Each test may have another store, which nixprof asks for once."""
    store.cache_clear()


@pytest.fixture(scope="session")
def nix_install(request: pytest.FixtureRequest) -> NixInstall:
    install: NixInstall | MissingNix = request.param
    if isinstance(install, MissingNix):
        pytest.fail(install.reason, pytrace=False)
    return install


@pytest.fixture(scope="session")
def evaluate(nix_install: NixInstall, tmp_path_factory: pytest.TempPathFactory) -> Evaluate:
    """What Nix reads a file as."""
    home = tmp_path_factory.mktemp("evaluate")
    nix_install.link_commands(home / "bin")
    environment = {
        "HOME": str(home),
        "NIX_CONF_DIR": str(home),
        "NIX_STORE_DIR": str(home / "store"),
        "NIX_STATE_DIR": str(home / "var"),
        "NIX_LOG_DIR": str(home / "log"),
    }

    def run(file: Path) -> Any:
        command = [str(home / "bin/nix-instantiate"), "--eval", "--strict", "--json", str(file)]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
        return json.loads(done.stdout)

    return run


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


@pytest.fixture(scope="session")
def kept() -> Iterator[dict[object, Kept[Any]]]:
    worlds: dict[object, Kept[Any]] = {}
    yield worlds
    for world in worlds.values():
        world.end()


@pytest.fixture
def prepare(
    nix_install: NixInstall,
    demo_template: Path,
    kept: dict[object, Kept[Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Prepare:
    def prepared(make: Callable[[World], _T], *, profile_link: bool = True) -> _T:
        key = (make, nix_install)
        if key not in kept:
            root = _real(tmp_path_factory.mktemp("prepared")) / "w"
            # Others empty the store of the session.
            world = World(root, nix_install, Store(root / "nix"), demo_template, profile_link=profile_link)
            kept[key] = Kept(world, make)
        again: _T = kept[key].again()
        return again

    return prepared


@pytest.fixture
def synced(prepare: Prepare) -> World:
    return prepare(_with_hello)


def _with_hello(world: World) -> World:
    world.build("nixpkgs#jq")  # what many of these tests add
    world.sync('packages = ["hello"]\n')
    return world


@pytest.fixture
def sample(request: pytest.FixtureRequest, nix_install: NixInstall) -> int:
    """At which points something goes wrong, each twelfth or so: all take minutes for each command."""
    thorough = request.config.getoption("all") and nix_install in newest()
    return int(os.environ.get("NIXPROF_TEST_POINTS", "12" if thorough else "36"))


@pytest.fixture
def binary_cache(tmp_path: Path) -> Iterator[BinaryCache]:
    cache = BinaryCache(_real(tmp_path) / "cache")
    with cache.serve():
        yield cache


def _real(path: Path) -> Path:
    # Nix refuses a store below a symbolic link, and a temporary folder often is (on macOS, always).
    return Path(os.path.realpath(path))
