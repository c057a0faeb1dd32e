"""What is normal for a site, learned from its accepted runs, in one small document.

    sites/<site>/normal.json

A day of the site's calendar is one entry: how many addresses were new in each of its hours, and what its articles were
like, as sums. The latest quarter is kept by the hour and with all figures, a year beyond it as one number a day, so
that a year of hourly runs fits into 100 KB and a season can be told from a breakdown. Beside the days stand how long
each source's list is (``Sources``), and how the latest articles begin (``pipeline.normal.openings``).

Each published regular run adds its report once, however often publish is tried (``Normal.runs``). A run that the gate
refused teaches nothing. One that an operator released all the same teaches that the old normal is over: what it was
refused for is learned anew, from that run on. Otherwise every run after a real change would have to be released.

Everything here can be put together out of the reports again (``rebuild_normal``). No judgement: ``pipeline.check``.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import islice
from zoneinfo import ZoneInfo

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from pipeline.archive import Archive
from pipeline.errors import ArchiveError
from pipeline.model import Document, Report
from pipeline.normal.expect import Expected, expect_count, expect_middle, expect_share
from pipeline.normal.openings import WIDTH, Openings, add_openings
from pipeline.normal.seasons import Season, find_season

log = logging.getLogger("muniment")

DAYS = 400
"""Days of which the number of new addresses is remembered: a year, and some more to hold the same season against."""
FULL_DAYS = 91
"""Days that are remembered by the hour, and what their articles were like: a quarter, thirteen of each week-day."""
RUNS = 240
"""Runs that are remembered by name, so that none counts twice; what is older than all of them has counted."""
OPENINGS = 1300
"""Articles whose beginnings are remembered."""
SOURCES = 40
SOURCE_DAYS = 42

LEAST_DAYS = 5
LEAST_PAGES = 40
"""With fewer days, or pages, nothing is known of a share or a length."""
LEAST_DAYS_FOR_MOST = 14
"""With fewer days, the most that there was in one of them says little of the next."""
LEAST_WEEKS = 4
"""With fewer spans of time to compare with, nothing is known of a volume."""

_WEEK = 7 * 24
_WEEKS = FULL_DAYS // 7
_ODD = 1e-3  # chance of a count below which it is worth to look for the most that there ever was
_LONGEST_GAP = 8 * 24  # hours since the last run; after longer ones, nothing is said of the volume
_NO_MEASURE = frozenset({"backfill", "import", "reextract"})
_FIRST_RUNS = 500  # that are read where a site with runs has no such document yet


class Day(Document):
    """A day of a site, in its own zone."""

    day: date
    looks: int = 0  # runs
    new: int = 0  # addresses that nobody had named before
    hours: dict[int, tuple[int, int]] = Field(default_factory=dict)  # hour -> runs, new addresses; of the latest days
    counts: dict[str, int] = Field(default_factory=dict)  # what its runs counted, summed up; of the latest days
    lengths: dict[int, int] = Field(default_factory=dict)  # class of lengths -> articles; of the latest days

    @model_serializer(mode="wrap")
    def _leave_out_nothing(self, serialize: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Most days are one number: what is empty is not written."""
        return {name: value for name, value in serialize(self).items() if value}


class SourceDays(Document):
    """How long a source's list was on its latest days: the shortest of each day, oldest first."""

    url: str
    days: tuple[tuple[date, int], ...] = ()


class Normal(Document):
    """``sites/<site>/normal.json``."""

    site: str
    zone: str = "UTC"  # of its days and hours
    runs: tuple[str, ...] = ()  # the latest that have counted, oldest first
    days: tuple[Day, ...] = ()  # oldest first
    sources: tuple[SourceDays, ...] = ()  # by URL
    openings: str = ""
    since: dict[str, date] = Field(default_factory=dict)  # check -> first day of what is normal now, after a release


# --- learning ---------------------------------------------------------------------------------------


def teaches(report: Report, *, published: bool = True) -> bool:
    """Whether a run's report adds to what is normal: it is of a regular run, and was published."""
    return published and report.mode not in _NO_MEASURE


def note_report(normal: Normal, report: Report) -> Normal:
    """What is normal after a run; the same, where the run has counted before.

    Args:
        normal: what is normal without it.
        report: of a published run. Where its verdict is "reject", somebody released it.
    """
    if report.run in normal.runs or (len(normal.runs) >= RUNS and report.run < normal.runs[0]):
        return normal
    at = find_start(report.run).astimezone(ZoneInfo(normal.zone))
    counts = report.counts
    days = {day.day: day for day in normal.days}
    days[at.date()] = _add_run(days.get(at.date(), Day(day=at.date())), at.hour, report)
    since = dict(normal.since)
    if report.verdict == "reject":
        for check in report.checks:
            if check.verdict == "reject":
                since[check.name] = max(at.date(), since.get(check.name, at.date()))
    update = {
        "runs": tuple(sorted({*normal.runs, report.run})[-RUNS:]),
        "days": _bound_days(days.values()),
        "sources": _note_sources(normal.sources, report, at.date()) if "new" in counts else normal.sources,
        "openings": add_openings(normal.openings, report.openings, most=OPENINGS),
        "since": since,
    }
    return normal.model_copy(update=update)


def merge_normals(one: Normal, other: Normal) -> Normal:
    """What two documents of a site say together, whichever comes first; of a day, the one that has more runs of it.

    Days that both have in part are not added up: which runs they share cannot be told.
    """
    older, newer = sorted((one, other), key=lambda each: (each.runs[-1:], each.to_json()))
    days = {day.day: day for day in older.days}
    for day in newer.days:
        known = days.get(day.day)
        days[day.day] = day if known is None else max(known, day, key=_weigh_day)
    sources = {source.url: dict(source.days) for source in older.sources}
    for source in newer.sources:
        listed = sources.setdefault(source.url, {})
        for when, items in source.days:
            listed[when] = min(items, listed.get(when, items))
    return Normal(
        site=newer.site,
        zone=newer.zone,
        runs=tuple(sorted({*older.runs, *newer.runs})[-RUNS:]),
        days=_bound_days(days.values()),
        sources=_bound_sources(sources),
        openings=add_openings(older.openings, newer.openings, most=OPENINGS),
        since={name: max(each) for name, each in _join(older.since, newer.since).items()},
    )


def _join(*parts: Mapping[str, date]) -> dict[str, list[date]]:
    joined: dict[str, list[date]] = {}
    for part in parts:
        for name, day in part.items():
            joined.setdefault(name, []).append(day)
    return joined


def _weigh_day(day: Day) -> tuple[int, int, int, bytes]:
    return (day.looks, len(day.counts), sum(day.counts.values()), day.to_json())


def _add_run(day: Day, hour: int, report: Report) -> Day:
    new = report.counts.get("new")
    hours = dict(day.hours)
    if new is not None:
        looks, before = hours.get(hour, (0, 0))
        hours[hour] = (looks + 1, before + new)
    counts = Counter(day.counts)
    counts.update({name: number for name, number in _pick_counts(report).items() if number})
    lengths = Counter(day.lengths)
    lengths.update(report.lengths)
    return Day(
        day=day.day,
        looks=day.looks + (new is not None),
        new=day.new + (new or 0),
        hours=hours,
        counts=dict(sorted(counts.items())),
        lengths=dict(sorted(lengths.items())),
    )


COUNTED = (
    *("asked", "articles", "blocked", "failed-pages", "not-an-article", "gone", "new-articles", "old-text", "pairs"),
    *("shrunk", "phrases", "dated", "odd-dates", "stale", "one-moment", "one-title"),
)
"""Of a report's counts, those whose shares are learned; and ``lang-*``."""


def _pick_counts(report: Report) -> dict[str, int]:
    picked = {name: report.counts[name] for name in COUNTED if name in report.counts}
    picked |= {name: number for name, number in report.counts.items() if name.startswith("lang-")}
    return picked | {f"fill-{name}": number for name, number in report.fill.items()}


def _bound_days(days: Iterable[Day]) -> tuple[Day, ...]:
    """The latest days; what is older than a quarter is kept as one number. In a site that is rarely crawled, the days
    with articles are few, and their figures are kept longer."""
    ordered = sorted(days, key=lambda day: day.day)[-DAYS:]
    latest = ordered[-1].day if ordered else None
    bounded: list[Day] = []
    for place, day in enumerate(ordered):
        assert latest is not None
        if (latest - day.day).days >= DAYS:
            continue
        if place < len(ordered) - FULL_DAYS and (day.hours or day.counts):
            day = Day(day=day.day, looks=day.looks, new=day.new)
        bounded.append(day)
    return tuple(bounded)


def _note_sources(known: Sequence[SourceDays], report: Report, day: date) -> tuple[SourceDays, ...]:
    sources = {source.url: dict(source.days) for source in known}
    for record in report.sources:
        items = count_listed(record.items, record.articles)
        listed = sources.setdefault(record.url, {})
        listed[day] = min(items, listed.get(day, items))
    return _bound_sources(sources)


def count_listed(items: int, articles: int | None) -> int:
    """How long a source's list is: its articles, where they are told."""
    return items if articles is None else articles


def _bound_sources(sources: Mapping[str, Mapping[date, int]]) -> tuple[SourceDays, ...]:
    bounded = [
        SourceDays(url=url, days=tuple(sorted(days.items())[-SOURCE_DAYS:])) for url, days in sources.items() if days
    ]
    latest = sorted(bounded, key=lambda source: (source.days[-1][0], source.url))[-SOURCES:]
    return tuple(sorted(latest, key=lambda source: source.url))


def find_start(run: str) -> datetime:
    """When a run began, by its id."""
    return datetime.strptime(run[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


# --- asking -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What is normal for a figure of a run, and from which history."""

    expected: Expected
    basis: str  # "1204 articles of 61 days since 2 May 2026"
    season: Season | None = None
    floor: float = 0.0  # volume: the lowest that was seen at such a time, less what the season explains
    ceiling: float = math.inf  # volume: the highest that was seen in so long a time


class History:
    """What is normal for a site at one moment: a `Normal` that is asked by the run that is being judged."""

    def __init__(
        self,
        normal: Normal | None,
        run: str,
        *,
        kind: str,
        country: str,
        zone: str,
        quiet: Iterable[tuple[date, date]] = (),
    ) -> None:
        self._normal = normal or Normal(site="", zone=zone)
        self.at = find_start(run).astimezone(ZoneInfo(self._normal.zone))
        today = self.at.date()
        self._days = tuple(day for day in self._normal.days if day.day <= today)
        self.season = find_season(today, kind=kind, country=country)
        if any(first <= today <= last for first, last in quiet):
            self.season = Season(name="a quiet time by the site's file", share=0.0)
        self._before = [before for before in self._normal.runs if before < run]

    @cached_property
    def openings(self) -> Openings:
        """How the latest articles began."""
        return Openings(self._normal.openings)

    def since(self, check: str) -> date | None:
        """The day of the latest release of a run that a check had refused; None: there was none."""
        return self._normal.since.get(check)

    def _full_days(self, check: str) -> list[Day]:
        since = self.since(check) or date.min
        return [day for day in self._days[-FULL_DAYS:] if day.day >= since]

    def expect_share(self, check: str, part: str, whole: str, *, found: int, of: int) -> Usual | None:
        """How many of so many have a trait; None: too little is known."""
        days = [day for day in self._full_days(check) if day.counts.get(whole)]
        history = [(min(day.counts.get(part, 0), day.counts[whole]), day.counts[whole]) for day in days]
        pages = sum(number for _, number in history)
        if len(days) < LEAST_DAYS or pages < LEAST_PAGES:
            return None
        basis = f"{pages} {_NAMES.get(whole, 'articles')} of {_tell_days([day.day for day in days])}"
        return Usual(expected=expect_share(history, found, of), basis=basis)

    def expect_length(self, check: str, *, found: float, of: int) -> Usual | None:
        """What the middle length of so many articles is; None: too little is known."""
        days = [day for day in self._full_days(check) if day.lengths]
        lengths: Counter[int] = Counter()
        for day in days:
            lengths.update(day.lengths)
        if len(days) < LEAST_DAYS or lengths.total() < LEAST_PAGES:
            return None
        basis = f"{lengths.total()} articles of {_tell_days([day.day for day in days])}"
        return Usual(expected=expect_middle(lengths, found, of), basis=basis)

    def expect_other_languages(self, check: str, found: Mapping[str, int]) -> tuple[int, Usual] | None:
        """How many articles are in languages that are not the site's: those of less than a tenth of its articles.

        Returns:
            How many of the run's are, and what is normal; None: too little is known.
        """
        days = []
        for day in self._full_days(check):
            told = {name[5:]: number for name, number in day.counts.items() if name.startswith("lang-")}
            if told:
                days.append((day.day, told))
        total: Counter[str] = Counter()
        for _, told in days:
            total.update(told)
        if len(days) < LEAST_DAYS or total.total() < LEAST_PAGES:
            return None
        own = {language for language, number in total.items() if 10 * number >= total.total()}
        others = sum(number for language, number in found.items() if language not in own)
        history = [
            (sum(number for language, number in told.items() if language not in own), sum(told.values()))
            for _, told in days
        ]
        basis = f"{total.total()} articles of {_tell_days([day for day, _ in days])}"
        return others, Usual(expected=expect_share(history, others, sum(found.values())), basis=basis)

    def expect_items(self, url: str) -> tuple[tuple[int, int], str] | None:
        """How long a source's list is, from and to, and the history; None: too little is known."""
        since = self._normal.since.get("listing", date.min)
        for source in self._normal.sources:
            if source.url == url:
                days = [(day, items) for day, items in source.days if since <= day <= self.at.date()]
                if len(days) < LEAST_DAYS:
                    return None
                ordered = sorted(items for _, items in days)
                cut = len(ordered) // 20
                return (ordered[cut], ordered[-1 - cut]), _tell_days([day for day, _ in days])
        return None

    # --- volume

    def gap(self) -> int | None:
        """Hours since the run before this one, 1 at least; None: there was none."""
        if not self._before:
            return None
        hours = (self.at - find_start(self._before[-1])).total_seconds() / 3600
        return max(1, round(hours))

    @cached_property
    def _hours(self) -> dict[int, tuple[int, int]]:
        """Hour on the site's clock, counted from the year 1 -> runs, new addresses."""
        hours: dict[int, tuple[int, int]] = {}
        for day in self._full_days("volume"):
            begin = 24 * day.day.toordinal()
            for hour, told in day.hours.items():
                hours[begin + hour] = told
        return hours

    @cached_property
    def _first(self) -> int:
        return min(self._hours) // 24 * 24

    def expect_new(self, new: int, *, span: int) -> tuple[int, Usual] | None:
        """How many addresses are new in the hours up to now, by the same hours of earlier weeks.

        Args:
            new: this run's.
            span: how many hours.

        Returns:
            How many are new in these hours, earlier runs' included, and what is normal; None: nothing can be said,
            because too little is known, or the site was looked at more, or less, often than now.
        """
        if span > _LONGEST_GAP:
            return None
        if not self._hours:
            return None
        hours, first = self._hours, self._first
        now = 24 * self.at.toordinal() + self.at.hour
        looks, found = _sum_hours(hours, now, span)
        looks, found = looks + 1, found + new
        history: list[int] = []
        for week in range(1, _WEEKS + 1):
            then = now - week * _WEEK
            if then - span < first:
                break
            before, named = _sum_hours(hours, then, span)
            if before and 0.6 <= looks / before <= 1.7:
                history.append(named)
        if len(history) < LEAST_WEEKS or not self._is_as_often(hours, now):
            return None
        quiet = min(1.0 if self.season is None else self.season.share, self._recall_season())
        floor = sorted(history)[len(history) // 8] * quiet
        basis = f"the same {_tell_span(span)} of {len(history)} weeks"
        expected = expect_count(history, found)
        if quiet < 1:
            less = expect_count([quiet * named for named in history], found)
            expected = replace(expected, low=less.low, below=less.below)
        usual = Usual(
            expected=expected,
            basis=basis,
            season=self.season,
            floor=floor,
            ceiling=_find_ceiling(hours, now, span, first) if expected.above < _ODD else math.inf,
        )
        return found, usual

    def find_most(self, new: int, *, span: int) -> tuple[int, float, str] | None:
        """How many addresses are new in the hours up to now, and the most that there ever were in so many hours.

        Returns:
            Both, and the history; None: too little is known, or the site was looked at more, or less, often than now.
        """
        days = [day for day in self._full_days("volume") if day.looks]
        if span > _LONGEST_GAP or len(days) < LEAST_DAYS_FOR_MOST:
            return None
        now = 24 * self.at.toordinal() + self.at.hour
        looks, found = _sum_hours(self._hours, now, span)
        usual = sum(day.looks for day in days) / len(days) * span / 24
        if not 0.6 <= (looks + 1) / usual <= 1.7:
            return None
        return found + new, _find_ceiling(self._hours, now, span, self._first), _tell_days([day.day for day in days])

    def _is_as_often(self, hours: Mapping[int, tuple[int, int]], now: int) -> bool:
        """Whether the site was looked at on the last day about as often as in the weeks before."""
        day = 24 * max(1, -(-(self.gap() or 24) // 24))
        looks, _ = _sum_hours(hours, now, day)
        earlier = [_sum_hours(hours, now - week * _WEEK, day)[0] for week in range(1, LEAST_WEEKS + 1)]
        usual = sorted(earlier)[len(earlier) // 2]
        return usual > 0 and 0.5 <= (looks + 1) / usual <= 2

    def _recall_season(self) -> float:
        """How much less than in the weeks before it was published in this week of last year; 1 where nobody knows."""
        today = self.at.date()
        before = {day.day: day.new for day in self._days if (today - day.day).days > 300}
        if not before:
            return 1.0
        middle = today - timedelta(days=364)
        then = [before[day] for offset in range(-3, 4) if (day := middle + timedelta(days=offset)) in before]
        earlier = [before[day] for offset in range(4, 29) if (day := middle - timedelta(days=offset)) in before]
        if len(then) < 5 or len(earlier) < 10 or not sum(earlier):
            return 1.0
        return min(1.0, (sum(then) / len(then)) / (sum(earlier) / len(earlier)))


_NAMES = {"asked": "pages", "new-articles": "new articles", "pairs": "pages that were read twice", "dated": "dates"}


def _sum_hours(hours: Mapping[int, tuple[int, int]], end: int, span: int) -> tuple[int, int]:
    looks = named = 0
    for hour in range(end - span + 1, end + 1):
        told = hours.get(hour)
        if told is not None:
            looks += told[0]
            named += told[1]
    return looks, named


def _find_ceiling(hours: Mapping[int, tuple[int, int]], now: int, span: int, first: int) -> float:
    """The most that was new in any span as long as this one."""
    line = [hours.get(hour, (0, 0))[1] for hour in range(now - 1, first - 24, -1)]
    most = current = sum(line[:span])
    for place in range(span, len(line)):
        current += line[place] - line[place - span]
        most = max(most, current)
    return float(most)


def _tell_span(hours: int) -> str:
    if hours < 48:
        return "hour" if hours == 1 else f"{hours} hours"
    return f"{hours / 24:.0f} days"


def _tell_days(days: Sequence[date]) -> str:
    return f"{len(days)} days since {min(days):%-d %B %Y}"


# --- the document in the archive ----------------------------------------------------------------------


def read_normal(archive: Archive, site: str) -> Normal | None:
    """What is normal for a site; None: nothing is known, or what was cannot be read (the next run rebuilds it)."""
    try:
        return archive.read_progress(archive.normal_key(site), Normal)
    except ArchiveError as error:
        log.warning("what is normal for %s cannot be read: %s", site, error)
        return None


def learn_normal(archive: Archive, report: Report, *, zone: str) -> Normal | None:
    """Let a published run add to what is normal for its site. Called after each try to publish; it counts once.

    Raises:
        WriteConflict, StoreUnavailable: try again.
    """
    if not teaches(report):
        return None

    def change(standing: Normal | None) -> Normal:
        known = standing or _gather(archive, report.site, zone=zone, before=report.run, most=_FIRST_RUNS)
        return note_report(known, report)

    return archive.change_progress(archive.normal_key(report.site), Normal, change, rebuildable=True)


def rebuild_normal(archive: Archive, site: str, *, zone: str) -> Normal:
    """Put a site's document together anew, out of the reports of its published runs of a year."""
    rebuilt = _gather(archive, site, zone=zone, before=None, most=None)
    done = archive.change_progress(archive.normal_key(site), Normal, lambda _: rebuilt, rebuildable=True)
    assert done is not None
    return done


def _gather(archive: Archive, site: str, *, zone: str, before: str | None, most: int | None) -> Normal:
    runs = [run for run in archive.runs(site) if before is None or run < before]
    if runs:
        earliest = find_start(runs[0]) - timedelta(days=DAYS)
        runs = [run for run in islice(runs, most) if find_start(run) >= earliest]
    normal = Normal(site=site, zone=zone)
    for report in _read_published(archive, site, reversed(runs)):
        normal = note_report(normal, report)
    return normal


def _read_published(archive: Archive, site: str, runs: Iterable[str]) -> Iterator[Report]:
    """Reports of published runs that teach, in the order of the runs; some at a time."""

    def read(run: str) -> Report | None:
        report = archive.read_report(site, run)
        if report is None or not teaches(report) or archive.read_published(site, run) is None:
            return None
        return report

    waiting = iter(runs)
    with ThreadPoolExecutor(archive.store.threads, thread_name_prefix="normal") as pool:
        while some := list(islice(waiting, 200)):
            for report in pool.map(read, some):
                if report is not None:
                    yield report


__all__ = [
    "COUNTED", "DAYS", "FULL_DAYS", "OPENINGS", "RUNS", "WIDTH", "Day", "History", "Normal", "SourceDays", "Usual",
    "count_listed", "learn_normal", "merge_normals", "note_report", "read_normal", "rebuild_normal", "teaches",
]  # fmt: skip
