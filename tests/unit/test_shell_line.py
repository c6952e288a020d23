"""What `setup` puts into a start-up file, and what real shells make of it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.shell.line import line_for, with_line, without_line
from nixprof.shell.startup import SHELLS
from nixprof.shell.static import Wanted, static_file

LINE = line_for("bash", Path("/home/it's mine/x"))
SHOWN = ("PATH", "XDG_DATA_DIRS", "MANPATH", "TERMINFO_DIRS")


@given(st.none() | st.binary() | st.text("ab \r\n").map(str.encode))
def test_the_rest_of_a_file_stays_byte_for_byte(before: bytes | None) -> None:
    once = with_line(before, LINE)
    assert with_line(once, LINE) in (once, with_line(before, LINE))
    assert without_line(once) == before


@pytest.mark.parametrize("shell", [*SHELLS, "sh"])
def test_reading_it_twice_changes_nothing(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell}")
    profile = tmp_path / "a 'profile' \\ of $one"
    static = tmp_path / "it's static"
    static.write_text(static_file(shell, Wanted(profile, Path("/opt/no such/bin"), profile / "share")))
    strict = "" if shell == "fish" else "set -eu; "
    show = "printf '%s\\n' " + " ".join(f'"${name}"' for name in SHOWN)
    if shell == "fish":
        show = "env | grep -E '^(PATH|XDG_DATA_DIRS|MANPATH|TERMINFO_DIRS)=' | sort"
    line = line_for(shell, static)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LANG": os.environ.get("LANG", "C.UTF-8")}
    once, twice = (
        subprocess.run(
            [program, "-c", f"{strict}{read}{show}"], env=environment, capture_output=True, text=True, check=True
        )
        for read in (f"{line}; ", f"{line}; {line}; ")
    )
    assert (once.stderr, twice.stderr) == ("", "")
    assert once.stdout == twice.stdout
    assert f"{profile}/bin:/usr/bin:/bin\n" in once.stdout
    assert f"/usr/local/share:/usr/share:{profile}/share\n" in once.stdout
    assert f"{profile}/share/man:\n" in once.stdout
    assert f"/etc/terminfo:/lib/terminfo:/usr/share/terminfo:{profile}/share/terminfo:\n" in once.stdout


@pytest.mark.parametrize("hook", [False, True])
def test_shellcheck_accepts_it(tmp_path: Path, *, hook: bool) -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("there is no shellcheck")
    static = tmp_path / "static"
    static.write_text(static_file("bash", Wanted(tmp_path, tmp_path / "bin", tmp_path / "own", command_not_found=hook)))
    subprocess.run(["shellcheck", "--shell", "bash", static], check=True)
