"""How sure each field is."""

import pytest

from pipeline.metadata.confidence import weigh_fields
from pipeline.metadata.moments import parse_moment
from tests.pipeline.metadata.some_metadata import CLOCK, read, with_json


def test_every_filled_field_says_how_sure_it_is() -> None:
    found = read(with_json({"@type": "NewsArticle", "author": "Jo March", "datePublished": "2026-01-02"}))
    assert set(found.confidence) == set(found.origins) >= {"title", "authors", "published"}
    assert all(0 < value <= 1 for value in found.confidence.values())


def test_what_a_page_declares_is_surer_than_a_guess() -> None:
    sure = [
        weigh_fields({"published": place}, agreed=0, published=None, modified=None)["published"]
        for place in ("json-ld", "time", "htmldate")
    ]
    assert sure == sorted(sure, reverse=True)


@pytest.mark.parametrize(("agreed", "sure"), [(1.0, 0.95), (0.8, 0.95), (0.7, 0.8), (0.1, 0.6)])
def test_a_headline_is_as_sure_as_the_places_agree(agreed: float, sure: float) -> None:
    assert weigh_fields({"title": "h1"}, agreed=agreed, published=None, modified=None) == {"title": sure}


def test_a_change_before_publication_makes_both_dates_less_sure() -> None:
    early, late = parse_moment("2026-01-02", "json-ld", CLOCK), parse_moment("2026-03-02", "json-ld", CLOCK)
    origins = {"published": "json-ld", "modified": "json-ld"}
    right = weigh_fields(origins, agreed=0, published=early, modified=late)
    wrong = weigh_fields(origins, agreed=0, published=late, modified=early)
    assert all(wrong[name] < right[name] for name in origins)
