"""Values of a site file: what is taken, and in which words the rest is refused.

Whole files, with every value in its place, are read in ``test_site.py``.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from spiders.values import (
    Country,
    Day,
    Domain,
    Duration,
    Home,
    Language,
    Newsroom,
    Period,
    Schedule,
    Window,
    Zone,
    read_duration,
)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("6h", 6),
        ("2d", 48),
        ("1w", 168),
        ("90m", 1.5),
        ("1d 12h", 36),
        ("PT6H", 6),
        ("P2D", 48),
        ("P1W", 168),
        ("P1DT0.5H", 24.5),
        ("1.5h", 1.5),
    ],
)
def test_durations_are_written_short_or_in_iso_8601(text: str, hours: float) -> None:
    assert read_duration(text) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Home, "https://www.example.gov.uk/"),
        (Newsroom, "/news"),
        (Newsroom, "https://news.example.gov.uk/latest"),
        (Domain, "127.0.0.1:8080"),
        (Domain, "[::1]:8080"),
        (Schedule, "20 7-20 * * 1-5"),
        (Zone, "Europe/Vienna"),
        (Language, "cy"),
        (Language, "zh-Hant-TW"),
        (Country, "at"),
        (Window, "22:00-06:00"),
        (Window, "06:00-24:00"),
        (Period, "2029-05-01/2029-06-10"),
        (Period, "2029-05-01/2029-05-01"),
    ],
)
def test_a_good_value_is_taken_as_it_is(kind: Any, value: str) -> None:
    assert TypeAdapter(kind).validate_python(value) == value


@pytest.mark.parametrize(
    ("kind", "value", "problem", "remedy"),
    [
        (Home, "https://www.example.gov.uk/?a=1", "has a query", "without what follows the question mark"),
        (Home, "https://münchen.example/", "is not ASCII", "xn--mnchen-3ya.example"),
        (Newsroom, "news", "not an http or https URL", "https://news"),
        (Domain, "https://WWW.Example.gov.uk/news", "is a URL, not a host", '"www.example.gov.uk"'),
        (Domain, "*.example.gov.uk", "has a wildcard", "full name"),
        (Schedule, "R * * * *", "no usable cron line", "20 7-20 * * 1-5"),
        (Schedule, "@dayly", "no known preset", '"@daily"'),
        (Zone, "Europe/Londn", "no known time zone", '"Europe/London"'),
        (Language, "english", "no language tag", '"en"'),
        (Language, "en_gb", "not written as a language tag is", '"en-GB"'),
        (Country, "uk", "not the code of a country", '"gb"'),
        (Window, "22:00-22:00", "begins where it ends", "leave windows out"),
        (Period, "2029-05-01", "is no span of days", '"2029-05-01/2029-06-10"'),
        (Period, "2029-06-10/2029-05-01", "is no span of days", "first and last day"),
        (Period, "2029-05-32/2029-06-10", "is no span of days", "first and last day"),
        (Window, "22-06", "is no span of a day", '"22:00-06:00"'),
        (Duration, 6, "does not say its unit", '"6h"'),
        (Duration, "0s", "not longer than nothing", '"1h"'),
        (Day, "1 April 2027", "is no date", "2027-04-01"),
    ],
)
def test_a_bad_value_is_refused_with_what_to_write_instead(kind: Any, value: object, problem: str, remedy: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    told = refused.value.errors()[0].get("ctx", {})
    assert problem in told["problem"]
    assert remedy in told["remedy"]


def test_a_day_is_a_date_with_or_without_quotes() -> None:
    day = TypeAdapter(Day)
    assert day.validate_python(date(2027, 4, 1)) == day.validate_python("2027-04-01") == date(2027, 4, 1)
