"""An archive of real segments, real findings and real versions, built without a crawl: in a second or two.

``build_archive`` publishes three runs of one site:

| article | run 0 | run 1 | run 2 |
|---|---|---|---|
| bridge | new | edited | not modified (a revisit) |
| library | new | not modified (a revisit) | not modified (a revisit) |
| market | new | - | edited |
| pool | new | 404 | 404: gone |

Each run's segment begins with the feed that named its pages, so that headlines stand in it as in life.
"""

from __future__ import annotations

import atexit
import gzip
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.archive import Archive, write_marker
from pipeline.settings import Settings
from pipeline.steps import Workplace, check, extract, publish
from pipeline.store import Item, Store, connect
from pipeline.workers import Extractor
from spiders.protocol import CrawlSummary
from spiders.site import Site
from spiders.warc import Exchange, Original, Recorded, SegmentWriter
from tests.pipeline.built_runs import HOME, HOUR, START, a_run, a_site, url_of

_RECORDED_AT: dict[str, str] = {}  # by record: what a revisit says of it
_BUILT: dict[str, list[Item]] = {}  # by what was asked for: the objects of an archive that was built
_READING = Extractor(1)
atexit.register(_READING.__exit__, None, None, None)
SITE = a_site(gone_after_checks=2, gone_after=timedelta(hours=1))

STORIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "bridge": (
        "Bridge to close for repairs",
        (
            "The iron bridge over the river Wend will close for six weeks in spring, the council said on Monday.",
            "Engineers found rust in four of the hangers during an inspection in October last year.",
            "Buses will go round by the ring road, and the ferry will sail every twenty minutes at no charge.",
        ),
    ),
    "library": (
        "Library opens on Sundays",
        (
            "Readers can use the central library on Sundays from January, after a trial with two hundred visitors.",
            "The cost of the longer hours is met by a grant of forty thousand pounds from the county.",
            "Councillor Odile Marchbanks said that nobody who works all week should be kept out of the library.",
        ),
    ),
    "market": (
        "Traders ask for lower rents",
        (
            "Forty traders of the covered market have asked the council to lower their rents by a tenth.",
            "They say that footfall has dropped since the bus station moved to the other side of the river.",
            "The council will answer at its meeting in the old town hall on the third Thursday of the month.",
        ),
    ),
    "pool": (
        "Swimming pool boiler fails again",
        (
            "The swimming pool in Mill Lane stays shut until Friday because its boiler has failed again.",
            "Season tickets are good for four more days, a spokeswoman of the leisure trust said.",
            "The boiler was put in only three years ago and has been mended seven times since then.",
        ),
    ),
}


def page(name: str, *, title: str | None = None, paragraphs: tuple[str, ...] | None = None) -> bytes:
    """The HTML of an article as its site would send it."""
    heading, body = STORIES.get(name, ("", ()))
    heading, body = title or heading, paragraphs or body
    return (
        f'<!doctype html><html lang="en-GB"><head><title>{heading} - Example News</title>'
        f'<link rel="canonical" href="{url_of(name)}"><meta property="og:type" content="article">'
        f'<meta property="article:published_time" content="2026-11-20T08:00:00Z"></head><body>'
        f"<nav><a href='/'>Home</a> <a href='/sport'>Sport</a></nav><main><article><h1>{heading}</h1>"
        + "".join(f"<p>{paragraph}</p>" for paragraph in body)
        + "</article></main><footer><p>About us. Contact us.</p></footer></body></html>"
    ).encode()


def write_segment(
    work: Workplace,
    site: Site,
    run: str,
    at: datetime,
    pages: Mapping[str, bytes | int],
    *,
    seen: dict[str, Recorded] | None = None,
    number: int = 0,
    drawn: Mapping[str, bytes] = {},
) -> list[str]:
    """Record pages of a run in one segment and put it into the archive.

    Args:
        pages: by name the HTML, or a status: 304 for a page of ``seen``, 404 …
        seen: what became of earlier full captures; those of this segment are added.
        drawn: by name the page as a browser drew it.

    Returns:
        Keys of the segments: one.
    """
    seen = {} if seen is None else seen
    with tempfile.TemporaryDirectory() as spool:
        writer = SegmentWriter(
            Path(spool), run=run, first=number, info={"software": "test"}, max_bytes=1 << 30, max_seconds=3600
        )
        items = "".join(
            f"<item><title>{STORIES.get(name, (name, ()))[0]}</title><link>{url_of(name)}</link></item>"
            for name in pages
        )
        feed = f'<rss version="2.0"><channel><title>Example News</title>{items}</channel></rss>'.encode()
        writer.write_exchange(_exchange("source", HOME + "/feed", at, 200, feed, "application/rss+xml"))
        for position, (name, body) in enumerate(pages.items(), start=1):
            moment, url = at + timedelta(seconds=position), url_of(name)
            facts: dict[str, Any] = {"via": HOME + "/feed", "title": STORIES.get(name, (name, ()))[0]}
            if isinstance(body, bytes):
                media = "application/pdf" if name.endswith(".pdf") else "text/html"
                facts["rendered"] = drawn.get(name)
                seen[name] = writer.write_exchange(_exchange("page", url, moment, 200, body, media, **facts))
                _RECORDED_AT[seen[name].record_id] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
                continue
            earlier = seen.get(name) if body == 304 else None
            original = earlier and Original(
                payload_digest=earlier.payload_digest,
                captured_at=_RECORDED_AT.get(earlier.record_id, "2026-11-22T09:00:00Z"),
                record_id=earlier.record_id,
            )
            writer.write_exchange(
                _exchange("page", url, moment, body, b"", "text/html", original=original, conditional=True, **facts)
            )
        writer.seal()
        [name] = writer.sealed
        return [work.archive.upload_segment(site.id, run, number, Path(spool) / name)]


def publish_pages(
    work: Workplace,
    site: Site,
    run: str,
    at: datetime,
    pages: Mapping[str, bytes | int],
    *,
    seen: dict[str, Recorded] | None = None,
    extractor: Extractor | None = None,
    drawn: Mapping[str, bytes] = {},
) -> str:
    """One whole run: a segment with these pages, its summary, its findings, its report, its versions."""
    crawl_pages(work, site, run, at, pages, seen=seen, drawn=drawn)
    if extractor is None and threading.current_thread() is threading.main_thread():
        with lend_extractor() as lent:
            extract(work, site.id, run, 0, extractor=lent)
    else:
        extract(work, site.id, run, 0, extractor=extractor)
    check(work, site.id, run)
    publish(work, site.id, run)
    return run


def crawl_pages(
    work: Workplace,
    site: Site,
    run: str,
    at: datetime,
    pages: Mapping[str, bytes | int],
    *,
    seen: dict[str, Recorded] | None = None,
    drawn: Mapping[str, bytes] = {},
) -> None:
    """What a crawl of these pages leaves in the archive."""
    [key] = write_segment(work, site, run, at, pages, seen=seen, drawn=drawn)
    work.archive.write_summary(
        CrawlSummary(
            site=site.id,
            run=run,
            started=at,
            finished=at + HOUR / 60,
            finish_reason="finished",
            user_agent="test",
            discovered=len(pages),
            captured=len(pages),
            segments=(key.rsplit("/", maxsplit=1)[-1],),
            yielded=len(pages) + 1,
            written=len(pages) + 1,
        )
    )


def build_archive(settings: Settings, site: Site = SITE, *, runs: int = 3) -> Workplace:
    """The archive that the table above shows; ``work.archive.runs(site.id)`` gives its runs, newest first.

    It is built once in a process, in seconds; whoever asks again gets a copy of every object, the table's too.

    Args:
        settings: where.
        site: whose it is.
        runs: 1 leaves the later runs out.
    """
    settings = settings.model_copy(update={"processes": 1})
    store = connect(settings)
    store.create_bucket()
    work = Workplace(settings=settings, sites={site.id: site}, archive=Archive(store, store))
    name = f"{runs} runs of {site.model_dump_json()}"
    if name in _BUILT:
        store.create_many(_BUILT[name])
    else:
        write_marker(store)  # without the self-test's seconds
        _publish_runs(work, site, runs)
        _BUILT[name] = [_read_item(store, entry.key) for entry in store.list("")]
    return work


@contextmanager
def lend_extractor(processes: int = 1) -> Iterator[Extractor]:
    """The one worker of this process's tests, in the place of ``Extractor(1)``: to load one takes a second of CPU.

    Of the main thread only, and not while it is lent already.
    """
    try:
        yield _READING
    except BaseException:
        _READING.__exit__(None, None, None)  # it may have been given pages; the next one gets a new worker
        raise


def _read_item(store: Store, key: str) -> Item:
    stored = store.get(key)
    return Item(key=key, body=stored.body, content_type=stored.content_type, metadata=stored.metadata)


def _publish_runs(work: Workplace, site: Site, runs: int) -> None:
    seen: dict[str, Recorded] = {}
    with lend_extractor() as extractor:
        publish_pages(
            work, site, a_run(0), START, {name: page(name) for name in STORIES}, seen=seen, extractor=extractor
        )
        if runs == 1:
            return
        longer = (*STORIES["bridge"][1], "The work costs two million pounds, of which the government pays half.")
        second: dict[str, bytes | int] = {"bridge": page("bridge", paragraphs=longer), "library": 304, "pool": 404}
        publish_pages(work, site, a_run(2), START + 2 * HOUR, second, seen=seen, extractor=extractor)
        renamed = page("market", title="Council lowers market rents")
        third: dict[str, bytes | int] = {"bridge": 304, "library": 304, "market": renamed, "pool": 404}
        publish_pages(work, site, a_run(6), START + 6 * HOUR, third, seen=seen, extractor=extractor)


def _exchange(kind: Any, url: str, at: datetime, status: int, body: bytes, media: str, **facts: Any) -> Exchange:
    packed = gzip.compress(body, mtime=0) if body else b""
    coding = "Content-Encoding: gzip\r\n" if body else ""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {media}\r\n{coding}Content-Length: {len(packed)}\r\n\r\n"
    return Exchange(
        kind=kind,
        url=url,
        requested=url,
        status=status,
        request_head=f"GET {url} HTTP/1.1\r\nHost: news.example\r\n\r\n".encode(),
        response_head=head.encode(),
        payload=packed,
        captured_at=at,
        **facts,
    )
