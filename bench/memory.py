"""What the crawl child's memory does while it fetches more and more pages.

    python -m bench.memory [--pages 50000] [--kilobytes 4] [--concurrency 16] [--json FILE]

The child crawls so many pages of one sitemap from loopback, politeness off, and its resident memory is read from
the kernel each time that it tells a hundred pages more. What counts is that it is flat: the median around the last
pages is divided by the median around page 5,000, when caches, books and the plan are as large as they get per page.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from spiders.protocol import CrawlSummary, write_plan
from spiders.site import Site
from tests.loopback import Asked, LoopbackSite, Reply

ROOT = Path(__file__).resolve().parent.parent
EARLY = 5000
_DONE = re.compile(r"(\d+) pages done")


def serve(count: int, kilobytes: float) -> None:
    """Serve the pages, made as they are asked for, until standard input ends; the origin is the first line told."""
    filling = "The council met on Monday and heard of the budget, the drains and the buses. "

    def page(asked: Asked) -> Reply:
        text = (asked.path + " " + filling) * max(1, int(kilobytes * 1024 / (len(filling) + len(asked.path) + 1)))
        return Reply(body=f"<html><head><title>{asked.path}</title></head><body><p>{text}</p></body></html>".encode())

    class Site(LoopbackSite):
        def answer(self, asked: Asked) -> Reply:
            self.requests.clear()  # a log of all of them would be what is measured
            return page(asked) if asked.path.startswith("/news/") else super().answer(asked)

    with Site() as site:
        urls = "".join(f"<url><loc>{site.url(f'/news/{n}')}</loc></url>" for n in range(count))
        text = f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{urls}</urlset>"
        site.routes["/sitemap.xml"] = Reply(body=text.encode(), content_type="application/xml")
        print(site.origin, flush=True)
        sys.stdin.read()


def read_resident(pid: int) -> float:
    """Resident memory of a process, in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def run_child(origin: str, pages: int, concurrency: int) -> tuple[dict[int, float], CrawlSummary]:
    """Crawl; resident megabytes by the number of pages done, and the summary."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = Site.model_validate(
            {
                "id": "bench",
                "name": "Bench",
                "home": origin + "/",
                "kind": "trade",
                "article": re.escape(origin) + r"/news/\d+",
                "sources": [{"type": "sitemap", "url": origin + "/sitemap.xml"}],
                "crawl": {
                    "delay": 0, "concurrency": concurrency, "allow_private": True, "fetch_at_most": pages,
                    "max_urls": pages, "run_seconds": 3600,
                },
            }
        )  # fmt: skip
        (folder / "site.json").write_text(site.model_dump_json(), encoding="utf-8")
        write_plan(folder / "plan", known=(), done=(), now=datetime.now(UTC))
        spool = folder / "spool"
        spool.mkdir()
        command = [sys.executable, "-m", "spiders", "--site", str(folder / "site.json"), "--plan", str(folder / "plan")]
        command += ["--spool", str(spool), "--run", "20260101T000000Z-00000000"]
        seen: dict[int, float] = {}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
            assert child.stdout is not None
            for line in child.stdout:
                told = _DONE.match(line)
                if told:
                    seen[int(told[1])] = read_resident(child.pid)
                    for sealed in spool.glob("*.warc.gz"):
                        sealed.unlink()  # as the uploader does
        if child.returncode != 0:
            raise SystemExit(f"the crawl child ended with {child.returncode}")
        return seen, CrawlSummary.model_validate_json((spool / "crawl.json").read_bytes())


def sum_up(seen: dict[int, float], pages: int) -> list[dict[str, Any]]:
    """Medians around some page counts, and what they are of the one at ``EARLY``."""
    early = min(EARLY, pages)
    rows: list[dict[str, Any]] = []
    for at in sorted({min(1000, pages), early, pages // 4, pages // 2, pages}):
        near = [megabytes for count, megabytes in seen.items() if abs(count - at) <= max(500, pages // 50)]
        if near:
            rows.append({"pages": at, "rss_mb": round(statistics.median(near), 1)})
    base = next(row["rss_mb"] for row in rows if row["pages"] == early)
    return [row | {"ratio": round(row["rss_mb"] / base, 3)} for row in rows]


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=50_000)
    parser.add_argument("--kilobytes", type=float, default=4.0)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.pages, options.kilobytes)
        return
    command = [sys.executable, "-m", "bench.memory", "--serve", "--pages", str(options.pages)]
    command += ["--kilobytes", str(options.kilobytes)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert server.stdout is not None
    assert server.stdin is not None
    try:
        seen, summary = run_child(server.stdout.readline().strip(), options.pages, options.concurrency)
    finally:
        server.stdin.close()
        server.wait(10)
    rows = sum_up(seen, options.pages)
    print("| pages | resident MB | of that at 5,000 |\n|---:|---:|---:|")
    for row in rows:
        print(f"| {row['pages']} | {row['rss_mb']} | {row['ratio']} |")
    seconds = (summary.finished - summary.started).total_seconds()
    print(f"\nlargest {max(seen.values()):.0f} MB; {summary.captured} pages in {seconds:.0f} s")
    if options.json:
        figures = {"rows": rows, "largest_mb": max(seen.values()), "pages": summary.captured, "seconds": seconds}
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
