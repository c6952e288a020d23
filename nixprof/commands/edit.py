"""`nixprof edit`: the list in the user's editor, on a copy that is checked before anything happens."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.flow import begin
from nixprof.change.process_lock import recover_first
from nixprof.change.request import ChangeRequest
from nixprof.commands.init import template
from nixprof.errors import NixprofError, Reason
from nixprof.files import cannot_write, content, private_folder, read_file, unused
from nixprof.formatting import display_path
from nixprof.manifest.parse import parse_text
from nixprof.manifest.problems import ManifestError
from nixprof.redact import excerpt
from nixprof.signals import Interrupted, ctrl_c_left_to_child

if TYPE_CHECKING:
    from nixprof.change.plan import Outcome
    from nixprof.context import Context
    from nixprof.folders import Folders

_USUAL_EDITORS = ("nano", "vi")
# Space that is reserved for additions to the list.
_ROOM_BYTES = 64 << 10


def run(context: Context) -> Outcome | None:
    """Open the list in an editor, and sync with what it says then; None where it was not changed.

    Where a changed text is given up, a note says where that is kept.
    """
    recover_first(context)
    path = context.folders.manifest
    try:
        old = read_file(path) if os.path.lexists(path) else template(context.machine.system).encode()
    except OSError as error:
        raise NixprofError(f"cannot read {path}", Reason.CANNOT_READ, cause=error.strerror) from error
    copy, is_done = _copy(context.folders, old), False
    try:
        outcome = _edit(context, copy, old)
        is_done = outcome is None or outcome.done
    finally:
        if _changed(copy, old) and not is_done:
            context.progress.note(f"your text is in {display_path(copy)}")
        else:
            shutil.rmtree(copy.parent, ignore_errors=True)
    return outcome


def _copy(folders: Folders, old: bytes) -> Path:
    """Write the text that is to be edited, in a folder of its own, where it stays if nixprof is killed."""
    try:
        folder = unused(private_folder(folders.data) / "edited" / time.strftime("%Y-%m-%d-%H%M%S"))
        folder.mkdir(parents=True)
        return _write(folder / folders.manifest.name, old)
    except OSError:
        import tempfile

        with cannot_write(Path(tempfile.gettempdir())):
            return _write(Path(tempfile.mkdtemp(prefix="nixprof-edited-"), folders.manifest.name), old)


def _write(copy: Path, text: bytes) -> Path:
    """Write a file where there is room for a longer text; otherwise remove its folder."""
    try:
        with open(copy, "xb") as file:
            file.write(text + bytes(_ROOM_BYTES))
            file.flush()
            os.fsync(file.fileno())
            file.truncate(len(text))
    except OSError:
        shutil.rmtree(copy.parent, ignore_errors=True)
        raise
    return copy


def _edit(context: Context, copy: Path, old: bytes) -> Outcome | None:
    """Open the copy until it says something that can be done, and do it; None where it says nothing new."""
    line = 1
    while True:
        _open(copy, line)
        new = _changed(copy, old)
        if new is None:
            return None
        try:
            parse_text(context.folders.manifest, new)
            return _change(context, old, new)
        except NixprofError as error:
            line = error.problems[0].line if isinstance(error, ManifestError) else 1
            if not context.console.can_ask:
                raise
            context.show(error)
            if not context.console.ask("Edit it again?"):
                context.console.say("Nothing was changed.")
                sys.exit(1)


def _change(context: Context, old: bytes, new: bytes) -> Outcome:
    path, first = context.folders.manifest, template(context.machine.system)
    with begin(context, first, repaired=new) as change:
        if (content(path) if os.path.lexists(path) else first.encode()) != old:
            message = f"{path} was changed by somebody else while you edited it"
            raise NixprofError(message, Reason.CONCURRENT_CHANGE, hints=("nixprof edit",))
        return change.carry_out(ChangeRequest({path: new.decode()}))


def _changed(copy: Path, old: bytes) -> bytes | None:
    """Read a copy; None where it says what the list says, or nothing at all, as a failing editor leaves it."""
    new = content(copy)
    return new if new and new != old and new.strip() else None


def _open(file: Path, line: int) -> None:
    """Start the user's editor and wait for it."""
    words = _editor()
    # vi, nano, emacs and most others take the line so; for those that do not, the file name is all they get.
    at = (f"+{line}",) if line > 1 and Path(words[0]).name in _TAKE_A_LINE else ()
    try:
        with ctrl_c_left_to_child():
            code = subprocess.run([*words, *at, str(file)], check=False).returncode
    except OSError as error:
        raise _no_editor(f"cannot start the editor {words[0]}", error.strerror) from error
    if code in (-signal.SIGINT, 128 + signal.SIGINT):
        raise Interrupted
    if code:
        raise _no_editor(f"the editor {words[0]} failed", f"exit code {code}")


def _no_editor(message: str, cause: str | None) -> NixprofError:
    hints = ("choose one: EDITOR=nano nixprof edit",)
    return NixprofError(message, Reason.NO_EDITOR, cause=cause, hints=hints)


_TAKE_A_LINE = ("vi", "vim", "nvim", "nano", "emacs", "emacsclient", "kak", "micro", "joe", "ne", "mg")


def _editor() -> list[str]:
    """Choose `$VISUAL`, `$EDITOR` or a usual editor; a variable may hold arguments."""
    for variable in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(os.environ.get(variable, ""))
        except ValueError as error:
            message = f"{variable} is not a command: {excerpt(os.environ[variable])}"
            raise _no_editor(message, str(error)) from error
        if words:
            return words
    usual = next((name for name in _USUAL_EDITORS if shutil.which(name)), None)
    if usual is None:
        raise _no_editor("there is no editor", "neither VISUAL nor EDITOR is set")
    return [usual]
