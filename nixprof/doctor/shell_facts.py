"""What a new login shell has of the profile: asked of a real one, and compared with the files of the profile."""

from __future__ import annotations

import mmap
import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.files import text_of
from nixprof.folders import home
from nixprof.record import field, record, replace
from nixprof.shell.asking import Login, Silence, ask_new_shell
from nixprof.shell.startup import config_home, every_startup_file, is_among, login_shell, startup_files

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

_MANPATH_SECONDS = 3
# Start-up files of the system, to which installers of Nix add their lines. Updates of macOS overwrite its own.
_OF_THE_SYSTEM = {
    "bash": ("/etc/profile", "/etc/bashrc", "/etc/bash.bashrc", "/etc/profile.d"),
    "zsh": ("/etc/zshrc", "/etc/zshenv", "/etc/zprofile", "/etc/zsh"),
    "fish": ("/etc/fish/config.fish", "/etc/fish/conf.d", "/usr/share/fish/vendor_conf.d"),
}
# Where a system has its own descriptions of terminals.
_TERMINALS = tuple(map(Path, ("/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo", "/usr/local/share/terminfo")))
# Functions that load the completions of a command when it is typed first; only the last looks beside the PATH.
_LOADERS = {"_completion_loader", "__load_completion", "_comp_load"}
# What `nixprof setup` has instead, where none of them is.
_LOADED_BY_SETUP = "_nixprof_load"
# What names the certificates to what Nix has built, and where that looks by itself.
_CERTIFICATE_VARIABLES = ("NIX_SSL_CERT_FILE", "SSL_CERT_FILE")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Where other systems have them, and a profile.
_OTHER_CERTIFICATES = ("/etc/ssl/ca-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_OWN_CERTIFICATES = "etc/ssl/certs/ca-bundle.crt"
# Not LC_CTYPE: the Python that tells what a shell has sets that itself where a locale is unknown (PEP 538).
_LOCALE_VARIABLES = ("LC_ALL", "LANG")
_LOCALE_ARCHIVES = ("LOCALE_ARCHIVE_2_27", "LOCALE_ARCHIVE")


@record
class ShellFacts:
    """What a new login shell has, and lacks, of a profile."""

    program: Path = Path()  # the shell, such as `/bin/zsh`
    is_login: bool = True  # whether it was started as a login shell
    silence: str = ""  # why the shell did not answer: then this is what nixprof's own process has
    environment: Mapping[str, str] = field(default_factory=dict)
    startup: tuple[Path, ...] = ()  # the user's own files that every new one of it reads
    startup_mentions_nix: bool = True  # whether any file does that the shell may read at its start
    has_nix: bool = False  # whether the shell finds a program `nix`
    nix: str = ""  # the program `nix` that nixprof itself finds, where the shell finds none
    nix_script: str = ""  # what that Nix has for start-up files to read
    on_path: bool = True  # whether the programs of the profile are on the PATH
    shadowed: Mapping[str, str] = field(default_factory=dict)  # its programs, with the file that runs instead
    lacks: frozenset[str] = frozenset()  # what the profile has and the shell does not find: what, in a word
    terminals: tuple[str, ...] = ()  # that the profile describes, and that the shell's programs do not find
    locale: str = ""  # that programs of Nix do not find
    locale_archive: bool = False  # whether the profile has them
    lost_certificates: str = ""  # a variable that names a file which is not there
    certificates: bool = True  # whether there are any that `setup` can name
    npm_prefix: bool = False  # whether `npm -g` would write into the store

    @property
    def name(self) -> str:
        """The name of the shell, such as `zsh`."""
        return self.program.name

    @property
    def asked(self) -> bool:
        """Whether the shell has answered."""
        return not self.silence


def ask_shells(profile: Path | None, needs: Collection[str], *, linux: bool) -> tuple[ShellFacts, ...]:
    """Ask a new login shell, and a bash that is not one, as many terminals start it: it reads another file.

    `profile` is the link, and `needs` names all that its packages need.
    """
    program = login_shell()
    login = _ask(program, None, profile, needs, linux=linux)
    if program.name != "bash" or not login.asked:
        return (login,)
    return login, _ask(program, login.environment, profile, needs, linux=linux)


def _ask(
    program: Path, inherited: Mapping[str, str] | None, profile: Path | None, needs: Collection[str], *, linux: bool
) -> ShellFacts:
    answer = ask_new_shell(program, inherited=inherited)
    silence = answer.why if isinstance(answer, Silence) else ""
    known = Login(dict(os.environ), frozenset(), ()) if isinstance(answer, Silence) else answer
    path = known.environment.get("PATH", "")
    found = shutil.which("nix", path=path or os.defpath)
    nix = "" if found else shutil.which("nix") or ""
    general = ShellFacts(
        program=program,
        is_login=inherited is None,
        silence=silence,
        has_nix=found is not None,
        environment=known.environment,
        startup=startup(program.name),
        startup_mentions_nix=mentions_nix(startup_texts(program.name)),
        nix=nix,
        nix_script=nix_script(nix, program.name),
        lost_certificates=lost_certificates(known.environment),
    )
    if profile is None:
        return general
    return replace(
        general,
        on_path=is_among(profile / "bin", path),
        shadowed=shadowed(profile, [folder for folder in path.split(os.pathsep) if folder]),
        lacks=frozenset(lacking(profile, known, "" if silence else program.name, needs, linux=linux)),
        terminals=unknown_terminals(profile, known.environment),
        locale=unknown_locale(known.environment) if linux and "glibc" in needs else "",
        locale_archive=(profile / "lib/locale/locale-archive").exists(),
        certificates=any(os.access(file, os.R_OK) for file in (*_OTHER_CERTIFICATES, profile / _OWN_CERTIFICATES)),
        npm_prefix=npm_writes_into_store(profile, known.environment),
    )


def startup(shell: str) -> tuple[Path, ...]:
    """Name the user's own files that every new shell reads last; for fish that is not the one that is nixprof's."""
    return (config_home() / "fish/config.fish",) if shell == "fish" else startup_files(shell)


def startup_texts(shell: str) -> Iterator[str]:
    """Read whatever a shell may read at its start, as far as that can be read."""
    own = (*startup(shell), config_home() / "fish/conf.d") if shell == "fish" else every_startup_file(shell)
    for file in (*map(Path, _OF_THE_SYSTEM.get(shell, ())), *own):
        for one in sorted(file.iterdir()) if file.is_dir() and os.access(file, os.R_OK) else [file]:
            yield text_of(one)


def nix_script(nix: str, shell: str) -> str:
    """Find what a program `nix` has for start-up files to read; empty where that is not there."""
    ending = "fish" if shell == "fish" else "sh"
    script = f"{os.path.dirname(os.path.dirname(nix))}/etc/profile.d/nix-daemon.{ending}"
    return script if nix and os.path.exists(script) else ""


def mentions_nix(texts: Iterable[str]) -> bool:
    """Tell whether a line that is not a comment names a folder or a script of Nix."""
    return any(re.search(r"(?m)^[^#\n]*(/nix/|\.nix-profile|nix(-daemon)?\.(sh|fish))", text) for text in texts)


def shadowed(profile: Path, search: Sequence[str]) -> dict[str, str]:
    """Name the programs of a profile for which a PATH has another file first, with that file."""
    programs = os.path.realpath(profile / "bin")
    real = [os.path.realpath(folder) for folder in search]
    before = os.pathsep.join(search[: real.index(programs)]) if programs in real else ""
    if not before or not os.path.isdir(programs):
        return {}
    found = {name: shutil.which(name, path=before) for name in sorted(os.listdir(programs))}
    return {
        name: file
        for name, file in found.items()
        if file and os.path.realpath(file) != os.path.realpath(os.path.join(programs, name))
    }


def lacking(profile: Path, login: Login, shell: str, needs: Collection[str], *, linux: bool) -> Iterator[str]:
    """Tell what a profile has that a shell does not find; `shell` is empty where it was not asked."""
    variables = login.environment
    data = is_among(profile / "share", variables.get("XDG_DATA_DIRS", ""))
    if _has(profile, "share/man") and not _finds_manual(profile, variables):
        yield "manual"
    if linux and _has(profile, "share/applications") and not data:
        yield "applications"
    has_fonts = linux and _has(profile, "share/fonts") and os.path.isdir("/etc/fonts")
    if has_fonts and not data and not _is_named(profile / "share/fonts", _font_folders()):
        yield "fonts"
    if shell and not _finds_completions(profile, login, shell, data=data):
        yield "completions"
    if "openssl" in needs and not any(map(variables.get, _CERTIFICATE_VARIABLES)) and not _CERTIFICATES.exists():
        yield "certificates"


def _has(profile: Path, folder: str) -> bool:
    """Tell whether a profile has anything in a folder."""
    with suppress(OSError):
        return bool(os.listdir(profile / folder))
    return False


def _finds_manual(profile: Path, variables: Mapping[str, str]) -> bool:
    """Ask `manpath`, which knows what `man` makes of MANPATH, of the PATH and of its own file; true without a `man`."""
    path = variables.get("PATH") or os.defpath
    named = variables.get("MANPATH", "")
    asked = shutil.which("manpath", path=path)
    if asked is None:
        return shutil.which("man", path=path) is None or is_among(profile / "share/man", named)
    with suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run([asked], env=dict(variables), capture_output=True, timeout=_MANPATH_SECONDS, check=False)
        named = said.stdout.decode(errors="surrogateescape").strip()
    return is_among(profile / "share/man", named)


def _finds_completions(profile: Path, login: Login, shell: str, *, data: bool) -> bool:
    """Tell whether a shell finds the completions of a profile, or the profile has none for it."""
    match shell:
        case "zsh":
            place = "share/zsh/site-functions"
        case "fish":
            place = "share/fish/vendor_completions.d"
        case "bash":
            place = "share/bash-completion/completions"
        case _:
            return True
    if not _has(profile, place):
        return True
    if shell != "bash":
        return _is_named(profile / place, login.fpath)
    if not login.functions & _LOADERS:
        return _LOADED_BY_SETUP in login.functions
    beside = "_comp_load" in login.functions and is_among(profile / "bin", login.environment.get("PATH", ""))
    return data or beside


def _is_named(folder: Path, names: Iterable[str]) -> bool:
    return os.path.realpath(folder) in map(os.path.realpath, filter(None, names))


def _font_folders() -> Iterator[str]:
    """Name the folders of fonts in the user's and the system's settings of fontconfig."""
    own = config_home() / "fontconfig"
    files = [own / "fonts.conf", *sorted((own / "conf.d").glob("*.conf"))]
    files += [Path("/etc/fonts/fonts.conf"), *sorted(Path("/etc/fonts/conf.d").glob("*.conf"))]
    for file in files:
        text = text_of(file)
        for folder in re.findall(r"<dir[^>]*>\s*(.*?)\s*</dir>", text):
            yield str(home()) + folder[1:] if folder.startswith("~") else folder


def unknown_terminals(profile: Path, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Name the terminals that a profile describes and the system does not, where TERMINFO_DIRS does not name it."""
    mine = profile / "share/terminfo"
    if is_among(mine, variables.get("TERMINFO_DIRS", "")):
        return ()
    return tuple(
        sorted(
            _terminals(mine) - {name for folder in (*_TERMINALS, home() / ".terminfo") for name in _terminals(folder)}
        )
    )


def _terminals(folder: Path) -> set[str]:
    # Each is in a folder that is named by its first letter, or by the number of that.
    return {entry.name for entry in folder.glob("?*/*")}


def unknown_locale(variables: Mapping[str, str]) -> str:
    """Name the locale that a glibc of Nix does not find, which looks in one archive alone; empty where it does.

    Which archive: nix-locale-archive.patch of nixpkgs. It has C.UTF-8 in itself.
    """
    wanted = next((variables[name] for name in _LOCALE_VARIABLES if variables.get(name)), "C")
    name, _, codeset = wanted.partition("@")[0].partition(".")
    if name in ("C", "POSIX"):
        return ""
    stored = f"{name}.{re.sub(r'[^a-z0-9]', '', codeset.lower())}" if codeset else name
    named = [variables[one] for one in _LOCALE_ARCHIVES if variables.get(one)]
    archive = next(filter(os.path.exists, [*named, "/usr/lib/locale/locale-archive"]), None)
    return "" if archive and _holds(archive, stored.encode()) else wanted


def _holds(archive: str, name: bytes) -> bool:
    """Tell whether an archive of locales has a name; where it cannot be read, it does."""
    try:
        with open(archive, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.find(name + b"\0") >= 0
    except (OSError, ValueError):
        return True


def lost_certificates(variables: Mapping[str, str]) -> str:
    """Name a variable that names a file of certificates which is not there."""
    return next(
        (one for one in _CERTIFICATE_VARIABLES if variables.get(one) and not os.path.exists(variables[one])), ""
    )


def npm_writes_into_store(profile: Path, variables: Mapping[str, str]) -> bool:
    """Tell whether npm is the profile's own, and nothing says where `npm -g` is to install."""
    if not (profile / "bin/npm").exists() or variables.get("NPM_CONFIG_PREFIX") or variables.get("npm_config_prefix"):
        return False
    own = text_of(home() / ".npmrc")
    return re.search(r"(?m)^\s*prefix\s*=", own) is None
