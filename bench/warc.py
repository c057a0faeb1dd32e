"""FastWARC against warcio: CPU and size of the same captures, written and read.

    python -m bench.warc [--pages 400] [--pack FOLDER] [--rounds 3] [--json FILE]

Each page is one exchange of three records (response, request, metadata), as a crawl records it; once with its body
gzip-encoded as most servers send it, once plain. Without a pack the pages are made up (60 KiB of text that compresses
about as real HTML does). All in one process, in turns; the median of the rounds counts, because the machine
is shared. Digests: ours SHA-256, warcio's SHA-1, as each does by itself.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fastwarc.stream_io import GzipWriter
from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType
from warcio.archiveiterator import ArchiveIterator as WarcioIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from bench.crawl import make_pages
from bench.measure import render_table
from bench.pack import load_pack
from spiders.warc import Exchange, SegmentWriter, payload_digest, read_captures

AT = datetime(2026, 11, 22, tzinfo=UTC)
RUN = "20261122T000000Z-00000000"
REQUEST = [("Host", "a.uk"), ("User-Agent", "Muniment/0 (+https://example.org)"), ("Accept-Encoding", "gzip")]


@dataclass(kw_only=True)
class Tool:
    """A way to write or read, and its rounds."""

    name: str
    run: Callable[[], int]
    rounds: list[float] = field(default_factory=list)
    size: int = 0

    def measure(self) -> None:
        """One more round."""
        began = time.process_time()
        self.size = self.run()
        self.rounds.append(time.process_time() - began)

    @property
    def cpu(self) -> float:
        """CPU seconds of the median round."""
        return statistics.median(self.rounds)


def make_exchanges(bodies: list[bytes], *, coded: bool) -> list[Exchange]:
    """The pages as exchanges; bodies are gzipped ones."""
    exchanges = []
    for n, body in enumerate(bodies):
        payload = body if coded else gzip.decompress(body)
        encoding = "Content-Encoding: gzip\r\n" if coded else ""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{encoding}Content-Length: {len(payload)}\r\n\r\n"
        sent = f"GET /news/{n} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in REQUEST) + "\r\n"
        exchanges.append(
            Exchange(
                kind="page",
                url=f"https://a.uk/news/{n}",
                requested=f"https://a.uk/news/{n}",
                status=200,
                request_head=sent.encode(),
                response_head=head.encode(),
                payload=payload,
                captured_at=AT,
                via="https://a.uk/feed",
            )
        )
    return exchanges


def write_ours(exchanges: list[Exchange]) -> int:
    """spiders.warc.SegmentWriter, onto a disk, sealed."""
    with tempfile.TemporaryDirectory() as name:
        writer = SegmentWriter(Path(name), run=RUN, first=0, info={"software": "x"}, max_bytes=2**40, max_seconds=1e9)
        for exchange in exchanges:
            writer.write_exchange(exchange)
        writer.seal()
        return (Path(name) / writer.sealed[0]).stat().st_size


def write_fastwarc(exchanges: list[Exchange], level: int) -> int:
    """FastWARC at one level for all records."""
    with tempfile.TemporaryFile() as file:
        stream = GzipWriter(file, compression_level=level)
        for exchange in exchanges:
            digest = payload_digest(exchange.payload)
            for kind, block in (
                (WarcRecordType.response, exchange.response_head + exchange.payload),
                (WarcRecordType.request, exchange.request_head),
                (WarcRecordType.metadata, b"muniment-kind: page\r\nvia: https://a.uk/feed\r\n"),
            ):
                record = WarcRecord()
                record.init_headers(kind)
                record.headers["WARC-Target-URI"] = exchange.url
                record.headers["WARC-Payload-Digest"] = digest
                record.headers["WARC-Block-Digest"] = payload_digest(block)
                record.set_bytes_content(block)
                record.write(stream)
                stream.finish()
        return file.tell()


def write_warcio(exchanges: list[Exchange]) -> int:
    """warcio as its documentation shows it."""
    with tempfile.TemporaryFile() as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.1")
        for exchange in exchanges:
            lines = exchange.response_head.decode().split("\r\n")
            pairs = [tuple(line.split(": ", 1)) for line in lines[1:-2]]
            heads = StatusAndHeaders("200 OK", pairs, protocol="HTTP/1.1")
            writer.write_record(
                writer.create_warc_record(
                    exchange.url, "response", payload=io.BytesIO(exchange.payload), http_headers=heads
                )
            )
            asked = StatusAndHeaders("GET /news/0 HTTP/1.1", REQUEST, is_http_request=True)
            writer.write_record(writer.create_warc_record(exchange.url, "request", http_headers=asked))
            block = io.BytesIO(b"muniment-kind: page\r\nvia: https://a.uk/feed\r\n")
            writer.write_record(writer.create_warc_record(exchange.url, "metadata", payload=block))
        return file.tell()


def read_fastwarc(path: Path) -> int:
    """FastWARC, each record's bytes read."""
    with path.open("rb") as stream:
        return sum(len(record.reader.read()) for record in ArchiveIterator(stream, parse_http=True))


def read_warcio(path: Path) -> int:
    """warcio, each record's bytes read."""
    with path.open("rb") as stream:
        return sum(len(record.raw_stream.read()) for record in WarcioIterator(stream))


def read_ours(path: Path) -> int:
    """spiders.warc.read_captures."""
    with path.open("rb") as stream:
        return sum(len(capture.payload) for capture in read_captures(stream))


def compare(bodies: list[bytes], rounds: int) -> Iterator[dict[str, object]]:
    """Rows of the table."""
    for label, coded in (("gzip-encoded", True), ("plain", False)):
        exchanges = make_exchanges(bodies, coded=coded)
        raw = sum(len(exchange.payload) for exchange in exchanges)
        with tempfile.TemporaryDirectory() as name:
            writer = SegmentWriter(
                Path(name), run=RUN, first=0, info={"software": "x"}, max_bytes=2**40, max_seconds=1e9
            )
            for exchange in exchanges:
                writer.write_exchange(exchange)
            writer.seal()
            path = Path(name) / writer.sealed[0]
            tools = [
                Tool(name="write: warcio", run=lambda e=exchanges: write_warcio(e)),  # type: ignore[misc]
                Tool(name="write: FastWARC, level 9", run=lambda e=exchanges: write_fastwarc(e, 9)),  # type: ignore[misc]
                Tool(name="write: FastWARC, level 6", run=lambda e=exchanges: write_fastwarc(e, 6)),  # type: ignore[misc]
                Tool(name="write: FastWARC, level 1", run=lambda e=exchanges: write_fastwarc(e, 1)),  # type: ignore[misc]
                Tool(name="write: SegmentWriter", run=lambda e=exchanges: write_ours(e)),  # type: ignore[misc]
                Tool(name="read: warcio", run=lambda p=path: read_warcio(p)),  # type: ignore[misc]
                Tool(name="read: FastWARC", run=lambda p=path: read_fastwarc(p)),  # type: ignore[misc]
                Tool(name="read: read_captures", run=lambda p=path: read_ours(p)),  # type: ignore[misc]
            ]
            for _ in range(rounds):
                for tool in tools:
                    tool.measure()
        for tool in tools:
            writes = tool.name.startswith("write")
            base = tools[0].cpu if writes else tools[5].cpu
            yield {
                "bodies": label,
                "tool": tool.name,
                "cpu_ms_per_page": tool.cpu / len(exchanges) * 1000,
                "of_warcio": tool.cpu / base,
                "size_of_payload": tool.size / raw if writes else None,
            }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--pack", type=Path, help="a folder of real pages, as bench.replay takes it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.pack:
        bodies = [page.file.read_bytes() for page in load_pack(options.pack, options.pages)]
    else:
        bodies = list(make_pages(options.pages, 60).values())
    rows = list(compare(bodies, options.rounds))
    heads = ("bodies", "tool", "CPU ms/page", "of warcio", "size of payload")
    print(render_table(heads, [tuple(row.values()) for row in rows]))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
