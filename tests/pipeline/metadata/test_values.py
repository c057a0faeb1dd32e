"""Hostile values."""

import pytest

from pipeline.metadata import (
    clean_text,
    clean_url,
)
from tests.pipeline.metadata.some_metadata import read


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
