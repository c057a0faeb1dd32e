"""Discovery: reading a site's sources, and entering what they name into the books.

Each source is read to the depth that its Site allows: a feed's one document, a sitemap with what it leads to, a
listing page by page. A source that fails costs that source only, and says why in its ``SourceYield``. How a document
is parsed stands in ``spiders.sources``; how it is fetched, in ``spiders.fetch``; what is fetched of what was
named, in ``spiders.books``.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from spiders.books import Books
from spiders.capture import Received
from spiders.coding import BodyTooLarge, BodyUndecodable, decode_body, gunzip
from spiders.fetch import Asked, Fetcher, Missed
from spiders.job import Job
from spiders.protocol import SourceYield
from spiders.site import Source
from spiders.sources import Further, Listed, SourceError, newest_first, parse_feed, parse_listing, parse_sitemap
from spiders.urls import absolute_url

MOST_SITEMAPS = 500
"""Documents of one sitemap source that are read in a run; the lately changed ones first."""
DEEPEST_SITEMAP = 3


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
        reading = _Reading(number=number, source=source)
        reading.enqueue(absolute_url(source.url), 0)
        while reading.queue and reading.documents < reading.limit:
            url, depth = reading.queue.popleft()
            reading.documents += 1
            try:
                received = await self._fetcher.fetch(Asked(url=url, kind="source"))
                if reading.documents == 1:
                    reading.status = received.status
                self._read_document(reading, received, depth)
            except Missed as missed:
                reading.errors.append(f"{url}: {missed}")
                if missed.outcome == "deferred":
                    break
            except (SourceError, BodyTooLarge, BodyUndecodable) as error:
                reading.errors.append(f"{url}: {error}")
        if reading.queue and source.type == "sitemap":
            reading.errors.append(f"{len(reading.queue)} more sitemaps were not read")
        self._books.close_source(number, whole=not reading.errors and not reading.queue)
        return self._tell_source(reading, self._books.count_new(number))

    def _read_document(self, reading: _Reading, received: Received, depth: int) -> None:
        """Enter what one document names, and queue the documents that it leads to."""
        if received.status != 200:
            raise SourceError(f"HTTP status {received.status}")
        source = reading.source
        limit = self._job.site.crawl.max_bytes
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
        entries, articles = self._books.list_pages(pages, source=reading.number, via=received.url)
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
            if urlsplit(target).netloc != host and not self._job.site.owns(target):
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
        self._job.say(
            f"{source.type} {source.url}: {items} entries{documents}, {reading.articles} article URLs, {new} new"
            + (f"; failed: {error}" if error else "")
        )
        return SourceYield(
            url=source.url, type=source.type, status=reading.status, items=items, new=new, error=error and error[:500]
        )


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
