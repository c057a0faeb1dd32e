"""How articles begin: packed small, and known again under another address."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model import article_id
from pipeline.normal.openings import (
    WIDTH,
    Opening,
    Openings,
    add_openings,
    pack_openings,
    read_opening,
    unpack_openings,
)

STORIES = {
    f"https://x.example/{number}": "\n".join(
        f"Paragraph {line} of story number {number} tells what nobody else tells." for line in range(6)
    )
    for number in range(30)
}


def opening(url: str, text: str, title: str = "A headline") -> Opening:
    return read_opening(article_id(url), title, text, len(text.split()))


def known() -> Openings:
    packed = pack_openings(opening(url, text, f"Headline of {url}") for url, text in STORIES.items())
    return Openings(packed)


def test_a_text_under_another_address_is_old_and_under_its_own_is_not() -> None:
    url, text = next(iter(STORIES.items()))
    assert known().is_old(opening("https://x.example/again", text))
    assert not known().is_old(opening(url, text))
    assert known().find_words(opening(url, "")) == len(text.split())


def test_a_page_of_teasers_is_old() -> None:
    teasers = "\n".join(text.split("\n")[0] for text in list(STORIES.values())[:5])
    assert known().is_old(opening("https://x.example/tag/parks", teasers, "All about parks"))


def test_a_story_that_quotes_one_line_of_another_is_new() -> None:
    line = next(iter(STORIES.values())).split("\n")[0]
    text = f"Quite another story begins so, for once.\n{line}\nAnd goes on with words of its own, too."
    assert not known().is_old(opening("https://x.example/new", text))


def test_what_begins_many_articles_is_furniture() -> None:
    formula = "The committee resolved on that day as follows.\nThose present were the members named below."
    packed = pack_openings(opening(f"https://x.example/m/{n}", f"{formula}\nItem {n}.") for n in range(9))
    assert not Openings(packed).is_old(opening("https://x.example/m/10", f"{formula}\nItem 10."))


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.text(max_size=300), st.integers(0, 10**6)), max_size=8))
def test_openings_survive_packing(told: list[tuple[int, str, int]]) -> None:
    openings = [read_opening(article_id(str(number)), text[:20], text, words) for number, text, words in told]
    packed = pack_openings(openings)
    assert len(packed) == WIDTH * len(openings)
    assert list(unpack_openings(packed)) == openings
    assert list(unpack_openings(packed[:-1]))[: len(openings) - 1] == openings[:-1]


@settings(max_examples=30)
@given(st.text(max_size=200))
def test_what_is_damaged_is_left_out(packed: str) -> None:
    assert len(list(unpack_openings(packed))) <= len(packed) // WIDTH


def test_adding_is_bounded_and_counts_each_article_once() -> None:
    first = pack_openings(opening(url, text) for url, text in STORIES.items())
    assert add_openings("", first, most=100) == first
    assert add_openings(first, first, most=100) == first
    assert add_openings("", first, most=10) == first[-10 * WIDTH :]
