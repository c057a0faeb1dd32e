"""Whole crawls by the real child that have to wait, to stop, to remember and to leave out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from spiders.hosts import read_hosts
from spiders.pace import AWAY, FAILING, MOST_FAILURES, MOST_REFUSALS, REFUSING, WINDOW_CLOSED
from spiders.protocol import HOSTS_NAME
from tests.loopback import Asked, LoopbackSite, Reply
from tests.spiders.conftest import Crawl, Crawled, site_on, sitemap_of

ROBOTS = b"User-agent: *\nDisallow: /news/closed\nAllow: /news/\n"
TDMREP = json.dumps([{"location": "/news/mined", "tdm-reservation": 1, "tdm-policy": "https://a.uk/p"}]).encode()
SECRET = b"<p>nobody is to keep this sentence</p>"


def serve(server: LoopbackSite, *names: str) -> None:
    for name in names:
        server.routes.setdefault(f"/news/{name}", Reply(body=f"<p>{name}</p>".encode()))
    server.routes["/sitemap.xml"] = sitemap_of(*(server.url(f"/news/{name}") for name in names))


def hosts_of(crawled: Crawled) -> Path:
    return crawled.spool / HOSTS_NAME


def check_figures(crawled: Crawled) -> None:
    assert crawled.status == 0, crawled.lines
    assert crawled.told.balances()
    if crawled.segments:
        crawled.check()


def test_what_a_site_allows_is_seen_obeyed_and_remembered_for_a_day(  # noqa: PLR0915 - one crawl, many cases
    loopback: LoopbackSite, crawl: Crawl
) -> None:
    robots = Reply(body=ROBOTS, content_type="text/plain")
    loopback.routes["/robots.txt"] = robots
    loopback.routes["/.well-known/tdmrep.json"] = Reply(body=TDMREP, content_type="application/json")
    loopback.routes["/ai.txt"] = Reply(body=b"User-Agent: *\nDisallow: *.jpg\n", content_type="text/plain")
    loopback.routes["/news/tag"] = Reply(body=SECRET, headers=(("X-Robots-Tag", "muniment: noarchive"),))
    loopback.routes["/news/other-tag"] = Reply(body=b"<p>kept</p>", headers=(("X-Robots-Tag", "somebot: noarchive"),))
    meta = b'<html><head><meta name="robots" content="noarchive"></head>' + SECRET
    loopback.routes["/news/meta"] = Reply(body=meta)
    waits = iter([Reply(status=429, headers=(("Retry-After", "1"),))])
    loopback.routes["/news/busy"] = lambda _: next(waits, Reply(body=b"<p>busy</p>"))
    loopback.routes["/news/moved"] = Reply(status=301, headers=(("Location", "/news/closed-target"),))
    names = ("open", "closed", "tag", "other-tag", "meta", "mined", "busy", "moved")
    loopback.gzip = True
    serve(loopback, *names)
    site = site_on(loopback, crawl={"tdm": "obey"})
    first = crawl(site, contact="news@example.org")
    check_figures(first)

    pages = {page.requested.rpartition("/")[2]: page for page in first.captures("page")}
    assert set(pages) == {"open", "tag", "other-tag", "meta", "mined", "busy"}
    assert {name for name, page in pages.items() if page.withheld} == {"tag", "meta", "mined"}
    assert {name: page.policy["withheld"] for name, page in pages.items() if page.withheld} == {
        "tag": "noarchive",
        "meta": "noarchive",
        "mined": "tdm reserved",
    }
    assert all(page.payload == b"" for page in pages.values() if page.withheld)
    assert first.told.withheld == {"noarchive": 2, "tdm reserved": 1}
    assert first.told.reasons["excluded: robots.txt"] == 2
    [robots_record] = first.captures("robots")
    policies = {page.url.rpartition("/")[2]: page for page in first.captures("policy")}
    assert set(policies) == {"tdmrep.json", "ai.txt"}
    assert pages["open"].policy == {
        "robots": robots_record.payload_digest,
        "robots-rule": "Allow: /news/",
        "ai-txt": policies["ai.txt"].payload_digest,
        "tdmrep": policies["tdmrep.json"].payload_digest,
    }
    assert pages["mined"].policy["tdm-reservation"] == "1"
    assert pages["mined"].policy["tdmrep"] == f"{policies['tdmrep.json'].payload_digest} /news/mined"
    assert pages["other-tag"].policy.get("x-robots-tag") is None
    busy = loopback.asked("/news/busy")
    assert len(busy) == 2
    assert busy[1].at - busy[0].at > 0.9
    seen = first.told.robots[loopback.host]
    assert (seen.status, seen.digest, seen.tdmrep) == (
        200,
        robots_record.payload_digest,
        pages["open"].policy["tdmrep"],
    )
    assert {asked.header("from") for asked in loopback.requests} == {"news@example.org"}
    rules = ("/robots.txt", "/.well-known/tdmrep.json", "/ai.txt")
    assert [loopback.paths().count(path) for path in rules] == [1, 1, 1]

    # The same day: nothing of it is asked for again, and all of it is obeyed.
    loopback.requests.clear()
    loopback.routes["/robots.txt"] = Reply(status=500)
    second = crawl(site, hosts=hosts_of(first))
    check_figures(second)
    assert not set(rules) & set(loopback.paths())
    assert "/news/closed" not in loopback.paths()
    kept = {page.requested.rpartition("/")[2]: page for page in second.captures("page")}
    assert kept["open"].policy == pages["open"].policy
    assert kept["mined"].withheld

    # The next day robots.txt cannot be read: what is known is obeyed, and that is said.
    loopback.requests.clear()
    third = crawl(site, hosts=hosts_of(second), clock_ahead=25 * 3600)
    check_figures(third)
    assert set(rules) <= set(loopback.paths())
    assert "/news/closed" not in loopback.paths()
    assert third.told.captured == first.told.captured
    assert third.told.robots[loopback.host].stale
    assert any("robots.txt cannot be read" in line for line in third.lines)

    # A day after that it is taken at its word: nothing is allowed.
    loopback.requests.clear()
    fourth = crawl(site, hosts=hosts_of(third), clock_ahead=50 * 3600)
    assert fourth.told.captured == 0
    assert set(loopback.paths()) == {"/robots.txt"}


def test_a_long_retry_after_ends_the_run_and_is_kept_to_by_the_next_one(loopback: LoopbackSite, crawl: Crawl) -> None:
    answered = 0

    def answer(_: Asked) -> Reply:
        nonlocal answered
        answered += 1
        if answered < 3:
            return Reply(body=b"<p>text</p>")
        until = datetime.now(UTC) + timedelta(hours=2)
        return Reply(status=429, headers=(("Retry-After", until.strftime("%a, %d %b %Y %H:%M:%S GMT")),))

    for n in range(20):
        loopback.routes[f"/news/{n}"] = answer
    serve(loopback, *map(str, range(20)))
    site = site_on(loopback, crawl={"concurrency": 1})
    first = crawl(site)
    check_figures(first)
    assert answered == 3
    assert first.told.captured == 3
    assert first.told.reasons == {f"deferred: {AWAY}": 17}
    assert first.told.finish_reason == AWAY
    not_before = read_hosts(hosts_of(first))[0].host(loopback.origin).not_before
    assert not_before is not None
    assert abs(not_before - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)

    loopback.requests.clear()
    second = crawl(site, hosts=hosts_of(first))
    check_figures(second)
    assert loopback.requests == []
    assert second.told.finish_reason == AWAY
    assert f"deferred: {AWAY}" in (second.told.sources[0].error or "")
    assert any("asked an earlier run to wait until" in line for line in second.lines)

    answered = -100
    third = crawl(site, hosts=hosts_of(second), clock_ahead=2 * 3600 + 60)
    assert third.told.captured == 20


def test_hosts_that_fail_and_refuse_are_left_alone_while_others_go_on(loopback: LoopbackSite, crawl: Crawl) -> None:
    with LoopbackSite() as refusing, LoopbackSite() as well:
        servers = (loopback, refusing, well)
        for n in range(60):
            loopback.routes[f"/news/{n}"] = Reply(status=503)
            refusing.routes[f"/news/{n}"] = Reply(status=403, body=b"<h1>Forbidden</h1>")
        for server in servers:
            serve(server, *map(str, range(60)))
        every = "|".join(server.origin.replace(".", r"\.") for server in servers)
        site = site_on(loopback)
        more: dict[str, Any] = {
            **site.model_dump(mode="json"),
            "domains": [server.host for server in servers],
            "article": rf"(?:{every})/news/\d+",
            "sources": [{"type": "sitemap", "url": server.url("/sitemap.xml")} for server in servers],
        }
        crawled = crawl(type(site).model_validate(more))
        check_figures(crawled)
        asked = [sum(path.startswith("/news/") for path in server.paths()) for server in servers]
    assert MOST_FAILURES <= asked[0] <= MOST_FAILURES + 4  # and not 180: what was under way with it came back
    assert MOST_REFUSALS <= asked[1] <= MOST_REFUSALS + 4
    assert asked[2] == 60
    assert crawled.told.reasons[f"deferred: {FAILING}"] > 40
    assert crawled.told.reasons[f"deferred: {REFUSING}"] > 40
    assert FAILING in (crawled.told.robots[loopback.host].stopped or "")
    assert REFUSING in (crawled.told.robots[refusing.host].stopped or "")
    assert crawled.told.robots[well.host].stopped is None
    known = read_hosts(hosts_of(crawled))[0]
    assert known.host(loopback.origin).ended == FAILING
    assert known.host(refusing.origin).ended == REFUSING


def test_a_run_ends_when_its_window_closes_and_fetches_nothing_outside(loopback: LoopbackSite, crawl: Crawl) -> None:
    serve(loopback, *map(str, range(200)))
    now = datetime.now(UTC)
    closing = (now + timedelta(minutes=2)).replace(second=0, microsecond=0)
    window = f"{closing - timedelta(hours=3):%H:%M}-{closing:%H:%M}"
    ahead = (closing - datetime.now(UTC)).total_seconds() - 8
    site = site_on(loopback, timezone="UTC", crawl={"concurrency": 1, "delay": 0.25, "windows": [window]})
    crawled = crawl(site, clock_ahead=ahead)
    check_figures(crawled)
    assert crawled.told.finish_reason == WINDOW_CLOSED
    assert 1 <= crawled.told.captured < 60
    assert crawled.told.outcomes == {"deferred": 200 - crawled.told.captured}

    loopback.requests.clear()
    outside = crawl(site, clock_ahead=ahead + 3600)
    check_figures(outside)
    assert loopback.requests == []
    assert outside.told.finish_reason == WINDOW_CLOSED


def test_a_damaged_memory_of_hosts_costs_nothing_but_asking_again(
    loopback: LoopbackSite, crawl: Crawl, tmp_path: Path
) -> None:
    serve(loopback, "1")
    loopback.page("/ai.txt", "<p>There is no such page, but have this one.</p>")
    (tmp_path / "bad.json").write_bytes(b'{"hosts": {"\x00')
    crawled = crawl(site_on(loopback), hosts=tmp_path / "bad.json")
    check_figures(crawled)
    assert crawled.told.captured == 1
    assert crawled.told.robots[loopback.host].ai_txt is None
    assert any("is learned again" in line for line in crawled.lines)
    assert read_hosts(hosts_of(crawled))[0].origins() == [loopback.origin]
