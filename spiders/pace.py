"""How fast a run may ask, when it has to wait, and when it has to stop: politeness as decisions, without a socket.

``Pace`` is told of every answer (``note_answer``) and of every failure (``note_failure``), and says for each host how
long a distance requests keep, whether to wait first, and why the host is not asked any more. The distance is the
longest of

- what the site's file says, and what robots.txt says (Crawl-delay);
- twice the smoothed time that the server takes to answer, shared among the requests under way, once that is slow;
- a back-off that doubles with every failure in a row and shrinks by a fifth with every good answer.

A host that answers 429 or 503 with Retry-After is waited for if the wait is short, and else left alone until then,
also by later runs (``spiders.hosts``). One that fails or refuses many times in a row is left alone for the rest of
the run. A run also ends with its time, and with the crawl window of its site.
"""

from __future__ import annotations

import time
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from spiders.hosts import LONGEST_AWAY, Hosts
from spiders.site import CrawlRules

LONGEST_PATIENCE: Final = 120.0
"""Seconds we wait for a server that says Retry-After; one that asks for more ends the run's requests to it."""
LONGEST_BACK_OFF: Final = 60.0
LONGEST_SLOWED: Final = 30.0
"""Seconds: so far apart a slow server drives requests, at most."""
SLOW_SECONDS: Final = 0.5
"""A server that answers faster is not waited for beyond what its site and its robots.txt ask."""
LEAST_BACK_OFF: Final = 1.0
"""Seconds that the first back-off begins with on the live web, where the site's own delay is shorter."""

MOST_FAILURES: Final = 20
"""Failures in a row (each try counts) after which a host is not asked again in this run."""
NO_SECOND_TRY: Final = 6
"""After so many failures in a row a page is tried once and not again: it is the host that fails."""
MOST_REFUSALS: Final = 10
"""Refusals (401, 403) in a row after which a host is not asked again in this run."""
WARNED: Final = 3
"""Both, where the last run ended like that and this one has seen no good answer yet."""

RUN_SPENT: Final = "run_seconds spent"
WINDOW_CLOSED: Final = "crawl window closed"
AWAY: Final = "the host asked us to wait"
FAILING: Final = "the host fails"
REFUSING: Final = "blocked by the site"

OVERLOADED: Final = frozenset({429, 503})
TROUBLE: Final = frozenset({408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530})
"""Statuses that speak of the host, not of the page."""
REFUSED: Final = frozenset({401, 403})
ABOUT_HOST: Final = frozenset(
    {"time-out", "name not resolved", "connection refused", "no connection", "no secure connection"}
)
"""Failures below HTTP that speak of the host; others (cut short, malformed) are the page's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """Why something is not asked for now.

    Args:
        reason: in a few words, the same for the same thing.
        detail: what else the log should say.
        whole: it is the run that ends; else only requests to this host.
    """

    reason: str
    detail: str = ""
    whole: bool = False


class _HostPace:
    """One host in one run."""

    __slots__ = ("asked_delay", "away", "failures", "good", "hold_until", "penalty", "refusals", "smoothed", "told")

    def __init__(self) -> None:
        self.asked_delay = 0.0  # by robots.txt
        self.smoothed = 0.0  # seconds until an answer begins
        self.penalty = 0.0  # back-off, seconds
        self.told = 0.0  # the distance that was told last
        self.failures = 0
        self.refusals = 0
        self.good = False
        self.hold_until = 0.0  # monotonic
        self.away: Stop | None = None


class Pace:
    """The pace of one run.

    Args:
        rules: of the site.
        zone: the site's time zone.
        hosts: what is remembered of its hosts.
        now: the clock.
        set_distance: called with a host's name and seconds when the distance between requests to it changes.
        say: prints a line of the log.
        live: the site is on the live web.
        ticks: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        *,
        rules: CrawlRules,
        zone: str,
        hosts: Hosts,
        now: Callable[[], datetime],
        set_distance: Callable[[str, float], None],
        say: Callable[[str], None],
        live: bool = True,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules
        self._hosts = hosts
        self._now = now
        self._set_distance = set_distance
        self._say = say
        self._ticks = ticks
        self._least_back_off = max(rules.delay, LEAST_BACK_OFF if live else 0.0)
        self._paces: dict[str, _HostPace] = {}
        began = ticks()
        self._ends = began + rules.run_seconds
        self._ending = Stop(reason=RUN_SPENT, whole=True)
        window = find_window(rules.windows, zone, now())
        if not window.open or window.changes is not None:
            closes = 0.0 if not window.open or window.changes is None else (window.changes - now()).total_seconds()
            if began + closes < self._ends:
                self._ends = began + closes
                self._ending = Stop(reason=WINDOW_CLOSED, detail=describe_window(window, zone, now()), whole=True)

    # --- asking

    def remaining(self) -> float:
        """Seconds that the run may still last; not more than 0 when it is over."""
        return self._ends - self._ticks()

    def find_stop(self, origin: str) -> Stop | None:
        """Why a host is not to be asked now; None when it may be."""
        if self._ticks() >= self._ends:
            return self._ending
        return self._pace(origin).away

    def wait_seconds(self, origin: str) -> float:
        """Seconds to wait before the next request to a host; 0 or less: none."""
        hold = self._pace(origin).hold_until
        return hold - self._ticks() if hold else 0.0

    def may_try_again(self, origin: str) -> bool:
        """Whether a page that failed is worth another try now: not when it is the host that fails."""
        pace = self._pace(origin)
        return pace.away is None and pace.failures < NO_SECOND_TRY

    def distance(self, origin: str) -> float:
        """Seconds between two requests to a host."""
        pace = self._pace(origin)
        slowed = 0.0
        if self._rules.adaptive and pace.smoothed > SLOW_SECONDS:
            slowed = min(2 * pace.smoothed / self._rules.concurrency, LONGEST_SLOWED)
        return max(self._rules.delay, pace.asked_delay, slowed, pace.penalty)

    # --- being told

    def note_robots(self, origin: str, crawl_delay: float | None) -> None:
        """The host's robots.txt was read."""
        self._pace(origin).asked_delay = crawl_delay or 0.0
        self._tell_distance(origin, exactly=True)

    def note_answer(
        self, origin: str, status: int, latency: float, *, page: bool, retry_after: float | None = None
    ) -> None:
        """A host answered.

        Args:
            origin: of the host.
            status: HTTP status.
            latency: seconds until the answer began.
            page: it was asked for a page: firewalls let robots.txt and sitemaps through.
            retry_after: seconds, where the answer said so.
        """
        pace = self._pace(origin)
        pace.smoothed += (latency - pace.smoothed) / 4
        if status in TROUBLE:
            if retry_after is not None and status in OVERLOADED:
                self._wait_or_leave(origin, pace, retry_after, status)
            self._note_trouble(origin, pace, f"HTTP status {status}")
        elif not page:
            pace.failures = 0
        elif status in REFUSED:
            pace.refusals += 1
            if pace.refusals >= (MOST_REFUSALS if pace.good or not self._was(origin, REFUSING) else WARNED):
                self._leave(origin, pace, REFUSING, f"{pace.refusals} pages in a row answered {status}")
        elif pace.failures or pace.refusals or pace.penalty or not pace.good:
            self._note_good(origin, pace)
        if pace.smoothed > SLOW_SECONDS or pace.penalty or pace.told:
            self._tell_distance(origin)

    def note_failure(self, origin: str, reason: str) -> None:
        """A request failed below HTTP, in the words of ``spiders.fetch``."""
        if reason in ABOUT_HOST:
            pace = self._pace(origin)
            self._note_trouble(origin, pace, reason)
            self._tell_distance(origin)

    def ended(self) -> dict[str, Stop]:
        """Hosts that are not asked any more, and why."""
        return {origin: pace.away for origin, pace in self._paces.items() if pace.away is not None}

    def why_ended(self) -> str | None:
        """Why the run, or the first of its hosts, is not asked any more; None: all may be asked."""
        if self._ticks() >= self._ends:
            return self._ending.reason
        return next((stop.reason for stop in self.ended().values()), None)

    # --- underneath

    def _pace(self, origin: str) -> _HostPace:
        pace = self._paces.get(origin)
        if pace is None:
            pace = self._paces[origin] = _HostPace()
            host = self._hosts.host(origin)
            now = self._now()
            host.seen = now
            if host.not_before is not None:
                if now < host.not_before <= now + LONGEST_AWAY:
                    pace.away = Stop(reason=AWAY, detail=f"{origin}, until {_show(host.not_before)}")
                    self._say(f"{origin} asked an earlier run to wait until {_show(host.not_before)}: it is not asked")
                else:
                    host.not_before = None
        return pace

    def _was(self, origin: str, reason: str) -> bool:
        return self._hosts.host(origin).ended == reason

    def _note_good(self, origin: str, pace: _HostPace) -> None:
        pace.failures = pace.refusals = 0
        pace.good = True
        if pace.penalty:
            pace.penalty *= 0.8
            if pace.penalty <= max(self._rules.delay, pace.asked_delay, 0.01):
                pace.penalty = 0.0
        self._hosts.host(origin).ended = None

    def _note_trouble(self, origin: str, pace: _HostPace, what: str) -> None:
        pace.failures += 1
        if self._rules.adaptive:
            pace.penalty = min(max(2 * self.distance(origin), self._least_back_off), LONGEST_BACK_OFF)
        if pace.failures >= (MOST_FAILURES if pace.good or not self._was(origin, FAILING) else WARNED):
            self._leave(origin, pace, FAILING, f"{pace.failures} failures in a row, the last: {what}")

    def _wait_or_leave(self, origin: str, pace: _HostPace, seconds: float, status: int) -> None:
        if seconds <= min(LONGEST_PATIENCE, self.remaining()):
            pace.hold_until = max(pace.hold_until, self._ticks() + seconds)
            return
        until = self._now() + min(timedelta(seconds=seconds), LONGEST_AWAY)
        self._hosts.host(origin).not_before = until
        self._leave(origin, pace, AWAY, f"it answered {status} with Retry-After until {_show(until)}")

    def _leave(self, origin: str, pace: _HostPace, reason: str, detail: str) -> None:
        if pace.away is None:
            pace.away = Stop(reason=reason, detail=f"{origin}: {detail}")
            self._hosts.host(origin).ended = reason
            self._say(f"{origin} is not asked any more in this run: {reason} ({detail})")

    def _tell_distance(self, origin: str, *, exactly: bool = False) -> None:
        pace = self._pace(origin)
        wanted = self.distance(origin)
        # A tenth more or less is not worth telling; each change goes through Scrapy's downloader.
        if exactly or abs(wanted - pace.told) > 0.1 * pace.told:
            if pace.told and wanted >= 2 * pace.told and wanted >= LEAST_BACK_OFF:
                self._say(f"{origin} is slow or fails: requests keep {wanted:.1f} s distance")
            pace.told = wanted
            name = _name_of(origin)
            self._set_distance(name, max(self.distance(each) for each in self._paces if _name_of(each) == name))


# --- Retry-After


def read_retry_after(value: str | None, *, date: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110, 10.2.3); None when it says nothing usable.

    Args:
        value: the header: seconds, or a date.
        date: the answer's Date header, against which a date is taken: two clocks are seldom the same.
        now: our clock, where there is no such header.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until = _read_http_date(text)
    if until is None:
        return None
    return max(0.0, (until - (_read_http_date(date or "") or now)).total_seconds())


def read_clock(date: str | None, age: str | None, *, now: datetime) -> float | None:
    """Seconds that a server's clock is ahead of ours, by its answer's Date and Age headers; None: it names no date.

    Args:
        date: when the answer was made (RFC 9110, 6.6.1).
        age: how long a cache has had it (RFC 9111, 5.1).
        now: our clock.
    """
    made = _read_http_date((date or "").strip())
    if made is None:
        return None
    text = (age or "").strip()
    kept = float(text[:9]) if text.isascii() and text.isdigit() else 0.0
    return (made - now).total_seconds() + kept


def _read_http_date(text: str) -> datetime | None:
    if not text or len(text) > 100:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


# --- windows


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowState:
    """Whether a site may be crawled now, and when that changes; None: it never does."""

    open: bool
    changes: datetime | None


def find_window(windows: Sequence[str], zone: str, now: datetime) -> WindowState:
    """Where a moment stands in the crawl windows of a site.

    Args:
        windows: spans of a day ("22:00-06:00"); none: always.
        zone: IANA name of the time zone that they are in. A time that a change of clocks leaves out is taken as it
            would have been without the change; one that comes twice is the first of the two.
        now: with a zone.
    """
    if not windows:
        return WindowState(open=True, changes=None)
    local = zoneinfo.ZoneInfo(zone)
    today = now.astimezone(local).date()
    spans: list[tuple[datetime, datetime]] = []
    for offset in range(-1, 4):
        day = today + timedelta(days=offset)
        for window in windows:
            begin, end = ((int(text[:2]), int(text[3:])) for text in window.split("-"))
            last = day if end > begin else day + timedelta(days=1)
            if end == (24, 0):
                end, last = (0, 0), day + timedelta(days=1)
            start = datetime(day.year, day.month, day.day, *begin, tzinfo=local).astimezone(UTC)
            stop = datetime(last.year, last.month, last.day, *end, tzinfo=local).astimezone(UTC)
            if start < stop:
                spans.append((start, stop))
    spans.sort()
    closes: datetime | None = None
    for start, stop in spans:
        if start <= (closes or now) < stop:
            closes = stop
    if closes is None:
        return WindowState(open=False, changes=min((start for start, _ in spans if start > now), default=None))
    return WindowState(open=True, changes=closes if closes - now < timedelta(days=2) else None)


def describe_window(window: WindowState, zone: str, now: datetime) -> str:
    """In words: until when it is open, or when it opens."""
    if window.changes is None:
        return "it is open" if window.open else "it never opens"
    local = window.changes.astimezone(zoneinfo.ZoneInfo(zone))
    day = "" if local.date() == now.astimezone(zoneinfo.ZoneInfo(zone)).date() else f" on {local:%Y-%m-%d}"
    return f"it {'closes' if window.open else 'opens'} at {local:%H:%M}{day} ({zone})"


def _name_of(origin: str) -> str:
    """Host name without port, as the downloader keeps its queues."""
    netloc = origin.partition("://")[2]
    if netloc.startswith("["):
        return netloc[1:].partition("]")[0]
    return netloc.partition(":")[0]


def _show(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
