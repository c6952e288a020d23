"""What `setup` puts into a start-up file, and what real shells make of it."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import needs
from support.installs import ROOT

from nixprof.shell.line import line_for, with_line, without_line
from nixprof.shell.startup import SHELLS
from nixprof.shell.static import Wanted, static_file

LINE = line_for("bash", Path("/home/it's mine/x"))
SHOWN = ("PATH", "XDG_DATA_DIRS", "MANPATH", "TERMINFO_DIRS")


@given(st.binary(), st.binary())
def test_what_comes_after_the_line_stays_too(before: bytes, after: bytes) -> None:
    changed = with_line(before, LINE) + after
    assert with_line(changed, LINE) == changed
    rest = without_line(changed) or b""
    assert rest in (before + after, before + b"\n" + after, before + b"\n\n" + after)
    assert rest.endswith(after)


def test_a_line_that_reads_another_file_is_corrected_in_its_place() -> None:
    changed = with_line(b"a\n", line_for("bash", Path("/elsewhere"))) + b"b\n"
    assert with_line(changed, LINE) == with_line(b"a\n", LINE) + b"b\n"


@given(st.none() | st.binary() | st.text("ab \\\r\n").map(str.encode))
def test_the_rest_of_a_file_stays_byte_for_byte(before: bytes | None) -> None:
    once = with_line(before, LINE)
    assert with_line(once, LINE) in (once, with_line(before, LINE))
    assert without_line(once) == before


@pytest.mark.parametrize("shell", ["bash", "zsh", "sh"])
@pytest.mark.parametrize("end", ["\\", "\\\n", "\\\\\n", "\\\n\n"])
def test_a_last_line_that_goes_on_takes_nothing_of_ours(shell: str, end: str, tmp_path: Path) -> None:
    program = needs.program(shell)
    static, startup = tmp_path / "static", tmp_path / "startup"
    static.write_text("echo read\n")
    startup.write_bytes(with_line(f"echo a {end}".encode(), line_for(shell, static)))
    done = subprocess.run([program, startup], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert re.fullmatch(r"a ?\\?\nread\n", done.stdout), done.stdout


@pytest.mark.parametrize("shell", [*SHELLS, "sh"])
def test_reading_it_twice_changes_nothing(shell: str, tmp_path: Path) -> None:
    program = needs.program(shell)
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


def test_what_fish_makes_of_a_man_page_hides_no_completions(tmp_path: Path) -> None:
    program = needs.program("fish")
    static = tmp_path / "static"
    static.write_text(static_file("fish", Wanted(tmp_path, tmp_path / "bin", ROOT / "share")))
    # fish completes only what there is.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/nixprof").symlink_to("/bin/true")
    made = "set -l made (string match '*/generated_completions' $fish_complete_path); mkdir -p $made"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}

    def completed() -> list[str]:
        script = f"{made}; touch $made/nixprof.fish; {line_for('fish', static)}; complete -C 'nixprof sy'"
        command = [program, "-c", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return [line.partition("\t")[0] for line in done.stdout.splitlines()]

    assert completed() == ["sync"]
    own = tmp_path / ".config/fish/completions/nixprof.fish"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("complete -c nixprof -f -a system")
    assert completed() == ["system"]


ALONE = (("bash", "--norc", "-i"), ("zsh", "-f", "-i"), ("fish", "--no-config", "-i"), ("dash",))


@pytest.mark.parametrize("shell", ALONE, ids=lambda shell: shell[0])
def test_no_program_runs_when_a_shell_starts(shell: tuple[str, ...], tmp_path: Path) -> None:
    program = needs.program(shell[0])
    static = tmp_path / "static"
    static.write_text(static_file(shell[0], Wanted(tmp_path, tmp_path, ROOT / "share", command_not_found=True)))
    # None can be found, and a shell says so.
    command = [program, *shell[1:], "-c", f". {static}; echo done; no-program"]
    environment = {"PATH": str(tmp_path / "empty"), "HOME": str(tmp_path), "NIXPROF_COMMAND_NOT_FOUND": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "done\n"
    assert len(re.findall("not found|Unknown command", done.stderr)) == 1, done.stderr


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("path", "first"),
    [("/usr/bin:P:/bin", "P:/usr/bin"), ("/venv:P:/usr/bin", "/venv:P"), ("/venv:/usr/bin", "P:/venv"), ("P", "P")],
)
def test_the_profile_comes_before_the_system_and_after_what_was_put_before_it(
    shell: str, path: str, first: str, tmp_path: Path
) -> None:
    program = needs.program(shell)
    static = tmp_path / "static"
    static.write_text(static_file(shell, Wanted(tmp_path, tmp_path / "bin", tmp_path)))
    environment = {"PATH": path.replace("P", f"{tmp_path}/bin"), "HOME": str(tmp_path)}
    command = [program, "-c", f'. {static}; echo "$PATH"']
    shown = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert shown.startswith(first.replace("P", f"{tmp_path}/bin"))


@pytest.mark.parametrize("hook", [False, True])
def test_shellcheck_accepts_it(tmp_path: Path, *, hook: bool) -> None:
    needs.program("shellcheck")
    static = tmp_path / "static"
    static.write_text(static_file("bash", Wanted(tmp_path, tmp_path / "bin", tmp_path / "own", hook, nix_path=hook)))
    subprocess.run(["shellcheck", "--shell", "bash", static], check=True)
