"""The walk into the past: sources read document by document, latest first, until a window's start is passed.

``spiders.discovery`` reads what sources say today; this reads what they still say of earlier days: every child of a
sitemap index that may hold a day of the window, a feed's older pages (RFC 5005, or WordPress's ``paged``), a listing
page by page, a service call by call. A run takes the walk up where the one before left it
(``spiders.protocol.Walk``), reads no more than its budget of pages needs, and says how far it came. What the plan
knows is passed by.

A document is done when nothing of it is left to fetch; so after a kill, at whatever moment, the next run reads the
same document again and finds the rest. Not here: when a listing without dates has passed the window's start, which
only the dates inside the articles tell (``pipeline.backfill``).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import lxml.etree
import lxml.html

from spiders.books import Books
from spiders.capture import Received
from spiders.coding import BodyTooLarge, BodyUndecodable, decode_body, gunzip
from spiders.discovery import number_page
from spiders.fetch import Asked, Fetcher, Missed
from spiders.job import Job
from spiders.protocol import SourceWalk, SourceYield, Walk
from spiders.services import find_walk_start, open_service
from spiders.site import Source
from spiders.sources import Further, Listed, SourceError, parse_feed, parse_listing, parse_sitemap
from spiders.urls import absolute_url, canonical_url
from spiders.window import Window, are_stamped, date_entry, latest_first, may_hold

MOST_DOCUMENTS: Final = 20_000
"""Documents of one source that a run reads: a calendar leads on for ever, an archive does not."""
DEEPEST: Final = 4
TRIES: Final = 3
"""In so many runs a document that failed, or pages of which failed, is tried."""
OUTSIDE: Final = "outside the window"

NOT_WALKED: Final = "ModernGov is asked for the months around today: raise the source's pages to reach further back"

_PARSERS: Final = {"feed": parse_feed, "sitemap": parse_sitemap, "listing": parse_listing}
_SHARE: Final = 0.5  # of the run's time goes into walking at most; the rest is for the pages
_DULL: Final = 3  # a chain ends after so many documents in a row that name no article, or the same ones as before
_WORDPRESS = re.compile(rb"<generator>\s*https?://wordpress\.(?:org|com)", re.IGNORECASE)
_OLDER = {"prev-archive": 0, "next": 1, "next-archive": 9}
_NUMBER = re.compile(r"\d+")


@dataclass(kw_only=True)
class _Document:
    """One document as it was read in this run."""

    url: str  # as the walk names it
    position: int = 0
    via: str = ""  # as it answered
    further: list[Further] = field(default_factory=list)
    articles: frozenset[str] = frozenset()  # that it names, of the window or not
    found: int = 0  # of the window
    oldest: date | None = None  # of these
    passed: bool = False  # all that it dates lies before the window
    body: bytes = b""  # of a feed or a listing, until it is asked where it leads
    older: str | None = None  # of a service: what it is asked next
    error: str | None = None
    missing: bool = False  # 404 or 410


@dataclass(kw_only=True)
class _Way:
    """One source's way in this run."""

    number: int
    source: Source
    walk: SourceWalk
    read: list[_Document] = field(default_factory=list)
    indexes: set[str] = field(default_factory=set)
    total: int = 0
    status: int | None = None
    items: int = 0
    ended: str | None = None  # why there is no more; None: the run's budget ended it

    @property
    def errors(self) -> list[str]:
        """What went wrong, in words."""
        return [document.error for document in self.read if document.error]


class Walker:
    """Walks the sources of a job's site: ``read_sources`` first, ``sum_up`` when the pages are fetched.

    Args:
        job: with orders that have a walk.
        fetcher: fetches and records.
        books: where articles are entered.
    """

    def __init__(self, job: Job, fetcher: Fetcher, books: Books) -> None:
        orders = job.plan.orders
        self._job = job
        self._fetcher = fetcher
        self._books = books
        self._window = Window(since=orders.since, until=orders.until)
        self._until = time.monotonic() + job.site.crawl.run_seconds * _SHARE
        self._budget = max(1, job.site.crawl.fetch_at_most - job.plan.count_done())
        before = {walk.url: walk for walk in (orders.walk or Walk()).sources}
        self._ways = [
            _Way(number=number, source=source, walk=before.get(source.url) or SourceWalk(url=source.url))
            for number, source in enumerate(job.site.sources)
        ]

    async def read_sources(self) -> list[SourceYield]:
        """Read on in every source that has not ended, as far as the run's budget of pages and time goes."""
        return [await self._read_source(way) for way in self._ways if not way.walk.finished]

    def sum_up(self) -> Walk:
        """How far the walk has come, now that the pages are fetched."""
        return Walk(sources=tuple(self._sum_up_source(way) for way in self._ways))

    # --- the ways through sources

    async def _read_source(self, way: _Way) -> SourceYield:
        source = way.source
        if source.type == "sitemap":
            await self._read_sitemaps(way, absolute_url(source.url))
        elif source.type == "api":
            start = find_walk_start(source, self._window.since)
            if start is None:
                way.ended = NOT_WALKED
            else:
                await self._read_chain(way, way.walk.next or absolute_url(start), way.walk.position)
        else:
            await self._read_chain(way, way.walk.next or absolute_url(source.url), way.walk.position)
        new = self._books.count_new(way.number)
        self._job.say(
            f"walk through {source.type} {source.url}: {len(way.read)} documents, "
            f"{sum(document.found for document in way.read)} articles of the window, {new} new; "
            + (way.ended or "the rest is for the next run")
            + (f"; failed: {way.errors[0]}" if way.errors else "")
        )
        return SourceYield(
            url=source.url,
            type=source.type,
            status=way.status,
            items=way.items,
            new=new,
            error=way.errors[0][:500] if way.errors and len(way.errors) == len(way.read) else None,
        )

    async def _read_sitemaps(self, way: _Way, root: str) -> None:
        """Depth first, the latest documents first; an index is read in every run, its children until they are done."""
        stack = [(root, 0)]
        seen = {root}
        done = set(way.walk.done)
        while stack:
            if self._is_spent(way):
                return
            url, depth = stack.pop()
            document = await self._read(way, url)
            if not document.further:
                continue
            way.indexes.add(url)
            children: list[str] = []
            for one in latest_first(document.further) if depth < DEEPEST else ():
                target = self._place(one.url, document.via)
                if target is None or target in seen or not may_hold(one, self._window):
                    continue
                seen.add(target)
                way.total += 1
                if target not in done:
                    children.append(target)
            stack += [(target, depth + 1) for target in reversed(children)]
        way.ended = "all its documents are read"

    async def _read_chain(self, way: _Way, url: str, position: int) -> None:
        """A feed or a listing, document by document, from a position on."""
        seen: set[str] = set()
        named: set[str] = set()
        dull = 0
        while True:
            if self._is_spent(way):
                return
            seen.add(url)
            document = await self._read(way, url, position)
            if document.error:
                # Numbered pages often end in a 404; another failure is for the next run to try again.
                if document.missing and position:
                    way.read.pop()
                    way.ended = "its last page is read"
                return
            if document.passed:
                way.ended = "the window's start is passed"
                return
            dull = 0 if document.articles - named else dull + 1
            named |= document.articles
            after = document.older or find_older(
                document.body, url=document.via, source=way.source, position=position, seen=seen, named=not dull
            )
            document.body = b""
            target = None if after is None else self._place(after, document.via)
            if target is None or target in seen or dull >= _DULL:
                way.ended = "its last page is read"
                return
            url, position = target, position + 1

    def _place(self, url: str, base: str) -> str | None:
        """The address of a further document; None when it lies on a host that is not the site's."""
        try:
            target = absolute_url(url, base)
        except ValueError:
            return None
        return target if urlsplit(target).netloc == urlsplit(base).netloc or self._job.site.owns(target) else None

    def _is_spent(self, way: _Way) -> bool:
        if way.read and self._books.count_open_new() >= self._budget:
            return True
        return len(way.read) >= MOST_DOCUMENTS or time.monotonic() >= self._until

    # --- one document

    async def _read(self, way: _Way, url: str, position: int = 0) -> _Document:
        document = _Document(url=url, via=url, position=position)
        way.read.append(document)
        try:
            received = await self._fetcher.fetch(Asked(url=url, kind="source"))
            if len(way.read) == 1:
                way.status = received.status
            document.missing = received.status in (404, 410)
            document.via = received.url
            self._enter(way, document, received)
        except (Missed, SourceError, BodyTooLarge, BodyUndecodable) as error:
            document.error = f"{url}: {error}"
        return document

    def _enter(self, way: _Way, document: _Document, received: Received) -> None:
        """Enter the articles of the window that a document names into the books."""
        if received.status != 200:
            raise SourceError(f"HTTP status {received.status}")
        limit = self._job.site.crawl.max_bytes
        body = decode_body(received.body, ", ".join(received.header_values("content-encoding")), limit)
        if way.source.type == "sitemap":
            body = gunzip(body, limit)
        else:
            document.body = body
        service = None
        if way.source.type == "api":
            service = open_service(way.source.model_copy(update={"pages": MOST_DOCUMENTS}), now=self._job.now())
            service.next_call()
        entries: list[Listed] = []
        broken: SourceError | None = None
        parse = service.read_answer if service else _PARSERS[way.source.type]
        try:
            for one in parse(body, url=received.url, content_type=received.header("content-type")):
                (document.further if isinstance(one, Further) else entries).append(one)  # type: ignore[arg-type]
        except SourceError as error:
            broken = error
        document.older = service.next_call() if service else None
        self._books.list_pages(self._choose(document, entries), source=way.number, via=document.via)
        way.items += len(entries)
        if broken is not None:
            raise broken

    def _choose(self, document: _Document, entries: list[Listed]) -> Iterator[Listed]:
        """The entries that are no articles, or articles of the window; the others are told to the books in a word."""
        believe = not are_stamped(entries)
        articles: set[str] = set()
        outside: list[str] = []
        dated = before = 0
        for one in entries:
            url = self._article(one.url, document.via)
            if url is None:
                yield one
                continue
            articles.add(url)
            span = date_entry(one, believe=believe)
            dated += span is not None
            if span is not None and not self._window.overlaps(span):
                before += self._window.is_after(span)
                outside.append(url)
                continue
            document.found += 1
            if span is not None and span.since is not None:
                document.oldest = min(document.oldest or span.since, span.since)
            yield one
        document.articles = frozenset(articles)
        document.passed = bool(before) and before == dated == len(articles)
        self._books.pass_over(outside, OUTSIDE)

    def _article(self, url: str, base: str) -> str | None:
        try:
            spelled = canonical_url(url, base)
        except ValueError:
            return None
        return spelled if self._job.site.is_article(spelled) else None

    # --- the sum

    def _sum_up_source(self, way: _Way) -> SourceWalk:
        walk = way.walk
        if walk.finished or not way.read:
            ended = walk.ended or way.ended
            return walk.model_copy(update={"documents": (), "finished": ended is not None, "ended": ended})
        tries = dict(walk.tries)
        done: list[_Document] = []
        left: list[_Document] = []
        for document in way.read:
            deferred, failed = (0, 1) if document.error else self._books.count_unfinished(document.via)
            if failed:
                tries[document.url] = tries.get(document.url, 0) + 1
            (left if deferred or (failed and tries[document.url] < TRIES) else done).append(document)
        known = set(walk.done)
        fresh = [document for document in done if document.url not in known and document.url not in way.indexes]
        chain = way.source.type != "sitemap"
        if chain:
            # The cursor's own document was counted by the run before.
            fresh = [document for document in fresh if not walk.next or document.position > walk.position]
        cursor = (left or way.read)[0 if left else -1]
        if chain and cursor.error and not left:  # given up
            way.ended = way.ended or cursor.error
        finished = way.ended is not None and not left
        days = [document.oldest for document in fresh if document.oldest] + ([walk.reached] if walk.reached else [])
        return SourceWalk(
            url=walk.url,
            done=() if chain or finished else (*walk.done, *(document.url for document in fresh)),
            next=cursor.url if chain and not finished else None,
            position=cursor.position if chain and not finished else 0,
            tries={} if finished else {url: count for url, count in tries.items() if count < TRIES},
            read=walk.read + len(fresh),
            found=walk.found + sum(document.found for document in fresh),
            total=(way.total or len(way.read)) if not chain else None,
            reached=min(days, default=None),
            documents=tuple(document.via for document in way.read) if chain else (),
            finished=finished,
            ended=way.ended if finished else None,
        )


# --- where a feed or a listing leads to


def find_older(
    body: bytes, *, url: str, source: Source, position: int, seen: Iterable[str] = (), named: bool = True
) -> str | None:
    """The document with the entries before those of the one at hand, as it is written; None where there is none.

    Args:
        body: the document, decoded.
        url: where it is.
        source: what it is of.
        position: how many documents of the source come before it.
        seen: documents that were read.
        named: whether it named anything new; a made-up address is not asked for beyond one that did not.
    """
    if source.type == "api":
        return None  # a service tells itself
    if source.type == "feed":
        return _find_older_feed(body, url=absolute_url(source.url), position=position, named=named)
    if source.paging is not None:
        return number_page(source, position) if named else None
    return _find_older_listing(body, url=url, follow=source.follow, seen=set(seen))


def _find_older_feed(body: bytes, *, url: str, position: int, named: bool) -> str | None:
    """By RFC 5005 (``prev-archive``, ``next``), by JSON Feed's ``next_url``, or by WordPress's query ``paged``."""
    if body.lstrip()[:1] == b"{":
        try:
            told = json.loads(body).get("next_url")
        except (ValueError, AttributeError, RecursionError):
            return None
        return told if isinstance(told, str) else None
    found: dict[int, str] = {}
    for element in _links(body):
        rank = _OLDER.get(str(element.get("rel", "")).lower(), 9)
        if rank < 9 and element.get("href"):
            found.setdefault(rank, element.get("href"))
    if found:
        return found[min(found)]
    if not named or not _WORDPRESS.search(body[:65_536]):
        return None
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "paged"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("paged", str(position + 2))])))


def _links(body: bytes) -> Iterator[Any]:
    """The ``link`` elements of a feed itself, not of its entries."""
    try:
        root = lxml.etree.fromstring(
            body, lxml.etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, recover=True)
        )
    except (lxml.etree.XMLSyntaxError, ValueError):
        return
    if root is None:
        return
    found: Any = root.xpath("/*/*[local-name()='link'] | /*/*[local-name()='channel']/*[local-name()='link']")
    yield from found


def _find_older_listing(body: bytes, *, url: str, follow: str | None, seen: set[str]) -> str | None:
    """By ``rel=next``, or by the link that matches ``follow`` whose numbers come next after this page's own."""
    try:
        tree: Any = lxml.html.document_fromstring(body, parser=lxml.html.HTMLParser(no_network=True, huge_tree=False))
    except (lxml.etree.LxmlError, ValueError, AssertionError):
        return None
    for href in tree.xpath("//*[self::a or self::link][contains(concat(' ', @rel, ' '), ' next ')]/@href"):
        target = _join(str(href), url)
        if target is not None and target not in seen:
            return target
    if follow is None:
        return None
    pattern = re.compile(follow)
    here = _numbers(url) if pattern.search(url) else None
    ahead: list[tuple[list[int], str]] = []
    unnumbered: str | None = None
    for href in tree.xpath("//a/@href | //area/@href"):
        target = _join(str(href), url)
        if target is None or target in seen or not pattern.search(target):
            continue
        numbers = _numbers(target)
        if here is None or (len(numbers) == len(here) and numbers > here):
            ahead.append((numbers, target))
        elif len(numbers) != len(here):
            unnumbered = unnumbered or target
    return min(ahead)[1] if ahead else unnumbered


def _join(href: str, base: str) -> str | None:
    try:
        return absolute_url(href, base)
    except ValueError:
        return None


def _numbers(url: str) -> list[int]:
    parts = urlsplit(url)
    return [int(number[:12]) for number in _NUMBER.findall(f"{parts.path}?{parts.query}")]
