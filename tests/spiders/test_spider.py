from __future__ import annotations

import gzip
import time

from spiders.protocol import Known
from spiders.warc import payload_digest
from tests.loopback import Asked, LoopbackSite, Reply
from tests.spiders.conftest import XML, Crawl, site_on, sitemap_of

OLD = "2026-11-01T00:00:00Z"


def article(n: object) -> Reply:
    return Reply(body=f"<html><body><h1>Story {n}</h1><p>The council met {n} times.</p></body></html>".encode())


def test_all_kinds_of_sources_lead_to_articles(loopback: LoopbackSite, crawl: Crawl) -> None:
    for n in range(12):
        loopback.routes[f"/news/{n}"] = article(n)
    url = loopback.url
    loopback.routes["/index.xml"] = Reply(
        body=f"<sitemapindex><sitemap><loc>{url('/news-sitemap.xml.gz')}</loc></sitemap><sitemap>"
        f"<loc>{url('/images.xml')}</loc></sitemap><sitemap><loc>{url('/index.xml')}</loc></sitemap>"
        f"<sitemap><loc>http://127.0.0.1:1/news-elsewhere.xml</loc></sitemap></sitemapindex>".encode(),
        content_type=XML,
    )
    loopback.routes["/news-sitemap.xml.gz"] = Reply(
        body=gzip.compress(sitemap_of(url("/news/0"), url("/about"), lastmod="2026-11-20").body),
        content_type="application/gzip",
    )
    loopback.routes["/plain.txt"] = Reply(body=f"{url('/news/1')}\n".encode(), content_type="text/plain")
    loopback.routes["/feed"] = Reply(
        body=f"<rss version='2.0'><channel><item><title>Two</title><link>{url('/news/2?utm_source=rss#0')}</link>"
        f"</item></channel></rss>".encode(),
        content_type=XML,
    )
    for n in (1, 2, 3):
        links = f"<a href='/news/{n + 2}'>x</a><a href='/list?page={n + 1}'>next</a><a href='mailto:a@b.uk'>m</a>"
        loopback.routes["/list" if n == 1 else f"/list?page={n}"] = Reply(body=links.encode())
    site = site_on(loopback)
    sources = [
        {"type": "sitemap", "url": url("/index.xml"), "follow": "news"},
        {"type": "sitemap", "url": url("/plain.txt")},
        {"type": "feed", "url": url("/feed")},
        {"type": "listing", "url": url("/list"), "follow": r"\?page=\d+$", "pages": 2},
    ]
    site = site.model_validate({**site.model_dump(mode="json"), "sources": sources})
    crawled = crawl(site)
    assert crawled.status == 0, crawled.lines
    pages = crawled.pages()
    assert set(pages) == {url(f"/news/{n}") for n in range(5)}
    assert pages[url("/news/0")].via == url("/news-sitemap.xml.gz")
    assert pages[url("/news/0")].source_lastmod == "2026-11-20"
    assert (pages[url("/news/2")].source_title, pages[url("/news/2")].via) == ("Two", url("/feed"))
    told = crawled.told
    assert [(s.type, s.status, s.items, s.new, s.error) for s in told.sources] == [
        ("sitemap", 200, 2, 1, None),
        ("sitemap", 200, 1, 1, None),
        ("feed", 200, 1, 1, None),
        ("listing", 200, 2, 2, None),
    ]
    assert (told.discovered, told.captured, told.outcomes) == (5, 5, {})
    assert told.reasons["off-pattern"] == 3  # /about, and the two links to the next page
    asked = loopback.paths()
    assert "/images.xml" not in asked
    assert "/list?page=3" not in asked
    assert asked.count("/index.xml") == 1
    assert {capture.kind for capture in crawled.captures()} == {"robots", "source", "policy", "page"}
    assert told.written == told.yielded == told.requests == len(asked) == len(crawled.captures())


def test_every_discovered_url_has_exactly_one_outcome(loopback: LoopbackSite, crawl: Crawl) -> None:
    url = loopback.url
    routes = loopback.routes
    routes["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /news/hidden\n", content_type="text/plain")
    routes["/news/ok"] = article(1)
    routes["/news/unchanged"] = Reply(status=304, content_type="")
    routes["/news/missing"] = Reply(status=404, body=b"no")
    routes["/news/gone"] = Reply(status=410, body=b"gone")
    routes["/news/broken"] = Reply(status=500, body=b"oops")
    routes["/news/slow"] = Reply(body=b"x", delay=8)
    routes["/news/reset"] = Reply(body=b"x" * 5000, drop_after=0)
    routes["/news/half"] = Reply(body=b"x" * 15000, drop_after=2000)
    routes["/news/liar"] = Reply(body=b"x" * 50, length=5000)
    routes["/news/big"] = Reply(body=b"x" * 60000)
    routes["/news/endless"] = Reply(body=b"x" * 60000, chunked=True)
    routes["/news/moved"] = Reply(status=301, headers=(("Location", "/news/target"),))
    routes["/news/target"] = article(2)
    routes["/news/to-known"] = Reply(status=302, headers=(("Location", url("/news/ok") + "?utm_source=x"),))
    routes["/news/offsite"] = Reply(status=302, headers=(("Location", "http://localhost:9/x"),))
    routes["/news/loop-a"] = Reply(status=302, headers=(("Location", "/news/loop-b"),))
    routes["/news/loop-b"] = Reply(status=302, headers=(("Location", "/news/loop-a"),))
    routes["/news/into-hidden"] = Reply(status=302, headers=(("Location", "/news/hidden/2"),))
    routes["/news/nowhere"] = Reply(status=302)
    routes["/news/flaky"] = flaky = _Flaky()
    names = (
        "ok unchanged missing gone broken slow reset half liar big endless moved to-known offsite loop-a into-hidden"
    )
    names += " nowhere flaky hidden/1 listed-not-due"
    routes["/sitemap.xml"] = sitemap_of(*(url(f"/news/{name}") for name in names.split()))
    known = [
        Known(url=url("/news/unchanged"), due=True, etag='"e"', captured_at=OLD),
        Known(url=url("/news/listed-not-due"), due=False, captured_at=OLD),
        Known(url=url("/news/not-listed"), due=False, captured_at=OLD),
    ]
    site = site_on(loopback, crawl={"timeout": 1.5, "max_bytes": 20_000, "concurrency": 8})
    crawled = crawl(site, known=known)
    assert crawled.status == 0, crawled.lines
    told = crawled.told
    assert told.discovered == len(names.split()) == told.captured + sum(told.outcomes.values())
    statuses = {page.requested.rpartition("/news/")[2]: page.status for page in crawled.pages().values()}
    assert statuses == {
        "ok": 200, "unchanged": 304, "missing": 404, "gone": 410, "broken": 500, "moved": 200, "to-known": 200,
        "nowhere": 302, "flaky": 200,
    }  # fmt: skip
    assert told.outcomes == {"excluded": 3, "failed": 7, "unchanged": 1}
    reasons = {key: count for key, count in told.reasons.items() if ": " in key}
    assert reasons == {
        "excluded: off-site redirect": 1,
        "excluded: robots.txt": 2,
        "failed: time-out": 1,
        "failed: connection lost": 1,
        "failed: cut short": 2,
        "failed: too large": 2,
        "failed: redirect loop": 1,
        "unchanged: not due": 1,
    }
    assert told.examples["failed: time-out"] == [url("/news/slow")]
    assert told.robots[loopback.host].status == 200
    assert flaky.count == 3
    kinds = [capture.kind for capture in crawled.captures()]
    assert kinds.count("redirect") == 6  # moved, to-known, offsite, two of the loop, into-hidden
    # Two answers before the last of broken, and of flaky; what came of big, endless, and three times of half and liar.
    assert kinds.count("attempt") == 12
    final = crawled.pages()[url("/news/moved")]
    assert (final.url, final.record_type) == (url("/news/target"), "response")
    assert "/news/hidden/1" not in loopback.paths()
    assert "/news/hidden/2" not in loopback.paths()
    crawled.check()


class _Flaky:
    """Answers at the third time of asking."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, asked: Asked) -> Reply:
        self.count += 1
        return (
            article("flaky") if self.count == 3 else Reply(status=503, body=b"later", headers=(("Retry-After", "0"),))
        )


def test_known_pages_are_asked_for_conditionally_in_the_order_of_work(loopback: LoopbackSite, crawl: Crawl) -> None:
    loopback.validators = True
    url = loopback.url
    bodies = {name: article(name) for name in ("due", "moved", "same", "quiet", "new", "unlisted")}
    for name, reply in bodies.items():
        loopback.routes[f"/news/{name}"] = reply
    loopback.routes["/news/same"] = Reply(body=bodies["same"].body, headers=(("ETag", ""),))
    names = ("quiet", "due", "same", "moved", "new")
    entries = "".join(
        f"<url><loc>{url(f'/news/{n}')}</loc>{'<lastmod>2026-11-21</lastmod>' if n in ('moved', 'new') else ''}</url>"
        for n in names
    )
    loopback.routes["/sitemap.xml"] = Reply(body=f"<urlset>{entries}</urlset>".encode(), content_type=XML)
    etag = loopback.answer(Asked(method="GET", path="/news/due", headers={}, at=0, host="")).headers[-1][1]
    id_of = "<urn:uuid:0f0e0d0c-0b0a-4908-8706-05040302010{}>".format
    known = [
        Known(
            url=url("/news/due"), due=True, etag=etag, captured_at=OLD, record_id=id_of(1), payload_digest="sha256:ab"
        ),
        Known(url=url("/news/moved"), due=False, last_modified="Sun, 01 Nov 2026 00:00:00 GMT", lastmod="2026-11-01"),
        Known(url=url("/news/same"), due=True, captured_at=OLD, payload_digest=payload_digest(bodies["same"].body)),
        Known(url=url("/news/quiet"), due=False, captured_at=OLD),
        Known(url=url("/news/unlisted"), due=True, captured_at=OLD),
    ]
    crawled = crawl(site_on(loopback, crawl={"concurrency": 1}), known=known)
    assert crawled.status == 0, crawled.lines
    asked = [path for path in loopback.paths() if path.startswith("/news/")]
    assert asked[:2] == ["/news/new", "/news/moved"]
    assert set(asked[2:]) == {"/news/due", "/news/same", "/news/unlisted"}
    assert loopback.asked("/news/due")[0].header("If-None-Match") == etag
    assert loopback.asked("/news/moved")[0].header("If-Modified-Since") == "Sun, 01 Nov 2026 00:00:00 GMT"
    assert loopback.asked("/news/new")[0].header("If-None-Match") is None
    pages = crawled.pages()
    assert (pages[url("/news/due")].status, pages[url("/news/due")].record_type) == (304, "revisit")
    assert (pages[url("/news/same")].status, pages[url("/news/same")].record_type) == (200, "revisit")
    assert pages[url("/news/unlisted")].via is None
    assert crawled.told.outcomes == {"unchanged": 1}
    assert (crawled.told.discovered, crawled.told.captured) == (6, 5)
    crawled.check()


def test_no_more_pages_are_fetched_than_allowed_and_the_newest_come_first(loopback: LoopbackSite, crawl: Crawl) -> None:
    url = loopback.url
    entries = "".join(
        f"<url><loc>{url(f'/news/{n}')}</loc><lastmod>2026-11-{n:02d}</lastmod></url>" for n in range(1, 10)
    )
    loopback.routes["/sitemap.xml"] = Reply(body=f"<urlset>{entries}</urlset>".encode(), content_type=XML)
    loopback.routes["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /news/9\n")
    for n in range(10):
        loopback.routes[f"/news/{n}"] = article(n)
    crawled = crawl(site_on(loopback, crawl={"fetch_at_most": 3, "concurrency": 1}))
    assert crawled.status == 0
    assert [path for path in loopback.paths() if "/news/" in path] == ["/news/8", "/news/7", "/news/6"]
    assert crawled.told.outcomes == {"deferred": 5, "excluded": 1}
    assert crawled.told.finish_reason == "fetch_at_most spent"


def test_a_run_ends_when_its_time_is_spent(loopback: LoopbackSite, crawl: Crawl) -> None:
    loopback.routes["/sitemap.xml"] = sitemap_of(*(loopback.url(f"/news/{n}") for n in range(30)))
    for n in range(30):
        loopback.routes[f"/news/{n}"] = Reply(body=b"x", delay=0.3)
    began = time.monotonic()
    crawled = crawl(site_on(loopback, crawl={"run_seconds": 2.0, "concurrency": 2}))
    assert crawled.status == 0
    assert time.monotonic() - began < 60
    told = crawled.told
    assert told.finish_reason == "run_seconds spent"
    assert 1 <= told.captured < 30
    assert told.outcomes == {"deferred": 30 - told.captured}


def test_a_hostile_source_costs_that_source_only(loopback: LoopbackSite, crawl: Crawl) -> None:
    lols = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "lol">{lols}]><urlset><url><loc>&l9;</loc></url></urlset>'
    loopback.routes["/bomb.xml"] = Reply(body=bomb.encode(), content_type=XML)
    loopback.routes["/outside"] = Reply(
        body=b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel><item>'
        b"<title>&x;</title><link>http://127.0.0.1/news/1</link></item></channel></rss>"
    )
    loopback.routes["/zip.xml"] = Reply(
        body=gzip.compress(b"<urlset>" + b" " * 30_000_000), headers=(("Content-Encoding", "gzip"),), content_type=XML
    )
    loopback.routes["/html"] = Reply(body=b"<html><body>not a feed\x1b[31m\r\nfake line</body></html>")
    loopback.routes["/sitemap.xml"] = sitemap_of(loopback.url("/news/1"))
    loopback.routes["/news/1"] = article(1)
    kinds = [
        ("sitemap", "/bomb.xml"),
        ("feed", "/outside"),
        ("sitemap", "/zip.xml"),
        ("feed", "/html"),
        ("feed", "/no"),
    ]
    crawled = crawl(site_on(loopback, sources=[*kinds, ("sitemap", "/sitemap.xml")]))
    assert crawled.status == 0, crawled.lines
    assert set(crawled.pages()) == {loopback.url("/news/1")}
    errors = [source.error or "" for source in crawled.told.sources]
    assert [
        word in error for word, error in zip(("entit", "entit", "max_bytes", "feed", "404"), errors, strict=False)
    ] == [True] * 5
    assert errors[5] == ""
    assert not any("root:" in line or "\x1b" in line for line in crawled.lines)


def test_a_page_cannot_break_a_line_of_the_log(loopback: LoopbackSite, crawl: Crawl) -> None:
    loopback.routes["/sitemap.xml"] = sitemap_of(loopback.url("/news/a%0A%1B%5B31mok"), loopback.url("/news/b"))
    loopback.routes["/news/b"] = Reply(raw=b"HTTP/1.1 2x0 \x1b[31m\r\n\r\n")
    crawled = crawl(site_on(loopback))
    assert crawled.status == 0
    assert all(line.isprintable() for line in crawled.lines)
    assert crawled.told.outcomes == {"failed": 1}
