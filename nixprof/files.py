"""Writing files so that at any moment the old or the new content is there, whole."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What the files that become others are called until then.
_TEMPORARY = ".nixprof-tmp"
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def check_writable(path: Path) -> None:
    """Make sure, before any work is done, that `path` can be replaced.

    Raises: NixprofError that names the file, and where it is a link the file that it leads to.
    """
    real = Path(os.path.realpath(path))
    place = real if real.exists() else _existing_parent(real)
    # The file is replaced through its folder, but one that is marked read-only is so on purpose.
    if _is_writable(place) and _is_writable(_existing_parent(real)):
        return
    through = f", which leads to {real}" if real != path.absolute() else ""
    raise NixprofError(
        f"cannot write {path}{through}",
        cause="no permission" if not str(real).startswith("/nix/store/") else "the Nix store is never written to",
        hints=("change the file that it is made from, then: nixprof sync",),
    )


def _is_writable(place: Path) -> bool:
    """Tell whether a file or folder may be changed. Root could change what the Nix store has, and must not."""
    return os.access(place, os.W_OK) and bool(place.stat().st_mode & _ANY_WRITE)


def _existing_parent(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.exists())


def replace_file(path: Path, data: bytes) -> None:
    """Replace or create a file, durably and in one step, through a link and keeping its mode.

    Raises: NixprofError with the reason; the old content is then still there.
    """
    real = Path(os.path.realpath(path))
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(_TEMPORARY, f".{real.name}.", real.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _take_over(real, temporary)
            os.replace(temporary, real)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_folder(real.parent)
    except OSError as error:
        raise NixprofError(f"cannot write {path}", cause=error.strerror or str(error)) from error


def _take_over(real: Path, temporary: str) -> None:
    """Give the new file the mode and, where that is allowed, the owner of the old one."""
    try:
        old = real.stat()
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        return
    os.chmod(temporary, stat.S_IMODE(old.st_mode))
    with suppress(PermissionError):
        os.chown(temporary, old.st_uid, old.st_gid)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_temporary_files(folder: Path) -> None:
    """Clear away what a `replace_file` left that was killed."""
    for path in folder.glob(f".*{_TEMPORARY}"):
        with suppress(OSError):
            path.unlink()


def content(path: Path) -> bytes | None:
    """Read a file; None where there is none that can be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def contents(paths: Iterable[Path]) -> dict[Path, bytes | None]:
    """Read what is at each path now, to be able to `restore` it."""
    return {path: content(path) for path in paths}


def restore(old: Mapping[Path, bytes | None]) -> None:
    """Put back what `contents` found."""
    for path, data in old.items():
        if data is None:
            with suppress(FileNotFoundError):
                Path(os.path.realpath(path)).unlink()
        else:
            replace_file(path, data)
