"""Lists so long that their store paths do not fit on one command line."""

from pathlib import Path

import pytest
from support.world import World

from nixprof.nix import operations as command
from nixprof.nix.errors import NixError
from nixprof.nix.progress import Progress


def test_questions_about_many_store_paths_are_asked_in_parts(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths = world.build(*(f"{world.nixpkgs_url}#{name}" for name in ("hello", "jq", "ripgrep")))
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    with command.Nix(Progress()) as nix:
        [whole] = nix.closures(paths)
        monkeypatch.setattr(command, "_MAX_ARGUMENT_BYTES", 1)
        monkeypatch.setattr(command, "_MAX_EXPRESSION_BYTES", 1)
        assert nix.closures(paths) == [whole]
        assert set(paths) <= whole.keys()
        assert all(size > 0 for size in whole.values())
        absent = f"{world.store.store_dir}/{'0' * 32}-absent"
        assert nix.invalid([*paths, absent]) == {absent}
        assert nix.plan_downloads(paths).built == ()
        nix.realise(paths, tmp_path)
        assert {path.readlink() for path in tmp_path.iterdir() if path.is_symlink()} == set(map(Path, paths))
        nix.protect(paths, tmp_path)
        assert len(list(tmp_path.glob("there-*"))) == len(paths)
        with pytest.raises(NixError):
            nix.protect([absent], tmp_path)
