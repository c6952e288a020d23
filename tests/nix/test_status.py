"""How the list and the profile differ, either way, and which command settles it, on every Nix."""

from support.terminal import Terminal
from support.world import World


def shown(world: World) -> str:
    return world.nixprof("status").stdout


def test_each_difference_and_what_settles_it(world: World) -> None:
    world.write_manifest('packages = ["hello", "jq"]\n')
    assert "not installed yet  hello, jq  nixprof sync" in shown(world)
    world.nixprof("sync")
    assert shown(world).startswith("✓ in sync: 2 packages, generation 1")
    world.manifest.write_text(world.manifest.read_text().replace('"jq"', '"fd"'))
    text = shown(world)
    assert "edited since last sync  nixprof.toml  nixprof sync" in text
    assert "not installed yet       fd            nixprof sync" in text
    assert "no longer listed        jq            nixprof sync" in text
    assert "✗ 1 package to install, 1 to remove" in text
    world.nixprof("sync", "--yes")
    world.install_element("nixpkgs#tree", "nixpkgs#wget")
    text = shown(world)
    assert "not on the list  tree, wget  nixprof freeze --only tree wget" in text
    assert "and 2 not on the list" in text
    world.nixprof("freeze", "--only", "tree", "wget")
    assert "✓ in sync: 4 packages" in shown(world)


def test_answers_of_another_revision(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    old = (world.flake / "packages.json").read_bytes()
    world.update()
    # As after a merge in git that took one lock from here and one from there.
    (world.flake / "packages.json").write_bytes(old)
    assert "behind its input  hello  nixprof sync" in shown(world)
    assert world.nixprof("status", "--json").json["behind"] == ["hello"]
    assert world.nixprof("status", "--check", check=False).code == 3
    world.nixprof("sync")
    assert shown(world).startswith("✓")


def test_a_profile_that_nix_rolled_back(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    world.nixprof("add", "jq")
    world.nix("profile", "rollback")
    text = shown(world)
    assert "changed elsewhere  the profile is at another generation  nixprof sync" in text
    assert "nixprof rollback 1" in text
    assert "not installed yet  jq" in text
    world.nixprof("rollback", "1", "--yes")
    assert "jq" not in world.manifest.read_text()
    assert shown(world).startswith("✓")


def test_an_element_that_was_removed(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    world.nix("profile", "remove", "nixprof" if world.install.release >= (2, 20) else ".*nixprof")
    assert "nixprof's element was removed from the profile  nixprof sync" in shown(world)
    world.nixprof("sync")
    assert shown(world).startswith("✓")


def test_many_names_are_folded(world: World) -> None:
    names = ["hello", "jq", "fd", "git", "ripgrep", "tree", "wget", "htop", "terraform", "sqlite", "eza", "bat"]
    many = [*names, *(f"python3Packages.{name}" for name in ("black", "requests"))]
    world.write_manifest(f"packages = [{', '.join(repr(name) for name in many)}]\n".replace("'", '"'))
    for columns in (40, 80):
        with Terminal(world, "status", columns=columns) as terminal:
            terminal.wait()
            lines = terminal.lines()
        assert len(lines) <= 6
        assert all(len(line) <= columns for line in lines)
        assert lines[-1] == "✗ 14 packages to install"
