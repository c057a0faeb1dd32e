"""What an audit of everything costs, beside a plain read of the same objects with boto3 and as many threads.

Starts a store of its own in a scratch folder and builds an archive: segments of made-up pages as they come over the
wire (gzip-encoded), their findings, versions, indexes, journal and table, written by the same code as in life. Then the
two ways take turns in the same process; the ratio is that of each round, and the median of the rounds is reported.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.measure import count_cores, render_table
from bench.store import connect_both
from pipeline.archive import Archive, write_marker
from pipeline.audit import audit_archive
from pipeline.edits import essence_digest
from pipeline.model import Article, Evidence, Finding, Part, article_id, content_digest, run_id
from pipeline.publish import publish_run
from pipeline.seaweed import EmbeddedStore
from spiders.protocol import CrawlSummary
from spiders.site import Site, Source
from spiders.warc import Exchange, SegmentWriter, read_captures

_HOME = "https://bench.example"
_START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
_SYLLABLES = [a + b for a in ("b", "d", "f", "gr", "h", "l", "m", "n", "p", "r", "st", "t", "v") for b in "aeiou"]
SITE = Site(
    id="bench",
    name="Bench",
    home=_HOME + "/",
    kind="trade",
    article=r"https://bench\.example/news/.+",
    sources=(Source(type="feed", url=_HOME + "/feed"),),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.audit", description=__doc__)
    parser.add_argument("--pages", type=int, default=8000, help="captures (default %(default)s)")
    parser.add_argument("--runs", type=int, default=8, help="that they are spread over (default %(default)s)")
    parser.add_argument("--threads", type=int, default=16, help="requests at once (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each way (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as scratch:
        embedded = EmbeddedStore(Path(scratch) / "store", 0)
        embedded.up(tied=True)
        try:
            store, client = connect_both(embedded, given.threads)
            archive = Archive(store, store)
            write_marker(store)
            build(archive, Path(scratch), pages=given.pages, runs=given.runs)
            keys = [entry.key for entry in store.list("") if not entry.key.startswith("tables/")]
            rounds = [_round(archive, client, keys, given.threads) for _ in range(given.rounds + 1)][1:]
        finally:
            embedded.down()
    size = rounds[0]["bytes"]
    plain, audit = (statistics.median(each[way] for each in rounds) for way in ("plain", "audit"))
    ratio = statistics.median(each["plain"] / each["audit"] for each in rounds)
    print(
        f"{len(keys)} objects, {size / 1e6:.0f} MB, {given.pages} captures in {given.runs} runs, "
        f"{given.threads} threads, {count_cores()} cores, median of {given.rounds} rounds.\n"
    )
    rows = [
        ("plain read (boto3)", f"{plain:.2f}", f"{size / plain / 1e6:.0f}", "1.00"),
        ("`audit --all`", f"{audit:.2f}", f"{size / audit / 1e6:.0f}", f"{ratio:.2f}"),
    ]
    print(render_table(("way", "seconds", "MB/s", "to plain read"), rows))
    if given.json:
        figures = {"objects": len(keys), "bytes": size, "plain": plain, "audit": audit, "ratio": ratio}
        given.json.write_text(json.dumps(figures, indent=2))
    return 0


def _round(archive: Archive, client: Any, keys: Sequence[str], threads: int) -> dict[str, float]:
    def read(key: str) -> int:
        return len(client.get_object(Bucket="bench", Key=key)["Body"].read())

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        size = sum(pool.map(read, keys))
    between = time.perf_counter()
    told = audit_archive(archive)
    ended = time.perf_counter()
    if not told.clean or told.bytes != size:
        raise SystemExit(f"the audit read {told.bytes} of {size} bytes and found {told.discrepancies[:3]}")
    return {"bytes": size, "plain": between - began, "audit": ended - between}


# --- the archive


def build(archive: Archive, folder: Path, *, pages: int, runs: int) -> None:
    """Put runs with made-up pages into an archive; every second page is an edit of an earlier run's."""
    rng = random.Random(1)
    words = ["".join(rng.choices(_SYLLABLES, k=rng.randint(1, 4))) for _ in range(20_000)]
    for number in range(runs):
        at = _START + number * timedelta(hours=1)
        _add_run(archive, folder, run_id(at, f"{number}"), at, rng, words, number, pages // runs)


def _add_run(
    archive: Archive,
    folder: Path,
    run: str,
    at: datetime,
    rng: random.Random,
    words: list[str],
    number: int,
    pages: int,
) -> None:
    spool = folder / run
    spool.mkdir()
    writer = SegmentWriter(spool, run=run, first=0, info={"software": "bench"}, max_bytes=16 << 20, max_seconds=3600)
    articles: dict[str, Article] = {}
    for position in range(pages):
        name = f"{position}" if position % 2 else f"{number}-{position}"
        article = _make_article(rng, words, f"{_HOME}/news/{name}")
        articles[article.url] = article
        writer.write_exchange(_make_exchange(rng, article, at + timedelta(seconds=position / 10)))
    writer.seal()
    for segment, name in enumerate(writer.sealed):
        key = archive.upload_segment(SITE.id, run, segment, spool / name)
        archive.write_findings(SITE.id, run, segment, _find(key, spool / name, articles))
        (spool / name).unlink()
    archive.write_summary(
        CrawlSummary(
            site=SITE.id,
            run=run,
            started=at,
            finished=at + timedelta(minutes=30),
            finish_reason="finished",
            user_agent="bench",
            discovered=pages,
            captured=pages,
            segments=tuple(writer.sealed),
            yielded=pages,
            written=pages,
        )
    )
    publish_run(archive, SITE, run, now=at + timedelta(minutes=40))


def _make_article(rng: random.Random, words: list[str], url: str) -> Article:
    paragraphs = [
        " ".join(rng.choices(words, k=rng.randint(25, 70))).capitalize() + "." for _ in range(rng.randint(8, 24))
    ]
    title, text = " ".join(rng.choices(words, k=8)).capitalize(), "\n".join(paragraphs)
    return Article(
        article=article_id(url),
        url=url,
        title=title,
        text=text,
        parts=tuple(Part(text=paragraph) for paragraph in paragraphs),
        authors=("A. Writer",),
        description=paragraphs[0][:150],
        language="en",
        words=len(text.split()),
        digest=content_digest(title, text),
        essence=essence_digest(title, text),
    )


def _make_exchange(rng: random.Random, article: Article, at: datetime) -> Exchange:
    around = "".join(
        f'<div class="card c{rng.randrange(10**6):x}" data-id="{rng.getrandbits(96):x}">'
        f'<a href="/news/{rng.getrandbits(40):x}">'
        f"{article.title[:40]}</a></div>\n"
        for _ in range(rng.randint(300, 700))
    )
    body = "".join(f"<p>{part.text}</p>\n" for part in article.parts)
    top = f"<!doctype html><html><head><title>{article.title}</title></head><body>{around}"
    page = f"{top}<article>{body}</article></body></html>"
    payload = gzip.compress(page.encode(), compresslevel=6, mtime=0)
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\n"
        f"Content-Length: {len(payload)}\r\n\r\n"
    )
    return Exchange(
        kind="page",
        url=article.url,
        requested=article.url,
        status=200,
        request_head=f"GET {article.url} HTTP/1.1\r\nHost: bench.example\r\n\r\n".encode(),
        response_head=head.encode(),
        payload=payload,
        captured_at=at,
        via=_HOME + "/feed",
    )


def _find(key: str, path: Path, articles: dict[str, Article]) -> Iterator[Finding]:
    for capture in read_captures(io.BytesIO(path.read_bytes())):
        yield Finding(
            kind="article",
            requested=capture.requested,
            final=capture.url,
            article=articles[capture.url],
            extractor="bench",
            evidence=Evidence(
                warc=key,
                offset=capture.offset,
                length=capture.length,
                record_id=capture.record_id,
                record_type=capture.record_type,
                payload_digest=capture.payload_digest,
                status=capture.status,
                captured_at=capture.captured_at,
            ),
        )


if __name__ == "__main__":
    raise SystemExit(main())
