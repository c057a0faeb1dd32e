"""Days on which less is published than on their like: holidays, August, recess, the weeks before an election.

A calendar of Great Britain (England and Wales; where Scotland differs, a holiday more does no harm), and what is the
same in most of Europe for other countries. It only ever excuses quiet: nothing is expected *because* of a season, and
a site that publishes as ever in August is normal as well. The days of rest of a week are not here: those a site's own
history has. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

PARLIAMENTS = frozenset({"parliament"})
PUBLIC = frozenset({"council", "government", "parliament"})
"""Kinds of site that keep quiet before an election by law or by custom (Code of Recommended Practice on Local Authority
Publicity, 2011; Cabinet Office's election guidance)."""

_BEFORE_ELECTION = timedelta(days=45)  # notice of a local election is published 25 working days before it
_RECESSES = (  # of the Commons in most years, and of the devolved parliaments; first and last month and day
    ((2, 5), (2, 25)),
    ((5, 20), (6, 8)),
    ((6, 27), (9, 8)),
    ((9, 12), (10, 27)),
    ((11, 3), (11, 17)),
    ((12, 15), (12, 31)),
    ((1, 1), (1, 12)),
)


@dataclass(frozen=True, kw_only=True)
class Season:
    """Why a day may be quiet, and how quiet: at least this share of the usual is still expected."""

    name: str
    share: float


@lru_cache(maxsize=1024)
def find_season(day: date, *, kind: str, country: str) -> Season | None:
    """Why less than usual may be published on a day; None for a day like others. The quietest reason of several."""
    return min(_find_seasons(day, kind, country), key=lambda season: season.share, default=None)


def _find_seasons(day: date, kind: str, country: str) -> Iterator[Season]:
    easter = find_easter(day.year)
    from_easter = (day - easter).days
    if (day.month, day.day) >= (12, 20) or (day.month, day.day) <= (1, 6):
        yield Season(name="Christmas and New Year", share=0.05)
    if -3 <= from_easter <= 1:
        yield Season(name="Easter", share=0.1)
    elif -10 <= from_easter <= 9:
        yield Season(name="the weeks around Easter", share=0.4)
    if day in find_holidays(day.year, country):
        yield Season(name="a bank holiday", share=0.1)
    if date(day.year, 7, 20) <= day <= date(day.year, 9, 3):
        yield Season(name="the summer", share=0.3)
    if kind in PARLIAMENTS and (
        any(date(day.year, *first) <= day <= date(day.year, *last) for first, last in _RECESSES)
        or -17 <= from_easter <= 12
    ):
        yield Season(name="recess", share=0.0)
    if kind in PUBLIC and country == "gb":
        election = _find_weekday(day.year, 5, weekday=3, number=1)
        if election - _BEFORE_ELECTION <= day <= election + timedelta(days=4):
            yield Season(name="the weeks before local elections", share=0.2)


@lru_cache(maxsize=64)
def find_holidays(year: int, country: str) -> frozenset[date]:
    """The public holidays of a year, with the days that are given for those on a week-end."""
    easter = find_easter(year)
    days = [easter - timedelta(days=2), easter + timedelta(days=1)]
    if country == "gb":
        days += [
            _give_day(date(year, 1, 1)),
            _find_weekday(year, 5, weekday=0, number=1),
            _find_last_monday(year, 5),
            _find_last_monday(year, 8),
            *_give_christmas(year),
        ]
    else:
        days += [date(year, 1, 1), date(year, 5, 1), date(year, 12, 25), date(year, 12, 26)]
        days += [easter + timedelta(days=39), easter + timedelta(days=50)]
    return frozenset(days)


def find_easter(year: int) -> date:
    """Easter Sunday (the anonymous Gregorian algorithm, Nature, 20 April 1876)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    moon = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * moon) // 433
    month = (h + moon - 7 * m + 90) // 25
    return date(year, month, (h + moon - 7 * m + 33 * month + 19) % 32)


def _give_day(day: date) -> date:
    return day + timedelta(days={5: 2, 6: 1}.get(day.weekday(), 0))


def _give_christmas(year: int) -> tuple[date, ...]:
    first = date(year, 12, 25)
    offsets = {4: (0, 3), 5: (2, 3), 6: (1, 2)}.get(first.weekday(), (0, 1))
    return tuple(first + timedelta(days=offset) for offset in offsets)


def _find_weekday(year: int, month: int, *, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _find_last_monday(year: int, month: int) -> date:
    last = date(year, month + 1, 1) - timedelta(days=1)
    return last - timedelta(days=last.weekday())
