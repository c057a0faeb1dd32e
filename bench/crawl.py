"""How fast the crawl child is, beside bare Scrapy: the same pages from loopback, politeness off.

    python bench/crawl.py [--pages 500] [--kilobytes 60] [--concurrency 16] [--rounds 3] [--json FILE]

The same gzipped pages, listed by one sitemap, are fetched from one server process by: bare Scrapy with bodies
discarded and left compressed; the same with Scrapy's default decompression; the same left compressed, without
middlewares and extensions, as the child runs it; and the crawl child, which writes WARC. Rounds are interleaved, and
medians are told, because the machine is shared. CPU is the tool's own process with its threads. Start-up (imports)
is reported, not counted. The last columns are what the child reaches of each tool's pages a second, and needs of its
CPU.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

WORDS = [
    "council",
    "budget",
    "homes",
    "minister",
    "plan",
    "review",
    "road",
    "school",
    "service",
    "report",
    "health",
    "care",
    "funding",
    "local",
    "vote",
]

BARE = """
import json, sys, time, scrapy
from scrapy.crawler import AsyncCrawlerProcess
origin, pages, concurrency, how = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
class Bare(scrapy.Spider):
    name = "bare"
    seen = 0
    async def start(self):
        self.began, self.cpu = time.monotonic(), time.process_time()
        for n in range(pages):
            yield scrapy.Request(f"{origin}/news/{n}", headers={"Accept-Encoding": "gzip"})
    def parse(self, response):
        Bare.seen += 1
        Bare.ended, Bare.spent = time.monotonic(), time.process_time()
    def closed(self, reason):
        print(json.dumps({"pages": self.seen, "seconds": self.ended - self.began, "cpu": self.spent - self.cpu}))
process = AsyncCrawlerProcess({
    "CONCURRENT_REQUESTS": concurrency, "CONCURRENT_REQUESTS_PER_DOMAIN": concurrency, "DOWNLOAD_DELAY": 0,
    "LOG_LEVEL": "ERROR", "ROBOTSTXT_OBEY": False, "TELNETCONSOLE_ENABLED": False,
    "COMPRESSION_ENABLED": how == "plain",
    **{name: {} for name in ("DOWNLOADER_MIDDLEWARES_BASE", "SPIDER_MIDDLEWARES_BASE", "EXTENSIONS_BASE")
       if how == "lean"},
    "ASYNCIO_EVENT_LOOP": "uvloop.Loop",  # as the child has it
})
process.crawl(Bare)
process.start()
"""


BARES = {
    "bare Scrapy, left compressed": "compressed",
    "bare Scrapy, decompressed": "plain",
    "bare Scrapy, left compressed, without middlewares": "lean",
}


def make_pages(count: int, kilobytes: int) -> dict[str, bytes]:
    """Pages of different made-up text, gzipped, by path."""
    dice = random.Random(1)
    pages = {}
    for n in range(count):
        paragraphs = []
        size = 0
        while size < kilobytes * 1024:
            words = " ".join(dice.choice(WORDS) + str(dice.randrange(300)) for _ in range(60))
            paragraphs.append(f"<p class='a{dice.randrange(9)}'>{words}</p>")
            size += len(paragraphs[-1])
        html = f"<html><head><title>Page {n}</title></head><body>{''.join(paragraphs)}</body></html>"
        pages[f"/news/{n}"] = gzip.compress(html.encode(), 6)
    return pages


def serve(count: int, kilobytes: int) -> None:
    """Serve the pages until standard input ends; the port is the first line of output."""
    from tests.loopback import LoopbackSite, Reply

    coding = (("Content-Encoding", "gzip"),)
    with LoopbackSite() as site:
        for path, body in make_pages(count, kilobytes).items():
            site.routes[path] = Reply(body=body, headers=coding)
        urls = "".join(f"<url><loc>{site.url(f'/news/{n}')}</loc></url>" for n in range(count))
        text = f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{urls}</urlset>"
        site.routes["/sitemap.xml"] = Reply(body=text.encode(), content_type="application/xml")
        print(site.origin, flush=True)
        sys.stdin.read()


def run_bare(origin: str, pages: int, concurrency: int, how: str) -> dict[str, float]:
    """Bare Scrapy in a process of its own; ``how``: compressed, plain (decompressing), lean."""
    command = [sys.executable, "-c", BARE, origin, str(pages), str(concurrency), how]
    told: dict[str, float] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    )
    return told


def run_child(origin: str, pages: int, concurrency: int) -> dict[str, float]:
    """The crawl child; from the first request for robots.txt to the last segment sealed."""
    from spiders.protocol import CrawlSummary, write_plan
    from spiders.site import Site

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = Site(
            id="bench",
            name="Bench",
            home=origin + "/",
            kind="trade",
            article=origin + r"/news/\d+",
            sources=({"type": "sitemap", "url": origin + "/sitemap.xml"},),
            crawl={
                "delay": 0,
                "concurrency": concurrency,
                "allow_private": True,
                "fetch_at_most": pages,
                "max_urls": pages,
            },
        )
        (folder / "site.json").write_text(site.model_dump_json())
        write_plan(folder / "plan", known=(), done=(), now=datetime.now(UTC))
        (folder / "spool").mkdir()
        command = [sys.executable, "-m", "spiders", "--site", str(folder / "site.json"), "--plan", str(folder / "plan")]
        command += ["--spool", str(folder / "spool"), "--run", "20260101T000000Z-00000000"]
        began = time.monotonic()
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        wall = time.monotonic() - began
        summary = CrawlSummary.model_validate_json((folder / "spool" / "crawl.json").read_bytes())
        size = sum(path.stat().st_size for path in (folder / "spool").glob("*.gz"))
    seconds = (summary.finished - summary.started).total_seconds()
    startup = wall - seconds
    return {
        "pages": summary.captured, "seconds": seconds, "cpu": summary.cpu_seconds, "startup": startup, "bytes": size
    }  # fmt: skip


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--kilobytes", type=int, default=60)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.pages, options.kilobytes)
        return
    command = [sys.executable, __file__, "--serve", "--pages", str(options.pages)]
    command += ["--kilobytes", str(options.kilobytes)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert server.stdout is not None
    assert server.stdin is not None
    origin = server.stdout.readline().strip()
    results: dict[str, list[dict[str, float]]] = {}
    try:
        for _ in range(options.rounds):
            for name, how in BARES.items():
                run = run_bare(origin, options.pages, options.concurrency, how)
                results.setdefault(name, []).append(run)
            run = run_child(origin, options.pages, options.concurrency)
            results.setdefault("crawl child, WARC written", []).append(run)
    finally:
        server.stdin.close()
        server.wait(10)
    rows: list[dict[str, Any]] = []
    for name, runs in results.items():
        rate = statistics.median(run["pages"] / run["seconds"] for run in runs)
        spent = statistics.median(run["cpu"] / run["pages"] for run in runs) * 1000
        rows.append({"tool": name, "pages_per_second": round(rate, 1), "cpu_ms_per_page": round(spent, 2)})
    print("| tool | pages/s | CPU ms/page | × its pages/s | × its CPU |\n|---|---:|---:|---:|---:|")
    child = rows[-1]
    for row in rows:
        row["child_speed"] = round(child["pages_per_second"] / row["pages_per_second"], 2)
        row["child_cpu"] = round(child["cpu_ms_per_page"] / row["cpu_ms_per_page"], 2)
        print(
            f"| {row['tool']} | {row['pages_per_second']} | {row['cpu_ms_per_page']} | {row['child_speed']} | "
            f"{row['child_cpu']} |"
        )
    if options.json:
        options.json.write_text(json.dumps({"options": vars(options) | {"json": None}, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
