"""Where nixprof's files are."""

from __future__ import annotations

import os
from pathlib import Path

from nixprof.errors import NixprofError, Reason
from nixprof.record import record


@record
class Folders:
    """The files of one user."""

    config: Path  # the list; in ~/.config on macOS too
    state: Path  # the lock against a second nixprof, the journal, who made which generation; may be deleted
    cache: Path  # what can be found out again
    data: Path  # what the user has written that exists nowhere else

    @property
    def manifest(self) -> Path:
        """The user's list."""
        return self.config / "nixprof.toml"

    @property
    def machine(self) -> Path:
        """What the user has said of this machine alone; not with the list, which other machines have as well."""
        return self.data / "machine.toml"

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
        """Find them by the environment: `$NIXPROF_CONFIG_DIR`, else as XDG says; fails without a home folder."""
        from platformdirs.unix import Unix  # whatever the platform: a Mac has the list in ~/.config too

        home()
        usual = Unix("nixprof")
        chosen = os.environ.get("NIXPROF_CONFIG_DIR")
        config = Path(chosen).absolute() if chosen else usual.user_config_path
        return cls(config, usual.user_state_path, usual.user_cache_path, usual.user_data_path)


def home() -> Path:
    """Find the user's home folder; an error where there is none."""
    hints = ("export HOME=…",)
    try:
        found = Path.home()
    except RuntimeError as error:
        raise NixprofError("there is no home folder: HOME is not set", Reason.NO_HOME, hints=hints) from error
    if not found.is_absolute():
        raise NixprofError(f"HOME is {str(found)!r}, which is not an absolute path", Reason.NO_HOME, hints=hints)
    return found
