"""Worlds that are prepared once and then begin again where they were: paths are in all that Nix and nixprof write."""

import copy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from support.world import World, make_writable

T = TypeVar("T")


class Kept(Generic[T]):
    """What was made in a new world, and the files of that world, its store among them."""

    def __init__(self, world: World, make: Callable[[World], T]) -> None:
        self._made = make(world)
        self._root = world.root
        self._copy = world.root.with_name("kept")
        self._root.rename(self._copy)

    def again(self) -> T:
        """All as it was then."""
        # What a test has left running finds nothing of the next one.
        if self._root.exists():
            _delete(self._root.rename(self._root.with_name("used")))
        subprocess.run(["cp", "-pPR", self._copy, self._root], check=True)
        return copy.deepcopy(self._made)

    def end(self) -> None:
        """Deletes all of it."""
        for path in (self._root, self._copy):
            _delete(path)


def _delete(folder: Path) -> None:
    if folder.exists():
        make_writable(folder)
        shutil.rmtree(folder, ignore_errors=True)
