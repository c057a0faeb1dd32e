"""How every site stands: its last run, what the gate said, what changed, and when it runs next.

Read from the archive alone, so it is the same for runs under Airflow and on the command line.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pipeline.archive import Archive
from pipeline.endangered import next_run
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
    message: str | None = None  # the gate's message when the verdict is not "accept"
    next_run: UtcTime | None = None  # by the schedule in force


def read_status(archive: Archive, sites: Iterable[Site], now: datetime) -> list[SiteStatus]:
    """The state of each site, in the order given.

    Args:
        archive: where the runs are.
        sites: which sites.
        now: the moment after which the next run is looked for; with a zone.
    """
    return [_site_status(archive, site, now) for site in sites]


def _site_status(archive: Archive, site: Site, now: datetime) -> SiteStatus:
    due = next_run(site, now)
    run = next(iter(archive.runs(site.id)), None)
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
        message=report.message if report and report.verdict != "accept" else None,
        next_run=due,
    )
