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
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Literal

from pydantic import Field

from pipeline.archive import HEALTH_FOLDER, Archive
from pipeline.errors import ArchiveError
from pipeline.model import Cause, Document, Mode, Report, UtcTime

KEPT = 120
"""So many runs of a site are kept in short: five days of an hourly site, four months of a daily one."""

DAYS = 400
"""So many days of a site are kept in counts: a year, and a month to look around in."""

_SAID = 600  # characters of a message
_TOLD = 3  # latest runs of which it is kept what to do
_AHEAD = timedelta(hours=1)
_MEASURED = frozenset({"regular", "full"})  # modes whose runs look at the site as it is today

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
    why: str = (
        ""  # the same in a sentence or two, where it was refused or looks odd: what is the matter, and no figures
    )
    steps: tuple[str, ...] = ()  # what to do about a run that was refused, or looks odd; of the latest runs
    began: UtcTime
    ended: UtcTime | None = None  # the crawl's end
    noted: UtcTime  # when this was written
    discovered: int = 0
    captured: int = 0
    articles: int = 0
    documents: int = 0  # of the captures, those that were documents which pages link
    versions: dict[str, int] = Field(default_factory=dict)  # Change -> versions made; {}: not published
    outcomes: dict[str, int] = Field(default_factory=dict)  # Outcome -> URLs; before it is published, the crawl's
    fill: dict[str, int] = Field(default_factory=dict)  # field -> articles that have it
    median_words: int = 0
    bytes_received: int = 0
    requests: int = 0
    lag: float | None = None  # seconds from publication to capture, the middle one
    stopped: str | None = None  # why the crawl left a host alone, or ended early, in words
    gave_up: bool = False  # failed: by an error that may pass, and that the retries did not outlast
    trying: str | None = None  # a step failed by what may pass and is tried again, in words; until it is noted again
    late: str | None = None  # it takes far longer than the site's runs do, in words; until it is noted again


class DayCount(Document):
    """What the regular runs of a day (UTC, by their beginning) came to."""

    runs: int = 0
    bad: int = 0  # of these: rejected, failed or unfinished
    new: int = 0
    edited: int = 0
    gone: int = 0


class OpenAlarm(Document):
    """An alarm that is open, in short; ``pipeline.alerts`` knows the rest."""

    id: str
    kind: str
    cause: str
    sentence: str
    since: UtcTime
    acknowledged: bool = False


class Health(Document):
    """``health/<site>.json``."""

    site: str
    runs: tuple[RunRecord, ...] = ()  # newest first
    updated: UtcTime
    days: dict[str, DayCount] = Field(default_factory=dict)  # "2026-11-22" -> its counts, the latest 400 days
    last_new: UtcTime | None = None  # when the latest run began that brought a new article
    alarms: tuple[OpenAlarm, ...] = ()  # what is wrong and not over

    @property
    def latest(self) -> RunRecord | None:
        """The newest run that looked at the site as it is today."""
        return next(self.measured, None)

    @property
    def measured(self) -> Iterator[RunRecord]:
        """The runs that looked at the site as it is today, newest first."""
        return (run for run in self.runs if run.mode in _MEASURED and not self.is_ahead(run))

    def is_ahead(self, run: RunRecord) -> bool:
        """Whether a run was made when this machine's clock was ahead: it would pass for the latest until that day."""
        return run.began > self.updated + _AHEAD

    @property
    def freshness(self) -> float | None:
        """Seconds from publication to capture, as the latest run had it that brought something new; None: not known."""
        return next((run.lag for run in self.measured if run.lag is not None and run.state == "published"), None)


def note_run(archive: Archive, site: str, run: str, *, now: datetime) -> Health:
    """Note how a run stands, out of what it has written so far. Called after each of its steps, and again by retries.

    Raises:
        WriteConflict, StoreUnavailable: try again.
    """
    return _put(archive, site, [read_record(archive, site, run, now=now)], now)


def note_failure(
    archive: Archive, site: str, run: str, *, step: str, message: str, now: datetime, gave_up: bool = False
) -> Health:
    """Note that a step of a run ended with a permanent error, or was tried too often.

    Args:
        step: "crawl", "extract", "check" or "publish".
        message: what the operator reads, with the next step.
        gave_up: the error may pass, and there will be no further try of this run.
    """
    record = read_record(archive, site, run, now=now)
    if record.state == "rejected":  # which the gate has told better
        return _put(archive, site, [record], now)
    update = {"state": "failed", "message": shorten(f"{step}: {message}"), "gave_up": gave_up}
    return _put(archive, site, [record.model_copy(update=update)], now)


def note_trying(archive: Archive, site: str, run: str, *, step: str, message: str, now: datetime) -> Health:
    """Note that a step failed by an error that may pass, and is tried again; the next note of this run takes it back.

    Retries go on for minutes: whoever looks meanwhile should not have to guess.
    """
    record = read_record(archive, site, run, now=now)
    record = record.model_copy(update={"trying": shorten(f"{step}, {message}")})
    return _put(archive, site, [record], now)


def note_late(archive: Archive, site: str, run: str, *, message: str, now: datetime) -> Health:
    """Note that a run takes far longer than the site's runs do; the next note of this run takes that back."""
    record = read_record(archive, site, run, now=now)
    if record.state in ("unfinished", "checked"):
        record = record.model_copy(update={"late": shorten(message)})
    return _put(archive, site, [record], now)


def note_alarms(archive: Archive, site: str, alarms: tuple[OpenAlarm, ...]) -> Health | None:
    """Note which alarms are open, for those who look; None: the site never ran."""

    def change(standing: Health | None) -> Health | None:
        return standing and standing.model_copy(update={"alarms": alarms})

    return archive.change_progress(archive.health_key(site), Health, change, rebuildable=True)


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
    """Put a site's document together anew, out of its runs.

    The days before the kept runs are counted by what those published: whether a run that is older failed is lost.
    """
    runs = list(islice(archive.runs(site), KEPT * 100))
    since = now.timestamp() - DAYS * 86_400
    old = [run for run in runs[KEPT:] if _began(run).timestamp() > since]
    with ThreadPoolExecutor(archive.store.threads, thread_name_prefix="health") as pool:
        records = list(pool.map(lambda run: read_record(archive, site, run, now=now), runs[:KEPT]))
        earlier = list(pool.map(lambda run: _read_old(archive, site, run, now), old))
    alarms = standing.alarms if (standing := _find(archive, site)) else ()
    built = _put_records(Health(site=site, updated=now), [*earlier, *records], now)

    def change(_: Health | None) -> Health:
        return built.model_copy(update={"alarms": alarms})

    done = archive.change_progress(archive.health_key(site), Health, change, rebuildable=True)
    assert done is not None
    return done


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
        began=_began(run),
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
            "message": shorten(report.message),
            "why": shorten(_put_why(report)),
            "steps": report.diagnosis.steps if report.diagnosis else (),
            "articles": report.counts.get("articles", 0),
            "documents": sum(count for name, count in report.counts.items() if name.startswith("document-")),
            "median_words": report.counts.get("median_words", 0),
            "fill": dict(report.fill),
            "lag": report.lag,
        }
    if published is not None:
        update |= {"versions": dict(published.versions), "outcomes": dict(published.outcomes)}
    return record.model_copy(update=update)


def _put_why(report: Report) -> str:
    """What is the matter with a run: the diagnosis, or what the checks say that have its verdict."""
    if report.verdict == "accept":
        return ""
    if report.diagnosis is not None and report.diagnosis.cause != "unknown":
        return report.diagnosis.sentence
    return " ".join(f"{check.message} ({check.name})" for check in report.checks if check.verdict == report.verdict)


def shorten(message: str, most: int = _SAID) -> str:
    """A message as it is kept: whole, or ended between two words, with an ellipsis for the rest."""
    if len(message) <= most:
        return message
    return message[: most - 1].rsplit(None, 1)[0] + "…"


def _find_state(report: Report | None, *, published: bool) -> RunState:
    if published:
        return "published"
    if report is None:
        return "unfinished"
    return "rejected" if report.verdict == "reject" else "checked"


def _read_old(archive: Archive, site: str, run: str, now: datetime) -> RunRecord:
    """As much of a run as the counts of its day want."""
    orders, published = archive.read_orders(site, run), archive.read_published(site, run)
    return RunRecord(
        run=run,
        mode=orders.mode if orders else "regular",
        state="published" if published else "unfinished",
        began=_began(run),
        noted=now,
        versions=dict(published.versions) if published else {},
    )


def _find(archive: Archive, site: str) -> Health | None:
    with suppress(ArchiveError):
        return read_health(archive, site)
    return None


def _began(run: str) -> datetime:
    return datetime.strptime(run[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _put(archive: Archive, site: str, records: Iterable[RunRecord], now: datetime) -> Health:
    """Put runs into a site's document, each in the place of what was noted of it before."""
    new = list(records)

    def change(standing: Health | None) -> Health:
        return _put_records(standing or Health(site=site, updated=now), new, now)

    done = archive.change_progress(archive.health_key(site), Health, change, rebuildable=True)
    assert done is not None
    return done


def _put_records(health: Health, new: list[RunRecord], now: datetime) -> Health:
    known = {record.run: record for record in health.runs}
    new = [record for record in new if not _is_told(known.get(record.run), record)]
    if not new:
        return health  # a step that is called again notes nothing anew
    # A run that has left the list is counted in its day already, and cannot be told from one that never was in it.
    oldest = min(known, default="") if len(known) >= KEPT else ""
    new = [record for record in new if record.run >= oldest]
    days = dict(health.days)
    for record in new:
        day = f"{record.began:%Y-%m-%d}"
        for run, sign in ((known.get(record.run), -1), (record, 1)):
            if run is not None and run.mode in _MEASURED:
                days[day] = _count(days.get(day, DayCount()), run, sign)
    brought = [record.began for record in new if record.mode in _MEASURED and record.versions.get("new")]
    runs = sorted((known | {record.run: record for record in new}).values(), key=lambda each: each.run, reverse=True)
    return health.model_copy(
        update={
            "runs": tuple(_forget_steps(runs[:KEPT])),
            "days": dict(sorted(days.items())[-DAYS:]),
            "last_new": max((*brought, *((health.last_new,) if health.last_new else ())), default=None),
            "updated": now,
        }
    )


def _forget_steps(runs: list[RunRecord]) -> Iterator[RunRecord]:
    """Runs, newest first, with what to do about the latest only: of a hundred refused ones it is the same."""
    for place, run in enumerate(runs):
        yield run if place < _TOLD or not run.steps else run.model_copy(update={"steps": ()})


def _is_told(known: RunRecord | None, record: RunRecord) -> bool:
    """Whether that has been noted already, whenever it was."""
    if known is None:
        return False
    same = {"noted": record.noted, "steps": known.steps or record.steps}
    return known.model_copy(update=same) == record.model_copy(update=same)


def _count(day: DayCount, run: RunRecord, sign: int) -> DayCount:
    return DayCount(
        runs=day.runs + sign,
        bad=day.bad + sign * (run.state in ("rejected", "failed", "unfinished")),
        new=day.new + sign * run.versions.get("new", 0),
        edited=day.edited + sign * run.versions.get("edited", 0),
        gone=day.gone + sign * run.versions.get("gone", 0),
    )
