"""Running the real crawl child on a site on loopback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from spiders.protocol import SUMMARY_NAME, CrawlSummary, Known, Orders, write_plan
from spiders.site import Site
from spiders.warc import Captured, read_captures
from tests.loopback import (
    LoopbackSite,
    Reply,
    loopback,  # noqa: F401 - a fixture
)

RUN = "20261122T093000Z-0a1b2c3d"
ROOT = Path(__file__).resolve().parents[2]
XML = "application/xml"


def sitemap_of(*urls: str, lastmod: str | None = None) -> Reply:
    """A sitemap that names URLs."""
    date = f"<lastmod>{lastmod}</lastmod>" if lastmod else ""
    entries = "".join(f"<url><loc>{url.replace('&', '&amp;')}</loc>{date}</url>" for url in urls)
    text = f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'
    return Reply(body=text.encode(), content_type=XML)


def site_on(
    server: LoopbackSite, *, sources: Iterable[tuple[str, str]] = (("sitemap", "/sitemap.xml"),), **more: Any
) -> Site:
    """A Site for what a loopback server serves; articles are below ``/news/``."""
    crawl = {"delay": 0, "concurrency": 4, "allow_private": True, "timeout": 5.0, **more.pop("crawl", {})}
    return Site.model_validate(
        {
            "id": "loop",
            "name": "Loop",
            "home": server.url("/"),
            "kind": "trade",
            "article": server.origin.replace(".", r"\.") + r"/news/[^?]+(\?id=\d+)?",
            "sources": [{"type": kind, "url": server.url(path)} for kind, path in sources],
            "crawl": crawl,
            **more,
        }
    )


@dataclass(frozen=True, kw_only=True)
class Crawled:
    """What a finished child left."""

    status: int
    lines: list[str]
    spool: Path
    summary: CrawlSummary | None

    @property
    def told(self) -> CrawlSummary:
        """The summary, which must be there."""
        assert self.summary is not None, "\n".join(self.lines)
        return self.summary

    @property
    def segments(self) -> list[Path]:
        """Sealed segments in order."""
        return sorted(self.spool.glob("*.warc.gz"))

    def captures(self, kind: str | None = None) -> list[Captured]:
        """Captures of all segments, in order."""
        found = []
        for path in self.segments:
            with path.open("rb") as stream:
                found += [one for one in read_captures(stream) if kind is None or one.kind == kind]
        return found

    def check(self, *, both: bool = True) -> None:
        """Both libraries (or only FastWARC) find every record of every segment whole and every digest right."""
        command = [sys.executable, "-c", "from warcio.cli import main; main()", "check", *map(str, self.segments)]
        if both:
            checked = subprocess.run(command, capture_output=True, text=True, check=False)
            assert checked.returncode == 0, checked.stdout
        for path in self.segments:
            with path.open("rb") as stream:
                for record in ArchiveIterator(stream, parse_http=False):
                    assert record.verify_block_digest()
                    if record.record_type == WarcRecordType.response and "WARC-Payload-Digest" in record.headers:
                        record.parse_http(strict_mode=False)
                        assert record.verify_payload_digest(), record.headers["WARC-Target-URI"]

    def pages(self) -> dict[str, Captured]:
        """Page captures by requested URL; each must be there once."""
        pages = self.captures("page")
        by_url = {page.requested: page for page in pages}
        assert len(by_url) == len(pages), "a page was captured twice"
        return by_url


Crawl = Callable[..., Crawled]


@dataclass(kw_only=True)
class Child:
    """A child to start: its folder and its command."""

    folder: Path

    def prepare(
        self,
        site: Site,
        *,
        known: Iterable[Known] = (),
        done: Iterable[str] = (),
        contact: str = "",
        orders: Orders | None = None,
        withheld: Iterable[str] = (),
        **options: Any,
    ) -> list[str]:
        """Write site and plan; returns the command. Options are command line options."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "site.json").write_text(site.model_dump_json())
        plan, now = self.folder / "plan.sqlite", datetime.now(UTC)
        write_plan(plan, known=known, done=done, now=now, orders=orders, withheld=withheld)
        spool = self.folder / "spool"
        spool.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "spiders", "--run", RUN, "--contact", contact]
        command += ["--site", str(self.folder / "site.json"), "--plan", str(self.folder / "plan.sqlite")]
        command += ["--spool", str(spool)]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        return command

    def run(self, site: Site, **options: Any) -> Crawled:
        """Run it to its end."""
        command = self.prepare(site, **options)
        ended = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90, check=False
        )
        return self.collect(ended.returncode, ended.stdout)

    def collect(self, status: int, output: str) -> Crawled:
        """What it left."""
        spool = self.folder / "spool"
        told = spool / SUMMARY_NAME
        summary = CrawlSummary.model_validate_json(told.read_bytes()) if told.exists() else None
        return Crawled(status=status, lines=output.splitlines(), spool=spool, summary=summary)


@pytest.fixture
def child(tmp_path: Path) -> Child:
    """A crawl child, not started yet."""
    return Child(folder=tmp_path / "child")


@pytest.fixture
def crawl(tmp_path: Path) -> Crawl:
    """Run the crawl child to its end, in a fresh folder each time."""
    count = 0

    def run(site: Site, **options: Any) -> Crawled:
        nonlocal count
        count += 1
        return Child(folder=tmp_path / f"crawl-{count}").run(site, **options)

    return run
