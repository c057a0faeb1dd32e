"""Blocks of a page and their labels."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.blocks import Block, label_of, read_blocks, width_of
from pipeline.page import parse_page


def cut(markup: str) -> list[Block]:
    tree = parse_page(f"<html><body>{markup}</body></html>")
    assert tree is not None
    return read_blocks(tree)


def texts(markup: str) -> list[str]:
    return [block.text for block in cut(markup)]


@pytest.mark.parametrize(
    ("names", "label"),
    [
        ("newsletter-signup", "newsletter"),
        ("job-list", "jobs"),
        ("column", ""),
        ("aside related-stories", "related"),
        ("roadside", ""),
        ("advert_box", "advert"),
        ("post-12 post type-post status-publish hentry tag-jobs author-archive", ""),
        ("node node--promoted no-sidebar", ""),
        ("tag-list", "tags"),
        ("cmp-text", ""),  # components, not consent
        ("cmpbox cmpboxinner", "cookie notice"),
    ],
)
def test_names_tell_what_a_block_is(names: str, label: str) -> None:
    assert label_of(names) == label


def test_inline_elements_do_not_part_words_and_white_space_between_them_stays() -> None:
    assert texts("<p>one<b>two</b> <i>three</i>\n<a href=x>four</a>, five</p>") == ["onetwo three four, five"]


def test_two_line_breaks_part_paragraphs_and_one_does_not() -> None:
    assert texts("<div>one<br>two<br> <br>three</div>") == ["one two", "three"]


def test_a_picture_between_line_breaks_parts_paragraphs() -> None:
    assert texts("<div>one<br><br><img src=a><br>two<br>three</div>") == ["one", "two three"]
    assert texts("<div>one<br><img src=a><br>two</div>") == ["one", "two"]
    assert texts("<div>one<br><br><img src=a>two</div>") == ["one", "two"]
    assert texts("<div>one <img src=a> two<br><img src=a> three</div>") == ["one two three"]


def test_a_line_break_before_an_element_parts_words_and_a_rule_before_one_parts_blocks() -> None:
    page = "<center><font>The Observer</font><br><font>since 1997</font></center>"
    assert texts(f"{page}<hr>\n<font><b>Bridge</b> closed</font>") == ["The Observer since 1997", "Bridge closed"]
    assert texts("<div>one<hr><b>two</b><br><i>three</i></div>") == ["one", "two three"]


def test_a_form_of_fields_alone_parts_the_text_before_it_from_the_text_behind_it() -> None:
    form = "<form><input name=email><button>Sign up</button></form>"
    assert texts(f"<div>one<br><br>{form}two<hr>three <i>four</i> five</div>") == ["one", "two", "three four five"]


def test_kinds_come_from_the_mark_up() -> None:
    blocks = cut(
        "<h2>Head</h2><p>Text</p><ol><li>One<ul><li><p>Two</p></li></ul></li></ol><blockquote><p>Said</p></blockquote>"
        "<figure><figcaption>Seen</figcaption></figure><pre>x = 1</pre>"
    )
    assert [(block.kind, block.level, block.ordered) for block in blocks] == [
        ("heading", 2, None),
        ("paragraph", None, None),
        ("item", 1, True),
        ("item", 2, False),
        ("quote", None, None),
        ("caption", None, None),
        ("code", None, None),
    ]


def test_a_table_of_data_is_one_block_and_one_that_arranges_the_page_is_none() -> None:
    data = (
        "<table><caption>Votes</caption><tr><th>Ward</th><th>Votes</th></tr><tr><td>Mill</td><td>12</td></tr></table>"
    )
    (block,) = cut(data)
    assert block.rows == (("Votes",), ("Ward", "Votes"), ("Mill", "12"))
    assert block.text == "Votes\nWard | Votes\nMill | 12"
    story = "The committee met on Tuesday evening and agreed to mend the bridge before the winter. " * 4
    assert len(cut(f"<table><tr><td>Menu</td><td><p>{story}</p><p>{story}</p></td></tr></table>")) == 3


def test_a_menu_is_one_block_unless_the_page_stands_in_it() -> None:
    assert texts("<nav><ul><li>Home<li>News</ul></nav><p>x</p>") == ["Home News", "x"]
    assert texts("<nav>Home<article><h1>Head</h1><p>Text</p></article>") == ["Home", "Head", "Text"]


def test_what_nobody_reads_is_no_block() -> None:
    assert texts("<script>a()</script><p>x</p><button>Go</button><select><option>1</select><style>b{}</style>") == ["x"]
    assert texts("<button><p>A button that was never closed</p>") == ["A button that was never closed"]


def test_a_place_is_the_same_on_pages_that_differ_in_numbers() -> None:
    places = {cut(f"<main><div class='story post-{n}' id='p{n}'><p>x</p></div></main>")[0].place for n in (1, 27, 4096)}
    assert places == {"main/div.story.post/p"}


def test_links_bold_and_times_are_counted() -> None:
    (block,) = cut("<p><a href=x>link</a> <b>bold</b> <time>time</time>text</p>")
    assert (block.link_share, block.bold_share, block.timed) == (0.25, 0.25, True)
    (linked,) = cut("<a href=x><div>all of it</div></a>")
    assert linked.link_share == 1


def test_a_page_of_50_000_elements_is_cut_in_bounded_time() -> None:
    for piece in ("<div>x", "<b>x", "<p>x", "<table><tr><td>x", "<nav>x", "<li>x", "<button>x", "<br><br>x"):
        began = time.process_time()
        assert len(cut(piece * 50_000)) <= 60_000
        assert time.process_time() - began < 10, piece


TAGS = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<div class=a1>",
        "</div>",
        "<b>",
        "</b>",
        "<br>",
        "<br><br>",
        "<li>",
        "<table>",
        "<td>",
        "word ",
        "x",
    ]
)


@given(st.lists(TAGS, max_size=40))
def test_blocks_have_all_the_text_of_the_page_once_and_in_its_order(pieces: list[str]) -> None:
    markup = "".join(pieces)
    tree = parse_page(f"<html><body>{markup}</body></html>")
    assert tree is not None
    whole = "".join("".join(tree.itertext()).split())
    blocks = [block.text.replace(" | ", "") for block in read_blocks(tree)]
    assert "".join("".join(blocks).split()) == whole


def test_line_breaks_part_paragraphs_where_only_a_script_a_field_or_an_empty_anchor_stands_between() -> None:
    tree = parse_page(
        "<html><body><div>One is here.<br><br><form><input name=e><button>OK</button></form>"
        "<img src=a><br>A view of the town<br>Photo: A. Lens<br><br><ins></ins><script>show()</script>Two is here."
        "<br><br><a name=three></a><b>Three</b> is he<wbr>re,<script>show()</script> too.</div></body></html>"
    )
    assert tree is not None
    texts = [block.text for block in read_blocks(tree)]
    assert texts == ["One is here.", "A view of the town Photo: A. Lens", "Two is here.", "Three is here, too."]


def test_letters_that_write_a_syllable_or_a_word_are_wide() -> None:
    assert width_of("bridge") == 6
    assert width_of("橋を直す") == 10
