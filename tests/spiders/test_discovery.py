"""Sources as the real child reads them over loopback: page by page, call by call, and never for ever."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from spiders.discovery import MOST_ERRORS
from spiders.protocol import Known, SourceYield
from spiders.site import Site
from tests.loopback import Asked, LoopbackSite, Reply
from tests.spiders.conftest import XML, Crawl, Crawled, site_on, sitemap_of

DAY = "2026-11-20T09:30:00Z"
LATER = "2026-11-21T09:30:00Z"


def article(asked: Asked) -> Reply:
    return Reply(body=f"<html><body><h1>{asked.path}</h1><p>The council met.</p></body></html>".encode())


def data(value: object) -> Reply:
    return Reply(body=json.dumps(value).encode(), content_type="application/json")


def links(*paths: str, more: str = "") -> Reply:
    return Reply(body=("<html><body>" + "".join(f"<a href='{path}'>x</a>" for path in paths) + more).encode())


def site_with(server: LoopbackSite, *sources: dict[str, Any], **more: Any) -> Site:
    site = site_on(server, **more)
    return Site.model_validate(
        {
            **site.model_dump(mode="json", exclude_defaults=True, exclude={"sources"}),
            "article": server.origin.replace(".", r"\.") + r"/(?:news/[^?]+|ieListDocuments\.aspx\?.+)",
            "sources": [{**source, "url": server.url(source["url"])} for source in sources],
        }
    )


def yields(crawled: Crawled) -> list[SourceYield]:
    assert crawled.status == 0, crawled.lines
    return crawled.told.sources


def numbered(of: Callable[[int], Reply], name: str = "page") -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        return of(int(asked.path.partition(f"{name}=")[2] or 1))

    return answer


def test_lists_are_read_page_by_page_and_no_further_than_they_say_something_new(
    loopback: LoopbackSite, crawl: Crawl
) -> None:
    routes = loopback.routes

    def by_query(n: int) -> Reply:  # three pages, and beyond them the last one again
        return links("/about", *(f"/news/query-{min(n, 3)}-{i}" for i in range(3)))

    def by_offset(n: int) -> Reply:  # 1, 10, 20; then 404
        return links(f"/news/offset-{n}") if n <= 20 else Reply(status=404)

    def by_next(n: int) -> Reply:  # says for ever that there is a next page
        return links(f"/news/next-{min(n, 4)}", more=f"<a rel='nofollow next' href='/chain?page={n + 1}'>older</a>")

    def calendar(n: int) -> Reply:  # for ever new pages without articles
        return links(*(f"/calendar?page={n + i}" for i in (1, 2, 3)), more="<a href='/news/met'>x</a>")

    routes["/query"] = numbered(by_query)
    routes["/offset"] = numbered(by_offset, "start")
    routes["/chain"] = numbered(by_next)
    routes["/calendar"] = numbered(calendar)
    routes["/paths"] = links("/news/path-1")
    routes["/paths/page/2/"] = Reply(
        body=b"<ul><li><h3><a href='/news/path-2'>Second <b>story</b></a></h3><time datetime='2026-11-20'>20 Nov</time>"
        b"</li></ul>"
    )
    routes["/paths/page/3/"] = Reply(status=301, headers=(("Location", "/paths"),))
    routes["/turns"] = links("/news/turn-1", more="<a rel=next href='/turns?page=2'>2</a>")
    routes["/turns?page=2"] = links("/news/turn-2", more="<a rel=next href='/turns'>1</a>")
    routes["/jsonfeed"] = data(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "items": [
                {"id": "1", "url": "/news/json", "title": "J", "date_published": DAY, "authors": [{"name": "Ann"}]}
            ],
        }
    )
    for path in list(routes):
        assert not path.startswith("/news/")
    loopback.routes["/news/broken"] = Reply(status=500)
    site = site_with(
        loopback,
        {"type": "listing", "url": "/query", "paging": "?page={n}", "pages": 50},
        {
            "type": "listing",
            "url": "/offset",
            "paging": "?start={n}",
            "paging_first": 10,
            "paging_step": 10,
            "pages": 50,
        },
        {"type": "listing", "url": "/chain", "pages": 50},
        {"type": "listing", "url": "/calendar", "follow": r"/calendar\?page=\d+$", "pages": 50},
        {"type": "listing", "url": "/paths", "paging": "/paths/page/{n}/", "pages": 50},
        {"type": "listing", "url": "/turns", "pages": 50},
        {"type": "feed", "url": "/jsonfeed"},
        crawl={"fetch_at_most": 1},
    )
    crawled = crawl(site)
    told = yields(crawled)
    asked = [path for path in loopback.paths() if not path.startswith("/news/")]
    assert [path for path in asked if path.startswith("/query")] == ["/query"] + [f"/query?page={n}" for n in (2, 3, 4)]
    assert [path for path in asked if path.startswith("/offset")] == ["/offset"] + [
        f"/offset?start={n}" for n in (10, 20, 30)
    ]
    assert [path for path in asked if path.startswith("/chain")] == ["/chain"] + [
        f"/chain?page={n}" for n in range(2, 6)
    ]
    assert len([path for path in asked if path.startswith("/calendar")]) == 4  # the first, and what it leads to
    assert [path for path in asked if path.startswith("/paths")] == [
        "/paths",
        "/paths/page/2/",
        "/paths/page/3/",
        "/paths",
    ]
    assert [path for path in asked if path.startswith("/turns")] == ["/turns", "/turns?page=2"]
    assert [(one.articles, one.documents, one.error) for one in told] == [
        (12, 4, None), (3, 4, None), (5, 5, None), (4, 4, None), (3, 3, None), (2, 2, None), (1, 1, None)
    ]  # fmt: skip
    assert [one.new for one in told] == [9, 3, 4, 1, 2, 2, 1]
    assert not any(one.whole for one in told)
    assert crawled.told.discovered == 22


def test_what_a_source_says_of_an_item_is_kept_with_its_capture(loopback: LoopbackSite, crawl: Crawl) -> None:
    loopback.routes["/news/json"] = loopback.routes["/news/item"] = loopback.routes["/news/listed"] = article
    loopback.routes["/jsonfeed"] = data(
        {
            "version": "https://jsonfeed.org/version/1",
            "language": "en-GB",
            "items": [
                {
                    "id": "guid-1",
                    "url": "/news/json?utm_source=x",
                    "title": "J",
                    "date_published": DAY,
                    "date_modified": LATER,
                    "author": {"name": "Ann Other"},
                    "tags": ["Waste"],
                    "summary": "Bins &amp; more",
                }
            ],
        }
    )
    loopback.routes["/list"] = Reply(
        body=b"<article><h2><a href='/news/listed'>A headline</a></h2><time datetime='2026-11-20'>now</time></article>"
    )
    crawled = crawl(site_with(loopback, {"type": "feed", "url": "/jsonfeed"}, {"type": "listing", "url": "/list"}))
    pages = crawled.pages()
    one = pages[loopback.url("/news/json")]
    assert (one.source_title, one.source_lastmod) == ("J", LATER)
    expected = {
        "published": DAY,
        "author": "Ann Other",
        "guid": "guid-1",
        "section": "Waste",
        "language": "en-GB",
        "description": "Bins & more",
    }
    assert expected.items() <= one.facts.items()
    listed = pages[loopback.url("/news/listed")]
    assert (listed.source_title, listed.facts["published"]) == ("A headline", "2026-11-20")
    first = yields(crawled)[0]
    assert (first.unknown, first.newest is not None) == (1, True)


def test_sitemaps_may_lie_go_in_circles_and_break_and_cost_only_themselves(
    loopback: LoopbackSite, crawl: Crawl
) -> None:
    url, routes = loopback.url, loopback.routes

    def index(*paths: str) -> Reply:
        entries = "".join(f"<s:sitemap><s:loc>{url(path)}</s:loc></s:sitemap>" for path in paths)
        text = f"<s:sitemapindex xmlns:s='http://www.sitemaps.org/schemas/sitemap/0.9'>{entries}</s:sitemapindex>"
        return Reply(body=text.encode(), content_type="text/html")

    routes["/circle.xml"] = index("/circle.xml", "/circle-b.xml", "/ok.xml", "/missing.xml")
    routes["/circle-b.xml"] = index("/circle.xml", "/circle-b.xml?", "/cut.xml")
    routes["/ok.xml"] = sitemap_of(url("/news/ok"), lastmod=DAY)
    cut = sitemap_of(*(url(f"/news/cut-{n}") for n in range(5))).body
    routes["/cut.xml"] = Reply(body=cut[: cut.rindex(b"<url>")], content_type=XML)
    for n in range(8):
        routes[f"/deep-{n}.xml"] = index(f"/deep-{n + 1}.xml")
    routes["/whole.xml"] = index("/whole-1.xml", "/whole-2.txt", "/whole-3.xml.gz")
    routes["/whole-1.xml"] = sitemap_of(url("/news/whole-1"), url("/about"))
    routes["/whole-2.txt"] = Reply(body=f"\ufeff{url('/news/whole-2')}\r\n".encode("utf-16"), content_type="text/plain")
    routes["/whole-3.xml.gz"] = Reply(
        body=gzip.compress(sitemap_of(url("/news/whole-3")).body.decode().encode("utf-16")), content_type="text/html"
    )
    routes["/news.xml"] = Reply(
        body=b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' "
        b"xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'>"
        + f"<url><loc>{url('/news/fresh')}</loc><n:news><n:publication_date>{DAY}</n:publication_date>"
        f"<n:title>Fresh</n:title></n:news></url></urlset>".encode(),
    )
    routes["/feed-as-map"] = Reply(
        body=f"<rss version='2.0'><channel><item><link>{url('/news/fed')}</link></item></channel></rss>".encode()
    )
    routes["/map-as-feed"] = sitemap_of(url("/news/mapped"))
    routes["/refuses.xml"] = index(*(f"/none-{n}.xml" for n in range(100)))
    names = "circle.xml deep-0.xml whole.xml news.xml feed-as-map refuses.xml"
    site = site_with(
        loopback,
        *({"type": "sitemap", "url": f"/{name}"} for name in names.split()),
        {"type": "feed", "url": "/map-as-feed"},
        crawl={"fetch_at_most": 1},
    )
    circle, deep, whole, news, fed, refuses, mapped = yields(crawl(site))
    assert (circle.articles, circle.whole) == (5, False)
    assert circle.error is not None
    assert circle.error.startswith("2 failures")
    assert "missing.xml: HTTP status 404" in circle.error
    assert loopback.paths().count("/circle.xml") == 1
    assert "nested" in (deep.error or "")
    assert "/deep-5.xml" not in loopback.paths()
    assert (whole.articles, whole.documents, whole.whole, whole.error) == (3, 4, True, None)
    assert (news.articles, news.whole, news.rolling, news.error) == (1, False, True, None)
    assert (fed.articles, fed.whole, mapped.articles, mapped.whole) == (1, False, 1, True)
    assert len([path for path in loopback.paths() if path.startswith("/none-")]) == MOST_ERRORS
    assert (refuses.whole, refuses.items) == (False, 0)


def test_services_are_asked_call_by_call_and_a_page_that_went_is_explained(
    loopback: LoopbackSite, crawl: Crawl
) -> None:
    url, routes = loopback.url, loopback.routes

    def search(asked: Asked) -> Reply:
        start = int(asked.path.partition("start=")[2] or 0)
        names = ["gone", "edited", "same", "new"][start : start + 2]
        results = [{"link": f"/news/{name}", "title": name, "public_timestamp": LATER} for name in names]
        if start == 2:
            results[0]["public_timestamp"] = DAY
        return data({"results": results, "total": 4, "start": start})

    routes["/api/search.json"] = search
    routes["/news/gone"] = Reply(status=410, body=b"gone")
    routes["/news/edited"] = routes["/news/same"] = routes["/news/new"] = article
    routes["/api/content/news/gone"] = Reply(
        status=410,
        body=json.dumps({"schema_name": "gone", "details": {"explanation": "<p>Published in error</p>"}}).encode(),
    )
    routes["/api/content/news/edited"] = data(
        {"details": {"change_history": [{"note": "Corrected the sum.", "public_timestamp": LATER}]}}
    )
    items = [{"value": {"id": n, "url": f"/news/committee-{n}", "heading": "C", "datePublished": DAY}} for n in (1, 2)]
    routes["/api/committee"] = data({"items": items, "totalResults": 2})
    for n in (1, 2):
        routes[f"/news/committee-{n}"] = article
    routes["/mgWebService.asmx/GetAllMeetingsByDate"] = Reply(status=500)
    routes["/mgWebService.asmx/GetCommittees"] = Reply(body=b"<html><body>Switched off</body></html>")
    routes["/mgCalendarMonthView.aspx"] = links("/ieListDocuments.aspx?CId=1&MId=2&Ver=4")
    routes["/ieListDocuments.aspx"] = article
    site = site_with(
        loopback,
        {"type": "api", "service": "govuk", "url": "/api/search.json?count=2", "pages": 5},
        {"type": "api", "service": "parliament", "url": "/api/committee", "pages": 5},
        {"type": "api", "service": "moderngov", "url": "/mgWebService.asmx"},
        {"type": "api", "service": "parliament", "url": "/nothing"},
    )
    known = [
        Known(url=url(f"/news/{name}"), due=False, captured_at=DAY, lastmod=DAY) for name in ("gone", "edited", "same")
    ]
    crawled = crawl(site, known=known)
    govuk, parliament, moderngov, nothing = yields(crawled)
    assert (govuk.articles, govuk.documents, govuk.error) == (4, 2, None)
    assert (parliament.articles, parliament.documents, parliament.error) == (2, 1, None)
    assert (moderngov.new, moderngov.rolling, moderngov.error) == (1, True, None)
    assert "HTTP status 404" in (nothing.error or "")
    pages = crawled.pages()
    assert url("/news/same") not in pages  # its date has not moved
    assert url("/ieListDocuments.aspx?CId=1&MId=2") in pages
    assert pages[url("/news/gone")].facts["explanation"] == "Published in error"
    assert pages[url("/news/edited")].facts["change"] == "Corrected the sum."
    assert "explanation" not in pages[url("/news/new")].facts
    twins = [one for one in crawled.captures("source") if "/api/content/" in one.url]
    assert {(one.url, one.via, one.status) for one in twins} == {
        (url("/api/content/news/gone"), url("/news/gone"), 410),
        (url("/api/content/news/edited"), url("/news/edited"), 200),
    }
    told = crawled.told
    assert told.written == told.yielded == told.requests == len(crawled.captures())


@pytest.mark.slow
def test_a_sitemap_of_a_hundred_thousand_entries_does_not_stop_the_clock(loopback: LoopbackSite, crawl: Crawl) -> None:
    padding = " " * 400
    entries = "".join(f"<url><loc>{loopback.url(f'/news/{n}')}</loc>{padding}</url>" for n in range(100_000))
    loopback.routes["/sitemap.xml"] = Reply(body=f"<urlset>{entries}</urlset>".encode(), content_type=XML)
    crawled = crawl(site_on(loopback, crawl={"max_bytes": 60_000_000, "fetch_at_most": 1, "timeout": 30.0}))
    [told] = yields(crawled)
    assert (told.articles, told.whole) == (100_000, True)


def test_sources_leave_the_pages_half_of_the_run(loopback: LoopbackSite, crawl: Crawl) -> None:
    url, routes = loopback.url, loopback.routes
    entries = "".join(f"<sitemap><loc>{url(f'/slow-{n}.xml')}</loc></sitemap>" for n in range(50))
    routes["/slow.xml"] = Reply(body=f"<sitemapindex>{entries}</sitemapindex>".encode(), content_type=XML)
    for n in range(50):
        slow = sitemap_of(url(f"/news/{n}"))
        routes[f"/slow-{n}.xml"] = Reply(body=slow.body, content_type=XML, delay=0.4)
    routes["/many.xml"] = sitemap_of(*(url(f"/page/{n}") for n in range(700)))
    site = site_with(
        loopback,
        {"type": "sitemap", "url": "/slow.xml"},
        {"type": "sitemap", "url": "/many.xml"},
        crawl={"run_seconds": 6.0, "max_urls": 60},
    )
    crawled = crawl(site)
    slow_one, many = yields(crawled)
    assert "half of run_seconds is spent" in (slow_one.error or "")
    assert 1 < slow_one.documents < 20
    assert not slow_one.whole
    assert (many.documents, many.named, many.whole) == (1, 700, True)
    assert crawled.told.captured == slow_one.articles
