"""How pages are sketched and compared."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.diagnosis.templates import SHARED, DateSpot, Sketch, compare_templates, shape_of, sketch_page
from pipeline.page import parse_page
from tests.golden import Golden, load_goldens

SENTENCE = "The committee met on Tuesday evening and agreed to mend bridge number {n} before the winter comes."


def a_sketch(
    number: int = 0, *, body: str = "div.story", head: str = "", date: str = "", post: str = "", more: str = ""
) -> Sketch:
    tag, _, name = body.partition(".")
    text = "".join(f"<p>{SENTENCE.format(n=f'{number} and {n}')}</p>" for n in range(4))
    written = (
        f"<html><head><title>t</title>{head}</head><body class='page-{number}'><header class='masthead'><p>The Ledger"
        f"</p></header><main><article class='{post}'><h1>Bridge {number}</h1>{date}<{tag} class='{name}'>{text}</{tag}>"
        f"</article></main>{more}<footer>About us</footer></body></html>"
    )
    tree = parse_page(written)
    assert tree is not None
    return sketch_page(tree, url=f"https://ledger.example/{number}", lines=[SENTENCE.format(n=f"{number} and 0")[:40]])


def sketches(*numbers: int, **facts: str) -> list[Sketch]:
    return [a_sketch(number, **facts) for number in numbers]


def test_pages_of_one_template_are_alike_whatever_they_tell() -> None:
    found = compare_templates(sketches(1, 2, 3), sketches(4, 5, 6))
    assert found is not None
    assert (found.alike, found.changes, found.text_moved) == (1.0, (), False)
    assert found.text_now is not None
    assert found.text_now.place == "main > article > div.story"


def test_a_body_that_stands_elsewhere_is_told_with_both_places() -> None:
    found = compare_templates(sketches(1, 2, 3), sketches(4, 5, 6, body="section.longread"))
    assert found is not None
    assert found.text_moved
    [moved] = [change for change in found.changes if change.change == "moved"]
    assert (moved.place, moved.moved_to) == ("main > article > div.story", "main > article > section.longread")
    assert (moved.before, moved.now) == (1.0, 0.0)
    assert [(change.place, change.change) for change in found.changes if change is not moved] == [
        ("main > article > div.story", "gone"),
        ("main > article > section.longread", "came"),
    ]


def test_words_of_a_block_are_told_only_where_three_pages_have_the_same() -> None:
    banner = "<div class='notice-box'><p>We would like your consent</p></div>"
    for pages in (SHARED - 1, SHARED):
        found = compare_templates(sketches(1, 2, 3), sketches(*range(4, 4 + pages), more=banner))
        assert found is not None
        [came] = found.came
        assert came.place == "div.notice-box"
        assert came.text == ("We would like your consent" if pages >= SHARED else "")
    own = [a_sketch(n, more=f"<div class='notice-box'>Words of article {n} alone</div>") for n in range(4, 9)]
    found = compare_templates(sketches(1, 2, 3), own)
    assert found is not None
    assert [change.text for change in found.came] == [""]


def test_of_blocks_in_one_another_the_outermost_is_told() -> None:
    nested = "<aside class='promo-rail'><div class='promo-card'><ul class='promo-list'><li>One</ul></div></aside>"
    found = compare_templates(sketches(1, 2, 3, more=nested), sketches(4, 5, 6))
    assert found is not None
    assert [change.place for change in found.gone] == ["aside.promo-rail"]


@pytest.mark.parametrize("post", ["css-1x{n}y3z", "post-47{n} category-news{n}", "Body_story__3xK{n}p", "sc-bdV{n}Ja"])
def test_names_that_a_machine_made_change_nothing(post: str) -> None:
    page_by_page = [a_sketch(n, post=post.format(n=n)) for n in range(1, 4)]
    built, built_anew = (sketches(1, 2, 3, post=post.format(n=build)) for build in (1, 2))
    for before, now in ((page_by_page, built), (built, built_anew)):
        found = compare_templates(before, now)
        assert found is not None
        assert (found.alike, found.changes) == (1.0, ())


def test_a_wrapper_without_a_name_changes_nothing() -> None:
    before, now = sketches(1, 2, 3), [a_sketch(n, more="<div><div><p>x</p></div></div>") for n in (4, 5, 6)]
    found = compare_templates(before, now)
    assert found is not None
    assert (found.alike, found.changes) == (1.0, ())


def test_dates_are_told_by_place_and_form() -> None:
    before = [a_sketch(n, date=f"<p class='posted'>{n} November 2026</p>") for n in (1, 2, 3)]
    now = [a_sketch(n, date=f"<p class='stamp'>2026/11/{n}</p>") for n in (4, 5, 6)]
    found = compare_templates(before, now)
    assert found is not None
    assert found.dates_gone == (DateSpot("p.posted", "9 a 9999"),)
    assert found.dates_came == (DateSpot("p.stamp", "9999/9/9"),)
    head = '<meta property="article:published_time" content="2026-11-22T08:00:00Z">'
    head += '<script type="application/ld+json">{"datePublished": "22 Nov 2026"}</script>'
    assert set(a_sketch(1, head=head).dates) == {
        DateSpot("meta article:published_time", "9999-9-9a9:9:9a"),
        DateSpot("json-ld datePublished", "9 a 9999"),
    }


def test_there_is_nothing_to_compare_with_no_pages_on_one_side() -> None:
    assert compare_templates([], sketches(1)) is None
    assert compare_templates(sketches(1), []) is None


@pytest.mark.parametrize(
    "written",
    [
        "<body>",
        "<body>" + "<div class='a1'>" * 5000 + "x",
        "<body>" + "<div class='box'><p>word</p></div>" * 30_000,
        "<body><article class='" + "n " * 5000 + "'><p>" + "long " * 40_000 + "</p></article>",
        '<body><script type="application/ld+json">' + '{"datePublished":' * 2000 + "</script><time datetime=''></time>",
        "<body><main>" + "\u202e\x07" * 100 + "<h1></h1><frameset><svg><g class='x'><text>t</text></g></svg></main>",
    ],
    ids=["empty", "deep", "wide", "long names", "odd script", "controls"],
)
def test_hostile_pages_are_sketched_within_bounds(written: str) -> None:
    tree = parse_page(written)
    if tree is None:
        return
    sketch = sketch_page(tree, url="https://ledger.example/x")
    assert len(sketch.containers) <= 800
    assert len(sketch.dates) <= 24
    assert len(sketch.seen) <= 4000
    assert compare_templates([sketch], [sketch]) is not None


_GOLDENS = load_goldens()


@pytest.mark.parametrize("golden", _GOLDENS[::6], ids=[golden.name for golden in _GOLDENS[::6]])
def test_pages_of_two_systems_are_less_alike_than_pages_of_one(golden: Golden) -> None:
    own, other = _sketch_golden(golden), _sketch_golden(_GOLDENS[(_GOLDENS.index(golden) + 3) % len(_GOLDENS)])
    same, differ = compare_templates([own] * 3, [own] * 3), compare_templates([own] * 3, [other] * 3)
    assert same is not None
    assert differ is not None
    assert (same.alike, same.changes) == (1.0, ())
    assert differ.alike < 0.35
    assert differ.gone
    assert differ.came


def _sketch_golden(golden: Golden) -> Sketch:
    tree = parse_page(golden.payload.decode("utf-8", "replace"))
    assert tree is not None
    return sketch_page(tree, url=golden.read["url"])


@given(st.text(alphabet=string.ascii_letters + string.digits + " :/-.,", max_size=40))
@settings(max_examples=60, deadline=None)
def test_the_form_of_a_date_keeps_no_word_and_no_number(written: str) -> None:
    shape = shape_of(written)
    assert not set(shape) & set(string.ascii_letters.replace("a", ""))
    assert not set(shape) & set(string.digits.replace("9", ""))
    assert "aa" not in shape
