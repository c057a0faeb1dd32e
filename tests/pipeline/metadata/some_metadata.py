"""A site, and what is read of a page of it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml.html import document_fromstring

from pipeline.metadata import Clock, Metadata, read_metadata
from spiders.site import Site, Source

PAGES = Path(__file__).parent.parent.parent / "pages"
CAPTURED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CLOCK = Clock(zone="Europe/London", latest=CAPTURED)


def a_site(name: str = "Civic Ledger", host: str = "ledger.example", **facts: Any) -> Site:
    return Site(
        id="ledger",
        name=name,
        home=f"https://{host}/",
        kind="trade",
        article=rf"https://{host.replace('.', '[.]')}/.+",
        sources=(Source(type="feed", url=f"https://{host}/feed"),),
        **facts,
    )


def read(page: str, *, site: Site | None = None, url: str = "https://ledger.example/news/1") -> Metadata:
    return read_metadata(document_fromstring(page), site=site or a_site(), url=url, captured_at=CAPTURED)


def with_json(value: object, body: str = "<h1>A headline of five words</h1>") -> str:
    return (
        f'<html><head><script type="application/ld+json">{json.dumps(value)}</script></head><body>{body}</body></html>'
    )
