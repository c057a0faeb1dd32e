"""The text of a page."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.blocks import read_blocks
from pipeline.body import Body, align_text, extractor_version, read_body
from pipeline.metadata import Metadata
from pipeline.model import Byline
from pipeline.page import parse_page
from tests.pipeline.some_pages import PAGES, SENTENCES


def body_of(markup: str, **facts: str) -> Body:
    tree = parse_page(markup if "<body" in markup else f"<html><body>{markup}</body></html>")
    assert tree is not None
    return read_body(tree, Metadata(titles=(facts.get("title", ""),)))


STORY = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)


def test_the_version_names_what_made_the_text() -> None:
    assert re.fullmatch(r"muniment text \d+ \(trafilatura [\d.]+, weights [0-9a-f]{8}\)", extractor_version())


def test_the_text_is_made_of_the_kept_blocks_in_the_order_of_the_page() -> None:
    body = body_of((PAGES / "national.html").read_text(encoding="utf-8"))
    kept = [verdict.block.text for verdict in body.verdicts if verdict.kept]
    assert body.text.split("\n") == kept
    assert body.text == "\n".join(part.text for part in body.parts)


def test_every_visible_block_has_one_verdict_with_a_reason() -> None:
    written = (PAGES / "trade.html").read_text(encoding="utf-8")
    tree = parse_page(written)
    assert tree is not None
    body = body_of(written)
    assert [verdict.block.text for verdict in body.verdicts] == [block.text for block in read_blocks(tree)]
    assert all(verdict.why and verdict.rule for verdict in body.verdicts)


def test_what_was_left_out_says_behind_which_part_it_stood() -> None:
    body = body_of(
        f"<main><h1>Bridge</h1>{STORY}<aside class='related'><p>More news of bridges</p></aside></main>", title="Bridge"
    )
    assert [(one.reason, one.after) for one in body.stripped] == [("headline", 0), ("related", 4)]


def test_the_name_of_what_holds_the_whole_text_labels_nothing_in_it() -> None:
    links = "".join(f"<li><a href=/{number}>Another story of the town</a></li>" for number in range(9))
    body = body_of(f"<div class='author-page'><h1>Bridge</h1>{STORY}<ul>{links}</ul></div>", title="Bridge")
    assert [one.reason for one in body.stripped] == ["headline", "mostly links"]


def test_a_paragraph_that_stands_twice_is_kept_once() -> None:
    body = body_of(f"<main>{STORY}<p>{SENTENCES[0]}</p></main>")
    assert body.text.count(SENTENCES[0]) == 1


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("By Anna Nowak | 3 June 2026, 4:41pm", False),
        ("Anna Nowak", False),
        ("Tekst: Anna Nowak, 3 czerwca", False),
        ("Dodano: 3.06.2026 09:12 Aktualizacja: 3.06.2026 10:40", False),
        ("Anna Nowak widziała to wszystko z okna swojej kuchni", True),
        ("Anna Nowak broke her own record.", True),
        ("In 2026: 300 boats, 40 more than the year before", True),
    ],
)
def test_a_line_at_the_head_that_tells_only_who_signed_and_when_is_no_text(line: str, *, kept: bool) -> None:
    tree = parse_page(f"<html><body><main><h1>Bridge</h1><div><p>{line}</p>{STORY}</div></main></body></html>")
    assert tree is not None
    body = read_body(tree, Metadata(titles=("Bridge",), bylines=(Byline(name="Anna Nowak"),)))
    if kept:
        assert [verdict.rule for verdict in body.verdicts if verdict.block.text == line] != ["signature"]
    else:
        assert line not in body.text.split("\n")


def test_headings_of_chapters_stand_in_the_text_and_those_of_boxes_do_not() -> None:
    chapters = "".join(
        f"<section><h2>{name}</h2><div class=tekst><p>{sentence}</p></div></section>"
        for name, sentence in zip(("I. Trappen", "II. Lyset", "III. Natten", "IV. Havet"), SENTENCES, strict=False)
    )
    box = "<div class=boks><h2>Dokumenter</h2><ul><li><a href=/a.pdf>Planen</a></li></ul></div>"
    lines = body_of(f"<main><h1>Fyret</h1>{chapters}{box}</main>", title="Fyret").text.split("\n")
    assert [line for line in lines if line not in SENTENCES] == ["I. Trappen", "II. Lyset", "III. Natten", "IV. Havet"]


def test_a_text_without_spaces_between_its_words_is_kept() -> None:
    lines = ("橋の修理は冬の前に終わると市の委員会は火曜日の夜に決めた。", "費用は二年前に積み立てた予備費から出す。")
    body = body_of("<main>" + "".join(f"<p>{line * 3}</p>" for line in lines) + "</main>")
    assert body.text == "\n".join(line * 3 for line in lines)


def test_a_block_is_found_in_a_text_wholly_in_part_or_not_at_all() -> None:
    tree = parse_page(
        f"<html><body><p>{SENTENCES[0]}</p><p>{SENTENCES[1]} {SENTENCES[2]}</p><p>{SENTENCES[3]}</p><p>x</p>"
    )
    assert tree is not None
    whole, part, none, short = align_text(read_blocks(tree), f"{SENTENCES[0]}\n{SENTENCES[1]}\nx y")
    assert (whole, none, short) == (8, 0, 0)
    assert 2 < part < 7


PIECES = st.sampled_from(
    [
        *(f"<p>{sentence}</p>" for sentence in SENTENCES),
        *("<div>", "</div>", "<nav>Home", "</nav>", "<h2>Part</h2>", "<footer>©</footer>", "<ul><li>One<li>Two</ul>"),
        *(
            "<table><tr><td>1<td>2<tr><td>3<td>4</table>",
            "<div class=newsletter>Sign up</div>",
            "<br><br>",
            "\u202e",
            "x",
        ),
    ]
)


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, max_size=20))
def test_the_same_page_is_read_alike_twice_and_its_text_is_that_of_its_parts(pieces: list[str]) -> None:
    markup = "<html><body>" + "".join(pieces)
    first, second = body_of(markup), body_of(markup)
    assert (first.text, first.parts, first.stripped) == (second.text, second.parts, second.stripped)
    assert first.text == "\n".join(part.text for part in first.parts)
    assert (
        first.text.split("\n")
        == [line for verdict in first.verdicts if verdict.kept for line in verdict.block.text.split("\n")]
        or not first.text
    )
