"""What `update` moves, what stays, and what becomes of the locks."""

import json
import shutil
from pathlib import Path

import pytest
from support.claims import agree, lock, refused, revisions, versions
from support.world import World


@pytest.fixture
def two_inputs(world: World) -> World:
    """`nixpkgs` at revision 1 that follows the package set, and `old`, which is locked to revision 1 for good."""
    world.sync(
        f'packages = ["hello", "old#ripgrep"]\n\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n'
        f'old = "{world.nixpkgs_url}?ref=main"\n'
    )
    return world


def test_one_input_moves_and_the_other_stays(two_inputs: World) -> None:
    world = two_inputs
    before = revisions(world)
    shown = world.update("nixpkgs").stderr
    after = revisions(world)
    assert after["nixpkgs"] != before["nixpkgs"]
    assert after["old"] == before["old"]
    assert world.run("hello") == "hello 2.12.2"
    assert world.run("rg") == "ripgrep 14.1.1"
    assert f"{before['nixpkgs'][:7]} → 2026-11-18 {after['nixpkgs'][:7]}" in shown
    assert "~ hello  2.12.1 → 2.12.2" in shown
    assert "ripgrep" not in shown
    agree(world)


def test_two_inputs_move_by_name(two_inputs: World) -> None:
    world = two_inputs
    world.update("old", "nixpkgs")
    assert world.run("hello") == "hello 2.12.2"
    assert world.run("rg") == "ripgrep 15.1.0"
    agree(world)


def test_update_moves_every_input(two_inputs: World) -> None:
    world = two_inputs
    world.update()
    assert versions(world) == {"nixpkgs#hello": "2.12.2", "old#ripgrep": "15.1.0"}
    assert len(set(revisions(world).values())) == 1
    agree(world)


def test_the_same_package_from_two_inputs(world: World) -> None:
    world.sync(
        'packages = ["hello", { package = "old#hello", priority = 7 }]\n\n'
        f'[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nold = "{world.nixpkgs_url}?ref=main"\n'
    )
    world.update("nixpkgs")
    assert versions(world) == {"nixpkgs#hello": "2.12.2", "old#hello": "2.12.1"}
    assert world.run("hello") == "hello 2.12.2"
    world.nixprof("remove", "nixpkgs#hello")
    assert world.run("hello") == "hello 2.12.1"
    agree(world)


def test_one_package_moves_alone_and_goes_with_its_input_again_later(world: World) -> None:
    world.sync('packages = ["hello", "ripgrep"]\n')
    before = revisions(world)
    world.publish(2)

    world.nixprof("update", "hello")
    assert revisions(world) == before
    assert world.run("hello") == "hello 2.12.2"
    assert world.run("rg") == "ripgrep 14.1.1"
    assert lock(world)["nixpkgs#hello"]["held"].startswith("git+file:")
    assert "held" not in lock(world)["nixpkgs#ripgrep"]
    agree(world)

    # It stays through other changes …
    world.nixprof("add", "jq")
    world.nixprof("remove", "jq")
    assert world.run("hello") == "hello 2.12.2"

    # … and `update` frees it.
    world.nixprof("update")
    assert "held" not in lock(world)["nixpkgs#hello"]
    assert versions(world) == {"nixpkgs#hello": "2.12.2", "nixpkgs#ripgrep": "15.1.0"}
    agree(world)


def test_a_package_that_is_at_the_newest_revision_is_not_held(world: World) -> None:
    world.sync('packages = ["hello", "ripgrep"]\n')
    before = world.snapshot()
    world.nixprof("update", "hello")
    assert world.snapshot() == before


def test_packages_that_move_alone_one_after_the_other(world: World) -> None:
    world.sync('packages = ["hello", "ripgrep", "jq"]\n')
    world.update("hello")
    world.nixprof("update", "ripgrep", "jq")
    assert world.run("hello") == "hello 2.12.2"
    assert world.run("rg") == "ripgrep 15.1.0"
    assert all("held" in entry for entry in lock(world).values())
    agree(world)


def test_a_pinned_package_stays_until_it_is_named(world: World) -> None:
    world.sync('packages = ["hello", { package = "terraform", pin = true }]\n')
    world.publish(2)

    shown = world.nixprof("update").stderr
    assert "1 pinned: terraform 1.9.8" in shown
    assert versions(world) == {"nixpkgs#hello": "2.12.2", "nixpkgs#terraform": "1.9.8"}
    assert lock(world)["nixpkgs#terraform"]["held"]
    agree(world)

    world.nixprof("update")
    assert world.run("terraform") == "terraform 1.9.8"

    world.nixprof("update", "terraform")
    assert world.run("terraform") == "terraform 1.13.5"
    assert lock(world)["nixpkgs#terraform"]["held"]
    agree(world)


def test_without_its_pin_a_package_moves_with_the_next_update(world: World) -> None:
    world.sync('packages = ["hello", { package = "terraform", pin = true }]\n')
    world.update()
    world.manifest.write_text(
        world.manifest.read_text().replace('{ package = "terraform", pin = true }', '"terraform"')
    )
    world.nixprof("sync")
    assert world.run("terraform") == "terraform 1.9.8"
    world.nixprof("update")
    assert world.run("terraform") == "terraform 1.13.5"
    assert "held" not in lock(world)["nixpkgs#terraform"]
    agree(world)


def test_a_package_that_is_added_again_is_not_held(world: World) -> None:
    world.sync('packages = ["hello", "ripgrep"]\n')
    world.update("hello")
    world.nixprof("remove", "hello")
    assert "nixpkgs#hello" not in lock(world)
    world.nixprof("add", "hello")
    assert world.run("hello") == "hello 2.12.1"
    agree(world)


def test_an_unknown_name_moves_nothing(world: World) -> None:
    world.sync('packages = ["hello", "ripgrep"]\n')
    world.publish(2)
    assert "did you mean ripgrep? nixprof update ripgrep" in refused(world, "update", "ripgrp")
    refused(world, "update", "hello", "no-such-thing")


def test_nothing_has_moved(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    before = world.snapshot()
    shown = world.nixprof("update").stderr
    assert "no package changes" in shown
    assert world.snapshot() == before
    assert len(world.generations()) == 1


def test_a_rebuild_at_the_same_version_is_shown(world: World) -> None:
    world.sync('packages = ["sqlite", "wget"]\n')
    path = lock(world)["nixpkgs#sqlite"]["systems"][world.system]["outputs"]["out"]
    shown = world.update().stderr
    assert "~ sqlite  3.50.4 (rebuilt)" in shown
    assert "wget" not in shown
    assert lock(world)["nixpkgs#sqlite"]["systems"][world.system]["outputs"]["out"] != path
    assert (world.profile / "share/sqlite/built-with").read_text() == "compiler 2\n"
    agree(world)


def test_a_package_that_is_gone_upstream_stays_and_stops_a_strict_update(world: World) -> None:
    world.sync('packages = ["hello", "oldtool"]\n')
    world.publish(2)
    said = refused(world, "update", "--strict")
    assert "oldtool" in said
    assert "it no longer builds. Consider using 'newtool'" in said
    assert world.run("oldtool") == "oldtool 0.9"
    # Who names a package wants that one.
    assert "it no longer builds" in refused(world, "update", "oldtool", "hello")
    shown = world.nixprof("update").stderr
    assert "= oldtool  0.9  held: removed from its input" in shown
    assert "✓ 1 changed, 1 held" in shown
    assert world.run("hello") == "hello 2.12.2"
    assert world.run("oldtool") == "oldtool 0.9"
    agree(world)


def test_an_input_that_follows_another(world: World) -> None:
    helix = world.publish_helix()
    world.sync(
        f'packages = ["hello", "helix#helix"]\n\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n'
        f'helix = {{ url = "{helix}", follows = {{ nixpkgs = "nixpkgs" }} }}\n'
    )
    assert world.run("hx") == "helix 25.07"
    nodes = json.loads((world.flake / "flake.lock").read_text())["nodes"]
    assert nodes["helix"]["inputs"]["nixpkgs"] == ["nixpkgs"]
    first = lock(world)["helix#helix"]["systems"][world.system]["outputs"]["out"]

    # What it follows moves, so it is built anew.
    world.update("nixpkgs")
    assert lock(world)["helix#helix"]["systems"][world.system]["outputs"]["out"] != first
    assert world.run("hx") == "helix 25.07"

    world.publish_helix(2)
    world.nixprof("update", "helix")
    assert world.run("hx") == "helix 25.07.1"
    agree(world)


def test_what_is_held_of_an_input_that_follows_another_can_be_made_again(fresh_world: World) -> None:
    world = fresh_world
    helix = world.publish_helix()

    def write(options: str) -> None:
        world.write_manifest(
            f'packages = ["hello", {{ package = "helix#helix"{options} }}]\n\n[inputs]\n'
            f'nixpkgs = "{world.nixpkgs_url}"\nhelix = {{ url = "{helix}", follows = {{ nixpkgs = "nixpkgs" }} }}\n'
        )

    def made() -> str:
        return str(lock(world)["helix#helix"]["systems"][world.system]["outputs"]["out"])

    def collect_garbage_and_make_again() -> None:
        path = made()
        world.nix("profile", "remove", *(world.profile_elements()[0].store_paths))
        shutil.rmtree(world.home / ".local/state/nix/profiles")
        (world.home / ".local/state/nix/profiles").mkdir()
        world.command("nix-store", "--gc")
        assert not Path(path).exists()
        world.nixprof("sync")
        assert made() == path
        agree(world)

    write(", pin = true")
    world.nixprof("sync")
    pinned = made()
    world.publish(2)
    world.publish_helix(2)
    # What it follows moves without it, and so does its input.
    for names in (["nixpkgs"], []):
        world.nixprof("update", *names)
        assert made() == pinned
        assert world.run("hx") == "helix 25.07"
        assert world.run("hello") == "hello 2.12.2"
    collect_garbage_and_make_again()
    # Named, it moves, to a reference that is held in the same way.
    world.nixprof("update", "helix#helix")
    assert world.run("hx") == "helix 25.07.1"
    collect_garbage_and_make_again()
    write("")
    world.nixprof("update")
    assert "held" not in lock(world)["helix#helix"]
    assert "heldLock" not in lock(world)["helix#helix"]
    agree(world)


def test_a_list_that_is_held_altogether_keeps_its_overlays(world: World) -> None:
    helix = world.publish_helix()
    world.sync(
        f'packages = ["hello"]\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nhelix = "{helix}"\n'
        '[nixpkgs]\noverlays = ["helix"]\n'
    )
    world.update("hello")
    assert world.run("hello") == "hello 2.12.2-overlay"
    agree(world)


def test_a_package_is_updated_by_what_was_typed_to_add_it(world: World) -> None:
    world.write_manifest('packages = ["ripgrep"]\n')
    world.nixprof("add", f"{world.nixpkgs_url}#hello")
    world.update(f"{world.nixpkgs_url}#hello")
    assert versions(world) == {"nixpkgs#ripgrep": "14.1.1", "nixpkgs#hello": "2.12.2"}


def test_update_is_one_step_for_who_uses_the_profile(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    world.update()
    assert len(world.generations()) == 2


def test_an_input_that_changes_in_the_list_moves_with_the_next_sync(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    first = revisions(world)["nixpkgs"]
    world.publish(2)
    world.sync(f'packages = ["hello"]\n[inputs]\nnixpkgs = "{world.nixpkgs_url}?ref=main"\n')
    assert world.run("hello") == "hello 2.12.2"
    world.sync(f'packages = ["hello"]\n[inputs]\nnixpkgs = "{world.nixpkgs_url}?ref=main&rev={first}"\n')
    assert world.run("hello") == "hello 2.12.1"
    agree(world)


def test_an_empty_list_gets_no_profile_by_update(world: World) -> None:
    world.write_manifest("packages = []\n")
    assert "no package changes" in world.nixprof("update").stderr
    assert not world.profile.exists()


def test_an_input_that_nothing_uses_is_not_locked(world: World) -> None:
    world.sync(
        f'packages = ["old#hello"]\n\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nold = "{world.nixpkgs_url}?ref=main"\n'
    )
    assert revisions(world).keys() == {"old"}
    world.update("old")
    assert revisions(world).keys() == {"old"}
    assert world.run("hello") == "hello 2.12.2"
    agree(world)
