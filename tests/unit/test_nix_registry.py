"""What names of the flake registry mean on this machine."""

import json
from pathlib import Path

import pytest

from nixprof.nix.local_flakes import registry


def entry(name: str, **to: object) -> dict[str, object]:
    return {"from": {"type": "indirect", "id": name}, "to": to}


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Path, Path]:
    monkeypatch.setenv("NIX_CONF_DIR", str(tmp_path / "system"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    system, user = tmp_path / "system", tmp_path / "user/nix"
    system.mkdir()
    user.mkdir(parents=True)
    return system / "registry.json", user / "registry.json"


def test_the_user_is_asked_before_the_system(folders: tuple[Path, Path]) -> None:
    system, user = folders
    assert registry() == {}
    release = entry("nixpkgs", type="github", owner="NixOS", repo="nixpkgs", ref="nixos-24.05")
    others = [
        entry("tools", type="git", url="https://example.org/tools", ref="dev"),
        entry("here", type="path", path="/srv/here"),
        entry("stable", type="indirect", id="nixpkgs", ref="nixos-24.05"),
        entry("weekly", type="tarball", url="https://flakehub.com/f/DeterminateSystems/nixpkgs-weekly/0.1"),
    ]
    system.write_text(json.dumps({"version": 2, "flakes": [entry("nixpkgs", type="path", path="/x"), *others]}))
    user.write_text(json.dumps({"version": 2, "flakes": [release]}))
    assert registry() == {
        "nixpkgs": "github:NixOS/nixpkgs/nixos-24.05",
        "tools": "git+https://example.org/tools?ref=dev",
        "here": "path:/srv/here",
        "stable": "flake:nixpkgs/nixos-24.05",
        "weekly": "https://flakehub.com/f/DeterminateSystems/nixpkgs-weekly/0.1",
    }


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"flakes": 7}', '{"flakes": {"a": 1}}', "\x00\xff"])
def test_a_broken_registry_means_nothing(folders: tuple[Path, Path], text: str) -> None:
    folders[0].write_text(text)
    assert registry() == {}


def test_a_broken_entry_costs_itself_only(folders: tuple[Path, Path]) -> None:
    flakes = [7, {}, entry("x"), entry("y", type="github"), entry("here", type="path", path="/srv/here")]
    folders[0].write_text(json.dumps({"version": 2, "flakes": flakes}))
    assert registry() == {"here": "path:/srv/here"}
