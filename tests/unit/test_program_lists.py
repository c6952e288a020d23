"""Lists of programs in the forms that others write: `programs.sqlite`, and the database of nix-index."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.program_lists import Files, nix_index, programs_sqlite

from nixprof.errors import NixprofError, Reason
from nixprof.index import program_lists
from nixprof.index.program_lists import OF_CHANNEL, OF_NIX_INDEX, read_list

SYSTEM = "x86_64-linux"


def read(path: Path, source: str) -> list[tuple[str, str]]:
    return list(read_list(path, source, SYSTEM))


def test_a_channel(tmp_path: Path) -> None:
    path = tmp_path / "a b#?%41" / "programs.sqlite"
    rows = [
        ("rg", SYSTEM, "ripgrep"),
        ("mas", "aarch64-darwin", "mas"),
        ("\x1b[31m", SYSTEM, "x"),
        ("fd", SYSTEM, "fd"),
    ]
    programs_sqlite(path, rows)
    assert read(path, OF_CHANNEL) == [("fd", "fd"), ("rg", "ripgrep")]


def test_nix_index(tmp_path: Path) -> None:
    long = "l" * 300
    packages: list[tuple[str, str, bool, Files]] = [
        (
            "ripgrep",
            "out",
            True,
            {
                "": "2d",
                "/bin": "3d",
                "/bin/.rg-wrapped": "9x",
                "/bin/a": "/elsewhere\ns",
                "/bin/rg": "12x",
                "/bin/rg/deep": "1x",
                "/bin/data": "3r",
                "/share/rg": "5x",
            },
        ),
        (
            "wide",
            "bin",
            True,
            {f"/bin/{long}": "1x", f"/bin/{long}-two": "1x", "/bin/short": "1x", "/bin/\x1b[m": "1x"},
        ),
        ("needed", "out", False, {"/bin/needed": "1x"}),
        ("openssl", "dev", True, {"/bin/openssl-config": "1x"}),
        ("git", "out", True, {"/bin/git": "1x", "/bin/git-shell": "gits"}),
    ]
    nix_index(tmp_path / "files", packages)
    assert read(tmp_path / "files", OF_NIX_INDEX) == [
        ("a", "ripgrep"),
        ("rg", "ripgrep"),
        (long, "wide"),
        (f"{long}-two", "wide"),
        ("short", "wide"),
        ("git", "git"),
        ("git-shell", "git"),
    ]


@given(st.lists(st.lists(st.text("ab\n\x00\x80é/", min_size=1, max_size=200)), max_size=5))
def test_every_path_comes_back(tmp_path_factory: pytest.TempPathFactory, groups: list[list[str]]) -> None:
    """Whatever the differences are: those of a byte that means something else, too."""
    unlike_a_path = str.maketrans(dict.fromkeys("\0\n/"))
    files = [{f"/bin/{one.translate(unlike_a_path)}": "1x" for one in some} for some in groups]
    path = tmp_path_factory.mktemp("x") / "files"
    nix_index(path, [(f"p{number}", "out", True, some) for number, some in enumerate(files)])
    expected = [
        (file.removeprefix("/bin/"), f"p{number}")
        for number, some in enumerate(files)
        for file in some
        if file.removeprefix("/bin/").isprintable() and file != "/bin/"
    ]
    assert read(path, OF_NIX_INDEX) == expected


def test_what_is_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nix_index(tmp_path / "files", [(f"p{n}", "out", True, {f"/bin/program{n}": "1x"}) for n in range(200)])
    whole = read(tmp_path / "files", OF_NIX_INDEX)
    monkeypatch.setattr(program_lists, "_CHUNK_BYTES", 7)
    assert read(tmp_path / "files", OF_NIX_INDEX) == whole == [(f"program{n}", f"p{n}") for n in range(200)]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "it is not a database of nix-index"),
        (b"NIXI" + (2).to_bytes(8, "little"), "or of a version that nixprof does not know"),
        (b"NIXI" + (1).to_bytes(8, "little") + b"no zstd at all", "it is damaged"),
    ],
)
def test_what_is_no_database(tmp_path: Path, content: bytes, cause: str) -> None:
    (tmp_path / "files").write_bytes(content)
    with pytest.raises(NixprofError, match="is no list of programs that nixprof can read") as raised:
        read(tmp_path / "files", OF_NIX_INDEX)
    assert cause in (raised.value.cause or "")


def test_what_is_damaged_inside(tmp_path: Path) -> None:
    for text in (b"1x\0\xff/bin/a\n", b"p\0\0{}\n", b"p\0\0not json\n", b"1x\0\0/bin/a"):
        packed = subprocess.run(["zstd", "-cq"], input=text, capture_output=True, check=True).stdout
        (tmp_path / "files").write_bytes(b"NIXI" + (1).to_bytes(8, "little") + packed)
        with pytest.raises(NixprofError, match="is no list of programs"):
            read(tmp_path / "files", OF_NIX_INDEX)
    nix_index(tmp_path / "cut", [("p", "out", True, {f"/bin/{n}": "1x" for n in range(9)})])
    (tmp_path / "cut").write_bytes((tmp_path / "cut").read_bytes()[:-9])
    with pytest.raises(NixprofError, match="is no list of programs"):
        read(tmp_path / "cut", OF_NIX_INDEX)
    (tmp_path / "other.sqlite").write_bytes(b"SQLite format 3\0")
    with pytest.raises(NixprofError, match="is no list of programs"):
        read(tmp_path / "other.sqlite", OF_CHANNEL)


def test_without_zstd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nix_index(tmp_path / "files", [("p", "out", True, {"/bin/a": "1x"})])
    monkeypatch.setattr(sys, "version_info", (3, 13))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NixprofError, match="zstd is needed to read the database of nix-index") as raised:
        read(tmp_path / "files", OF_NIX_INDEX)
    assert (raised.value.reason, raised.value.hints) == (Reason.CANNOT_READ, ("nixprof add zstd",))
