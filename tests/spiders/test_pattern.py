"""What is said of a regular expression without running it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spiders.pattern import MAX_URL, find_ambiguity, find_reach

HOST = "https://www.example.gov.uk/"


@pytest.mark.parametrize(
    "pattern",
    [
        r"https://www\.example\.gov\.uk/news/\d+",
        r"https?://(?:www\.)?example\.gov\.uk/[^/?]+",
        r"^https://www\.example\.gov\.uk/\w{3,}$",
        r"(?:https://news\.example\.gov\.uk/a|https://www\.example\.gov\.uk/b)",
        r"[a-z]+://www\.example\.gov\.uk/.*",
        r"https://www\.example\.gov\.uk/(?:a/)*b",
        r".*",
        r"(?:.{3})+/x",
    ],
)
def test_a_pattern_that_can_go_on_from_a_beginning_reaches_it(pattern: str) -> None:
    assert find_reach(pattern, HOST) is True


@pytest.mark.parametrize(
    "pattern",
    [
        r"/news/\d+",
        r"https://www\.example\.gov\.uk",
        r"https://other\.gov\.uk/.*",
        r"http://www\.example\.gov\.uk/.*",
        r"[0-9]+://www\.example\.gov\.uk/.*",
    ],
)
def test_a_pattern_that_cannot_match_anything_from_a_beginning_does_not_reach_it(pattern: str) -> None:
    assert find_reach(pattern, HOST) is False


@pytest.mark.parametrize("pattern", [r"(?=https).*", r"(a)?(?(1)b|c)", r"(?i)https://x/", r"(h)ttps://\1"])
def test_what_cannot_be_followed_is_not_refused(pattern: str) -> None:
    assert find_reach(pattern, HOST) is None


PARTS = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", r"\d", r"\w", "(?:ab)", "(?:a|b)", "(?:a|)", "b?", "a{1,3}"])
PATTERNS = st.lists(st.tuples(PARTS, st.sampled_from(["", "", "*", "?", "+?"])), max_size=5).map(
    lambda parts: "".join(part + ("" if part[-1] in "?}" else repeat) for part, repeat in parts)
)


@settings(max_examples=300, deadline=None)
@given(pattern=PATTERNS, text=st.text("ab1", max_size=6), cut=st.integers(0, 6))
def test_the_beginning_of_whatever_matches_is_reached(pattern: str, text: str, cut: int) -> None:
    import re

    if re.fullmatch(pattern, text):
        assert find_reach(pattern, text[:cut]) is not False


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+b",
        r"([a-z0-9]+-?)+",
        r"(?:[a-z]+c[a-z]*)*x",
        r"(.*)*x",
        r"(?:\w+\s?)*$",
        r"(?:[a-z]{2,5})+!",
        r"(?:[a-z]?[a-z])+!",
        r"(a|b+)*c",
        r"(?:(?:-[a-z]+)*[a-z])+!",
        r"https://x/(?:[^/]+/?)+\.html",
    ],
)
def test_a_repetition_that_one_text_fills_in_many_ways_is_found(pattern: str) -> None:
    assert find_ambiguity(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:[a-z]+-)*[a-z]+",
        r"(?:/[^/]+)+",
        r"(?:[^/]+/)*[^/]+\.html",
        r"(?:/[a-z]+(?:-[a-z]+)*)+",
        r"(?:ab+c)+",
        r"[a-z0-9-]+",
        r"(?:a++)+",
        r"(?:[a-z]{3})+",
        r"(?:/[a-z]+(?:\.html)?)+",
    ],
)
def test_a_repetition_with_a_separator_is_let_through_and_is_quick(pattern: str) -> None:
    import re

    assert find_ambiguity(pattern) is None
    begun = time.perf_counter()
    for character in ("a", "/a", "a-", "ab"):
        re.fullmatch(pattern, (character * MAX_URL)[:MAX_URL] + "\n")
    assert time.perf_counter() - begun < 2


@settings(max_examples=200, deadline=None)
@given(pattern=PATTERNS)
def test_every_pattern_gets_an_answer(pattern: str) -> None:
    found = find_ambiguity(f"(?:{pattern})*")
    assert found is None or "repetition" in found
