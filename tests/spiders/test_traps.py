from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.traps import MOST_VARIANTS, Traps
from spiders.urls import canonical_url


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://a.uk/news/a/b/a/b/a/b", "repeating path"),
        ("https://a.uk/news/news/news/x", "repeating path"),
        ("https://a.uk/x/2024/x/2024/x/2024/", "repeating path"),
        ("https://a.uk/" + "/".join(f"s{n}" for n in range(30)), "deep path"),
        ("https://a.uk/news/2087/04/", "calendar"),
        ("https://a.uk/news/0001/12/", "calendar"),
        ("https://a.uk/news?month=9999-01", "calendar"),
        ("https://a.uk/news?" + "&".join(f"p{n}=1" for n in range(30)), "many parameters"),
        ("https://a.uk/news?" + "&".join("f=1" for n in range(7)), "many parameters"),
    ],
)
def test_a_url_that_is_a_trap_by_itself_is_named(url: str, kind: str) -> None:
    assert Traps(2026).find(url) == kind


@pytest.mark.parametrize(
    "url",
    [
        "https://a.uk/news/10/10/10/story", "https://a.uk/2010/10/10/10/10", "https://a.uk/news/2027/01/plans",
        "https://a.uk/news/1918/11/armistice-remembered", "https://a.uk/news/plan-for-2050-12-things-to-know",
        "https://a.uk/news/2050/vision", "https://a.uk/a/a/b", "https://a.uk/1000/2000/3000", "https://a.uk/",
        "https://a.uk/news/article/12345678/1234-56-homes", "https://a.uk/mgNewsletter.aspx?ID=7&RPID=3&$LO$=1",
    ],
)  # fmt: skip
def test_urls_that_articles_have_are_none(url: str) -> None:
    assert Traps(2026).find(url) is None


def test_numbered_articles_are_no_trap_however_many_there_are() -> None:
    traps = Traps(2026)
    assert not any(traps.find(f"https://a.uk/news?id={n}") for n in range(5000))
    assert not any(traps.find(f"https://a.uk/news?id={n}&lang=en") for n in range(5000))
    assert not any(traps.find(f"https://a.uk/news/{n}?session=2026-27&id={n}") for n in range(5000))


def test_a_visits_number_is_found_out_after_a_few() -> None:
    traps = Traps(2026)
    found = [traps.find(f"https://a.uk/news/1?sid={n:x}") for n in range(0, 10_000, 100)]
    assert found.count("visit number") == 95


def test_filters_that_are_combined_in_every_way_are_found_out() -> None:
    traps = Traps(2026)
    urls = [f"https://a.uk/news?area={a}&topic={t}" for a in range(60) for t in range(60)]
    assert [traps.find(url) for url in urls].count("combined filters") >= len(urls) - 30 * 60 - MOST_VARIANTS


@given(st.lists(st.text(max_size=40), max_size=30))
def test_whatever_a_url_is_there_is_an_answer(pieces: list[str]) -> None:
    traps = Traps(2026)
    url = canonical_url("https://a.uk/" + "/".join(pieces).replace("\\", ""))
    assert traps.find(url) is None or isinstance(traps.find(url), str)
