"""A small newsroom on loopback, and a workplace that knows it and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.archive import Archive
from pipeline.settings import Settings
from pipeline.steps import Workplace, open_workplace
from tests.loopback import LoopbackSite, Reply

STREETS = ("Mill Lane", "Harbour Road", "Castle Street", "Orchard Way", "Station Parade", "Abbey Close")


def story(number: int, extra: str = "") -> str:
    """A page with a text of its own."""
    street = STREETS[number % len(STREETS)]
    paragraphs = [
        f"Work on the drains of {street} starts on day {number} of the programme, the council has said, and the road "
        f"stays open to buses and to the {number + 3} households that live on it.",
        f"Councillor Ann Example said the sum of £{number * 17 + 400},000 had been set aside in the spring, after "
        f"{number + 11} complaints about standing water outside the school at the foot of {street}.",
        "Residents may look at the drawings in the library until the end of the month, and the ward forum takes "
        f"questions from number {number * 2 + 1} onwards every Tuesday evening. {extra}",
    ]
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f"<html lang='en-GB'><head><title>Drains of {street}, part {number} | Loop News</title>"
        f"<meta property='article:published_time' content='2026-03-{number % 27 + 1:02d}T09:00:00+00:00'></head>"
        f"<body><nav><a href='/'>Home</a></nav><article><h1>Drains of {street}, part {number}</h1>{body}</article>"
        "<footer>Loop News</footer></body></html>"
    )


def write_site(folder: Path, server: LoopbackSite, **crawl_rules: object) -> None:
    """A site file for the loopback server, with id ``loop``."""
    folder.mkdir(exist_ok=True)
    rules = {"allow_private": "true", "delay": 0, "concurrency": 4, **crawl_rules}
    (folder / "loop.toml").write_text(
        f"""
name = "Loop News"
home = "{server.url("/")}"
kind = "trade"
article = 'http://127\\.0\\.0\\.1:{server.port}/news/\\d+'
gone_after_checks = 1
gone_after = "0h"

[[sources]]
type = "sitemap"
url = "{server.url("/sitemap.xml")}"

[[recheck]]
every = "0h"

[crawl]
"""
        + "\n".join(f"{name} = {value}" for name, value in rules.items()),
        encoding="utf-8",
    )


def list_in_sitemap(server: LoopbackSite, numbers: list[int]) -> None:
    """Announce these articles."""
    items = "".join(f"<url><loc>{server.url(f'/news/{number}')}</loc></url>" for number in numbers)
    xml = f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{items}</urlset>"
    server.routes["/sitemap.xml"] = Reply(body=xml.encode(), content_type="application/xml")


@pytest.fixture
def newsroom(loopback: LoopbackSite) -> LoopbackSite:
    """Eight articles in a sitemap."""
    loopback.validators = True
    for number in range(8):
        loopback.page(f"/news/{number}", story(number))
    list_in_sitemap(loopback, list(range(8)))
    return loopback


@pytest.fixture
def work(archive: Archive, settings: Settings, newsroom: LoopbackSite, tmp_path: Path) -> Workplace:
    """A workplace that knows the loopback site only."""
    write_site(tmp_path / "sites", newsroom)
    own = settings.model_copy(update={"sites": (tmp_path / "sites",), "builtin_sites": False, "processes": 1})
    return open_workplace(own)
