"""Tell a site that has fallen silent from one whose publisher is away.

A silence is held against the site's own rhythm: how many new articles were to be expected while it lasted, by its own
days of the week, and how long it was silent before. Expected is little where the season is quiet: what the site did in
the same weeks of the year before counts, and without a year of history the weeks in which newsrooms and councils
usually rest (August, Christmas, the weeks before an election) are taken for half as lively as usual, or less.

Everything here decides; nothing is read or written.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import fmean

from pipeline.health import DayCount

CHANCE = 0.001
"""So rarely a silence may be mere chance, by what was to be expected, before it counts."""

LEAST = timedelta(days=1)
"""No shorter silence counts: a day without news is no fault."""

BEYOND = 1.5
"""So many times the longest silence so far it has to last."""

_WEEKS = 8  # that a day of the week is held against
_AROUND = 14  # days around the same day of the year before
_KNOWN = 14  # days with runs before anything is said
_LIVELY = 3  # of them with new articles
_RESTING = 0.4  # of the usual, in weeks that are known to be quiet, where there is no year of history
_HOLIDAYS = 0.15  # … at Christmas


@dataclass(frozen=True, kw_only=True)
class Silence:
    """A silence that is no chance."""

    since: datetime
    days: float
    expected: float  # new articles while it lasted
    least: float  # so many are enough to be sure
    longest: float  # days of the longest silence before it
    basis: str  # the history that this comes from, in words


def find_silence(
    days: Mapping[str, DayCount],
    last_new: datetime | None,
    until: datetime,
    *,
    council: bool = False,
    allowed: timedelta | None = None,
) -> Silence | None:
    """The silence in which a site is, when it is beyond its normal.

    Args:
        days: counts of the site's days.
        last_new: when the run began that found the latest new article.
        until: when it was last looked at with success; a site that is not looked at is not silent.
        council: it holds back before elections.
        allowed: the longest silence that the site's file calls normal; nothing is learned then.
    """
    if last_new is None or until - last_new < LEAST:
        return None
    lasts = (until - last_new) / timedelta(days=1)
    if allowed is not None:
        if until - last_new <= allowed:
            return None
        limit = allowed / timedelta(days=1)
        basis = f"the site's file calls up to {limit:g} days normal"
        return Silence(since=last_new, days=lasts, expected=0, least=0, longest=limit, basis=basis)
    history = _read_days(days, before=last_new.astimezone(UTC).date())
    lively = [day for day, count in history.items() if count]
    if len(history) < _KNOWN or len(lively) < _LIVELY:
        return None
    longest = _longest_gap(lively)
    expected = sum(
        share * _expect(history, day, council=council) for day, share in _split_days(last_new.astimezone(UTC), until)
    )
    least = -math.log(CHANCE) * _scatter(history)
    if expected < least or lasts < max(BEYOND * longest, LEAST / timedelta(days=1)):
        return None
    basis = (
        f"{len(history)} days since {min(history):%-d %B %Y}: {_tell_week(history)}; longest silence {longest:g} days"
    )
    return Silence(since=last_new, days=lasts, expected=expected, least=least, longest=longest, basis=basis)


def is_quiet_season(day: date, *, council: bool) -> bool:
    """Whether newsrooms, and councils the more, usually rest on a day: August, Christmas, before May's elections.

    Councils of the United Kingdom hold back from the notice of election, 25 working days before polling on the first
    Thursday of May (Code of Recommended Practice on Local Authority Publicity, 2011).
    """
    if day.month == 8 or _is_christmas(day):
        return True
    return council and _polling_day(day.year) - timedelta(days=40) <= day <= _polling_day(day.year)


def _is_christmas(day: date) -> bool:
    return (day.month, day.day) >= (12, 20) or (day.month, day.day) <= (1, 5)


def _polling_day(year: int) -> date:
    first = date(year, 5, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7)


def _read_days(days: Mapping[str, DayCount], *, before: date) -> dict[date, int]:
    """New articles by day, of the days on which a run went well: of the others nothing is known."""
    read = {date.fromisoformat(day): count for day, count in days.items()}
    return {day: count.new for day, count in sorted(read.items()) if day <= before and count.runs > count.bad}


def _longest_gap(lively: list[date]) -> float:
    return float(max(((b - a).days for a, b in pairwise(lively)), default=1))


def _expect(history: Mapping[date, int], day: date, *, council: bool) -> float:
    """New articles to be expected of a day: of the like days lately and a year ago, the fewer."""
    newest = max(history)
    recent = [
        history[each]
        for n in range(1, _WEEKS + 1)
        if (each := newest - _back(newest, day) - _WEEK * (n - 1)) in history
    ]
    usual = fmean(recent) if recent else fmean(history.values())
    year_ago = [
        history[each]
        for n in range(-_AROUND, _AROUND + 1)
        if (each := day - timedelta(days=364 + n)) in history and _is_weekend(each) == _is_weekend(day)
    ]
    if len(year_ago) >= _AROUND // 3:
        return min(usual, fmean(year_ago))
    if _is_christmas(day):
        return usual * _HOLIDAYS
    return usual * (_RESTING if is_quiet_season(day, council=council) else 1.0)


_WEEK = timedelta(days=7)


def _back(newest: date, day: date) -> timedelta:
    """From the newest known day back to the latest one of the same day of the week."""
    return timedelta(days=(newest.weekday() - day.weekday()) % 7)


def _is_weekend(day: date) -> bool:
    return day.weekday() >= 5


def _split_days(since: datetime, until: datetime) -> list[tuple[date, float]]:
    """The days of a span, each with the share of it that lies in the span."""
    parts, at = [], since
    while at < until:
        end = min(until, datetime(at.year, at.month, at.day, tzinfo=UTC) + timedelta(days=1))
        parts.append((at.date(), (end - at) / timedelta(days=1)))
        at = end
    return parts


def _scatter(history: Mapping[date, int]) -> float:
    """How much more the counts of like days scatter than chance would have them (variance by mean), 1 at least."""
    squares = expected = 0.0
    for weekend in (False, True):
        counts = [count for day, count in history.items() if _is_weekend(day) == weekend]
        if len(counts) > 1 and (mean := fmean(counts)) > 0:
            squares += sum((count - mean) ** 2 for count in counts) * len(counts) / (len(counts) - 1)
            expected += mean * len(counts)
    return max(1.0, squares / expected) if expected else 1.0


def _tell_week(history: Mapping[date, int]) -> str:
    told = []
    for name, weekend in (("work-days", False), ("week-ends", True)):
        counts = [count for day, count in history.items() if _is_weekend(day) == weekend]
        if counts:
            told.append(f"{fmean(counts):.1f} a day on {name}")
    return ", ".join(told)
