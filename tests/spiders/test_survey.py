"""A survey of a site of which only the front page is known, on loopback."""

from __future__ import annotations

import json

import pytest

from spiders.families import Families
from spiders.survey import MOST_REQUESTS, Fetched, Judged, Survey, survey_site
from tests.loopback import LoopbackSite, Reply

AGENT = "Muniment/test (+https://example.org/contact)"
SLUGS = [f"council-agrees-plan-number-{n}-for-roads" for n in range(12)]


def _page(body: str, head: str = "", menu: str = "") -> Reply:
    text = f'<html lang="en-GB"><head><title>Anytown</title>{head}</head><body><nav>{menu}</nav>{body}</body></html>'
    return Reply(body=text.encode())


def _links(*paths: str) -> str:
    return "".join(f'<p><a href="{path}">A headline of some words</a></p>' for path in paths)


def _feed(site: LoopbackSite, *paths: str) -> Reply:
    items = "".join(
        f"<item><title>t</title><link>{site.url(path)}</link>"
        f"<pubDate>Fri, {20 - n % 9} Nov 2026 09:00:00 GMT</pubDate></item>"
        for n, path in enumerate(paths)
    )
    text = f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{items}</channel></rss>'
    return Reply(body=text.encode(), content_type="application/rss+xml")


def _judge(page: Fetched) -> Judged:
    if b"<article" not in page.body:
        return Judged(url=page.requested, kind="not-an-article", reason="index page")
    dated = b"<time" in page.body
    return Judged(
        url=page.requested,
        kind="article",
        title="t",
        words=100,
        published="2026-11-20" if dated else "",
        published_from="time" if dated else "",
    )


def _survey(site: LoopbackSite, path: str = "/", **options: object) -> tuple[Survey, list[float]]:
    pauses: list[float] = []
    given = {"allow_private": True, "delay": 0.0, **options}
    told = survey_site(
        site.url(path),
        judge=_judge,
        user_agent=AGENT,
        families=Families(),
        pause=pauses.append,
        **given,  # type: ignore[arg-type]
    )
    return told, pauses


@pytest.fixture
def council(loopback: LoopbackSite) -> LoopbackSite:
    """A council with a newsroom, a feed that its head names, and a sitemap of everything."""
    menu = '<a href="/nyheter">Nyheter</a> <a href="/contact">Contact</a>'
    paths = [f"/nyheter/2026/{slug}" for slug in SLUGS]
    loopback.routes["/"] = _page("<h1>Anytown</h1>" + _links(*paths[:3]), menu=menu)
    loopback.routes["/nyheter"] = _page(
        _links(*paths[:6]) + '<a href="/nyheter?page=2">2</a> <a href="/nyheter?page=3">3</a>',
        '<link rel="alternate" type="application/rss+xml" href="/odd/flow.xml">',
        menu,
    )
    loopback.routes["/odd/flow.xml"] = _feed(loopback, *paths)
    loopback.routes["/contact"] = _page("<h1>Contact</h1>", menu=menu)
    for path in paths:
        loopback.routes[path] = _page("<article><h1>t</h1><time>now</time></article>", menu=menu)
    return loopback


def test_newsroom_feed_and_pattern_are_found_from_the_front_page_alone(council: LoopbackSite) -> None:
    seen, _ = _survey(council)
    assert seen.trouble == ""
    assert seen.newsroom == council.url("/nyheter")
    assert seen.language == "en-GB"
    feed = next(one for one in seen.chosen if one.type == "feed")
    assert (feed.url, feed.how) == (council.url("/odd/flow.xml"), "link rel=alternate in the newsroom's head")
    listing = next(one for one in seen.sources if one.type == "listing")
    assert listing.follow == r"[?&]page=\d+"
    assert seen.shape is not None
    assert seen.shape.matches(council.url("/nyheter/2027/another-day"))
    assert not seen.shape.matches(council.url("/contact"))
    assert len(seen.articles) == 3
    assert seen.requests == len(council.requests) <= MOST_REQUESTS


def test_everybody_is_asked_politely(council: LoopbackSite) -> None:
    council.routes["/robots.txt"] = Reply(body=b"User-agent: *\nCrawl-delay: 3\nDisallow: /odd/\n")
    seen, pauses = _survey(council, delay=1.5)
    assert council.paths()[0] == "/robots.txt"
    assert "/odd/flow.xml" not in council.paths()
    assert any("forbids it" in note for note in seen.notes)
    assert [one.type for one in seen.chosen] == ["listing"], "what is forbidden is done without"
    assert set(pauses) == {3.0}
    assert {asked.header("user-agent") for asked in council.requests} == {AGENT}
    assert seen.crawl_delay == 3.0


def test_pages_of_the_same_form_that_are_no_articles_cost_the_sitemap_its_place(loopback: LoopbackSite) -> None:
    articles = [f"/article/{n}/{slug}" for n, slug in enumerate(SLUGS, 100)]
    services = [f"/article/{n}/how-to-ask-for-help-with-{n}" for n in range(20)]
    loopback.routes["/"] = _page("<h1>Anytown</h1>", '<link rel="alternate" type="application/rss+xml" href="/f.xml">')
    loopback.routes["/f.xml"] = _feed(loopback, *articles)
    entries = "".join(f"<url><loc>{loopback.url(path)}</loc></url>" for path in (*articles, *services))
    text = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'
    loopback.routes["/sitemap.xml"] = Reply(body=text.encode(), content_type="application/xml")
    for path in articles:
        loopback.routes[path] = _page("<article><time>now</time></article>")
    for path in services:
        loopback.routes[path] = _page("<article>How to ask</article>")
    seen, _ = _survey(loopback)
    assert [one.type for one in seen.chosen] == ["feed"]
    sitemap = next(one for one in seen.sources if one.type == "sitemap")
    assert sitemap.why == "names pages of the same form that are no articles"


def test_mining_policy_and_family_are_told_with_the_evidence(council: LoopbackSite) -> None:
    council.routes["/.well-known/tdmrep.json"] = Reply(
        body=json.dumps([{"location": "*", "tdm-reservation": 1}]).encode(), content_type="application/json"
    )
    council.routes["/ai.txt"] = Reply(body=b"User-Agent: *\nDisallow: /", content_type="text/plain")
    old = council.routes["/"]
    assert isinstance(old, Reply)
    body = old.body.replace(b"<title>", b'<meta name="generator" content="TYPO3 CMS"><title>')
    council.routes["/"] = Reply(body=body, headers=(("X-Robots-Tag", "noarchive"),))
    seen, _ = _survey(council)
    assert [told.partition(":")[0] for told in seen.mining] == [
        "header x-robots-tag", "/.well-known/tdmrep.json", "/ai.txt"
    ]  # fmt: skip
    assert seen.families[0].family.id == "typo3"
    assert "TYPO3" in seen.families[0].evidence[0]


@pytest.mark.parametrize(
    ("home", "said"),
    [
        (Reply(status=403), "refuses us (HTTP 403)"),
        (Reply(status=500), "HTTP 500"),
        (Reply(body=b"%PDF-", content_type="application/pdf"), "no HTML"),
        (_page('<div id="root"></div>', '<script src="/app.js"></script>'), "render = true"),
        (_page("<p>" + "Nothing to see here at all. " * 40 + "</p>"), "no feed, sitemap or listing"),
    ],
)
def test_what_stands_in_the_way_is_told_in_words(loopback: LoopbackSite, home: Reply, said: str) -> None:
    loopback.routes["/"] = home
    seen, _ = _survey(loopback)
    assert said in seen.trouble
    assert seen.requests <= MOST_REQUESTS


def test_a_forbidden_site_is_not_asked(loopback: LoopbackSite) -> None:
    loopback.routes["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /\n")
    seen, _ = _survey(loopback)
    assert "forbids it" in seen.trouble
    assert loopback.paths() == ["/robots.txt"]


def test_a_private_address_is_not_asked_without_leave(loopback: LoopbackSite) -> None:
    seen, _ = _survey(loopback, allow_private=False)
    assert "is not asked for" in seen.trouble
    assert loopback.paths() == []


def test_a_hostile_front_page_costs_a_survey_and_no_more(loopback: LoopbackSite) -> None:
    links = "".join(f"<a href='http://[{n}/x'>n</a><a href='/news/{'a' * 5000}{n}'>news</a>" for n in range(3000))
    loopback.routes["/"] = Reply(body=("<div>" * 20_000 + links + "\x00</b><!--").encode())
    loopback.routes["/robots.txt"] = Reply(body=b"\xff\xfe" + b"Sitemap: http://[::1\nSitemap: /s.xml\n" * 2000)
    seen, _ = _survey(loopback)
    assert seen.trouble
    assert seen.requests <= MOST_REQUESTS
