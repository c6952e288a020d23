"""Since when revisions are known, and which of them may be taken."""

from pathlib import Path

import pytest

from nixprof.change.revisions import Revision, old_enough, see
from nixprof.folders import Folders
from nixprof.lock.flake_lock import with_originals

DAY = 86400
KNOWN = (Revision("a", 0), Revision("b", 1 * DAY), Revision("c", 2 * DAY), Revision("d", 5 * DAY))


def folders(path: Path) -> Folders:
    return Folders(path, path, path, path)


@pytest.mark.parametrize(
    ("current", "days", "chosen"),
    [
        ("a", 3, "a"),  # the others are too new
        ("a", 4, "b"),
        ("a", 5, "c"),  # the newest of those that are old enough
        ("a", 99, "d"),
        ("b", 4, "b"),
        ("d", 5, "d"),  # never back
    ],
)
def test_the_newest_that_is_old_enough(current: str, days: int, chosen: str) -> None:
    assert old_enough(KNOWN, current, 3 * DAY, days * DAY) == chosen


def test_what_was_seen_stays_known_since_then(tmp_path: Path) -> None:
    at = folders(tmp_path)
    assert see(at, "github:x/y", "a", "b", now=1) == (Revision("a", 1), Revision("b", 1))
    assert see(at, "github:x/y", "a", "c", now=2) == (Revision("a", 1), Revision("b", 1), Revision("c", 2))
    assert see(at, "github:other", "a", now=3) == (Revision("a", 3),)
    assert see(at, "github:x/y", "b", now=4)[1] == Revision("b", 1)


@pytest.mark.parametrize("text", ["", "[]", '{"github:x/y": {"a": "yesterday"}}', "{"])
def test_a_damaged_memory_begins_again(tmp_path: Path, text: str) -> None:
    (tmp_path / "revisions.json").write_text(text)
    assert see(folders(tmp_path), "github:x/y", "a", now=7) == (Revision("a", 7),)


def test_the_oldest_are_forgotten(tmp_path: Path) -> None:
    for number in range(120):
        see(folders(tmp_path), "github:x/y", str(number), now=number)
    assert see(folders(tmp_path), "github:x/y", "new", now=999)[0] == Revision("20", 20)


def test_a_lock_says_again_what_was_asked_for() -> None:
    def lock(node: str, original: str) -> bytes:
        return (
            f'{{"nodes": {{"root": {{"inputs": {{"n": "{node}"}}}}, "{node}": {{"original": "{original}"}}}},'
            ' "root": "root", "version": 7}'
        ).encode()

    assert b'"original": "branch"' in with_originals(lock("n_2", "revision"), lock("n", "branch"))
