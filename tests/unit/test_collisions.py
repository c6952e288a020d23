"""Files that two packages provide: against real folders, and against a reference that looks at everything."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nixprof.change.collisions import Collision, Provider, find_collisions, find_profile_collisions
from nixprof.record import replace

Tree = Mapping[str, str | tuple[str, int]]


def plant(folder: Path, tree: Tree) -> Path:
    """Makes a folder of files: text, (text, mode), or a link where the text begins with `->`."""
    folder.mkdir(parents=True)
    for name, what in tree.items():
        text, mode = what if isinstance(what, tuple) else (what, 0o444)
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("->"):
            file.symlink_to(text[2:])
        else:
            file.write_text(text)
            file.chmod(mode)
    return folder


def providers(folder: Path, *trees: Tree, priorities: Sequence[int] = ()) -> list[Provider]:
    ranks = priorities or [5] * len(trees)
    return [
        Provider(chr(ord("a") + index), rank, str(plant(folder / str(index), tree)))
        for index, (tree, rank) in enumerate(zip(trees, ranks, strict=True))
    ]


def told(found: Sequence[Collision]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.one.name, one.other.name, one.files) for one in found]


def test_nothing_shared(tmp_path: Path) -> None:
    assert find_collisions([]) == ()
    assert find_collisions(providers(tmp_path, {"bin/a": "a"}, {"bin/b": "b"})) == ()


def test_one_file_that_differs(tmp_path: Path) -> None:
    found = find_collisions(providers(tmp_path, {"bin/a": "a", "bin/x": "1"}, {"bin/x": "2"}))
    assert told(found) == [("a", "b", ("bin/x",))]


def test_all_files_of_a_pair_in_order(tmp_path: Path) -> None:
    one = {"bin/x": "1", "share/z/q": "1", "share/a": "1", "same": "s"}
    other = {"bin/x": "2", "share/z/q": "2", "share/a": "2", "same": "s"}
    assert told(find_collisions(providers(tmp_path, one, other))) == [("a", "b", ("bin/x", "share/a", "share/z/q"))]


def test_the_lowest_priority_wins(tmp_path: Path) -> None:
    trees = ({"x": "1"}, {"x": "2"})
    assert find_collisions(providers(tmp_path / "one", *trees, priorities=[4, 5])) == ()
    assert find_collisions(providers(tmp_path / "two", *trees, priorities=[5, 4])) == ()


def test_those_that_lose_need_not_agree(tmp_path: Path) -> None:
    trees = ({"x": "1"}, {"x": "2"}, {"x": "3"})
    assert find_collisions(providers(tmp_path, *trees, priorities=[7, 7, 4])) == ()


def test_every_pair_is_told(tmp_path: Path) -> None:
    found = find_collisions(providers(tmp_path, {"x": "1"}, {"x": "2"}, {"x": "3"}, {"x": "1"}))
    assert told(found) == [("a", "b", ("x",)), ("a", "c", ("x",))]


def test_identical_files(tmp_path: Path) -> None:
    those = providers(tmp_path, {"bin/x": "1", "y": "2"}, {"bin/x": "1"})
    assert find_collisions(those) == ()


def test_the_mode_counts(tmp_path: Path) -> None:
    found = find_collisions(providers(tmp_path, {"x": ("1", 0o444)}, {"x": ("1", 0o555)}))
    assert told(found) == [("a", "b", ("x",))]


def test_a_link_counts_as_what_it_leads_to(tmp_path: Path) -> None:
    those = providers(tmp_path, {"x": "->y", "y": "1"}, {"x": "1"})
    assert find_collisions(those) == ()
    those = providers(tmp_path / "2", {"x": f"->{tmp_path}/0/y"}, {"x": f"->{tmp_path}/0/y"})
    assert find_collisions(those) == ()


def test_a_link_that_leads_nowhere_is_not_there(tmp_path: Path) -> None:
    assert find_collisions(providers(tmp_path / "1", {"x": "->/none/1"}, {"x": "->/none/2"})) == ()
    assert find_collisions(providers(tmp_path / "2", {"x": "->/none/1"}, {"x": "1"})) == ()
    assert find_collisions(providers(tmp_path / "3", {"x": "->/none/1"}, {"x/y": "1"})) == ()


def test_a_link_to_a_folder_is_a_folder(tmp_path: Path) -> None:
    found = find_collisions(providers(tmp_path, {"s": "->r", "r/u": "1"}, {"s/u": "2", "s/t": "3"}))
    assert told(found) == [("a", "b", ("s/u",))]


@pytest.mark.parametrize(
    ("priorities", "collide"),
    # As `builtin:buildenv` does: see tests/nix/test_collisions_by_nix.py.
    [([5, 5], True), ([5, 6], True), ([6, 5], False)],
)
def test_a_file_and_a_folder(tmp_path: Path, priorities: list[int], collide: bool) -> None:  # noqa: FBT001
    found = find_collisions(providers(tmp_path, {"s": "1"}, {"s/t": "2"}, priorities=priorities))
    assert bool(found) == collide


def test_a_file_between_two_folders(tmp_path: Path) -> None:
    those = providers(tmp_path, {"s/t": "1"}, {"s/u": "1"}, {"s": "2"}, priorities=[4, 6, 5])
    assert find_collisions(those) == ()


def test_two_folders_and_a_file_that_loses(tmp_path: Path) -> None:
    those = providers(tmp_path, {"s/t": "1"}, {"s/u": "1"}, {"s": "2"}, priorities=[4, 4, 9])
    assert told(find_collisions(those)) == [("a", "c", ("s",))]


@pytest.mark.parametrize(
    "file",
    [
        *("nix-support/x", "propagated-build-inputs", "lib/perllocal.pod", "share/log", "share/info/dir"),
        *("manifest.json", "manifest.nix", "share/mime/mime.cache", "share/mime/image/x.xml"),
    ],
)
def test_what_is_left_out(tmp_path: Path, file: str) -> None:
    assert find_collisions(providers(tmp_path, {file: "1"}, {file: "2"})) == ()


@pytest.mark.parametrize("file", ["share/mime/packages/x.xml", "dir", "logs", "share/info/x", "mime/mime.cache"])
def test_what_is_not_left_out(tmp_path: Path, file: str) -> None:
    assert told(find_collisions(providers(tmp_path, {file: "1"}, {file: "2"}))) == [("a", "b", (file,))]


def test_a_package_that_is_a_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    those = [*providers(tmp_path, {"x": "1"}), Provider("f", 5, str(tmp_path / "file"))]
    assert find_collisions([*those, Provider("g", 5, str(tmp_path / "file"))]) == ()


def test_the_same_path_twice(tmp_path: Path) -> None:
    [one] = providers(tmp_path, {"x": "1", "y/z": "2"})
    assert find_collisions([one, Provider("again", 5, one.path)]) == ()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that are listed from now on."""
    found: list[str] = []
    listed = os.listdir

    def look(path: str) -> list[str]:
        found.append(path)
        return listed(path)

    monkeypatch.setattr(os, "listdir", look)
    return found


def test_only_what_is_shared_is_looked_into(tmp_path: Path, looks: list[str]) -> None:
    """200 packages that share their top folders, one of which is large, cost few looks."""
    trees = [{f"share/p{number}/{file}": "" for file in range(3)} for number in range(200)]
    those = providers(tmp_path, *trees, {f"share/big/{number}/x": "" for number in range(50)})
    looks.clear()
    assert find_collisions(those) == ()
    assert len(looks) == 2 * 201


def test_beside_an_element_the_best_package_counts(tmp_path: Path) -> None:
    worse, better, element = providers(
        tmp_path, {"x": "1", "w": "1"}, {"x": "2"}, {"x": "1", "w": "2"}, priorities=[5, 4, 5]
    )
    found = find_profile_collisions([worse, better], [element])
    assert told(found) == [("a", "c", ("w",)), ("b", "c", ("x",))]


@pytest.mark.parametrize("priority", [4, 6])
def test_an_element_of_another_priority_is_no_collision(tmp_path: Path, priority: int) -> None:
    package, element = providers(tmp_path, {"x": "1"}, {"x": "2"}, priorities=[9, priority])
    assert find_profile_collisions([package], [element]) == ()
    assert told(find_profile_collisions([package], [Provider("e", 5, element.path)])) == [("a", "e", ("x",))]


def test_an_equal_file_of_an_element(tmp_path: Path) -> None:
    package, element = providers(tmp_path, {"s/x": "1", "share/mime/types": "1"}, {"s/x": "1", "share/mime/types": "1"})
    [found] = find_profile_collisions([package], [element])
    assert (found.files, found.harmless) == ((), ("s/x", "share/mime/types"))


def test_elements_that_clash_among_each_other_are_no_matter(tmp_path: Path) -> None:
    package, one, other = providers(tmp_path, {"y": "1"}, {"x": "1"}, {"x": "2"})
    assert find_profile_collisions([package], [one, other]) == ()


NAMES = st.sampled_from(["a", "b", "a/c", "b/c", "a/c/d", "share/mime/x", "log"])
WHAT = st.sampled_from(["1", "2", ("1", 0o555), "->/none", "->b"])
TREES = st.dictionaries(NAMES, WHAT, max_size=4).filter(
    lambda tree: not any(one != other and other.startswith(f"{one}/") for one in tree for other in tree)
)


@given(trees=st.lists(TREES, max_size=4), priorities=st.lists(st.integers(4, 6), min_size=4, max_size=4))
def test_the_same_as_looking_at_everything(trees: list[Tree], priorities: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        those = providers(Path(folder), *trees, priorities=priorities[: len(trees)])
        found = find_collisions(those)
        assert bool(found) == bool(_clashing(those))
        assert {file for one in found for file in one.files} == _clashing(those)


@given(
    trees=st.lists(TREES, max_size=4),
    priorities=st.lists(st.integers(4, 6), min_size=4, max_size=4),
    roles=st.lists(st.sampled_from(["stays", "comes", "goes", "is ranked anew"]), min_size=4, max_size=4),
)
def test_only_what_is_new_is_compared_with_what_is_linked(
    trees: list[Tree], priorities: list[int], roles: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        those = list(zip(providers(Path(folder), *trees, priorities=priorities[: len(trees)]), roles, strict=False))
        linked = [one for one, role in those if role != "comes"]
        assume(not find_collisions(linked))
        ranked = {"is ranked anew": 5}
        now = [replace(one, priority=ranked.get(role, one.priority)) for one, role in those if role != "goes"]
        environment = _link(linked, Path(folder, "environment"))
        found = find_collisions(now, linked, str(environment))
        assert {file for one in found for file in one.files} == _clashing(now)


def _link(those: Sequence[Provider], environment: Path) -> Path:
    """Makes what `buildEnv` makes of packages, as far as names and kinds go."""
    environment.mkdir()
    for one in sorted(those, key=lambda one: one.priority):
        for name, (kind, *_) in _all_below(one.path).items():
            place = environment / name
            if kind == "folder":
                place.mkdir(exist_ok=True)
            elif not place.exists():
                place.touch()
    return environment


def test_what_is_linked_is_not_looked_into(tmp_path: Path, looks: list[str]) -> None:
    trees = [{f"bin/p{number}": ""} for number in range(200)]
    *linked, new = providers(tmp_path, *trees, {"bin/new": "", "lib/new": ""})
    environment = _link(linked, tmp_path / "environment")
    looks.clear()
    assert find_collisions([*linked, new], linked, str(environment)) == ()
    # The packages themselves, as `bin` is in both; no folder of theirs, as nothing in it is.
    assert len([path for path in looks if path.endswith("/")]) == 202
    assert len([path for path in looks if path.endswith("/bin")]) == 2


def _clashing(those: Sequence[Provider]) -> set[str]:
    """Every file at which packages clash, told from lists of all files."""
    kinds = {one: _all_below(one.path) for one in those}
    clashing = set()
    for file in sorted({file for tree in kinds.values() for file in tree}):
        having = sorted((one for one in those if file in kinds[one]), key=lambda one: one.priority)
        files = [one for one in having if kinds[one][file][0] != "folder"]
        folders = [one for one in having if one not in files]
        best = [one for one in files if one.priority == files[0].priority]
        if len({kinds[one][file] for one in best}) > 1:
            clashing.add(file)
        if files and folders:
            ranks = [one.priority for one in folders]
            wins = ranks[0] < files[0].priority and ranks.count(ranks[0]) == 1
            if not wins or any(rank <= files[-1].priority for rank in ranks[1:]):
                clashing.add(file)
    return clashing


def _all_below(top: str) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for where, folders, files in os.walk(top, followlinks=True):
        for name in (*folders, *files):
            path = Path(where, name)
            relative = str(path.relative_to(top))
            if "log" in relative.split("/") or relative.startswith("share/mime/") or not path.exists():
                continue
            found[relative] = ("folder",) if path.is_dir() else (path.read_text(), path.stat().st_mode)
    return found
