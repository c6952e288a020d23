"""`nixprof edit`: the list in the user's editor, on a copy that is checked before anything happens."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof import flow
from nixprof.commands.init import template
from nixprof.draft import Draft
from nixprof.errors import NixprofError
from nixprof.exclusive import put_right, state_folder
from nixprof.files import cannot_write, replace_file, scratch_folder, unused
from nixprof.interrupts import Interrupted
from nixprof.manifest.parse import parse_text
from nixprof.manifest.problems import ManifestError
from nixprof.words import display_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nixprof.flow import Outcome, Plan
    from nixprof.manifest.model import Manifest
    from nixprof.state import Project

_USUAL_EDITORS = ("nano", "vi")


def run(
    project: Project, *, again: Callable[[NixprofError], bool], confirm: Callable[[Plan], bool] = flow.always
) -> Outcome | None:
    """Open the list in an editor, and sync with what it says then.

    Args:
        project: whose.
        again: told what is wrong with the text, or with what it asks for; says whether to open it once more.
        confirm: asked before anything changes.

    Returns: what became of it; None where the text was not changed.

    Raises: NixprofError, with the list as before; where a changed text is given up, it says where that is kept.

    """
    put_right(project)
    path = project.places.manifest
    old = path.read_bytes() if path.exists() else template(project.machine.system).encode()
    with scratch_folder() as scratch:
        copy = Path(scratch, path.name)
        copy.write_bytes(old)
        try:
            outcome = _edit(project, copy, old, again, confirm)
        except BaseException:
            _keep(project, copy, old)
            raise
        if outcome is not None and outcome.declined:
            _keep(project, copy, old)
        return outcome


def _edit(
    project: Project,
    copy: Path,
    old: bytes,
    again: Callable[[NixprofError], bool],
    confirm: Callable[[Plan], bool],
) -> Outcome | None:
    """Open the copy until it says something that can be done, and do it; None where it says nothing new."""
    path = project.places.manifest
    line = 1
    while True:
        _open(copy, line)
        new = copy.read_bytes()
        # Whoever wants an empty list does not delete its comments; an editor that fails may well write nothing.
        if new == old or not new.strip():
            return None
        try:
            parse_text(path, new)
            return flow.change(
                project, _replacing(path, old, new), template=template(project.machine.system), confirm=confirm
            )
        except NixprofError as error:
            line = error.problems[0].line if isinstance(error, ManifestError) else 1
            if not again(error):
                raise


def _replacing(path: Path, old: bytes, new: bytes) -> Callable[[Manifest], Draft]:
    def propose(manifest: Manifest) -> Draft:
        if manifest.sources[0].data != old:
            raise NixprofError(f"{path} was changed by somebody else while you edited it", hints=("nixprof edit",))
        return Draft({path: new.decode()})

    return propose


def _keep(project: Project, copy: Path, old: bytes) -> None:
    """Keep a text that was given up, and say where; what says nothing new need not be kept."""
    try:
        new = copy.read_bytes()
    except OSError:
        return
    if new == old or not new.strip():
        return
    with cannot_write(project.places.state):
        kept = unused(state_folder(project.places) / "edited.toml")
    replace_file(kept, new)
    project.progress.note(f"your text is kept in {display_path(kept)}")


def _open(file: Path, line: int) -> None:
    """Start the user's editor and wait for it."""
    words = _editor()
    # vi, nano, emacs and most others take the line so; for those that do not, the file name is all they get.
    at = (f"+{line}",) if line > 1 and Path(words[0]).name in _TAKE_A_LINE else ()
    try:
        with _leaving_ctrl_c_to_the_editor():
            code = subprocess.run([*words, *at, str(file)], check=False).returncode
    except OSError as error:
        raise NixprofError(f"cannot start the editor {words[0]}", cause=error.strerror, hints=_HOW) from error
    if code in (-signal.SIGINT, 128 + signal.SIGINT):
        raise Interrupted
    if code:
        raise NixprofError(f"the editor {words[0]} failed", cause=f"exit code {code}", hints=_HOW)


@contextmanager
def _leaving_ctrl_c_to_the_editor() -> Iterator[None]:
    """Go on at Ctrl-C, which the terminal sends to both: many an editor takes it for a key, and has a text to save."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        # The editor would inherit SIG_IGN, but not a function.
        signal.signal(signal.SIGINT, lambda number, frame: None)  # noqa: ARG005
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_HOW = ("choose one: EDITOR=nano nixprof edit",)
_TAKE_A_LINE = ("vi", "vim", "nvim", "nano", "emacs", "emacsclient", "kak", "micro", "joe", "ne", "mg")


def _editor() -> list[str]:
    """Choose `$VISUAL`, `$EDITOR` or a usual editor; a variable may hold arguments."""
    for variable in ("VISUAL", "EDITOR"):
        words = shlex.split(os.environ.get(variable, ""))
        if words:
            return words
    there = next((name for name in _USUAL_EDITORS if shutil.which(name)), None)
    if there is None:
        raise NixprofError("there is no editor", cause="neither VISUAL nor EDITOR is set", hints=_HOW)
    return [there]
