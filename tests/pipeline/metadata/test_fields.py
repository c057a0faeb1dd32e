"""Section, tags, language, canonical URL."""

import pytest

from pipeline.metadata import (
    normal_language,
)
from tests.pipeline.metadata.some_metadata import read


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
