"""A site file made from a survey: it can be used, and says where each fact came from."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import Any

import pytest

from spiders.draft import describe_source, draft_site, suggest_id
from spiders.families import Families, Recognised
from spiders.shapes import learn_shape
from spiders.site import Site, parse_site
from spiders.survey import Found, Judged, Survey

DAY = date(2026, 11, 22)
ARTICLES = tuple(f"https://www.anytown.gov.uk/news/2026/plan-number-{n}-agreed" for n in range(6))


def _survey(**given: Any) -> Survey:
    others = ("https://www.anytown.gov.uk/", "https://www.anytown.gov.uk/news", "https://www.anytown.gov.uk/contact")
    feed = Found(
        type="feed", url="https://www.anytown.gov.uk/rss", how="link rel=alternate in the newsroom's head",
        urls=ARTICLES, dates=tuple(86400.0 * n for n in range(6)), chosen=True, articles=6,
    )  # fmt: skip
    page = Judged(
        url=ARTICLES[0], kind="article", title="Plan\nagreed", published="2026-11-20", published_from="time", words=200
    )
    return Survey(
        **{
            "asked": "https://anytown.gov.uk", "home": "https://www.anytown.gov.uk/", "status": 200,
            "name": "Anytown Council", "sources": (feed,), "shape": learn_shape(ARTICLES, others), "others": others,
            "hosts": ("www.anytown.gov.uk",), "articles": (page,), "robots": "allows us", "requests": 12,
            "language": "en", **given,
        }
    )  # fmt: skip


def _draft(survey: Survey) -> tuple[str, Site]:
    text = draft_site(survey, site_id="anytown", day=DAY)
    return text, parse_site(text, id="anytown")


def test_a_draft_can_be_used_and_says_where_its_facts_came_from() -> None:
    text, site = _draft(_survey())
    assert site.kind == "council"
    assert (site.country, site.language, site.timezone) == ("gb", "en", "Europe/London")
    assert site.examples == ARTICLES[:1]
    assert "https://www.anytown.gov.uk/news" in site.counter_examples
    assert all(site.is_article(url) for url in ARTICLES)
    assert site.crawl.delay == 5.0
    assert "about 1.0 articles a day" in text
    assert "after 12 requests" in text
    assert "# Found as: link rel=alternate in the newsroom's head. 6 of 6 links were articles." in text
    assert "guess: its family or name" in text


def test_what_a_page_says_cannot_break_out_of_its_place() -> None:
    evil = 'x"\n[crawl]\nrobots = "ignore"\n# \u202e\x1b[31m'
    judged = Judged(url=ARTICLES[0], kind="article", title=evil, words=3)
    text, site = _draft(_survey(name=evil, robots=evil, mining=(evil,), articles=(judged,), language=evil))
    assert site.crawl.robots == "obey"
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert tomllib.loads(text)["name"].startswith('x"')


def test_the_delay_that_robots_txt_asks_for_is_kept() -> None:
    assert _draft(_survey(crawl_delay=12.0))[1].crawl.delay == 12.0
    assert _draft(_survey(crawl_delay=5000.0))[1].crawl.delay == 600.0


def test_the_family_is_named_with_its_evidence() -> None:
    family = Families().by_id["localgov-drupal"]
    seen = Recognised(family=family, score=9, evidence=("html has 'localgov_base'",))
    text, site = _draft(_survey(families=(seen,), newsroom="https://www.anytown.gov.uk/news"))
    assert (site.family, site.newsroom) == ("localgov-drupal", "/news")
    assert "# LocalGov Drupal: html has 'localgov_base'" in text
    assert len(site.sources) == 1, "what was seen wins over the family"


@pytest.mark.parametrize(
    ("home", "language", "told"),
    [
        ("https://www.stadt.de/", "de-DE", ("de", "de-DE", "Europe/Berlin")),
        ("https://www.council.nz/", "en-NZ", ("nz", "en-NZ", "Pacific/Auckland")),
        ("https://www.ville.org/", "fr", ("fr", "fr", "Europe/Paris")),
        ("https://www.city.com/", "en-AU", ("au", "en-AU", "Australia/Sydney")),
        ("https://www.gmina.pl/", "", ("pl", "pl", "Europe/Warsaw")),
    ],
)
def test_country_language_and_zone_are_read_or_guessed(home: str, language: str, told: tuple[str, str, str]) -> None:
    articles = tuple(f"{home}news/plan-number-{n}-agreed" for n in range(6))
    source = Found(type="feed", url=f"{home}rss", how="x", urls=articles, chosen=True, articles=6)
    host = home.split("/")[2]
    site = _draft(
        _survey(
            home=home, language=language, sources=(source,), shape=learn_shape(articles, ()), others=(), articles=(),
            hosts=(host,),
        )
    )[1]  # fmt: skip
    assert (site.country, site.language, site.timezone) == told


def test_articles_on_another_host_make_it_the_sites() -> None:
    articles = tuple(f"https://news.anytown.gov.uk/plan-number-{n}-agreed" for n in range(6))
    source = Found(type="feed", url="https://news.anytown.gov.uk/rss", how="x", urls=articles, chosen=True, articles=6)
    hosts = ("news.anytown.gov.uk", "www.anytown.gov.uk")
    survey = _survey(sources=(source,), shape=learn_shape(articles, ()), articles=(), hosts=hosts)
    site = _draft(survey)[1]
    assert site.hosts == {"news.anytown.gov.uk", "www.anytown.gov.uk"}


@pytest.mark.parametrize(
    ("home", "told"),
    [
        ("https://www.anytown.gov.uk/", "anytown"), ("https://www.gazette.co.uk/", "gazette"),
        ("https://news.stadt.de/", "news-stadt"), ("http://127.0.0.1:8080/", "site-127-0-0-1-8080"),
    ],
)  # fmt: skip
def test_an_id_is_made_of_the_host(home: str, told: str) -> None:
    assert suggest_id(_survey(home=home)) == told


def test_a_source_is_described_in_a_line() -> None:
    assert "6 of 6 links are articles" in describe_source(_survey().sources[0])
