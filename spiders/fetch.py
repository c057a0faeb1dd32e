"""Fetching one URL to its end: robots, redirects, tries again, policy, and the record of every exchange.

``Fetcher.fetch`` either returns the final response, recorded, or raises ``Missed`` with the outcome; there is
no third way, so that each discovered URL ends in exactly one. Scrapy's engine does the downloading and keeps the
distance between requests (``spiders.pace`` says which); its redirect, retry and robots middlewares are not used,
because its duplicate filter silently drops a redirect to a URL asked for before, and because each hop and each try is
recorded here. What a page's policy says is read in ``spiders.policy``; rules are remembered in ``spiders.hosts``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
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
from spiders.hosts import KEPT_FOR, LARGEST_BODY, Hosts, Rules
from spiders.pace import Pace, Stop, read_clock, read_retry_after
from spiders.policy import (
    AI_TXT_PATH,
    LARGEST_TDMREP,
    TDMREP_PATH,
    SitePolicy,
    TdmRep,
    find_objection,
    has_markup,
    host_of,
    read_head,
    see_policy,
)
from spiders.protocol import TAKEN_DOWN, Known, RobotsSeen
from spiders.render import Drawn, draw_page
from spiders.robots import PARSED_BYTES, RobotsPolicy
from spiders.site import Site
from spiders.urls import absolute_url
from spiders.warc import Exchange, Hop, Kind, Original, SegmentWriter, payload_digest

MOST_REDIRECTS = 10
MOST_ROBOTS_REDIRECTS = 5  # RFC 9309, 2.3.1.2
TRIES = 3
_OUR_BUSINESS: frozenset[Kind] = frozenset({"robots", "policy"})
"""What is asked to learn what may be asked."""

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

_BROKEN_OFF = {"length": ("too large", False), "time": ("time-out", True), "disconnect": ("cut short", True)}


class Missed(Exception):
    """A URL ended without a final response in the record.

    Args:
        outcome: "excluded", "failed" or "deferred".
        reason: in a word or two, the same words for the same thing.
        detail: what else the log should say.
        whole: it is the run that is over; not only this URL, or its host.
    """

    def __init__(self, outcome: str, reason: str, detail: str = "", *, whole: bool = False) -> None:
        super().__init__(f"{outcome}: {reason}" + (f" ({detail})" if detail else ""))
        self.outcome = outcome
        self.reason = reason
        self.whole = whole


class Withheld(Missed):
    """A page was fetched, and what it says forbids keeping it: the record has its head alone."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__("excluded", reason)
        self.status = status


class BrokenOff(Exception):
    """A response whose body is not whole; what came of it is evidence."""

    def __init__(self, received: Received) -> None:
        super().__init__(f"after {len(received.body)} bytes")
        self.received = received


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
    explain: Callable[[Received], Awaitable[Mapping[str, str]]] | None = None
    """Given the final response, further facts to be recorded with it."""


class Fetcher:
    """Fetches for one run of one site.

    Args:
        site: its crawl rules.
        engine: Scrapy's, started.
        writer: where exchanges are recorded.
        user_agent: who we say we are.
        now: the clock.
        hosts: what is remembered of hosts; kept up to date.
        say: prints a line of the log.
        is_withheld: whether what is found under an address was taken down: a redirect there is not followed.
    """

    def __init__(
        self,
        *,
        site: Site,
        engine: ExecutionEngine,
        writer: SegmentWriter,
        user_agent: str,
        now: Callable[[], datetime],
        hosts: Hosts,
        say: Callable[[str], None],
        is_withheld: Callable[[str], bool] = lambda _url: False,
    ) -> None:
        self.site = site
        self.policies: dict[str, RobotsPolicy] = {}
        self.pace = Pace(
            rules=site.crawl,
            zone=site.timezone,
            hosts=hosts,
            now=now,
            set_distance=self._keep_distance,
            say=say,
            live=not site.crawl.allow_private,
        )
        self._engine = engine
        self._writer = writer
        self._now = now
        self._hosts = hosts
        self._say = say
        self._is_withheld = is_withheld
        self.clock: float | None = None
        """Seconds that the servers' clocks are ahead of ours, by the answer that agrees with us best."""
        self._waits: Counter[int] = Counter()  # hundredths of a second until an answer began -> answers
        self._reading: dict[str, asyncio.Task[RobotsPolicy]] = {}
        # That an empty shell has not changed says nothing of what its scripts would draw.
        self._may_compare = not site.crawl.render
        self._site_policies: dict[str, asyncio.Task[SitePolicy]] = {}
        self._headers = {
            "User-Agent": user_agent,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": site.language if site.language == "en" else f"{site.language}, en;q=0.5",
            "Accept-Encoding": ACCEPT_ENCODING,
        }
        if mailbox := _find_mailbox(user_agent):
            self._headers["From"] = mailbox  # RFC 9110, 10.1.2

    async def fetch(self, asked: Asked) -> Received:
        """Fetch a URL, following redirects; every exchange on the way is recorded.

        Raises:
            Missed: there is no final response.
            OSError: the spool cannot be written.
        """
        url = asked.url
        seen = {url}
        hops: list[Hop] = []
        most = MOST_ROBOTS_REDIRECTS if asked.kind in _OUR_BUSINESS else MOST_REDIRECTS
        for _ in range(most + 1):
            self._check_pace(host_of(url))
            rule = None if asked.kind == "robots" else await self._check_robots(url)
            site_policy = await self._learn_policy(host_of(url)) if asked.kind == "page" else None
            received = await self._ask(url, asked)
            target = _redirect_target(received)
            if target is None:
                policy, objection = ({}, None) if site_policy is None else self._judge(site_policy, received, rule)
                drawn = None if site_policy is None or objection is not None else await self._draw(received)
                if site_policy is not None and drawn is not None and drawn.html is not None:
                    policy, objection = self._judge(site_policy, received, rule, drawn.html)
                if asked.explain is not None:
                    asked = replace(asked, explain=None, facts={**asked.facts, **await asked.explain(received)})
                self._record(
                    received, asked, asked.kind, tuple(hops), policy, withheld=objection is not None, drawn=drawn
                )
                if objection is not None:
                    raise Withheld(objection, received.status)
                return received
            self._record(received, asked, "redirect", tuple(hops))
            if asked.kind == "page" and not self._is_ours(asked, target):
                raise Missed("excluded", "off-site redirect", target)
            if asked.kind == "page" and self._is_withheld(target):
                raise Missed("excluded", TAKEN_DOWN, target)
            if target in seen:
                raise Missed("failed", "redirect loop", target)
            if url.startswith("https:") and target.startswith("http:"):
                self._say(f"{url} redirects to {target}, from https to http")
            seen.add(target)
            hops.append(Hop(received.status, target))
            url = target
        raise Missed("failed", "too many redirects")

    def _is_ours(self, asked: Asked, target: str) -> bool:
        """Whether a redirect may be followed there."""
        if self.site.owns(target) or self.site.is_inherited(target):
            return True
        return "linked_from" in asked.facts and self.site.wants_document(target)

    async def _draw(self, received: Received) -> Drawn | None:
        """What a browser makes of a page that needs one; None for every other page."""

        def allows(url: str) -> bool:  # a host whose robots.txt was not read is asked only for what the page needs
            policy = self.policies.get(host_of(url))
            rule = None if policy is None else policy.find_rule(url)
            return rule is None or rule.allow

        distance = self.pace.distance(host_of(received.url))
        return await draw_page(
            self._engine,
            received,
            site=self.site,
            allows=allows,
            distance=distance,
            seconds=self.pace.remaining(),
        )

    def _check_pace(self, origin: str) -> None:
        """Raises Missed when the host, or anything, is not to be asked now."""
        stop = self.pace.find_stop(origin)
        if stop is not None:
            raise _defer(stop)

    async def _wait_for(self, origin: str) -> None:
        """Wait while a host wants it; then see whether it may be asked still."""
        while (wait := self.pace.wait_seconds(origin)) > 0:
            await asyncio.sleep(max(0.0, min(wait, self.pace.remaining())))
            self._check_pace(origin)

    async def _ask(self, url: str, asked: Asked) -> Received:
        """One URL's answer, after as many tries as it takes and is decent."""
        origin = host_of(url)
        pace = self.pace
        most = 1 if asked.kind == "policy" else TRIES  # pages do not wait long for what few sites have
        for tried in range(1, most + 1):
            self._check_pace(origin)
            await self._wait_for(origin)
            last = tried == most
            try:
                received = await self._send(url, asked)
            except AddressRefused as error:
                raise Missed("excluded", error.reason, str(error)) from error
            except Exception as error:  # whatever a server provokes is an outcome of its page
                if isinstance(error, BrokenOff):
                    self._record(error.received, asked, "attempt")
                cause = _find_cause(error)
                reason, again = _put_in_words(cause)
                if not isinstance(error, BrokenOff):  # a host that answered is not what fails
                    pace.note_failure(origin, reason)
                if last or not again or not pace.may_try_again(origin):
                    raise Missed("failed", reason, _shorten(cause)) from error
                await asyncio.sleep(min(self.site.crawl.delay * 2**tried, max(0.0, pace.remaining())))
                continue
            if received.status not in _TRY_AGAIN or last or not pace.may_try_again(origin):
                return received
            wait = self.site.crawl.delay * 2**tried
            if wait > pace.remaining() or pace.wait_seconds(origin) > pace.remaining():
                return received
            self._record(received, asked, "attempt")
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def _send(self, url: str, asked: Asked) -> Received:
        headers = self._headers
        if asked.known is not None and asked.kind == "page" and self._compares(asked):
            headers = {**headers, **_validators(asked.known)}
        rules = self.site.crawl
        request = Request(url, headers=headers, dont_filter=True, meta={"download_timeout": rules.timeout})
        received = await self._engine.download_async(request)
        if not isinstance(received, Received):
            raise TypeError(f"a {type(received).__name__} that was not captured")
        if received.truncated is not None and (asked.kind != "robots" or received.truncated != "length"):
            raise BrokenOff(received)  # of a robots.txt that is too long the beginning counts
        ahead = read_clock(received.header("date"), received.header("age"), now=self._now())
        if ahead is not None and (self.clock is None or abs(ahead) < abs(self.clock)):
            self.clock = ahead
        latency = request.meta.get("download_latency", 0.0)
        self._waits[round(100 * latency)] += 1
        self.pace.note_answer(
            host_of(url),
            received.status,
            latency,
            page=asked.kind == "page",
            retry_after=self._read_retry_after(received) if received.status in _TRY_AGAIN else None,
        )
        return received

    def find_wait(self) -> float | None:
        """Seconds until the middle answer began; None: nothing answered."""
        passed, half = 0, self._waits.total() / 2
        for wait in sorted(self._waits):
            passed += self._waits[wait]
            if passed >= half:
                return wait / 100
        return None

    def _compares(self, asked: Asked) -> bool:
        return self._may_compare or "linked_from" in asked.facts

    def _read_retry_after(self, received: Received) -> float | None:
        return read_retry_after(received.header("retry-after"), date=received.header("date"), now=self._now())

    def _record(
        self,
        received: Received,
        asked: Asked,
        kind: Kind,
        hops: tuple[Hop, ...] = (),
        policy: Mapping[str, str] | None = None,
        *,
        withheld: bool = False,
        drawn: Drawn | None = None,
    ) -> None:
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
                policy=policy or {},
                withheld=withheld,
                rendered=None if drawn is None else drawn.html,
                unrendered=None if drawn is None else drawn.why,
                original=None if known is None else _original(known),
                conditional=known is not None and self._compares(asked) and bool(_validators(known)),
                truncated=received.truncated,
            )
        )

    # --- what may be asked

    async def _check_robots(self, url: str) -> str | None:
        """The line of robots.txt that lets us; raises Missed when it does not. Reads it where that was not done yet."""
        if self.site.crawl.robots == "ignore":
            return None
        origin = host_of(url)
        policy = self.policies.get(origin)
        if policy is None:
            if origin not in self._reading:
                self._reading[origin] = asyncio.ensure_future(self._find_robots(origin))
            policy = await self._reading[origin]
        if policy.unreachable:
            raise Missed(
                "excluded", "robots.txt unreachable", f"{origin} answered {policy.status or f'nothing: {policy.why}'}"
            )
        rule = policy.find_rule(url)
        if rule is None:
            return None
        if not rule.allow:
            raise Missed("excluded", "robots.txt", rule.line)
        return rule.line

    async def _find_robots(self, origin: str) -> RobotsPolicy:
        """The rules of a host: remembered ones of today, else read; else, of a host that fails, the last known."""
        host = self._hosts.host(origin)
        kept = host.robots
        if kept is not None and kept.is_fresh(self._now()):
            policy = _policy_of(kept)
        else:
            rules = await self._read_rules(f"{origin}/robots.txt", "robots", max_bytes=PARSED_BYTES, cut=True)
            policy = _policy_of(rules)
            now = self._now()
            if not policy.unreachable:
                host.robots, host.unreachable_since = rules, None
            elif kept is not None and not _policy_of(kept).unreachable:
                # RFC 9309, 2.4: a copy may be used for longer while the file is unreachable.
                since = host.unreachable_since = min(host.unreachable_since or now, now)
                if now - since < KEPT_FOR:
                    self._say(f"{origin}/robots.txt cannot be read ({policy.why}); its rules of {kept.read} are obeyed")
                    policy = _policy_of(kept, stale=True)
        self.policies[origin] = policy
        self.pace.note_robots(origin, policy.crawl_delay)
        return policy

    async def _learn_policy(self, origin: str) -> SitePolicy:
        """What the host's own documents say; read with the first page of the host, at most once a day."""
        task = self._site_policies.get(origin)
        if task is None:
            task = self._site_policies[origin] = asyncio.ensure_future(self._read_site_policy(origin))
        return task.result() if task.done() else await task

    async def _read_site_policy(self, origin: str) -> SitePolicy:
        host = self._hosts.host(origin)
        if host.tdmrep is None or not host.tdmrep.is_fresh(self._now()):
            host.tdmrep = await self._read_rules(origin + TDMREP_PATH, "policy", max_bytes=LARGEST_TDMREP)
        if host.ai_txt is None or not host.ai_txt.is_fresh(self._now()):
            read = await self._read_rules(origin + AI_TXT_PATH, "policy", max_bytes=LARGEST_BODY)
            host.ai_txt = read.model_copy(update={"body": ""})
        robots = self.policies.get(origin)
        return SitePolicy(
            robots=None if robots is None else robots.digest,
            tdmrep=_tdmrep_of(host.tdmrep),
            ai_txt=_digest_of(host.ai_txt),
        )

    async def _read_rules(self, url: str, kind: Kind, *, max_bytes: int, cut: bool = False) -> Rules:
        """Read a document that says what a host allows.

        Args:
            url: of the document.
            kind: "robots" or "policy".
            max_bytes: of its decoded body; a longer one counts up to there with ``cut``, else not at all.

        Raises:
            Missed: robots.txt may not be read now.
        """
        now = self._now()
        until = now + KEPT_FOR
        try:
            received = await self.fetch(Asked(url=url, kind=kind))
        except Missed as missed:
            if kind == "robots" and missed.outcome in ("excluded", "deferred"):
                raise
            # RFC 9309, 2.3.1.2: after too many redirects, a loop among them, it is as if it were not there.
            status = 404 if missed.reason in ("too many redirects", "redirect loop") else None
            if missed.outcome == "deferred":
                until = now  # the next run asks
            return Rules(read=now, until=until, status=status, why=missed.reason)
        if kind == "policy" and "html" in (received.header("content-type") or "").lower():
            return Rules(read=now, until=until, why="it is a web page")  # that says "not found", perhaps with 200
        coding = ", ".join(received.header_values("content-encoding"))
        try:
            body = decode_body(received.body, coding, max(self.site.crawl.max_bytes, max_bytes))
        except (BodyTooLarge, BodyUndecodable) as error:
            return Rules(read=now, until=until, why=str(error)[:200])
        if len(body) > max_bytes and not cut:
            return Rules(read=now, until=until, why=f"it has more than {max_bytes} bytes")
        kept_for = _read_max_age(received)
        return Rules(
            read=now,
            until=now + min(KEPT_FOR, kept_for) if kept_for is not None and kind == "robots" else until,
            status=received.status,
            digest=payload_digest(received.body),
            body=body[:max_bytes].decode("latin-1") if 200 <= received.status < 300 else "",
            why=f"HTTP status {received.status}",
        )

    def _judge(
        self, site_policy: SitePolicy, received: Received, rule: str | None, drawn: bytes | None = None
    ) -> tuple[dict[str, str], str | None]:
        """The snapshot of what a page's policy is, and why the page is not kept; None: it is."""
        head = None if drawn is None else read_head(drawn, "", self.site.crawl.max_bytes)
        if head is None and received.body and has_markup(received.header("content-type")):
            coding = ", ".join(received.header_values("content-encoding"))
            head = read_head(received.body, coding, self.site.crawl.max_bytes)
        seen, directives = see_policy(
            site_policy,
            url=received.url,
            robots_rule=rule,
            x_robots_tag=received.header_values("x-robots-tag"),
            tdm_reservation=received.header("tdm-reservation"),
            tdm_policy=received.header("tdm-policy"),
            head=head,
        )
        objection = find_objection(self.site.crawl, seen, directives, self._now())
        if objection is not None:
            seen["withheld"] = objection
        return seen, objection

    def robots_seen(self) -> dict[str, RobotsSeen]:
        """What the hosts of this run allow, by host, for the summary."""
        ended = self.pace.ended()
        told = {}
        for origin in {**self.policies, **ended}:
            host = self._hosts.host(origin)
            policy = self.policies.get(origin)
            stop = ended.get(origin)
            told[urlsplit(origin).netloc] = RobotsSeen(
                status=None if policy is None else policy.status,
                digest=None if policy is None else policy.digest,
                crawl_delay=None if policy is None else policy.crawl_delay,
                read=None if host.robots is None or policy is None or policy.unreachable else host.robots.read,
                stale=policy is not None and policy.stale,
                tdmrep=_digest_of(host.tdmrep),
                ai_txt=_digest_of(host.ai_txt),
                stopped=None if stop is None else f"{stop.reason} ({stop.detail})",
                not_before=host.not_before,
            )
        return told

    def _keep_distance(self, name: str, seconds: float) -> None:
        """Let the downloader keep this distance between two requests to a host."""
        downloader = self._engine.downloader
        downloader.per_slot_settings[name] = {
            "delay": seconds,
            "concurrency": self.site.crawl.concurrency,
            "jitter": 0.0,
        }
        slot = downloader.slots.get(name)
        if slot is not None:
            slot.delay = seconds


def _defer(stop: Stop) -> Missed:
    return Missed("deferred", stop.reason, stop.detail, whole=stop.whole)


def _policy_of(rules: Rules, *, stale: bool = False) -> RobotsPolicy:
    return RobotsPolicy(
        status=rules.status, body=rules.body.encode("latin-1"), digest=rules.digest, why=rules.why, stale=stale
    )


def _digest_of(rules: Rules | None) -> str | None:
    """Digest of a document that is there; None for one that is not."""
    return rules.digest if rules is not None and rules.status is not None and 200 <= rules.status < 300 else None


def _tdmrep_of(rules: Rules) -> TdmRep | None:
    digest = _digest_of(rules)
    return None if digest is None else TdmRep(rules.body.encode("latin-1"), digest)


def _read_max_age(received: Received) -> timedelta | None:
    """How long an answer may be kept, as it says itself (RFC 9111, 5.2.2); None when it does not."""
    ages = []
    for value in received.header_values("cache-control"):
        for part in value.lower().split(","):
            name, _, number = part.strip().partition("=")
            if name in ("no-store", "no-cache"):
                ages.append(0)
            elif name == "max-age" and (digits := number.strip('" ')).isascii() and digits.isdigit():
                ages.append(int(digits[:9]))
    return timedelta(seconds=min(ages)) if ages else None


def _find_mailbox(user_agent: str) -> str | None:
    """The e-mail address in our user agent, if the contact is one."""
    contact = user_agent.partition("(+")[2].removesuffix(")").removeprefix("mailto:")
    return contact if "@" in contact and "/" not in contact and " " not in contact else None


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
    if isinstance(error, BrokenOff):
        return _BROKEN_OFF[error.received.truncated or "disconnect"]
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
