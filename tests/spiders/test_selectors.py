"""Selectors of site files: what is refused, in which words, and what the translation finds."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.etree import XPath
from lxml.html import fromstring
from pydantic_core import PydanticCustomError

from spiders.selectors import check_field, check_selector, split_attribute, translate

PAGE = fromstring(
    "<html><body><main><h1 id='head'>Bridge</h1><p class='lead first'>One</p><p>Two</p><div class='promo'><p>Three</p>"
    "</div><h2 class='more'>More</h2><ul><li>Four</li></ul><ul><li>Five</li></ul></main></body></html>"
)


def _refusal(value: str, *, field: bool = False) -> str:
    with pytest.raises(PydanticCustomError) as refused:
        (check_field if field else check_selector)(value)
    context = refused.value.context or {}
    return f"{context['problem']}. {context['remedy']}"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "is empty"),
        ("p[", "'p[' is no CSS selector: expected ident"),
        ("//div[@class='x']", "is an XPath. Write a CSS selector"),
        ("p::text", 'Write "p".'),
        ("time::attr(datetime)", 'Write "time@datetime".'),
        ("time@datetime", "can be read in fields only"),
        ("a:hover", "has :hover, which no stored page ever is"),
        ("p:first-chld", "Write :first-child."),
        ("p:nosuchthing", "Known: :first-child"),
        ("p::before", "Name the element itself"),
        ("h2 ~ ul", "~ is not allowed: it takes the square of the number of siblings. Name what you mean"),
        ("p" * 201, "has 201 characters, 200 are allowed"),
    ],
)
def test_a_selector_that_cannot_be_used_is_refused_with_a_remedy(value: str, words: str) -> None:
    assert words in _refusal(value)


def test_a_field_may_name_an_attribute() -> None:
    assert split_attribute(check_field("time.date@datetime")) == ("time.date", "datetime")
    assert split_attribute(check_field("meta[name='a@b']@content")) == ("meta[name='a@b']", "content")
    assert split_attribute(check_field("meta[name='a@b']")) == ("meta[name='a@b']", None)
    assert "names no attribute behind the @" in _refusal("time@", field=True)


@pytest.mark.parametrize(
    ("selector", "texts"),
    [
        ("h2.more + ul", ["Four"]),
        ("main > h1 + p", ["One"]),
        ("main p + p", ["Two"]),
        ("p.lead, #head", ["Bridge", "One"]),
        ("main > :first-child", ["Bridge"]),
        ("main > :last-child", ["Five"]),
        ("div:has(> p)", ["Three"]),
        ("p:contains('Two')", ["Two"]),
        ("p:not(.lead)", ["Two", "Three"]),
        ("h2 + p", []),
    ],
)
def test_the_translation_finds_what_a_style_sheet_would(selector: str, texts: list[str]) -> None:
    found = XPath(translate(check_selector(selector)))(PAGE)
    assert [element.text_content() for element in found] == texts  # type: ignore[union-attr]


@pytest.mark.parametrize("selector", ["p + p", "p.x + p.x", "p:first-child", "p:last-child", ".x .x", "div:has(.x)"])
def test_no_selector_takes_the_square_of_a_page(selector: str) -> None:
    page = fromstring("<html><body><div>" + "<p class=x>y</p>" * 20_000 + "</div></body></html>")
    find = XPath(translate(check_selector(selector)))
    begun = time.process_time()
    find(page)
    assert time.process_time() - begun < 3


@given(st.text(alphabet=" .#>+~,:[]()='\"@*abcpdivnothashover-1\\{}é", max_size=60))
def test_whatever_is_accepted_can_be_held_against_a_page(value: str) -> None:
    try:
        selector, _ = split_attribute(check_field(value))
    except PydanticCustomError:
        return
    XPath(translate(selector))(PAGE)
