"""Articles in eighteen languages and nine scripts: text, headline, author, date, language of each page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.cli.preview import stand_in_site
from pipeline.extract import extract_page
from pipeline.model import Article
from tests.pipeline.pages_of_languages import PAGES, Words, write_page

UNTOLD = {"drupal"}  # signs by a line that nothing names
ALLOWED = 0.03  # of a text's characters: the weights that decide are learned, and a short heading may go
INFLECTED = {"el"}  # signs in the genitive


def read(words: Words) -> Article:
    url = f"https://www.{words.language}.example/news/2026/story-1"
    found = extract_page(
        write_page(words).encode(),
        site=stand_in_site(url),
        url=url,
        requested=url,
        captured_at=datetime(2026, 4, 1, tzinfo=UTC),
    )
    assert found.article is not None, found.reason
    return found.article


@pytest.mark.parametrize("words", PAGES, ids=lambda words: words.language)
def test_an_article_is_read_whole_and_without_what_stands_around_it(words: Words) -> None:
    article = read(words)
    true, found = set(words.truth.split("\n")), set(article.text.split("\n"))
    wrong = sum(map(len, true ^ found))
    assert wrong <= ALLOWED * len(words.truth), true ^ found
    assert article.title == words.title
    assert (article.language or "")[:2] == words.language
    assert article.standfirst == words.standfirst
    assert article.published is not None
    assert article.published.value.date().isoformat() == words.date
    if words.system not in UNTOLD and words.language not in INFLECTED:
        assert [byline.name for byline in article.bylines] == [words.author]


@pytest.mark.parametrize("words", PAGES, ids=lambda words: words.language)
def test_what_was_stripped_is_kept_apart(words: Words) -> None:
    article = read(words)
    stripped = " ".join(part.text for part in article.stripped)
    assert words.newsletter in stripped
    assert words.caption in stripped
    assert any(words.caption.startswith(image.caption or " ") for image in article.images)
