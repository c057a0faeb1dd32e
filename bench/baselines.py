"""What the pipeline is measured against: simpler tools on the same pages, each in a process of its own.

    discard       bare Scrapy: fetch every page of the sitemaps, look at nothing
    inline        the script a user would write: Scrapy, trafilatura in the callback, one put_object a page
    trafilatura   trafilatura alone with metadata, from disk, in a pool of processes
    warc          the pages into one WARC file with FastWARC, level 6, from memory

Each prints one JSON object on its last line. They are yardsticks, not parts of Muniment.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from bench.pack import CONCURRENCY, PackPage, load_pack


def crawl_with_scrapy(homes: list[str], *, bucket: str | None) -> dict[str, Any]:
    """Fetch all pages of these sites' sitemaps; with a bucket, extract and store each in the callback."""
    import scrapy
    from lxml import etree
    from scrapy.crawler import CrawlerProcess
    from scrapy.http import Response

    client: Any = None
    if bucket:
        import boto3
        import trafilatura

        client = boto3.client("s3")
    seen = {"pages": 0, "stored": 0}

    class PackSpider(scrapy.Spider):
        name = "pack"

        def __init__(self, **_: Any) -> None:
            super().__init__()
            self.start_urls = [f"{home}/sitemap.xml" for home in homes]

        def parse(self, response: Response, **_: Any) -> Iterator[scrapy.Request]:
            for location in etree.fromstring(response.body).iter("{*}loc"):
                yield scrapy.Request(location.text or "", callback=self.parse_page)

        def parse_page(self, response: Response) -> None:
            seen["pages"] += 1
            if client is None:
                return
            document: Any = trafilatura.bare_extraction(response.text, url=response.url, with_metadata=True)
            if document is None:
                return
            body = json.dumps({"url": response.url, **document.as_dict(), "body": None, "commentsbody": None})
            client.put_object(Bucket=bucket, Key=f"pages/{seen['pages']:08d}.json", Body=body.encode())
            seen["stored"] += 1

    process = CrawlerProcess(
        {
            "LOG_LEVEL": "ERROR",
            "ROBOTSTXT_OBEY": False,
            "CONCURRENT_REQUESTS": CONCURRENCY * len(homes),
            "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENCY,
            "COOKIES_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "DOWNLOAD_DELAY": 0,
        }
    )
    process.crawl(PackSpider)
    process.start()
    return seen


def _extract_file(page: PackPage) -> dict[str, Any]:
    import trafilatura

    found: Any = trafilatura.bare_extraction(page.read(), url=page.label.get("url"), with_metadata=True)
    if found is None:
        return {"id": page.id}
    return {"id": page.id, "body": found.text, "title": found.title, "date": found.date, "authors": found.author}


def extract_from_disk(
    pages: list[PackPage], *, copies: int, processes: int, predictions: Path | None
) -> dict[str, Any]:
    """Extract every page with trafilatura as it comes."""
    with ProcessPoolExecutor(processes) as pool:
        found = list(pool.map(_extract_file, pages * copies, chunksize=4))
    if predictions:
        lines = (json.dumps(item, ensure_ascii=False) for item in found[: len(pages)])
        predictions.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"pages": len(found)}


def write_warc(pages: list[PackPage], *, copies: int, target: Path) -> dict[str, Any]:
    """Write request and response of every page into a WARC file; only the writing is timed."""

    from fastwarc.stream_io import GzipWriter
    from fastwarc.warc import WarcRecord, WarcRecordType

    bodies = [page.read().encode() for page in pages]
    began, cpu = time.monotonic(), time.process_time()
    with target.open("wb") as raw:
        stream = GzipWriter(raw, compression_level=6)
        for number in range(len(bodies) * copies):
            body = bodies[number % len(bodies)]
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            asked = b"GET /news/1 HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n"
            for kind, content in ((WarcRecordType.request, asked), (WarcRecordType.response, head + body)):
                record = WarcRecord()
                record.init_headers(record_type=kind)
                record.headers["WARC-Target-URI"] = f"http://127.0.0.1/news/{number}"
                record.set_bytes_content(content)
                record.is_http = True
                record.write(stream, checksum_data=True)
                stream.finish()
    size = target.stat().st_size
    target.unlink()
    return {
        "pages": len(bodies) * copies,
        "write_seconds": time.monotonic() - began,
        "write_cpu": time.process_time() - cpu,
        "bytes": size,
        "plain_bytes": sum(map(len, bodies)) * copies,
    }


def main() -> int:
    """Run one of them."""
    parser = argparse.ArgumentParser(description="Simpler tools on the same pages.")
    parser.add_argument("tool", choices=("discard", "inline", "trafilatura", "warc"))
    parser.add_argument("--home", action="append", default=[], help="address of a served site; may be repeated")
    parser.add_argument("--bucket", help="where the inline script stores its documents")
    parser.add_argument("--pack", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--predictions", type=Path)
    parser.add_argument("--target", type=Path, help="the WARC file to write; removed again")
    asked = parser.parse_args()
    if asked.tool in {"discard", "inline"}:
        answer = crawl_with_scrapy(asked.home, bucket=asked.bucket if asked.tool == "inline" else None)
    elif asked.tool == "trafilatura":
        answer = extract_from_disk(
            load_pack(asked.pack, asked.limit),
            copies=asked.copies,
            processes=asked.processes,
            predictions=asked.predictions,
        )
    else:
        answer = write_warc(load_pack(asked.pack, asked.limit), copies=asked.copies, target=asked.target)
    print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
