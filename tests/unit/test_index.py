"""An index is written once, and looked up by name, program and words."""

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.errors import Reason
from nixprof.index import database, names
from nixprof.index.database import MAIN_PROGRAM, About, Index, IndexedPackage, IndexWriter

ABOUT = About("nixpkgs", "github:NixOS/nixpkgs/abc", "x86_64-linux", "evaluation", failed=2, failed_names=("a", "b"))
PACKAGES = [
    IndexedPackage(("gnumake",), "gnumake", "4.4.1", "A tool to control builds", "make", outputs=("out", "man")),
    IndexedPackage(("makeself",), "makeself", "2.5", "Make a file that extracts itself"),
    IndexedPackage(("cmake",), "cmake", "4.1", "Build system generator", "cmake"),
    IndexedPackage(("python3Packages", "make"), "make", "1.0"),
    IndexedPackage(("nodejs_22",), "nodejs", "22.1", 'Event-driven I/O for "JavaScript"', "node"),
    IndexedPackage(("odd", "a.b"), "ab", refusals=(Reason.UNFREE,), vulnerabilities=("CVE-1, a \x1b[31mred one",)),
]


@pytest.fixture(params=["FTS5", "LIKE"])
def index(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    if request.param == "LIKE":
        monkeypatch.setattr(database, "_WORDS", "CREATE VIRTUAL TABLE words USING no_such_module")
    with IndexWriter(tmp_path / "new" / "index.sqlite") as writer:
        writer.add(PACKAGES)
        writer.add_programs([("cpack", "cmake"), ("gone", "no-such-package"), ("make", "cmake")], "programs.sqlite")
        writer.finish(ABOUT)
    found = Index.open(tmp_path / "new" / "index.sqlite")
    assert found
    return found


def _names(index: Index, *words: str) -> list[str]:
    return [one.name for one in index.at(index.search(words))]


def test_what_was_written_is_read(index: Index) -> None:
    assert [index.package(one.name) for one in PACKAGES] == PACKAGES
    assert index.package("nothing") is None
    assert index.named("nodejs") == (PACKAGES[4],)
    assert index.about.packages == len(PACKAGES)
    assert (index.about.failed, index.about.failed_names) == (2, ("a", "b"))


def test_the_best_match_comes_first(index: Index) -> None:
    assert _names(index, "make") == ["gnumake", "python3Packages.make", "makeself", "cmake"]
    assert _names(index, "build") == ["cmake", "gnumake"]
    assert _names(index, "CONTROL", "tool") == ["gnumake"]
    assert _names(index, "node") == ["nodejs_22"]
    assert _names(index, "self") == ["makeself"]
    assert _names(index, '"; DROP TABLE packages; --') == []
    assert _names(index, '"')[:1] == ['odd."a.b"']


_ODD_NAMES = st.lists(st.text("aAbB-_%'\n Éß", min_size=1, max_size=4), unique=True, max_size=6)


@given(listed=_ODD_NAMES, words=st.lists(st.text("aAb-%\n É", max_size=2), min_size=1, max_size=3))
def test_a_part_of_a_name_is_found_wherever_it_is(listed: list[str], words: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with IndexWriter(Path(folder, "x.sqlite")) as writer:
            writer.add(IndexedPackage((name,), "x") for name in listed)
            writer.finish(ABOUT)
        index = Index.open(Path(folder, "x.sqlite"))
        assert index
        lower = [" ".join(word.lower().split()) for word in words]
        found = index.at(index.with_parts(lower))
        named = [one.name for one in found]
    have_all = {name for name in (one.name for one in map(_package, listed)) if all(map(_line(name).count, lower))}
    assert named == sorted(set(named), key=named.index)
    assert set(named) == (have_all if any(lower) else set())


def _package(name: str) -> IndexedPackage:
    return IndexedPackage((name,), "x")


def _line(name: str) -> str:
    return name.lower().replace("\n", " ")


def test_a_pattern_is_looked_for_in_names_first(index: Index) -> None:
    assert [one.name for one in index.at(index.matching(re.compile("^make|control")))] == ["makeself", "gnumake"]


def test_programs_lead_to_packages(index: Index) -> None:
    assert index.with_program("make") == [("gnumake", MAIN_PROGRAM, True), ("cmake", "programs.sqlite", True)]
    assert index.programs_of("cmake") == ("cmake", "cpack", "make")
    assert index.with_program("gone") == []


def test_many_packages_may_have_a_program(tmp_path: Path) -> None:
    """More than old versions of SQLite take as values; the likeliest comes first all the same."""
    many = [(f"p{number:04}", IndexedPackage((f"p{number:04}",), "p")) for number in range(1200)]
    for name, packages, told in (("own", [one for _, one in many], "p1100"), ("other", [], "zz")):
        with IndexWriter(tmp_path / name) as writer:
            writer.add([*packages, IndexedPackage((f"run-{told}",), "p", main_program="run")])
            writer.add_programs((("run", one) for one, _ in many), "nix-index")
            writer.finish(ABOUT)
    indexes = {name: one for name in ("own", "other") if (one := Index.open(tmp_path / name))}
    found = [(where, name) for where, name, _, _ in names.packages_with("run", indexes)]
    assert (found[0], found[-1]) == (("own", "run-p1100"), ("other", "run-zz"))
    assert len(found) == 1202


def test_names_are_completed_in_order(index: Index) -> None:
    assert index.names("m") == ["makeself"]
    assert index.names("python3Packages.") == ["python3Packages.make"]
    assert len(index.names()) == len(PACKAGES)
    assert index.names("", 2) == ["cmake", "gnumake"]


def test_names_are_given_as_far_as_the_next_dot(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    assert index.beginnings("") == ["cmake", "gnumake", "makeself", "nodejs_22", "odd.", "python3Packages."]
    assert index.beginnings("python3Packages.") == ["python3Packages.make"]
    assert index.beginnings("x") == []
    monkeypatch.setattr(names, "_MANY", 2)
    assert index.beginnings("") == ["cmake", "gnumake", "python3Packages."]
    assert index.versions_of("nodejs") == ["22.1"]
    assert index.told_of("gnumake") == "4.4.1 A tool to control builds"


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0 and nothing else", None])
def test_what_is_no_index_is_not_opened(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "x.sqlite").write_bytes(content)
    assert Index.open(tmp_path / "x.sqlite") is None


def test_what_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with IndexWriter(tmp_path / "x.sqlite") as writer:
        writer.add(PACKAGES)
    assert list(tmp_path.iterdir()) == []


def test_an_index_of_another_form_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with IndexWriter(tmp_path / "x.sqlite") as writer:
        writer.finish(ABOUT)
    monkeypatch.setattr(names, "FORMAT", names.FORMAT + 1)
    assert Index.open(tmp_path / "x.sqlite") is None
