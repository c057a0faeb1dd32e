"""How a site stands, for operators: its latest runs in short, in one small document per site.

    health/<site>.json

Whoever looks at four hundred sites must not read four hundred times thirty reports. So the steps of a run note here
what became of it; status pages, alerts and the daily digest read nothing else. All of it can be put together anew out
of the runs (``rebuild_health``), and what is damaged or lost is.

Not here: any judgement of a run (``pipeline.check``) or of what is worth an alarm (``pipeline.alerts``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from typing import Literal

from pydantic import Field

from pipeline.archive import HEALTH_FOLDER, Archive
from pipeline.model import Cause, Document, Mode, Report, UtcTime

KEPT = 120
"""So many runs of a site are kept in short: five days of an hourly site, four months of a daily one."""

_SAID = 600  # characters of a message

RunState = Literal["published", "rejected", "failed", "checked", "unfinished"]
"""failed: a step ended with a permanent error. checked: accepted, and not published yet."""


class RunRecord(Document):
    """A run in short."""

    run: str
    mode: Mode = "regular"
    state: RunState
    verdict: Literal["accept", "warn", "reject"] | None = None  # None: not checked
    released: bool = False  # rejected, and published by hand
    cause: Cause | None = None  # of a rejected run, or of one that looks odd
    odd: dict[str, Literal["warn", "reject"]] = Field(default_factory=dict)  # check -> its verdict, where not "accept"
    message: str = ""  # what the operator reads
    began: UtcTime
    ended: UtcTime | None = None  # the crawl's end
    noted: UtcTime  # when this was written
    discovered: int = 0
    captured: int = 0
    articles: int = 0
    versions: dict[str, int] = Field(default_factory=dict)  # Change -> versions made; {}: not published
    outcomes: dict[str, int] = Field(default_factory=dict)  # Outcome -> URLs; before it is published, the crawl's
    fill: dict[str, int] = Field(default_factory=dict)  # field -> articles that have it
    median_words: int = 0
    bytes_received: int = 0
    requests: int = 0
    lag: float | None = None  # seconds from publication to capture, the middle one
    stopped: str | None = None  # why the crawl left a host alone, or ended early, in words


class Health(Document):
    """``health/<site>.json``."""

    site: str
    runs: tuple[RunRecord, ...] = ()  # newest first
    updated: UtcTime

    @property
    def latest(self) -> RunRecord | None:
        """The newest run that looked at the site as it is today."""
        return next((run for run in self.runs if run.mode in ("regular", "full")), None)


def note_run(archive: Archive, site: str, run: str, *, now: datetime) -> Health:
    """Note how a run stands, out of what it has written so far. Called after each of its steps, and again by retries.

    Raises:
        WriteConflict, StoreUnavailable: try again.
    """
    return _put(archive, site, [read_record(archive, site, run, now=now)], now)


def note_failure(archive: Archive, site: str, run: str, *, step: str, message: str, now: datetime) -> Health:
    """Note that a step of a run ended with a permanent error.

    Args:
        step: "crawl", "extract", "check" or "publish".
        message: what the operator reads, with the next step.
    """
    record = read_record(archive, site, run, now=now)
    update = {"state": "failed", "message": f"{step}: {message}"[:_SAID]}
    return _put(archive, site, [record.model_copy(update=update)], now)


def read_health(archive: Archive, site: str) -> Health | None:
    """How a site stands; None: it never ran."""
    return archive.read_progress(archive.health_key(site), Health)


def list_health(archive: Archive) -> dict[str, str]:
    """Site -> ETag of its document: who keeps documents knows by one listing which have changed."""
    return {
        entry.key.removeprefix(HEALTH_FOLDER).removesuffix(".json"): entry.etag
        for entry in archive.store.list(HEALTH_FOLDER)
    }


def read_all(archive: Archive, sites: Iterable[str]) -> Iterator[Health]:
    """How these sites stand, in their order; those that never ran are left out."""
    with ThreadPoolExecutor(archive.store.threads, thread_name_prefix="health") as pool:
        for health in pool.map(lambda site: read_health(archive, site), list(sites)):
            if health is not None:
                yield health


def rebuild_health(archive: Archive, site: str, *, now: datetime) -> Health:
    """Put a site's document together anew, out of its runs."""
    newest = islice(archive.runs(site), KEPT)
    return _put(archive, site, [read_record(archive, site, run, now=now) for run in newest], now)


def read_record(archive: Archive, site: str, run: str, *, now: datetime) -> RunRecord:
    """A run in short, out of what it has written."""
    orders, summary = archive.read_orders(site, run), archive.read_summary(site, run)
    report, published = archive.read_report(site, run), archive.read_published(site, run)
    released = report is not None and report.verdict == "reject" and archive.read_release(site, run) is not None
    record = RunRecord(
        run=run,
        mode=orders.mode if orders else "regular",
        state=_find_state(report, published=published is not None),
        released=released,
        began=datetime.strptime(run[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
        noted=now,
    )
    update: dict[str, object] = {}
    if summary is not None:
        stopped = [f"{host}: {seen.stopped}" for host, seen in sorted(summary.robots.items()) if seen.stopped]
        if summary.finish_reason != "finished":
            stopped.append(summary.finish_reason)
        update |= {
            "ended": summary.finished,
            "discovered": summary.discovered,
            "captured": summary.captured,
            "outcomes": dict(summary.outcomes),
            "bytes_received": summary.bytes_received,
            "requests": summary.requests,
            "stopped": "; ".join(stopped)[:_SAID] or None,
        }
    if report is not None:
        update |= {
            "verdict": report.verdict,
            "cause": report.diagnosis.cause if report.diagnosis else None,
            "odd": {check.name: check.verdict for check in report.checks if check.verdict != "accept"},
            "message": report.message[:_SAID],
            "articles": report.counts.get("articles", 0),
            "median_words": report.counts.get("median_words", 0),
            "fill": dict(report.fill),
            "lag": report.lag,
        }
    if published is not None:
        update |= {"versions": dict(published.versions), "outcomes": dict(published.outcomes)}
    return record.model_copy(update=update)


def _find_state(report: Report | None, *, published: bool) -> RunState:
    if published:
        return "published"
    if report is None:
        return "unfinished"
    return "rejected" if report.verdict == "reject" else "checked"


def _put(archive: Archive, site: str, records: Iterable[RunRecord], now: datetime) -> Health:
    """Put runs into a site's document, each in the place of what was noted of it before."""
    new = {record.run: record for record in records}

    def change(standing: Health | None) -> Health:
        known = {record.run: record for record in standing.runs} if standing else {}
        runs = sorted((known | new).values(), key=lambda record: record.run, reverse=True)
        return Health(site=site, runs=tuple(runs[:KEPT]), updated=now)

    done = archive.change_progress(archive.health_key(site), Health, change, rebuildable=True)
    assert done is not None
    return done
