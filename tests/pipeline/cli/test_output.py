"""What is printed is safe to print."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.output import safe


def test_page_text_cannot_drive_the_terminal() -> None:
    assert safe("a\x1b[31mb\u202ec\r\n") == "a\\x1b[31mb\\u202ec\\r\n"


@given(st.text())
def test_only_printable_characters_and_line_ends_are_left(text: str) -> None:
    assert all(char == "\n" or char.isprintable() or char == "\u00a0" for char in safe(text))


@given(st.text(alphabet=st.characters(categories=["L", "N", "P"])))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert safe(text) == text
