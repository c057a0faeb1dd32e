"""What the gate makes of a year of five sites, and of eighteen ways in which a site breaks.

    python -m bench.gate [--seeds 2] [--first-seed 0] [--site council]… [--days 364] [--times 4] [--why] [--json FILE]

Five made-up sites live a year, run by run: an hourly national, a council that is looked at once a day, a weekly trade
paper, a parliament with its recesses, a site that grows fivefold. They have week-ends, nights, bank holidays, August,
Christmas, the weeks before local elections and, in some years, before an election that no calendar knew; busy days,
short items, pages that fail, that are gone, that are looked at again. Each run is judged by the real ``check_run`` and
noted by the real ``note_report``; a run that is rejected teaches nothing and comes again with the next. Every verdict
other than "accept" is a false alarm: one for each check and day on which it speaks.

From the ninth week on, at ``--times`` random moments for each site, each breakage is tried on the run of that moment
(on the next that captures a page, where that one captures none): is it caught in this first run? What falls short must
be rejected, what exceeds (`max` checks) may be warned of. With fewer than ``FEW`` pages no share can be rejected: there
a warning counts as caught ("warned, few"), an acceptance does not; and the breakage stays on until it is rejected, for
``LONGEST`` runs at most: "then" says in which run, where it was.

What is wanted: all breakages but one caught in nine of ten first runs or more, and at most one false alarm in any
quarter of a site. The exit status is 1 where that is not so. "Took" is CPU time. The thresholds were not chosen on the
seeds that docs/benchmarks.md reports: take other ones.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from random import Random
from time import process_time
from typing import Any, Literal

from bench.measure import render_table
from pipeline.check import FEW, check_run
from pipeline.model import Article, Evidence, Finding, Moment, Report, article_id, run_id
from pipeline.normal import Normal, note_report
from pipeline.normal.seasons import find_easter, find_holidays
from spiders.protocol import CrawlSummary, SourceYield
from spiders.site import Site, Source

Kind = Literal["article", "unchanged", "not-an-article", "gone", "blocked", "failed"]

START = date(2026, 1, 5)
WARM = 56  # days before the first breakage
WANTED_CAUGHT = 0.9
HISTORY = 30
LONGEST = 12  # runs that a breakage of a few pages stays on
_KEPT = 500  # articles that a site still knows

_VOCABULARY = [
    *("the", "of", "and", "to", "in", "a", "that", "for", "on", "with", "said", "council", "school", "road", "budget"),
    *("minister", "hospital", "report", "people", "plan", "new", "after", "would", "local", "market", "house", "year"),
    *("police", "court", "club", "team", "street", "bridge", "river", "station", "fund", "tax", "energy", "price"),
    *("vote", "committee", "member", "leader", "game", "film", "music", "festival", "library", "park", "train"),
]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How a site lives."""

    id: str
    kind: str
    every: int  # hours between its runs
    hour: int = 0  # of the first run of a day
    a_day: float  # articles of a usual working day
    week: tuple[float, ...]  # by week-day, from Monday
    hours: tuple[float, ...]  # by hour
    listed: int  # entries of its feed
    again: int  # pages that a run looks at again, in the middle
    static: float  # share of these that answer "not modified"
    fill: dict[str, float]
    words: float = 380  # of the middle article
    spread: float = 0.55
    august: float = 0.8
    christmas: float = 0.3
    holiday: float = 0.4
    election: float = 1.0
    recess: float = 1.0
    growth: float = 1.0  # in the year
    busy: float = 0.02  # share of the days that are busy
    other_language: float = 0.0


_OFFICE = tuple(1.0 if 9 <= hour <= 17 else 0.1 if hour in (8, 18) else 0.0 for hour in range(24))
_AROUND = tuple(0.25 if hour < 6 else 1.0 if hour < 9 else 1.5 if hour < 19 else 0.7 for hour in range(24))

PROFILES = (
    Profile(
        id="national", kind="national", every=1, a_day=110, week=(1, 1.05, 1.05, 1.05, 1, 0.6, 0.6), hours=_AROUND,
        listed=60, again=8, static=0.3, august=0.85, christmas=0.45, holiday=0.6, busy=0.03,
        fill={"published": 0.995, "authors": 0.86, "section": 0.97, "image": 0.93, "description": 0.98, "tags": 0.8},
    ),
    Profile(
        id="council", kind="council", every=24, hour=9, a_day=4, week=(1, 1.1, 1.1, 1.1, 1.1, 0.03, 0.03),
        hours=_OFFICE, listed=20, again=24, static=0.5, august=0.65, christmas=0.05, holiday=0.05, election=0.4,
        fill={"published": 0.98, "section": 0.6, "image": 0.7, "description": 0.9}, words=290,
    ),
    Profile(
        id="trade", kind="trade", every=24, hour=18, a_day=3.2, week=(0.3, 0.3, 0.4, 4.5, 0.4, 0.02, 0.02),
        hours=_OFFICE, listed=25, again=24, static=0.0, august=0.5, christmas=0.02, holiday=0.1, words=520,
        fill={"published": 1.0, "authors": 0.95, "section": 0.99, "image": 0.96, "description": 0.85, "tags": 0.9},
    ),
    Profile(
        id="parliament", kind="parliament", every=3, a_day=26, week=(0.9, 1.2, 1.3, 1.1, 0.5, 0.05, 0.03),
        hours=_OFFICE, listed=50, again=9, static=0.6, august=1.0, christmas=0.3, holiday=0.05, recess=0.07,
        fill={"published": 1.0, "section": 0.9, "description": 0.97, "tags": 0.5}, words=600, spread=0.8,
        other_language=0.03,
    ),
    Profile(
        id="growing", kind="regional", every=2, a_day=9, week=(1, 1, 1, 1, 1, 0.5, 0.4), hours=_AROUND, listed=30,
        again=8, static=0.2, august=0.8, christmas=0.35, holiday=0.5, growth=5.0, busy=0.04,
        fill={"published": 0.99, "authors": 0.9, "section": 0.95, "image": 0.9, "description": 0.95},
    ),
)  # fmt: skip


@dataclass(kw_only=True)
class Told:
    """An article of a made-up site."""

    url: str
    title: str
    lines: tuple[str, ...]
    published: datetime | None
    has: frozenset[str]
    language: str = "en"

    @property
    def words(self) -> int:
        """Of its text."""
        return sum(line.count(" ") + 1 for line in self.lines)


@dataclass(kw_only=True)
class Page:
    """What a run captured at an address."""

    told: Told
    why: str = "new"
    kind: Kind = "article"
    reason: str | None = None
    canonical: str | None = None


@dataclass(kw_only=True)
class Visit:
    """What a run found."""

    at: datetime
    pages: list[Page]
    new: int
    listed: int
    newest: datetime | None
    span: float
    pause: float
    failed: int = 0  # pages that gave no answer


class Life:
    """A made-up site, from run to run."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self.profile = profile
        self.random = Random(f"{profile.id} {seed}")
        self._numbers = count()
        self._pool = [" ".join(self.random.choices(_VOCABULARY, k=self.random.randint(12, 45))) for _ in range(600)]
        self.articles: deque[Told] = deque(maxlen=_KEPT)
        self._moods: dict[date, float] = {}
        self._last: datetime | None = None
        self._waiting: list[Page] = []
        begin = self.random.randint(90, 300)
        self._called = (begin, begin + 35) if self.random.random() < 0.4 else (-1, -1)  # an election nobody expected
        self._recesses = self._draw_recesses()
        first = datetime(START.year, START.month, START.day, tzinfo=UTC)
        for number in range(max(profile.listed, 40)):
            self._write(first - timedelta(hours=30 * (max(profile.listed, 40) - number) * 3 / profile.a_day))

    # --- what is published

    def _draw_recesses(self) -> list[tuple[date, date]]:
        easter = find_easter(START.year)
        usual = [
            (date(2026, 2, 12), date(2026, 2, 22)), (easter - timedelta(days=10), easter + timedelta(days=8)),
            (date(2026, 5, 21), date(2026, 5, 31)), (date(2026, 7, 16), date(2026, 8, 31)),
            (date(2026, 9, 15), date(2026, 10, 11)), (date(2026, 11, 4), date(2026, 11, 8)),
            (date(2026, 12, 17), date(2027, 1, 10)),
        ]  # fmt: skip
        return [
            (begin + timedelta(days=self.random.randint(-2, 3)), end + timedelta(days=self.random.randint(-2, 3)))
            for begin, end in usual
        ]

    def rate(self, hour: datetime) -> float:
        """Articles that are to be expected in an hour."""
        profile, day = self.profile, hour.date()
        age = (day - START).days
        rate = profile.a_day * profile.week[day.weekday()] * profile.hours[hour.hour] / sum(profile.hours)
        rate *= float(profile.growth ** (age / 364))
        if (day.month, day.day) >= (12, 23) or (day.month, day.day) <= (1, 2):
            rate *= profile.christmas
        elif day in find_holidays(day.year, "gb"):
            rate *= profile.holiday
        if day.month == 8:
            rate *= profile.august
        if date(day.year, 3, 26) <= day <= date(day.year, 5, 7) or self._called[0] <= age < self._called[1]:
            rate *= profile.election
        if any(begin <= day <= end for begin, end in self._recesses):
            rate *= profile.recess
        if day not in self._moods:
            mood = math.exp(self.random.gauss(0, 0.18))
            self._moods[day] = mood * (self.random.uniform(1.5, 2.3) if self.random.random() < profile.busy else 1)
        return rate * self._moods[day]

    def _write(self, at: datetime) -> Told:
        random, profile = self.random, self.profile
        number = next(self._numbers)
        words = 45 if random.random() < 0.04 else profile.words * math.exp(random.gauss(0, profile.spread))
        lines: list[str] = []
        total = 0
        while total < words:
            line = f"{random.choice(_VOCABULARY)} {number} {random.choice(self._pool)}"
            lines.append(line)
            total += line.count(" ") + 1
        loose = random.random() < 0.03  # a page of another sort: fewer of its fields are filled
        told = Told(
            url=f"https://{profile.id}.example/news/{number}",
            title=f"{random.choice(_VOCABULARY)} {random.choice(_VOCABULARY)} {number}",
            lines=tuple(lines),
            published=at if random.random() < profile.fill["published"] else None,
            has=frozenset(
                name for name, share in profile.fill.items() if random.random() < (share * 0.5 if loose else share)
            ),
            language="cy" if random.random() < profile.other_language else "en",
        )
        self.articles.append(told)
        return told

    # --- what a run finds

    def visit(self, at: datetime) -> Visit:
        """The next run of the site."""
        random, profile = self.random, self.profile
        hour = (self._last or at - timedelta(hours=profile.every)) + timedelta(hours=1)
        fresh: list[Told] = []
        while hour <= at:
            wanted = _draw_poisson(random, self.rate(hour))
            fresh += [self._write(hour - timedelta(minutes=random.randint(0, 59))) for _ in range(wanted)]
            hour += timedelta(hours=1)
        self._last = at
        pages = self._waiting + [Page(told=told) for told in fresh]
        known = list(self.articles)[: len(self.articles) - len(pages)]
        again = min(len(known), _draw_poisson(random, profile.again))
        for told in random.sample(known, again):
            static = random.random() < profile.static
            pages.append(
                Page(told=told, why="due", kind="unchanged", reason="HTTP 304")
                if static
                else Page(told=told, why="due")
            )
        for page in pages:
            chance = random.random()
            if chance < 0.006:
                page.kind, page.reason = "failed", "HTTP 500"
            elif chance < 0.012 and page.why == "due":
                page.kind, page.reason = "gone", "HTTP 404"
            elif chance < 0.02 and page.why == "new":
                page.kind, page.reason = "not-an-article", "too short"
        listing = list(self.articles)[-profile.listed :]
        dates = sorted(told.published for told in listing if told.published)
        return Visit(
            at=at,
            pages=pages,
            new=sum(page.why == "new" for page in pages),
            listed=len(listing) - (random.random() < 0.1),
            newest=dates[-1] if dates else None,
            span=(dates[-1] - dates[0]).total_seconds() if dates else 0.0,
            pause=max(((after - before).total_seconds() for before, after in pairwise(dates)), default=0.0),
        )

    def put_back(self, visit: Visit) -> None:
        """A run was rejected: what was new in it is new again."""
        self._waiting = [Page(told=page.told) for page in visit.pages if page.why == "new"]

    def settle(self) -> None:
        """A run was published."""
        self._waiting = []


def _draw_poisson(random: Random, mean: float) -> int:
    if mean > 60:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    limit, number, product = math.exp(-mean), 0, random.random()
    while product > limit:
        number += 1
        product *= random.random()
    return number


# --- what breaks ----------------------------------------------------------------------------------------


Break = Callable[[Life, Visit], Visit]


@dataclass(frozen=True, kw_only=True)
class Breakage:
    """A way in which a site breaks."""

    name: str
    apply: Break
    wanted: str = "reject"  # the mildest verdict that counts
    needs_pages: bool = True


def _shown(visit: Visit) -> list[Page]:
    """Pages that answer; a page that has changed for all is no longer "not modified"."""
    return [page for page in visit.pages if page.kind in ("article", "unchanged", "not-an-article")]


def _alter(visit: Visit, change: Callable[[Told], Told], **page: Any) -> Visit:
    pages = [replace(each, told=change(each.told), kind="article", reason=None, **page) for each in _shown(visit)]
    return replace(visit, pages=pages)


def _lose_body(life: Life, visit: Visit) -> Visit:
    if life.random.random() < 0.5:  # nothing is left …
        pages = [replace(page, kind="not-an-article", reason="no text") for page in _shown(visit)]
        return replace(visit, pages=pages)
    return _alter(visit, lambda told: replace(told, lines=(told.lines[0],)))  # … or the standfirst


def _lose_half(_: Life, visit: Visit) -> Visit:
    return _alter(visit, lambda told: replace(told, lines=told.lines[: max(1, len(told.lines) // 2)]))


def _lose_title(life: Life, visit: Visit) -> Visit:
    title = life.random.choice(("", "The Example Gazette"))
    return _alter(visit, lambda told: replace(told, title=title))


def _lose_dates(_: Life, visit: Visit) -> Visit:
    return _alter(visit, lambda told: replace(told, published=None))


def _lose_authors(_: Life, visit: Visit) -> Visit:
    return _alter(visit, lambda told: replace(told, has=told.has - {"authors"}))


def _lose_descriptions(_: Life, visit: Visit) -> Visit:
    return _alter(visit, lambda told: replace(told, has=told.has - {"description"}))


def _mistake_dates(life: Life, visit: Visit) -> Visit:
    """05/11/2026 is read as 11 May, and the other way round: some of what is past is in the future."""
    ahead = timedelta(days=life.random.randint(20, 200))
    return _alter(visit, lambda told: replace(told, published=told.published and visit.at + ahead))


def _show_consent(_: Life, visit: Visit) -> Visit:
    wall = (
        "We and our 841 partners store and access information on a device.",
        "You can accept all cookies, or manage your preferences in our privacy policy.",
    )
    return _alter(visit, lambda told: replace(told, lines=(*wall, told.lines[0])))


def _show_login(_: Life, visit: Visit) -> Visit:
    wall = "Subscribe to continue reading. Already a subscriber? Sign in now to read this."
    return _alter(visit, lambda told: replace(told, lines=(*told.lines[:1], wall)))


def _show_firewall(life: Life, visit: Visit) -> Visit:
    lines = "Please wait while your request is looked at. This helps us to keep the site safe for all of its readers."
    number = life.random.randint(10**6, 10**7)
    pages = _alter(visit, lambda told: replace(
        told, title="One moment", lines=(lines, f"Your reference is {number} {told.url[-5:]}."), published=None,
        has=frozenset(),
    )).pages  # fmt: skip
    return replace(visit, pages=pages)


def _refuse(life: Life, visit: Visit) -> Visit:
    pages = [
        replace(page, kind="blocked", reason="HTTP 403") if life.random.random() < 0.85 else page
        for page in visit.pages
    ]
    return replace(visit, pages=pages)


def _empty_feed(_: Life, visit: Visit) -> Visit:
    return replace(visit, listed=0, new=0, pages=[page for page in visit.pages if page.why != "new"])


def _cut_listing(life: Life, visit: Visit) -> Visit:
    pages = [page for page in visit.pages if page.why != "new" or life.random.random() < 0.1]
    return replace(visit, listed=max(1, visit.listed // 10), new=sum(page.why == "new" for page in pages), pages=pages)


def _tell_again(life: Life, visit: Visit) -> Visit:
    """Old items under new addresses, as after a change of the system behind a site."""
    known = list(life.articles)[: -visit.new or None][-200:]
    old = life.random.sample(known, min(len(known), max(8, life.profile.listed // 2)))
    pages = [Page(told=replace(told, url=f"{told.url}-{told.title.split()[0]}")) for told in old]
    return replace(visit, pages=visit.pages + pages, new=visit.new + len(pages))


def _spin(life: Life, visit: Visit) -> Visit:
    """Pages of tags, of the first lines of articles."""
    known = list(life.articles)[-150:]
    pages = []
    for number in range(max(8, visit.new)):
        chosen = life.random.sample(known, 8)
        told = Told(
            url=f"https://{life.profile.id}.example/tag/{visit.at:%j%H}-{number}",
            title=f"All about {life.random.choice(_VOCABULARY)} {number}",
            lines=tuple(each.lines[0] for each in chosen),
            published=visit.at,
            has=frozenset(life.profile.fill),
        )
        pages.append(Page(told=told))
    return replace(visit, pages=visit.pages + pages, new=visit.new + len(pages))


def _say_one(life: Life, visit: Visit) -> Visit:
    lines = life.random.choice(life.articles).lines
    return _alter(visit, lambda told: replace(told, lines=lines))


def _claim_one(_: Life, visit: Visit) -> Visit:
    return _alter(visit, lambda told: told, canonical="https://gazette.example/")


def _speak_other(life: Life, visit: Visit) -> Visit:
    language = life.random.choice(("cy", "de", "fr"))
    return _alter(visit, lambda told: replace(told, language=language))


def _time_out(life: Life, visit: Visit) -> Visit:
    failed = -(-len(visit.pages) // 3)
    kept = life.random.sample(visit.pages, len(visit.pages) - failed)
    return replace(visit, pages=kept, failed=failed)


BREAKAGES = (
    Breakage(name="redesign loses the body", apply=_lose_body),
    Breakage(name="redesign loses half of the body", apply=_lose_half),
    Breakage(name="redesign loses the dates", apply=_lose_dates),
    Breakage(name="redesign loses the authors", apply=_lose_authors),
    Breakage(name="headline lost, or the site's name in its place", apply=_lose_title),
    Breakage(name="dates in a new form, read as future ones", apply=_mistake_dates),
    Breakage(name="consent wall on all pages", apply=_show_consent),
    Breakage(name="login wall behind the first lines", apply=_show_login),
    Breakage(name="firewall page with status 200", apply=_show_firewall),
    Breakage(name="403 on most pages", apply=_refuse),
    Breakage(name="time-outs on a third of the pages", apply=_time_out, wanted="warn"),
    Breakage(name="empty feed", apply=_empty_feed, needs_pages=False),
    Breakage(name="listing cut to a tenth", apply=_cut_listing, needs_pages=False),
    Breakage(name="old items again, at new addresses", apply=_tell_again, wanted="warn", needs_pages=False),
    Breakage(name="output doubled by pages of tags", apply=_spin, wanted="warn", needs_pages=False),
    Breakage(name="one text on all pages", apply=_say_one),
    Breakage(name="one canonical address on all pages", apply=_claim_one),
    Breakage(name="another edition's language", apply=_speak_other),
)


# --- a run as the gate sees it ----------------------------------------------------------------------------


def make_site(profile: Profile) -> Site:
    """The site as its file declares it."""
    home = f"https://{profile.id}.example/"
    return Site(
        id=profile.id,
        name=profile.id.title(),
        home=home,
        kind=profile.kind,
        article=rf"https://{profile.id}\.example/.+",
        sources=(Source(type="feed", url=f"{home}feed"),),
        timezone="UTC",
    )


def make_run(profile: Profile, visit: Visit) -> tuple[CrawlSummary, list[Finding]]:
    """The crawl's summary and the findings of a visit."""
    evidence = _EVIDENCE.model_copy(update={"captured_at": visit.at})
    findings = [_make_finding(page, evidence) for page in visit.pages]
    finished = visit.at + timedelta(minutes=4)
    run = run_id(visit.at, profile.id)
    source = SourceYield(
        url=f"https://{profile.id}.example/feed", type="feed", status=200, items=visit.listed, named=visit.listed,
        articles=visit.listed, new=visit.new, unknown=min(visit.new, visit.listed), mark=run if visit.new else None,
        newest=visit.newest if visit.listed else None, span=visit.span or None, pause=visit.pause or None,
    )  # fmt: skip
    unchanged = max(0, visit.listed - visit.new)
    outcomes = {"unchanged": unchanged} | ({"failed": visit.failed} if visit.failed else {})
    summary = CrawlSummary(
        site=profile.id, run=run, started=visit.at, finished=finished, finish_reason="finished", user_agent="bench",
        discovered=len(findings) + unchanged + visit.failed, captured=len(findings), outcomes=outcomes,
        reasons={"failed: time-out": visit.failed} if visit.failed else {}, sources=[source],
    )  # fmt: skip
    return summary, findings


# Copied for each page: a copy costs a tenth of what a new one does.
_EVIDENCE = Evidence(
    warc="warc/x", offset=0, length=1, record_id="<x>", record_type="response", payload_digest="x", status=200,
    captured_at=datetime(2026, 1, 1, tzinfo=UTC), rendered_digest=None,
)  # fmt: skip
_ARTICLE = Article.model_construct(article="x", url="x", title="x", text="x", words=0, digest="x")
_FINDING = Finding.model_construct(kind="article", requested="x", final="x", evidence=_EVIDENCE, facts={})
_MOMENT = Moment(value=datetime(2026, 1, 1, tzinfo=UTC), original="x", source="meta")


def _make_finding(page: Page, evidence: Evidence) -> Finding:
    told = page.told
    article = None
    if page.kind == "article":
        url = page.canonical or told.url
        has = told.has
        article = _ARTICLE.model_copy(update={
            "article": article_id(url), "url": url, "title": told.title, "text": "\n".join(told.lines),
            "words": told.words, "published": _make_moment(told.published), "language": told.language,
            "authors": ("A. Writer",) if "authors" in has else (),
            "byline": "By A. Writer" if "authors" in has else None,
            "section": "News" if "section" in has else None,
            "image": "https://x/i.jpg" if "image" in has else None,
            "description": "In short." if "description" in has else None,
            "tags": ("tag",) if "tags" in has else (),
        })  # fmt: skip
    return _FINDING.model_copy(update={
        "kind": page.kind, "requested": told.url, "final": told.url, "evidence": evidence, "reason": page.reason,
        "article": article, "facts": {"why": page.why},
    })  # fmt: skip


def _make_moment(value: datetime | None) -> Moment | None:
    return None if value is None else _MOMENT.model_copy(update={"value": value})


# --- a year -----------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Alarm:
    """A check that spoke where nothing was wrong."""

    at: datetime
    check: str
    verdict: str
    message: str


@dataclass(kw_only=True)
class Trial:
    """A breakage that was tried on a run."""

    breakage: str
    at: datetime
    verdict: str
    checks: dict[str, str]
    caught: bool
    pages: int
    few: bool = False  # too few pages for a share to be rejected
    then: int | None = None  # in which run of the breakage it was rejected, where it began with a few pages


@dataclass(kw_only=True)
class Ongoing:
    """A breakage that began with a few pages, and what the site's past is while it lasts."""

    breakage: Breakage
    trial: Trial
    history: deque[Report]
    normal: Normal
    runs: int = 1


@dataclass(kw_only=True)
class Year:
    """What became of a site in a year."""

    site: str
    seed: int
    runs: int = 0
    rejected: int = 0
    alarms: list[Alarm] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    bytes: int = 0  # of the document at the end
    seconds: float = 0.0  # of CPU time

    def quarters(self) -> list[int]:
        """False alarms of each quarter."""
        told = Counter((alarm.at.date() - START).days // 91 for alarm in self.alarms)
        return [told[quarter] for quarter in range(4)]


def live_a_year(profile: Profile, seed: int, *, days: int = 364, times: int = 4) -> Year:
    """Let a site live, judge each of its runs, and try each breakage at some moments."""
    started = process_time()
    site, life = make_site(profile), Life(profile, seed)
    year = Year(site=profile.id, seed=seed)
    normal = Normal(site=profile.id, zone="UTC")
    history: deque[Report] = deque(maxlen=HISTORY)
    begin = datetime(START.year, START.month, START.day, profile.hour, 7, tzinfo=UTC)
    moments = [begin + timedelta(hours=profile.every * n) for n in range(days * 24 // profile.every)]
    random = Random(f"breakages {profile.id} {seed}")
    later = [n for n, at in enumerate(moments) if (at - begin).days >= min(WARM, days // 2)]
    waiting: defaultdict[int, list[Breakage]] = defaultdict(list)
    for breakage in BREAKAGES:
        if breakage.apply is _lose_authors and "authors" not in profile.fill:
            # A site without authors loses another field that it has.
            breakage = replace(breakage, apply=_lose_descriptions)
        for number in random.sample(later, times):
            waiting[number].append(breakage)
    spoken: dict[str, datetime] = {}
    ongoing: list[Ongoing] = []
    for number, at in enumerate(moments):
        visit = life.visit(at)
        ongoing = [each for each in ongoing if _go_on(site, profile, life, visit, each)]
        for breakage in waiting.pop(number, ()):
            if breakage.needs_pages and not _shown(visit):
                waiting[number + 1].append(breakage)
                continue
            report, pages = _break(site, profile, life, visit, breakage, history, normal)
            trial = _tell_trial(breakage, visit.at, report, pages)
            year.trials.append(trial)
            if trial.few and report.verdict != "reject" and breakage.wanted == "reject":
                past = deque([*history, report], maxlen=HISTORY)
                taught = note_report(normal, report)
                ongoing.append(Ongoing(breakage=breakage, trial=trial, history=past, normal=taught))
        summary, findings = make_run(profile, visit)
        report = check_run(site, summary, findings, tuple(reversed(history)), normal)
        year.runs += 1
        for check in report.checks:
            if check.verdict != "accept":
                if check.name not in spoken or at - spoken[check.name] > timedelta(days=1):
                    year.alarms.append(Alarm(at=at, check=check.name, verdict=check.verdict, message=check.message))
                spoken[check.name] = at
        if report.verdict == "reject":
            year.rejected += 1
            life.put_back(visit)
        else:
            life.settle()
            history.append(report)
            normal = note_report(normal, report)
    year.bytes = len(normal.to_json())
    year.seconds = process_time() - started
    return year


def _break(
    site: Site,
    profile: Profile,
    life: Life,
    visit: Visit,
    breakage: Breakage,
    history: Sequence[Report],
    normal: Normal,
) -> tuple[Report, int]:
    """The report of a visit that is broken, and its pages. The site's own life goes on as if nothing had been."""
    state = life.random.getstate()
    broken = breakage.apply(life, visit)
    life.random.setstate(state)
    summary, findings = make_run(profile, broken)
    report = check_run(site, summary, findings, tuple(reversed(history)), normal)
    return report, len(broken.pages) + broken.failed


def _tell_trial(breakage: Breakage, at: datetime, report: Report, pages: int) -> Trial:
    few = pages < FEW
    order = ("accept", "warn", "reject")
    wanted = "warn" if few else breakage.wanted
    return Trial(
        breakage=breakage.name,
        at=at,
        verdict=report.verdict,
        checks={check.name: check.verdict for check in report.checks if check.verdict != "accept"},
        caught=order.index(report.verdict) >= order.index(wanted),
        pages=pages,
        few=few,
    )


def _go_on(site: Site, profile: Profile, life: Life, visit: Visit, each: Ongoing) -> bool:
    """One more run of a breakage that began with a few pages; whether it is to go on."""
    if each.breakage.needs_pages and not _shown(visit):
        return True
    report, _ = _break(site, profile, life, visit, each.breakage, each.history, each.normal)
    each.runs += 1
    if report.verdict == "reject":
        each.trial.then = each.runs
        return False
    each.history.append(report)
    each.normal = note_report(each.normal, report)
    return each.runs < LONGEST


# --- the program ------------------------------------------------------------------------------------------


def _live(job: tuple[str, int, int, int]) -> Year:
    name, seed, days, times = job
    profile = next(profile for profile in PROFILES if profile.id == name)
    return live_a_year(profile, seed, days=days, times=times)


def tell_breakages(years: Sequence[Year]) -> str:
    """A table of what was caught."""
    rows = []
    for breakage in BREAKAGES:
        trials = [trial for year in years for trial in year.trials if trial.breakage == breakage.name]
        verdicts = Counter(trial.verdict for trial in trials)
        speakers = Counter(name for trial in trials for name in trial.checks)
        few = sum(trial.few and trial.verdict == "warn" and breakage.wanted == "reject" for trial in trials)
        later = sorted(trial.then for trial in trials if trial.then is not None)
        share = find_caught(trials)
        rows.append([
            breakage.name, breakage.wanted, len(trials), verdicts["reject"], verdicts["warn"], few or "–",
            verdicts["accept"], ", ".join(map(str, later)) or "–",
            f"{share:.0%}" + ("" if share >= WANTED_CAUGHT else " ✗"),
            ", ".join(name for name, _ in speakers.most_common(3)),
        ])  # fmt: skip
    heads = [
        "breakage",
        "wanted",
        "first runs",
        "rejected",
        "warned",
        "warned, few",
        "accepted",
        "then",
        "caught",
        "by",
    ]
    return render_table(heads, [[str(cell) for cell in row] for row in rows])


def tell_alarms(years: Sequence[Year]) -> str:
    """A table of false alarms."""
    rows = []
    for year in years:
        kinds = Counter(f"{alarm.check} {alarm.verdict}s" for alarm in year.alarms)
        said = ", ".join(f"{name} × {number}" for name, number in kinds.most_common(4)) or "–"
        quarters = year.quarters()
        rows.append([
            year.site, str(year.seed), str(year.runs), str(year.rejected), " ".join(map(str, quarters)),
            f"{max(quarters)}" + ("" if max(quarters) <= 1 else " ✗"), said, f"{year.bytes / 1000:.0f} KB",
            f"{year.seconds:.0f} s",
        ])  # fmt: skip
    return render_table(
        ["site", "seed", "runs", "rejected", "by quarter", "most", "which", "normal.json", "took"], rows
    )


def find_caught(trials: Sequence[Trial]) -> float:
    """Which share of first runs was caught."""
    return sum(trial.caught for trial in trials) / max(1, len(trials))


def tell_in_short(years: Sequence[Year]) -> str:
    """What was caught and what was false, in a line each."""
    trials = [trial for year in years for trial in year.trials]
    by_name = {each.name: [trial for trial in trials if trial.breakage == each.name] for each in BREAKAGES}
    caught = sum(find_caught(each) >= WANTED_CAUGHT for each in by_name.values() if each)
    few = [trial for trial in trials if trial.few]
    quarters = [number for year in years for number in year.quarters()]
    return (
        f"Caught in nine of ten first runs: {caught} of {len(BREAKAGES)} breakages (wanted: {len(BREAKAGES) - 1}).\n"
        f"First runs: {sum(trial.caught for trial in trials)} of {len(trials)} caught; {len(few)} were of fewer than "
        f"{FEW} pages, of which {sum(trial.verdict == 'reject' for trial in few)} were rejected at once, "
        f"{sum(trial.caught and trial.verdict == 'warn' for trial in few)} warned.\n"
        f"False alarms: {sum(quarters)} in {len(quarters)} quarters, {max(quarters, default=0)} at most in one."
    )


def find_broken(years: Sequence[Year]) -> list[str]:
    """What is not as it is wanted."""
    broken = []
    missed = []
    for breakage in BREAKAGES:
        trials = [trial for year in years for trial in year.trials if trial.breakage == breakage.name]
        if trials and find_caught(trials) < WANTED_CAUGHT:
            missed.append(breakage.name)
    if len(missed) > 1:
        broken.append(f"not caught in {WANTED_CAUGHT:.0%} of first runs: {', '.join(missed)}")
    broken += [
        f"{year.site}, seed {year.seed}: {most} false alarms in a quarter"
        for year in years
        if (most := max(year.quarters())) > 1
    ]
    return broken


def tell_why(years: Iterable[Year]) -> str:
    """Every false alarm, and every first run that passed."""
    lines = []
    for year in years:
        lines += [
            f"- {year.site} {year.seed} {alarm.at:%a %d %b %H:%M} {alarm.verdict} [{alarm.check}] {alarm.message}"
            for alarm in year.alarms
        ]
        lines += [
            f"- {year.site} {year.seed} {trial.at:%a %d %b %H:%M} passed: {trial.breakage} ({trial.pages} pages; "
            f"{trial.verdict}: {trial.checks})"
            for trial in year.trials
            if not trial.caught
        ]
    return "\n".join(lines)


def main(words: list[str] | None = None) -> int:
    """Measure, print Markdown tables; 0 when all that is wanted is so."""
    parser = argparse.ArgumentParser(
        description="What the gate makes of a year of made-up sites, and of the ways in which they break.",
        epilog="example: python -m bench.gate --first-seed 40 --seeds 2 --why",
    )
    parser.add_argument("--site", action="append", choices=[profile.id for profile in PROFILES], help="default: all")
    parser.add_argument("--seeds", type=int, default=1, help="years of each site")
    parser.add_argument("--first-seed", "--seed", type=int, default=0)
    parser.add_argument("--days", type=int, default=364)
    parser.add_argument("--times", type=int, default=4, help="how often each breakage is tried in a year")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--why", action="store_true", help="list each false alarm and each breakage that passed")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(words)
    names = asked.site or [profile.id for profile in PROFILES]
    jobs = [
        (name, seed, asked.days, asked.times)
        for seed in range(asked.first_seed, asked.first_seed + asked.seeds)
        for name in names
    ]
    years: list[Year] = []
    with ProcessPoolExecutor(asked.processes) as pool:
        for number, year in enumerate(pool.map(_live, jobs), start=1):
            years.append(year)
            print(f"{number} of {len(jobs)}: {year.site}, seed {year.seed}", file=sys.stderr, flush=True)
    print(f"{tell_breakages(years)}\n\n{tell_alarms(years)}\n\n{tell_in_short(years)}")
    if asked.why:
        print(f"\n{tell_why(years)}")
    broken = find_broken(years)
    if broken:
        print("\nNot as wanted (✗):\n" + "\n".join(f"- {line}" for line in broken))
    if asked.json:
        told = {
            "broken": broken,
            "sites": [
                {"site": year.site, "seed": year.seed, "runs": year.runs, "rejected": year.rejected,
                 "quarters": year.quarters(), "bytes": year.bytes,
                 "trials": [{"breakage": trial.breakage, "at": trial.at.isoformat(), "verdict": trial.verdict,
                             "checks": trial.checks, "caught": trial.caught, "pages": trial.pages,
                             "then": trial.then} for trial in year.trials]}
                for year in years
            ],
        }  # fmt: skip
        asked.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
