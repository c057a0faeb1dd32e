"""Releasing: somebody takes it upon them to publish a run that the gate refused.

    released.json  →  the journal's entry  →  what publishing does (``pipeline.publish``)

What is said in ``released.json`` is said once, under the store's condition: a rejected run is published by itself, or
its captures are published by one re-extraction (``into``), never both. Whoever comes second is told so.

Not here: publishing (``pipeline.steps.release`` does both), and reading the captures anew (``pipeline.reextract``).
"""

from __future__ import annotations

import logging
from datetime import datetime

from pipeline.archive import Archive
from pipeline.errors import ArchiveError, NotInArchive
from pipeline.journal import append, record_objects
from pipeline.model import JournalEntry, Release

log = logging.getLogger("muniment")


def release_run(archive: Archive, site: str, run: str, *, by: str, reason: str, now: datetime) -> Release:
    """Say that a rejected run may be published; called again, what was said first stands.

    Args:
        by: who releases it.
        reason: why; stands in the journal for ever.
        now: the time.

    Returns:
        What stands: this release, or an earlier one that has not led to a published run yet.

    Raises:
        NotInArchive: there is no such run, or it was not checked yet.
        ArchiveError: it was not rejected, is published already, or a re-extraction publishes what it captured.
        WriteConflict: try again.
    """
    by, reason = by.strip(), reason.strip()
    if not by or not reason:
        raise ArchiveError("Who releases a run says so, and why.", next_step="Give --by and --reason.")
    report, published = archive.read_report(site, run), archive.read_published(site, run)
    if report is None:
        raise NotInArchive(
            f"Run {run} of {site} has no report: the gate has not judged it.",
            next_step=f"Is it a run of this site (muniment status {site})? Then run its check step first.",
        )
    if report.verdict != "reject":
        stands = "and is published" if published else "and its publish step publishes it"
        raise ArchiveError(
            f"Run {run} of {site} was not rejected, {stands}: there is nothing to release.",
            next_step=f"See how the site stands: muniment status {site}",
        )
    standing = archive.read_release(site, run)
    if standing is None and published is None:
        standing = archive.write_release(Release(site=site, run=run, by=by, reason=reason, at=now))
    if standing is None:
        raise ArchiveError(
            f"Run {run} of {site} was rejected, and is published though nobody released it.",
            next_step="See what else is wrong: muniment audit",
        )
    if standing.into is not None:
        raise _published_by(standing)
    if published is not None and (standing.by, standing.reason) != (by, reason):
        raise ArchiveError(
            f"Run {run} of {site} is published already: {standing.by} released it on {standing.at:%Y-%m-%d %H:%M}Z.",
            next_step="Nothing is to be done.",
        )
    if (standing.by, standing.reason) != (by, reason):
        log.warning("run %s of %s was released by %s before; that stands", run, site, standing.by)
    tell_release(archive, standing)
    return standing


def claim_run(archive: Archive, site: str, run: str, *, into: str, now: datetime) -> Release:
    """Say that what a rejected run has captured is published by a re-extraction; that again is harmless.

    Raises:
        ArchiveError: the run was released, or another re-extraction publishes what it captured.
        WriteConflict: try again.
    """
    claim = Release(
        site=site, run=run, by="muniment", reason=f"Its captures were read again by run {into}.", at=now, into=into
    )
    standing = archive.write_release(claim)
    if standing.into is None:
        raise ArchiveError(
            f"Run {run} of {site} was released by {standing.by} on {standing.at:%Y-%m-%d %H:%M}Z: it is published as "
            f"it was read then, and not by run {into}.",
            next_step=f"When it is published, read it again: muniment reextract {run}",
        )
    if standing.into != into:
        raise _published_by(standing)
    tell_release(archive, standing)
    return standing


def tell_release(archive: Archive, release: Release) -> None:
    """Tell the journal what stands in ``released.json``; once, however often this is called."""
    site, run = release.site, release.run

    def draft() -> JournalEntry:
        objects = record_objects(archive, [archive.released_key(site, run)])
        return JournalEntry(
            site=site, at=release.at, kind="released", run=run, by=release.by, reason=release.reason, objects=objects
        )

    append(archive, site, f"{run}/released", draft, since=release.at)


def _published_by(release: Release) -> ArchiveError:
    return ArchiveError(
        f"What run {release.run} of {release.site} has captured is published by run {release.into}, which read it "
        "again.",
        next_step=f"See what that run made: muniment inspect {release.into}",
    )
