"""The first guess where on a page its article stands."""

import time

import pytest

from pipeline.blocks import read_blocks
from pipeline.frames import read_frames
from pipeline.page import parse_page
from tests.pipeline.some_pages import SENTENCES

TEXT = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
OTHER = "<div><p>Trains were late again on Monday, and nobody could say why that was so.</p></div>"


def guess(page: str) -> dict[str, bool]:
    """Text of each block of a page, and whether it was guessed to be text."""
    tree = parse_page(f"<html><body>{page}</body></html>")
    assert tree is not None
    blocks = read_blocks(tree)
    frames = read_frames(tree, blocks)
    return {block.text: share > 0 for block, share in zip(blocks, frames.shares, strict=True)}


@pytest.mark.parametrize(
    "opening",
    [
        "div class='article-body'",
        "article",
        "div id=story",
        "div class='content'",
        "main",
        "div itemprop='articleBody'",
    ],
)
def test_the_text_is_looked_for_in_what_calls_itself_the_article(opening: str) -> None:
    guessed = guess(f"{OTHER}<{opening}>{TEXT * 3}</{opening.split(maxsplit=1)[0]}>{OTHER}")
    assert all(guessed[sentence] for sentence in SENTENCES)
    assert sum(guessed.values()) == len(SENTENCES)


def test_where_nothing_calls_itself_so_long_paragraphs_are_taken() -> None:
    guessed = guess(f"<div>Home</div><div>{TEXT}</div>")
    assert not guessed["Home"]
    assert any(guessed[sentence] for sentence in SENTENCES)


def test_what_calls_itself_something_else_is_left_out_unless_it_is_much_of_the_text() -> None:
    assert not guess(f"<article>{TEXT * 3}<div class=newsletter><p>Our best by mail.</p></div></article>")[
        "Our best by mail."
    ]
    assert all(guess(f"<article><div class=newsletter>{TEXT * 3}</div></article>").values())


def test_a_heading_with_nothing_below_it_is_no_text() -> None:
    guessed = guess(f"<article><h2>First</h2>{TEXT * 3}<h2>More from us</h2></article>")
    assert (guessed["First"], guessed["More from us"]) == (True, False)


def test_a_page_without_text_and_one_that_is_very_deep_are_no_harm() -> None:
    assert guess("") == {}
    begun = time.process_time()
    guess("<div class='article-body main'>" * 20_000 + TEXT)
    assert time.process_time() - begun < 5
