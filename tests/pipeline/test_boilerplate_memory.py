"""The site's memory as it is kept, run by run."""

from __future__ import annotations

import random
import time
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.boilerplate import WINDOW, Memory, join, learn, sketch_page
from tests.pipeline.furnished_pages import (
    BEGAN,
    Newsroom,
    observe,
)
from tests.pipeline.remembered_pages import Plain, advertised_page, marked_page, own_text, sketch, spell, taken


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


def test_headings_within_the_text_are_given_back_and_those_of_boxes_are_not() -> None:
    memory = learn(None, [sketch(marked_page(n), f"page {n}") for n in range(32)], BEGAN)
    page = marked_page(40)
    kept = [block.place == "main/p" for block in page]
    given = memory.review(page, kept).given
    assert {page[number].text for number in given} == {f"On the {spell(40)}", "Notes"}
    assert all("of the site" in why for why in given.values())


def test_what_came_and_went_is_still_known_when_the_same_capture_is_learned_once_more() -> None:
    first = [sketch(advertised_page(n, 0, legal=False), f"page {n}") for n in range(12)]
    later = [sketch(advertised_page(n, 1, legal=False), f"page {n}", 1440) for n in range(12)]
    memory = learn(learn(None, first, BEGAN), later, BEGAN)
    assert learn(memory, later, BEGAN) == memory
