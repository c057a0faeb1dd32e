"""Fetching one URL to its end: robots, redirects, tries again, and the record of every exchange.

``Fetcher.fetch`` either returns the final response, recorded, or raises ``Missed`` with the outcome; there is
no third way, so that each discovered URL ends in exactly one. Scrapy's engine does the downloading and keeps the
distance between requests; its redirect, retry and robots middlewares are not used, because its duplicate filter
silently drops a redirect to a URL asked for before, and because each hop and each try is recorded here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.engine import ExecutionEngine
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)
from twisted.internet import ssl
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.web._newclient import BadHeaders, BadResponseVersion, ParseError

from spiders.capture import HeadTooLarge, Received
from spiders.coding import ACCEPT_ENCODING, BodyTooLarge, BodyUndecodable, decode_body
from spiders.guard import AddressRefused
from spiders.protocol import Known
from spiders.robots import PARSED_BYTES, RobotsPolicy
from spiders.site import Site
from spiders.urls import absolute_url
from spiders.warc import Exchange, Hop, Kind, Original, SegmentWriter, payload_digest

MOST_REDIRECTS = 10
MOST_ROBOTS_REDIRECTS = 5  # RFC 9309, 2.3.1.2
TRIES = 3
LONGEST_PATIENCE = 120.0
"""Seconds we wait for a server that says Retry-After; if it asks for more, its answer is taken as it is."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRY_AGAIN = frozenset({408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})

# What can go wrong below HTTP, in words, and whether another try may help; the first that fits.
_FAILURES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, bool], ...] = (
    (DownloadTimeoutError, "time-out", True),
    (DownloadCancelledError, "too large", False),
    (CannotResolveHostError, "name not resolved", True),
    (DownloadConnectionRefusedError, "connection refused", True),
    (ResponseDataLossError, "cut short", True),
    (ConnectError, "no connection", True),
    (ConnectionClosed, "connection lost", True),
    (ssl.SSL.Error, "no secure connection", True),  # type: ignore[attr-defined]  # pyOpenSSL's, by way of Twisted
    ((HeadTooLarge, BadHeaders, ParseError, BadResponseVersion, ValueError, KeyError), "malformed answer", False),
    (DownloadFailedError, "connection lost", True),
)


class Missed(Exception):
    """A URL ended without a final response in the record.

    Args:
        outcome: "excluded", "failed" or "deferred".
        reason: in a word or two, the same words for the same thing.
        detail: what else the log should say.
    """

    def __init__(self, outcome: str, reason: str, detail: str = "") -> None:
        super().__init__(f"{outcome}: {reason}" + (f" ({detail})" if detail else ""))
        self.outcome = outcome
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is to be fetched, and why."""

    url: str
    kind: Kind
    via: str | None = None
    lastmod: str | None = None
    title: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    known: Known | None = None


class Fetcher:
    """Fetches for one run of one site.

    Args:
        site: its crawl rules.
        engine: Scrapy's, started.
        writer: where exchanges are recorded.
        user_agent: who we say we are.
        now: the clock.
        remaining: seconds that the run may still last.
    """

    def __init__(
        self,
        *,
        site: Site,
        engine: ExecutionEngine,
        writer: SegmentWriter,
        user_agent: str,
        now: Callable[[], datetime],
        remaining: Callable[[], float],
    ) -> None:
        self.site = site
        self.policies: dict[str, RobotsPolicy] = {}
        self._engine = engine
        self._writer = writer
        self._now = now
        self._remaining = remaining
        self._reading: dict[str, asyncio.Task[RobotsPolicy]] = {}
        self._headers = {
            "User-Agent": user_agent,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": site.language if site.language == "en" else f"{site.language}, en;q=0.5",
            "Accept-Encoding": ACCEPT_ENCODING,
        }

    async def fetch(self, asked: Asked) -> Received:
        """Fetch a URL, following redirects; every exchange on the way is recorded.

        Raises:
            Missed: there is no final response.
            OSError: the spool cannot be written.
        """
        url = asked.url
        seen = {url}
        hops: list[Hop] = []
        most = MOST_ROBOTS_REDIRECTS if asked.kind == "robots" else MOST_REDIRECTS
        for _ in range(most + 1):
            if asked.kind != "robots":
                await self._check_robots(url)
            received = await self._ask(url, asked)
            target = _redirect_target(received)
            if target is None:
                self._record(received, asked, asked.kind, tuple(hops))
                return received
            self._record(received, asked, "redirect", tuple(hops))
            if asked.kind == "page" and not self.site.owns(target):
                raise Missed("excluded", "off-site redirect", target)
            if target in seen:
                raise Missed("failed", "redirect loop", target)
            seen.add(target)
            hops.append(Hop(received.status, target))
            url = target
        raise Missed("failed", "too many redirects")

    async def _ask(self, url: str, asked: Asked) -> Received:
        """One URL's answer, after as many tries as it takes and is decent."""
        for tried in range(1, TRIES + 1):
            if self._remaining() <= 0:
                raise Missed("deferred", "run_seconds spent")
            last = tried == TRIES
            try:
                received = await self._send(url, asked)
            except AddressRefused as error:
                raise Missed("excluded", "private address", str(error)) from error
            except Exception as error:  # whatever a server provokes is an outcome of its page
                cause = _find_cause(error)
                reason, again = _put_in_words(cause)
                if last or not again:
                    raise Missed("failed", reason, _shorten(cause)) from error
                await asyncio.sleep(self.site.crawl.delay * 2**tried)
                continue
            patience = self._patience(received, tried)
            if last or patience is None:
                return received
            self._record(received, asked, "attempt")
            await asyncio.sleep(patience)
        raise AssertionError("the last try returns or raises")

    def _patience(self, received: Received, tried: int) -> float | None:
        """Seconds to wait before asking again; None when the answer is taken as it is."""
        if received.status not in _TRY_AGAIN:
            return None
        wait = self.site.crawl.delay * 2**tried
        told = received.header("retry-after")
        if told is not None and told.isdigit():
            wait = max(wait, float(told[:9]))
        return wait if wait <= min(LONGEST_PATIENCE, self._remaining()) else None

    async def _send(self, url: str, asked: Asked) -> Received:
        headers = self._headers
        if asked.known is not None and asked.kind == "page":
            headers = {**headers, **_validators(asked.known)}
        rules = self.site.crawl
        request = Request(url, headers=headers, dont_filter=True, meta={"download_timeout": rules.timeout})
        received = await self._engine.download_async(request)
        if not isinstance(received, Received):
            raise TypeError(f"a {type(received).__name__} that was not captured")
        return received

    def _record(self, received: Received, asked: Asked, kind: Kind, hops: tuple[Hop, ...] = ()) -> None:
        known = asked.known
        self._writer.write_exchange(
            Exchange(
                kind=kind,
                url=received.url,
                requested=asked.url,
                status=received.status,
                request_head=received.sent,
                response_head=received.head,
                payload=received.body,
                captured_at=self._now(),
                ip=received.peer,
                via=asked.via,
                lastmod=asked.lastmod,
                title=asked.title,
                facts=asked.facts,
                hops=hops,
                original=None if known is None else _original(known),
                conditional=known is not None and bool(_validators(known)),
            )
        )

    async def _check_robots(self, url: str) -> None:
        """Raises Missed when robots.txt does not let us; reads it first where that was not done yet."""
        if self.site.crawl.robots == "ignore":
            return
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        policy = self.policies.get(origin)
        if policy is None:
            if origin not in self._reading:
                self._reading[origin] = asyncio.ensure_future(self._read_robots(origin))
            policy = await self._reading[origin]
        if policy.unreachable:
            raise Missed(
                "excluded", "robots.txt unreachable", f"{origin} answered {policy.status or f'nothing: {policy.why}'}"
            )
        if not policy.allows(url):
            raise Missed("excluded", "robots.txt")

    async def _read_robots(self, origin: str) -> RobotsPolicy:
        try:
            received = await self.fetch(Asked(url=f"{origin}/robots.txt", kind="robots"))
        except Missed as missed:
            if missed.reason == "private address" or missed.outcome == "deferred":
                raise
            # RFC 9309, 2.3.1.2: after too many redirects it is as if it were not there.
            policy = RobotsPolicy(status=404 if missed.reason == "too many redirects" else None, why=missed.reason)
        else:
            coding = ", ".join(received.header_values("content-encoding"))
            try:
                body = decode_body(received.body, coding, max(self.site.crawl.max_bytes, PARSED_BYTES))
                policy = RobotsPolicy(status=received.status, body=body, digest=payload_digest(received.body))
            except (BodyTooLarge, BodyUndecodable):
                policy = RobotsPolicy(status=None)
        self.policies[origin] = policy
        self._keep_distance(urlsplit(origin).hostname or "", policy)
        return policy

    def _keep_distance(self, host: str, policy: RobotsPolicy) -> None:
        """Let the downloader wait as long as robots.txt asks between two requests to the host."""
        asked = policy.crawl_delay
        downloader = self._engine.downloader
        slot = downloader.slots.get(host)
        delay = max(self.site.crawl.delay, asked or 0.0, 0.0 if slot is None else slot.delay)
        downloader.per_slot_settings[host] = {"delay": delay, "concurrency": self.site.crawl.concurrency, "jitter": 0.0}
        if slot is not None:
            slot.delay = delay


def _redirect_target(received: Received) -> str | None:
    if received.status not in _REDIRECTS:
        return None
    location = received.header("location")
    if not location:
        return None
    try:
        # Bytes beyond ASCII in the header are UTF-8 in practice.
        return absolute_url(location.encode("latin-1").decode("utf-8", "replace"), received.url)
    except ValueError:
        return None


def _validators(known: Known) -> dict[str, str]:
    headers: dict[str, str] = {}
    if known.etag:
        headers["If-None-Match"] = known.etag
    if known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    return headers


def _original(known: Known) -> Original:
    moment = known.captured_at
    if moment is not None:
        text = datetime.fromisoformat(moment).astimezone(UTC).isoformat(timespec="microseconds")
        moment = text.replace("+00:00", "Z")
    return Original(payload_digest=known.payload_digest, captured_at=moment, record_id=known.record_id)


def _find_cause(error: Exception) -> BaseException:
    """What lies below Scrapy's and Twisted's wrappings."""
    reasons = getattr(error.__cause__, "reasons", None)
    return reasons[0].value if reasons and not isinstance(error, ResponseDataLossError) else error


def _put_in_words(error: BaseException) -> tuple[str, bool]:
    if _is_about_certificate(error):
        return "certificate not verified", False
    for family, reason, again in _FAILURES:
        if isinstance(error, family):
            return reason, again
    return f"unexpected {type(error).__name__}", False


def _is_about_certificate(error: BaseException) -> bool:
    """Whether a handshake failed because we do not believe who the server says it is."""
    said = f"{type(error).__name__} {error}".lower()
    return "verificationerror" in said or "certificate verify failed" in said


def _shorten(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
