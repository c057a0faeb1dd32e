from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.month import DAY, HOUR, Newsroom, Plan, main, work_out_baseline

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def lived(**plan: object) -> Newsroom:
    newsroom = Newsroom(Plan(articles=80, days=12, **plan), START)  # type: ignore[arg-type]
    newsroom.home = "http://127.0.0.1:1"
    newsroom.advance(newsroom.end)
    return newsroom


def test_the_same_seed_lives_the_same_month() -> None:
    assert lived().truth == lived().truth
    assert lived(seed=2).truth != lived().truth


def test_the_truth_shows_on_the_pages() -> None:
    newsroom = lived(calm=True)
    last = {
        change.number: change for change in newsroom.truth if change.kind in ("headline", "correction", "substance")
    }
    assert len(last) > 20
    for number, change in last.items():
        story = newsroom.stories[number]
        if not story.absent:
            page = newsroom.answer(story.address)
            assert page is not None
            assert change.sign.encode() in page.plain
    moved = next(
        change for change in newsroom.truth if change.kind == "moved" and change.sign in newsroom.redirects.values()
    )
    old = next(path for path, target in newsroom.redirects.items() if target == moved.sign)
    redirect = newsroom.answer(old)
    assert redirect is not None
    assert (redirect.status, redirect.headers) == (301, (("Location", newsroom.home + moved.sign),))


@pytest.mark.parametrize(
    ("dates", "moved"), [("honest", True), ("silent", False), ("none", False), ("generated", True)]
)
def test_sitemaps_date_what_they_are_told_to(dates: str, *, moved: bool) -> None:
    newsroom = Newsroom(Plan(articles=5, dates=dates), START)  # type: ignore[arg-type]
    newsroom._edit(0, START + HOUR)
    newsroom.now = START + HOUR
    stamp = (START + HOUR).isoformat(timespec="seconds").encode()
    page = newsroom.answer("/sitemap.xml")
    assert page is not None
    assert (stamp in page.plain) is moved
    assert (b"<lastmod>" in page.plain) is (dates != "none")


def test_outages_are_for_hours_and_for_the_whole_server() -> None:
    newsroom = lived()
    trouble = next(one for one in newsroom.troubles if one.kind == "500")
    assert timedelta(0) < trouble.until - trouble.since < DAY
    newsroom.now = trouble.since
    pages = [newsroom.answer(path) for path in ("/robots.txt", "/sitemap.xml", newsroom.stories[0].path)]
    assert [page and page.status for page in pages] == [500, 500, 500]


def test_fetching_everything_daily_sees_nearly_everything_and_costs_a_request_a_page() -> None:
    newsroom = lived()
    baseline = work_out_baseline(newsroom)
    assert baseline.recall > 0.95
    assert 80 * 12 < baseline.requests < 300 * 12


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_three_days_of_a_newsroom_are_seen_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_PROCESSES", "1")
    words = ["--days", "3", "--articles", "60", "--every", "4", "--keep", str(tmp_path)]
    assert main(words) == 0
