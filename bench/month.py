"""A month of a newsroom in minutes: does the archive see what was changed, and nothing else, and at what cost?

    python -m bench.month [--days 30] [--articles 1000] [--dates honest|silent|none|generated] [--every 2] [--json FILE]

A made-up newsroom on loopback starts with a back catalogue and publishes, edits, moves, removes and restores; its
server has outages, firewall storms, maintenance and consent pages, and single pages that are missing for an hour.
All of it is drawn from a seed before it begins, and kept as the truth. The site is crawled at virtual times by the
steps of a run, in this process with one warm extraction pool, but with the real crawl child and a real SeaweedFS.
Then the archive is held against the truth:

- *recall*: of the real changes (new, headline, correction, substance, moved, removed, restored) the share for which
  there is a version that shows them. Changes of the last two days are counted in the second figure only: evidence
  for a removal alone takes one.
- *delay*: from the change to the capture that proves it.
- *false tombstones*: versions that say "gone" of what was there (an outage is not an absence).
- *cosmetic versions*: versions between whose captures nothing but counters, relative times and adverts had changed.
- *requests for each article and day*: everything the server was asked for, sources and robots.txt included.

The tool beside it, which fetches every known page once a day, is not run but worked out from the same truth: one
request for each article that its sitemap lists or that it knows, each day at noon; it sees a change at the first
noon after it at which the server was well. It is given the same eyes, and no tombstones to get wrong.
"""

from __future__ import annotations

import argparse
import heapq
import html
import itertools
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from bench.measure import render_table
from bench.web import Page, WebSite

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GRACE = 2 * DAY
Dates = Literal["honest", "silent", "none", "generated"]
CLASSES = ("published", "headline", "correction", "substance", "moved", "removed", "restored")

_WHO = "residents councillors teachers engineers traders volunteers inspectors tenants drivers nurses planners auditors"
_DID = "approved questioned delayed welcomed rejected reviewed funded opened closed measured repaired discussed"
_WHAT = "bridge library market harbour school budget clinic footpath tramway archive reservoir allotment"
_WHERE = "Aldbrook Birchover Caldmoor Dunstead Eastwick Fernhill Greyport Holmfield Ivybank Kingsmere Langdale Marsh"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What kind of month it is."""

    articles: int = 1000
    per_day: int = 15
    days: int = 0
    kilobytes: int = 6
    dates: Dates = "honest"
    validators: float = 0.6  # share of pages with ETag or Last-Modified
    seed: int = 1
    calm: bool = False  # without outages, storms and blips


@dataclass(kw_only=True)
class Story:
    """One article as the newsroom has it."""

    number: int
    path: str
    published: datetime
    title: str
    paragraphs: list[str]
    corrections: list[str] = field(default_factory=list)
    modified: datetime
    told: datetime  # its lastmod
    validator: str = ""  # "etag", "date" or none
    turning: bool = False  # counters and relative times in its text
    comments: int = 0
    absent: str = ""  # "", "404", "410", "soft", "home"
    listed: bool = True
    canonical: str | None = None  # it is served at ``path`` too, but calls itself this
    revision: int = 0  # of what readers come for

    @property
    def address(self) -> str:
        """The path that counts."""
        return self.canonical or self.path


@dataclass(frozen=True, kw_only=True)
class Change:
    """A line of the truth."""

    at: datetime
    number: int
    kind: str
    sign: str = ""  # text or path that shows it
    until: datetime | None = None  # removals: when it was undone


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Hours in which the server answers otherwise."""

    since: datetime
    until: datetime
    kind: str


class Newsroom:
    """The site: what stands under a path at the moment ``now``.

    Args:
        plan: what kind of month.
        start: when the month begins; the back catalogue is older.
    """

    def __init__(self, plan: Plan, start: datetime) -> None:
        self.plan = plan
        self.start = self.now = start
        self.end = start + plan.days * DAY
        self.home = ""
        self.dice = random.Random(plan.seed)
        self.stories: dict[int, Story] = {}
        self.paths: dict[str, int] = {}
        self.redirects: dict[str, str] = {}
        self.truth: list[Change] = []
        self.troubles: list[Trouble] = []
        self.blips: dict[str, datetime] = {}
        self._events: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._count = itertools.count()
        self._filler = _draw_filler(plan.kilobytes, self.dice)
        for _ in range(plan.articles):
            age = self.dice.expovariate(1 / 200.0) + 0.1
            self._publish(start - timedelta(days=min(age, 1500)), old=True)
        self._schedule()

    # --- time ------------------------------------------------------------------------------------------

    def advance(self, to: datetime) -> None:
        """Let everything happen that happens until then."""
        while self._events and self._events[0][0] <= to:
            at, _, event = heapq.heappop(self._events)
            self.now = at
            event(at)
        self.now = to

    def _at(self, moment: datetime, event: Callable[[datetime], None]) -> None:
        if moment < self.start + self.plan.days * DAY:
            heapq.heappush(self._events, (moment, next(self._count), event))

    def _schedule(self) -> None:
        for day in range(self.plan.days):
            for count, event in (
                (self.plan.per_day, self._publish),
                (self.plan.articles / 200, self._edit_any),
                (2, self._move),
                (0.5, self._change_canonical),
                (1.5, self._remove),
                (0 if self.plan.calm else 3, self._blip),
            ):
                for _ in range(int(count) + (self.dice.random() < count % 1)):
                    self._at(self.start + (day + self.dice.random()) * DAY, event)
        if self.plan.calm:
            return
        for kind, every, low, high in (
            ("500", 5, 2, 6),
            ("403", 6, 2, 5),
            ("challenge", 7, 2, 5),
            ("maintenance", 8, 1, 4),
            ("consent", 9, 2, 8),
        ):
            for day in range(2, self.plan.days, every):
                since = self.start + (day + self.dice.random()) * DAY
                self.troubles.append(Trouble(since=since, until=since + self.dice.uniform(low, high) * HOUR, kind=kind))

    # --- what editors do -------------------------------------------------------------------------------

    def _publish(self, at: datetime, *, old: bool = False) -> None:
        dice, number = self.dice, len(self.stories)
        title = f"{_sentence(dice)[:-1]}, item {number}"
        story = Story(
            number=number,
            path=f"/news/{number}-{'-'.join(title.lower().replace(',', '').split()[:5])}",
            published=at,
            title=title,
            paragraphs=[" ".join(_sentence(dice) for _ in range(4)) for _ in range(dice.randint(4, 8))],
            modified=at,
            told=at,
            validator=dice.choice(("etag", "etag", "date")) if dice.random() < self.plan.validators else "",
            turning=dice.random() < 0.3 and self.plan.days > 0,
        )
        self.stories[number] = story
        self.paths[story.path] = number
        if old:
            return
        self.truth.append(Change(at=at, number=number, kind="published", sign=story.title))
        while dice.random() < 0.35:
            at += timedelta(hours=min(dice.lognormvariate(1.1, 1.3), 240))
            self._at(at, lambda moment, number=number: self._edit(number, moment))  # type: ignore[misc]

    def _living(self) -> list[Story]:
        return [s for s in self.stories.values() if not s.absent and s.canonical is None]

    def _edit_any(self, at: datetime) -> None:
        self._edit(self.dice.choice(self._living()).number, at)

    def _edit(self, number: int, at: datetime) -> None:
        story, dice = self.stories[number], self.dice
        if story.absent:
            return
        kind = dice.choices(("headline", "correction", "substance", "cosmetic"), (15, 15, 45, 25))[0]
        sign = f"{dice.randrange(10**6):06d}"
        if kind == "headline":
            story.title = f"{_sentence(dice)[:-1]}, item {number} ({sign})"
        elif kind == "correction":
            story.corrections.append(f"Correction: an earlier version gave a wrong figure; it is {sign} pounds.")
        elif kind == "substance":
            place = dice.randrange(len(story.paragraphs))
            story.paragraphs[place] += f" A report adds that {sign} households are affected. {_sentence(dice)}"
        else:
            story.comments += dice.randint(1, 9)
            story.paragraphs = [_requote(paragraph) for paragraph in story.paragraphs]
        story.modified = at
        if kind != "cosmetic":
            story.revision += 1
            self.truth.append(Change(at=at, number=number, kind=kind, sign=sign))
        if self.plan.dates != "silent":
            story.told = at

    def _move(self, at: datetime) -> None:
        story = self.dice.choice(self._living())
        before, story.path = story.path, f"/news/moved-{len(self.redirects)}-{story.number}"
        self.redirects[before] = story.path
        self.paths[story.path] = story.number
        story.modified = at
        self.truth.append(Change(at=at, number=story.number, kind="moved", sign=story.path))

    def _change_canonical(self, at: datetime) -> None:
        story = self.dice.choice(self._living())
        story.canonical = f"/news/canonical-{story.number}"
        self.paths[story.canonical] = story.number
        story.modified = at
        story.told = at
        self.truth.append(Change(at=at, number=story.number, kind="moved", sign=story.canonical))

    def _remove(self, at: datetime) -> None:
        dice = self.dice
        story = dice.choice(self._living())
        story.absent = dice.choices(("404", "410", "soft", "home"), (4, 2, 2, 2))[0]
        story.listed = dice.random() < 0.2
        back = at + timedelta(days=dice.uniform(3, 8)) if dice.random() < 0.4 else None
        self.truth.append(Change(at=at, number=story.number, kind="removed", sign=story.absent, until=back))
        if back is not None:
            self._at(back, lambda moment: self._restore(story, moment))

    def _restore(self, story: Story, at: datetime) -> None:
        story.absent, story.listed = "", True
        story.modified = at
        self.truth.append(Change(at=at, number=story.number, kind="restored", sign=story.address))

    def _blip(self, at: datetime) -> None:
        self.blips[self.dice.choice(self._living()).path] = at + timedelta(hours=self.dice.uniform(0.5, 6))

    # --- what the server answers ------------------------------------------------------------------------

    def trouble(self, at: datetime) -> str:
        """What is wrong with the server at a moment; nothing mostly."""
        return next((one.kind for one in self.troubles if one.since <= at < one.until), "")

    def answer(self, path: str) -> Page | None:  # noqa: PLR0911 - one for each trouble
        """What stands under a path now."""
        trouble = self.trouble(self.now)
        if trouble == "500":
            return _page("Internal Server Error", status=500)
        if trouble == "403":
            return _page("Access denied. Request blocked by the web application firewall.", status=403)
        if trouble == "challenge":
            return _page(
                "Just a moment... Checking your browser before accessing the site. Please enable JavaScript and "
                "cookies to continue. This process is automatic.",
                title="Just a moment...",
            )
        if trouble == "maintenance":
            return _page(
                "We are carrying out scheduled maintenance. The site will be back shortly. Sorry for the "
                "inconvenience.",
                title="Site under maintenance",
                status=200 if self.now.day % 2 else 503,
            )
        path = urlsplit(path).path
        if path == "/robots.txt":
            return Page(plain=b"User-agent: *\nDisallow: /private\n", media_type="text/plain")
        if path == "/sitemap.xml":
            return self._sitemap()
        if path == "/feed":
            return self._feed()
        if path == "/":
            return _page("The front page: news of the county, every day.", title="County News")
        if path in self.redirects:
            return Page(status=301, headers=(("Location", self.home + self.redirects[path]),))
        if path not in self.paths:
            return None
        if trouble == "consent":
            return _page(
                "We value your privacy. We and our 842 partners store and access information on a device. Accept all "
                "cookies to continue to the site. Manage options. Reject all.",
                title="Before you continue",
            )
        return self._story(self.stories[self.paths[path]], path)

    def _story(self, story: Story, path: str) -> Page | None:
        if story.absent == "410":
            return _page("This page has been removed.", title="Gone", status=410)
        if story.absent == "soft":
            return _page(
                "Sorry, the page you were looking for could not be found. It may have been moved or deleted.",
                title="Page not found",
            )
        if story.absent == "home":
            return Page(status=302, headers=(("Location", self.home + "/"),))
        if story.absent == "404" or self.blips.get(path, self.start) > self.now:
            return None
        body = self._draw(story)
        validator = "" if story.turning else story.validator
        return Page(
            plain=body,
            modified=story.modified if validator == "date" else None,
            tagged=validator == "etag",
        )

    def _draw(self, story: Story) -> bytes:
        ago, counter = "", ""
        if story.turning:
            hours = int((self.now - story.published) / HOUR)
            ago = f"<p class='when'>{f'{hours} hours ago' if hours < 48 else f'{hours // 24} days ago'}</p>"
            counter = f"<p class='comments'>{story.comments + hours % 17} comments</p>"
        paragraphs = "".join(f"<p>{html.escape(one, quote=False)}</p>" for one in story.paragraphs)
        notices = "".join(f"<p class='correction'>{one}</p>" for one in story.corrections)
        return (
            "<!DOCTYPE html><html lang='en-GB'><head><meta charset='utf-8'>"
            f"<title>{html.escape(story.title)} | County News</title>"
            f"<link rel='canonical' href='{self.home}{story.address}'>"
            f"<meta property='og:type' content='article'>"
            f"<meta property='article:published_time' content='{story.published.isoformat(timespec='seconds')}'>"
            f"</head><body>{self._filler[0]}<main><article><h1>{html.escape(story.title)}</h1>{ago}{paragraphs}"
            f"{notices}{counter}</article></main>{self._filler[1]}</body></html>"
        ).encode()

    def _sitemap(self) -> Page:
        entries = []
        for story in self.stories.values():
            if not story.listed:
                continue
            told = self.now if self.plan.dates == "generated" else story.told
            date = "" if self.plan.dates == "none" else f"<lastmod>{told.isoformat(timespec='seconds')}</lastmod>"
            entries.append(f"<url><loc>{self.home}{story.address}</loc>{date}</url>")
        text = f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{''.join(entries)}</urlset>"
        return Page(plain=f"<?xml version='1.0'?>{text}".encode(), media_type="application/xml")

    def _feed(self) -> Page:
        latest = heapq.nlargest(20, (s for s in self.stories.values() if s.listed), key=lambda s: s.published)
        items = "".join(
            f"<item><title>{html.escape(s.title)}</title><link>{self.home}{s.address}</link>"
            f"<pubDate>{format_datetime(s.published.replace(microsecond=0), usegmt=True)}</pubDate></item>"
            for s in latest
        )
        text = f"<rss version='2.0'><channel><title>County News</title>{items}</channel></rss>"
        return Page(plain=text.encode(), media_type="application/rss+xml")

    # --- the truth of a moment --------------------------------------------------------------------------

    def history(self) -> dict[int, list[Change]]:
        """The truth by story, in order."""
        lines: dict[int, list[Change]] = {number: [] for number in self.stories}
        for change in sorted(self.truth, key=lambda one: one.at):
            lines[change.number].append(change)
        return lines


def _sentence(dice: random.Random) -> str:
    who, did, what, where = (dice.choice(words.split()) for words in (_WHO, _DID, _WHAT, _WHERE))
    return (
        f"{who.capitalize()} in {where} {did} the {what} {dice.choice(('on Monday', 'last week', 'after a vote'))} "
        f"at a cost of {dice.randrange(2, 990)} thousand pounds, and the {dice.choice(_WHAT.split())} in "
        f"{dice.choice(_WHERE.split())} is “next”."
    )


def _requote(text: str) -> str:
    return text.replace("“", '"').replace("”", '"') if "“" in text else text.replace('"next"', "“next”")


def _draw_filler(kilobytes: int, dice: random.Random) -> tuple[str, str]:
    """What stands around an article: menus, teasers and scripts, so much of it."""
    menu = "".join(f"<li class='item'><a href='/section/{n}'>Section {n}</a></li>" for n in range(20))
    before = f"<header><nav><ul>{menu}</ul></nav></header>"
    parts: list[str] = []
    size = len(before)
    while size < kilobytes * 600:
        teaser = "".join(
            f"<div class='teaser t{dice.randrange(99)}'><a href='/section/{dice.randrange(99)}'><span>"
            f"{dice.choice(_WHAT.split())} {dice.randrange(999)}</span></a></div>"
            for _ in range(6)
        )
        script = (
            f"<script>window.q=window.q||[];q.push({json.dumps([dice.randrange(10**9) for _ in range(60)])})</script>"
        )
        parts.append(f"<aside class='related'>{teaser}</aside>{script}")
        size += len(parts[-1])
    return before, "".join(parts) + "<footer>County News, all rights reserved</footer>"


def _page(text: str, *, title: str = "", status: int = 200) -> Page:
    body = f"<!DOCTYPE html><html><head><title>{title or text}</title></head><body><p>{text}</p></body></html>"
    return Page(plain=body.encode(), status=status, tagged=False)


def write_site_file(folder: Path, home: str, *, concurrency: int = 8) -> None:
    """The site file of the newsroom, with id ``month``: nothing is set that politeness does not ask for."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "month.toml").write_text(
        f"""
name = "County News"
home = "{home}/"
kind = "regional"
article = 'http://127\\.0\\.0\\.1:{urlsplit(home).port}/news/[^/?]+'

[[sources]]
type = "feed"
url = "{home}/feed"

[[sources]]
type = "sitemap"
url = "{home}/sitemap.xml"

[crawl]
delay = 0
concurrency = {concurrency}
allow_private = true
fetch_at_most = 100000
""",
        encoding="utf-8",
    )


# --- the month -----------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Lived:
    """What happened on our side."""

    runs: list[datetime] = field(default_factory=list)
    requests: int = 0
    first_requests: int = 0
    rejected: int = 0
    failed: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    ranks: Counter[str] = field(default_factory=Counter)


def live(
    newsroom: Newsroom, home: Path, *, every: timedelta, minutes: float, report: Callable[[str], None]
) -> tuple[Lived, Any]:
    """Crawl the newsroom through its month, which ends early after so many minutes; what happened, and the archive."""
    from pipeline.errors import MunimentError, RunRejected
    from pipeline.settings import Settings
    from pipeline.steps import check, crawl, extract, new_run, open_workplace, publish
    from pipeline.workers import Extractor

    lived = Lived()
    settings = Settings(
        home=home,
        sites=(home / "sites",),
        builtin_sites=False,
        scratch=home / "scratch",
        contact="https://example.org/bench",
    )
    work = open_workplace(settings)
    began = time.monotonic()
    with WebSite(newsroom.answer) as site, Extractor(settings.processes) as extractor:
        newsroom.home = site.home
        write_site_file(home / "sites", site.home)
        work = open_workplace(settings)
        moment = newsroom.start
        while moment < newsroom.end and time.monotonic() - began < 60 * minutes:
            newsroom.advance(moment)
            now = work.settings.model_copy(update={"clock_ahead": max(moment - datetime.now(UTC), timedelta(0))})
            at = type(work)(settings=now, sites=work.sites, archive=work.archive)
            run = new_run(now)
            lived.runs.append(moment)
            before = site.answered
            said: list[str] = []
            try:
                crawled = crawl(at, "month", run, on_line=said.append)
                for segment in crawled.segments:
                    extract(at, "month", run, segment, extractor=extractor)
                check(at, "month", run)
                lived.outcomes.update(publish(at, "month", run).outcomes)
            except RunRejected:
                lived.rejected += 1
            except MunimentError as error:
                lived.failed += 1
                report(f"{moment:%d %b %H:%M} failed: {error}")
            lived.requests += site.answered - before
            lived.first_requests = lived.first_requests or lived.requests
            plan = next((line for line in said if " article URLs: " in line), "")
            if len(lived.runs) % 12 == 1:
                report(f"{moment:%d %b %H:%M}, {lived.requests} requests, {newsroom.trouble(moment)} {plan[:110]}")
            moment += every
    newsroom.end = min(newsroom.end, moment)
    lived.seconds = time.monotonic() - began
    return lived, work.archive


# --- the account ---------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Account:
    """The archive held against the truth."""

    seen: dict[str, list[float]] = field(default_factory=dict)  # class -> hours until it was seen
    missed: dict[str, list[Change]] = field(default_factory=dict)
    late_missed: Counter[str] = field(default_factory=Counter)  # of the last two days
    late: Counter[str] = field(default_factory=Counter)
    versions: int = 0
    justified: int = 0
    cosmetic: list[str] = field(default_factory=list)
    tombstones: int = 0
    false_tombstones: list[str] = field(default_factory=list)
    split: list[str] = field(default_factory=list)  # stories that have more than one article

    def recall(self, kind: str | None = None) -> float | None:
        """Share of changes seen, without those of the last two days."""
        kinds = [kind] if kind else list(CLASSES)
        seen = sum(len(self.seen.get(one, [])) for one in kinds)
        missed = sum(len(self.missed.get(one, [])) for one in kinds)
        return seen / (seen + missed) if seen + missed else None


def hold_against_truth(newsroom: Newsroom, archive: Any) -> Account:
    """Compare every version with what was so when it was captured."""
    account = Account()
    ours: dict[int, list[Any]] = {}
    articles: dict[int, set[str]] = {}
    for article in archive.articles("month"):
        versions = archive.versions("month", article)
        number = _story_of(newsroom, versions)
        ours.setdefault(number, []).extend(versions)
        articles.setdefault(number, set()).add(article)
    end = newsroom.end
    history = newsroom.history()
    for number, changes in history.items():
        versions = sorted(ours.get(number, []), key=lambda one: (one.captured_at, one.n))
        if len(articles.get(number, ())) > 1:
            account.split.append(newsroom.stories[number].path)
        for change in changes:
            _look_for(account, change, versions, end)
        _judge_versions(account, changes, versions)
    return account


def _story_of(newsroom: Newsroom, versions: list[Any]) -> int:
    for version in versions:
        for url in (version.requested_url, version.final_url, version.url):
            number = newsroom.paths.get(urlsplit(url).path)
            if number is not None:
                return number
    return -1


def _look_for(account: Account, change: Change, versions: list[Any], end: datetime) -> None:
    shown = next((v for v in versions if v.captured_at >= change.at and _shows(change, v)), None)
    late = change.at > end - GRACE
    if late:
        account.late[change.kind] += 1
    if shown is not None:
        account.seen.setdefault(change.kind, []).append((shown.captured_at - change.at) / HOUR)
    elif late:
        account.late_missed[change.kind] += 1
    else:
        account.missed.setdefault(change.kind, []).append(change)


def _shows(change: Change, version: Any) -> bool:
    if change.kind == "removed":
        return version.state.value == "gone" and (change.until is None or version.captured_at < change.until + HOUR)
    if version.state.value == "gone":
        return False
    if change.kind == "restored":
        return version.change.value in ("restored", "new")
    if change.kind == "moved":
        return bool(
            {urlsplit(url).path for url in (version.url, version.final_url, version.moved_to or "")} & {change.sign}
        )
    if change.kind == "published":
        return True
    return change.sign in version.title or change.sign in version.text


def _judge_versions(account: Account, changes: list[Change], versions: list[Any]) -> None:
    """Whether there was a reason for each further version: a real change between its capture and the one before."""
    previous: datetime | None = None
    for version in versions:
        account.versions += 1
        gone = _is_removed(changes, version.captured_at)
        if version.state.value == "gone":
            account.tombstones += 1
            if not gone:
                account.false_tombstones.append(version.url)
        since, previous = previous, version.captured_at
        reason = since is None or any(since - HOUR <= change.at <= version.captured_at for change in changes)
        if reason:
            account.justified += 1
        else:
            account.cosmetic.append(f"{version.url} n={version.n} {version.change.value}: {version.note or ''}")


def _is_removed(changes: list[Change], at: datetime) -> bool:
    removed = False
    for change in changes:
        if change.at > at:
            break
        removed = change.kind == "removed" or (removed and change.kind != "restored")
    return removed


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A crawler that fetches everything it knows once a day, worked out."""

    requests: int
    recall: float
    delays: dict[str, list[float]]


def work_out_baseline(newsroom: Newsroom) -> Baseline:
    """What daily fetching would see and cost on the same truth."""
    days = [newsroom.start + (day + 0.5) * DAY for day in range(newsroom.plan.days)]
    days = [day for day in days if day < newsroom.end]
    well = [day for day in days if not newsroom.trouble(day)]
    births = sorted(story.published for story in newsroom.stories.values())
    requests = sum(3 + sum(birth <= day for birth in births) for day in days)
    delays: dict[str, list[float]] = {}
    missed = 0
    end = newsroom.end
    for change in newsroom.truth:
        noon = next((day for day in well if day >= change.at), None)
        if noon is not None and (change.until is None or noon < change.until):
            delays.setdefault(change.kind, []).append((noon - change.at) / HOUR)
        elif change.at <= end - GRACE:
            missed += 1
    seen = sum(map(len, delays.values()))
    return Baseline(requests=requests, recall=seen / max(seen + missed, 1), delays=delays)


def tell(newsroom: Newsroom, lived: Lived, account: Account, baseline: Baseline) -> str:
    """The tables."""
    days = (newsroom.end - newsroom.start) / DAY
    article_days = sum(
        (newsroom.end - max(story.published, newsroom.start)) / DAY for story in newsroom.stories.values()
    )
    rows = []
    for kind in CLASSES:
        ours, theirs = account.seen.get(kind, []), baseline.delays.get(kind, [])
        count = len(ours) + len(account.missed.get(kind, [])) + account.late_missed[kind]
        rows.append(
            (
                *(kind, count, account.recall(kind), account.late_missed[kind]),
                statistics.median(ours) if ours else None,
                statistics.quantiles(ours, n=10)[8] if len(ours) > 1 else None,
                statistics.median(theirs) if theirs else None,
            )
        )
    every = [hours for kind in account.seen.values() for hours in kind]
    daily = [hours for kind in baseline.delays.values() for hours in kind]
    rows.append(
        (
            *("all", sum(row[1] for row in rows), account.recall(), sum(account.late_missed.values())),
            statistics.median(every) if every else None,
            statistics.quantiles(every, n=10)[8] if len(every) > 1 else None,
            statistics.median(daily) if daily else None,
        )
    )
    changes = render_table(
        ["change", "real ones", "recall", "missed of the last 2 days", "median h", "9th decile h", "daily: median h"],
        rows,
    )
    steady = lived.requests - lived.first_requests
    figures = render_table(
        ["figure", "Muniment", "everything daily"],
        [
            ("requests", lived.requests, baseline.requests),
            ("after the first run, for each article and day", steady / article_days, baseline.requests / article_days),
            ("recall", account.recall(), baseline.recall),
            ("false tombstones", len(account.false_tombstones), None),
            ("true tombstones", account.tombstones - len(account.false_tombstones), None),
            ("versions", account.versions, None),
            ("cosmetic or unexplained, %", 100 * len(account.cosmetic) / max(account.versions, 1), None),
            ("precision", account.justified / max(account.versions, 1), None),
            ("stories with two articles", len(account.split), None),
            ("days", days, days),
            ("runs", len(lived.runs), None),
            ("runs that the gate refused", lived.rejected, None),
            ("runs that failed", lived.failed, None),
            ("minutes of real time", lived.seconds / 60, None),
        ],
    )
    return f"{changes}\n\n{figures}"


def _complaints(account: Account) -> Iterator[str]:
    for kind, missed in account.missed.items():
        for change in missed[:6]:
            yield f"missed {kind} of story {change.number} at {change.at:%d %b %H:%M} ({change.sign}, {change.until})"
    for name in ("false_tombstones", "cosmetic", "split"):
        for line in getattr(account, name)[:8]:
            yield f"{name.replace('_', ' ')}: {line}"


def perform(asked: argparse.Namespace, home: Path) -> tuple[str, dict[str, Any], bool]:
    """Live the month; the tables, the figures, and whether the targets are kept."""
    from pipeline.seaweed import EmbeddedStore

    def report(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=30)
    plan = Plan(articles=asked.articles, days=asked.days, dates=asked.dates, seed=asked.seed, calm=asked.calm)
    newsroom = Newsroom(plan, start)
    for name in [name for name in os.environ if name.startswith(("AWS_", "MUNIMENT_"))]:
        del os.environ[name]
    (home / "sites").mkdir(parents=True, exist_ok=True)
    with EmbeddedStore(home, 0) as store:
        os.environ.update(store.environment())
        lived, archive = live(newsroom, home, every=asked.every * HOUR, minutes=asked.minutes, report=report)
        newsroom.advance(newsroom.end)
        account = hold_against_truth(newsroom, archive)
    baseline = work_out_baseline(newsroom)
    for line in _complaints(account):
        report(line)
    recall = account.recall() or 0.0
    share = len(account.cosmetic) / max(account.versions, 1)
    told = {
        "plan": asdict(plan),
        "recall": recall,
        "recall_by_class": {kind: account.recall(kind) for kind in CLASSES},
        "median_delay_hours": {kind: statistics.median(hours) for kind, hours in account.seen.items()},
        "false_tombstones": len(account.false_tombstones),
        "cosmetic_share": share,
        "requests": lived.requests,
        "first_requests": lived.first_requests,
        "baseline_requests": baseline.requests,
        "baseline_recall": baseline.recall,
        "outcomes": lived.outcomes,
        "rejected": lived.rejected,
        "failed": lived.failed,
    }
    kept = recall >= 0.98 and not account.false_tombstones and share < 0.01 and not lived.failed
    return tell(newsroom, lived, account, baseline), told, kept


def main(words: list[str] | None = None) -> int:
    """Live the month and print; 0 when recall, tombstones and cosmetic versions are what they should be."""
    parser = argparse.ArgumentParser(description="A month of a newsroom in minutes.")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--dates", choices=["honest", "silent", "none", "generated"], default="honest")
    parser.add_argument("--every", type=float, default=2.0, help="hours between two runs")
    parser.add_argument("--minutes", type=float, default=600.0, help="end the month early after so much real time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calm", action="store_true", help="no outages, storms or blips")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="use this folder, and leave it")
    asked = parser.parse_args(words)
    home = asked.keep or Path(tempfile.mkdtemp(prefix="muniment-month-"))
    try:
        tables, told, kept = perform(asked, home)
    finally:
        if not asked.keep:
            shutil.rmtree(home, ignore_errors=True)
    print(f"A month of {asked.articles} articles, dates {asked.dates}, a run every {asked.every:g} hours:\n\n{tables}")
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1, default=str), encoding="utf-8")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
