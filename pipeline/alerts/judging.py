"""Judge from what is noted of a site whether something is wrong with it that an operator should know.

One alert for each kind of trouble at most:

| kind | when |
|---|---|
| rejected | the newest runs were refused by the gate, or one was |
| blocked | the site refuses us, or stands behind a wall; at once where only a person can help, else after some runs |
| failing | the site does not answer, or runs end with errors; a permanent error at once, else after some runs |
| silent | nothing new for longer than the site's own rhythm explains |
| late | a run takes far longer than the site's runs do |
| not run | it is switched on, and its schedule has passed twice without a run |

Not here: what was told already (``pipeline.alerts.standing``), and any reading or writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Literal

from pipeline.alerts.silence import find_silence
from pipeline.endangered import days_left, next_run
from pipeline.health import Health, RunRecord
from pipeline.model import Document, UtcTime
from spiders.site import Site

Kind = Literal["rejected", "blocked", "failing", "silent", "late", "not run"]

PATIENCE = {"site down": 3, "throttled": 3, "firewall": 2, "gave up": 3}
"""So many runs in a row, by cause, before it is told: these pass by themselves more often than not."""

LONG = timedelta(hours=24)
"""Trouble that has lasted for so long over two runs is told, however patient: a daily site has no three runs."""

SHARE = 0.5
"""A run of which so much ended the same way, of what was asked for, counts as blocked, or as down."""

_FEW = 3  # URLs: a share of fewer says nothing
_WALLS = frozenset({"firewall", "throttled", "login wall", "consent wall"})
_SLACK = timedelta(hours=3)  # a run and its wait for a pool, between its time and its first note
_MAYBE = timedelta(minutes=60)  # a site that was switched on again has run by then
_WINDOWS = timedelta(days=2)  # a site with crawl windows skips runs


@dataclass(frozen=True, kw_only=True)
class SiteFacts:
    """What alerts need to know of a site, beside how it stands."""

    site: str
    name: str
    council: bool = False
    family: str | None = None  # software
    pool: str | None = None  # sites of one server
    paused: bool = False  # its DAG is switched off, or its site was to close and has
    expected: datetime | None = None  # by then another run should have been noted
    quiet: timedelta | None = None  # the longest silence that its file calls normal


class Alert(Document):
    """Something is wrong with a site, and why that is believed."""

    site: str
    kind: Kind
    cause: str  # what most likely, in a word: "redesign", "site down", "permanent error"
    sentence: str  # what an operator reads first
    detail: str = ""  # the operator's message of the run
    threshold: str  # what it was held against: "3 runs in a row"
    basis: str  # the history that this comes from
    steps: tuple[str, ...]  # what to do
    since: UtcTime  # when it began
    run: str | None = None  # the run that shows it
    confirm: float = 0.0  # seconds that it must stand before anybody is told


def read_facts(site: Site, health: Health | None, now: datetime, *, paused: bool = False) -> SiteFacts:
    """What the file of a site says that alerts need."""
    expected = None
    if health is not None and (latest := _find_newest(health)) is not None:
        second = next_run(site, next_run(site, max(latest.began, latest.noted)))
        expected = second + _SLACK + timedelta(seconds=site.crawl.run_seconds)
        if site.crawl.windows:
            expected += _WINDOWS
    closed = site.endangered is not None and days_left(site, now) <= 0
    quiet = [source.quiet for source in site.sources]
    return SiteFacts(
        site=site.id,
        name=site.name,
        council=site.kind == "council",
        family=site.family,
        pool=site.crawl.group,
        paused=paused or closed,
        expected=expected,
        quiet=max(known) if (known := [each for each in quiet if each is not None]) and None not in quiet else None,
    )


def judge(health: Health, facts: SiteFacts, now: datetime) -> tuple[Alert, ...]:
    """What is wrong with a site; nothing where it is switched off."""
    if facts.paused:
        return ()
    found = [_find_streak(health), _find_late(health), _find_missed(health, facts, now)]
    if found[0] is None:  # while its runs are refused nothing new can come
        found.append(_find_silence(health, facts))
    return tuple(alert for alert in found if alert is not None)


def next_look(health: Health, facts: SiteFacts, now: datetime) -> datetime:
    """When the passing of time alone may change what is judged, at the earliest."""
    return min(
        facts.expected if facts.expected and facts.expected > now else now + timedelta(days=1),
        now + timedelta(days=1) if health.latest else now + timedelta(hours=6),
    )


# --- runs that go wrong ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Trouble:
    kind: Literal["rejected", "blocked", "failing"]
    cause: str


def _find_trouble(run: RunRecord) -> _Trouble | None:
    if run.state == "failed":
        return _Trouble(kind="failing", cause="gave up" if run.gave_up else "permanent error")
    if run.state == "rejected":
        cause = run.cause or "unknown"
        kind: Literal["rejected", "blocked", "failing"] = (
            "blocked" if cause in _WALLS else "failing" if cause == "site down" else "rejected"
        )
        return _Trouble(kind=kind, cause=cause)
    asked = sum(run.outcomes.get(name, 0) for name in _ASKED)
    if run.outcomes.get("blocked", 0) >= max(_FEW, SHARE * asked):
        walled = run.cause if run.cause in _WALLS else "throttled" if run.stopped else "firewall"
        return _Trouble(kind="blocked", cause=walled)
    if run.outcomes.get("failed", 0) >= max(_FEW, SHARE * asked):
        return _Trouble(kind="failing", cause="site down")
    return None


_ASKED = ("archived", "unchanged", "not-an-article", "blocked", "gone", "failed")


def _find_streak(health: Health) -> Alert | None:
    """The trouble that the newest runs are in, once it has lasted."""
    ended = [run for run in health.measured if run.state not in ("unfinished", "checked")]
    if not ended or (trouble := _find_trouble(ended[0])) is None:
        return None
    streak = list(
        takewhile(lambda run: (found := _find_trouble(run)) is not None and found.kind == trouble.kind, ended)
    )
    newest, oldest = streak[0], streak[-1]
    patience = PATIENCE.get(trouble.cause, 1)
    if len(streak) < patience and not (len(streak) >= 2 and newest.began - oldest.began >= LONG):
        return None
    good = next((run for run in ended[len(streak) :]), None)
    return Alert(
        site=health.site,
        kind=trouble.kind,
        cause=trouble.cause,
        sentence=_tell_streak(trouble, len(streak), newest),
        detail=newest.message,
        threshold="the first run" if patience == 1 else f"{patience} runs in a row, or a day over two runs",
        basis=(
            f"{len(streak)} of the latest {len(ended)} runs, all since {oldest.began:%-d %B %H:%M}Z; "
            + (f"the run before, {good.run}, was good" if good else "no good run is known")
        ),
        steps=tuple(_tell_steps(trouble, health.site, newest)),
        since=oldest.began,
        run=newest.run,
    )


_SAYS = {
    "redesign": "its pages are built otherwise",
    "consent wall": "a question about consent stands before its pages",
    "login wall": "a log-in stands before its pages",
    "firewall": "it refuses us",
    "throttled": "it asked to be left alone",
    "site down": "it does not answer",
    "empty source": "what names its pages names none that fit",
    "strange pages": "a mass of pages came that are not built as its own are",
    "dates": "its dates have another form or place",
    "one text": "all its pages have one and the same text",
    "old text": "what it calls new was there before",
    "language": "its language is another",
    "volume": "it published much more or much less than is normal",
    "books": "the run's books do not balance",
    "clock": "this machine's clock and those of its servers do not agree",
    "slow": "it has become slow",
    "unknown": "it is not clear why",
    "gave up": "its runs end with an error that does not pass",
    "permanent error": "a step ended with an error that trying again does not mend",
}


def _tell_streak(trouble: _Trouble, count: int, run: RunRecord) -> str:
    times = "the latest run was" if count == 1 else f"the latest {count} runs were"
    ended = {"rejected": "refused by the gate", "blocked": "blocked", "failing": "failures"}[trouble.kind]
    if trouble.kind == "failing" and count == 1:
        ended = "a failure"
    return f"{times} {ended}: {_SAYS.get(trouble.cause, trouble.cause)}" + (f" ({run.stopped})" if run.stopped else "")


def _tell_steps(trouble: _Trouble, site: str, run: RunRecord) -> Iterator[str]:
    if run.state == "rejected" and run.steps:  # which know the run's pages and sources
        yield from run.steps
        return
    if trouble.kind == "failing":
        if run.state == "failed":
            yield f"Do what the message says, then clear the failed task of site_{site}."
        else:
            yield "Open the site in a browser. If it answers there, look whether this machine reaches it."
        yield f"See what ended how: muniment status {site}"
        return
    if trouble.cause in ("firewall", "throttled"):
        yield "Crawl more slowly (crawl.delay, crawl.concurrency in the site's file), or ask the publisher for leave."
    elif trouble.cause in ("login wall", "consent wall"):
        yield "Open a page in a browser without cookies: is the text there? See docs/sites.md for what a file can say."
    if run.state == "rejected":
        yield f"See what changed, with pages: muniment inspect {run.run}"
        yield f'If the run is right after all: muniment release {run.run} --reason "…"'
        yield f"After a change of the site's file: muniment reextract {run.run}"
    else:
        yield f"See what ended how: muniment status {site}"


# --- what time shows ---------------------------------------------------------------------------------


def _find_silence(health: Health, facts: SiteFacts) -> Alert | None:
    good = next((run for run in health.measured if run.state == "published"), None)
    if good is None:
        return None
    silence = find_silence(health.days, health.last_new, good.began, council=facts.council, allowed=facts.quiet)
    if silence is None:
        return None
    held = (
        f"{silence.least:.0f} articles expected, and 1.5 times the longest silence ({silence.longest:g} days)"
        if silence.expected
        else f"{silence.longest:g} days"
    )
    wanted = f"; about {silence.expected:.0f} were to be expected" if silence.expected else ""
    return Alert(
        site=health.site,
        kind="silent",
        cause="no new articles",
        sentence=f"nothing new for {silence.days:.0f} days{wanted}",
        threshold=held,
        basis=silence.basis,
        steps=(
            "Open the site's news page in a browser: is there something new?",
            f"If so, its sources have moved: muniment sites probe, and compare with muniment sites show {health.site}",
            "If not: `quiet` of a source in the site's file says how long a silence is normal.",
        ),
        since=silence.since,
        run=good.run,
    )


def _find_late(health: Health) -> Alert | None:
    late = next((run for run in health.runs if run.late is not None), None)
    if late is None or late.late is None:
        return None
    return Alert(
        site=health.site,
        kind="late",
        cause="late",
        sentence=f"run {late.run} takes far longer than its runs do",
        detail=late.late,
        threshold="the mean of the latest runs that went well, and half of crawl.run_seconds more",
        basis=late.late,
        steps=(
            f"Look at the log of the task of site_{health.site} that is running.",
            "A task that waits is held up by a full pool or by workers that are not there.",
        ),
        since=late.began,
        run=late.run,
    )


def _find_missed(health: Health, facts: SiteFacts, now: datetime) -> Alert | None:
    latest = _find_newest(health)
    if facts.expected is None or now <= facts.expected or latest is None:
        return None
    return Alert(
        site=health.site,
        kind="not run",
        cause="not run",
        sentence=f"no run has been noted since {latest.noted:%-d %B %H:%M}Z, though its schedule has passed twice",
        threshold=f"a run noted by {facts.expected:%-d %B %H:%M}Z",
        basis=f"its schedule, and its latest run {latest.run}",
        steps=(
            f"Look at site_{health.site} in Airflow: a run that is queued waits for a pool or for workers.",
            "Is a pool missing? muniment dags pools > pools.json && airflow pools import pools.json",
        ),
        since=facts.expected,
        run=latest.run,
        confirm=_MAYBE.total_seconds(),
    )


def _find_newest(health: Health) -> RunRecord | None:
    """The newest run of any sort that was not made by a clock that was ahead."""
    return next((run for run in health.runs if not health.is_ahead(run)), None)
