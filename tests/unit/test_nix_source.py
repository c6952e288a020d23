"""Where the source of a locked input is kept."""

from pathlib import Path

import pytest

from nixprof.nix.local_flakes import is_here, source_path

# As Nix has them for a folder with one file: `nix hash path`, and `builtins.path` with the name source.
HASH = "sha256-lYm+o5HTptO6iNGG6L41EMhGGyh2L9gt5P7stJH8gqI="
NAME = "j6x55z428hhmgvc0v2fbi1iz9mjkqn4w-source"


def test_the_path_of_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIX_STORE_DIR", raising=False)
    assert source_path(HASH) == f"/nix/store/{NAME}"
    assert source_path("sha256-!") == ""
    assert source_path("") == ""


def test_a_source_is_here_where_it_is_in_the_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NIX_STORE_DIR", str(tmp_path))
    url = f"github:NixOS/nixpkgs/{'0' * 40}?narHash={HASH.replace('=', '%3D').replace('+', '%2B')}"
    assert not is_here(url)
    Path(source_path(HASH)).mkdir()
    assert is_here(url)
    assert is_here("git+file:///srv/nixpkgs?rev=1")
    assert not is_here("github:NixOS/nixpkgs")
