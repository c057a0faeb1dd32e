"""The site's memory: what it learns from a site's pages, and what it never takes."""

from __future__ import annotations

import pytest

from tests.pipeline.furnished_pages import MARKUPS, Newsroom, learn_from, score


@pytest.mark.parametrize("markup", MARKUPS)
def test_thirty_pages_teach_a_first_run_and_the_second_reads_cleanly(markup: str) -> None:
    newsroom = Newsroom(markup=markup)
    first = [newsroom.page(0) for _ in range(30)]
    memory = learn_from(first)
    precision, recall = score(first, memory)
    assert precision >= 0.95
    assert recall >= 0.995
