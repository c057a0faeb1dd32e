"""Runs put straight into an archive, without a crawl: what publishing and reading are tested with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.archive import Archive, segment_key
from pipeline.edits import essence_digest
from pipeline.model import Article, Evidence, Finding, Moment, Version, article_id, content_digest, run_id
from pipeline.table import dataset
from spiders.protocol import CrawlSummary
from spiders.site import Site, Source

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = START + 1000 * HOUR
HOME = "https://news.example"


def a_site(site: str = "example-news", **changes: Any) -> Site:
    """A site whose articles are all pages below /news/."""
    facts: dict[str, Any] = {
        "id": site,
        "name": "Example News",
        "home": HOME + "/",
        "kind": "trade",
        "article": r"https://news\.example/news/.+",
        "sources": (Source(type="feed", url=HOME + "/feed"),),
    }
    return Site(**{**facts, **changes})


def a_run(hours: float = 0, token: str = "") -> str:
    """Id of a run that began so many hours after START."""
    return run_id(START + hours * HOUR, token or f"{hours}")


def url_of(name: str) -> str:
    return f"{HOME}/news/{name}"


def an_article(name: str, text: str = "One body.", title: str = "A headline", **facts: Any) -> Article:
    return Article(
        article=article_id(url_of(name)),
        url=url_of(name),
        title=title,
        text=text,
        words=len(text.split()),
        digest=content_digest(title, text),
        essence=essence_digest(title, text),
        **facts,
    )


def an_evidence(run: str, url: str, at: datetime, status: int, number: int = 0, kind: str = "response") -> Evidence:
    mark = hashlib.sha256(f"{run} {url} {at} {status} {number}".encode()).hexdigest()
    return Evidence(
        warc=segment_key("example-news", run, 0),
        offset=int(mark[:6], 16),
        length=1000,
        record_id=f"<urn:uuid:{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:32]}>",
        record_type=kind,
        payload_digest=f"sha256:{mark}",
        status=status,
        captured_at=at,
    )


def found(name: str, text: str, run: str, at: datetime, *, requested: str | None = None, **facts: Any) -> Finding:
    """A capture that is an article."""
    url = requested or url_of(name)
    evidence = an_evidence(run, url, at, 200)
    article = an_article(
        name,
        text,
        authors=("A. Writer", "B. Reader"),
        tags=("budget",),
        published=Moment(value=START - HOUR, original="22 November 2026", source="json-ld", precision="minute"),
        section="News",
        language="en",
        origins={"title": "json-ld", "published": "json-ld"},
    )
    return Finding(
        kind="article",
        requested=url,
        final=facts.pop("final", url_of(name)),
        evidence=evidence,
        article=article,
        etag=f'"{evidence.payload_digest[-8:]}"',
        last_modified=None,
        via=HOME + "/feed",
        **facts,
    )


def unchanged(name: str, run: str, at: datetime) -> Finding:
    """A capture that says: the body is what you hold."""
    url = url_of(name)
    return Finding(
        kind="unchanged",
        requested=url,
        final=url,
        evidence=an_evidence(run, url, at, 304, kind="revisit"),
        reason="not modified",
    )


def missing(name: str, run: str, at: datetime, status: int = 404) -> Finding:
    """A capture of a page that is not there."""
    url = url_of(name)
    return Finding(
        kind="gone", requested=url, final=url, evidence=an_evidence(run, url, at, status), reason=f"answered {status}"
    )


def unusable(name: str, run: str, at: datetime, kind: str = "blocked", status: int = 403) -> Finding:
    """A capture that says nothing about the article."""
    url = url_of(name)
    return Finding(
        kind=kind,
        requested=url,
        final=url,
        evidence=an_evidence(run, url, at, status),
        reason=f"answered {status}",
    )


def write_run(
    archive: Archive,
    site: Site,
    run: str,
    findings: Iterable[Finding],
    *,
    outcomes: dict[str, int] | None = None,
    segments: int = 1,
) -> str:
    """Put a run's summary and findings into the archive, spread over so many segments."""
    findings = list(findings)
    uncaptured = {"deferred": 2} if outcomes is None else outcomes
    captured = len({finding.requested for finding in findings})
    for number in range(segments):
        archive.write_findings(site.id, run, number, _share(findings, number, segments))
    archive.write_summary(
        CrawlSummary(
            site=site.id,
            run=run,
            started=START,
            finished=START + HOUR,
            finish_reason="finished",
            user_agent="test",
            discovered=captured + sum(uncaptured.values()),
            captured=captured,
            outcomes=uncaptured,
            yielded=len(findings),
            written=len(findings),
        )
    )
    return run


def _share(findings: Sequence[Finding], number: int, of: int) -> Sequence[Finding]:
    size = -(-len(findings) // of) if findings else 0
    return findings[number * size : (number + 1) * size]


def contents(archive: Archive) -> dict[str, object]:
    """All that an archive says: every object's ETag (the MD5 of its bytes), and instead of the table's files its
    rows, sorted."""
    objects: dict[str, object] = {
        entry.key: entry.etag for entry in archive.store.list("") if not entry.key.startswith("tables/")
    }
    rows = dataset(archive).to_table().to_pylist()
    return {**objects, "rows": sorted(rows, key=lambda row: (row["key"], row["run"]))}


def all_versions(archive: Archive, site: Site) -> list[Version]:
    return [version for article in archive.articles(site.id) for version in archive.versions(site.id, article)]
