"""Programs that are scripts, also in front of the true commands of Nix."""

import os
from collections.abc import Mapping
from pathlib import Path

from support.world import World


def script(file: Path, text: str) -> Path:
    """Writes a program that `/bin/sh` runs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def in_front(world: World, scripts: Mapping[str, str]) -> dict[str, str]:
    """Writes scripts, by the commands that they stand for, and returns the environment in which they come first.

    In them, `$real` is the folder of the true commands.
    """
    folder = world.root / "fake"
    for command, text in scripts.items():
        script(folder / command, f"real={world.env['PATH'].split(os.pathsep)[0]}\n{text}")
    return {"PATH": f"{folder}{os.pathsep}{world.env['PATH']}"}
