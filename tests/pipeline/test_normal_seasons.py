"""Days on which little is published, and for whom."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.normal.seasons import find_easter, find_holidays, find_season


@pytest.mark.parametrize(
    ("year", "month", "day"), [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28), (2038, 4, 25)]
)
def test_easter_is_where_the_calendar_has_it(year: int, month: int, day: int) -> None:
    assert find_easter(year) == date(year, month, day)


@settings(max_examples=30)
@given(st.integers(1900, 2200))
def test_easter_is_a_sunday_of_spring(year: int) -> None:
    easter = find_easter(year)
    assert easter.weekday() == 6
    assert date(year, 3, 22) <= easter <= date(year, 4, 25)


def test_bank_holidays_of_2026_and_2027_are_those_of_gov_uk() -> None:
    assert sorted(find_holidays(2026, "gb")) == [
        date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 4), date(2026, 5, 25), date(2026, 8, 31),
        date(2026, 12, 25), date(2026, 12, 28),
    ]  # fmt: skip
    assert {date(2027, 12, 27), date(2027, 12, 28)} <= find_holidays(2027, "gb")


@pytest.mark.parametrize(
    ("day", "kind", "name"),
    [
        (date(2026, 8, 12), "parliament", "recess"),
        (date(2026, 8, 12), "national", "the summer"),
        (date(2026, 4, 22), "council", "the weeks before local elections"),
        (date(2026, 4, 22), "trade", None),
        (date(2026, 12, 24), "trade", "Christmas and New Year"),
        (date(2026, 5, 25), "national", "a bank holiday"),
        (date(2026, 6, 17), "council", None),
    ],
)
def test_a_quiet_day_has_a_reason_for_those_that_keep_it(day: date, kind: str, name: str | None) -> None:
    season = find_season(day, kind=kind, country="gb")
    assert (season and season.name) == name


@settings(max_examples=30)
@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(["gb", "de"]))
def test_most_days_of_a_trade_paper_are_like_others(day: date, country: str) -> None:
    year = [find_season(date(day.year, 1, 1) + timedelta(days=n), kind="trade", country=country) for n in range(365)]
    assert sum(season is None for season in year) > 250
    assert all(0 <= season.share < 1 for season in year if season)
