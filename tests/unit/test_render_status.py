"""How `nixprof status` reads at a width: nothing is cut, and each command belongs to its row."""

from pathlib import Path
from typing import TextIO

import pytest

from nixprof.change.differences import Change, Kind
from nixprof.commands.status import ProfileDrift, Status
from nixprof.console import Console
from nixprof.nix.profile import Element
from nixprof.output.status import status
from nixprof.record import replace

LONG = ("my-own-tool-with-a-long-name", "another-tool-with-a-long-name", "third-tool-with-a-long-name")
NOTHING = Status((), (), (), (), None, (), in_sync=False, packages=0, generation=3)


def foreign(*names: str) -> tuple[Element, ...]:
    return tuple(Element(name, "", "", "", (f"/nix/store/{'1' * 32}-{name}",)) for name in names)


def changed(kind: Kind, *names: str) -> tuple[Change, ...]:
    return tuple(Change(kind, f"nixpkgs#{name}", None, None) for name in names)


BUSY = replace(
    NOTHING,
    edited=(Path("/home/alice/nixprof.toml"),),
    changes=(
        *changed(Kind.ADDED, "tree", "python3Packages.black", "python3Packages.requests"),
        Change(Kind.CHANGED, "nixpkgs#nixfmt", "0.6.0-unstable-2024-10-31", "0.6.0-unstable-2025-01-04"),
        *changed(Kind.REMOVED, "jq", "wget"),
    ),
    foreign=foreign(*LONG),
)


def shown(result: Status, columns: int | None) -> list[str]:
    class Terminal(Console):
        def width(self, stream: TextIO) -> int | None:
            del stream
            return columns

    return list(status(result, Terminal()))


def test_a_command_has_a_column() -> None:
    assert shown(BUSY, 80) == [
        "edited since last sync  nixprof.toml                              nixprof sync",
        "not installed yet       tree, python3Packages.black,              nixprof sync",
        "                        python3Packages.requests",
        "no longer listed        jq, wget                                  nixprof sync",
        "other version           nixfmt 0.6.0-unstable-2024-10-31 →        nixprof sync",
        "                        0.6.0-unstable-2025-01-04",
        "not on the list         my-own-tool-with-a-long-name,             nixprof freeze",
        "                        another-tool-with-a-long-name,",
        "                        third-tool-with-a-long-name",
        "✗ 3 packages to install, 2 to remove, 1 to change, 3 not on the list",
    ]


def test_a_long_command_stands_below_its_names() -> None:
    result = replace(
        BUSY, changes=changed(Kind.ADDED, "tree", "python3Packages.black"), foreign=foreign("htop", "wget")
    )
    assert shown(result, 80)[:-1] == [
        "edited since last sync  nixprof.toml                       nixprof sync",
        "not installed yet       tree, python3Packages.black        nixprof sync",
        "not on the list         htop, wget",
        "                          nixprof freeze --only htop wget",
    ]


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_nothing_is_cut_at_any_width(columns: int) -> None:
    result = replace(BUSY, elsewhere=ProfileDrift.MOVED, foreign=foreign("Q" * 100))
    lines = shown(result, columns)
    assert all(len(line) <= columns for line in lines)
    text = "".join(line.strip() for line in lines).replace(" ", "")
    assert "…" not in text
    assert text.count("Q") == 100
    for word in ("0.6.0-unstable-2025-01-04", "theprofileisatanother", "nixprofrollback3"):
        assert word in text


def test_names_that_are_left_away_are_counted() -> None:
    names = [f"package-{number:02}" for number in range(30)]
    lines = shown(replace(NOTHING, changes=changed(Kind.ADDED, *names)), 80)
    told = sum(line.count("package-") for line in lines)
    assert f"and {30 - told} more" in "\n".join(lines)
    assert len(lines) == 4


def test_without_a_terminal_each_row_is_one_line() -> None:
    lines = shown(BUSY, None)
    assert len(lines) == 6
    assert all(" nixprof " in line for line in lines[:-1])
