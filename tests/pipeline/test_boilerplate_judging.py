"""Which blocks of a page are furniture by what was learned."""

from __future__ import annotations

from pipeline.boilerplate import learn
from tests.pipeline.furnished_pages import (
    BEGAN,
)
from tests.pipeline.remembered_pages import Plain, flat_page, jobs, marked_page, own_text, sketch, spell, taken


def test_a_line_that_says_what_it_is_is_known_by_its_beginning_outside_of_the_text_only() -> None:
    pages = [
        sketch([*own_text(n), Plain(f"Filed under: topic {'abcdefghij'[n]}, more")], f"page {n}") for n in range(10)
    ]
    memory = learn(None, pages, BEGAN)
    page = [*own_text(40), Plain("Filed under: a new topic"), Plain("The council: not happy")]
    assert taken(memory, page) == {"Filed under: a new topic"}


def test_lines_of_boxes_captions_and_bylines_are_known_by_what_stands_round_them_where_all_is_one_element() -> None:
    memory = learn(None, [sketch(flat_page(n), f"page {n}") for n in range(30)], BEGAN)
    for number in (31, 45, 60):
        page = flat_page(number)
        own = {block.text for block in page if "That was number" in block.text}
        assert taken(memory, page) == {block.text for block in page} - own
    said = "\n".join(memory.describe())
    assert 'the lines that follow "Events near you", up to the next known one' in said
    assert 'the line before "Picture: Ann Frame"' in said


def test_a_box_that_moves_into_the_text_ends_it_no_more() -> None:
    memory = learn(None, [sketch(marked_page(n), f"page {n}") for n in range(32)], BEGAN)
    page = marked_page(41)
    page = [*page[:3], *page[-2:], *page[3:-2]]
    assert {block.text for block in page if block.place == "main/p"}.isdisjoint(taken(memory, page))


def test_short_lines_between_an_end_and_what_always_stands_below_go_on_a_short_page_too() -> None:
    def page(number: int, paragraphs: int) -> list[Plain]:
        events = [
            Plain(f"Craft fair, the hall of {spell(number + n)}, on a Sunday in May. Bring a friend.") for n in range(3)
        ]
        return [*own_text(number, paragraphs), Plain("What is on near you"), *events, Plain("Follow us")]

    memory = learn(None, [sketch(page(n, 6), f"page {n}") for n in range(30)], BEGAN)
    short = page(80, 2)
    assert taken(memory, short) == {block.text for block in short[2:]}


def test_a_caption_is_known_by_the_label_of_its_credit_within_the_line_above_the_text_and_in_it() -> None:
    def page(number: int) -> list[Plain]:
        own = own_text(number)
        views = [
            Plain(f"Die Brücke von {spell(number)}{end}. Bild: Foto {'ABC'[number % 3]} / {spell(number * 7)}")
            for end in ("", " bei Nacht")
        ]
        return [Plain(f"Titel {spell(number)}", "heading"), views[0], *own[:2], *views[1 : 1 + number % 2], *own[2:]]

    memory = learn(None, [sketch(page(n), f"page {n}") for n in range(30)], BEGAN)
    result = Plain("The result of the vote: yes 40, no 2")
    left = taken(memory, [*page(41)[:4], result, *page(41)[4:]])
    assert {page(41)[1].text, page(41)[4].text} <= left
    assert not {result.text, *(block.text for block in own_text(41))} & left


def test_who_the_author_is_goes_behind_the_text_and_a_last_sentence_of_one_pattern_stays() -> None:
    def page(number: int) -> list[Plain]:
        writer = f"{('Ann', 'Bo', 'Cy', 'Di')[number % 4]} {('Frame', 'Lens', 'Pen')[number % 3]}"
        last = Plain(f"A hearing of the case of {spell(number)} was set down for May at Selby Crown Court.")
        about = Plain(f"{writer} writes about {('parks', 'roads')[number % 2]} and {spell(number)} for us every week.")
        return [Plain(f"By {writer}, {number} May"), *own_text(number), last, about, *jobs(number)]

    memory = learn(None, [sketch(page(n), f"page {n}") for n in range(30)], BEGAN)
    left = taken(memory, page(55))
    last, about = page(55)[7:9]
    assert about.text in left
    assert last.text not in left
