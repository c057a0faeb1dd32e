"""The measure of agreement between texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.scoring import fold, names, score, score_page

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f"]), max_size=30).map(" ".join)


@given(TEXTS)
def test_a_text_agrees_with_itself(text: str) -> None:
    page = score_page(text, text)
    assert page.precision == page.recall == 1.0
    assert page.exact


@given(TEXTS, TEXTS)
def test_precision_and_recall_change_places_with_the_texts(one: str, other: str) -> None:
    forth, back = score_page(one, other), score_page(other, one)
    assert (forth.precision, forth.recall) == (back.recall, back.precision)
    assert 0 <= forth.f1 <= 1


def test_added_words_cost_precision_and_missing_words_cost_recall() -> None:
    true = "one two three four five six seven eight"
    longer, shorter = score_page(true, true + " nine ten"), score_page(true, "one two three four five six")
    assert (longer.recall, longer.precision) == (1.0, pytest.approx(5 / 7))
    assert (shorter.precision, shorter.recall) == (1.0, pytest.approx(3 / 5))


def test_a_run_that_is_repeated_counts_as_often_as_it_stands_there() -> None:
    assert score_page("a b c d", "a b c d a b c d").precision == pytest.approx(1 / 5)


def test_a_text_shorter_than_a_run_is_one_run() -> None:
    assert score_page("two words", "two words").f1 == 1.0
    assert score_page("two words", "other words").f1 == 0.0


def test_f1_is_of_the_averages_and_not_the_average_of_f1() -> None:
    labels = [{"id": "1", "body": "a b c d e"}, {"id": "2", "body": "f g h i j"}]
    found = score(labels, {"1": {"body": "a b c d e"}, "2": {"body": "f g h i"}})
    assert found.precision == 1.0
    assert found.recall == 0.75
    assert found.f1 == pytest.approx(2 * 0.75 / 1.75)
    assert found.page_f1 == pytest.approx((1 + 2 / 3) / 2)


def test_a_missing_prediction_costs_recall_and_claims_nothing() -> None:
    found = score([{"id": "1", "body": "a b c d"}, {"id": "2", "body": "e f g h"}], {"1": {"body": "a b c d"}})
    assert (found.precision, found.recall) == (1.0, 0.5)


def test_what_is_not_labelled_is_not_scored() -> None:
    found = score([{"id": "1", "body": "a b c d", "title": None, "date": None, "authors": None}], {})
    assert (found.title, found.date, found.authors) == (None, None, None)


def test_headlines_dates_and_authors_are_compared_loosely() -> None:
    label = {
        "id": "1",
        "body": "a",
        "title": "‘Bins’ – again",
        "date": "2026-03-02T08:00:00",
        "authors": ["A. Bee", "C Dee"],
    }
    guess = {"body": "a", "title": "bins: Again!", "date": "2026-03-02", "authors": "By C Dee and A Bee"}
    found = score([label], {"1": guess})
    assert (found.title, found.date, found.authors) == (1.0, 1.0, 1.0)
    assert fold("  Ａ  b-C ") == "a b c"
    assert names(None) == frozenset()
