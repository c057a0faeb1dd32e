"""The words of the made-up newsroom."""

from __future__ import annotations

import random
from dataclasses import fields

import pytest

from bench.wording import WORDINGS, fill, write_paragraph


@pytest.mark.parametrize("language", WORDINGS)
def test_every_pattern_can_be_filled_in(language: str) -> None:
    words, rng = WORDINGS[language], random.Random(1)
    for pattern in (*words.patterns, *words.titles, *words.legal, *words.job_lines, *words.bios, *words.captions):
        text = fill(pattern, words, rng)
        assert text
        assert "{" not in text


@pytest.mark.parametrize("language", WORDINGS)
def test_paragraphs_of_articles_hardly_ever_come_twice(language: str) -> None:
    rng = random.Random(2)
    paragraphs = [write_paragraph(WORDINGS[language], rng) for _ in range(400)]
    assert len(set(paragraphs)) >= 398


@pytest.mark.parametrize("language", WORDINGS)
def test_nothing_is_empty(language: str) -> None:
    for field in fields(WORDINGS[language]):
        assert getattr(WORDINGS[language], field.name), field.name
