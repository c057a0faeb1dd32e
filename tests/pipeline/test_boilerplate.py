"""The site's memory: what it learns from a site's pages, and what it never takes."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.boilerplate import WINDOW, Memory, Observed, digest_words, join, learn, sketch_page
from pipeline.extract import observe_page
from tests.pipeline.furnished_pages import (
    BEGAN,
    MARKUPS,
    Furnished,
    Newsroom,
    extract,
    learn_from,
    observe,
    score,
)
from tests.pipeline.some_pages import HOST


@dataclass(frozen=True)
class Plain:
    """A block as the memory asks of one."""

    text: str
    kind: str = "paragraph"
    place: str = "div/p"
    link_share: float = 0.0
    label: str = ""


def own_text(number: int, paragraphs: int = 6) -> list[Plain]:
    newsroom = Newsroom(markup="flat", seed=1000 + number)
    return [Plain(f"{newsroom.paragraph()} That was number {number}.") for _ in range(paragraphs)]


def sketch(blocks: Sequence[Plain], name: str, minutes: int = 0) -> Observed:
    return sketch_page(blocks, article=name, seen=BEGAN + timedelta(minutes=minutes))


def taken(memory: Memory, blocks: Sequence[Plain]) -> set[str]:
    return {blocks[number].text for number in memory.judge_page(blocks)}


@pytest.mark.parametrize("markup", MARKUPS)
class TestANewsroom:
    def test_thirty_pages_teach_a_first_run(self, markup: str) -> None:
        newsroom = Newsroom(markup=markup)
        first = [newsroom.page(0) for _ in range(30)]
        precision, recall = score(first, learn_from(first))
        assert precision >= 0.95
        assert recall >= 0.995

    def test_a_second_run_reads_other_jobs_and_repeated_sentences_rightly(self, markup: str) -> None:
        newsroom = Newsroom(markup=markup, seed=2)
        memory = learn_from([newsroom.page(0) for _ in range(30)])
        second = [newsroom.page(1) for _ in range(24)]
        precision, recall = score(second, learn_from(second, memory))
        assert precision >= 0.98
        assert recall >= 0.995
        _, recall = score([page for page in second if page.repeated], memory)
        assert recall >= 0.995

    def test_a_page_that_taught_nothing_itself_is_read_rightly_too(self, markup: str) -> None:
        newsroom = Newsroom(markup=markup, seed=3)
        memory = learn_from([newsroom.page(day) for day in range(2) for _ in range(20)])
        precision, recall = score([newsroom.page(5) for _ in range(8)], memory)
        assert precision >= 0.95
        assert recall >= 0.995


def test_what_is_left_out_stands_in_stripped_with_its_reason_and_comes_back_without_the_memory() -> None:
    newsroom = Newsroom(markup="flat")
    pages = [newsroom.page(0) for _ in range(12)]
    article = extract(pages[0], learn_from(pages))
    left_out = "\n".join(block.text for block in article.stripped if block.rule == "memory")
    assert "Latest jobs" in left_out
    assert any("of 12 pages of the site" in block.reason for block in article.stripped if block.rule == "memory")
    assert "Latest jobs" not in article.text
    assert "Latest jobs" in extract(pages[0], None).text
    assert extract(pages[0], Memory()) == extract(pages[0], None)


def test_it_tells_in_words_what_it_learned() -> None:
    newsroom = Newsroom(markup="flat")
    memory = learn_from([newsroom.page(0) for _ in range(30)])
    said = memory.describe()
    assert any(
        line.startswith('left out on 30 of 30 pages: what follows "Latest jobs" (below the text') for line in said
    )
    assert any(line.startswith("kept on ") and '"The council said:" (inside the text)' in line for line in said)
    assert "belong to the text" in memory.summary


def test_copies_of_one_story_teach_nothing_however_many_they_are() -> None:
    story = own_text(1)
    pages = [sketch([*story, Plain(f"Copy {number}")], f"copy {number}") for number in range(50)]
    memory = learn(None, pages, BEGAN)
    assert memory.stories == 1
    assert memory.lessons == ()


def test_a_story_that_is_copied_a_lot_beside_others_keeps_its_paragraphs() -> None:
    story = own_text(1)
    pages = [sketch([Plain("News"), *story, Plain("Copyright us")], f"copy {number}") for number in range(20)]
    pages += [sketch([Plain("News"), *own_text(n), Plain("Copyright us")], f"own {n}") for n in range(2, 14)]
    memory = learn(None, pages, BEGAN)
    assert memory.stories == 13
    assert taken(memory, [Plain("News"), *story, Plain("Copyright us")]) == {"News", "Copyright us"}


def test_one_page_alone_teaches_nothing_whatever_it_repeats() -> None:
    spam = [Plain("Buy our pills today, they are the best pills in the world.")] * 5000
    memory = learn(None, [sketch(spam, "spam"), *(sketch(own_text(n), f"own {n}") for n in range(9))], BEGAN)
    assert {lesson.kind for lesson in memory.lessons} <= {"text"}
    assert taken(memory, spam[:3]) == set()


def test_a_page_of_fifty_thousand_paragraphs_is_sketched_and_judged_quickly_and_in_little_room() -> None:
    blocks = [Plain("The same paragraph over and over again, as if it were of any use.")] * 50_000
    began = time.process_time()
    observed = sketch(blocks, "page")
    memory = learn(None, [observed, *(sketch(own_text(n), f"own {n}") for n in range(9))], BEGAN)
    memory.judge_page(blocks)
    assert time.process_time() - began < 2
    assert len(observed.to_json()) < 20_000


def test_a_full_memory_stays_small_and_is_worked_out_quickly() -> None:
    pages = []
    for number in range(WINDOW + 30):
        blocks = [*own_text(number, 20), *(Plain(f"Box {box}, line {box * 7}") for box in "abcdefghijklmnopqrst" * 4)]
        pages.append(sketch(blocks, f"page {number}", number))
    began = time.process_time()
    memory = learn(None, pages, BEGAN + timedelta(days=1))
    assert time.process_time() - began < 5
    assert len(memory.pages) == WINDOW
    assert len(memory.to_json()) < 600_000


def test_lessons_age_out_with_the_pages_that_taught_them() -> None:
    old = [sketch([*own_text(n), Plain("Old footer of ours")], f"old {n}", n) for n in range(20)]
    memory = learn(None, old, BEGAN)
    assert "Old footer of ours" in taken(memory, [*own_text(50), Plain("Old footer of ours")])
    new = [sketch([*own_text(100 + n), Plain("New footer of ours")], f"new {n}", 1_400_000 + n) for n in range(40)]
    memory = learn(memory, new, BEGAN + timedelta(days=1000))
    assert {sketched.article[:3] for sketched in memory.pages} == {"new"}
    assert taken(memory, [*own_text(50), Plain("Old footer of ours"), Plain("New footer of ours")]) == {
        "New footer of ours"
    }


def test_versions_of_an_article_count_once_and_the_newest_is_kept() -> None:
    pages = [sketch([*own_text(n), Plain("Footer")], "one article", n) for n in range(10)]
    memory = learn(None, pages, BEGAN)
    assert [page.seen for page in memory.pages] == [BEGAN + timedelta(minutes=9)]


def test_a_text_is_never_emptied_and_the_reason_is_told() -> None:
    frame = [Plain(f"Box number {name} with a fairly long line of furniture in it", place="x") for name in "abcdefghij"]
    memory = learn(None, [sketch([*own_text(n), *frame], f"page {n}") for n in range(10)], BEGAN)
    page = [Plain("A short notice that stands alone on its page today, nothing more."), *frame]
    review = memory.review(page, [True] * len(page))
    assert review.taken == {}
    assert review.held.startswith("would have taken ")
    article = own_text(70)
    assert len(memory.review([*article, *frame], [True] * 16).taken) == 10
    assert memory.review(page, [False] * len(page)).taken == {}


def test_the_headline_of_another_page_is_known_for_a_link_to_it() -> None:
    pages = [
        sketch_page(
            [Plain(f"Headline of the story number {name}"), *own_text(n)],
            article=name,
            seen=BEGAN,
            titles=[f"Headline of the story number {name} | The Paper"],
        )
        for n, name in enumerate("abcd")
    ]
    memory = learn(None, pages, BEGAN)
    body = own_text(9)
    page = [*body[:3], Plain("Read this: Headline of the story number b"), *body[3:]]
    assert taken(memory, page) == {"Read this: Headline of the story number b"}


def test_what_a_run_keeps_makes_the_same_memory_again() -> None:
    newsroom = Newsroom(markup="named")
    first, second = ([newsroom.page(day) for _ in range(12)] for day in (0, 1))
    now = BEGAN + timedelta(days=3)
    one = learn(None, observe(first), now).of_run("ledger", "20261116T060000Z-00000000", observe(first))
    memory = join(None, one, now)
    two = learn(memory, observe(second), now).of_run("ledger", "20261117T060000Z-00000000", observe(second))
    assert join(join(None, two, now), one, now).lessons == join(memory, two, now).lessons
    assert join(join(memory, two, now), two, now) == join(memory, two, now)
    assert len(one.pages) == len(two.pages) == 12
    assert Memory.model_validate_json(two.to_json()) == two


def test_a_document_of_an_older_or_newer_kind_is_read_as_far_as_it_goes() -> None:
    old = Memory.model_validate_json(b'{"site": "x", "unknown": [1], "pages": [], "texts": {}}')
    assert old.judge_page(own_text(1)) == {}
    broken = b'{"pages": [{"article": "a", "seen": "2026-11-16T06:00:00Z", "blocks": "torn"}]}'
    assert learn(Memory.model_validate_json(broken), [], BEGAN).lessons == ()


def test_numbers_and_typography_make_no_other_block_but_another_sentence() -> None:
    assert digest_words("Comments (12)") == digest_words("comments  (3)")
    assert digest_words("It's here") == digest_words("It\u2019s here")
    assert digest_words("He was fined 120 pounds and ordered to pay costs.") != digest_words(
        "He was fined 999 pounds and ordered to pay costs."
    )


def test_a_page_without_text_teaches_nothing() -> None:
    assert observe_page(b"%PDF-1.4", requested=f"{HOST}/a", captured_at=BEGAN, content_type="application/pdf") is None
    assert observe_page(b"", requested=f"{HOST}/a", captured_at=BEGAN) is None


words = st.text(alphabet="abcdefghij klmnop", min_size=1, max_size=60)


@settings(max_examples=30)
@given(st.lists(st.lists(words, min_size=1, max_size=12), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_pages_does_not_matter(pages: list[list[str]], chance: random.Random) -> None:
    sketches = [
        sketch([*own_text(number % 5, 3), *map(Plain, lines)], f"page {number}") for number, lines in enumerate(pages)
    ]
    memory = learn(None, sketches, BEGAN)
    mixed = list(sketches)
    chance.shuffle(mixed)
    half = len(mixed) // 2
    assert learn(None, mixed, BEGAN) == memory
    twice = learn(learn(None, mixed[:half], BEGAN), mixed[half:], BEGAN)
    assert [(lesson.kind, lesson.mark, lesson.pages) for lesson in twice.lessons] == [
        (lesson.kind, lesson.mark, lesson.pages) for lesson in memory.lessons
    ]


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.sampled_from(MARKUPS))
def test_a_paragraph_that_one_article_alone_has_is_never_taken(seed: int, markup: str) -> None:
    newsroom = Newsroom(markup=markup, seed=seed % 50)
    pages: list[Furnished] = [newsroom.page(0) for _ in range(10)]
    memory = learn_from(pages)
    page = pages[seed % 10]
    kept = extract(page, memory).text
    assert all(line in kept for line in page.lines if line not in page.repeated)


def test_a_line_that_says_what_it_is_is_known_by_its_beginning_outside_of_the_text_only() -> None:
    pages = [
        sketch([*own_text(n), Plain(f"Filed under: topic {'abcdefghij'[n]}, more")], f"page {n}") for n in range(10)
    ]
    memory = learn(None, pages, BEGAN)
    page = [*own_text(40), Plain("Filed under: a new topic"), Plain("The council: not happy")]
    assert taken(memory, page) == {"Filed under: a new topic"}


# --- boxes, captions, beginnings, and what is given back --------------------------------------------------


def spell(number: int) -> str:
    """A word for each number: figures make no difference between lines."""
    return "".join("abcdefghij"[int(figure)] for figure in str(number))


def flat_page(number: int) -> list[Plain]:
    """A page in one element: caption, credit, byline, a promotion, and a box of events that change amid the text."""
    own = own_text(100 + number, 6)
    return [
        Plain("Home News Sport"),
        Plain(f"The ward of {spell(number)} from the hill"),
        Plain(f"Picture: {('Ann Frame', 'Bo Lens')[number % 2]}"),
        *([] if number % 3 else [Plain("Enter our awards")]),
        Plain(f"By Writer {'ABCDEFGH'[number % 8]}, {number} May"),
        Plain("Share this page"),
        *own[:2],
        Plain("Events near you"),
        *(
            Plain(f"{name} of ward {spell(number)}, {number + 1} June")
            for name in ("Fair", "Walk", "Talk")[: 2 + number % 2]
        ),
        Plain("All events"),
        *own[2:4],
        Plain(f"The foot of the stairs in ward {spell(number)}"),
        Plain(f"Picture: {('Ann Frame', 'Bo Lens')[number % 2]}"),
        *own[4:],
        Plain("Copyright us"),
    ]


def test_lines_of_boxes_captions_and_bylines_are_known_by_what_stands_round_them_where_all_is_one_element() -> None:
    memory = learn(None, [sketch(flat_page(n), f"page {n}") for n in range(30)], BEGAN)
    for number in (31, 45, 60):
        page = flat_page(number)
        own = {block.text for block in page if "That was number" in block.text}
        assert taken(memory, page) == {block.text for block in page} - own
    said = "\n".join(memory.describe())
    assert 'the lines that follow "Events near you", up to the next known one' in said
    assert 'the line before "Picture: Ann Frame"' in said


def test_a_list_of_the_text_behind_a_heading_that_recurs_is_no_box() -> None:
    def page(number: int) -> list[Plain]:
        own = own_text(200 + number, 4)
        items = [Plain(f"a measure for ward {spell(number)}, the {name}") for name in ("first", "second")]
        led = [Plain("What the council will do:"), *items] if number % 3 == 1 else []
        return [Plain("Home News Sport"), *own[:2], *led, *own[2:], Plain("Us")]

    memory = learn(None, [sketch(page(n), f"page {n}") for n in range(30)], BEGAN)
    assert not taken(memory, page(40)) & {block.text for block in page(40)[4:6]}


def marked_page(number: int) -> list[Plain]:
    """A page whose mark-up tells: text and legal lines in one place, furniture in others."""
    own = own_text(300 + number, 6)
    legal = [
        Plain("Notes", "heading", "main/h2"),
        Plain("The authority was set up in 2016 by five councils.", place="main/p"),
    ]
    return [
        Plain("Home News Sport", place="nav/p"),
        *(Plain(block.text, place="main/p") for block in own[:3]),
        Plain(f"On the {spell(number)}", "heading", "main/h2"),
        *(Plain(block.text, place="main/p") for block in own[3:]),
        *([] if number % 4 else legal),
        Plain("More stories", "heading", "aside/h2"),
        Plain("A story of another page that many people read", place="aside/p", link_share=1.0),
    ]


def test_legal_lines_that_recur_below_the_text_stay_where_only_text_stands() -> None:
    memory = learn(None, [sketch(marked_page(n), f"page {n}") for n in range(32)], BEGAN)
    page = marked_page(40)
    assert {block.text for block in page if block.place.startswith("main")}.isdisjoint(taken(memory, page))
    assert {"Home News Sport", "More stories"} <= taken(memory, page)


def test_a_box_that_moves_into_the_text_ends_it_no_more() -> None:
    memory = learn(None, [sketch(marked_page(n), f"page {n}") for n in range(32)], BEGAN)
    page = marked_page(41)
    page = [*page[:3], *page[-2:], *page[3:-2]]
    assert {block.text for block in page if block.place == "main/p"}.isdisjoint(taken(memory, page))


def test_headings_within_the_text_are_given_back_and_those_of_boxes_are_not() -> None:
    memory = learn(None, [sketch(marked_page(n), f"page {n}") for n in range(32)], BEGAN)
    page = marked_page(40)
    kept = [block.place == "main/p" for block in page]
    given = memory.review(page, kept).given
    assert {page[number].text for number in given} == {f"On the {spell(40)}", "Notes"}
    assert all("of the site" in why for why in given.values())


ADVERTS = [Plain(f"The {word} sale ends on Sunday, with free delivery on everything in store.") for word in "abcdef"]


def advertised_page(number: int, day: int, *, legal: bool) -> list[Plain]:
    """A page in which one of six adverts stands amid the text, another one every day, and perhaps a line of law."""
    own = own_text(number)
    said = (
        [Plain("Anyone with information is asked to call the police on 101, or to go to a station.")] if legal else []
    )
    return [*own[: 2 + number % 3], ADVERTS[(number * 5 + day) % 6], *own[2 + number % 3 :], *said]


def test_what_comes_and_goes_on_pages_captured_again_is_left_out_and_what_stays_is_kept() -> None:
    first = [sketch(advertised_page(n, 0, legal=n % 4 == 0), f"page {n}") for n in range(30)]
    later = [sketch(advertised_page(n, 1, legal=n % 4 == 0), f"page {n}", 1440) for n in range(10)]
    new = advertised_page(50, 1, legal=True)
    assert taken(learn(None, first, BEGAN), new) == set()
    memory = learn(learn(None, first, BEGAN), later, BEGAN)
    assert memory == learn(None, [*later, *first], BEGAN)
    assert taken(memory, new) == {advert.text for advert in ADVERTS} & {block.text for block in new}
    assert any("comes and goes on pages that were captured again" in line for line in memory.describe())


def test_what_came_and_went_is_still_known_when_the_same_capture_is_learned_once_more() -> None:
    first = [sketch(advertised_page(n, 0, legal=False), f"page {n}") for n in range(12)]
    later = [sketch(advertised_page(n, 1, legal=False), f"page {n}", 1440) for n in range(12)]
    memory = learn(learn(None, first, BEGAN), later, BEGAN)
    assert learn(memory, later, BEGAN) == memory


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


def test_short_lines_between_an_end_and_what_always_stands_below_go_on_a_short_page_too() -> None:
    def page(number: int, paragraphs: int) -> list[Plain]:
        events = [
            Plain(f"Craft fair, the hall of {spell(number + n)}, on a Sunday in May. Bring a friend.") for n in range(3)
        ]
        return [*own_text(number, paragraphs), Plain("What is on near you"), *events, Plain("Follow us")]

    memory = learn(None, [sketch(page(n, 6), f"page {n}") for n in range(30)], BEGAN)
    short = page(80, 2)
    assert taken(memory, short) == {block.text for block in short[2:]}
