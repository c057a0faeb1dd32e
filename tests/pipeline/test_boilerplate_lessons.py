"""What recurs over stories, and what follows of it."""

from __future__ import annotations

from pipeline.boilerplate import learn
from tests.pipeline.furnished_pages import (
    BEGAN,
    Newsroom,
    learn_from,
)
from tests.pipeline.remembered_pages import (
    ADVERTS,
    Plain,
    advertised_page,
    jobs,
    marked_page,
    own_text,
    sketch,
    spell,
    taken,
)


def test_it_tells_in_words_what_it_learned() -> None:
    newsroom = Newsroom(markup="flat")
    memory = learn_from([newsroom.page(0) for _ in range(30)])
    said = memory.describe()
    assert any(
        line.startswith('left out on 30 of 30 pages: what follows "Latest jobs" (below the text') for line in said
    )
    assert any(line.startswith("kept on ") and '"The council said:" (inside the text)' in line for line in said)
    assert "belong to the text" in memory.summary


def test_a_list_of_the_text_behind_a_heading_that_recurs_is_no_box() -> None:
    def page(number: int) -> list[Plain]:
        own = own_text(200 + number, 4)
        items = [Plain(f"a measure for ward {spell(number)}, the {name}") for name in ("first", "second")]
        led = [Plain("What the council will do:"), *items] if number % 3 == 1 else []
        return [Plain("Home News Sport"), *own[:2], *led, *own[2:], Plain("Us")]

    memory = learn(None, [sketch(page(n), f"page {n}") for n in range(30)], BEGAN)
    assert not taken(memory, page(40)) & {block.text for block in page(40)[4:6]}


def test_legal_lines_that_recur_below_the_text_stay_where_only_text_stands() -> None:
    memory = learn(None, [sketch(marked_page(n), f"page {n}") for n in range(32)], BEGAN)
    page = marked_page(40)
    assert {block.text for block in page if block.place.startswith("main")}.isdisjoint(taken(memory, page))
    assert {"Home News Sport", "More stories"} <= taken(memory, page)


def test_what_comes_and_goes_on_pages_captured_again_is_left_out_and_what_stays_is_kept() -> None:
    first = [sketch(advertised_page(n, 0, legal=n % 4 == 0), f"page {n}") for n in range(30)]
    later = [sketch(advertised_page(n, 1, legal=n % 4 == 0), f"page {n}", 1440) for n in range(10)]
    new = advertised_page(50, 1, legal=True)
    assert taken(learn(None, first, BEGAN), new) == set()
    memory = learn(learn(None, first, BEGAN), later, BEGAN)
    assert memory == learn(None, [*later, *first], BEGAN)
    assert taken(memory, new) == {advert.text for advert in ADVERTS} & {block.text for block in new}
    assert any("comes and goes on pages that were captured again" in line for line in memory.describe())


def test_a_sentence_that_an_editor_takes_out_of_two_pages_is_no_advert() -> None:
    first = [sketch(advertised_page(n, 0, legal=n < 6), f"page {n}") for n in range(20)]
    later = [sketch(advertised_page(n, 0, legal=2 <= n < 6), f"page {n}", 1440) for n in range(20)]
    memory = learn(learn(None, first, BEGAN), later, BEGAN)
    assert taken(memory, advertised_page(50, 0, legal=True)) == set()


def test_a_text_that_goes_on_behind_a_box_is_not_ended_by_it() -> None:
    def page(number: int) -> list[Plain]:
        own = own_text(number, 8)
        links = [Plain(f"A story of {spell(number + n)} that is told elsewhere", link_share=1.0) for n in range(4)]
        more = [Plain(f"Another one of {spell(number + n)} to be read next", link_share=1.0) for n in range(5)]
        return [*own[:7], Plain("More on this"), *links, own[7], Plain("Most read"), *more, Plain("About us")]

    memory = learn(None, [sketch(page(n), f"page {n}") for n in range(30)], BEGAN)
    left = taken(memory, page(70))
    assert {"More on this", "Most read", "About us"} <= left
    assert page(70)[12].text not in left


def test_a_heading_behind_which_the_same_notes_always_stand_belongs_to_the_text() -> None:
    notes = [
        Plain("Notes to editors"),
        Plain("The joint board was set up in 2016 and is led by five towns of the coast."),
    ]

    def page(number: int) -> list[Plain]:
        promotion = Plain(f"Win tickets for the {('fair', 'show', 'race', 'match')[number % 4]}", link_share=0.4)
        return [*own_text(number), promotion, *(notes if number % 5 == 0 else [])]

    memory = learn(None, [sketch(page(n), f"page {n}") for n in range(30)], BEGAN)
    assert not {block.text for block in notes} & taken(memory, [*own_text(50), *notes])


def test_a_site_that_is_built_anew_is_known_from_its_new_pages() -> None:
    def old(number: int) -> list[Plain]:
        return [Plain("News Sport", place="div"), *own_text(number), Plain("Fair, town hall", place="div/p")]

    def new(number: int) -> list[Plain]:
        own = [Plain(block.text, place="main/p") for block in own_text(number)]
        fair = Plain(f"Fair on the {spell(number)}", place="aside/p")
        return [Plain("Home", place="nav"), *own[:3], fair, *own[3:], Plain("Imprint", place="footer")]

    pages = [sketch(old(n), f"page {n}") for n in range(60)]
    memory = learn(learn(None, pages, BEGAN), [sketch(new(n), f"page {n}", 1440) for n in range(60, 76)], BEGAN)
    assert {"Home", "Imprint"} <= taken(memory, new(90))
    assert "News Sport" in taken(memory, old(91))


def test_entries_of_a_register_keep_their_labelled_lines_though_these_recur_with_their_values() -> None:
    def page(number: int) -> list[Plain]:
        own = own_text(number, 4)
        return [
            Plain("The council's register of decisions"),
            Plain(f"Published on {number} May by the clerk"),
            Plain(f"Taken by: {('the board', 'the mayor')[number % 2]}"),
            Plain(f"Outcome: {('agreed', 'agreed', 'put off')[number % 3]}"),
            Plain(f"Urgent? {('Yes', 'No')[number % 2]}"),
            Plain(f"Reasons: {own[0].text}"),
            Plain(f"Other ways: {own[1].text}"),
            *own[2:],
            Plain("Subscribe to this page"),
            Plain(f"Day of publication: {number} May"),
        ]

    memory = learn(None, [sketch(page(n), f"page {n}") for n in range(30)], BEGAN)
    left = taken(memory, page(40))
    assert {page(40)[0].text, page(40)[1].text, page(40)[-2].text, page(40)[-1].text} == left
    assert any('what begins as "Outcome: ' in line for line in memory.describe())


def test_a_short_message_beside_a_known_line_amid_the_text_goes_and_paragraphs_there_stay() -> None:
    def page(number: int, *, message: bool) -> list[Plain]:
        own = own_text(number, 7)
        words = Plain(f"The shop of {spell(number)} has all that a garden needs this spring.")
        between = [words] if message else []
        return [*own[:3], *between, Plain("Get our letter"), *own[3:], *jobs(number)]

    memory = learn(None, [sketch(page(n, message=True), f"page {n}") for n in range(30)], BEGAN)
    asked = page(50, message=True)
    below = {block.text for block in jobs(50)}
    assert taken(memory, asked) == {asked[3].text, "Get our letter"} | below
    memory = learn(None, [sketch(page(n, message=False), f"page {n}") for n in range(30)], BEGAN)
    assert taken(memory, page(50, message=False)) == {"Get our letter"} | below
    assert not any(lesson.kind == "card" for lesson in memory.lessons)


def test_short_paragraphs_beside_a_known_line_stay_where_the_texts_are_made_of_such() -> None:
    def page(number: int) -> list[Plain]:
        own = [Plain(f"The number {spell(number * 17 + n)} was drawn on a day in May, they said.") for n in range(9)]
        return [*own[:3], Plain("Get our letter"), *own[3:], Plain("All rights reserved")]

    memory = learn(None, [sketch(page(n), f"page {n}") for n in range(30)], BEGAN)
    assert taken(memory, page(50)) == {"Get our letter", "All rights reserved"}


def test_a_box_amid_the_text_is_known_by_the_number_of_its_lines_where_nothing_known_closes_it() -> None:
    def page(number: int) -> list[Plain]:
        own = own_text(number, 6)
        lines = [Plain(f"Geld voor brug {spell(number)} {word}") for word in ("op komst", "te laat")]
        return [*own[:3], Plain("Lees ook"), *lines, *own[3:], Plain("Over deze site")]

    memory = learn(None, [sketch(page(n), f"page {n}") for n in range(30)], BEGAN)
    asked = page(50)
    assert taken(memory, asked) == {block.text for block in (*asked[3:6], asked[-1])}


def test_a_block_that_moves_as_the_site_is_built_anew_is_left_out_at_once() -> None:
    def page(number: int, place: int) -> list[Plain]:
        own = own_text(number, 8)
        own[place:place] = [Plain("What is on"), Plain(f"Fair in {spell(number)}"), Plain("See all")]
        return [Plain("Home"), *own, Plain("All rights reserved")]

    old = [sketch(page(n, 6), f"page {n}", n) for n in range(30)]
    new = [sketch(page(n, 2), f"page {n}", 100 + n) for n in range(30, 44)]
    memory = learn(learn(None, old, BEGAN), new, BEGAN)
    assert {"What is on", "See all"} <= taken(memory, page(60, 2))
    assert {"What is on", "See all"} <= taken(memory, page(61, 6))
