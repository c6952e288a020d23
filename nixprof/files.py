"""Reading files without ever waiting; writing them so that at any moment the old or the new content is there, whole.

Everything from outside is read by `read_file`, and everything that lasts is written by `replace_files`: so nixprof
waits for no pipe, reads and replaces no device, and writes nothing into the Nix store.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixprof.errors import ConcurrentChangeError, NixprofError, Reason
from nixprof.formatting import display_path, shell_quote
from nixprof.schema import is_path
from nixprof.store_path import store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The suffix of everything that only exists while nixprof runs.
TEMPORARY = ".nixprof-tmp"
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
# Several times the lock of 20,000 packages for four systems.
_MAX_FILE_BYTES = 512 << 20
_READ_BYTES = 1 << 20
_IN_STORE = "the Nix store is never written to"


## what can be written


def check_writable(path: Path) -> None:
    """Make sure that `path` can be replaced before any work is done; an error names the file that a link leads to."""
    real = Path(os.path.realpath(path))
    cause, hints = _hindrance(real)
    if cause:
        through = f", which leads to {real}" if real != path.absolute() else ""
        raise NixprofError(f"cannot write {path}{through}", Reason.CANNOT_WRITE, cause=cause, hints=hints)


def _hindrance(real: Path) -> tuple[str, tuple[str, ...]]:
    """Say why a file cannot be replaced, and what helps; an empty text where nothing is in the way."""
    change_source = "if it is generated, change its source, then: nixprof sync"
    if cause := _obstacle(real):
        return cause, (change_source if cause == _IN_STORE else "move it away, then: nixprof sync",)
    if real.exists() and _mount(real) != _mount(real.parent):
        return "it is mounted by itself, and cannot be replaced", ("mount the folder that it is in instead",)
    # The file is replaced through its folder, but one that is marked read-only is so on purpose.
    folder = next(parent for parent in real.parents if os.path.exists(parent))
    for place in (real, folder):
        # Root could write to everything, and must not write to what is marked read-only.
        if not place.exists() or (os.access(place, os.W_OK) and place.stat().st_mode & _ANY_WRITE):
            continue
        if place.stat().st_uid == os.getuid():
            return f"{place} is read-only", (change_source, *permission_hint(real))
        return f"{place} belongs to {_owner(place)}", permission_hint(real)
    return "", ()


def _mount(place: Path) -> str:
    """Name the mount that a place is on: on Linux by its number, see proc_pid_fdinfo(5), elsewhere by its device."""
    if sys.platform == "linux":
        descriptor = os.open(place, os.O_PATH)
        try:
            text = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii")
            return next(line for line in text.splitlines() if line.startswith("mnt_id:"))
        except (OSError, StopIteration):  # no /proc here
            pass
        finally:
            os.close(descriptor)
    return str(place.stat().st_dev)


def replaceable(path: Path) -> Path:
    """Find the file that writing at `path` replaces, behind every link; raise OSError where it must not be replaced."""
    real = Path(os.path.realpath(path))
    if reason := _obstacle(real):
        raise OSError(errno.EINVAL, reason, str(path))
    return real


def _obstacle(real: Path) -> str:
    """Say why a file must not be written, even if the system allows it; empty where nothing is in the way."""
    if real.is_relative_to(os.path.realpath(store())):
        return _IN_STORE
    # A loop of links is still a link here.
    if os.path.lexists(real) and not stat.S_ISREG(real.lstat().st_mode):
        return f"{real} is not a file"
    return ""


def permission_hint(path: Path | str) -> tuple[str, ...]:
    """Give the command that lets the user write at a path in their home; none where that is not known.

    Mostly a folder belongs to root since a command was run with sudo, and all that is in it.
    """
    real = Path(os.path.realpath(path))
    home = Path(os.path.realpath(os.path.expanduser("~")))
    for place in (*reversed(real.parents), real):
        if home not in place.parents or not os.path.exists(place):
            continue
        word = shell_quote(str(place))
        if place.stat().st_uid != os.getuid():
            return (f'to fix this: sudo chown -R "$USER" {word}',)
        if not os.access(place, os.W_OK | (os.X_OK if place.is_dir() else 0)):
            return (f"to fix this: chmod u+rwX {word}",)
    return ()


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, OSError):  # a number that the system has no name for
        return f"user {path.stat().st_uid}"


@contextmanager
def cannot_write(path: Path) -> Iterator[None]:
    """Turn an OSError into an error that names `path` and the reason."""
    try:
        yield
    except OSError as error:
        raise NixprofError(f"cannot write {path}", Reason.CANNOT_WRITE, cause=error.strerror or str(error)) from error


## writing


def replace_file(path: Path, data: bytes) -> None:
    """Replace or create a file as `replace_files` does."""
    replace_files({path: data})


def replace_files(files: Mapping[Path, bytes], before: Mapping[Path, bytes | None] | None = None) -> None:
    """Replace or create files, durably, each in one step, through links and keeping their modes.

    All of them are written before the first takes its place: where the disk is full, nothing has changed.

    Args:
        files: the new contents, in the order in which they take their places.
        before: the contents that are to be replaced, None for a file that is not there; without it, any content.

    Raises: NixprofError with the reason, ConcurrentChangeError where a file is not what it was `before`. That file
        and those after it are then as they were.

    """
    written: dict[Path, str] = {}
    try:
        for path, data in files.items():
            with cannot_write(path):
                written[path] = _write_beside(replaceable(path), data)
        for path, temporary in written.items():
            if before is not None:
                check_unchanged({path: before[path]})
            with cannot_write(path):
                real = replaceable(path)
                os.replace(temporary, real)
                _sync_folder(real.parent)
    finally:
        for temporary in written.values():
            discard(temporary)


def check_unchanged(before: Mapping[Path, bytes | None]) -> None:
    """Raise ConcurrentChangeError for the first file whose content is another; None is that of no file."""
    for path, data in before.items():
        if content(path) != data:
            raise ConcurrentChangeError(display_path(path))


def _write_beside(real: Path, data: bytes) -> str:
    """Write a file that can be renamed to `real`; returns its name."""
    real.parent.mkdir(parents=True, exist_ok=True)
    import tempfile

    descriptor, temporary = tempfile.mkstemp(TEMPORARY, f".{real.name}.", real.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _take_over(real, temporary)
    except BaseException:
        discard(temporary)
        raise
    return temporary


def discard(path: Path | str) -> None:
    """Remove a file; if that fails, it does no harm."""
    with suppress(OSError):
        os.unlink(path)


def _take_over(real: Path, temporary: str) -> None:
    """Give the new file the mode, the extended attributes and, where that is allowed, the owner of the old one."""
    try:
        old = real.stat()
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        return
    for owner, group in ((old.st_uid, -1), (-1, old.st_gid)):
        # A group may be given where an owner may not.
        with suppress(PermissionError):
            os.chown(temporary, owner, group)
    if sys.platform == "linux":
        with suppress(OSError):  # a file system without any
            for name in os.listxattr(real):
                with suppress(OSError):  # one that only root may set
                    os.setxattr(temporary, name, os.getxattr(real, name))
    # Last, because a new owner clears some bits of the mode.
    os.chmod(temporary, stat.S_IMODE(old.st_mode))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


## folders


@contextmanager
def scratch_folder(below: Path | str | None = None, prefix: str = "nixprof-") -> Iterator[Path]:
    """Make a folder that nobody else can read, below another or the system's usual one, and remove it in the end."""
    import shutil
    import tempfile

    try:
        folder = tempfile.mkdtemp(TEMPORARY, prefix, below)
    except OSError as error:
        raise NixprofError(
            "cannot make a temporary folder", Reason.CANNOT_WRITE, cause=error.strerror or str(error)
        ) from error
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_temporary_files(folder: Path) -> None:
    """Clear away the files and scratch folders that a nixprof that was killed left in a folder."""
    import shutil

    for path in folder.glob(f"*{TEMPORARY}"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            discard(path)


def private_folder(folder: Path) -> Path:
    """Make a folder that only its owner can read, such as one for copies of the list; raise OSError if it cannot."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid == os.getuid() and found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        folder.chmod(stat.S_IRWXU)
    return folder


def unused(path: Path) -> Path:
    """Return the first of `kept`, `kept-2`, `kept-3`… that does not exist."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(one for one in chain((path,), numbered) if not os.path.lexists(one))


## reading


def read_file(path: Path, largest: int = _MAX_FILE_BYTES) -> bytes:
    """Read a regular file of at most `largest` bytes without ever waiting for it; else raise OSError."""
    if not is_path(str(path)):  # the system's calls would raise ValueError
        raise OSError(errno.EINVAL, "no file can be called that", str(path))
    # Devices are not even opened: for some, that alone has an effect.
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a file", str(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        data = bytearray()
        size = os.fstat(descriptor).st_size
        while size <= largest and (part := os.read(descriptor, _READ_BYTES)):
            data += part
            size = len(data)
    finally:
        os.close(descriptor)
    if size > largest:
        raise OSError(errno.EFBIG, f"it is larger than {largest >> 20} MiB", str(path))
    return bytes(data)


def read_json(path: Path) -> Any:
    """Read a file of nixprof's own; None where there is none, or what it says cannot be understood."""
    import json

    try:
        return json.loads(read_file(path))
    except (OSError, ValueError, RecursionError):
        return None


def content(path: Path) -> bytes | None:
    """Read a file; None where there is none that can be read."""
    try:
        return read_file(path)
    except OSError:
        return None


def text_of(path: Path) -> str:
    """Read a text that need not be all right; empty where there is none that can be read."""
    return (content(path) or b"").decode(errors="replace")
