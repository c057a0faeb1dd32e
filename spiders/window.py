"""Which days a URL or a date speaks of, and whether they lie in a window: pure decisions of a walk into the past.

Dates are read from the forms that sitemaps and news sites use in addresses: ``sitemap-2024-03.xml``,
``/2024/03/05/``, ``/2024/mar/05/``, ``?yyyy=2024&mm=3&dd=1``, ``20240305``. What names no date speaks of any day.
Not here: fetching, and what is fetched in the end (``spiders.walk``, ``spiders.books``).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit

from spiders.sources import Further, Listed, parse_moment

_FIRST_YEAR: Final = 1990
_LAST_YEAR: Final = 2099
_STAMPED: Final = 10
_STAMPED_DAYS: Final = 100
"""So many entries of one document, dated within minutes of each other (so many with one day and no time), were stamped
together by what generated it: their dates say nothing."""

_MONTHS: Final = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name} | {
    name.lower(): number for number, name in enumerate(calendar.month_name) if name
}
_YEAR = r"(?<!\d)(?P<y>(?:19|20)\d\d)"
_DAY_FORM = re.compile(_YEAR + r"(?P<s>[-_/.]?)(?P<m>0[1-9]|1[0-2])(?P=s)(?P<d>0[1-9]|[12]\d|3[01])(?!\d)")
_MONTH_FORM = re.compile(_YEAR + r"[-_/.]?(?P<m>0[1-9]|1[0-2])(?!\d)")
_YEAR_FORM = re.compile(_YEAR + r"(?!\d)")
_NAMED_FORM = re.compile(
    rf"{_YEAR}[-_/](?P<m>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})(?:[-_/](?P<d>\d\d?)(?!\d))?(?![a-z])",
    re.IGNORECASE,
)
_SEGMENTS = re.compile(
    rf"/(?P<y>(?:19|20)\d\d)(?:[-/](?P<m>0?[1-9]|1[0-2]|{'|'.join(_MONTHS)})(?:[-/](?P<d>0?[1-9]|[12]\d|3[01]))?)?(?=/)",
    re.IGNORECASE,
)
_NAMES: Final = {"y": ("yyyy", "year", "y"), "m": ("mm", "month", "m"), "d": ("dd", "day", "d")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Days from ``since`` to ``until``, both included; None: open on that side."""

    since: date | None = None
    until: date | None = None

    def overlaps(self, span: Window) -> bool:
        """Whether the two have a day in common."""
        after = self.until is not None and span.since is not None and span.since > self.until
        return not after and not self.is_after(span)

    def is_after(self, span: Window) -> bool:
        """Whether the span ends before the window begins."""
        return self.since is not None and span.until is not None and span.until < self.since

    @classmethod
    def of_month(cls, year: int, month: int | None = None, day: int | None = None) -> Self:
        """The span of a day, a month or a year.

        Raises:
            ValueError: there is no such day.
        """
        first, last = month or 1, month or 12
        return cls(since=date(year, first, day or 1), until=date(year, last, day or calendar.monthrange(year, last)[1]))


def find_span(url: str) -> Window | None:
    """The days that the URL of a source's document speaks of; None when it names none."""
    parts = urlsplit(url)
    asked = {name.lower(): value for name, value in parse_qsl(parts.query)}
    named = {key: next((asked[name] for name in names if name in asked), None) for key, names in _NAMES.items()}
    if named["y"] is not None and (span := _span(named["y"], named["m"], named["d"])):
        return span
    text = f"{parts.path}?{parts.query}"
    for form in (_DAY_FORM, _NAMED_FORM, _MONTH_FORM, _YEAR_FORM):
        for match in form.finditer(text):
            found = match.groupdict()
            if span := _span(found["y"], found.get("m"), found.get("d")):
                return span
    return None


def find_article_span(url: str) -> Window | None:
    """The days that an article's URL says it was published on: whole segments of its path only.

    A slug may speak of any year (``/news/budget-2024-25``), a number may look like a date.
    """
    match = _SEGMENTS.search(urlsplit(url).path)
    return None if match is None else _span(match["y"], match["m"], match["d"])


def date_entry(listed: Listed, *, believe: bool = True) -> Window | None:
    """The days on which an entry was published, as far as its source or its URL says; None: it does not.

    A date of publication counts before the URL, and that before a date of change.

    Args:
        listed: the entry.
        believe: whether a mere date of change counts.
    """
    if day := _day(listed.facts.get("published")):
        return Window(since=day, until=day)
    if span := find_article_span(listed.url):
        return span
    day = _day(listed.lastmod) if believe else None
    return Window(since=day, until=day) if day else None


def may_hold(further: Further, window: Window) -> bool:
    """Whether a document may name articles of the window; only one that is plainly outside may not.

    A date in its URL says which days it is about. Its date of change only says that nothing in it is newer.
    """
    if span := find_span(further.url):
        return window.overlaps(span)
    day = _day(further.lastmod)
    return day is None or not window.is_after(Window(until=day))


def are_stamped(entries: Iterable[Listed]) -> bool:
    """Whether the dates of a document's entries were stamped together, by its generator: then they say nothing."""
    moments = [moment for entry in entries if (moment := parse_moment(entry.lastmod)) is not None]
    most = _STAMPED_DAYS if all(moment % 86_400 == 0 for moment in moments) else _STAMPED
    return len(moments) >= most and max(moments) - min(moments) < 600


def latest_first(further: Iterable[Further]) -> list[Further]:
    """Documents in the order of a walk into the past: by the days they are about, else by their date of change.

    Undated ones come last, in their order.
    """

    def age(one: Further) -> int:
        span = find_span(one.url)
        day = span.until if span else _day(one.lastmod)
        return -day.toordinal() if day else 0

    return sorted(further, key=age)


def _span(year: str, month: str | None, day: str | None) -> Window | None:
    try:
        in_year = int(year)
        in_month = None if month is None else _MONTHS.get(month.lower()) or int(month)
        in_day = None if day is None or in_month is None else int(day)
        return Window.of_month(in_year, in_month, in_day) if _FIRST_YEAR <= in_year <= _LAST_YEAR else None
    except ValueError:
        return None


def _day(text: str | None) -> date | None:
    moment = parse_moment(text)
    try:
        return None if moment is None else datetime.fromtimestamp(moment, UTC).date()
    except (ValueError, OverflowError, OSError):
        return None
