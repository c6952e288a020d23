"""Reading files without ever waiting; writing them so that at any moment the old or the new content is there, whole.

Everything that is read from outside is read by `read_file`, and everything that lasts is written by `replace_file` or
a `Replacement`: so no pipe is waited for, no device is read or replaced, and nothing is written into the store.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixprof.errors import NixprofError, Reason
from nixprof.formatting import shell_quote
from nixprof.store_path import store

if TYPE_CHECKING:
    from collections.abc import Iterator

# How everything ends in its name that is only there while nixprof runs.
TEMPORARY = ".nixprof-tmp"
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
# The largest file that is read, in bytes: several times the lock of 20,000 packages for four systems.
_LARGEST = 512 << 20
_READ_BYTES = 1 << 20
_IN_STORE = "the Nix store is never written to"


def check_writable(path: Path) -> None:
    """Make sure, before any work is done, that `path` can be replaced.

    Raises: NixprofError that names the file, and where it is a link the file that it leads to.
    """
    real = Path(os.path.realpath(path))
    through = f", which leads to {real}" if real != path.absolute() else ""
    source = "if it is generated, change its source, then: nixprof sync"
    if _is_mounted(real):
        raise NixprofError(
            f"cannot write {path}{through}",
            Reason.CANNOT_WRITE,
            cause="it is mounted by itself, and such a file cannot be replaced",
            hints=("mount the folder that it is in instead",),
        )
    if reason := _obstacle(real):
        hint = source if reason == _IN_STORE else "move it away, then: nixprof sync"
        raise NixprofError(f"cannot write {path}{through}", Reason.CANNOT_WRITE, cause=reason, hints=(hint,))
    place = real if real.exists() else _existing_parent(real)
    # The file is replaced through its folder, but one that is marked read-only is so on purpose.
    if _is_writable(place) and _is_writable(_existing_parent(real)):
        return
    refuser = next(one for one in (place, _existing_parent(real)) if not _is_writable(one))
    if refuser.stat().st_uid != os.getuid():
        cause = f"{refuser} belongs to {_owner(refuser)}"
        hints = to_put_right(real)
    else:
        cause = f"{refuser} is read-only"
        command = permission_fix(real)
        hints = (source, *([f"or make it writable: {command}"] if command else []))
    raise NixprofError(f"cannot write {path}{through}", Reason.CANNOT_WRITE, cause=cause, hints=hints)


def replaceable(path: Path) -> Path:
    """Find the file that writing at `path` replaces, which is there or not yet: behind every link.

    Raises: OSError where it must not be replaced.
    """
    real = Path(os.path.realpath(path))
    if reason := _obstacle(real):
        raise OSError(errno.EINVAL, reason, str(path))
    return real


def _obstacle(real: Path) -> str:
    """Say why something must not be replaced by a file, whoever may do so; empty where nothing is in the way."""
    if real.is_relative_to(os.path.realpath(store())):
        return _IN_STORE
    # A loop of links is still a link here.
    if os.path.lexists(real) and not stat.S_ISREG(real.lstat().st_mode):
        return f"{real} is not a file"
    return ""


def _is_mounted(real: Path) -> bool:
    """Tell whether a file is a mount point of its own; only Linux has such."""
    # The fifth field, in which these characters are escaped: proc_pid_mountinfo(5).
    escaped = os.fsencode(real)
    for character in b"\\ \t\n":
        escaped = escaped.replace(bytes([character]), b"\\%03o" % character)
    try:
        with open("/proc/self/mountinfo", "rb") as mounts:
            return any(line.split(b" ", 5)[4] == escaped for line in mounts)
    except OSError:
        return False


def permission_fix(path: Path | str) -> str | None:
    """Write the command that lets the user write at a path in their home; None where none does.

    What hinders them is mostly a folder that is root's since a command was run with sudo.
    """
    real = Path(os.path.realpath(path))
    home = os.path.realpath(os.path.expanduser("~"))
    own = [
        place
        for place in (*reversed(real.parents), real)
        if str(place) != home and place.is_relative_to(home) and os.path.lexists(place)
    ]
    # A file is replaced through its folder.
    written = own[-2:] if own and own[-1].is_file() else own[-1:]
    for index, place in enumerate(own):
        word = shell_quote(str(place))
        if not place.exists() or (place != real and not place.is_dir()):
            return None  # a link to nowhere, or a file where a folder has to be
        if _is_open(place, os.W_OK if place in written else 0):
            continue
        if place.stat().st_uid == os.getuid():
            return f"chmod u+rwX {word}"
        # Mostly not this one alone is somebody else's.
        first = index
        while first and own[first - 1].stat().st_uid != os.getuid():
            first -= 1
        return f'sudo chown -R "$USER" {shell_quote(str(own[first]))}'
    for variable in ("NIXPROF_CONFIG_DIR", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        chosen = os.environ.get(variable)
        if chosen and real.is_relative_to(os.path.realpath(chosen)):
            return f"unset {variable}"
    return None


def to_put_right(path: Path | str) -> tuple[str, ...]:
    """Give the hint that lets the user write at a path; none where no command does."""
    command = permission_fix(path)
    return (f"to fix this: {command}",) if command else ()


def _is_open(place: Path, mode: int) -> bool:
    """Tell whether a folder can be entered, and both folder and file used as `mode` says."""
    return os.access(place, mode | (os.X_OK if place.is_dir() else os.F_OK))


def _owner(path: Path) -> str:
    """Name the owner of a file."""
    try:
        return path.owner()
    except (KeyError, OSError):  # a number that the system has no name for
        return f"user {path.stat().st_uid}"


def _is_writable(place: Path) -> bool:
    """Tell whether a file or folder may be changed. Root could change what the Nix store has, and must not."""
    return os.access(place, os.W_OK) and bool(place.stat().st_mode & _ANY_WRITE)


def _existing_parent(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.exists())


def replace_file(path: Path, data: bytes) -> None:
    """Replace or create a file, durably and in one step, through a link and keeping its mode.

    Raises: NixprofError with the reason; the old content is then still there.
    """
    with cannot_write(path):
        real = replaceable(path)
        temporary = _write_beside(real, data)
        try:
            os.replace(temporary, real)
        except BaseException:
            _remove(temporary)
            raise
        _sync_folder(real.parent)


@dataclass(frozen=True, slots=True)
class Replacement:
    """The new content of a file, which lies beside it, and the old file, which can take its place again.

    After `prepare` everything that needs room on the disk has been done, if both folders are on one disk.

    Attributes:
        path: the file, perhaps a link.
        before: its content so far; None where there is no file.
        data: its new content.
        temporary: the file that is to be renamed to it.
        kept: the old file under another name; None where it has none.

    """

    path: Path
    before: bytes | None
    data: bytes
    temporary: str
    kept: str | None

    @classmethod
    def prepare(cls, path: Path, before: bytes | None, data: bytes, keep: Path) -> Replacement:
        """Write the new content beside the file, and keep the old file.

        Args:
            path: the file.
            before: its content so far.
            data: its new content.
            keep: another name for the old file, in a folder that nobody else looks into.

        Raises: NixprofError with the reason; then nothing is left.

        """
        with cannot_write(path):
            real = replaceable(path)
            temporary = _write_beside(real, data)
        return cls(path, before, data, temporary, None if before is None else _keep(real, keep))

    def perform(self) -> None:
        """Replace the file.

        Raises: NixprofError with the reason; the old content is then still there.
        """
        with cannot_write(self.path):
            os.replace(self.temporary, self._real)
            _sync_folder(self._real.parent)

    def take_back(self) -> None:
        """Let the old file be there again, unless somebody else has changed it since.

        Raises: NixprofError with the reason.
        """
        if content(self.path) != self.data:
            return
        if self.before is not None and self.kept is None:
            replace_file(self.path, self.before)
            return
        with cannot_write(self.path):
            if self.kept is None:
                self._real.unlink()
            else:
                os.replace(self.kept, self._real)
            _sync_folder(self._real.parent)

    def clear(self) -> None:
        """Remove what lies beside the file."""
        _remove(self.temporary)
        if self.kept is not None:
            _remove(self.kept)

    @property
    def _real(self) -> Path:
        return replaceable(self.path)


@contextmanager
def cannot_write(path: Path) -> Iterator[None]:
    """Make every refusal of the system's an error that names `path` and the reason."""
    try:
        yield
    except OSError as error:
        raise NixprofError(f"cannot write {path}", Reason.CANNOT_WRITE, cause=error.strerror or str(error)) from error


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
        _remove(temporary)
        raise
    return temporary


def _keep(real: Path, name: Path) -> str | None:
    """Give a file a second name; None where that cannot be, as on another disk."""
    try:
        name.unlink(missing_ok=True)
        os.link(real, name)
    except OSError:
        return None
    return str(name)


def _remove(temporary: str) -> None:
    with suppress(OSError):
        os.unlink(temporary)


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
    # Afterwards: a new owner costs a file some of its bits.
    os.chmod(temporary, stat.S_IMODE(old.st_mode))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def scratch_folder(below: Path | str | None = None, prefix: str = "nixprof-") -> Iterator[Path]:
    """Have a folder of nixprof's own, which nobody else can read, for as long as the context lasts.

    Args:
        below: where it is; None for the usual place of the system.
        prefix: what its name begins with.

    Raises: NixprofError where it cannot be made. That it cannot be removed would only hide what went wrong before.

    """
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
    """Clear away what a nixprof that was killed left in a folder: files, and scratch folders with what is in them."""
    import shutil

    for path in folder.glob(f"*{TEMPORARY}"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            _remove(str(path))


def private_folder(folder: Path) -> Path:
    """Have a folder for its owner alone: with copies of the list it holds what nobody else may read.

    Raises: OSError where it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    there = folder.stat()
    if there.st_uid == os.getuid() and there.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        folder.chmod(stat.S_IRWXU)
    return folder


def unused(path: Path) -> Path:
    """Give the first of `kept`, `kept-2`, `kept-3`… that is not there."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(one for one in chain((path,), numbered) if not os.path.lexists(one))


def read_file(path: Path, largest: int = _LARGEST) -> bytes:
    """Return what a file holds, without ever waiting for it.

    Args:
        path: the file, perhaps through links.
        largest: how many bytes are read at most.

    Raises: OSError where it cannot be read, is no regular file, or is larger.

    """
    # Not even opened: for some devices that is enough to do something.
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
