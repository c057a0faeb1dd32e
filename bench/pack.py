"""A pack of real pages, served as real sites on loopback: one site per source.

A pack is a folder: ``labels.jsonl`` (one JSON object a line: id, url, source, title, authors, date, body) and
``pages/<id>.html.gz``. Each page is sent as it is stored, gzip-encoded, below a path made from its id.

    python -m bench.pack PACK [--copies N]    serves until its standard input ends (for ``bench.replay``)
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from xml.sax.saxutils import escape

from bench.measure import ROOT
from bench.web import Page, WebSite

CONCURRENCY = 16
"""Requests at one time, for the pipeline and for the tools beside it."""


@dataclass(frozen=True, kw_only=True)
class PackPage:
    """One page of a pack."""

    id: str
    source: str
    file: Path
    label: Mapping[str, Any]

    def path(self, copy: int) -> str:
        """Where it is served; copies of a page differ in their last segment."""
        return f"/news/{quote(self.id, safe='')}/{copy}"

    def read(self) -> str:
        """The page as text (pages are stored as UTF-8)."""
        return gzip.decompress(self.file.read_bytes()).decode("utf-8", errors="replace")


def load_pack(folder: Path, limit: int | None = None) -> list[PackPage]:
    """Read a pack's labels, in their order.

    Args:
        folder: the pack.
        limit: only so many pages, taken evenly.
    """
    lines = (folder / "labels.jsonl").read_text(encoding="utf-8").split("\n")  # splitlines() also cuts at U+2028
    labels = [json.loads(line) for line in lines if line.strip()]
    if limit and limit < len(labels):
        labels = [labels[i * len(labels) // limit] for i in range(limit)]
    return [
        PackPage(
            id=label["id"],
            source=str(label.get("source") or "pack"),
            file=folder / "pages" / f"{label['id']}.html.gz",
            label=label,
        )
        for label in labels
    ]


def site_id(source: str) -> str:
    """The id of the site that a source becomes."""
    return "replay-" + (re.sub(r"[^a-z0-9]+", "-", source.lower()).strip("-")[:40] or "pack")


def write_site(folder: Path, source: str, home: str) -> Path:
    """Write the site file of one source: no politeness, and a gate that lets every page through."""
    lines = [
        f"name = {json.dumps('Replay of ' + source)}",
        f"home = {json.dumps(home + '/')}",
        'kind = "national"',
        f"article = '{re.escape(home)}/news/[^/]+/[0-9]+'",
        'schedule = "0 3 1 1 *"',
        "",
        "[[sources]]",
        'type = "sitemap"',
        f"url = {json.dumps(home + '/sitemap.xml')}",
        "",
        "[crawl]",
        "delay = 0",
        f"concurrency = {CONCURRENCY}",
        "fetch_at_most = 1000000",
        "timeout = 60",
        "allow_private = true",
        "",
        "[check]",
        "min_captures = 0",
        "max_error_share = 1.0",
        "min_article_yield = 0.0",
        "min_title_share = 0.0",
        "min_published_share = 0.0",
        "min_words = 0",
        "max_same_body_share = 1.0",
        "",
    ]
    file = folder / f"{site_id(source)}.toml"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def _make_site(pages: list[PackPage], copies: int) -> WebSite:
    held = {page.path(0).rpartition("/")[0]: Page(packed=page.file.read_bytes()) for page in pages}
    site: WebSite

    def look_up(asked: str) -> Page | None:
        if asked == "/robots.txt":
            text = f"User-agent: *\nAllow: /\nSitemap: {site.home}/sitemap.xml\n"
            return Page(plain=text.encode(), media_type="text/plain")
        if asked == "/sitemap.xml":
            return sitemap
        return held.get(asked.rpartition("/")[0])

    site = WebSite(look_up)
    locations = "".join(
        f"<url><loc>{escape(site.home + page.path(copy))}</loc></url>" for copy in range(copies) for page in pages
    )
    text = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{locations}</urlset>'
    packed = gzip.compress(f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode(), mtime=0)
    sitemap = Page(packed=packed, media_type="application/xml")
    return site


class PackServer:
    """The pack's sites in a process of their own, so that serving does not hide in what is measured.

    A context manager; the process ends with it, and with this process.
    """

    def __init__(self, pack: Path, *, copies: int, limit: int | None = None) -> None:
        command = [sys.executable, "-m", "bench.pack", str(pack.resolve()), "--copies", str(copies)]
        if limit:
            command += ["--limit", str(limit)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=ROOT
        )
        self.homes: dict[str, str] = self._read()["homes"]  # source -> "http://127.0.0.1:…"

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def stand(self) -> tuple[int, float]:
        """Requests answered and CPU seconds used so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("stand\n")
        answer = self._read()
        return answer["answered"], answer["cpu"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def main() -> int:
    """Serve a pack until standard input ends; each line read is answered with where we stand."""
    parser = argparse.ArgumentParser(description="Serve a pack of pages on loopback, one site per source.")
    parser.add_argument("pack", type=Path)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--limit", type=int)
    asked = parser.parse_args()
    pages: dict[str, list[PackPage]] = {}
    for page in load_pack(asked.pack, asked.limit):
        pages.setdefault(page.source, []).append(page)
    sites = {source: _make_site(part, asked.copies) for source, part in pages.items()}
    with ExitStack() as open_sites:
        for site in sites.values():
            open_sites.enter_context(site)
        print(json.dumps({"homes": {source: site.home for source, site in sites.items()}}), flush=True)
        for _ in sys.stdin:
            answered = sum(site.answered for site in sites.values())
            print(json.dumps({"answered": answered, "cpu": time.process_time()}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
