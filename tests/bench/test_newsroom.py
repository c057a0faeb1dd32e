"""The newsroom serves what it says, the same every time, and can be edited as a CMS edits."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import httpx
import pytest
from lxml import etree, html

from bench.measure import ROOT
from bench.newsroom import Newsroom, Paper, change_something
from bench.stories import rewrite_in_substance, write_stories
from spiders.site import load_sites
from spiders.urls import canonical_url

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def newsroom() -> Iterator[Newsroom]:
    with Newsroom() as opened:
        yield opened


@pytest.fixture(params=["town-hall-weekly", "the-courier"])
def paper(newsroom: Newsroom, request: pytest.FixtureRequest) -> Paper:
    return newsroom.papers[request.param]


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as opened:
        yield opened


def locations(client: httpx.Client, paper: Paper) -> dict[str, str]:
    """URL → lastmod of the articles, by way of the sitemap index."""
    index = etree.fromstring(client.get(f"{paper.home}/sitemap.xml").content)
    found = {}
    for part in index.iter("{*}sitemap"):
        for page in etree.fromstring(client.get(part.findtext("{*}loc")).content).iter("{*}url"):
            if re.fullmatch(paper.article_path, page.findtext("{*}loc").removeprefix(paper.home)):
                found[page.findtext("{*}loc")] = page.findtext("{*}lastmod")
    return found


def feed_url(paper: Paper) -> str:
    return paper.home + next(path for kind, path in paper.sources if kind == "feed")


@pytest.mark.parametrize("style", ["trade", "national"])
def test_stories_are_the_same_every_time_and_of_a_news_articles_length(style: str) -> None:
    stories = write_stories(style, 40, 1)
    assert stories == write_stories(style, 40, 1)
    assert stories != write_stories(style, 40, 2)
    assert len({story.title for story in stories}) == len({story.text for story in stories}) == 40
    assert all(150 <= len(story.text.split()) <= 500 for story in stories)
    assert not any("{" in story.title + story.text for story in stories)


def test_a_correction_changes_the_text_and_not_the_headline() -> None:
    for story in write_stories("trade", 24, 1):
        rewritten = rewrite_in_substance(story)
        assert rewritten.title == story.title
        assert rewritten.paragraphs[0] != story.paragraphs[0]
        assert len(rewritten.paragraphs) == len(story.paragraphs) + 1


def test_there_are_forty_articles_at_least(newsroom: Newsroom) -> None:
    assert sum(len(paper.truth()) for paper in newsroom.papers.values()) >= 40


def test_pages_are_the_same_every_time_but_for_the_port(paper: Paper, client: httpx.Client) -> None:
    with Newsroom() as again:
        other = again.papers[paper.id]
        for one, two in zip(paper.truth(), other.truth(), strict=True):
            assert client.get(one).text == client.get(two).text.replace(other.home, paper.home)


def test_the_sitemap_names_every_article_with_its_date(paper: Paper, client: httpx.Client) -> None:
    truth = paper.truth()
    assert locations(client, paper) == {url: t.modified.isoformat(timespec="seconds") for url, t in truth.items()}


def test_the_feed_is_well_formed_and_leads_to_articles(paper: Paper, client: httpx.Client) -> None:
    feed = feedparser.parse(client.get(feed_url(paper)).content)
    assert not feed.bozo
    assert len(feed.entries) >= 10
    for entry in feed.entries:
        truth = paper.truth()[canonical_url(entry.link)]
        assert entry.title == truth.title
        assert datetime(*entry.published_parsed[:6], tzinfo=UTC) == truth.published


def test_the_listing_links_to_articles(paper: Paper, client: httpx.Client) -> None:
    page = html.fromstring(client.get(f"{paper.home}/news").content)
    links = {paper.home + link for link in page.xpath("//a/@href")}
    assert len(links & paper.truth().keys()) >= 10


def test_a_page_has_the_whole_true_text_and_the_junk_around_it(paper: Paper, client: httpx.Client) -> None:
    for url, truth in paper.truth().items():
        text = html.fromstring(client.get(url).content).text_content()
        assert all(paragraph in text for paragraph in truth.text.split("\n"))
        assert truth.title in text
        assert any(phrase in text for phrase in paper.junk)


def test_a_trade_page_repeats_its_headline_and_has_five_jobs_with_salaries(
    newsroom: Newsroom, client: httpx.Client
) -> None:
    url, truth = next(iter(newsroom.trade.truth().items()))
    page = html.fromstring(client.get(url).content)
    assert [heading.text_content() for heading in page.xpath("//h1 | //h2")] == [truth.title, truth.title]
    assert len(re.findall(r"£[\d,]+ - £[\d,]+ a year", page.text_content())) == 5


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_a_page_that_did_not_change_answers_304(paper: Paper, client: httpx.Client, accepted: str) -> None:
    url = next(iter(paper.truth()))
    first = client.get(url, headers={"Accept-Encoding": accepted})
    assert first.headers.get("Content-Encoding") == ("gzip" if accepted == "gzip" else None)
    by_tag = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    by_date = client.get(url, headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert (by_tag.status_code, by_tag.content) == (by_date.status_code, by_date.content) == (304, b"")
    paper.edit_junk(url, now=NOW)
    assert client.get(url, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
    assert client.get(url, headers={"If-Modified-Since": first.headers["Last-Modified"]}).status_code == 200


def test_a_correction_moves_the_dates_and_the_text(paper: Paper, client: httpx.Client) -> None:
    url, before = next(iter(paper.truth().items()))
    after = paper.edit_in_substance(url, now=NOW)
    assert after.url == url
    assert after.text != before.text
    assert after.text.split("\n")[-1] in html.fromstring(client.get(url).content).text_content()
    assert locations(client, paper)[url] == NOW.isoformat(timespec="seconds")


def test_an_edit_of_the_junk_changes_the_page_and_not_the_text(paper: Paper, client: httpx.Client) -> None:
    url, before = list(paper.truth().items())[2]
    page = client.get(url).content
    assert paper.edit_junk(url, now=NOW).text == before.text
    assert client.get(url).content != page


def test_a_new_article_is_announced_everywhere(paper: Paper, client: httpx.Client) -> None:
    added = paper.add(now=NOW)
    assert client.get(added.url).status_code == 200
    assert added.url in locations(client, paper)
    assert canonical_url(feedparser.parse(client.get(feed_url(paper)).content).entries[0].link) == added.url
    assert added.url.removeprefix(paper.home) in client.get(f"{paper.home}/news").text


def test_a_removed_article_answers_410_and_is_announced_nowhere(paper: Paper, client: httpx.Client) -> None:
    url = list(paper.truth())[-1]
    paper.remove(url, now=NOW)
    assert client.get(url).status_code == 410
    assert url not in paper.truth()
    assert url not in locations(client, paper)
    assert url not in client.get(feed_url(paper)).text


def test_unknown_paths_answer_404_and_robots_txt_is_there(paper: Paper, client: httpx.Client) -> None:
    assert client.get(f"{paper.home}/no-such-page").status_code == 404
    assert "Sitemap:" in client.get(f"{paper.home}/robots.txt").text


def test_the_site_files_are_accepted_and_match_every_article(newsroom: Newsroom, tmp_path: Path) -> None:
    newsroom.write_sites(tmp_path / "sites")
    sites = load_sites([tmp_path / "sites"])
    assert sites.keys() == newsroom.papers.keys()
    for name, site in sites.items():
        assert site.crawl.allow_private
        assert all(site.is_article(canonical_url(url)) for url in newsroom.papers[name].truth())
        assert not site.is_article(f"{newsroom.papers[name].home}/about/us")


def test_a_program_beside_the_newsroom_finds_its_sites_and_ends_it(tmp_path: Path) -> None:
    # One write: the newsroom tells its changes on the same pipe, perhaps between two.
    program = "import os; os.write(1, ' '.join(sorted(os.listdir(os.environ['MUNIMENT_SITES']))).encode() + b'\\n')"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench.newsroom", "--port", "0", "--sites-folder", str(tmp_path / "sites")),
            *("--change-every", "0.2", "--", sys.executable, "-c", program),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={name: value for name, value in os.environ.items() if name != "MUNIMENT_SITES"},
    )
    assert "the-courier.toml town-hall-weekly.toml" in done.stdout.splitlines()


def test_whatever_the_editors_do_the_papers_stay_whole(newsroom: Newsroom, client: httpx.Client) -> None:
    rng = random.Random(3)
    for _ in range(60):
        assert change_something(newsroom, rng, now=NOW)
    for paper in newsroom.papers.values():
        assert locations(client, paper).keys() == paper.truth().keys()
