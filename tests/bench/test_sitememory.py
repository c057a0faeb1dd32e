"""The bench of a site's memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.markup import open_newsroom
from bench.sitememory import Verdict, compare, main, make_site, read_site, sum_up, tell, tell_why


def test_the_true_text_is_beyond_reproach_and_noise_and_losses_are_named() -> None:
    newsroom = open_newsroom("flat", seed=3, runs=1, first=6)
    page = newsroom.publish(0)[0]
    good = compare(newsroom, page, page.text.replace(" | ", " "), memory=True)
    assert (good.score.precision, good.score.recall, good.score.exact) == (1.0, 1.0, True)
    assert good.noise == good.lost == ()
    newsletter = newsroom.furnish(page, 0)["newsletter"].rows[0][0]
    lines = page.text.split("\n")
    bad = compare(newsroom, page, "\n".join([page.title, *lines[1:], newsletter]), memory=True)
    assert bad.noise == ("headline", "newsletter")
    assert bad.lost == (page.blocks[0].kind,)
    assert bad.score.precision < 1.0
    assert bad.score.recall < 1.0


def test_an_old_page_that_is_looked_at_again_is_compared_with_what_was_read_of_it() -> None:
    newsroom = open_newsroom("named", seed=1, runs=2, first=6, later=4)
    again = newsroom.render(newsroom.published[0][0], run=1)
    assert compare(newsroom, again, "a text", memory=True, before="a text").same is True
    assert compare(newsroom, again, "a text", memory=True, before="another").same is False


def test_what_is_too_low_is_marked_and_remembered() -> None:
    verdict = Verdict()
    assert verdict.want("precision", 0.99, 0.98) == "0.990"
    assert verdict.want("recall", 0.97, 0.995) == "0.970 ✗"
    assert verdict.broken == ["recall: 0.9700 < 0.995"]


def test_a_newsroom_is_read_run_by_run_with_the_memory_and_without() -> None:
    reads = read_site("named", 1, 2, first=8, later=4)
    assert {(read.run, read.memory) for read in reads} == {(1, False), (1, True), (2, False), (2, True)}
    assert sum(read.same is not None for read in reads) == 2 * 8
    assert sum_up([read for read in reads if not read.memory]).recall > 0.9
    shown = tell(reads, Verdict())
    assert "| named   |   2 |" in shown
    assert "same text with memory" in shown
    assert tell_why(reads).count("\n") == 3


def test_a_site_is_declared_as_its_file_would() -> None:
    newsroom = open_newsroom("flat", seed=1, runs=1, first=4)
    site = make_site(newsroom)
    assert all(site.is_article(page.url) for page in newsroom.publish(0))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_newsroom_goes_the_whole_way_into_the_archive(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    main(["--through", "steps", "--degree", "named", "--first-seed", "1", "--runs", "2", "--json", str(told)])
    assert told.is_file()
