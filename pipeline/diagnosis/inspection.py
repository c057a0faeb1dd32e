"""One run in full, for an operator who has to decide: what was counted, why, and what would be published."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from pipeline.archive import Archive
from pipeline.errors import NotInArchive
from pipeline.health import RunRecord, list_health, read_all, read_record
from pipeline.model import RUN_ID, SITE_ID, Document, Evidence, Finding, Release, Report
from pipeline.takedown import Sieve
from spiders.protocol import SourceYield

_URLS = 3  # for each reason
_LINE = 160  # characters of a text's first line


class Sample(Document):
    """An article as it would be published, in short."""

    url: str
    title: str
    words: int
    line: str  # how its text begins
    published: datetime | None = None
    language: str | None = None
    evidence: Evidence


class Reason(Document):
    """Why so many URLs ended as they did."""

    reason: str
    count: int
    urls: tuple[str, ...] = ()


class Inspection(Document):
    """One run."""

    record: RunRecord
    report: Report | None = None  # None: it was not checked
    release: Release | None = None
    reasons: tuple[Reason, ...] = ()  # the most frequent first
    sources: tuple[SourceYield, ...] = ()
    stopped: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it; host -> why it was left alone
    sample: tuple[Sample, ...] = ()
    segments: tuple[str, ...] = ()  # keys of its raw captures
    commands: tuple[str, ...] = ()  # what can be done next


def inspect_run(archive: Archive, site: str, run: str, *, sample: int, now: datetime) -> Inspection:
    """A run in full.

    Args:
        sample: show so many of its articles.
        now: the time.

    Raises:
        NotInArchive: the site has no such run.
    """
    record = read_record(archive, site, run, now=now)
    report, summary = archive.read_report(site, run), archive.read_summary(site, run)
    if report is None and summary is None and archive.read_orders(site, run) is None:
        raise NotInArchive(
            f"{site} has no run {run}.",
            next_step=f"`muniment runs {site}` shows its runs; `muniment status` all sites.",
        )
    extracted = _are_extracted(archive, site, run)
    seen = _Seen(sample)
    if extracted:
        for finding in Sieve.read(archive, site).filter(archive.read_findings(site, run)):
            seen.add(finding)
    counts = Counter(report.reasons) if report is not None else Counter(summary.reasons if summary else {})
    urls = {**(summary.examples if summary else {}), **seen.urls}
    return Inspection(
        record=record,
        report=report,
        release=archive.read_release(site, run),
        reasons=tuple(
            Reason(reason=reason, count=count, urls=tuple(urls.get(reason, [])[:_URLS]))
            for reason, count in counts.most_common()
        ),
        sources=tuple(summary.sources) if summary else (),
        stopped={host: seen.stopped for host, seen in summary.robots.items() if seen.stopped} if summary else {},
        sample=tuple(seen.samples()),
        segments=tuple(archive.segments(site, run)),
        commands=tuple(_find_commands(site, record, report)),
    )


def find_sites(archive: Archive, run: str) -> list[str]:
    """The sites that have a run of this id: one, as a rule. Asks what is known of each site's latest runs first.

    Raises:
        NotInArchive: no site has.
    """
    if not RUN_ID.fullmatch(run):
        raise NotInArchive(
            f"{run!r} is no id of a run: 20261122T093000Z-1a2b3c4d.",
            next_step="`muniment runs SITE` shows a site's runs.",
        )
    noted = [health.site for health in read_all(archive, sorted(list_health(archive))) if _has(health.runs, run)]
    if noted:
        return noted
    sites = [site for site in archive.sites() if SITE_ID.fullmatch(site)]
    with ThreadPoolExecutor(archive.store.threads, thread_name_prefix="inspect") as pool:
        having = pool.map(lambda site: run in set(archive.runs(site)), sites)
        found = [site for site, has in zip(sites, having, strict=True) if has]
    if not found:
        raise NotInArchive(f"No site has a run {run}.", next_step="`muniment runs SITE` shows a site's runs.")
    return found


def read_runs(archive: Archive, site: str, *, most: int, state: str | None, now: datetime) -> list[RunRecord]:
    """A site's runs in short, newest first: as noted, and beyond that read one by one.

    Args:
        most: at most so many.
        state: only those that stand so, or were judged so; None: all.
        now: the time.

    Raises:
        NotInArchive: the site never ran.
    """
    noted = {run.run: run for health in read_all(archive, [site]) for run in health.runs}
    found: list[RunRecord] = []
    last = None
    for run in archive.runs(site):
        last = noted.get(run) or read_record(archive, site, run, now=now)
        if state is None or state in (last.state, last.verdict):
            found.append(last)
        if len(found) >= most:
            break
    if last is None:
        raise NotInArchive(
            f"{site} has no runs.", next_step=f"`muniment run {site}` runs it; `muniment sites list` shows the sites."
        )
    return found


def _has(runs: Iterable[RunRecord], run: str) -> bool:
    return any(record.run == run for record in runs)


def _are_extracted(archive: Archive, site: str, run: str) -> bool:
    numbers = [archive.segment_number(key) for key in archive.segments(site, run)]
    return all(archive.count_findings(site, run, number) is not None for number in numbers)


class _Seen:
    """What is kept of the findings: a sample that is the same every time, and some URLs for each reason."""

    def __init__(self, most: int) -> None:
        self.urls: dict[str, list[str]] = defaultdict(list)
        self._most = most
        self._kept: list[tuple[bytes, str, Sample]] = []

    def add(self, finding: Finding) -> None:
        article = finding.article
        if finding.reason:
            what = f"document {finding.kind}" if "linked_from" in finding.facts else finding.kind
            urls = self.urls[f"{what}: {finding.reason}"]
            if len(urls) < _URLS:
                urls.append(finding.requested)
        if article is None or not self._most:
            return
        mark = hashlib.sha256(finding.requested.encode()).digest()
        shown = Sample(
            url=article.url,
            title=article.title,
            words=article.words,
            line=article.text.partition("\n")[0][:_LINE],
            published=article.published.value if article.published else None,
            language=article.language,
            evidence=finding.evidence,
        )
        self._kept.append((mark, finding.requested, shown))
        if len(self._kept) > 4 * self._most:
            self._kept = heapq.nsmallest(self._most, self._kept, key=lambda each: each[:2])

    def samples(self) -> Iterator[Sample]:
        return (each[2] for each in heapq.nsmallest(self._most, self._kept, key=lambda each: each[:2]))


def _find_commands(site: str, record: RunRecord, report: Report | None) -> Iterator[str]:
    """What can be done with a run as it stands."""
    run = record.run
    if report is not None and report.diagnosis is not None:
        yield from report.diagnosis.steps
    elif record.state == "rejected":
        yield f"`muniment sites check --live {site}` asks each source now."
        yield f"`muniment reextract {run}` reads the captures again, after the site's file was corrected."
        yield f'`muniment release {run} --reason "…"` publishes the run as it is.'
    if record.state in ("unfinished", "checked", "failed"):
        yield f"`muniment run {site} --run {run}` goes on with the run (or clear its tasks in Airflow)."
