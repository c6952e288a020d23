"""`nixprof setup`: one line in the user's start-up files, and the static file that it reads; and the way back."""

from __future__ import annotations

import os
import site
import sys
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import nixprof
from nixprof.errors import NixprofError, Reason
from nixprof.files import cannot_write, check_unchanged, check_writable, content, replace_files
from nixprof.folders import home
from nixprof.formatting import display_path, shell_quote
from nixprof.nix import links
from nixprof.nix import profile as nix_profile
from nixprof.record import record, replace
from nixprof.redact import excerpt
from nixprof.shell.asking import ask_zdotdir
from nixprof.shell.line import line_for, lines_of, with_line, without_line
from nixprof.shell.startup import (
    config_home,
    every_startup_file,
    known_shell,
    login_shell,
    starts_completion,
    startup_files,
)
from nixprof.shell.static import Wanted, fonts_file, has_hook, has_nix_path, is_own, session_file, static_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nixprof.context import Context

# The ending of the static file of each shell.
_ENDINGS = {"bash": "sh", "sh": "sh", "zsh": "zsh", "fish": "fish"}
# What puts the programs of a profile on the PATH in shells that `setup` does not know, and where that belongs.
_BY_HAND = {
    "csh": ("~/.cshrc", 'setenv PATH {quoted}:"$PATH"'),
    "tcsh": ("~/.tcshrc", 'setenv PATH {quoted}:"$PATH"'),
    "nu": ("config.nu", "$env.PATH = ($env.PATH | prepend '{plain}')"),
    "elvish": ("rc.elv", "set paths = ['{plain}' $@paths]"),
}
_SYNONYMS = {"nushell": "nu"}


class Became(Enum):
    """What becomes of a file."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"  # it is not for nixprof to write


class Part(Enum):
    """What a file is."""

    STATIC = "static"  # what the line in a start-up file reads
    FONTS = "fonts"  # what fontconfig reads
    APPLICATIONS = "applications"  # what the session of a desktop reads
    STARTUP = "startup"  # the user's own, in which one line is nixprof's


@record
class Edit:
    """A file of a set-up, as it is and as it should be; None for no file."""

    path: Path
    part: Part
    before: bytes | None
    after: bytes | None
    why: str | None = None  # why it is left as it is

    @property
    def became(self) -> Became:
        """What becomes of it."""
        if self.before == self.after:
            return Became.UNCHANGED
        if self.why:
            return Became.REFUSED
        if self.after is None:
            return Became.REMOVED
        return Became.ADDED if self.before is None else Became.CHANGED


@record
class SetUp:
    """A set-up that is made, undone or only shown."""

    shell: str | None  # None where that of every shell is undone
    profile: Path
    files: tuple[Edit, ...]
    line: str | None = None  # for the start-up files
    text: str | None = None  # of the static file
    command_not_found: bool = False  # whether the shell says which package has a command that is not found
    nix_path: bool = False  # whether `<nixpkgs>` is what the registry of flakes has
    printed: bool = False  # whether only line and text are shown
    undone: bool = False
    done: bool = False  # whether anything was written


def run(
    context: Context,
    shell: str | None,
    *,
    printed: bool,
    undo: bool,
    command_not_found: bool | None,
    nix_path: bool | None,
) -> SetUp:
    """Set a shell up, or undo that.

    Args:
        context: whose shell and profile.
        shell: its name or program; None for the login shell.
        printed: whether only to show what would be written.
        undo: whether to take everything away again; that of all shells where none is named.
        command_not_found: whether the shell says which package has a command that is not found; None as before.
        nix_path: whether `<nixpkgs>` is what the registry of flakes has; None as before.

    Raises: NixprofError for an unknown shell, and after all else is done where a start-up file is not to be written.

    """
    if printed and undo:
        hints = ("nixprof setup --undo --dry-run",)
        raise NixprofError("--print is for a set-up, and --undo takes it away", Reason.USAGE, hints=hints)
    profile = _named_profile(context)
    if undo:
        name = _known(shell, profile) if shell else None
        return _carried_out(context, SetUp(name, profile, tuple(_undoing(context, name)), undone=True))
    name = _known(shell or str(login_shell()), profile)
    wanted = _wanted(context, name, profile, hook=command_not_found, nix_path=nix_path)
    return replace(wanted, printed=True) if printed else _carried_out(context, wanted)


def _known(shell: str, profile: Path) -> str:
    """Give the name of a shell; an error for one that is not known says what to do instead."""
    typed = os.path.basename(shell)
    name = known_shell(typed)
    if name:
        return name
    hints = ["for another shell: nixprof setup bash"]
    if by_hand := _BY_HAND.get(_SYNONYMS.get(typed, typed)):
        programs = str(profile / "bin")
        line = by_hand[1].format(quoted=shell_quote(programs), plain=programs)
        hints.insert(0, f"to have the programs of the profile there, put this into {by_hand[0]}: {line}")
    message = f"cannot set up the shell {excerpt(typed)}, only bash, zsh, fish and sh"
    raise NixprofError(message, Reason.UNKNOWN_SHELL, hints=tuple(hints))


def _named_profile(context: Context) -> Path:
    """Find the profile by the link that stays the same, which a start-up file can name."""
    if context.chosen_profile is not None:
        return Path(os.path.abspath(context.chosen_profile.expanduser()))
    usual = [Path(link) for link in links.usual(str(home()))]
    found = nix_profile.locate(None) or usual[0]
    real = os.path.realpath(found)
    return next((link for link in usual if os.path.realpath(link) == real), found)


def _own_programs(profile: Path) -> Path:
    """Find the folder that this nixprof was started from; a virtual environment's has more than a PATH should have."""
    program = Path(os.path.abspath(sys.argv[0]))
    alone = program.name == "nixprof" and program.is_file() and not (program.parents[1] / "pyvenv.cfg").exists()
    return program.parent if alone else profile / "bin"


def _own_share(profile: Path) -> Path:
    """Find where the completions and the man page of this nixprof are: best in the profile, which stays."""
    places = (profile, Path(nixprof.__file__).parents[1], Path(sys.prefix), Path(site.getuserbase()))
    shares = [place / "share" for place in places]
    return next((share for share in shares if (share / "zsh/site-functions/_nixprof").exists()), shares[0])


def _static(context: Context, shell: str) -> Path:
    return context.folders.config / f"shell/setup.{_ENDINGS[shell]}"


def _of_linux() -> dict[Path, tuple[Part, Callable[[Path], str]]]:
    """Give what Linux has besides shells, and what writes it."""
    return {
        config_home() / "fontconfig/conf.d/10-nixprof-fonts.conf": (Part.FONTS, fonts_file),
        config_home() / "environment.d/10-nixprof.conf": (Part.APPLICATIONS, session_file),
    }


## what is to be written


def _wanted(context: Context, shell: str, profile: Path, *, hook: bool | None, nix_path: bool | None) -> SetUp:
    static = _static(context, shell)
    if "\n" in str(static):
        raise NixprofError(f"no start-up file can name {static}", Reason.CANNOT_WRITE, cause="it has a line break")
    check_writable(static)
    before = content(static)
    hook = has_hook(before or b"") if hook is None else hook
    nix_path = has_nix_path(before or b"") if nix_path is None else nix_path
    startup = startup_files(shell, ask_zdotdir() if shell == "zsh" else None)
    starts = shell == "zsh" and not any(map(starts_completion, startup))
    text = static_file(shell, Wanted(profile, _own_programs(profile), _own_share(profile), hook, starts, nix_path))
    line = line_for(shell, static)
    edits = [Edit(static, Part.STATIC, before, text.encode(errors="surrogateescape"))]
    if sys.platform != "darwin":
        edits += _for_linux(profile)
    for path in startup:
        before = content(path)
        edits.append(_checked(Edit(path, Part.STARTUP, before, with_line(before, line))))
    return SetUp(shell, profile, tuple(edits), line, text, hook, nix_path)


def _for_linux(profile: Path) -> Iterator[Edit]:
    for path, (part, text) in _of_linux().items():
        edit = Edit(path, part, content(path), text(profile).encode(errors="surrogateescape"))
        foreign = edit.before is not None and not is_own(edit.before)
        yield replace(edit, why="nixprof did not write it") if foreign else _checked(edit)


def _undoing(context: Context, only: str | None) -> Iterator[Edit]:
    """Take away what is nixprof's, of one shell or of all."""
    # What any sh reads is for bash as well.
    shells = [shell for shell in _ENDINGS if not only or _ENDINGS[shell] == _ENDINGS[only]]
    for path in dict.fromkeys(path for shell in shells for path in _every_place(shell)):
        before = content(path)
        if before is not None and (after := without_line(before)) != before:
            yield _checked(Edit(path, Part.STARTUP, before, after))
    going = {_static(context, shell) for shell in shells}
    for path in sorted(going):
        if (before := content(path)) is not None:
            yield Edit(path, Part.STATIC, before, None)
    staying = {_static(context, shell) for shell in _ENDINGS} - going
    if any(path.exists() for path in staying):
        return
    for path, (part, _) in _of_linux().items():
        before = content(path)
        if before is not None and is_own(before):
            yield _checked(Edit(path, part, before, None))


def _every_place(shell: str) -> tuple[Path, ...]:
    """Name the files that may have the line; where zsh looks may have changed since."""
    files = every_startup_file(shell)
    if shell != "zsh":
        return files
    return (*every_startup_file(shell, ask_zdotdir()), *files, *every_startup_file(shell, home()))


def _checked(edit: Edit) -> Edit:
    """Say why a file of the user's is left as it is: another tool's behind a link, or read-only on purpose."""
    if edit.before == edit.after:
        return edit
    if real := _behind_a_link(edit.path):
        return replace(edit, why=f"it is a link to {display_path(real)}")
    if os.path.lexists(edit.path) and edit.before is None:
        return replace(edit, why="it is a folder" if edit.path.is_dir() else "it cannot be read")
    if os.path.exists(edit.path) and edit.path.stat().st_nlink > 1:
        return replace(edit, why="another file is the same by a hard link")
    try:
        check_writable(edit.path)
    except NixprofError as error:
        return replace(edit, why=(error.cause or error.message).replace(f"{home()}/", "~/"))
    return edit


def _behind_a_link(path: Path) -> str | None:
    """Give the file that a path leads to by a link, be it a folder; links on the way to the home are the machine's."""
    base = home() if home() in path.parents else path.parent
    real = os.path.realpath(path)
    return None if real == os.path.join(os.path.realpath(base), path.relative_to(base)) else real


## writing it


def _carried_out(context: Context, wanted: SetUp) -> SetUp:
    """Write what is wanted, and say what could not be."""
    edits = [edit for edit in wanted.files if edit.became not in (Became.UNCHANGED, Became.REFUSED)]
    if not context.dry_run:
        _write(edits)
        wanted = replace(wanted, done=bool(edits))
    refused = [edit for edit in wanted.files if edit.became is Became.REFUSED and edit.part is Part.STARTUP]
    if refused:
        context.show(wanted)
        raise _refusal(refused, wanted)
    return wanted


def _write(edits: Sequence[Edit]) -> None:
    """Write files in the order of the edits, and remove others after that: no line ever reads half a file."""
    written = {edit.path: edit.after for edit in edits if edit.after is not None}
    replace_files(written, {edit.path: edit.before for edit in edits})
    for edit in edits:
        if edit.after is None:
            check_unchanged({edit.path: edit.before})
            with cannot_write(edit.path):
                edit.path.unlink()
            # Start-up files are in the home, or a folder of the user's; those of fish are here.
            if edit.part is not Part.STARTUP or config_home() in edit.path.parents:
                _remove_empty(edit.path.parent)


def _remove_empty(folder: Path) -> None:
    """Remove a folder that was made for a file, and the one above; what is in use is not empty."""
    with suppress(OSError):
        for place in (folder, folder.parent):
            if place == config_home():
                return
            place.rmdir()


def _refusal(refused: Sequence[Edit], wanted: SetUp) -> NixprofError:
    names = " and ".join(display_path(edit.path) for edit in refused)
    causes = dict.fromkeys(edit.why or "" for edit in refused)
    if wanted.undone:
        lines = [line.decode(errors="replace") for edit in refused for line in lines_of(edit.before or b"")]
        todo = "take this line out of"
    else:
        lines, todo = [wanted.line or ""], "put this line at the end of"
    hints = tuple(f"{todo} {names}, or of what it is made from:\n{line}" for line in dict.fromkeys(lines))
    message = f"nixprof does not write to {names}"
    return NixprofError(message, Reason.CANNOT_WRITE, cause="; ".join(causes), hints=hints, changed=wanted.done)
