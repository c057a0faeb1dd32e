"""Who signed a page, and where that stands."""

import pytest

from pipeline.metadata import (
    AUTHORS,
)
from tests.pipeline.metadata.some_metadata import read, with_json


class TestAuthors:
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
