"""What is learned from addresses: patterns that hold for articles not seen yet, and keep other pages out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.pattern import find_ambiguity
from spiders.shapes import article_likeness, choose_articles, learn_shape

ORIGIN = "https://www.anytown.gov.uk"


def _urls(*paths: str) -> list[str]:
    return [ORIGIN + path for path in paths]


@pytest.mark.parametrize(
    ("known", "new", "other"),
    [
        (
            ("/news/2025/new-bins-for-all", "/news/2026/budget-agreed-at-last"),
            "/news/2027/roads-closed",
            ("/news/2026", "/news", "/news/archive"),
        ),
        (
            ("/news/article/12/new_bins", "/news/article/340/budget_agreed"),
            "/news/article/7/roads_closed_again",
            ("/news/article", "/info/20001/bins_and_recycling"),
        ),
        (("/story.php?id=12", "/story.php?id=345"), "/story.php?id=9", ("/story.php", "/page.php?id=12")),
        (
            ("/2026/11/20/new-bins", "/2025/1/3/budget-agreed"),
            "/2027/12/31/roads-closed",
            ("/2026/11", "/about/us/new-bins"),
        ),
        (
            ("/news/24109733.bins-for-all/", "/news/local/24109800.budget-agreed/", "/news/24109900.roads-closed/"),
            "/news/24200000.first-look---inside/",
            ("/news/", "/news/local/"),
        ),
        (
            ("/a/bins-for-all-12345678", "/b/budget-agreed-12345679"),
            "/a/roads-closed-99999999",
            ("/a/", "/a/bins-for-all"),
        ),
        (
            ("/News/Item.aspx?ID=1&Page=1", "/News/Item.aspx?ID=22&Page=1"),
            "/News/Item.aspx?ID=5&Page=1",
            ("/News/Item.aspx",),
        ),
        (
            ("/wiadomo%C5%9Bci/nowa-droga", "/wiadomo%C5%9Bci/%C5%BCycie-w-mie%C5%9Bcie"),
            "/wiadomo%C5%9Bci/most",
            ("/kontakt",),
        ),
    ],
)  # fmt: skip
def test_a_pattern_holds_for_articles_to_come_and_for_no_other_page(
    known: tuple[str, ...], new: str, other: tuple[str, ...]
) -> None:
    shape = learn_shape(_urls(*known), _urls(*other))
    assert shape is not None
    assert all(shape.matches(url) for url in _urls(*known))
    if "---" not in new:
        assert shape.matches(ORIGIN + new), shape.article
    assert not any(shape.matches(url) for url in _urls(*other)), shape.article
    assert not shape.matches("https://elsewhere.example" + known[0])
    assert find_ambiguity(shape.article) is None


def test_sections_are_listed_where_a_word_would_take_in_other_pages() -> None:
    known = _urls(*(f"/{part}/a-story-of-number-{n}" for part in ("sport", "politics") for n in range(4)))
    free = learn_shape(known, ())
    held = learn_shape(known, _urls("/about/how-we-spend-money"))
    assert free is not None
    assert held is not None
    assert free.matches(ORIGIN + "/culture/a-story-of-films")
    assert not held.matches(ORIGIN + "/culture/a-story-of-films")
    assert held.matches(ORIGIN + "/sport/a-story-of-games")


def test_what_no_pattern_keeps_out_is_excluded_by_name() -> None:
    shape = learn_shape(_urls("/new-bins-for-all", "/budget-agreed-at-last"), _urls("/council-tax-and-benefits"))
    assert shape is not None
    assert shape.exclude
    assert not shape.matches(ORIGIN + "/council-tax-and-benefits")
    assert shape.matches(ORIGIN + "/roads-closed-for-winter")
    assert shape.wrong == 0


def test_of_mixed_addresses_those_of_the_most_article_like_form_are_chosen() -> None:
    articles = _urls(*(f"/news/2026/council-agrees-plan-number-{n}" for n in range(5)))
    pages = _urls("/contact", "/bins", "/council-tax/pay", "/tag/roads-and-streets-and-paths")
    assert choose_articles([*pages, *articles]) == articles
    assert choose_articles(pages) == []
    assert article_likeness(ORIGIN + "/tag/roads-and-streets-and-paths") == 0


def test_there_is_nothing_to_learn_from_nothing() -> None:
    assert learn_shape((), _urls("/contact")) is None


_SEGMENT = st.text(alphabet="abz019-_.,~%&=+'()é ", min_size=0, max_size=12)


@given(st.lists(st.lists(_SEGMENT, min_size=1, max_size=4), min_size=1, max_size=8))
def test_whatever_the_addresses_are_the_pattern_can_be_used(paths: list[list[str]]) -> None:
    from spiders.urls import canonical_url

    urls = [canonical_url(ORIGIN + "/" + "/".join(path)) for path in paths]
    shape = learn_shape(urls, ())
    if shape is not None:
        re.compile(shape.article)
        assert find_ambiguity(shape.article) is None
        assert shape.covered == sum(map(shape.matches, dict.fromkeys(urls))) > 0
