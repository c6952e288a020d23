"""The search for what is to blame: it ends with the culprits and no others, in few tries."""

import math

from hypothesis import given
from hypothesis import strategies as st

from nixprof.change.bisection import Verdict, boundary, culprits


def bad_if(is_bad: bool) -> Verdict:  # noqa: FBT001 - reads as a sentence
    return Verdict.BAD if is_bad else Verdict.GOOD


@given(st.data())
def test_the_first_bad_one_is_found_in_few_tries(data: st.DataObject) -> None:
    last = data.draw(st.integers(1, 500))
    first_bad = data.draw(st.integers(1, last))
    tries: list[int] = []

    def judge(number: int) -> Verdict:
        tries.append(number)
        return bad_if(number >= first_bad)

    assert boundary(0, last, judge) == (first_bad - 1, first_bad)
    assert len(tries) <= math.ceil(math.log2(last))


@given(st.data())
def test_what_is_skipped_is_left_between(data: st.DataObject) -> None:
    last = data.draw(st.integers(1, 60))
    first_bad = data.draw(st.integers(1, last))
    skipped = data.draw(st.sets(st.integers(1, last - 1) if last > 1 else st.nothing()))
    tries: list[int] = []

    def judge(number: int) -> Verdict:
        tries.append(number)
        return Verdict.SKIP if number in skipped else bad_if(number >= first_bad)

    good, bad = boundary(0, last, judge)
    assert good < first_bad <= bad
    assert set(range(good + 1, bad)) <= skipped
    assert len(set(tries)) == len(tries)


@given(st.data())
def test_one_or_several_culprits_are_found_and_nothing_else(data: st.DataObject) -> None:
    number = data.draw(st.integers(1, 200))
    guilty = data.draw(st.sets(st.integers(0, number - 1), min_size=1, max_size=4))
    tries: list[frozenset[int]] = []

    def judge(changes: frozenset[int]) -> Verdict:
        tries.append(changes)
        return bad_if(guilty <= changes)

    assert culprits(number, judge) == guilty
    assert len(set(tries)) == len(tries)
    most = len(guilty) * (math.ceil(math.log2(number)) + 1) if number > 1 else 0
    assert len(tries) <= most + (len(guilty) if len(guilty) > 1 else 0)


@given(st.data())
def test_of_several_that_are_bad_alone_one_is_found(data: st.DataObject) -> None:
    number = data.draw(st.integers(1, 100))
    sets = data.draw(
        st.lists(st.frozensets(st.integers(0, number - 1), min_size=1, max_size=3), min_size=1, max_size=4)
    )
    found = culprits(number, lambda changes: bad_if(any(one <= changes for one in sets)))
    assert any(one <= found for one in sets)
    assert not any(one <= found - {each} for one in sets for each in found)


@given(st.data())
def test_whatever_the_judge_says_the_end_is_bad_and_no_single_change_can_go(data: st.DataObject) -> None:
    """Also where more changes make it good again, or many cannot be told."""
    number = data.draw(st.integers(1, 12))
    verdicts: dict[frozenset[int], Verdict] = {frozenset(): Verdict.GOOD, frozenset(range(number)): Verdict.BAD}

    def judge(changes: frozenset[int]) -> Verdict:
        return verdicts.setdefault(changes, data.draw(st.sampled_from(Verdict)))

    found = culprits(number, judge)
    assert verdicts[found] is Verdict.BAD
    smaller = [verdicts.get(found - {one}) for one in found] if len(found) > 1 else []
    assert Verdict.BAD not in smaller


def test_sixty_four_changes_take_seven_tries() -> None:
    for guilty in range(64):
        tries: list[frozenset[int]] = []

        def judge(changes: frozenset[int], guilty: int = guilty, tries: list[frozenset[int]] = tries) -> Verdict:
            tries.append(changes)
            return bad_if(guilty in changes)

        assert culprits(64, judge) == {guilty}
        assert len(tries) <= 7
