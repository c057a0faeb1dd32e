"""Section, tags, language, canonical URL."""

import pytest

from pipeline.metadata import (
    normal_language,
)
from tests.pipeline.metadata.some_metadata import read, with_json


@pytest.mark.parametrize(
    ("text", "language"),
    [("en_gb", "en-GB"), ("EN", "en"), ("zh-hans-cn", "zh-Hans-CN"), ("cy", "cy"), ("english", ""), ("", "")],
)
def test_a_language_is_written_as_bcp_47_has_it(text: str, language: str) -> None:
    assert normal_language(text) == language


class TestCanonical:
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


class TestTagsAndSection:
    def test_what_systems_write_among_the_tags_is_left_out(self) -> None:
        keywords = ["Ports", "contentId: e7533a37", "98be933f-38cf-4fba-b6c6-ad438e82010a", "Civic Ledger", "@river"]
        assert read(with_json({"@type": "NewsArticle", "keywords": keywords})).tags == ("Ports",)

    def test_an_entity_does_not_part_a_tag(self) -> None:
        assert read(with_json({"@type": "NewsArticle", "keywords": "PG&amp;E, Power"})).tags == ("PG&E", "Power")

    def test_a_section_that_says_something_comes_before_one_that_does_not(self) -> None:
        head = '<meta property="article:section" content="Planning">'
        page = with_json({"@type": "NewsArticle", "articleSection": "News"})
        assert read(page).section == "News"
        assert read(page.replace("<head>", "<head>" + head)).section == "Planning"
        assert read(with_json({"@type": "NewsArticle", "articleSection": "Home"})).section is None
