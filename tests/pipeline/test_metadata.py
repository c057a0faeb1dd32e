"""What a page says of itself: fields, origins, dates, names, and hostile values."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from pipeline.metadata import (
    AUTHORS,
    Clock,
    Metadata,
    clean_text,
    clean_url,
    looks_like_name,
    normal_language,
    parse_json_ld,
    parse_moment,
    read_metadata,
    split_names,
)
from spiders.site import Site, Source

PAGES = Path(__file__).parent.parent / "pages"
CAPTURED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CLOCK = Clock(zone="Europe/London", latest=CAPTURED)


def a_site(name: str = "Civic Ledger", host: str = "ledger.example", **facts: Any) -> Site:
    return Site(
        id="ledger",
        name=name,
        home=f"https://{host}/",
        kind="trade",
        article=rf"https://{host.replace('.', '[.]')}/.+",
        sources=(Source(type="feed", url=f"https://{host}/feed"),),
        **facts,
    )


def read(page: str, *, site: Site | None = None, url: str = "https://ledger.example/news/1") -> Metadata:
    return read_metadata(document_fromstring(page), site=site or a_site(), url=url, captured_at=CAPTURED)


def with_json(value: object, body: str = "<h1>A headline of five words</h1>") -> str:
    return (
        f'<html><head><script type="application/ld+json">{json.dumps(value)}</script></head><body>{body}</body></html>'
    )


def moment(text: str, clock: Clock = CLOCK) -> tuple[str, str, bool] | None:
    found = parse_moment(text, "test", clock)
    return found and (found.model_dump(mode="json")["value"], found.precision, found.zone_assumed)


class TestPages:
    def test_a_national_page_gives_every_field_and_where_it_was_read(self) -> None:
        page = (PAGES / "national.html").read_text("utf-8")
        site = a_site("The Morning Post-Dispatch", "dispatch.example")
        found = read(page, site=site, url="https://dispatch.example/transport/2026/jul/14/ferry-link-to-return?cmp=1")
        assert found.title == "Ferry link to return after nine years, operator says"
        assert found.authors == ("Aled Rhys", "Noor Siddiqui")
        assert found.published is not None
        assert found.published.value == datetime(2026, 7, 14, 5, 0, tzinfo=UTC)
        assert found.modified is not None
        assert found.modified.original == "2026-07-14T10:42:10.000Z"
        assert found.section == "Transport"
        assert found.tags == ("Ferries", "Ports", "Wales")
        assert found.language == "en-GB"
        assert found.image == "https://dispatch.example/media/ferry.jpg"
        assert found.canonical == "https://dispatch.example/transport/2026/jul/14/ferry-link-to-return"
        assert found.origins["published"] == "json-ld"
        assert found.origins["image"] == "opengraph"

    def test_a_trade_page_without_json_gives_author_and_date_from_its_metas(self) -> None:
        found = read((PAGES / "trade.html").read_text("utf-8"))
        assert found.title == "Councils ask for longer settlement"
        assert found.authors == ("Harriet Okafor",)
        assert found.published is not None
        assert (found.published.source, found.published.zone_assumed) == ("meta", True)

    def test_a_council_page_gives_the_day_from_its_time_element(self) -> None:
        found = read((PAGES / "council.html").read_text("utf-8"), site=a_site("Ashcombe District Council"))
        assert found.title == "New library hours from May"
        assert found.published is not None
        assert (found.published.precision, found.published.source) == ("day", "time")

    def test_gov_uk_metas_give_first_publication_and_update(self) -> None:
        found = read((PAGES / "govuk.html").read_text("utf-8"), site=a_site("GOV.UK"))
        assert found.title == "Minister opens flood barrier at Wexley"
        assert found.published is not None
        assert found.modified is not None
        assert (found.published.value.day, found.modified.value.day) == (11, 12)


class TestTitle:
    def test_the_sites_name_is_cut_off_wherever_it_stands(self) -> None:
        for title in (
            "Bins to be blue - Civic Ledger",
            "Bins to be blue | News | Civic Ledger",
            "Civic Ledger: Bins to be blue",
        ):
            assert read(f"<html><head><title>{title}</title></head><body><p>x</p></body></html>").title in {
                "Bins to be blue",
                "Bins to be blue | News",
            }

    def test_a_masthead_h1_loses_to_what_the_page_declares(self) -> None:
        head = '<meta property="og:title" content="Bins to be blue">'
        page = f"<html><head>{head}</head><body><h1>Civic Ledger</h1></body></html>"
        assert read(page).title == "Bins to be blue"

    def test_a_colon_or_bar_inside_the_headline_stays(self) -> None:
        title = "Budget: what it means | How six councils will spend it"
        head = f'<title>{title} | Ledger</title><meta property="og:title" content="{title}">'
        page = f"<html><head>{head}</head><body><h1>{title}</h1></body></html>"
        assert read(page).title == title

    def test_the_title_of_an_inline_drawing_is_no_headline(self) -> None:
        page = "<html><body><svg><title>Search icon</title></svg><p>text</p></body></html>"
        assert read(page).title is None


class TestAuthors:
    @pytest.mark.parametrize(
        ("byline", "names"),
        [
            ("By Jane Doe", ["Jane Doe"]),
            ("Jane Doe and John Smith", ["Jane Doe", "John Smith"]),
            ("By Jane Doe, Political Editor, and John Smith", ["Jane Doe", "John Smith"]),
            ("Words by Siân O’Neill & Émile de la Tour", ["Siân O’Neill", "Émile de la Tour"]),
            ("https://x.example/authors/jane-doe", []),
            ("Alexandra Anderson", ["Alexandra Anderson"]),
        ],
    )
    def test_a_byline_is_split_into_persons(self, byline: str, names: list[str]) -> None:
        assert split_names(byline) == names

    def test_the_site_and_roles_are_no_authors(self) -> None:
        value = {"@type": "NewsArticle", "author": ["Civic Ledger", "Staff reporter", "admin", {"name": "Jo March"}]}
        assert read(with_json(value)).authors == ("Jo March",)

    def test_an_author_may_be_a_reference(self) -> None:
        graph = [{"@type": "Article", "author": {"@id": "#jo"}}, {"@type": "Person", "@id": "#jo", "name": "Jo March"}]
        assert read(with_json({"@graph": graph})).authors == ("Jo March",)

    def test_ten_thousand_authors_are_not_believed(self) -> None:
        value = {
            "@type": "NewsArticle",
            "author": [{"name": f"Name Number{chr(65 + n % 26)}{'x' * (n % 50)}"} for n in range(10_000)],
        }
        assert len(read(with_json(value)).authors) <= AUTHORS

    def test_a_name_has_a_shape(self) -> None:
        assert looks_like_name("Mair Tudor-Evans")
        assert looks_like_name("Ludwig van Beethoven")
        assert not looks_like_name("read more from this author")
        assert not looks_like_name("Local Democracy Reporter")


class TestDates:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2026-07-14T06:00:00+01:00", ("2026-07-14T05:00:00Z", "second", False)),
            ("2026-07-14T06:00:00", ("2026-07-14T05:00:00Z", "second", True)),  # British summer time is assumed
            ("2026-01-14 06:00", ("2026-01-14T06:00:00Z", "minute", True)),
            ("2026-01-14T06:00:00.123Z", ("2026-01-14T06:00:00.123000Z", "second", False)),
            ("2026-07-14", ("2026-07-14T00:00:00Z", "day", True)),
            ("2026-07", ("2026-07-01T00:00:00Z", "month", True)),
            ("20260714", ("2026-07-14T00:00:00Z", "day", True)),
            ("03/04/2026", ("2026-04-03T00:00:00Z", "day", True)),  # British: 3 April
            ("25.12.2025", ("2025-12-25T00:00:00Z", "day", True)),
            ("12/25/2025", ("2025-12-25T00:00:00Z", "day", True)),  # cannot be British
            ("03/12/2026", ("2026-03-12T00:00:00Z", "day", True)),  # 3 December is still to come
            ("3rd April 2026", ("2026-04-03T00:00:00Z", "day", True)),
            ("Published: Friday, 3 April 2026 at 4.30pm", ("2026-04-03T15:30:00Z", "minute", True)),
            ("Wed, 04 Mar 2026 09:15:00 GMT", ("2026-03-04T09:15:00Z", "second", False)),
            ("4 July 2026 10:00 BST", ("2026-07-04T09:00:00Z", "minute", False)),
            ("April 2026", ("2026-04-01T00:00:00Z", "month", True)),
            ("1767225600", ("2026-01-01T00:00:00Z", "second", False)),
            ("1767225600000", ("2026-01-01T00:00:00Z", "second", False)),
        ],
    )
    def test_a_date_is_read_as_it_is_meant(self, text: str, expected: tuple[str, str, bool]) -> None:
        assert moment(text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "yesterday",
            "2027-01-01",
            "1970-01-01T00:00:00Z",
            "0001-01-01",
            "2026-13-45",
            "31/02/2026",
            "99999999999999",
        ],
    )
    def test_what_is_no_date_or_cannot_be_one_is_refused(self, text: str) -> None:
        assert moment(text) is None

    def test_the_site_decides_what_comes_first_and_in_which_zone(self) -> None:
        american = Clock(zone="America/New_York", month_first=True, latest=CAPTURED)
        assert moment("03/04/2026", american) == ("2026-03-04T05:00:00Z", "day", True)

    def test_a_date_keeps_the_text_that_was_read(self) -> None:
        found = parse_moment("3rd April 2026", "time", CLOCK)
        assert found is not None
        assert found.original == "3rd April 2026"

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

    @pytest.mark.parametrize(
        "shown",
        [
            "2026年3月12日",
            "更新日：2026年3月12日",
            "令和8年3月12日",
            "2026년 3월 12일",
            "12 مارس 2026",
            "12 марта 2026",
            "12 marca 2026",
            "12. März 2026",
            "Stand: 12. März 2026",
            "12 mars 2026",
            "12 de marzo de 2026",
            "12 de março de 2026",
            "12 marzo 2026",
            "12 maart 2026",
            "12. maaliskuuta 2026",
            "12. března 2026",
            "12 Μαρτίου 2026",
            "12 Mart 2026",
        ],
    )
    def test_dates_are_read_in_words_of_other_languages(self, shown: str) -> None:
        found = parse_moment(shown, "test", CLOCK)
        assert found is not None
        assert (found.value.date().isoformat(), found.precision) == ("2026-03-12", "day")

    def test_the_first_of_may_is_one_in_french(self) -> None:
        found = parse_moment("1er mai 2026 à 14h30", "test", CLOCK)
        assert found is not None
        assert (found.value.date().isoformat(), found.precision) == ("2026-05-01", "minute")

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

    @given(st.text(max_size=100))
    def test_no_text_makes_it_fail(self, text: str) -> None:
        found = parse_moment(text, "test", CLOCK)
        assert found is None or found.value <= CAPTURED

    @given(
        st.datetimes(datetime(1991, 1, 1), datetime(2026, 11, 1)),  # noqa: DTZ001 - hypothesis wants them without
        st.sampled_from(["%Y-%m-%dT%H:%M:%SZ", "%d/%m/%Y", "%d %B %Y", "%Y%m%d", "%a, %d %b %Y %H:%M:%S GMT"]),
    )
    def test_every_day_written_the_british_way_is_that_day(self, day: datetime, form: str) -> None:
        found = parse_moment(day.strftime(form), "test", CLOCK)
        assert found is not None
        assert found.value.date() == day.date()

    @given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 9999), st.sampled_from("/.- "))
    def test_no_figures_make_it_fail(self, first: int, second: int, year: int, between: str) -> None:
        parse_moment(f"{first}{between}{second}{between}{year} 99:99:99 +99:99", "test", CLOCK)


class TestJsonLd:
    @pytest.mark.parametrize(
        "script",
        [
            '{"@type": "NewsArticle", "headline": "X",}',
            '<!-- {"@type": "NewsArticle", "headline": "X"} -->',
            '//<![CDATA[\n{"@type": "NewsArticle", "headline": "X"}\n//]]>',
            '{"@type": "NewsArticle", "headline": "X"};',
            '{"@type": "NewsArticle", "headline": "X", "articleBody": "one\ntwo\tthree"}',
            '\ufeff {"@type": "NewsArticle", "headline": "X"} {"@type": "WebPage"}',
        ],
    )
    def test_usual_faults_are_forgiven(self, script: str) -> None:
        assert parse_json_ld(script)[0]["headline"] == "X"

    @given(st.text(max_size=300))
    def test_no_script_makes_it_fail(self, script: str) -> None:
        assert isinstance(parse_json_ld(script), list)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "@type",
                            "@graph",
                            "@id",
                            "author",
                            "name",
                            "headline",
                            "datePublished",
                            "image",
                            "keywords",
                            "mainEntityOfPage",
                            "itemListElement",
                            "publisher",
                            "articleSection",
                        ]
                    ),
                    inner,
                    max_size=5,
                )
            ),
            max_leaves=25,
        )
    )
    def test_no_value_makes_reading_fail(self, value: object) -> None:
        read(with_json({"@type": "NewsArticle", **value} if isinstance(value, dict) else value))

    def test_deep_nesting_is_no_danger(self) -> None:
        for depth in (1_000, 50_000):
            parse_json_ld('{"a":' * depth + "1" + "}" * depth)
            parse_json_ld("[" * depth)

    def test_the_article_that_names_this_page_is_taken(self) -> None:
        value = [
            {"@type": "NewsArticle", "headline": "Other", "url": "https://ledger.example/news/2"},
            {
                "@type": "NewsArticle",
                "headline": "A headline of five words",
                "url": "https://ledger.example/news/1",
                "author": "Jo March",
            },
        ]
        assert read(with_json(value)).authors == ("Jo March",)

    def test_articles_of_a_list_are_not_the_page(self) -> None:
        value = {
            "@type": "ItemList",
            "itemListElement": [{"@type": "NewsArticle", "author": "Jo March", "datePublished": "2020-01-01"}],
        }
        found = read(with_json(value))
        assert found.authors == ()
        assert not found.declared_article


class TestHostileValues:
    def test_control_and_direction_characters_do_not_survive(self) -> None:
        assert clean_text("Up\u202edown\u200b \x00\x1b[31mred\u2066", 100) == "Updown [31mred"

    def test_markup_and_entities_do_not_survive(self) -> None:
        assert clean_text("Tom &amp;amp; Jerry <b onclick=x>run</b>", 100) == "Tom & Jerry run"

    def test_enormous_values_are_cut(self) -> None:
        page = (
            f'<html><head><meta property="og:title" content="{"word " * 100_000}"></head><body><p>x</p></body></html>'
        )
        title = read(page).title
        assert title is not None
        assert len(title) <= 500

    @pytest.mark.parametrize(
        "url", ["javascript:alert(1)", "data:text/html,x", "http://[::1", "", "x" * 5000, "//", "file:///etc/passwd"]
    )
    def test_an_image_that_is_no_web_address_is_none(self, url: str) -> None:
        assert not clean_url(url, "https://ledger.example/") or clean_url(url, "https://ledger.example/").startswith(
            "https://ledger.example/"
        )

    def test_a_canonical_of_another_site_is_not_believed(self) -> None:
        assert (
            read(
                '<html><head><link rel="canonical" href="https://other.example/a"></head><body><p>x</p></body></html>'
            ).canonical
            is None
        )

    def test_a_canonical_that_is_no_article_is_not_believed(self) -> None:
        assert (
            read(
                '<html><head><link rel="canonical" href="https://ledger.example/"></head><body><p>x</p></body></html>'
            ).canonical
            is None
        )

    def test_several_canonicals_are_none(self) -> None:
        links = "".join(f'<link rel="canonical" href="https://ledger.example/{n}">' for n in "ab")
        assert read(f"<html><head>{links}</head><body><p>x</p></body></html>").canonical is None


@pytest.mark.parametrize(
    ("text", "language"),
    [("en_gb", "en-GB"), ("EN", "en"), ("zh-hans-cn", "zh-Hans-CN"), ("cy", "cy"), ("english", ""), ("", "")],
)
def test_a_language_is_written_as_bcp_47_has_it(text: str, language: str) -> None:
    assert normal_language(text) == language


class TestPlainBylines:
    def test_a_byline_that_nothing_marks_is_found_below_the_headline(self) -> None:
        line = "<div class='x7'>2 March 2026</div><div class='x9'>By Mary Ann O'Hara</div>"
        found = read(f"<html><body><h1>Bins will be blue</h1>{line}<p>Text</p></body></html>")
        assert found.authors == ("Mary Ann O'Hara",)
        assert found.origins["authors"] == "byline"

    @pytest.mark.parametrize(
        "line",
        [
            "By noon the road was open again.",
            "By Tuesday Night The Flood Had Reached Every House In The Lower Town And Beyond",
            "By reading on you agree to our terms",
        ],
    )
    def test_a_sentence_that_begins_with_by_is_no_byline(self, line: str) -> None:
        assert read(f"<html><body><h1>Bins will be blue</h1><p>{line}</p></body></html>").authors == ()
