"""A word where the programs of the profile are not on the PATH."""

import pytest
from support.world import World

pytestmark = pytest.mark.newest_nix


def test_where_the_programs_are_not_on_the_path(world: World) -> None:
    elsewhere = {"PATH": world.env["PATH"].rpartition(":")[0]}
    world.write_manifest("packages = []\n")
    said = world.nixprof("add", "jq", env=elsewhere).stderr
    assert said.endswith("  the programs are not on your PATH yet: nixprof setup\n")
    world.nixprof("setup", "bash", env=elsewhere)
    new = world.command("bash", "-l", "-c", "command -v jq", env=elsewhere)
    assert new.stdout == f"{world.profile}/bin/jq\n"
    assert "PATH" not in world.nixprof("add", "jq", env=elsewhere).stderr
    assert "PATH" not in world.nixprof("add", "hello").stderr
    assert "PATH" not in world.nixprof("add", "tree", "--profile", world.home / "other", env=elsewhere).stderr
