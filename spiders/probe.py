"""Ask a site a handful of questions: do its sources answer, can they be read, do their links match?

For the operator who verifies a site file; nothing is kept. Each host's robots.txt is obeyed, the site's delay is
kept between requests, and at most two documents a source (four of a service) and one article are asked for.
``Browser`` is the client of everybody here who asks a site outside of a crawl (``spiders.survey``, the preview of a
page): private addresses are refused by the URL's text, after name resolution, and once more by the connection that was
made. The crawl itself (Scrapy, WARC) is elsewhere.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies

import httpx

from spiders.coding import BodyTooLarge, BodyUndecodable, gunzip
from spiders.robots import PARSED_BYTES, RobotsPolicy
from spiders.services import open_service
from spiders.site import CrawlRules, Site, Source
from spiders.sources import Further, Listed, SourceError, parse_feed, parse_listing, parse_sitemap
from spiders.urls import canonical_url

_REDIRECTS = 5
_EXAMPLES = 5
_LONGEST_PAUSE = 10.0  # seconds; a person waits
_LISTED_AT_MOST = 5000
_SERVICE_WAYS = 4  # documents of a service that are asked for until one can be read


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


class NotAnsweredError(Exception):
    """A request had no usable answer; the message says why in words."""


@dataclass(kw_only=True)
class Browser:
    """One polite client: robots.txt per host, a pause between requests, bounded bodies, no private addresses.

    Args:
        rules: how the site is to be asked.
        client: does not follow redirects; its headers say who asks.
        pause: waits so many seconds.
        at_most: requests, robots.txt included.
    """

    rules: CrawlRules
    client: httpx.Client
    pause: Callable[[float], None]
    at_most: int = 1000
    policies: dict[str, RobotsPolicy] = field(default_factory=dict)
    requests: int = 0
    hops: list[tuple[int, str]] = field(default_factory=list)  # of the last ``get``: status, and where it led
    _addresses: dict[str, str | None] = field(default_factory=dict)

    def get(self, url: str) -> tuple[httpx.Response, bytes]:
        """The final answer to a URL and its decoded body; every hop is looked at and asked for politely."""
        self.hops = []
        for _ in range(_REDIRECTS + 1):
            self._refuse(url)
            policy = self._policy(url)
            if self.rules.robots == "obey" and not policy.allows(url):
                said = "is not to be had" if policy.unreachable else "forbids it"
                raise NotAnsweredError(f"robots.txt of {urlsplit(url).netloc} {said}: {url}")
            response, body = self._ask(url, self.rules.max_bytes)
            if not response.has_redirect_location:
                return response, body
            url = urljoin(url, response.headers["location"])
            self.hops.append((response.status_code, url))
        raise NotAnsweredError(f"more than {_REDIRECTS} redirects")

    def _refuse(self, url: str) -> None:
        if self.rules.allow_private:
            return
        from spiders.guard import refuse_url  # noqa: PLC0415 - it loads Scrapy

        host = urlsplit(url).hostname or ""
        if host not in self._addresses:
            self._addresses[host] = refuse_url(url) or self._refuse_name(host)
        if reason := refuse_url(url) or self._addresses[host]:
            raise NotAnsweredError(f"{url} is not asked for: {reason} (crawl.allow_private)")

    def _refuse_name(self, host: str) -> str | None:
        """Why what a name resolves to is not asked; behind a proxy it is the proxy that resolves names."""
        from spiders.guard import refuse_address  # noqa: PLC0415

        if getproxies():
            return None
        try:
            found = {str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
        except (OSError, UnicodeError) as error:
            raise NotAnsweredError(f"{host} has no address ({error})") from error
        return next((reason for address in sorted(found) if (reason := refuse_address(address))), None)

    def _refuse_connection(self, response: httpx.Response) -> None:
        """Look at the address that was really connected to: a name's address can change after it was looked up."""
        from spiders.guard import refuse_address  # noqa: PLC0415

        stream = response.extensions.get("network_stream")
        address = stream.get_extra_info("server_addr") if stream is not None else None
        if not address or getproxies():
            return
        if reason := refuse_address(str(address[0])):
            raise NotAnsweredError(f"{response.url} is not read: {reason} (crawl.allow_private)")

    def _policy(self, url: str) -> RobotsPolicy:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self.policies:
            self.policies[origin] = RobotsPolicy(status=None)
            with suppress(NotAnsweredError):  # no answer: nothing is allowed
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
        if self.requests >= self.at_most:
            raise NotAnsweredError(f"{self.at_most} requests were made already")
        if self.requests:
            self.pause(min(max(self.rules.delay, *asked, 0.0), _LONGEST_PAUSE))
        self.requests += 1
        body = bytearray()
        ends = time.monotonic() + self.rules.timeout  # httpx counts from byte to byte
        try:
            with self.client.stream("GET", url) as response:
                if not self.rules.allow_private:
                    self._refuse_connection(response)
                for chunk in response.iter_bytes():
                    body += chunk
                    if time.monotonic() > ends:
                        raise NotAnsweredError(f"{url} takes longer than {self.rules.timeout:g} s")
                    if len(body) > limit and cut:
                        break
                    if len(body) > limit:
                        raise NotAnsweredError(f"more than {limit} bytes")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise NotAnsweredError(
                f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            ) from error
        return response, bytes(body[:limit])


def probe_site(site: Site, *, user_agent: str, now: datetime, pause: Callable[[float], None] = time.sleep) -> SiteSeen:
    """Ask the site's sources, and one of the articles that they name.

    Args:
        site: the site.
        user_agent: who asks, with a way to reach them.
        now: the day that a calendar is asked for.
        pause: waits so many seconds.
    """
    headers = {"User-Agent": user_agent}
    with httpx.Client(headers=headers, timeout=site.crawl.timeout, follow_redirects=False) as client:
        browser = Browser(rules=site.crawl, client=client, pause=pause)
        sources = tuple(_look_at(site, source, browser, now) for source in site.sources)
        article = next((url for source in sources for url in source.examples), None)
        status, error = None, None
        if article is not None:
            try:
                status = browser.get(article)[0].status_code
            except NotAnsweredError as reason:
                error = str(reason)
        return SiteSeen(
            site=site.id,
            sources=sources,
            article=article,
            article_status=status,
            article_error=error,
            requests=browser.requests,
        )


def _look_at(site: Site, source: Source, browser: Browser, now: datetime) -> SourceSeen:
    """One source; of a sitemap index also the first child that the file would follow."""
    status: int | None = None
    if source.type == "api":
        return _ask_service(site, source, browser, now)
    try:
        response, body = browser.get(source.url)
        status = response.status_code
        if status != 200:
            raise NotAnsweredError(f"HTTP {status}")
        entries = _read(source, str(response.url), response, body)
        further = [entry.url for entry in entries if isinstance(entry, Further)]
        wanted = [url for url in further if not source.follow or re.search(source.follow, url)]
        if further and not wanted:
            raise NotAnsweredError(f"none of its {len(further)} child sitemaps matches follow, e.g. {further[0]}")
        base = str(response.url)
        if wanted:
            base = urljoin(base, wanted[0])
            response, body = browser.get(base)
            entries = _read(source, base, response, body)
    except (NotAnsweredError, SourceError, BodyTooLarge, BodyUndecodable) as error:
        return SourceSeen(url=source.url, type=source.type, status=status, error=str(error))
    return _count(site, source, status, base, (entry.url for entry in entries if isinstance(entry, Listed)))


def _ask_service(site: Site, source: Source, browser: Browser, now: datetime) -> SourceSeen:
    """The first answer of a service that can be read, by whichever of its ways."""
    service = open_service(source, now=now)
    seen = SourceSeen(url=source.url, type=source.type, error="names nothing to ask for")
    for _ in range(_SERVICE_WAYS):
        url = service.next_call()
        if url is None:
            break
        status: int | None = None
        try:
            response, body = browser.get(url)
            status, base = response.status_code, str(response.url)
            if status != 200:
                raise NotAnsweredError(f"HTTP {status}")
            entries = service.read_answer(body, url=base, content_type=response.headers.get("content-type"))
            links = [entry.url for entry in islice(entries, _LISTED_AT_MOST)]
        except (NotAnsweredError, SourceError, BodyTooLarge, BodyUndecodable) as error:
            seen = SourceSeen(url=source.url, type=source.type, status=status, error=str(error))
            if not service.miss_answer():
                break
        else:
            if links or not service.rolling:
                return _count(site, source, status, base, links)
    return seen


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
