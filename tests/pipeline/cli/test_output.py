"""What is printed is safe to print."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.output import safe, tell_particulars
from pipeline.model import Article, Contact, Image, Moment, Notice


def test_page_text_cannot_drive_the_terminal() -> None:
    assert safe("a\x1b[31mb\u202ec\r\n") == "a\\x1b[31mb\\u202ec\\r\n"


@given(st.text())
def test_only_printable_characters_and_line_ends_are_left(text: str) -> None:
    assert all(char == "\n" or char.isprintable() or char == "\u00a0" for char in safe(text))


@given(st.text(alphabet=st.characters(categories=["L", "N", "P"])))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert safe(text) == text


def test_what_an_article_says_beside_its_text_is_told_in_words_and_the_rest_left_out() -> None:
    story = Article(
        article="0f115db062b7c0dd030b",
        url="https://news.example/bridge",
        title="Bridge to be mended",
        text="It is to be mended.",
        words=5,
        digest="sha256:0",
        free=False,
        embargo=Moment(value=datetime(2026, 3, 6, 0, 1, tzinfo=UTC), original="00.01 6 MARCH 2026", source="text"),
        images=(Image(url="https://news.example/a.jpg", caption="The bridge", credit="PA"),),
        notices=(Notice(kind="correction", text="Correction: it is in Newtown."),),
        notes_to_editors="It is old.\nIt is listed.",
        contacts=(Contact(text="Press office: press@c.example", name="Press office", email="press@c.example"),),
    )
    assert list(tell_particulars(story.model_dump(mode="json"))) == [
        ("free", "no"),
        ("embargo", "2026-03-06T00:01:00Z (read: 00.01 6 MARCH 2026)"),
        ("images", "https://news.example/a.jpg / The bridge / credit: PA"),
        ("notices", "correction / Correction: it is in Newtown."),
        ("notes_to_editors", "It is old. / It is listed."),
        ("contacts", "Press office / press@c.example"),
    ]
