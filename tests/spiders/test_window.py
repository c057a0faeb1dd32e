"""Which days a URL or a date speaks of."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.sources import Further, Listed
from spiders.window import Window, are_stamped, date_entry, find_article_span, find_span, latest_first, may_hold


def days(since: str, until: str) -> Window:
    return Window(since=date.fromisoformat(since), until=date.fromisoformat(until))


MARCH = days("2024-03-01", "2024-03-31")
FIFTH = days("2024-03-05", "2024-03-05")
WINDOW = days("2024-03-10", "2024-06-30")


@pytest.mark.parametrize(
    ("url", "span"),
    [
        ("https://x.example/sitemap-2024-03.xml", MARCH),
        ("https://x.example/sitemap_202403.xml.gz", MARCH),
        ("https://x.example/sitemaps/2024/03/", MARCH),
        ("https://x.example/sitemaps/2024/mar/all.xml", MARCH),
        ("https://x.example/2024/march/05/sitemap.xml", FIFTH),
        ("https://x.example/sitemap.xml?yyyy=2024&mm=3&dd=5", FIFTH),
        ("https://x.example/sitemap.xml?yyyy=2024&mm=03", MARCH),
        ("https://x.example/sitemap.xml?date=2024-03", MARCH),
        ("https://x.example/map-20240305.xml", FIFTH),
        ("https://x.example/2024.xml", days("2024-01-01", "2024-12-31")),
        ("https://x.example/sitemap.xml?year=2024", days("2024-01-01", "2024-12-31")),
        ("https://x.example/post-sitemap12.xml", None),
        ("https://x.example/sitemap-24123456.xml", None),
        ("https://x.example/map-20243105.xml", None),
    ],
)
def test_the_days_that_a_document_is_about_are_read_from_its_url(url: str, span: Window | None) -> None:
    assert find_span(url) == span


@pytest.mark.parametrize(
    ("url", "span"),
    [
        ("https://x.example/2024/03/05/story", FIFTH),
        ("https://x.example/news/2024/3/story", MARCH),
        ("https://x.example/news/2024/mar/05/story", FIFTH),
        ("https://x.example/newsroom/2024/story", days("2024-01-01", "2024-12-31")),
        ("https://x.example/news/budget-2024-25", None),
        ("https://x.example/news/24123456.story/", None),
        ("https://x.example/news/2024", None),  # a slug may be a number
    ],
)
def test_an_article_is_dated_by_whole_segments_of_its_path_only(url: str, span: Window | None) -> None:
    assert find_article_span(url) == span


def test_publication_counts_before_the_url_and_that_before_a_date_of_change() -> None:
    both = Listed(url="https://x.example/2023/01/02/a", lastmod="2026-01-01", facts={"published": "2024-03-05T10:00Z"})
    assert date_entry(both) == FIFTH
    assert date_entry(Listed(url="https://x.example/2023/01/02/a", lastmod="2026-01-01")) == days(
        "2023-01-02", "2023-01-02"
    )
    plain = Listed(url="https://x.example/a", lastmod="2024-03-05")
    assert date_entry(plain) == FIFTH
    assert date_entry(plain, believe=False) is None
    assert date_entry(Listed(url="https://x.example/a", lastmod="soon")) is None


@pytest.mark.parametrize(
    ("url", "lastmod", "kept"),
    [
        ("https://x.example/sitemap-2024-03.xml", None, True),  # its last days are of the window
        ("https://x.example/sitemap-2024-02.xml", None, False),
        ("https://x.example/sitemap-2024-07.xml", None, False),
        ("https://x.example/sitemap-2024-02.xml", "2024-05-01", False),
        ("https://x.example/posts-1.xml", "2023-12-31", False),  # nothing in it is newer
        ("https://x.example/posts-2.xml", "2026-12-31", True),  # all of it may be older
        ("https://x.example/posts-3.xml", None, True),
    ],
)
def test_only_documents_that_are_plainly_outside_are_left_out(url: str, lastmod: str | None, kept: bool) -> None:
    assert may_hold(Further(url=url, lastmod=lastmod), WINDOW) is kept


def test_dates_that_a_generator_stamped_on_everything_say_nothing() -> None:
    stamped = [Listed(url=f"https://x.example/{n}", lastmod="2026-01-01T03:00:01Z") for n in range(20)]
    busy_day = [Listed(url=f"https://x.example/{n}", lastmod="2026-01-01") for n in range(20)]
    assert are_stamped(stamped)
    assert not are_stamped(busy_day)
    assert not are_stamped(stamped[:3])
    assert not are_stamped([])


def test_the_walk_begins_with_the_latest_documents() -> None:
    names = ["2024-01.xml", "undated.xml", "2024-03.xml", "2024-02.xml"]
    found = latest_first(Further(url=f"https://x.example/map-{name}") for name in names)
    assert [one.url[22:] for one in found] == ["2024-03.xml", "2024-02.xml", "2024-01.xml", "undated.xml"]


@given(st.text(max_size=80))
def test_no_url_is_too_strange(text: str) -> None:
    for url in (f"https://x.example/{text}", f"https://x.example/a?{text}"):
        for span in (find_span(url), find_article_span(url)):
            assert span is None or (span.since is not None and span.until is not None and span.since <= span.until)


@given(st.dates(min_value=date(1990, 1, 1), max_value=date(2099, 12, 31)))
def test_every_day_is_found_in_every_form(day: date) -> None:
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y_%m_%d"):
        assert find_span(f"https://x.example/map-{day.strftime(form)}.xml") == Window(since=day, until=day)
