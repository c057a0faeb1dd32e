"""When a known page is worth another look, and whether the dates of its source can be believed.

Looking decays with age: a page's *age* counts from when it was published, where that is known and earlier than
when we met it, so that a back catalogue is not young because we found it today; an edit makes it younger again.
What is not simply there is asked for at a pace of its own:

- missing (404, 410, not found in other words): so that the evidence for a tombstone comes together as soon as
  ``gone_after`` allows, and no sooner;
- gone (it has a tombstone), or never there: ever more rarely; but a restoration is found;
- blocked or failed: soon, then with back-off; it does not count as a look, so the ladder waits for it;
- an address that only leads to where the article is now: once a month.

Everything here decides and does nothing else: no store, no clock. What is remembered stands in
``pipeline.frontier``; which of the due pages a run takes, in ``spiders.books``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

from spiders.protocol import FIRST_BELIEF
from spiders.site import Site

_EARLY = 0.1
"""A check may come this share of its interval early: an hourly run never starts exactly an hour after the last."""
_SPREAD = 0.2
"""By up to this share an interval of days is shorter for some pages than for others, so that pages which were
met on one day are not all due on one day."""
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_MONTH = 30 * _DAY
_SOON = timedelta(minutes=30)
_PATIENCE = 3 * _DAY  # longest wait for a page that is blocked, and whose article was seen before
_MOST = 1000.0

LIVE_KINDS: Final = frozenset({"article", "unchanged", "not-an-article"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """What is remembered of one URL."""

    url: str
    kind: str  # of its newest capture, as in ``Finding.kind``
    first_seen: datetime
    fetched_at: datetime  # newest capture, or try
    looked_at: datetime | None  # newest capture that showed a page
    published: datetime | None = None  # when its page or its source says that it was published; at the latest
    edited_at: datetime | None = None  # newest edit of its article
    gone_at: datetime | None = None  # its article has had a tombstone since
    missing: tuple[int, datetime, datetime] | None = None  # answers "not there" since seen live: number, first, last
    has_article: bool = False
    elsewhere: bool = False  # it only leads to another address of its article, which is live


def measure_overdue(site: Site, memory: Memory, *, now: datetime) -> float:
    """How urgently a known URL wants another look.

    Args:
        site: its ladder, and how much evidence a tombstone needs.
        memory: what is remembered of the URL.
        now: the moment for which is asked.

    Returns:
        Time since the last look as a multiple of the time after which it is due: 1 and more is due. 0: never
        (the ladder has an end).
    """
    interval, since = _find_interval(site, memory, now)
    if interval is None:
        return 0.0
    waited = now - since
    if interval <= timedelta(0):
        return _MOST
    return min(_MOST, max(0.0, waited / interval))


def _find_interval(site: Site, memory: Memory, now: datetime) -> tuple[timedelta | None, datetime]:  # noqa: PLR0911
    """After what time the next look is due, and since when the time counts."""
    waited = memory.fetched_at - (memory.looked_at or memory.first_seen)
    if memory.gone_at is not None:
        # Restored articles mostly come back soon; the pause grows with the absence.
        return _between(_DAY, (memory.fetched_at - memory.gone_at) / 2, _MONTH), memory.fetched_at
    if memory.kind == "gone":
        if memory.missing is not None:
            return _until_evidence(site, memory.missing)
        return _between(_HOUR, waited, _MONTH), memory.fetched_at
    if memory.elsewhere:
        return _spread(_MONTH, memory.url), memory.fetched_at
    if memory.kind in ("blocked", "failed"):
        return _between(_SOON, waited, _PATIENCE if memory.has_article else _MONTH), memory.fetched_at
    every = _climb(site, memory, now)
    if memory.kind not in LIVE_KINDS:  # left out by a policy: policies change slowly
        return None if every is None else max(every, 7 * _DAY), memory.fetched_at
    return None if every is None else every * (1 - _EARLY), memory.looked_at or memory.fetched_at


def _until_evidence(site: Site, missing: tuple[int, datetime, datetime]) -> tuple[timedelta, datetime]:
    """For a page that is not there: so many looks, spread evenly, that the last one completes the evidence."""
    count, first, last = missing
    step = max(site.gone_after / max(site.gone_after_checks - 1, 1), timedelta(0))
    if count < site.gone_after_checks:
        return max(first + step * count - last, step / 4), last
    return max(step, _HOUR), last


def _climb(site: Site, memory: Memory, now: datetime) -> timedelta | None:
    """The interval of the rung on which a page stands; None beyond the last."""
    born = min(memory.first_seen, memory.published or memory.first_seen)
    age = now - born
    ladder = site.ladder
    if memory.edited_at is not None:
        # Who edits a page may edit it again: it is young once more, but grows up four times as fast.
        first = ladder[0].age or timedelta(0)
        age = min(age, max(4 * (now - memory.edited_at), first + timedelta(seconds=1)))
    for rung in ladder:
        if rung.age is None or age <= rung.age:
            return _spread(rung.every, memory.url)
    return None


def _spread(interval: timedelta, url: str) -> timedelta:
    if interval < 2 * _DAY:
        return interval
    share = int.from_bytes(blake2b(url.encode(), digest_size=2).digest(), "big") / 0xFFFF
    return interval * (1 - _SPREAD * share)


def _between(low: timedelta, value: timedelta, high: timedelta) -> timedelta:
    return max(low, min(value, high))


# --- dates --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Track:
    """What became of looks that have to do with one source: how far its dates can be believed."""

    still: int = 0  # looks at pages whose date had not moved
    silent: int = 0  # of these, edits, and pages that were not there
    moved: int = 0  # looks because the date had moved
    vain: int = 0  # of these, no edit
    unlisted: int = 0  # looks because the page was listed no longer
    lost: int = 0  # of these, the page was not there (or somewhere else)


BELIEF = 3.0
"""A page whose date has not moved is looked at so many times more rarely than the ladder says, once that is trusted."""
_TRUST = 10.0  # the operator has said so
_DOUBT_SHARE = 1 / 400
_LOOKS_TO_BELIEVE = 100
_MOVES_TO_TELL = 30
_REAL_SHARE = 0.05
_PROVEN_SHARE = 0.3


def believe_dates(site: Site, track: Track) -> float:
    """How many times more rarely than the ladder says a page is looked at while its source's date stands still.

    Belief begins small and grows with looks that confirmed it. An edit that did not move its date, or a page that went
    and stayed listed, ends it, until so many looks have confirmed it again that such are rare.
    """
    if site.dates == "ignore":
        return 1.0
    if site.dates == "trust":
        return _TRUST
    if track.silent > track.still * _DOUBT_SHARE:
        return 1.0
    return min(BELIEF, FIRST_BELIEF + track.still / _LOOKS_TO_BELIEVE)


def moves_mean_nothing(track: Track) -> bool:
    """Whether dates move without an edit nearly always: they are made when the document is."""
    return track.moved >= _MOVES_TO_TELL and track.moved - track.vain < track.moved * _REAL_SHARE


def moves_are_proven(track: Track) -> bool:
    """Whether a date that moves has often meant an edit, so that very many at once may be true."""
    return track.moved >= _MOVES_TO_TELL and track.moved - track.vain >= track.moved * _PROVEN_SHARE


def leaving_means_nothing(track: Track) -> bool:
    """Whether pages that are listed no longer are nearly always still there: the source lists the latest only."""
    return track.unlisted >= _MOVES_TO_TELL and track.lost < track.unlisted * _REAL_SHARE


def latest_birth(published: datetime, *, day_only: bool) -> datetime:
    """The latest moment that a date of publication can mean: with a day alone, that day's end."""
    return published.astimezone(UTC) + (_DAY if day_only else timedelta(0))
