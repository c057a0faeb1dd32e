"""Asking a site, on loopback: what is told of its sources, and that it is asked politely."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from spiders.probe import SiteSeen, probe_site
from spiders.site import Site
from tests.loopback import LoopbackSite, Reply

AGENT = "Muniment/test (+https://example.org/contact)"
FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{}</channel></rss>"""
SITEMAP = '<?xml version="1.0"?><{0} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{1}</{0}>'


def _site(loopback: LoopbackSite, *sources: dict[str, object], **crawl: object) -> Site:
    return Site.model_validate(
        {
            "id": "example",
            "name": "Example",
            "home": loopback.url("/"),
            "kind": "trade",
            "article": loopback.url("/news/").replace(".", r"\.") + r"\d+",
            "sources": sources,
            "crawl": {"allow_private": True, "delay": 1.5, **crawl},
        }
    )


def _feed(loopback: LoopbackSite, *paths: str) -> Reply:
    items = "".join(f"<item><link>{loopback.url(path)}</link></item>" for path in paths)
    return Reply(body=FEED.format(items).encode(), headers=(("Content-Type", "application/rss+xml"),))


def _xml(root: str, *urls: str) -> bytes:
    name = "url" if root == "urlset" else "sitemap"
    return SITEMAP.format(root, "".join(f"<{name}><loc>{url}</loc></{name}>" for url in urls)).encode()


def _probe(site: Site) -> tuple[SiteSeen, list[float]]:
    pauses: list[float] = []
    return probe_site(site, user_agent=AGENT, now=datetime(2026, 11, 22, tzinfo=UTC), pause=pauses.append), pauses


def test_a_feed_that_names_articles_is_told_with_what_matches_and_what_does_not(loopback: LoopbackSite) -> None:
    loopback.routes["/feed"] = _feed(loopback, "/news/1?utm_source=rss", "/news/2", "/jobs/3")
    loopback.page("/news/1", "<p>One.</p>")
    seen, pauses = _probe(_site(loopback, {"type": "feed", "url": loopback.url("/feed")}))
    source = seen.sources[0]
    assert (source.status, source.listed, source.articles, source.error) == (200, 3, 2, None)
    assert source.examples == (loopback.url("/news/1"), loopback.url("/news/2"))
    assert source.others == (loopback.url("/jobs/3"),)
    assert (seen.article, seen.article_status, seen.ok) == (loopback.url("/news/1"), 200, True)
    assert loopback.paths() == ["/robots.txt", "/feed", "/news/1"]
    assert pauses == [1.5, 1.5], "the site's delay is kept between two requests"
    assert {asked.header("user-agent") for asked in loopback.requests} == {AGENT}


def test_a_sitemap_index_is_followed_to_one_child_that_the_file_would_follow(loopback: LoopbackSite) -> None:
    loopback.routes["/index.xml"] = Reply(
        body=_xml("sitemapindex", loopback.url("/old.xml"), loopback.url("/news.xml.gz"), loopback.url("/news2.xml"))
    )
    loopback.routes["/news.xml.gz"] = Reply(body=gzip.compress(_xml("urlset", loopback.url("/news/1"))))
    loopback.page("/news/1", "<p>One.</p>")
    seen, _ = _probe(_site(loopback, {"type": "sitemap", "url": loopback.url("/index.xml"), "follow": "/news"}))
    assert seen.ok, seen
    assert "/old.xml" not in loopback.paths()
    assert "/news2.xml" not in loopback.paths()


def test_a_service_is_asked_by_whichever_of_its_ways_answers(loopback: LoopbackSite) -> None:
    loopback.routes["/api/search.json"] = Reply(body=b'{"results": [{"link": "/news/1"}, {"link": "/x"}], "total": 2}')
    loopback.routes["/mgCalendarMonthView.aspx"] = Reply(body=b"<a href='/ieListDocuments.aspx?CId=1&amp;MId=2'>x</a>")
    loopback.page("/news/1", "<p>One.</p>")
    search = {"type": "api", "service": "govuk", "url": loopback.url("/api/search.json")}
    meetings = {"type": "api", "service": "moderngov", "url": loopback.url("/mgWebService.asmx")}
    seen, _ = _probe(_site(loopback, search, meetings))
    assert (seen.sources[0].articles, seen.sources[0].listed, seen.article_status) == (1, 2, 200)
    assert seen.sources[1].others == (loopback.url("/ieListDocuments.aspx?CId=1&MId=2"),)


def test_a_listing_is_read_and_links_are_resolved(loopback: LoopbackSite) -> None:
    loopback.page("/latest", '<a href="/news/7">Seven</a> <a href="/about">About</a>')
    loopback.page("/news/7", "<p>Seven.</p>")
    seen, _ = _probe(_site(loopback, {"type": "listing", "url": loopback.url("/latest")}))
    assert seen.sources[0].examples == (loopback.url("/news/7"),)
    assert seen.ok


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=404), "HTTP 404"),
        (Reply(body=b"<html><body>no feed</body></html>"), "not a feed"),
        (Reply(body=FEED.format("").encode()), "names nothing"),
        (
            Reply(body=FEED.format("<item><link>http://x.invalid/a</link></item>").encode()),
            "none of its 1 links matches",
        ),
        (Reply(body=b"x" * 5000), "more than 4000 bytes"),
        (Reply(status=302, headers=(("Location", "/feed"),)), "redirects"),
    ],
)
def test_what_is_wrong_with_a_source_is_told_in_words(loopback: LoopbackSite, reply: Reply, said: str) -> None:
    loopback.routes["/feed"] = reply
    seen, _ = _probe(_site(loopback, {"type": "feed", "url": loopback.url("/feed")}, max_bytes=4000))
    assert said in (seen.sources[0].error or "")
    assert not seen.ok


def test_robots_txt_is_obeyed_and_its_delay_is_kept(loopback: LoopbackSite) -> None:
    loopback.routes["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /feed\nCrawl-delay: 4\n")
    loopback.routes["/latest"] = Reply(body=b'<a href="/news/7">Seven</a>', headers=(("Content-Type", "text/html"),))
    loopback.page("/news/7", "<p>Seven.</p>")
    sources = ({"type": "feed", "url": loopback.url("/feed")}, {"type": "listing", "url": loopback.url("/latest")})
    seen, pauses = _probe(_site(loopback, *sources))
    assert "robots.txt" in (seen.sources[0].error or "")
    assert "/feed" not in loopback.paths()
    assert seen.sources[1].ok
    assert pauses == [4.0, 4.0]


def test_nothing_is_asked_of_a_host_whose_robots_txt_is_out_of_order(loopback: LoopbackSite) -> None:
    loopback.routes["/robots.txt"] = Reply(status=503)
    seen, _ = _probe(_site(loopback, {"type": "feed", "url": loopback.url("/feed")}))
    assert loopback.paths() == ["/robots.txt"]
    assert not seen.ok


def test_a_private_address_is_not_asked_unless_the_file_allows_it(loopback: LoopbackSite) -> None:
    seen, _ = _probe(_site(loopback, {"type": "feed", "url": loopback.url("/feed")}, allow_private=False))
    assert "allow_private" in (seen.sources[0].error or "")
    assert loopback.paths() == []


def test_a_server_that_is_not_there_is_told(loopback: LoopbackSite) -> None:
    site = _site(loopback, {"type": "feed", "url": loopback.url("/feed")})
    loopback.stop()
    seen, _ = _probe(site)
    assert seen.sources[0].error
    assert not seen.ok


def test_a_server_that_sends_a_byte_now_and_then_is_not_waited_for(loopback: LoopbackSite) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def drip() -> None:
            for _ in ("robots.txt", "feed"):
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.recv(10_000)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n")
                    for _ in range(20):
                        connection.sendall(b"<")
                        time.sleep(0.2)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        source = {"type": "feed", "url": f"http://127.0.0.1:{port}/feed"}
        began = time.monotonic()
        seen, _ = _probe(_site(loopback, source, timeout=1.0, robots="ignore"))
        assert time.monotonic() - began < 6
        assert "takes longer than 1 s" in (seen.sources[0].error or "")
        thread.join(10)
