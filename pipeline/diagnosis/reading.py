"""What a diagnosis looks at: findings and captures of a run and of those before it, a bounded sample of them.

Whatever a page provokes costs that page. Captures that have expired or were taken down are passed over.
"""

from __future__ import annotations

import hashlib
import heapq
import io
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from pipeline.archive import Archive, version_key
from pipeline.diagnosis.causes import Page
from pipeline.diagnosis.templates import LINE, DateSpot, Sketch, shape_of, sketch_page
from pipeline.errors import ArchiveError
from pipeline.model import Evidence, ExamplePage, Finding, Report
from pipeline.page import decode_page, find_excess, find_other_type, parse_page
from pipeline.store import KeyMissing
from spiders.site import Site
from spiders.warc import Captured, read_captures

log = logging.getLogger("muniment")

SAMPLE: Final = 20
"""So many pages of the run, and of the runs before it, are looked at."""

_EARLIER_FINDINGS: Final = 400  # of each run before it
EARLIER_RUNS: Final = 8
_EARLIER_ARTICLES: Final = 60
_RECORD_BYTES: Final = 4 << 20  # of a capture as it is stored
_DRAWN_BYTES: Final = 3 << 20  # that are read behind a capture, to where its page stands as a browser drew it
_PAGE_BYTES: Final = 3 << 20  # of a page
_LINES: Final = 12  # of a text, by which it is found on its page


def look_at(archive: Archive, site: Site, run: str, most: int) -> Iterator[Page]:
    """What is looked at of a run's findings; documents that pages link are left out."""
    for finding in islice(archive.read_findings(site.id, run), most):
        if "linked_from" not in finding.facts:
            yield reduce_finding(finding)


def reduce_finding(finding: Finding) -> Page:
    """What is looked at of a finding; of its text only a digest and how some lines begin."""
    article = finding.article
    if article is None:
        return Page(url=finding.requested, kind=finding.kind, reason=finding.reason or "", evidence=finding.evidence)
    moment = article.published
    squeezed = " ".join(article.text.split()).encode("utf-8", "surrogatepass")
    return Page(
        url=finding.requested,
        article=article.article,
        kind="document" if article.kind == "document" else finding.kind,
        reason=finding.reason or "",
        evidence=finding.evidence,
        words=article.words,
        text=hashlib.sha256(squeezed).digest()[:16],
        lines=tuple(islice((line[:LINE] for line in article.text.split("\n") if len(line) >= LINE), _LINES)),
        titled=bool(article.title),
        language=article.language or "",
        published=moment.value if moment else None,
        dated=DateSpot(moment.source, shape_of(moment.original)) if moment else None,
    )


def read_earlier(archive: Archive, site: Site, history: Sequence[Report], until: float) -> tuple[list[Page], list[str]]:
    """Pages of the latest accepted runs that have articles, and these runs."""
    pages: list[Page] = []
    runs: list[str] = []
    articles = 0
    for report in islice(history, 3 * EARLIER_RUNS):
        if len(runs) >= EARLIER_RUNS or articles >= _EARLIER_ARTICLES or time.monotonic() > until:
            break
        if not report.counts.get("articles"):
            continue
        try:
            found = list(look_at(archive, site, report.run, _EARLIER_FINDINGS))
        except (ArchiveError, KeyMissing) as error:
            log.warning("the findings of %s cannot be read: %s", report.run, error)
            continue
        pages += found
        articles += sum(page.kind == "article" for page in found)
        runs.append(report.run)
    return pages, runs


def choose(pages: Iterable[Page], kinds: Sequence[str]) -> list[Page]:
    """Up to ``SAMPLE`` pages with a body, one for each address: the same ones at every try, and from all over the run.

    What extraction failed at is not looked at once more: it runs in processes that may die of a page, this does not.
    """
    by_url: dict[str, Page] = {}
    for page in pages:
        evidence = page.evidence
        if page.kind in kinds and evidence is not None and evidence.record_type == "response" and evidence.status < 500:
            by_url.setdefault(page.url, page)
    return heapq.nsmallest(SAMPLE, by_url.values(), key=lambda page: hashlib.sha256(page.url.encode()).digest())


def read_sketches(archive: Archive, pages: Sequence[Page], until: float) -> tuple[list[Sketch], str]:
    """How these pages are built, and why some could not be looked at."""
    sketches: list[Sketch] = []
    lost = ""
    for page in pages:
        if time.monotonic() > until:
            lost = "there was no time left"
            break
        assert page.evidence is not None
        try:
            capture = _read_page(archive, page.evidence)
            sketch = None if capture is None else _sketch(capture, page)
        except KeyMissing:
            lost = "their segments have expired (keep_raw)"
        except Exception as error:  # noqa: BLE001 - whatever a page provokes costs that page
            log.info("%s was not looked at: %s", page.url, type(error).__name__)
        else:
            if sketch is not None:
                sketches.append(sketch)
            elif not lost:
                lost = "their captures were taken down, or hold no page"
    return sketches, lost


def _read_page(archive: Archive, evidence: Evidence) -> Captured | None:
    if evidence.length > _RECORD_BYTES:
        return None
    behind = _DRAWN_BYTES if evidence.rendered_digest is not None else 0
    record = archive.store.get_range(evidence.warc, evidence.offset, evidence.length + behind)
    found = next(iter(read_captures(io.BytesIO(record))), None)
    return found if found is not None and found.record_id == evidence.record_id else None


def _sketch(capture: Captured, page: Page) -> Sketch | None:
    drawn = capture.rendered
    payload = capture.body(_PAGE_BYTES) if drawn is None else drawn[:_PAGE_BYTES]
    if not payload.strip() or find_other_type(payload, capture.header("content-type")):
        return None
    written = decode_page(payload, capture.header("content-type") if drawn is None else "text/html;charset=utf-8")
    if find_excess(written) is not None:
        return None
    tree = parse_page(written)
    return None if tree is None else sketch_page(tree, url=page.url, lines=page.lines)


def add_earlier(archive: Archive, site: str, example: ExamplePage, pages: Iterable[Page]) -> ExamplePage:
    """An example beside the latest version of its article."""
    ids = [page.article for page in pages if page.url == example.url and page.article]
    if not ids or not (number := archive.latest_number(site, ids[0])):
        return example
    version = archive.version(site, ids[0], number)
    if version.state == "redacted":
        return example
    key = version_key(site, ids[0], number)
    return example.model_copy(update={"earlier": key, "earlier_words": version.words})
