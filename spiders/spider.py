"""The one spider: read a site's sources, decide what to fetch, fetch it, say how each URL ended.

Everything about a site is in its Site; everything about the archive is in the plan. This module is the order of
things (``ArticleSpider.crawl``); how one URL is fetched is in ``spiders.fetch``, how a source is read in
``spiders.discovery``, and what ended how in ``spiders.books``. It does not look at articles: a page goes into
its WARC segment as it came.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from scrapy import Spider

from spiders.books import CAPTURED, Books, Work
from spiders.capture import Received
from spiders.discovery import Discovery, find_explainer
from spiders.documents import Link, find_links, read_page
from spiders.fetch import Asked, Fetcher, Missed, Withheld
from spiders.job import Job
from spiders.protocol import CrawlSummary, SourceYield
from spiders.walk import Walker
from spiders.warc import SegmentWriter

MOST_FAILURE_LINES = 100
_PROGRESS_PAGES = 100
_PROGRESS_SECONDS = 15.0


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
        started = job.now()
        self._cpu = time.process_time()
        engine = self.crawler.engine
        assert engine is not None
        books = Books(job.site, job.plan)
        fetcher = Fetcher(
            site=job.site,
            engine=engine,
            writer=job.writer,
            user_agent=job.user_agent,
            now=job.now,
            hosts=job.hosts,
            say=job.say,
            is_withheld=job.plan.is_withheld,
        )
        keeper = asyncio.ensure_future(_rotate_by_age(job.writer))
        try:
            orders = job.plan.orders
            sources = [] if orders.mode == "backfill" else await Discovery(job, fetcher, books).read_sources()
            walker = Walker(job, fetcher, books) if orders.walk is not None else None
            if walker is not None:
                walked = await walker.read_sources()
                sources = walked if orders.mode == "backfill" else sources
            planned = books.plan_work()
            for remark in books.remarks():
                job.say(remark)
            job.say(
                f"{books.count()} article URLs: {planned['new']} new, {planned['moved']} newer in their source, "
                f"{planned['due']} due for a re-check, {planned['unlisted']} listed no longer, "
                f"{planned['spot']} checked though their date stands, {books.states()['unchanged']} not due"
                + (f", {job.plan.count_done()} captured by an earlier try" if job.plan.count_done() else "")
            )
            for url, title, page in job.plan.linked():
                books.list_documents((Link(url=url, title=title),), page)
            pages = _Pages(job, fetcher, books)
            reason = await pages.fetch_all()
            if reason == "finished" and any(": deferred: " in (source.error or "") for source in sources):
                reason = fetcher.pace.why_ended() or reason
        finally:
            keeper.cancel()
        if keeper.done():
            keeper.result()  # it ends only by what went wrong
        job.writer.seal()
        job.summary = self._sum_up(books, fetcher, sources, started, reason, pages.withheld)
        if walker is not None:
            job.summary = job.summary.model_copy(update={"walk": walker.sum_up()})
        books.close()

    def _sum_up(
        self,
        books: Books,
        fetcher: Fetcher,
        sources: list[SourceYield],
        started: datetime,
        reason: str,
        withheld: Counter[str],
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
            unanswered=books.unanswered(),
            documents=books.document_states(),
            linked=books.linked(),
            sources=sources,
            robots=fetcher.robots_seen(),
            clock=fetcher.clock,
            wait=fetcher.find_wait(),
            withheld=dict(withheld),
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
        for said, count in summary.withheld.items():
            job.say(f"captured, but withheld: {said}: {count}")
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
        self._put_off: str | None = None
        self.withheld: Counter[str] = Counter()
        self._done = 0
        self._lines = 0
        self._began = self._told = time.monotonic()

    async def fetch_all(self) -> str:
        """Fetch until there is no more work, budget or time; returns why it ended."""
        await self._fetch_together()
        if self._job.site.crawl.documents and self._stopped is None:
            budget, self._budget = self._budget, self._job.site.crawl.documents_at_most
            self._work = self._books.plan_documents()
            await self._fetch_together()
            self._budget = budget
        left = self._books.close_rest("deferred", self._stopped or "fetch_at_most spent")
        return self._stopped or self._put_off or ("fetch_at_most spent" if left else "finished")

    async def _fetch_together(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._job.site.crawl.concurrency):
                group.create_task(self._fetch_some())

    async def _fetch_some(self) -> None:
        # The generator is shared by all workers; between two of its rows nothing is awaited.
        while self._budget > 0 and self._stopped is None:
            work = next(self._work, None)
            if work is None:
                return
            self._budget -= 1
            await self._fetch_page(work)

    async def _fetch_page(self, work: Work) -> None:
        asked = Asked(
            url=work.url,
            kind="page",
            via=work.via,
            lastmod=work.lastmod,
            title=work.title,
            facts=work.facts,
            known=work.known,
            explain=find_explainer(self._job.site, self._fetcher, work),
        )
        try:
            received = await self._fetcher.fetch(asked)
        except Withheld as withheld:
            # A capture like others for the books: extraction finds in its record that it is excluded, and why.
            self._books.close_page(work.url, CAPTURED, f"{withheld.status} withheld")
            self.withheld[withheld.reason] += 1
        except Missed as missed:
            self._books.close_page(work.url, missed.outcome, missed.reason)
            if missed.outcome == "deferred":
                self._note_deferred(missed)
            elif missed.outcome == "failed":
                self._tell(f"{missed}: {work.url}")
            else:
                self._budget += 1  # what may not be fetched does not use up what may
        else:
            self._books.close_page(work.url, CAPTURED, str(received.status))
            self._list_documents(work, received)
            if received.status >= 400:
                self._tell(f"HTTP status {received.status}: {work.url}")
        self._done += 1
        self._tell_progress()

    def _list_documents(self, work: Work, received: Received) -> None:
        """Enter the documents that a page links, where the site's file wants them."""
        rules = self._job.site.crawl
        if not rules.documents or received.status != 200 or "linked_from" in work.facts:
            return
        page = read_page(received.body, ", ".join(received.header_values("content-encoding")), rules.max_bytes)
        self._books.list_documents(find_links(page, received.url), work.url)

    def _note_deferred(self, missed: Missed) -> None:
        """The run is over, or one of its hosts is not asked any more; pages of other hosts go on."""
        self._put_off = self._put_off or missed.reason
        if missed.whole:
            self._stopped = missed.reason
        else:
            self._budget += 1

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


async def _rotate_by_age(writer: SegmentWriter) -> None:
    while True:
        await asyncio.sleep(1.0)
        writer.rotate()
