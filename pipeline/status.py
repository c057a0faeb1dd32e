"""How every site stands: its last run, what the gate said, what changed, and when it runs next.

Read from the archive alone, so it is the same for runs under Airflow and on the command line: from the one small
document in which a site's runs are noted (``pipeline.health``), or, where there is none, from the newest run itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, datetime

from pydantic import Field

from pipeline.archive import Archive
from pipeline.endangered import days_left, find_phase, next_run, read_capture, schedule_in_force
from pipeline.errors import ArchiveError
from pipeline.frontier import Frontier
from pipeline.health import Health, OpenAlarm, read_health
from pipeline.model import Document, Outcome, UtcTime
from spiders.site import Site


class SiteStatus(Document):
    """One line of ``muniment status``."""

    site: str
    name: str
    last_run: str | None  # id of the newest run of any verdict
    verdict: str | None  # "accept", "warn", "reject"; "unfinished" when the run has no report yet
    published: bool  # whether readers see that run
    new: int = 0
    changed: int = 0  # edited, restored or moved
    gone: int = 0
    unchanged: int = 0
    failed: int = 0  # failed or blocked
    documents: int = 0  # of the run's captures, those that were documents which pages link
    message: str | None = None  # the gate's message when the verdict is not "accept"
    next_run: UtcTime | None = None  # by the schedule in force
    cause: str | None = None  # of a rejected run, or of one that looks odd
    stopped: str | None = None  # why the crawl left a host alone, or ended early
    last_new: UtcTime | None = None  # when the latest run began that brought a new article
    freshness: float | None = None  # seconds from publication to capture, in the latest run that brought something
    alarms: tuple[OpenAlarm, ...] = ()  # what is wrong and not over


def read_status(archive: Archive, sites: Iterable[Site], now: datetime) -> list[SiteStatus]:
    """The state of each site, in the order given.

    Args:
        archive: where the runs are.
        sites: which sites.
        now: the moment after which the next run is looked for; with a zone.
    """
    with ThreadPoolExecutor(archive.store.threads, thread_name_prefix="status") as pool:
        return list(pool.map(lambda site: _site_status(archive, site, now), sites))


class EndangeredStatus(Document):
    """One line of ``muniment endangered``."""

    site: str
    name: str
    closes: date
    successor: str | None
    days_left: int  # below 0: so many days ago
    phase: str  # "far", "near", "last", "after"
    schedule: str  # in force now
    captured: int = 0  # pages of the last full capture
    total: int = 0
    capture: str  # how far that is, in words
    complete: bool = False
    articles: int = 0  # in the archive
    states: dict[str, int] = Field(default_factory=dict)  # "live" -> articles whose current version says so
    walking: bool = False  # whether a walk through the newsroom is under way


def read_endangered(archive: Archive, sites: Iterable[Site], now: datetime) -> list[EndangeredStatus]:
    """How the endangered ones of these sites stand, the next to close first.

    Args:
        archive: where their progress and articles are.
        sites: which sites; those that are not endangered are left out.
        now: the moment; with a zone.
    """
    found = [_endangered_status(archive, site, now) for site in sites if site.endangered is not None]
    return sorted(found, key=lambda each: (each.closes, each.site))


def _endangered_status(archive: Archive, site: Site, now: datetime) -> EndangeredStatus:
    assert site.endangered is not None
    phase, capture = find_phase(site, now), read_capture(archive, site)
    with Frontier.open(archive, site) as frontier:
        states = frontier.count_states()
    return EndangeredStatus(
        site=site.id,
        name=site.name,
        closes=site.endangered,
        successor=site.successor,
        days_left=days_left(site, now),
        phase=phase.value if phase else "far",
        schedule=schedule_in_force(site, now),
        captured=capture.captured if capture else 0,
        total=capture.total if capture else 0,
        capture=capture.message if capture else "last full capture: not begun",
        complete=capture is not None and capture.finished_at is not None,
        articles=sum(states.values()),
        states=states,
        walking=capture is not None and capture.walk is not None and not capture.walk.finished,
    )


def _latest_run(archive: Archive, site_id: str) -> str | None:
    """The newest run that crawled; of a site that has none, the newest of the others."""
    newest = None
    for run in archive.runs(site_id):
        orders = archive.read_orders(site_id, run)
        if orders is None or orders.mode not in ("import", "reextract"):
            return run
        newest = newest or run
    return newest


def _site_status(archive: Archive, site: Site, now: datetime) -> SiteStatus:
    due = next_run(site, now)
    health = _find_health(archive, site.id)
    if health is not None and health.runs:
        return _describe_health(site, health, due)
    run = _latest_run(archive, site.id)
    if run is None:
        return SiteStatus(site=site.id, name=site.name, last_run=None, verdict=None, published=False, next_run=due)
    report = archive.read_report(site.id, run)
    published = archive.read_published(site.id, run)
    outcomes = published.outcomes if published else {}
    versions = published.versions if published else {}
    return SiteStatus(
        site=site.id,
        name=site.name,
        last_run=run,
        verdict=report.verdict if report else "unfinished",
        published=published is not None,
        new=versions.get("new", 0),
        changed=sum(versions.get(change, 0) for change in ("edited", "restored", "moved")),
        gone=versions.get("gone", 0),
        unchanged=outcomes.get(Outcome.UNCHANGED, 0),
        failed=outcomes.get(Outcome.FAILED, 0) + outcomes.get(Outcome.BLOCKED, 0),
        documents=sum(n for name, n in report.counts.items() if name.startswith("document-")) if report else 0,
        message=report.message if report and report.verdict != "accept" else None,
        next_run=due,
    )


def _find_health(archive: Archive, site_id: str) -> Health | None:
    with suppress(ArchiveError):  # it is made anew out of the runs by the next one
        return read_health(archive, site_id)
    return None


def _describe_health(site: Site, health: Health, due: datetime) -> SiteStatus:
    crawled = (run for run in health.runs if run.mode not in ("import", "reextract"))
    run = next(crawled, health.runs[0])
    versions, outcomes = run.versions, run.outcomes if run.state == "published" else {}
    return SiteStatus(
        site=site.id,
        name=site.name,
        last_run=run.run,
        verdict="failed" if run.state == "failed" else run.verdict or "unfinished",
        published=run.state == "published",
        new=versions.get("new", 0),
        changed=sum(versions.get(change, 0) for change in ("edited", "restored", "moved")),
        gone=versions.get("gone", 0),
        unchanged=outcomes.get(Outcome.UNCHANGED, 0),
        # What a run could not fetch is so whether it was published or not.
        failed=run.outcomes.get(Outcome.FAILED, 0) + run.outcomes.get(Outcome.BLOCKED, 0),
        documents=run.documents,
        message=run.message if run.verdict != "accept" or run.state == "failed" else None,
        next_run=due,
        cause=run.cause,
        stopped=run.stopped,
        last_new=health.last_new,
        freshness=health.freshness,
        alarms=health.alarms,
    )
