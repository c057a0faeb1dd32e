"""The one spider: read a site's sources, decide what to fetch, fetch it, say how each URL ended.

Everything about a site is in its Site; everything about the archive is in the plan. This module is the order of
things (``ArticleSpider.crawl``); how one URL is fetched is in ``spiders.fetch``, how a source is read in
``spiders.sources``, and what ended how in ``spiders.books``. It does not look at articles: a page goes into
its WARC segment as it came.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from scrapy import Spider

from spiders.books import CAPTURED, Books, Work
from spiders.capture import Received, Tally
from spiders.coding import BodyTooLarge, BodyUndecodable, decode_body, gunzip
from spiders.fetch import Asked, Fetcher, Missed
from spiders.protocol import CrawlSummary, Plan, SourceYield
from spiders.site import Site, Source
from spiders.sources import Further, Listed, SourceError, newest_first, parse_feed, parse_listing, parse_sitemap
from spiders.urls import absolute_url
from spiders.warc import SegmentWriter

MOST_SITEMAPS = 500
"""Documents of one sitemap source that are read in a run; the lately changed ones first."""
DEEPEST_SITEMAP = 3
MOST_FAILURE_LINES = 100
_PROGRESS_PAGES = 100
_PROGRESS_SECONDS = 15.0


@dataclass(kw_only=True)
class Job:
    """What a crawl needs, and what it leaves."""

    site: Site
    plan: Plan
    run: str
    writer: SegmentWriter
    user_agent: str
    say: Callable[[str], None]
    now: Callable[[], datetime]
    tally: Tally
    summary: CrawlSummary | None = None
    crash: BaseException | None = None


@dataclass(kw_only=True)
class _Reading:
    """One source while it is read."""

    number: int
    source: Source
    status: int | None = None
    documents: int = 0
    entries: int = 0
    articles: int = 0
    errors: list[str] = field(default_factory=list)
    queue: deque[tuple[str, int]] = field(default_factory=deque)
    seen: set[str] = field(default_factory=set)

    @property
    def limit(self) -> int:
        """How many documents may be read."""
        return {"feed": 1, "listing": self.source.pages}.get(self.source.type, MOST_SITEMAPS)

    def enqueue(self, url: str, depth: int) -> None:
        """Read this document too, unless it was read."""
        if url not in self.seen:
            self.seen.add(url)
            self.queue.append((url, depth))


class ArticleSpider(Spider):
    """Crawls the site of a ``Job``."""

    name = "articles"

    def __init__(self, *, job: Job, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job
        self._cpu = 0.0

    async def start(self) -> AsyncIterator[Any]:
        """Scrapy's entry; nothing is yielded, because the crawl fetches through the engine itself."""
        try:
            await self.crawl()
        except BaseException as error:  # noqa: BLE001 - Scrapy would log it and end with status 0
            self.job.crash = error
        return
        yield  # type: ignore[unreachable]  # makes this the generator that Scrapy wants

    async def crawl(self) -> None:
        """The whole crawl, from the sources to the summary."""
        job = self.job
        rules = job.site.crawl
        started = job.now()
        self._cpu = time.process_time()
        deadline = time.monotonic() + rules.run_seconds
        engine = self.crawler.engine
        assert engine is not None
        books = Books(job.site, job.plan)
        fetcher = Fetcher(
            site=job.site,
            engine=engine,
            writer=job.writer,
            user_agent=job.user_agent,
            now=job.now,
            remaining=lambda: deadline - time.monotonic(),
        )
        keeper = asyncio.ensure_future(_rotate_by_age(job.writer))
        try:
            sources = [await self._read_source(fetcher, books, n, s) for n, s in enumerate(job.site.sources)]
            planned = books.plan_work()
            job.say(
                f"{books.count()} article URLs: {planned['new']} new, {planned['moved']} newer in their source, "
                f"{planned['due']} due for a re-check, {books.states()['unchanged']} not due"
                + (f", {job.plan.count_done()} captured by an earlier try" if job.plan.count_done() else "")
            )
            reason = await _Pages(job, fetcher, books).fetch_all()
        finally:
            keeper.cancel()
        if keeper.done():
            keeper.result()  # it ends only by what went wrong
        job.writer.seal()
        job.summary = self._sum_up(books, fetcher, sources, started, reason)
        books.close()

    async def _read_source(self, fetcher: Fetcher, books: Books, number: int, source: Source) -> SourceYield:
        reading = _Reading(number=number, source=source)
        reading.enqueue(absolute_url(source.url), 0)
        while reading.queue and reading.documents < reading.limit:
            url, depth = reading.queue.popleft()
            reading.documents += 1
            try:
                received = await fetcher.fetch(Asked(url=url, kind="source"))
                if reading.documents == 1:
                    reading.status = received.status
                self._read_document(reading, books, received, depth)
            except Missed as missed:
                reading.errors.append(f"{url}: {missed}")
                if missed.outcome == "deferred":
                    break
            except (SourceError, BodyTooLarge, BodyUndecodable) as error:
                reading.errors.append(f"{url}: {error}")
        if reading.queue and source.type == "sitemap":
            reading.errors.append(f"{len(reading.queue)} more sitemaps were not read")
        return self._tell_source(reading, books.count_new(number))

    def _read_document(self, reading: _Reading, books: Books, received: Received, depth: int) -> None:
        """Enter what one document names, and queue the documents that it leads to."""
        if received.status != 200:
            raise SourceError(f"HTTP status {received.status}")
        source = reading.source
        limit = self.job.site.crawl.max_bytes
        try:
            body = decode_body(received.body, ", ".join(received.header_values("content-encoding")), limit)
            if source.type == "sitemap":
                body = gunzip(body, limit)
        except BodyTooLarge as error:
            raise SourceError(f"decompressed it has {error}; raise crawl.max_bytes if that is right") from error
        further: list[Further] = []
        parse = {"feed": parse_feed, "sitemap": parse_sitemap, "listing": parse_listing}[source.type]
        found = parse(body, url=received.url, content_type=received.header("content-type"))
        pages = _set_aside(found, further, self._leads_on(source, received.url), links=source.type == "listing")
        entries, articles = books.list_pages(pages, source=reading.number, via=received.url)
        reading.entries += entries
        reading.articles += articles
        if depth < DEEPEST_SITEMAP or source.type == "listing":
            for one in newest_first(further):
                reading.enqueue(absolute_url(one.url, received.url), depth + 1)

    def _leads_on(self, source: Source, base: str) -> Callable[[str], bool]:
        """Whether a document's URL belongs to the source: on its host or the site's, and matching ``follow``."""
        pattern = re.compile(source.follow) if source.follow else None
        host = urlsplit(absolute_url(source.url)).netloc

        def leads_on(url: str) -> bool:
            try:
                target = absolute_url(url, base)
            except ValueError:
                return False
            if urlsplit(target).netloc != host and not self.job.site.owns(target):
                return False
            return source.type == "sitemap" if pattern is None else pattern.search(target) is not None

        return leads_on

    def _tell_source(self, reading: _Reading, new: int) -> SourceYield:
        source = reading.source
        items = reading.articles if source.type == "listing" else reading.entries
        error = None
        if reading.errors:
            count = len(reading.errors)
            error = reading.errors[0] if count == 1 else f"{count} failures, the first: {reading.errors[0]}"
        documents = f" in {reading.documents} documents" if reading.documents > 1 else ""
        self.job.say(
            f"{source.type} {source.url}: {items} entries{documents}, {reading.articles} article URLs, {new} new"
            + (f"; failed: {error}" if error else "")
        )
        return SourceYield(
            url=source.url, type=source.type, status=reading.status, items=items, new=new, error=error and error[:500]
        )

    def _sum_up(
        self, books: Books, fetcher: Fetcher, sources: list[SourceYield], started: datetime, reason: str
    ) -> CrawlSummary:
        job = self.job
        states = books.states()
        captured = states.pop(CAPTURED, 0)
        summary = CrawlSummary(
            site=job.site.id,
            run=job.run,
            started=started,
            finished=job.now(),
            finish_reason=reason,
            user_agent=job.user_agent,
            discovered=books.count(),
            captured=captured,
            outcomes=dict(sorted(states.items())),
            reasons=books.reasons(),
            examples=books.examples(),
            sources=sources,
            robots={urlsplit(origin).netloc: policy.seen() for origin, policy in fetcher.policies.items()},
            segments=list(job.writer.sealed),
            yielded=job.tally.yielded,
            written=job.writer.written,
            bytes_received=job.tally.bytes_received,
            requests=job.tally.requests,
            cpu_seconds=round(time.process_time() - self._cpu, 3),
        )
        statuses = ", ".join(f"{status} x {count}" for status, count in books.statuses().items())
        for said, count in summary.reasons.items():
            job.say(f"{said}: {count}")
        job.say(
            f"discovered {summary.discovered} = captured {captured}"
            + "".join(f" + {state} {count}" for state, count in summary.outcomes.items())
            + (f"; statuses {statuses}" if statuses else "")
        )
        job.say(
            f"{summary.requests} requests, {summary.bytes_received} bytes, {summary.yielded} exchanges yielded, "
            f"{summary.written} written in {len(summary.segments)} segments; "
            f"{summary.cpu_seconds:.1f} s of CPU; {reason}"
        )
        return summary


class _Pages:
    """The fetching of a run's article pages."""

    def __init__(self, job: Job, fetcher: Fetcher, books: Books) -> None:
        self._job = job
        self._fetcher = fetcher
        self._books = books
        self._work = books.work()
        self._budget = job.site.crawl.fetch_at_most - job.plan.count_done()
        self._stopped: str | None = None
        self._done = 0
        self._lines = 0
        self._began = self._told = time.monotonic()

    async def fetch_all(self) -> str:
        """Fetch until there is no more work, budget or time; returns why it ended."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._job.site.crawl.concurrency):
                group.create_task(self._fetch_some())
        left = self._books.close_rest("deferred", self._stopped or "fetch_at_most spent")
        return self._stopped or ("fetch_at_most spent" if left else "finished")

    async def _fetch_some(self) -> None:
        # The generator is shared by all workers; between two of its rows nothing is awaited.
        while self._budget > 0 and self._stopped is None:
            work = next(self._work, None)
            if work is None:
                return
            self._budget -= 1
            await self._fetch_page(work)

    async def _fetch_page(self, work: Work) -> None:
        asked = Asked(url=work.url, kind="page", via=work.via, lastmod=work.lastmod, title=work.title, known=work.known)
        try:
            received = await self._fetcher.fetch(asked)
        except Missed as missed:
            self._books.close_page(work.url, missed.outcome, missed.reason)
            if missed.outcome == "deferred":
                self._stopped = missed.reason
            elif missed.outcome == "failed":
                self._tell(f"{missed}: {work.url}")
            else:
                self._budget += 1  # what may not be fetched does not use up what may
        else:
            self._books.close_page(work.url, CAPTURED, str(received.status))
            if received.status >= 400:
                self._tell(f"HTTP status {received.status}: {work.url}")
        self._done += 1
        self._tell_progress()

    def _tell(self, line: str) -> None:
        self._lines += 1
        if self._lines <= MOST_FAILURE_LINES:
            self._job.say(line)
        elif self._lines == MOST_FAILURE_LINES + 1:
            self._job.say("more failures are counted and not told")

    def _tell_progress(self) -> None:
        now = time.monotonic()
        if self._done % _PROGRESS_PAGES == 0 or now - self._told >= _PROGRESS_SECONDS:
            self._told = now
            rate = self._done / max(now - self._began, 0.001)
            sealed = len(self._job.writer.sealed)
            self._job.say(f"{self._done} pages done, {rate:.1f} a second, {sealed} segments sealed")


def _set_aside(
    found: Iterator[Listed | Further] | Iterator[Listed],
    further: list[Further],
    leads_on: Callable[[str], bool],
    *,
    links: bool,
) -> Iterator[Listed]:
    """The pages of a stream; documents that lead on are put into ``further`` (with ``links``, pages may do so)."""
    for one in found:
        if (links or isinstance(one, Further)) and leads_on(one.url):
            further.append(Further(url=one.url, lastmod=one.lastmod))
        if isinstance(one, Listed):
            yield one


async def _rotate_by_age(writer: SegmentWriter) -> None:
    while True:
        await asyncio.sleep(1.0)
        writer.rotate()
