"""Sketches of pages."""

from __future__ import annotations

import time

from pipeline.boilerplate import digest_words, learn
from pipeline.extract import observe_page
from tests.pipeline.furnished_pages import (
    BEGAN,
)
from tests.pipeline.remembered_pages import Plain, own_text, sketch
from tests.pipeline.some_pages import HOST


def test_a_page_of_fifty_thousand_paragraphs_is_sketched_and_judged_quickly_and_in_little_room() -> None:
    blocks = [Plain("The same paragraph over and over again, as if it were of any use.")] * 50_000
    began = time.process_time()
    observed = sketch(blocks, "page")
    memory = learn(None, [observed, *(sketch(own_text(n), f"own {n}") for n in range(9))], BEGAN)
    memory.judge_page(blocks)
    assert time.process_time() - began < 2
    assert len(observed.to_json()) < 20_000


def test_numbers_and_typography_make_no_other_block_but_another_sentence() -> None:
    assert digest_words("Comments (12)") == digest_words("comments  (3)")
    assert digest_words("It's here") == digest_words("It\u2019s here")
    assert digest_words("He was fined 120 pounds and ordered to pay costs.") != digest_words(
        "He was fined 999 pounds and ordered to pay costs."
    )


def test_a_page_without_text_teaches_nothing() -> None:
    assert observe_page(b"%PDF-1.4", requested=f"{HOST}/a", captured_at=BEGAN, content_type="application/pdf") is None
    assert observe_page(b"", requested=f"{HOST}/a", captured_at=BEGAN) is None
