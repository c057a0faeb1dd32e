"""Discovery: reading a site's sources, and entering what they name into the books.

Each source is read to the depth that its Site allows: a feed, a sitemap with what it leads to, a listing page by
page, a service call by call. A source that fails costs that source only, and a document that fails that document; why
stands in the ``SourceYield``, beside what the source showed of being alive. How a document is parsed stands in
``spiders.sources`` and ``spiders.services``; how it is fetched, in ``spiders.fetch``; what is fetched of what was
named, in ``spiders.books``. Nothing here waits long without giving way: large documents are unpacked in a thread, and
entered by batches.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import itertools
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from spiders.books import Books, Work
from spiders.capture import Received
from spiders.coding import BodyTooLarge, BodyUndecodable, decode_body, gunzip
from spiders.fetch import Asked, Fetcher, Missed
from spiders.job import Job
from spiders.protocol import SourceYield
from spiders.services import MOST_CALLS, Service, explain_page, find_twin, open_service
from spiders.site import Site, Source
from spiders.sources import Document, Form, Further, Listed, SourceError, newest_first, parse_moment
from spiders.urls import absolute_url, canonical_url

MOST_SITEMAPS = 500
"""Documents of one sitemap source that are read in a run; the lately changed ones first."""
DEEPEST_SITEMAP = 3
MOST_ERRORS = 20
"""After so many documents of one source failed in a row, the source is left alone for this run."""

_MOST_ENTRIES = 10  # times crawl.max_urls: entries of one source, articles or not
_SHARE = 0.5  # of the run's time goes into sources at most, but for the first document of each
_BATCH = 500  # entries between two moments at which others may go on
_LARGE = 100_000  # bytes; a document of this size is unpacked in a thread
_NEWEST = 40
_UNDATED = 200
_DAY = 86400.0


@dataclass(kw_only=True)
class _Reading:
    """One source while it is read."""

    number: int
    source: Source
    signs: _Signs
    status: int | None = None
    documents: int = 0
    entries: int = 0
    articles: int = 0
    whole: bool = True  # nothing that it names was left out
    rolling: bool = False
    errors: list[str] = field(default_factory=list)
    failed: int = 0  # in a row
    queue: deque[tuple[str, int]] = field(default_factory=deque)
    seen: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)  # articles, of a source that is read page by page

    @property
    def limit(self) -> int:
        """How many documents may be read."""
        return MOST_SITEMAPS if self.source.type == "sitemap" else self.source.pages

    def enqueue(self, url: str, depth: int) -> None:
        """Read this document too, unless it was read."""
        if url not in self.seen:
            self.seen.add(url)
            self.queue.append((url, depth))

    def fail(self, url: str, error: object) -> None:
        """Note that a document gave nothing, or not all."""
        self.errors.append(f"{url}: {error}")
        self.failed += 1
        self.whole = False


class _Signs:
    """Signs of life of one source: its newest dates, and which of its newest articles nobody knows yet.

    Args:
        is_article: of a canonical URL.
        now: dates that lie in the future are not believed.
    """

    def __init__(self, is_article: Callable[[str], bool], now: datetime) -> None:
        self._is_article = is_article
        self._latest = now.timestamp() + _DAY
        self._dated: list[tuple[float, str]] = []  # a heap, the oldest first
        self._undated: set[str] = set()

    def note(self, one: Listed, via: str) -> None:
        """Look at an entry."""
        moment = parse_moment(one.lastmod or one.facts.get("published"))
        if moment is not None and moment > self._latest:
            moment = None
        if moment is None and len(self._undated) >= _UNDATED:
            return
        if moment is not None and len(self._dated) >= _NEWEST and moment <= self._dated[0][0]:
            return
        url = _spell(one.url, via)
        if url is None or not self._is_article(url):
            return
        if moment is None:
            self._undated.add(url)
        elif len(self._dated) < _NEWEST:
            heapq.heappush(self._dated, (moment, url))
        else:
            heapq.heapreplace(self._dated, (moment, url))

    def tell(self, is_known: Callable[[str], bool]) -> dict[str, object]:
        """What of it stands in the SourceYield."""
        moments = sorted(moment for moment, _ in self._dated)
        unknown = sorted({url for _, url in self._dated} | self._undated)
        unknown = [url for url in unknown if not is_known(url)]
        told: dict[str, object] = {"unknown": len(unknown)}
        if unknown:
            told["mark"] = hashlib.sha256("\n".join(unknown).encode()).hexdigest()[:16]
        if moments:
            told["newest"] = datetime.fromtimestamp(moments[-1], UTC)
            told["span"] = moments[-1] - moments[0]
            told["pause"] = max((b - a for a, b in itertools.pairwise(moments)), default=0.0)
        return told


class Discovery:
    """Reads the sources of a job's site."""

    def __init__(self, job: Job, fetcher: Fetcher, books: Books) -> None:
        self._job = job
        self._fetcher = fetcher
        self._books = books

    async def read_sources(self) -> list[SourceYield]:
        """Read every source, in the order of the site's file; what each gave."""
        return [await self._read_source(number, source) for number, source in enumerate(self._job.site.sources)]

    async def _read_source(self, number: int, source: Source) -> SourceYield:
        now = self._job.now()
        reading = _Reading(number=number, source=source, signs=_Signs(self._job.site.is_article, now))
        if source.type == "api":
            await self._call_service(reading, open_service(source, now=now))
        else:
            await self._walk_documents(reading)
        whole = reading.whole and not reading.errors and not reading.rolling
        self._books.close_source(number, whole=whole)
        return self._tell_source(reading, self._books.count_new(number), whole=whole)

    # --- feeds, sitemaps, listings

    async def _walk_documents(self, reading: _Reading) -> None:
        source = reading.source
        reading.enqueue(absolute_url(source.url), 0)
        while reading.queue and reading.documents < reading.limit and not self._is_enough(reading):
            url, depth = reading.queue.popleft()
            reading.documents += 1
            try:
                received = await self._fetcher.fetch(Asked(url=url, kind="source"))
                if reading.documents == 1:
                    reading.status = received.status
                elif received.status in (404, 410) and source.paging and source.type != "sitemap":
                    return  # the list has no more pages
                await self._read_document(reading, received, depth)
                reading.failed = 0
            except Missed as missed:
                reading.fail(url, missed)
                if missed.outcome == "deferred":
                    break
            except (SourceError, BodyTooLarge, BodyUndecodable) as error:
                reading.fail(url, error)
        if reading.queue and source.type == "sitemap":
            reading.errors.append(f"{len(reading.queue)} more sitemaps were not read")

    def _is_enough(self, reading: _Reading) -> bool:
        """Whether a source has had its share of the run, and so is left alone."""
        rules = self._job.site.crawl
        if reading.entries >= _MOST_ENTRIES * rules.max_urls:
            reading.fail(reading.source.url, f"more than {reading.entries} entries; the rest was not read")
        elif reading.documents and self._fetcher.pace.remaining() < (1 - _SHARE) * rules.run_seconds:
            reading.fail(reading.source.url, "half of run_seconds is spent; the rest was not read")
        else:
            return reading.failed >= MOST_ERRORS
        return True

    async def _read_document(self, reading: _Reading, received: Received, depth: int) -> None:
        """Enter what one document names, and queue the documents that it leads to."""
        source = reading.source
        body = await self._open_body(received, packed=source.type == "sitemap")
        expect: Form = "listing" if source.type == "api" else source.type
        document = Document(body, url=received.url, content_type=received.header("content-type"), expect=expect)
        del body  # the document lets go of it when it has what it needs
        further: list[Further] = []
        links: list[str] = []  # of a listing: pages may lead on
        before = len(reading.named)
        try:
            await self._enter(reading, iter(document), received.url, further, links)
        finally:
            reading.rolling |= document.rolling
        reading.whole &= document.whole
        if source.type == "sitemap":
            self._queue_children(reading, further, received.url, depth)
        elif depth == 0 or len(reading.named) > before:
            # A page that names no article that the pages before it did not is the end of what is worth reading.
            self._queue_pages(reading, further, links, received.url, depth)

    async def _open_body(self, received: Received, *, packed: bool) -> bytes:
        """A document's bytes, decoded within the site's limit; ``packed``: it may itself be a gzip file."""
        if received.status != 200:
            raise SourceError(f"HTTP status {received.status}")
        limit = self._job.site.crawl.max_bytes

        def unpack() -> bytes:
            body = decode_body(received.body, ", ".join(received.header_values("content-encoding")), limit)
            return gunzip(body, limit) if packed else body

        try:
            return unpack() if len(received.body) < _LARGE else await asyncio.to_thread(unpack)
        except BodyTooLarge as error:
            raise SourceError(f"decompressed it has {error}; raise crawl.max_bytes if that is right") from error

    async def _enter(
        self,
        reading: _Reading,
        found: Iterator[Listed | Further],
        via: str,
        further: list[Further],
        links: list[str],
    ) -> None:
        """Enter a stream by batches; what came before it broke is entered, too."""
        by_page = reading.source.type != "sitemap"
        while True:
            batch: list[Listed] = []
            broken: SourceError | None = None
            try:
                # Not in a thread: lxml's parsers must not go on in another thread than they began in ("free(): invalid
                # pointer", and the child is gone).
                first = next(found, None)
                for one in itertools.chain(() if first is None else (first,), itertools.islice(found, _BATCH - 1)):
                    if isinstance(one, Further):
                        further.append(one)
                    else:
                        batch.append(one)
            except SourceError as error:
                broken, first = error, None
            for one in batch:
                reading.signs.note(one, via)
                if by_page and (url := _spell(one.url, via)) is not None:
                    if self._job.site.is_article(url):
                        reading.named.add(url)
                    elif reading.source.type == "listing":
                        links.append(one.url)
            entries, articles = self._books.list_pages(batch, source=reading.number, via=via)
            reading.entries += entries
            reading.articles += articles
            if broken is not None:
                raise broken
            if first is None:
                return
            await asyncio.sleep(0)

    def _queue_children(self, reading: _Reading, further: list[Further], base: str, depth: int) -> None:
        """The sitemaps that an index names: on the source's host or the site's, and matching ``follow``."""
        wanted = [one for one in further if self._leads_on(reading.source, one.url, base)]
        if wanted and depth >= DEEPEST_SITEMAP:
            raise SourceError(f"an index nested {depth + 1} deep is not followed further")
        for one in newest_first(wanted):
            reading.enqueue(absolute_url(one.url, base), depth + 1)

    def _queue_pages(self, reading: _Reading, further: list[Further], links: list[str], base: str, depth: int) -> None:
        """The next page of a list: by ``paging``, or links that match ``follow``, or what says that it is next."""
        source = reading.source
        if source.pages <= 1:
            return
        if source.paging:
            reading.enqueue(number_page(source, depth), depth + 1)
            return
        following = [one.url for one in further if one.next]
        for url in links + following if source.follow else following:
            if self._leads_on(source, url, base):
                reading.enqueue(absolute_url(url, base), depth + 1)

    def _leads_on(self, source: Source, url: str, base: str) -> bool:
        """Whether a document belongs to the source: on its host or the site's, and matching ``follow``."""
        try:
            target = absolute_url(url, base)
        except ValueError:
            return False
        if urlsplit(target).netloc != urlsplit(absolute_url(source.url)).netloc and not self._job.site.owns(target):
            return False
        return source.follow is None or re.search(source.follow, target) is not None

    # --- services

    async def _call_service(self, reading: _Reading, service: Service) -> None:
        reading.whole = False  # services are asked for what is recent
        reading.rolling = service.rolling
        while reading.documents < MOST_CALLS:
            url = service.next_call()
            if url is None or self._is_enough(reading):
                return
            reading.documents += 1
            try:
                received = await self._fetcher.fetch(Asked(url=absolute_url(url), kind="source"))
                if reading.documents == 1:
                    reading.status = received.status
                body = await self._open_body(received, packed=False)
                answer = service.read_answer(body, url=received.url, content_type=received.header("content-type"))
                await self._enter(reading, answer, received.url, [], [])
                reading.failed = 0
            except (Missed, SourceError, BodyTooLarge, BodyUndecodable) as error:
                if isinstance(error, Missed) and error.outcome == "deferred":
                    reading.fail(url, error)
                    return
                if service.miss_answer():
                    self._job.say(f"{url}: {error}; another way is tried")
                else:
                    reading.fail(url, error)

    # --- the account

    def _tell_source(self, reading: _Reading, new: int, *, whole: bool) -> SourceYield:
        source = reading.source
        items = reading.articles if source.type == "listing" else reading.entries
        error = None
        if reading.errors:
            count = len(reading.errors)
            error = reading.errors[0] if count == 1 else f"{count} failures, the first: {reading.errors[0]}"
        documents = f" in {reading.documents} documents" if reading.documents > 1 else ""
        self._job.say(
            f"{source.type} {source.url}: {items} entries{documents}, {reading.articles} article URLs, {new} new"
            + (f"; failed: {error}" if error else "")
        )
        return SourceYield.model_validate(
            {
                "url": source.url,
                "type": source.type,
                "status": reading.status,
                "items": items,
                "new": new,
                "error": error and error[:500],
                "named": reading.entries,
                "articles": reading.articles,
                "documents": reading.documents,
                "whole": whole,
                "rolling": reading.rolling and source.type in ("api", "sitemap"),
                **reading.signs.tell(lambda url: self._job.plan.known(url) is not None),
            }
        )


Explain = Callable[[Received], Awaitable[Mapping[str, str]]]


def find_explainer(site: Site, fetcher: Fetcher, work: Work) -> Explain | None:
    """What says more of a page than the page: a page of GOV.UK has a twin in the content API.

    The twin is asked when the page is missing (404, 410), and when its source says that it changed; its answer is
    recorded as a further source.

    Returns:
        Given the page's answer, the facts that its twin adds; None for pages without one.
    """
    twin = find_twin(site, work.url)
    if twin is None:
        return None

    async def explain(received: Received) -> Mapping[str, str]:
        if received.status not in (404, 410) and not (received.status == 200 and _has_moved(work)):
            return {}
        try:
            answer = await fetcher.fetch(Asked(url=twin, kind="source", via=work.url))
            coding = ", ".join(answer.header_values("content-encoding"))
            return explain_page(decode_body(answer.body, coding, site.crawl.max_bytes))
        except (Missed, BodyTooLarge, BodyUndecodable):
            return {}  # a broken part costs that part

    return explain


def _has_moved(work: Work) -> bool:
    """Whether the source dates a known page later than it did when the page was captured."""
    now = parse_moment(work.lastmod)
    then = None if work.known is None else parse_moment(work.known.lastmod)
    return now is not None and then is not None and now > then


def number_page(source: Source, position: int) -> str:
    """The page of a list with ``paging`` that follows the one before which there are ``position`` others."""
    paging = (source.paging or "").replace("{n}", str(source.paging_first + position * source.paging_step))
    if paging.startswith("&"):
        return absolute_url(source.url + (paging if urlsplit(source.url).query else f"?{paging[1:]}"))
    return absolute_url(urljoin(source.url, paging))


def _spell(url: str, via: str) -> str | None:
    try:
        return canonical_url(url, via)
    except ValueError:
        return None
