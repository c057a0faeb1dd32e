"""The made-up newsroom in four degrees of mark-up."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import html

from bench.markup import DEGREES, REPEATS, Degree, main, open_newsroom


@pytest.mark.parametrize("degree", DEGREES)
def test_the_same_seed_gives_the_same_pages(degree: Degree) -> None:
    one, other = (open_newsroom(degree, seed=4, runs=2, first=6, later=4) for _ in range(2))
    assert [page.html for page in one.publish(1)] == [page.html for page in other.publish(1)]


@pytest.mark.parametrize("degree", DEGREES)
@pytest.mark.parametrize("seed", range(6))
def test_the_true_text_stands_on_the_page_in_its_order(degree: Degree, seed: int) -> None:
    newsroom = open_newsroom(degree, seed=seed, runs=3, first=8, later=4)
    for page in [*newsroom.publish(0), *newsroom.publish(2)]:
        shown = " ".join("".join(html.fromstring(page.html).itertext()).split())
        at = 0
        for block in page.blocks:
            for line in block.lines:
                for cell in line.split("\t"):
                    at = shown.index(" ".join(cell.split()), at) + len(cell)


@pytest.mark.parametrize("degree", DEGREES)
def test_the_noise_is_other_on_another_day_and_the_text_is_not(degree: Degree) -> None:
    newsroom = open_newsroom(degree, seed=3, runs=3, first=8, later=4)
    page = newsroom.publish(0)[0]
    later = newsroom.render(page, run=2)
    assert later.html != page.html
    assert later.text == page.text


def test_flat_pages_hold_everything_in_one_element() -> None:
    for seed in range(8):
        page = open_newsroom("flat", seed=seed, runs=1, first=8).publish(0)[0]
        tree = html.fromstring(page.html)
        assert not tree.xpath("//article | //aside | //figure | //footer | //section | //nav | //*[@id]")
        assert {name for name in tree.xpath("//body//@class") if name} <= {"container"}


def test_there_are_four_flat_anatomies_and_many_orders() -> None:
    designs = [open_newsroom("flat", seed=seed, runs=1, first=8).design(0) for seed in range(24)]
    assert {design.anatomy for design in designs} == {0, 1, 2, 3}
    assert len({(design.before, design.after) for design in designs}) > 20


def test_a_rebuild_changes_the_hashed_names_and_nothing_else() -> None:
    newsroom = open_newsroom("meaningless", seed=1, changes="rebuild", runs=3, first=8, later=4)
    before, after = (html.fromstring(newsroom.publish(run)[0].html) for run in (1, 2))
    old, new = (set(tree.xpath("//body//@class")) for tree in (before, after))
    assert not old & new
    assert newsroom.design(1).before == newsroom.design(2).before


def test_a_redesign_changes_the_order_of_things() -> None:
    newsroom = open_newsroom("flat", seed=2, changes="redesign", runs=3, first=8, later=4)
    assert newsroom.design(1) != newsroom.design(2)


def test_everything_that_recurs_in_texts_comes_to_pass() -> None:
    pages = [page for seed in range(3) for day in open_newsroom("named", seed=seed).published for page in day]
    assert frozenset().union(*(page.traits for page in pages)) >= REPEATS | {"copy", "list", "table"}
    copies = [page for page in pages if "copy" in page.traits]
    assert len({page.text for page in copies}) < len(copies)
    assert len({page.path for page in pages}) == len(pages)


def test_pages_and_true_texts_are_written_into_a_folder(tmp_path: Path) -> None:
    assert main(["--degree", "flat", "--seed", "1", "--runs", "1", "--folder", str(tmp_path)]) == 0
    assert len(list(tmp_path.glob("run-1/*.html"))) == len(list(tmp_path.glob("run-1/*.txt"))) == 30


def test_a_newsroom_answers_as_a_server_does() -> None:
    newsroom = open_newsroom("named", seed=1, runs=2, first=5, later=4)
    newsroom.home = "http://127.0.0.1:9"
    sitemap = newsroom.answer("/sitemap.xml", run=0)
    assert sitemap is not None
    assert sitemap.plain.count(b"<loc>http://127.0.0.1:9/news/") == 5
    later = newsroom.published[1][0]
    assert newsroom.answer(later.path, run=0) is None
    page = newsroom.answer(later.path, run=1)
    assert page is not None
    assert page.plain == newsroom.render(later, run=1).html
    assert newsroom.answer("/robots.txt", run=0) is not None
