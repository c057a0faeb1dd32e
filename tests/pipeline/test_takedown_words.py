from __future__ import annotations

import html
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.takedown.words import MARK, Finder, fold, mark_of


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("He said Ann's “house” fell.", f"He said {MARK} fell."),
        ("ANN’S  \"HOUSE\"", MARK),
        ("x ann's\n\"house\" y", f"x {MARK}\n{MARK} y"),
        ("Joann's \"house\" stood", "Joann's \"house\" stood"),
        ("Ann's \"house\"s", f"{MARK}s"),
        ("", ""),
    ],
)  # fmt: skip
def test_words_are_found_whatever_quotes_white_space_and_case_they_have(text: str, redacted: str) -> None:
    for finder in (Finder(["Ann's “house”"]), Finder([], [mark_of("Ann's “house”")])):
        assert finder.redact(text) == redacted
        assert finder.stands_in(text) == (MARK in redacted)


def test_words_that_go_over_the_end_of_a_line_are_blacked_out_in_both() -> None:
    finder = Finder(["one two three four"])
    assert finder.redact_lines(["zero one", "two three", "four five"]) == [f"zero {MARK}", MARK, f"{MARK} five"]


@pytest.mark.parametrize(
    "source",
    [
        "<p>The <b>Vander</b>sloot&nbsp;family</p>",
        "<description>&lt;p&gt;The Vandersloot&amp;nbsp;family&lt;/p&gt;</description>",
        "<title><![CDATA[Vandersloot family sues]]></title>",
        json.dumps({"items": [{"title": "Vandersloot\u00a0family \u201csues\u201d"}]}),
        json.dumps({"html": "<p>Vander<i>sloot</i></p> <p>family</p>"}),
        "Vander\u00adsloot family",
        "<p>Vandersloot</p><p>family</p>",
    ],
)
def test_words_are_found_in_a_source_however_it_writes_them(source: str) -> None:
    assert Finder(["Vandersloot family"]).stands_in_source(source)
    assert not Finder(["Vandersloot families"]).stands_in_source(source)


WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=30)


@given(WORDS, WORDS, WORDS)
def test_nothing_of_a_span_is_left_where_it_stood(before: str, span: str, after: str) -> None:
    assume(fold(span))
    finder = Finder([span])
    redacted = finder.redact(f"{before} {span} {after}")
    assert not finder.stands_in(redacted) or fold(span) in fold(MARK)
    assert finder.places(f"{before} {span} {after}")


@given(st.text(max_size=60))
def test_a_text_without_the_words_is_left_as_it_is(text: str) -> None:
    finder = Finder(["quite another thing"])
    assert finder.redact(text) == text


@given(WORDS)
def test_what_is_escaped_for_the_web_is_found(span: str) -> None:
    assume(fold(span) and "<" not in span and ">" not in span and "&" not in span)
    assert Finder([span]).stands_in_source(f"<p>{html.escape(span)}</p>")


def test_values_of_json_are_redacted_with_the_names_of_their_fields() -> None:
    found = Finder(["the words"]).redact_value({"The Words": ["a the words b", 1, None, {"x": "THE WORDS"}]})
    assert found == {MARK: [f"a {MARK} b", 1, None, {"x": MARK}]}
