"""When a silence is no chance."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.alerts.silence import find_silence, is_quiet_season
from pipeline.health import DayCount
from tests.pipeline.some_alerts import count_days


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def lively(day: date) -> int:
    return 6 if day.weekday() < 5 else 0


MONDAY = date(2026, 11, 23)


def test_a_week_of_silence_of_a_lively_site_is_told_with_the_history_it_is_held_against() -> None:
    last = date(2026, 11, 13)
    silence = find_silence(count_days(last, 60, lively), at(last), at(last + timedelta(days=7)))
    assert silence is not None
    assert 25 < silence.expected < 35
    assert silence.longest == 3  # Friday to Monday
    assert "6.0 a day on work-days, 0.0 a day on week-ends" in silence.basis
    assert "60 days since 15 September 2026" in silence.basis


@pytest.mark.parametrize("days", [0.5, 1, 2, 3])
def test_a_week_end_is_none(days: float) -> None:
    friday = date(2026, 11, 20)
    assert find_silence(count_days(friday, 60, lively), at(friday), at(friday) + timedelta(days=days)) is None


def test_a_site_that_is_not_looked_at_is_not_silent() -> None:
    friday = date(2026, 11, 13)
    assert find_silence(count_days(friday, 60, lively), at(friday), at(friday)) is None
    assert find_silence(count_days(friday, 60, lively), None, at(MONDAY)) is None


def test_little_history_says_nothing() -> None:
    last = date(2026, 11, 13)
    assert find_silence(count_days(last, 10, lively), at(last), at(MONDAY)) is None


def test_a_site_that_publishes_once_a_week_may_be_silent_for_a_week() -> None:
    last = date(2026, 11, 6)
    days = count_days(last, 120, lambda day: int(day.weekday() == 4))
    assert find_silence(days, at(last), at(last + timedelta(days=9))) is None
    assert find_silence(days, at(last), at(last + timedelta(days=75))) is not None


def test_august_is_quiet_also_for_who_has_no_year_of_history() -> None:
    last = date(2026, 7, 31)
    days = count_days(last, 60, lambda day: 2 if day.weekday() < 5 else 0)
    assert find_silence(days, at(last), at(last + timedelta(days=6))) is None
    june = date(2026, 6, 12)
    days = count_days(june, 60, lambda day: 2 if day.weekday() < 5 else 0)
    assert find_silence(days, at(june), at(june + timedelta(days=7))) is not None


def test_a_year_ago_counts_for_more_than_the_calendar() -> None:
    """A site whose own year says that it is quiet in October."""
    last = date(2026, 10, 2)
    days = count_days(last, 390, lambda day: 0 if day.month == 10 else 4)
    assert find_silence(days, at(last - timedelta(days=2)), at(last + timedelta(days=8))) is None


def test_what_the_file_calls_normal_is_the_limit() -> None:
    last = date(2026, 10, 1)
    days = count_days(last, 60, lively)
    assert find_silence(days, at(last), at(last + timedelta(days=20)), allowed=timedelta(days=30)) is None
    found = find_silence(days, at(last), at(last + timedelta(days=31)), allowed=timedelta(days=30))
    assert found is not None
    assert "the site's file calls up to 30 days normal" in found.basis


def test_councils_hold_back_before_elections() -> None:
    assert is_quiet_season(date(2027, 4, 20), council=True)  # polling is on 6 May 2027
    assert not is_quiet_season(date(2027, 4, 20), council=False)
    assert not is_quiet_season(date(2027, 5, 20), council=True)
    assert is_quiet_season(date(2026, 12, 28), council=False)


def test_days_on_which_nothing_ran_well_are_not_taken_for_silent_ones() -> None:
    last = date(2026, 11, 13)
    days = count_days(last, 60, lively)
    for day in list(days)[10:40]:
        days[day] = DayCount(runs=1, bad=1)
    found = find_silence(days, at(last), at(last + timedelta(days=7)))
    assert found is None or found.longest > 20


@pytest.mark.slow
@pytest.mark.parametrize("mean", [0.5, 1.5, 5, 20])
def test_a_year_of_mere_chance_raises_hardly_an_alarm(mean: float) -> None:
    """Week-ends, an August at a third, Christmas at a tenth, an election; and no fault."""
    alarms = looks = 0
    for seed in range(6):
        dice = random.Random(seed)
        days: dict[str, DayCount] = {}
        last_new: datetime | None = None
        silent = False
        for n in range(400):
            day = date(2025, 11, 1) + timedelta(days=n)
            rate = mean * (0.15 if day.weekday() >= 5 else 1) * (0.33 if day.month == 8 else 1)
            rate *= 0.1 if (day.month, day.day) >= (12, 23) or (day.month, day.day) <= (1, 3) else 1
            rate *= 0.5 if date(2026, 4, 1) <= day <= date(2026, 5, 7) else 1
            new = sum(dice.random() < rate / 100 for _ in range(100))
            days[f"{day}"] = DayCount(runs=1, new=new)
            found = find_silence(days, last_new, at(day), council=True)
            alarms += found is not None and not silent
            silent, looks = found is not None, looks + 1
            if new:
                last_new = at(day)
    assert alarms <= 4, f"{alarms} in {looks / 91:.0f} quarters of a site"  # fewer than one a site and quarter: 26
