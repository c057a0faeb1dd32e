"""The site's memory: what it makes of newsrooms' pages, and what it never takes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.boilerplate import Memory
from tests.pipeline.furnished_pages import (
    MARKUPS,
    Furnished,
    Newsroom,
    extract,
    learn_from,
    score,
)


@pytest.mark.parametrize("markup", MARKUPS)
class TestANewsroom:
    def test_thirty_pages_teach_a_first_run(self, markup: str) -> None:
        newsroom = Newsroom(markup=markup)
        first = [newsroom.page(0) for _ in range(30)]
        precision, recall = score(first, learn_from(first))
        assert precision >= 0.95
        assert recall >= 0.995

    def test_a_second_run_reads_other_jobs_and_repeated_sentences_rightly(self, markup: str) -> None:
        newsroom = Newsroom(markup=markup, seed=2)
        memory = learn_from([newsroom.page(0) for _ in range(30)])
        second = [newsroom.page(1) for _ in range(24)]
        precision, recall = score(second, learn_from(second, memory))
        assert precision >= 0.98
        assert recall >= 0.995
        _, recall = score([page for page in second if page.repeated], memory)
        assert recall >= 0.995

    def test_a_page_that_taught_nothing_itself_is_read_rightly_too(self, markup: str) -> None:
        newsroom = Newsroom(markup=markup, seed=3)
        memory = learn_from([newsroom.page(day) for day in range(2) for _ in range(20)])
        precision, recall = score([newsroom.page(5) for _ in range(8)], memory)
        assert precision >= 0.95
        assert recall >= 0.995


def test_what_is_left_out_stands_in_stripped_with_its_reason_and_comes_back_without_the_memory() -> None:
    newsroom = Newsroom(markup="flat")
    pages = [newsroom.page(0) for _ in range(12)]
    article = extract(pages[0], learn_from(pages))
    left_out = "\n".join(block.text for block in article.stripped if block.rule == "memory")
    assert "Copyright Civic Ledger" in left_out
    assert any("of 12 pages of the site" in block.reason for block in article.stripped if block.rule == "memory")
    assert "Copyright Civic Ledger" not in article.text
    assert "Copyright Civic Ledger" in extract(pages[0], None).text
    assert extract(pages[0], Memory()) == extract(pages[0], None)


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.sampled_from(MARKUPS))
def test_a_paragraph_that_one_article_alone_has_is_never_taken(seed: int, markup: str) -> None:
    newsroom = Newsroom(markup=markup, seed=seed % 50)
    pages: list[Furnished] = [newsroom.page(0) for _ in range(10)]
    memory = learn_from(pages)
    page = pages[seed % 10]
    kept = extract(page, memory).text
    assert all(line in kept for line in page.lines if line not in page.repeated)
