"""Ask a site a handful of questions: do its sources answer, can they be read, do their links match?

For the operator who verifies a site file; nothing is kept. Each host's robots.txt is obeyed, the site's delay is
kept between requests, and at most two documents a source and one article are asked for. The crawl itself
(Scrapy, WARC, addresses guarded after name resolution) is elsewhere: here a URL is refused by its text alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import urljoin, urlsplit

import httpx

from spiders.coding import BodyTooLarge, BodyUndecodable, gunzip
from spiders.robots import PARSED_BYTES, RobotsPolicy
from spiders.site import Site, Source
from spiders.sources import Further, Listed, SourceError, parse_feed, parse_listing, parse_sitemap
from spiders.urls import canonical_url

_REDIRECTS = 5
_EXAMPLES = 5
_LONGEST_PAUSE = 10.0  # seconds; a person waits
_LISTED_AT_MOST = 5000


@dataclass(frozen=True, kw_only=True)
class SourceSeen:
    """What one source answered."""

    url: str
    type: str
    status: int | None = None
    listed: int = 0  # links it names
    articles: int = 0  # of them, those that match the site's article pattern
    examples: tuple[str, ...] = ()  # links that match, canonical
    others: tuple[str, ...] = ()  # links that do not
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it was read and names at least one article."""
        return self.error is None and self.articles > 0


@dataclass(frozen=True, kw_only=True)
class SiteSeen:
    """What a site answered; ``article`` is the one article page that was asked for."""

    site: str
    sources: tuple[SourceSeen, ...]
    article: str | None = None
    article_status: int | None = None
    article_error: str | None = None
    requests: int = 0

    @property
    def ok(self) -> bool:
        """Whether every source names articles and an article answers 200."""
        return all(source.ok for source in self.sources) and self.article_error is None and self.article_status == 200


class _NotAnsweredError(Exception):
    """A request had no usable answer; the message says why in words."""


@dataclass(kw_only=True)
class _Browser:
    """One polite client: robots.txt per host, a pause between requests, bodies within the site's bound."""

    site: Site
    client: httpx.Client
    pause: Callable[[float], None]
    policies: dict[str, RobotsPolicy] = field(default_factory=dict)
    requests: int = 0

    def get(self, url: str) -> tuple[httpx.Response, bytes]:
        """The final answer to a URL and its decoded body; every hop is looked at and asked for politely."""
        for _ in range(_REDIRECTS + 1):
            self._refuse(url)
            policy = self._policy(url)
            if self.site.crawl.robots == "obey" and not policy.allows(url):
                said = "is not to be had" if policy.unreachable else "forbids it"
                raise _NotAnsweredError(f"robots.txt of {urlsplit(url).netloc} {said}: {url}")
            response, body = self._ask(url, self.site.crawl.max_bytes)
            if not response.has_redirect_location:
                return response, body
            url = urljoin(url, response.headers["location"])
        raise _NotAnsweredError(f"more than {_REDIRECTS} redirects")

    def _refuse(self, url: str) -> None:
        if self.site.crawl.allow_private:
            return
        from spiders.guard import refuse_url  # noqa: PLC0415 - it loads Scrapy

        if reason := refuse_url(url):
            raise _NotAnsweredError(f"{url} is not asked for: {reason} (crawl.allow_private)")

    def _policy(self, url: str) -> RobotsPolicy:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self.policies:
            self.policies[origin] = RobotsPolicy(status=None)
            with suppress(_NotAnsweredError):  # no answer: nothing is allowed
                self.policies[origin] = self._fetch_policy(f"{origin}/robots.txt")
        return self.policies[origin]

    def _fetch_policy(self, url: str) -> RobotsPolicy:
        for _ in range(_REDIRECTS + 1):  # RFC 9309, section 2.3.1.2
            self._refuse(url)
            response, body = self._ask(url, PARSED_BYTES, cut=True)
            if not response.has_redirect_location:
                return RobotsPolicy(status=response.status_code, body=body)
            url = urljoin(url, response.headers["location"])
        return RobotsPolicy(status=None)

    def _ask(self, url: str, limit: int, *, cut: bool = False) -> tuple[httpx.Response, bytes]:
        asked = [policy.crawl_delay or 0.0 for policy in self.policies.values()]
        if self.requests:
            self.pause(min(max(self.site.crawl.delay, *asked, 0.0), _LONGEST_PAUSE))
        self.requests += 1
        body = bytearray()
        try:
            with self.client.stream("GET", url) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > limit and cut:
                        break
                    if len(body) > limit:
                        raise _NotAnsweredError(f"more than {limit} bytes")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise _NotAnsweredError(
                f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            ) from error
        return response, bytes(body[:limit])


def probe_site(site: Site, *, user_agent: str, pause: Callable[[float], None] = time.sleep) -> SiteSeen:
    """Ask the site's sources, and one of the articles that they name.

    Args:
        site: the site.
        user_agent: who asks, with a way to reach them.
        pause: waits so many seconds.
    """
    headers = {"User-Agent": user_agent}
    with httpx.Client(headers=headers, timeout=site.crawl.timeout, follow_redirects=False) as client:
        browser = _Browser(site=site, client=client, pause=pause)
        sources = tuple(_look_at(site, source, browser) for source in site.sources)
        article = next((url for source in sources for url in source.examples), None)
        status, error = None, None
        if article is not None:
            try:
                status = browser.get(article)[0].status_code
            except _NotAnsweredError as reason:
                error = str(reason)
        return SiteSeen(
            site=site.id,
            sources=sources,
            article=article,
            article_status=status,
            article_error=error,
            requests=browser.requests,
        )


def _look_at(site: Site, source: Source, browser: _Browser) -> SourceSeen:
    """One source; of a sitemap index also the first child that the file would follow."""
    status: int | None = None
    try:
        response, body = browser.get(source.url)
        status = response.status_code
        if status != 200:
            raise _NotAnsweredError(f"HTTP {status}")
        entries = _read(source, str(response.url), response, body)
        further = [entry.url for entry in entries if isinstance(entry, Further)]
        wanted = [url for url in further if not source.follow or re.search(source.follow, url)]
        if further and not wanted:
            raise _NotAnsweredError(f"none of its {len(further)} child sitemaps matches follow, e.g. {further[0]}")
        base = str(response.url)
        if wanted:
            base = urljoin(base, wanted[0])
            response, body = browser.get(base)
            entries = _read(source, base, response, body)
    except (_NotAnsweredError, SourceError, BodyTooLarge, BodyUndecodable) as error:
        return SourceSeen(url=source.url, type=source.type, status=status, error=str(error))
    return _count(site, source, status, base, (entry.url for entry in entries if isinstance(entry, Listed)))


def _read(source: Source, url: str, response: httpx.Response, body: bytes) -> list[Listed | Further]:
    parse = {"feed": parse_feed, "sitemap": parse_sitemap, "listing": parse_listing}[source.type]
    if source.type == "sitemap" and body.startswith(b"\x1f\x8b"):
        body = gunzip(body, 50 * len(body) + 1_000_000)
    entries: Iterable[Listed | Further] = parse(body, url=url, content_type=response.headers.get("content-type"))
    return list(islice(entries, _LISTED_AT_MOST))


def _count(site: Site, source: Source, status: int | None, base: str, links: Iterable[str]) -> SourceSeen:
    articles: dict[str, None] = {}
    others: dict[str, None] = {}
    for link in links:
        try:
            url = canonical_url(link, base)
        except ValueError:
            others.setdefault(link[:200])
            continue
        (articles if site.is_article(url) else others).setdefault(url)
    error = None if articles or others else "names nothing"
    if others and not articles:
        error = f"none of its {len(others)} links matches article"
    return SourceSeen(
        url=source.url,
        type=source.type,
        status=status,
        listed=len(articles) + len(others),
        articles=len(articles),
        examples=tuple(islice(articles, _EXAMPLES)),
        others=tuple(islice(others, _EXAMPLES)),
        error=error,
    )
