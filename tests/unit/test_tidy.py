"""Which generations stay, and why."""

from pathlib import Path

import pytest

from nixprof.change.generations import Generation, PastRollback
from nixprof.commands.tidy import Keeping, Wish, keeping
from nixprof.nix.profile import Profile, ProfileManager

DAY = 86400
NOW = 1000.0 * DAY
PROFILE = Profile(Path("/p"), None, None, ProfileManager.NOBODY, ())
C, N, Y, P = Keeping.CURRENT, Keeping.NEWEST, Keeping.YOUNG, Keeping.PROVEN


def made(*days: float) -> list[Generation]:
    """Generations from 1 on, by how many days ago each was made."""
    return [Generation(number, NOW - ago * DAY, PROFILE, None, (), "") for number, ago in enumerate(days, 1)]


def back(ago: float, before: int, after: int) -> PastRollback:
    return PastRollback(NOW - ago * DAY, before, after, before, "nixprof rollback")


@pytest.mark.parametrize(
    ("wish", "kept"),
    [
        (Wish(), {3: Y, 4: N, 5: N, 6: N, 7: N, 8: C}),  # 3 was in use until 20 days ago
        (Wish(number=2), {6: P, 7: N, 8: C}),
        (Wish(number=1), {6: P, 8: C}),
        (Wish(days=10), {5: Y, 6: Y, 7: Y, 8: C}),
        (Wish(days=0), {6: P, 8: C}),
        (Wish(number=3, days=19), {5: Y, 6: N, 7: N, 8: C}),
    ],
)
def test_which_stay(wish: Wish, kept: dict[int, Keeping]) -> None:
    found = made(900, 800, 50, 20, 19.9, 5, 0.2, 0.1)
    assert keeping(found, 8, wish, [], NOW) == kept


def test_a_way_back_counts_as_use() -> None:
    """It was made for a minute, and then gone back to for a week."""
    found = made(100, 99.999, 99.998, 1.5, 1.4)
    assert keeping(found, 5, Wish(number=1), [], NOW) == {3: P, 5: C}
    assert keeping(found, 5, Wish(number=1), [back(99.9, 3, 1)], NOW) == {1: P, 5: C}


def test_the_newest_stays_after_a_way_back() -> None:
    """Else Nix would give its number to another one."""
    found = made(9, 8, 0.3, 0.2)
    assert keeping(found, 1, Wish(number=1, days=0), [back(0.1, 4, 1)], NOW) == {1: C, 2: P, 4: N}


def test_nothing_was_in_use_for_a_day() -> None:
    assert keeping(made(0.3, 0.2, 0.1), 3, Wish(number=1), [], NOW) == {3: C}
