"""What a search form asks for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.web.search import Asked, read_asked

NOTHING = {"text": "", "site": "", "since": "", "until": ""}


def test_a_last_day_is_searched_to_its_end() -> None:
    asked = read_asked({**NOTHING, "since": "2026-11-01", "until": "2026-11-30"})
    assert (asked.since, asked.until) == (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
    assert read_asked(NOTHING) == Asked()


@pytest.mark.parametrize("given", [{"since": "x"}, {"until": "2026-02-30"}, {"site": "No Site"}, {"site": ".."}])
def test_what_is_no_date_and_no_site_is_said_to_be_none(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"none|no such"):
        read_asked({**NOTHING, **given})


@pytest.mark.parametrize(
    ("text", "address"),
    [("https://news.example/a", True), ("0123456789abcdef0123", True), ("council budget", False), ("0123", False)],
)
def test_an_address_is_told_from_words(text: str, address: bool) -> None:
    assert Asked(text=text).address is address
