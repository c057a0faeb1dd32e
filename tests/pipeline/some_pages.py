"""Pages, captures and segments for the tests of extraction."""

import gzip
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.extract import extract_page
from pipeline.kinds import Reading
from pipeline.model import Finding
from pipeline.workers import Extractor
from spiders.site import Site, Source
from spiders.warc import Exchange, SegmentWriter

PAGES = Path(__file__).parent.parent / "pages"
CAPTURED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOST = "https://ledger.example"
KEY = "warc/ledger/2026/11/22/20261122T090000Z-00000000-00000.warc.gz"
SENTENCES = (
    "The committee met on Tuesday evening and agreed to mend the bridge before the winter.",
    "Its chairman said that the work would be paid for out of the reserve that was set aside two years ago.",
    "Residents who had asked for a footpath on the north side were told that it would be looked at again.",
    "The engineer expects the road to be closed for nine days, and buses will go by the mill in that time.",
)


def a_site(**facts: Any) -> Site:
    usual: dict[str, Any] = {
        "id": "ledger",
        "name": "Civic Ledger",
        "home": f"{HOST}/",
        "kind": "trade",
        "article": r"https://(?:ledger|dispatch)\.example/.+",
        "domains": ("ledger.example", "dispatch.example"),
        "sources": (Source(type="feed", url=f"{HOST}/feed"),),
    }
    return Site(**{**usual, **facts})


def a_page(body: str | None = None, *, title: str = "Bridge to be mended", head: str = "", number: int = 0) -> bytes:
    paragraphs = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES) if body is None else body
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        f"<body><main><h1>{title}</h1>{paragraphs}<!-- {number} --></main></body></html>"
    ).encode()


def read(payload: bytes, *, url: str = f"{HOST}/news/1", requested: str = "", **facts: Any) -> Reading:
    content_type = facts.pop("content_type", "text/html")
    return extract_page(
        payload,
        site=a_site(**facts),
        url=url,
        requested=requested or url,
        captured_at=CAPTURED,
        content_type=content_type,
    )


def text_of(reading: Reading) -> str:
    assert reading.article is not None, reading
    return reading.article.text


def stripped(reading: Reading) -> dict[str, str]:
    assert reading.article is not None, reading
    found: dict[str, str] = {}
    for block in reading.article.stripped:
        found[block.reason] = f"{found.get(block.reason, '')}\n{block.text}".strip()
    return found


def a_segment(folder: Path, pages: Iterable[bytes | int | Exchange], *, coded: bool = False) -> Path:
    """A sealed segment with these pages: bodies under 200, statuses without a body, or whole exchanges."""
    writer = SegmentWriter(
        folder, run="20261122T090000Z-00000000", first=0, info={}, max_bytes=2**40, max_seconds=10**9
    )
    for number, page in enumerate(pages):
        writer.write_exchange(page if isinstance(page, Exchange) else an_exchange(number, page, coded=coded))
    writer.seal()
    return folder / writer.sealed[0]


def an_exchange(number: int, page: bytes | int, *, coded: bool = False, **facts: Any) -> Exchange:
    status, body = (page, b"") if isinstance(page, int) else (200, page)
    body = gzip.compress(body, mtime=0) if coded else body
    coding = "Content-Encoding: gzip\r\n" if coded else ""
    head = (
        f'HTTP/1.1 {status} X\r\nContent-Type: text/html\r\nETag: "{number}"\r\n{coding}'
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    usual: dict[str, Any] = {
        "kind": "page",
        "url": f"{HOST}/news/{number}",
        "requested": f"{HOST}/news/{number}",
        "status": status,
        "request_head": b"GET / HTTP/1.1\r\n\r\n",
        "response_head": head.encode(),
        "payload": body,
        "captured_at": CAPTURED,
        "via": f"{HOST}/feed",
    }
    return Exchange(**{**usual, **facts})


def findings_of(path: Path, *, processes: int = 2, **options: Any) -> list[Finding]:
    with Extractor(processes, **options) as extractor:
        return list(extractor.extract_segment(a_site(), path, KEY))
