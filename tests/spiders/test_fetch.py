from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import pytest

from tests.loopback import LoopbackSite, Reply
from tests.spiders.conftest import ROOT, Child, Crawl, site_on, sitemap_of
from tests.spiders.test_capture import make_certificate


def serve_pages(loopback: LoopbackSite, count: int) -> None:
    for n in range(count):
        loopback.page(f"/news/{n}", f"<p>{n}</p>")
    loopback.routes["/sitemap.xml"] = sitemap_of(*(loopback.url(f"/news/{n}") for n in range(count)))


def test_requests_keep_their_distance_and_robots_may_ask_for_more(loopback: LoopbackSite, crawl: Crawl) -> None:
    serve_pages(loopback, 3)
    loopback.routes["/robots.txt"] = Reply(body=b"User-agent: *\nCrawl-delay: 0.5\nDisallow:\n")
    crawled = crawl(site_on(loopback, crawl={"delay": 0.2, "concurrency": 8}))
    assert crawled.status == 0
    assert crawled.told.robots[loopback.host].crawl_delay == 0.5
    moments = [asked.at for asked in loopback.requests]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert len(gaps) == 6  # robots, sitemap, two documents of policy, three pages
    assert min(gaps[1:]) > 0.3, gaps  # 0.5, seen through a busy machine


def test_robots_is_read_once_and_recorded(loopback: LoopbackSite, crawl: Crawl) -> None:
    serve_pages(loopback, 5)
    loopback.routes["/robots.txt"] = Reply(status=301, headers=(("Location", "/real-robots.txt"),))
    loopback.routes["/real-robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /news/3\n", content_type="text/plain")
    crawled = crawl(site_on(loopback, crawl={"concurrency": 5}))
    assert loopback.paths().count("/real-robots.txt") == 1
    [robots] = crawled.captures("robots")
    assert (robots.requested, robots.url) == (loopback.url("/robots.txt"), loopback.url("/real-robots.txt"))
    assert crawled.told.robots[loopback.host].digest == robots.payload_digest
    assert crawled.told.reasons["excluded: robots.txt"] == 1


def test_a_robots_file_that_answers_5xx_closes_the_site(loopback: LoopbackSite, crawl: Crawl) -> None:
    serve_pages(loopback, 2)
    loopback.routes["/robots.txt"] = Reply(status=503)
    crawled = crawl(site_on(loopback))
    assert crawled.status == 0
    assert set(loopback.paths()) == {"/robots.txt"}
    assert "robots.txt unreachable" in (crawled.told.sources[0].error or "")
    assert crawled.told.discovered == 0


def test_a_robots_file_that_only_redirects_to_itself_is_none(loopback: LoopbackSite, crawl: Crawl) -> None:
    serve_pages(loopback, 2)
    loopback.routes["/robots.txt"] = Reply(status=302, headers=(("Location", "/robots.txt"),))
    crawled = crawl(site_on(loopback))
    assert crawled.told.captured == 2
    assert crawled.told.robots[loopback.host].status == 404


def test_robots_can_be_ignored_by_a_switch(loopback: LoopbackSite, crawl: Crawl) -> None:
    serve_pages(loopback, 2)
    loopback.routes["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /\n")
    crawled = crawl(site_on(loopback, crawl={"robots": "ignore"}))
    assert crawled.told.captured == 2
    assert "/robots.txt" not in loopback.paths()


def test_a_redirect_with_tracking_parameters_is_followed_as_it_is(loopback: LoopbackSite, crawl: Crawl) -> None:
    loopback.routes["/sitemap.xml"] = sitemap_of(loopback.url("/news/1"))
    loopback.routes["/news/1"] = Reply(status=302, headers=(("Location", "/news/1?gclid=1"),))
    loopback.routes["/news/1?gclid=1"] = Reply(body=b"<p>here</p>")
    crawled = crawl(site_on(loopback))
    [page] = crawled.captures("page")
    assert (page.requested, page.url) == (loopback.url("/news/1"), loopback.url("/news/1?gclid=1"))


def test_what_was_taken_down_is_not_asked_for_nor_a_redirect_there_followed(
    loopback: LoopbackSite, crawl: Crawl
) -> None:
    serve_pages(loopback, 3)
    loopback.routes["/news/1"] = Reply(status=301, headers=(("Location", "/news/2"),))
    crawled = crawl(site_on(loopback), withheld=[loopback.url("/news/2")])
    assert "/news/2" not in loopback.paths()
    assert (crawled.told.discovered, crawled.told.captured) == (3, 1)
    assert crawled.told.reasons["excluded: taken down"] == 2
    crawled.check()


def test_a_retry_after_that_is_too_long_is_not_waited_for(loopback: LoopbackSite, crawl: Crawl) -> None:
    loopback.routes["/sitemap.xml"] = sitemap_of(loopback.url("/news/1"))
    loopback.routes["/news/1"] = Reply(status=503, headers=(("Retry-After", "86400"),))
    crawled = crawl(site_on(loopback))
    assert loopback.paths().count("/news/1") == 1
    assert crawled.pages()[loopback.url("/news/1")].status == 503


def test_a_private_address_is_refused_at_the_source_and_at_a_redirect(loopback: LoopbackSite, crawl: Crawl) -> None:
    site = site_on(loopback, crawl={"allow_private": False, "timeout": 3.0})
    crawled = crawl(site, contact="news@example.org")
    assert crawled.status == 0, crawled.lines
    assert loopback.requests == []
    assert "private address" in (crawled.told.sources[0].error or "")
    assert crawled.told.requests == 0


@pytest.mark.parametrize(
    "hole",
    [
        "spiders.capture.refuse_url = lambda url: None",  # a name that the text of the URL does not give away
        "spiders.capture.refuse_url = lambda url: None; spiders.guard._choose_public = lambda found, name: found[0]",
    ],
)
def test_each_net_holds_when_the_ones_before_it_have_a_hole(loopback: LoopbackSite, child: Child, hole: str) -> None:
    site = site_on(loopback, crawl={"allow_private": False, "timeout": 3.0})
    by_name = site.model_dump_json().replace("127.0.0.1", "localhost")
    command = child.prepare(type(site).model_validate_json(by_name), contact="news@example.org")
    script = f"import sys, spiders.capture, spiders.guard, spiders.__main__ as m; {hole}; sys.exit(m.main())"
    at = command.index("-m")
    ended = subprocess.run(
        [command[0], "-c", script, *command[at + 2 :]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    crawled = child.collect(ended.returncode, ended.stdout)
    assert crawled.status == 0, (crawled.lines, ended.stderr)
    assert loopback.requests == []
    assert "private address" in (crawled.told.sources[0].error or "")
    assert crawled.told.requests > 0


def test_hostile_answers_cost_their_page_only(loopback: LoopbackSite, crawl: Crawl) -> None:
    line = b"HTTP/1.1 200 OK\r\n"
    answers = {
        "te": line + b"Transfer-Encoding: zebra\r\n\r\nbody",
        "chunk": line + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nbody",
        "long-line": line + b"X: " + b"0123456789" * 50_000 + b"\r\n\r\nbody",
        "length": line + b"Content-Length: abc\r\n\r\nbody",
        "lengths": line + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nbody",
        "empty": b"",
        "no-http": b"<html>hi</html>",
        "version": b"HTTP/2 200\r\n\r\n",
        "nul": line + b"Content-Length: 4\r\nX:\0y\r\n\r\nbody",
        "status": b"HTTP/1.1 999 Hm\r\nContent-Length: 0\r\n\r\n",
    }
    locations = ("http://[bad/", "javascript:alert(1)", "/" + "a" * 10_000, "")
    for name, raw in answers.items():
        loopback.routes[f"/news/{name}"] = Reply(raw=raw)
    for n, location in enumerate(locations):
        loopback.routes[f"/news/to-{n}"] = Reply(status=302, headers=(("Location", location),))
    loopback.routes["/sitemap.xml"] = sitemap_of(*map(loopback.url, list(loopback.routes)))
    crawled = crawl(site_on(loopback))
    assert crawled.status == 0, crawled.lines
    statuses = {page.requested.rpartition("/")[2]: page.status for page in crawled.pages().values()}
    assert statuses == {"nul": 200, "status": 999, "to-0": 302, "to-1": 302, "to-2": 302, "to-3": 302}
    assert crawled.told.outcomes == {"failed": 8}
    assert crawled.told.reasons["failed: malformed answer"] == 5
    crawled.check()


def test_redirects_lead_nowhere_that_the_site_is_not(loopback: LoopbackSite, crawl: Crawl, tmp_path: Path) -> None:
    with LoopbackSite(tls=make_certificate(tmp_path)) as secure:
        leads = {
            "user": f"{secure.origin.replace('//', '//name:word@')}/news/target",
            "scheme": "ftp://127.0.0.1/news/target",
            "data": "data:text/html,<p>x</p>",
            "port": f"https://127.0.0.1:{secure.port + 1}/news/target",
            "loop": "/news/loop",
            "down": loopback.url("/news/target"),
            "split": "/news/target\r\nX-Made: up",
        }
        for name, location in leads.items():
            head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
            secure.routes[f"/news/{name}"] = Reply(raw=head.encode())
        for server in (loopback, secure):
            server.page("/news/target", "<p>target</p>")
        secure.routes["/sitemap.xml"] = sitemap_of(*(secure.url(f"/news/{name}") for name in leads))
        site = site_on(
            secure,
            crawl={"verify_certificates": False, "concurrency": 1},
            domains=[secure.host, loopback.host],
            article=r"https?://127\.0\.0\.1:\d+/news/[a-z]+",
        )
        crawled = crawl(site)
        assert all("authorization" not in asked.headers for asked in secure.requests)
    assert crawled.status == 0, crawled.lines
    pages = {page.requested.rpartition("/")[2]: page for page in crawled.pages().values()}
    # What leads to no web address, or to one with a user name, is an answer of its own and is not followed.
    assert {name: page.status for name, page in pages.items()} == {
        "user": 302, "scheme": 302, "data": 302, "down": 200, "split": 200,
    }  # fmt: skip
    assert pages["down"].url == loopback.url("/news/target")
    assert any("from https to http" in line for line in crawled.lines)
    assert crawled.told.reasons == {"excluded: off-site redirect": 1, "failed: redirect loop": 1}
