"""The simulated homes: they serve what they seed, and a real crawl with five lines finds it."""

from __future__ import annotations

from pathlib import Path
from urllib.request import urlopen

import pytest

from bench.homes import LATER, OF_FAMILIES, UNSEEN, Home, build, serve
from bench.probe import crawl_home, five_line_site
from spiders.families import Families

HOMES = (*OF_FAMILIES, *UNSEEN, *LATER)


def test_every_home_has_its_own_articles_and_says_where_they_are() -> None:
    assert len({home.id for home in HOMES}) == len(HOMES)
    for home in HOMES:
        built = build(home, "http://127.0.0.1:1", "http://127.0.0.1:2")
        assert len(built.articles) == home.count, home.id
        announced = home.feed or home.sitemaps or home.newsroom
        assert announced, home.id
        assert not set(built.articles) & set(built.services)


def test_there_is_a_home_of_every_family_but_those_of_services() -> None:
    families = set(Families().by_id)
    assert families - {home.family for home in OF_FAMILIES} == {"moderngov"}
    assert len(UNSEEN) >= 14


def test_a_home_is_served_as_it_was_built() -> None:
    home = next(home for home in UNSEEN if home.id == "news-host")
    with serve(home) as built:
        url = next(iter(built.articles))
        assert url.startswith(built.news_origin)
        with urlopen(url, timeout=10) as answer:
            assert built.stories[0].title.encode() in answer.read()


@pytest.mark.parametrize("name", ["localgov-drupal", "typo3", "civicplus"])
def test_a_file_of_five_lines_is_enough_for_a_real_crawl(name: str, tmp_path: Path) -> None:
    home: Home = next(home for home in OF_FAMILIES if home.id == name)
    with serve(home) as built:
        found, others = crawl_home(built, five_line_site(built, tmp_path), tmp_path / "crawl")
    assert (found, others) == (1.0, 0.0)
