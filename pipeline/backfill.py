"""How far the walk into a site's past has come: ``sites/<site>/backfill.json``, and what each of its chunks does to it.

A backfill is an order: a window of days. It is carried out in chunks, each an ordinary run (crawl, extract, check,
publish) whose crawl takes up the walk where the last published chunk left it (``spiders.walk``). The document is
replaced under ``If-Match`` and changes at two moments only: when a chunk begins, and when it is published. So a kill
at any instruction loses at most the walk of one chunk; its pages are in the frontier, and are not fetched again.

Not here: running a chunk (``pipeline.steps``), giving way to the regular schedule (``pipeline.steps``, ``dags``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from pydantic import Field

from pipeline.archive import Archive
from pipeline.endangered import next_run
from pipeline.errors import SettingsError
from pipeline.model import CONTRACT, Document, Finding, UtcTime
from spiders.pace import find_window
from spiders.protocol import CrawlSummary, Orders, SourceWalk, Walk
from spiders.site import Site
from spiders.window import Window

PASSED_SHARE = 0.8
"""A listing without dates has passed the window's start when this share of its articles was published before."""
LEAST_SECONDS = 300.0
_ENOUGH = 3  # dated articles tell where a listing has come to
MOST_IDLE = 3
"""After so many chunks in a row that neither fetched a page nor came further, the walk stops and says so."""


class Backfill(Document):
    """An order to fetch what a site published from ``since`` to ``until``, and how far it is carried out."""

    contract: int = CONTRACT
    site: str
    since: date
    until: date
    ordered_at: UtcTime
    run: str | None = None  # the chunk under way; None: none is
    run_at: UtcTime | None = None  # when that was begun
    chunks: int = 0  # that are published
    captured: int = 0  # pages that they fetched
    articles: int = 0  # of these
    missing: int = 0  # 404 and 410: what old listings lead to is often gone
    seconds: float = 0.0  # that their crawls took
    idle: int = 0  # chunks in a row that came no further
    not_before: UtcTime | None = None  # a host asked to be left alone until then: a chunk before would be empty
    walk: Walk = Field(default_factory=Walk)
    finished_at: UtcTime | None = None
    stopped: str | None = None  # why it does not go on by itself, in words

    @property
    def unfinished(self) -> bool:
        """Whether another chunk is wanted."""
        return self.finished_at is None and self.stopped is None


class Progress(Document):
    """How far a backfill has come, for people and for ``--json``."""

    site: str
    since: date
    until: date
    state: str  # "under way", "finished", "stopped"
    reached: date | None  # the earliest day that every source has come to, as far as the sources say
    months: int  # of the window
    months_done: int
    pages: int  # fetched
    articles: int
    found: int  # articles of the window that the sources named
    documents: int  # of sources, read
    documents_of: int | None  # where indexes say how many there are
    chunks: int
    seconds: float  # of crawling
    seconds_left: float | None  # by the pace so far; None: nobody can tell yet
    message: str


def read_backfill(archive: Archive, site: str) -> Backfill | None:
    """The latest order for a site; None when there never was one."""
    return archive.read_progress(archive.backfill_key(site), Backfill)


def begin_chunk(archive: Archive, site: Site, run: str, *, window: Window, now: datetime, again: bool = True) -> Orders:
    """Take the order up, or give it, and say what its next chunk does.

    An order for another window replaces the one that stands; what that one fetched is known and costs nothing.

    Args:
        archive: where the order lies.
        site: which site.
        run: id of the run that is to be the chunk.
        window: the days that are wanted; without a last one: until today.
        now: when the chunk begins.
        again: walk anew where the same order was carried out before.

    Raises:
        SettingsError: the window ends before it begins, or lies in the future.
        WriteConflict: others were faster too often in a row.
    """
    since, until = window.since, window.until or now.date()
    if since is None:
        raise SettingsError("A backfill needs the first day that is wanted.", next_step="Give one, as 2024-01-01.")
    if since > until:
        raise SettingsError(
            f"The window ends on {until} and begins on {since}.", next_step="Give --since the earlier day of the two."
        )
    if since > now.date():
        raise SettingsError(f"The window begins on {since}, which is to come.", next_step="Give a day of the past.")

    def begin(standing: Backfill | None) -> Backfill:
        if standing is None or (standing.since, standing.until) != (since, until) or (again and standing.finished_at):
            standing = Backfill(site=site.id, since=since, until=until, ordered_at=now)
        idle = 0 if standing.stopped else standing.idle  # who starts it again wants to see it try
        update = {"run": run, "run_at": now, "stopped": None, "idle": idle, "not_before": None}
        return standing.model_copy(update=update)

    begun = archive.change_progress(archive.backfill_key(site.id), Backfill, begin)
    assert begun is not None
    return Orders(mode="backfill", since=since, until=until, walk=begun.walk)


def end_chunk(
    archive: Archive, site: Site, run: str, summary: CrawlSummary, findings: Iterable[Finding], now: datetime
) -> Backfill | None:
    """Take in what a published chunk did; again for the same run changes nothing.

    Returns:
        The order as it stands; None when there is none.
    """
    found = list(_tell_days(findings))
    counted = Counter(kind for kind, _, _ in found)
    away = max((host.not_before for host in summary.robots.values() if host.not_before), default=None)
    away = away if away is not None and away > now else None

    def end(standing: Backfill | None) -> Backfill | None:
        if standing is None or standing.run != run:
            return standing
        walk = pass_start(summary.walk or standing.walk, [(via, day) for _, via, day in found if day], standing.since)
        idle = 0 if away or summary.captured or walk != standing.walk else standing.idle + 1
        return standing.model_copy(
            update={
                "run": None,
                "run_at": None,
                "chunks": standing.chunks + 1,
                "captured": standing.captured + summary.captured,
                "articles": standing.articles + counted["article"],
                "missing": standing.missing + counted["gone"],
                "seconds": round(standing.seconds + (summary.finished - summary.started).total_seconds(), 1),
                "idle": idle,
                "not_before": None if walk.finished else away,
                "walk": walk,
                "finished_at": now if walk.finished else None,
                "stopped": None
                if walk.finished or idle < MOST_IDLE
                else f"{idle} chunks in a row came no further: {summary.finish_reason}",
            }
        )

    return archive.change_progress(archive.backfill_key(site.id), Backfill, end)


def stop_backfill(archive: Archive, site: str, run: str, why: str) -> None:
    """Note that a chunk was rejected: nobody begins another one until an operator does."""

    def stop(standing: Backfill | None) -> Backfill | None:
        if standing is None or standing.run != run:
            return standing
        return standing.model_copy(update={"run": None, "run_at": None, "stopped": f"run {run} was rejected: {why}"})

    archive.change_progress(archive.backfill_key(site), Backfill, stop)


def pass_start(walk: Walk, dated: Sequence[tuple[str | None, date]], since: date) -> Walk:
    """Let listings and feeds whose entries have no dates end where the dates inside the articles lie before the window.

    Args:
        walk: as the crawl left it.
        dated: for each article of the chunk the document that named it, and the day it was published.
        since: first day of the window.
    """

    def pass_source(source: SourceWalk) -> SourceWalk:
        days: list[date] = []  # of the deepest documents
        for document in reversed(source.documents):
            days += [day for via, day in dated if via == document]
            if len(days) >= _ENOUGH:
                break
        if source.finished or not days:
            return source
        reached = sorted(days)[len(days) // 5]  # one old story on a page of new ones is an exception
        update: dict[str, object] = {"reached": min(reached, source.reached or reached)}
        if sum(day < since for day in days) >= PASSED_SHARE * len(days):
            update |= {"finished": True, "ended": "the window's start is passed", "next": None}
        return source.model_copy(update=update)

    return Walk(sources=tuple(pass_source(source) for source in walk.sources))


def tell_progress(backfill: Backfill) -> Progress:
    """How far it has come, in figures and in words."""
    sources = backfill.walk.sources
    open_sources = [source for source in sources if not source.finished]
    reached = _find_reached(backfill)
    share = 1.0 if backfill.finished_at else _find_share(backfill, reached)
    months = _count_months(backfill.since, backfill.until)
    done = months if backfill.finished_at else 0
    if reached and not done:  # the month that was reached is not done
        done = max(0, _count_months(reached, backfill.until) - 1)
    documents_of = sum(source.total or source.read for source in sources) if sources else None
    left = backfill.seconds * (1 - share) / share if 0.02 <= share < 1 else (0.0 if backfill.finished_at else None)
    state = "finished" if backfill.finished_at else "stopped" if backfill.stopped else "under way"
    words = [
        f"{done} of {months} months",
        f"{backfill.captured:,} pages fetched ({backfill.articles:,} articles, {backfill.missing:,} gone)",
        f"{sum(source.found for source in sources):,} found in {sum(source.read for source in sources):,} documents",
    ]
    if backfill.not_before and state == "under way":
        words.append(f"the site asked to be left alone until {backfill.not_before:%Y-%m-%d %H:%M}Z")
    if state == "stopped":
        words.append(f"stopped: {backfill.stopped}")
    elif state == "finished":
        words.append("finished")
    elif left is not None:
        words.append(f"about {_say_seconds(left)} of crawling left")
    if open_sources and reached:
        words.append(f"reached {reached}")
    unread = [source for source in sources if source.finished and not source.read]
    words += [f"{source.url} was not walked: {source.ended}" for source in unread]
    return Progress(
        site=backfill.site,
        since=backfill.since,
        until=backfill.until,
        state=state,
        reached=reached,
        months=months,
        months_done=done,
        pages=backfill.captured,
        articles=backfill.articles,
        found=sum(source.found for source in sources),
        documents=sum(source.read for source in sources),
        documents_of=documents_of,
        chunks=backfill.chunks,
        seconds=backfill.seconds,
        seconds_left=left,
        message="; ".join(words),
    )


def bound_chunk(site: Site, now: datetime) -> float:
    """Seconds that a chunk may crawl: until the regular run is due, and five minutes at least."""
    left = (next_run(site, now) - now).total_seconds()
    return min(site.crawl.run_seconds, max(LEAST_SECONDS, left))


def find_start(site: Site, backfill: Backfill, now: datetime) -> datetime | None:
    """When the next chunk may begin: now, or when the site's crawl window opens.

    Returns:
        The moment; None where a regular run is to go on at its end: one is due within minutes of the moment and goes
        first, or a host asked to be left alone, so that nobody knows when it answers again.
    """
    if backfill.not_before is not None and backfill.not_before > now:
        return None
    window = find_window(site.crawl.windows, site.timezone, now)
    if window.open:
        return now
    opens = window.changes
    if opens is None or (next_run(site, opens - timedelta(seconds=1)) - opens).total_seconds() < LEAST_SECONDS:
        return None
    return opens


def relax_limits(site: Site) -> Site:
    """The site with the limits for pages of years ago: nothing that its file or its history says of today's."""
    limits = site.check.model_copy(update={"min_captures": None, "min_published_share": None, "min_words": None})
    return site.model_copy(update={"check": limits})


def _tell_days(findings: Iterable[Finding]) -> Iterable[tuple[str, str | None, date | None]]:
    """Kind, source document and day of publication of each finding; not its text."""
    for finding in findings:
        published = finding.article.published if finding.article else None
        yield finding.kind, finding.via, published.value.date() if published else None


def _find_reached(backfill: Backfill) -> date | None:
    """The latest of the days that the open sources have come to: before it, something may be missing."""
    days = [source.reached for source in backfill.walk.sources if not source.finished]
    if backfill.finished_at:
        return backfill.since
    known = [day for day in days if day is not None]
    return max([backfill.since, *known]) if known and len(known) == len(days) else None


def _find_share(backfill: Backfill, reached: date | None) -> float:
    """How much of the whole is done: by the documents where an index counts them, else by the days."""
    counted = [source for source in backfill.walk.sources if source.total]
    if counted:
        total = sum(max(source.total or 1, source.read) for source in counted)
        return sum(source.read for source in counted) / total
    if reached is None:
        return 0.0
    days = (backfill.until - backfill.since).days + 1
    return min(1.0, max(0.0, (backfill.until - reached).days / days))


def _count_months(since: date, until: date) -> int:
    return max(0, (until.year - since.year) * 12 + until.month - since.month + 1)


def _say_seconds(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
