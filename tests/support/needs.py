"""What a test needs of the machine that it runs on: without it, the test is skipped."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def program(name: str) -> str:
    """Gives the file of a program that neither nixprof nor its tests ask for."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}")
    return found


def root(what: str) -> None:
    """Asks for what only root can do."""
    if os.geteuid() != 0:
        pytest.skip(f"only root can {what}")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Has a disk of its own in a folder, which is empty at first."""
    root("make a small disk")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
