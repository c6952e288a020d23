"""Where nixprof's files are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from nixprof.errors import NixprofError


@dataclass(frozen=True, slots=True)
class Folders:
    """The files of one user.

    Attributes:
        config: the folder of the manifest; the same on macOS as elsewhere.
        state: what may be deleted at any time: the lock against a second nixprof.
        cache: what can be found out again: what is known of this machine's Nix.
        data: texts of the user's that exist nowhere else.

    """

    config: Path
    state: Path
    cache: Path
    data: Path

    @property
    def manifest(self) -> Path:
        """The user's list."""
        return self.config / "nixprof.toml"

    @property
    def flake(self) -> Path:
        """The generated folder: where its files really are, if each is a link, as some managers of dot-files make them.

        Nix copies the folder and finds nothing behind links.
        """
        folder = self.config / "flake"
        try:
            linked = folder / os.readlink(folder / "flake.nix")
        except OSError:
            return folder
        real = Path(os.path.realpath(linked))
        return real.parent if real.name == "flake.nix" and (real.parent / "nixprof.nix").is_file() else folder

    @classmethod
    def of_user(cls) -> Folders:
        """Find them by the environment; a relative path in an XDG variable counts as none, as XDG asks.

        Raises: NixprofError where there is no home folder.
        """
        chosen = os.environ.get("NIXPROF_CONFIG_DIR")
        config = Path(chosen).absolute() if chosen else _xdg("XDG_CONFIG_HOME", ".config") / "nixprof"
        state, data = _xdg("XDG_STATE_HOME", ".local/state"), _xdg("XDG_DATA_HOME", ".local/share")
        cache = _xdg("XDG_CACHE_HOME", ".cache")
        return cls(config, state / "nixprof", cache / "nixprof", data / "nixprof")


def _xdg(variable: str, default: str) -> Path:
    value = os.environ.get(variable, "")
    if os.path.isabs(value):
        return Path(value)
    return home() / default


def home() -> Path:
    """Find the user's home folder.

    Raises: NixprofError where there is none.
    """
    try:
        found = Path.home()
    except RuntimeError as error:
        raise NixprofError("there is no home folder: HOME is not set", hints=("export HOME=…",)) from error
    if not found.is_absolute():
        raise NixprofError(f"HOME is {str(found)!r}, which is not an absolute path", hints=("export HOME=…",))
    return found
