"""The user's registry of flakes, with `nixpkgs` at what the list is locked to."""

import json

import pytest
from support.claims import refused, revisions
from support.world import World

pytestmark = pytest.mark.newest_nix
OTHER = {"from": {"type": "indirect", "id": "mine"}, "to": {"type": "path", "path": "/mine"}}
OWN = {"from": {"type": "indirect", "id": "nixpkgs"}, "to": {"type": "path", "path": "/own"}}
BEFORE = json.dumps({"version": 2, "flakes": [OTHER, OWN]})


def test_it_follows_the_list_until_it_is_undone(world: World) -> None:
    registry = world.home / ".config/nix/registry.json"

    def revision() -> str:
        """What Nix itself takes `nixpkgs` for."""
        asked = world.nix("flake", "metadata", "--json", "nixpkgs", env={"NIX_CONFIG": "flake-registry ="})
        return str(asked.json["locked"]["rev"])

    world.write_manifest("packages = []\n")
    assert "nixpkgs is not locked" in refused(world, "pin-registry")
    assert "not pinned by nixprof" in refused(world, "pin-registry", "--undo")
    world.sync('packages = ["hello"]\n')
    registry.parent.mkdir()
    registry.write_text(BEFORE)
    world.nixprof("pin-registry", "--dry-run")
    assert registry.read_text() == BEFORE
    world.publish(2)
    said = world.nixprof("pin-registry").stderr
    assert "nixpkgs in ~/.config/nix/registry.json: path:/own → 2026-10-30 " in said
    first = revisions(world)["nixpkgs"]
    assert revision() == first
    assert "stays 2026-10-30 " in world.nixprof("pin-registry").stderr
    world.nixprof("update", "--yes")
    assert revision() == revisions(world)["nixpkgs"] != first
    world.nixprof("rollback", "--profile-only")
    assert revision() == revisions(world)["nixpkgs"] != first
    world.nixprof("rollback", "2")
    world.nixprof("rollback", "1")
    assert revision() == revisions(world)["nixpkgs"] == first
    world.nixprof("pin-registry", "--undo")
    assert json.loads(registry.read_text()) == {"flakes": [OTHER, OWN], "version": 2}
    assert "not pinned by nixprof" in refused(world, "pin-registry", "--undo")


def test_what_somebody_else_writes_stays_and_holds_nothing_up(world: World) -> None:
    registry = world.home / ".config/nix/registry.json"
    world.sync('packages = ["hello"]\n')
    world.nixprof("pin-registry")
    for text in (BEFORE, "no registry"):
        registry.write_text(text)
        world.nixprof("add" if text == BEFORE else "remove", "jq")
        assert registry.read_text() == text
    assert "not valid JSON" in refused(world, "pin-registry")
    registry.write_text(BEFORE)
    assert "not nixprof's any more" in world.nixprof("pin-registry", "--undo").stderr
    assert registry.read_text() == BEFORE


def test_a_list_that_takes_nixpkgs_from_the_registry_is_not_held_by_it(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n\n[inputs]\nnixpkgs = "flake:nixpkgs"\n')
    said = refused(world, "pin-registry")
    assert "the list takes nixpkgs from the registry" in said
    assert 'nixpkgs = "github:NixOS/nixpkgs/nixpkgs-unstable"' in said
