"""The walk into the past: where feeds and listings lead, and what a run of it leaves for the next."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from spiders.protocol import Orders, SourceWalk, Walk
from spiders.site import Source
from spiders.walk import NOT_WALKED, OUTSIDE, find_older
from tests.loopback import Asked, LoopbackSite, Reply
from tests.spiders.conftest import Crawl, site_on, sitemap_of

FEED, LIST = "https://x.example/feed", "https://x.example/news"


def older(body: str, *, url: str, source: dict[str, object], position: int = 0, seen: Iterable[str] = ()) -> str | None:
    return find_older(
        body.encode(), url=url, source=Source.model_validate(source), position=position, seen=seen, named=True
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<feed xmlns="http://www.w3.org/2005/Atom"><link rel="next" href="/f?p=2"/></feed>', "/f?p=2"),
        (
            '<feed xmlns="http://www.w3.org/2005/Atom"><link rel="next" href="/f?p=2"/>'
            '<link rel="prev-archive" href="/a/1"/></feed>',
            "/a/1",
        ),
        (
            '<rss xmlns:a="http://www.w3.org/2005/Atom"><channel><a:link rel="next" href="/r?p=2"/></channel></rss>',
            "/r?p=2",
        ),
        ("<rss><channel><item><link rel='next' href='/no'/></item></channel></rss>", None),
        (
            "<rss><channel><generator>https://wordpress.org/?v=6.6</generator></channel></rss>",
            "https://x.example/feed?paged=2",
        ),
        ('{"version": "https://jsonfeed.org/version/1.1", "next_url": "/j/2", "items": []}', "/j/2"),
        ("{broken", None),
        ("<rss><channel>", None),
        ("", None),
    ],
)
def test_a_feed_says_where_its_older_entries_are(body: str, expected: str | None) -> None:
    assert older(body, url=FEED, source={"type": "feed", "url": FEED}) == expected


def test_a_listings_numbered_pages_are_made_up_and_others_are_read_from_its_links() -> None:
    numbered = {"type": "listing", "url": LIST, "paging": "?start={n}", "paging_first": 10, "paging_step": 10}
    assert older("<p>", url=LIST, source=numbered, position=2) == f"{LIST}?start=30"
    queried = {"type": "listing", "url": f"{LIST}?topic=1", "paging": "&page={n}"}
    assert older("<p>", url=LIST, source=queried) == f"{LIST}?topic=1&page=2"
    by_links = {"type": "listing", "url": LIST, "follow": r"[?&]page=\d+"}
    pager = "".join(f"<a href='?page={n}'>{n}</a>" for n in (1, 2, 3, 4, 12))
    assert older(pager, url=LIST, source=by_links) == f"{LIST}?page=1"
    # taken up in the middle: on, and not back to pages that this run has not read
    assert older(pager, url=f"{LIST}?page=3", source=by_links) == f"{LIST}?page=4"
    assert older(pager, url=f"{LIST}?page=12", source=by_links) is None
    assert older("<a rel='next' href='/news/older'>", url=LIST, source=by_links) == "https://x.example/news/older"
    assert older("<a href='/news/1'>", url=LIST, source={"type": "listing", "url": LIST}) is None


def serve_past(server: LoopbackSite) -> None:
    """Four kinds of sources, each with a past; articles of 2022 to 2024."""

    def page(asked: Asked) -> Reply:
        return Reply(body=f"<html><h1>{asked.path}</h1></html>".encode())

    for number in range(80):
        server.routes[f"/news/{number}"] = page

    def wordpress(asked: Asked) -> Reply:
        number = int(asked.path.partition("paged=")[2] or 1)
        if number > 6:
            return Reply(status=404)
        items = "".join(
            f"<item><link>{server.url(f'/news/{n}')}</link><pubDate>{day}</pubDate></item>"
            for n, day in (
                (number * 2 - 2, f"Mon, 01 Jul {2025 - number} 10:00:00 GMT"),
                (number * 2 - 1, f"Thu, 01 Feb {2025 - number} 10:00:00 GMT"),
            )
        )
        head = "<generator>https://wordpress.org/?v=6.6</generator>"
        body = f"<rss version='2.0'><channel><title>t</title>{head}{items}</channel></rss>"
        return Reply(body=body.encode(), content_type="application/rss+xml")

    server.routes["/feed"] = wordpress
    index = "".join(
        f"<sitemap><loc>{server.url(f'/map-{year}.xml')}</loc></sitemap>" for year in (2021, 2022, 2023, 2024)
    )
    server.routes["/map.xml"] = Reply(
        body=f"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{index}</sitemapindex>".encode(),
        content_type="application/xml",
    )
    for number, year in enumerate((2021, 2022, 2023, 2024)):
        urls = [server.url(f"/news/{40 + number * 3 + n}") for n in range(3)]
        server.routes[f"/map-{year}.xml"] = sitemap_of(*urls)
    server.routes["/broken.xml"] = Reply(status=500)


def test_a_run_walks_each_source_to_the_start_of_the_window_and_the_next_one_has_nothing_to_do(
    crawl: Crawl, loopback: LoopbackSite
) -> None:
    serve_past(loopback)
    site = site_on(loopback, sources=(("feed", "/feed"), ("sitemap", "/map.xml"), ("sitemap", "/broken.xml")))
    orders = Orders(mode="backfill", since=date(2022, 1, 1), until=date(2023, 12, 31), walk=Walk())

    told = crawl(site, orders=orders).told

    asked = set(loopback.paths())
    # Feed: two entries a year from 2024 down; 2021 is read to see that the start is passed, 2020 is not asked for.
    assert {f"/news/{n}" for n in (2, 3, 4, 5)} <= asked
    assert not {f"/news/{n}" for n in (0, 1, 6, 7)} & asked
    assert "/feed?paged=4" in asked
    assert "/feed?paged=5" not in asked
    # Sitemaps: the children of 2022 and 2023, the later one first.
    assert {f"/news/{n}" for n in range(43, 49)} <= asked
    assert not {"/map-2021.xml", "/map-2024.xml"} & asked
    assert loopback.paths().index("/map-2023.xml") < loopback.paths().index("/map-2022.xml")
    assert told.reasons[OUTSIDE] == 4
    assert told.discovered == told.captured == 10
    assert told.walk is not None
    feed, tree, broken = told.walk.sources
    assert (feed.finished, feed.ended, feed.found) == (True, "the window's start is passed", 4)
    assert feed.reached == date(2022, 2, 1)
    assert (tree.finished, tree.read, tree.total) == (True, 2, 2)
    assert not broken.finished  # it is tried again by the next runs, and given up after three
    assert sum(broken.tries.values()) == 1

    before = len(loopback.requests)
    again = crawl(site, orders=orders.model_copy(update={"walk": told.walk})).told
    assert {one.path for one in loopback.requests[before:]} <= {"/robots.txt", "/broken.xml"}
    assert again.walk is not None
    third = crawl(site, orders=orders.model_copy(update={"walk": again.walk})).told
    assert third.walk is not None
    assert third.walk.finished


def test_a_run_reads_no_more_documents_than_its_pages_need(crawl: Crawl, loopback: LoopbackSite) -> None:
    serve_past(loopback)
    site = site_on(loopback, sources=(("sitemap", "/map.xml"),), crawl={"fetch_at_most": 4})
    orders = Orders(mode="backfill", walk=Walk())

    told = crawl(site, orders=orders).told

    assert told.captured == 4
    assert "/map-2022.xml" not in loopback.paths()
    assert told.walk == Walk(
        sources=(
            SourceWalk(
                url=loopback.url("/map.xml"),
                done=(loopback.url("/map-2024.xml"),),
                read=1,
                found=3,
                total=4,
            ),
        )
    )


def test_a_service_is_walked_call_by_call_or_it_is_said_why_not(crawl: Crawl, loopback: LoopbackSite) -> None:
    def search(asked: Asked) -> Reply:
        query = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
        assert query["filter_public_timestamp"] == "from:2023-01-01"
        start = int(query["start"])
        results = [{"link": f"/news/{n}", "public_timestamp": f"{2024 - n // 2}-02-01T09:00:00Z"} for n in range(4)]
        return data({"results": results[start : start + 2], "total": 4, "start": start})

    def publications(asked: Asked) -> Reply:
        skip = int(parse_qs(urlsplit(asked.path).query).get("Skip", ["0"])[0])
        items = [
            {"value": {"id": n, "url": f"/news/{n}", "heading": "C", "datePublished": f"{2024 - (n - 10)}-03-01"}}
            for n in range(10, 20)
        ]
        return data({"items": items[skip : skip + 1], "totalResults": 10})

    def data(value: object) -> Reply:
        return Reply(body=json.dumps(value).encode(), content_type="application/json")

    loopback.routes |= {"/api/search.json": search, "/api/publications": publications}
    for number in range(20):
        loopback.routes[f"/news/{number}"] = Reply(body=b"<html><h1>News</h1></html>")
    services = (("govuk", "/api/search.json?count=2"), ("parliament", "/api/publications?Take=1"), ("moderngov", "/"))
    site = site_on(loopback)
    sources = tuple(Source(type="api", service=name, url=loopback.url(path)) for name, path in services)
    site = site.model_copy(update={"sources": sources})
    orders = Orders(mode="backfill", since=date(2023, 1, 1), until=date(2023, 12, 31), walk=Walk())

    told = crawl(site, orders=orders).told

    assert told.walk is not None
    govuk, parliament, moderngov = told.walk.sources
    assert (govuk.finished, govuk.read, govuk.found) == (True, 2, 2)
    assert (parliament.finished, parliament.read, parliament.ended) == (True, 3, "the window's start is passed")
    assert (moderngov.finished, moderngov.read, moderngov.ended) == (True, 0, NOT_WALKED)
    assert {path for path in loopback.paths() if path.startswith("/news/")} == {"/news/2", "/news/3", "/news/11"}
