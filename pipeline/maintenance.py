"""Keeping the archive quick and small: what is done daily beside the runs, and what is made anew when need be.

``maintain`` merges small files of the table, shortens its log and removes what nothing refers to; ``rebuild`` makes
the table anew from the version documents. Both may be stopped at any instruction and run again, run on several
machines at once, and never stand in the way of a run or of a reader: the table's commits decide (``pipeline.table``).
What is not here: anything that looks at pages or decides about versions.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from pipeline.archive import Archive
from pipeline.journal import append, record_objects
from pipeline.model import JournalEntry, Replaced, Version
from pipeline.protection import raw_days
from pipeline.table import (
    DataFile,
    choose_files,
    live_files,
    merge_files,
    open_table,
    rebuild_rows,
    remove_unreferenced,
    tidy_log,
)
from spiders.site import Site

_TOLD_AT_ONCE = 1000  # segments in an entry of the journal

log = logging.getLogger("muniment")


@dataclass(frozen=True, kw_only=True)
class Maintained:
    """What maintenance did."""

    merged: dict[str, int]  # site -> files that were merged
    removed: int  # files that nothing referred to
    version: int | None  # of the table now; None: there is none


@dataclass(frozen=True, kw_only=True)
class TableStatus:
    """How the table stands; sizes in bytes."""

    version: int
    sites: int
    rows: int
    files: int
    size: int
    to_merge: dict[str, int]  # site -> files that maintenance would merge


def maintain(archive: Archive, *, now: datetime, sites: Iterable[str] | None = None) -> Maintained:
    """Merge, shorten, clear up: see the module. One site's files are on disk at a time, a row group or two in memory.

    Args:
        now: the time.
        sites: merge files of these sites only.

    Raises:
        Temporary: call again; what was done is done.
        ArchiveError: a file of the table is lost.
    """
    standing = read_table_status(archive)
    if standing is None:
        return Maintained(merged={}, removed=0, version=None)
    wanted = None if sites is None else set(sites)
    merged = {}
    for site in sorted(standing.to_merge):
        if wanted is None or site in wanted:
            merged[site] = merge_files(archive, site, now=now)
            log.info("table: %s: %d files merged", site, merged[site])
    tidy_log(archive, now=now)
    removed = remove_unreferenced(archive)
    log.info("table: %d files removed", removed)
    table = open_table(archive)
    return Maintained(merged=merged, removed=removed, version=None if table is None else table.version())


def expire_segments(archive: Archive, sites: Iterable[Site], *, now: datetime) -> dict[str, int]:
    """Remove WARC segments that are older than their site keeps raw data (``keep_raw``), as lifecycle rules do where
    a store carries them out. The journal tells first, then the store removes: may be killed anywhere, and called again.

    Segments of runs that have not ended stay: their pages are still to be read.

    Returns:
        Site -> how many segments were removed.
    """
    removed: dict[str, int] = {}
    for site in sites:
        if site.keep_raw is None:
            continue
        before = now - timedelta(days=raw_days(site.keep_raw))
        ended: dict[str, bool] = {}
        due = []
        for entry in archive.store.list(f"warc/{site.id}/"):
            run = entry.key.rpartition("/")[2].rpartition("-")[0]
            if f"{before:%Y%m%dT%H%M%SZ}" <= run or entry.modified > before:
                continue
            if run not in ended:
                report = archive.read_report(site.id, run)
                rejected = report is not None and report.verdict == "reject"
                ended[run] = rejected or archive.read_published(site.id, run) is not None
            if ended[run]:
                due.append(entry.key)
        for start in range(0, len(due), _TOLD_AT_ONCE):
            _expire(archive, site.id, due[start : start + _TOLD_AT_ONCE], now)
        if due:
            removed[site.id] = len(due)
            log.info("%s: %d segments have expired", site.id, len(due))
    return removed


def _expire(archive: Archive, site: str, keys: Sequence[str], now: datetime) -> None:
    def draft() -> JournalEntry:
        gone = tuple(Replaced(key=each.key, before=each.sha256, after=None) for each in record_objects(archive, keys))
        return JournalEntry(site=site, at=now, kind="expired", replaced=gone, reason="keep_raw of the site's file")

    token = hashlib.sha256("\n".join(keys).encode()).hexdigest()
    append(archive, site, f"expired/{token}", draft, since=now)
    for key in keys:
        archive.store.purge(key, current=True)


def rebuild(archive: Archive, site: str | None = None, *, now: datetime) -> dict[str, int]:
    """Make the table's rows anew from the version documents: one commit for each site.

    Args:
        site: only this one's.
        now: the time.

    Returns:
        Site -> rows that it has now.

    Raises:
        Temporary: call again.
        ArchiveError: a version cannot be read.
    """
    table = open_table(archive)
    in_table = set() if table is None else {file.site for file in live_files(table)}
    sites = sorted({*archive.sites(), *in_table}) if site is None else [site]
    counts = {}
    for each in sites:
        published = [run for run in archive.runs(each) if archive.read_published(each, run) is not None]
        counts[each] = rebuild_rows(archive, each, published, partial(read_versions, archive, each), now=now)
        log.info("table: %s: %d rows made of version documents", each, counts[each])
    return counts


def read_table_status(archive: Archive) -> TableStatus | None:
    """How the table stands; None: there is none yet."""
    table = open_table(archive)
    if table is None:
        return None
    files = live_files(table)
    by_site: dict[str, list[DataFile]] = {}
    for file in files:
        by_site.setdefault(file.site, []).append(file)
    chosen = {site: len(choose_files(group)) for site, group in by_site.items()}
    return TableStatus(
        version=table.version(),
        sites=len(by_site),
        rows=sum(file.rows for file in files),
        files=len(files),
        size=sum(file.size for file in files),
        to_merge={site: count for site, count in chosen.items() if count},
    )


def read_versions(archive: Archive, site: str) -> Iterator[Version]:
    """All versions of a site, in no order, a few at a time."""
    keys = archive.version_keys(site)
    with ThreadPoolExecutor(archive.store.threads, thread_name_prefix="read") as pool:
        while batch := list(islice(keys, 8 * archive.store.threads)):
            yield from pool.map(archive.read_version, batch)
