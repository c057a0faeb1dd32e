"""When a page was published: the places where dates stand."""

from datetime import datetime
from typing import Any

import pytest
from htmldate import core

from pipeline.metadata.dates import _keep_dates
from tests.pipeline.metadata.some_metadata import read, with_json

_LIBRARY: Any = core
_USUAL = _LIBRARY.search_page  # as it is before the first page is read


class TestDates:
    def test_json_ld_is_believed_before_opengraph(self) -> None:
        page = with_json({"@type": "NewsArticle", "datePublished": "2026-01-02"}).replace(
            "<head>", '<head><meta property="article:published_time" content="2026-01-05">'
        )
        found = read(page).published
        assert found is not None
        assert (found.source, found.value.day) == ("json-ld", 2)

    def test_a_date_that_cannot_be_is_passed_over_for_the_next_place(self) -> None:
        page = with_json({"@type": "NewsArticle", "datePublished": "2126-01-02"}).replace(
            "<head>", '<head><meta property="article:published_time" content="2026-01-05">'
        )
        found = read(page).published
        assert found is not None
        assert found.source == "opengraph"

    def test_a_guess_says_that_it_is_one(self) -> None:
        found = read(
            "<html><body><h1>A headline of words</h1><p>Posted on 5 March 2026 in the town hall.</p></body></html>"
        )
        assert found.published is not None
        assert (found.published.source, found.published.precision) == ("htmldate", "day")

    @pytest.mark.parametrize("shown", ["2026年3月12日", "12 مارس 2026", "12 марта 2026"])
    def test_a_date_that_readers_see_is_read_in_other_scripts(self, shown: str) -> None:
        found = read(
            f"<html><body><h1>見出し</h1><p class='date'>{shown}</p><p>市議会は計画を可決しました。</p></body></html>"
        )
        assert found.published is not None
        assert (found.published.value.date().isoformat(), found.published.source) == ("2026-03-12", "visible")

    def test_a_year_alone_is_not_taken_for_its_first_day(self) -> None:
        assert (
            read("<html><body><h1>News</h1><p>It is so.</p><footer>© Council 2026</footer></body></html>").published
            is None
        )

    @pytest.mark.parametrize(
        "line",
        [
            "<p>5 March 2026</p>",
            "<div><span>By Jo March</span><span>Mar 5, 2026</span></div>",
            "<ul><li><strong>Datum</strong> 05.03.2026</li></ul>",
            "<p>Updated: 9 April 2026</p><p>Published: 5 March 2026</p>",
            "<p>4 min read · March 5, 2026 · News</p>",
        ],
    )
    def test_a_date_that_stands_by_itself_is_read_before_anything_is_guessed(self, line: str) -> None:
        found = read(f"<html><body><h1>Bins will be blue</h1>{line}<p>Text of the page.</p></body></html>").published
        assert found is not None
        assert (found.source, found.value.date().isoformat()) == ("visible", "2026-03-05")

    def test_the_date_of_a_related_story_is_none_of_the_page(self) -> None:
        related = "<div class='related'><p>5 March 2026</p></div>"
        found = read(f"<html><body><h1>Bins will be blue</h1><p>Text.</p>{related}</body></html>").published
        assert found is None or found.source == "htmldate"


def test_what_htmldate_finds_stays_the_same_where_it_sees_only_what_stands_around_figures() -> None:
    last, first = datetime.fromisoformat("2026-11-01"), datetime.fromisoformat("1995-01-01")
    chosen = _LIBRARY.Extractor(True, last, first, True, "%Y-%m-%d")
    far = "<p>words without a figure</p>" * 40
    for shown in (
        "am 3. Oktober 2019 in",
        "<a href='/2019/03/11/x'>",
        "Ausgabe 11.03.2019, Seite",
        "11/03/19 ",
        " 20190311 ",
        "&copy; " + "x" * 90 + " 2018 ",
        "in March 2019 or 2020-05 ",
        "no 7 of 12 at all",
    ):
        page = f"<body>{far}{shown}{far}</body>"
        assert _USUAL(_keep_dates(page), chosen) == _USUAL(page, chosen), shown
        assert len(_keep_dates(page)) < 600
