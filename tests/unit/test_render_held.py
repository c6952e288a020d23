"""How what is held back reads: compact, and with the reason."""

import sys
import time
from pathlib import Path
from typing import TextIO

import pytest

from nixprof.change.hold_story import hold_story
from nixprof.console import Console
from nixprof.lock.freshness import Gap
from nixprof.lock.packages_json import Resolved, Unavailable
from nixprof.manifest.parse import parse_text
from nixprof.nix.operations import Nix
from nixprof.nix.progress import Progress
from nixprof.output.held import briefly, held_for, held_lines, held_title, story_lines
from nixprof.record import replace

DAY = 86400


def gap(name: str, reason: str = "unfree", derivation: str = "", days: float = 0) -> Gap:
    [package] = parse_text(Path("/nixprof.toml"), f'packages = ["{name}"]'.encode()).packages
    kept = Resolved(name, "1.0", "", "", 5, {"out": f"/nix/store/{'a' * 32}-{name}"}, ("out",), "github:a/b", "x")
    built = f"/nix/store/{'b' * 32}-{derivation}.drv" if derivation else ""
    why = Unavailable(reason, "why", "", "", int(time.time() - days * DAY), built)
    return Gap(package, "x86_64-linux", why, kept)


def replaced(one: Gap, message: str) -> Gap:
    return replace(one, why=replace(one.why, message=message))


@pytest.mark.parametrize(
    ("held", "brief"),
    [
        (gap("vscode"), "unfree licence"),
        (gap("git", "build-failed", "git-2.0"), "fails to build"),
        (gap("git", "build-failed", "openssl-3.2"), "openssl-3.2, which it needs, fails to build"),
        (
            replaced(gap("git", "uncached"), "git is in no cache, and takes 7 builds here"),
            "in no cache, and takes 7 builds here",
        ),
        (replaced(gap("git", "collision"), "git and jq both provide bin/x"), "git and jq both provide bin/x"),
        (gap("git", "malformed"), "cannot be evaluated"),
    ],
)
def test_the_reason_in_a_few_words(held: Gap, brief: str) -> None:
    assert briefly(held) == brief


def test_the_age() -> None:
    assert held_for(gap("git", days=0.2)) == "held: unfree licence"
    assert held_for(gap("git", days=1.1)) == "held for 1 day: unfree licence"
    assert held_title(gap("git", days=3.1)) == "git 1.0 (unfree licence, for 3 days)"
    assert held_title(gap("git")) == "git 1.0 (unfree licence)"


def test_what_waits_for_one_build_is_one_line() -> None:
    waiting = [gap(name, "build-failed", "openssl-3.2", days=2) for name in ("curl", "wget", "git")]
    lines = list(held_lines([gap("vscode"), *waiting, gap("jq", "build-failed", "jq-2.0")], Console(), sys.stderr))
    assert lines == [
        "= vscode  1.0  held: unfree licence",
        "= jq      1.0  held: fails to build",
        "= 3 packages wait for openssl-3.2, which fails to build: curl, wget, git",
        "  to allow what may be allowed: nixprof update --allow-unfree",
        "  the whole story: nixprof why vscode",
    ]


def test_many_that_wait_are_folded_at_eighty_columns() -> None:
    class Terminal(Console):
        def width(self, stream: TextIO) -> int | None:
            del stream
            return 80

    waiting = [gap(f"tool{number:02}", "build-failed", "openssl-3.2") for number in range(40)]
    lines = list(held_lines(waiting, Terminal(), sys.stderr))
    assert lines[0].startswith("= 40 packages wait for openssl-3.2, which fails to build: tool00, ")
    assert len(lines) == 7
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert ", ".join(line[2:].rstrip(",") for line in lines[:-1]).endswith("tool38, tool39")


class Logs(Nix):
    """A Nix whose builds have all written the same."""

    def __init__(self) -> None:
        super().__init__(Progress())

    def log(self, derivation: str) -> str:
        return f"unpacking {derivation[-12:]}\n\n\x1b[31mchecking\x1b[0m\nerror: no dep today  \n"


def test_the_whole_story() -> None:
    held = [gap("vscode"), *(gap(name, "build-failed", "openssl-3.2") for name in ("curl", "wget"))]
    story = hold_story(Logs(), "nixpkgs#curl", held)
    assert story is not None
    first, *lines = story_lines(story, 80)
    assert first.startswith("held back since 20")
    assert lines == [
        f"  failed       /nix/store/{'b' * 32}-openssl-3.2.drv",
        "  waiting too  wget",
        "  its log ends with",
        "    unpacking nssl-3.2.drv",
        "    checking",
        "    error: no dep today",
        f"  the whole log: nix-store --read-log /nix/store/{'b' * 32}-openssl-3.2.drv",
        "  to build it again: nixprof update curl",
        "  to keep it as it is for good: nixprof pin curl",
    ]
    assert hold_story(Logs(), "nixpkgs#git", held) is None
    unfree = hold_story(Logs(), "nixpkgs#vscode", held)
    assert unfree is not None
    assert (unfree.log, unfree.hints[0]) == ((), "to allow it: nixprof update --allow-unfree")
