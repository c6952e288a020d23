"""What a plan loses is asked about, whichever command it came from; without a terminal it waits for --yes."""

import json

import pytest
from support.world import World

pytestmark = pytest.mark.newest_nix

SIX = ("hello", "ripgrep", "git", "fd", "jq", "tree")


@pytest.fixture
def six(world: World) -> World:
    world.sync(f"packages = {json.dumps(SIX)}\n")
    return world


def leave(world: World, *names: str) -> None:
    """Writes a list by hand that has only these packages."""
    world.write_manifest(f"# mine\npackages = {json.dumps(names)}\n")


@pytest.mark.parametrize(
    "words", [("add", "htop"), ("pin", "hello"), ("update", "hello"), ("sync",), ("sync", "--json"), ("freeze",)]
)
def test_what_was_not_named_waits_for_a_yes(six: World, words: tuple[str, ...]) -> None:
    leave(six, "hello")
    if words == ("freeze",):
        six.install_element("nixpkgs#htop")
    before = six.snapshot()
    refused = six.nixprof(*words, check=False)
    assert refused.code == 1
    said = refused.stderr + refused.stdout
    assert "this needs confirmation, and there is no terminal to ask on" in said
    assert "it would remove ripgrep, git, fd and 2 more, which the command does not name" in said
    assert f"to go ahead: nixprof {' '.join(words)} --yes" in said
    assert six.snapshot() == before
    if words == ("add", "htop"):
        declined = six.nixprof_on_terminal(*words, typed="n\n").stdout
        assert "Make these 6 changes, which remove 5 packages? [Y/n]" in declined
        assert declined.endswith("Nothing was changed.\n")
        assert six.snapshot() == before
    six.nixprof(*words, "--yes")
    assert not (six.profile / "bin/rg").exists()


def test_one_package_is_asked_about_too(six: World) -> None:
    leave(six, *SIX[1:])
    assert "Remove this package? [Y/n]" in six.nixprof_on_terminal("sync", typed="n\n").stdout
    assert six.nixprof("sync", check=False).code == 1
    assert six.nixprof("sync", "--check", check=False).code == 3
    assert six.run("hello") == "hello 2.12.1"


@pytest.mark.parametrize("text", ["# nothing\n", " \n\n", "[inputs]\n"])
def test_a_list_that_says_nothing_removes_nothing(six: World, text: str) -> None:
    six.write_manifest(text, inputs=False)
    for yes in ((), ("--yes",)):
        refused = six.nixprof("sync", *yes, check=False)
        assert refused.code == 1
        assert "packages = []" in refused.stderr
    assert six.run("hello") == "hello 2.12.1"


def test_the_end_of_the_input_is_a_no(six: World) -> None:
    leave(six, "hello")
    shown = six.nixprof_on_terminal("sync", typed="\x04", check=False).stdout
    assert shown.endswith("? [Y/n]: \nNothing was changed.\n")
    assert six.run("jq").startswith("jq ")


def test_what_was_named_is_not_asked_about(six: World) -> None:
    shown = six.nixprof_on_terminal("remove", *SIX[:5]).stdout
    assert "[Y/n]" not in shown
    six.nixprof("remove", "tree")
    assert six.tree() == {}
