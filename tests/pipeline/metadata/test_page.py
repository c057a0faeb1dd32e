"""JSON-LD: its usual faults, and which of its nodes speak of the page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.metadata import (
    parse_json_ld,
)
from tests.pipeline.metadata.some_metadata import read, with_json


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
