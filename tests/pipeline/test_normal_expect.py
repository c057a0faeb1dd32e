"""What is to be expected: ranges that hold what there was, and alarms that need more than chance."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.normal.expect import STEPS, expect_count, expect_middle, expect_share, find_class

counts = st.lists(st.integers(0, 400), min_size=4, max_size=13)
shares = st.lists(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=5, max_size=60
)


@settings(max_examples=30)
@given(counts, st.integers(0, 2000))
def test_a_count_is_odd_in_one_direction_at_most(history: list[int], found: int) -> None:
    expected = expect_count(history, found)
    assert 0 <= expected.low <= expected.high
    assert 0 <= expected.below <= 1
    assert 0 <= expected.above <= 1
    assert expected.below + expected.above >= 0.99


@settings(max_examples=30)
@given(shares, st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_lies_between_none_and_all(history: list[tuple[int, int]], now: tuple[int, int]) -> None:
    found, whole = now
    expected = expect_share(history, found, whole)
    assert 0 <= expected.low <= expected.high <= whole
    assert 0.99 <= expected.below + expected.above <= 2.01


@settings(max_examples=30)
@given(st.dictionaries(st.integers(12, 44), st.integers(1, 50), min_size=1), st.floats(1, 20_000), st.integers(1, 300))
def test_a_middle_length_is_rarer_the_farther_it_is(history: dict[int, int], found: float, number: int) -> None:
    near, far = expect_middle(history, found, number), expect_middle(history, 2 * found, number)
    assert near.low <= near.middle <= near.high
    assert far.above <= near.above
    assert far.below >= near.below


def test_what_was_usual_is_no_alarm_and_its_loss_is_one() -> None:
    days = [(44, 44)] * 20 + [(40, 44)] * 5
    assert expect_share(days, 42, 44).below > 0.05
    assert expect_share(days, 3, 44).below < 1e-9


def test_days_that_differ_widen_the_range() -> None:
    steady = [(22, 44)] * 30
    moody = [(44, 44), (0, 44)] * 15
    assert expect_share(steady, 2, 44).below < 1e-3 < expect_share(moody, 2, 44).below


def test_one_wild_day_in_the_history_changes_little() -> None:
    assert expect_count([20] * 12, 1).below < 1e-3
    assert expect_count([*[20] * 12, 900], 1).below < 1e-3


def test_chance_alone_raises_hardly_an_alarm() -> None:
    draw = random.Random(4)
    history = [(sum(draw.random() < 0.9 for _ in range(12)), 12) for _ in range(60)]
    odd = sum(expect_share(history, sum(draw.random() < 0.9 for _ in range(12)), 12).below < 1e-5 for _ in range(2000))
    assert odd == 0


def test_lengths_are_classed_by_factors() -> None:
    assert find_class(0) == find_class(1) == 0
    assert find_class(800) - find_class(400) == STEPS
