from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.recheck import (
    BELIEF,
    Memory,
    Track,
    believe_dates,
    latest_birth,
    leaving_means_nothing,
    measure_overdue,
    moves_are_proven,
    moves_mean_nothing,
)
from spiders.site import Recheck
from tests.pipeline.built_runs import a_site

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SITE = a_site()


def memory(first_seen: timedelta, fetched_at: timedelta, **facts: Any) -> Memory:
    """A page met and last fetched so long ago."""
    given = {"kind": "article", "looked_at": NOW - fetched_at, "has_article": True, **facts}
    return Memory(url="https://a.uk/1", first_seen=NOW - first_seen, fetched_at=NOW - fetched_at, **given)


def due(first_seen: timedelta, fetched_at: timedelta, **facts: Any) -> bool:
    return measure_overdue(SITE, memory(first_seen, fetched_at, **facts), now=NOW) >= 1


def walk(start: timedelta, end: timedelta, **facts: Any) -> list[float]:
    """Hours at which a page that was first seen at ``start`` is looked at, in runs each quarter of an hour."""
    looks, at, last = [], start, start
    while at < end:
        at += HOUR / 4
        found = Memory(
            url="https://a.uk/1",
            first_seen=NOW + start,
            fetched_at=NOW + last,
            looked_at=facts.get("looked_at", NOW + last),
            **{name: value for name, value in {"kind": "article", **facts}.items() if name != "looked_at"},
        )
        if measure_overdue(SITE, found, now=NOW + at) >= 1:
            looks.append(at / HOUR)
            last = at
    return looks


def test_looking_decays_from_hours_over_days_and_weeks_to_months() -> None:
    looks = walk(timedelta(0), 365 * DAY)
    day, week, quarter = (sum(at <= hours for at in looks) for hours in (24, 24 * 7, 24 * 90))
    assert 7 <= day <= 10
    assert week - day <= 9
    assert 27 <= quarter - week <= 40
    assert 35 <= len(looks) - quarter <= 50
    assert len(walk(-400 * DAY, timedelta(0))) - len(walk(-400 * DAY, -30 * DAY)) <= 2


def test_a_back_catalogue_is_not_young_because_it_was_met_today() -> None:
    assert due(2 * HOUR, 1 * HOUR)
    assert not due(2 * HOUR, 1 * HOUR, published=NOW - 400 * DAY)
    assert due(2 * HOUR, 1 * HOUR, published=NOW + DAY)


def test_a_day_without_a_time_may_mean_its_end() -> None:
    assert latest_birth(NOW, day_only=True) == NOW + DAY
    assert latest_birth(NOW, day_only=False) == NOW


def test_an_edit_makes_a_page_younger_again_for_a_while() -> None:
    assert not due(200 * DAY, 7 * HOUR)
    assert due(200 * DAY, 7 * HOUR, edited_at=NOW - 8 * HOUR)
    assert not due(200 * DAY, 7 * HOUR, edited_at=NOW - 100 * DAY)


def test_a_page_that_is_missing_is_asked_for_until_a_tombstone_is_possible_and_no_oftener() -> None:
    first = NOW - 30 * HOUR
    for count, last, wanted in (
        (1, first, 12 * HOUR),
        (2, first + 12 * HOUR, 24 * HOUR),
        (2, first + 23 * HOUR, 26 * HOUR),
        (3, first + 24 * HOUR, 36 * HOUR),
    ):
        found = Memory(
            url="https://a.uk/1",
            kind="gone",
            first_seen=NOW - 300 * DAY,
            fetched_at=last,
            looked_at=first - 40 * DAY,
            has_article=True,
            missing=(count, first, last),
        )
        assert measure_overdue(SITE, found, now=first + wanted) >= 1
        assert measure_overdue(SITE, found, now=first + wanted - HOUR / 4) < 1


def test_an_article_that_is_gone_is_asked_for_ever_more_rarely_but_never_forgotten() -> None:
    looks, last = [], timedelta(0)
    for hours in range(24 * 365):
        at = hours * HOUR
        found = memory(DAY, timedelta(0), kind="gone", gone_at=NOW)
        found = Memory(**{name: getattr(found, name) for name in found.__slots__} | {"fetched_at": NOW + last})
        if measure_overdue(SITE, found, now=NOW + at) >= 1:
            looks.append(at / DAY)
            last = at
    assert looks[:3] == [1, 2, 3]
    assert max(b - a for a, b in itertools.pairwise(looks)) <= 31
    assert len(looks) < 25


def test_blocked_and_failed_pages_are_tried_again_soon_then_with_back_off() -> None:
    assert due(30 * DAY, HOUR, kind="blocked", looked_at=NOW - 2 * HOUR)
    assert not due(30 * DAY, HOUR, kind="failed", looked_at=NOW - 4 * HOUR)
    assert due(300 * DAY, 3 * DAY, kind="blocked", looked_at=NOW - 90 * DAY)
    assert not due(300 * DAY, 3 * DAY, kind="blocked", looked_at=None, has_article=False)


def test_a_look_that_was_blocked_does_not_count_as_one() -> None:
    assert due(30 * DAY, timedelta(0), looked_at=NOW - 30 * DAY, kind="article")


def test_an_old_address_of_an_article_is_looked_at_once_a_month() -> None:
    assert not due(2 * DAY, 10 * DAY, elsewhere=True)
    assert due(60 * DAY, 31 * DAY, elsewhere=True)


def test_a_site_may_have_its_own_ladder_and_it_may_end() -> None:
    site = a_site(recheck=(Recheck(age=DAY, every=timedelta(0)), Recheck(age=2 * DAY, every=5 * HOUR)))
    assert measure_overdue(site, memory(HOUR, timedelta(0)), now=NOW) >= 1
    assert measure_overdue(site, memory(30 * HOUR, 4 * HOUR), now=NOW) < 1
    assert measure_overdue(site, memory(90 * DAY, 90 * DAY), now=NOW) == 0


@given(
    kind=st.sampled_from(["article", "unchanged", "gone", "blocked", "failed", "not-an-article", "excluded"]),
    first=st.integers(0, 10_000),
    fetched=st.integers(0, 10_000),
    gone=st.booleans(),
)
def test_nothing_that_has_a_ladder_without_end_is_forgotten(kind: str, first: int, fetched: int, *, gone: bool) -> None:
    found = memory((first + fetched) * HOUR, fetched * HOUR, kind=kind, gone_at=NOW - 9 * DAY if gone else None)
    assert measure_overdue(SITE, found, now=NOW + 200 * DAY) >= 1
    assert measure_overdue(SITE, found, now=NOW) >= 0


def test_belief_in_dates_is_earned_and_lost() -> None:
    assert believe_dates(SITE, Track()) == 2
    assert 2 < believe_dates(SITE, Track(still=50)) < BELIEF == believe_dates(SITE, Track(still=100))
    assert believe_dates(SITE, Track(still=1000)) == BELIEF
    assert believe_dates(SITE, Track(still=100, silent=1)) == 1
    assert believe_dates(SITE, Track(still=1000, silent=1)) == BELIEF
    assert believe_dates(a_site(dates="trust"), Track(still=9, silent=9)) > BELIEF
    assert believe_dates(a_site(dates="ignore"), Track(still=1000)) == 1


@pytest.mark.parametrize(
    ("track", "nothing", "proven"),
    [
        (Track(moved=29, vain=29), False, False),
        (Track(moved=40, vain=40), True, False),
        (Track(moved=40, vain=30), False, False),
        (Track(moved=40, vain=20), False, True),
    ],
)
def test_dates_that_move_without_edits_are_found_out(track: Track, *, nothing: bool, proven: bool) -> None:
    assert (moves_mean_nothing(track), moves_are_proven(track)) == (nothing, proven)


def test_a_sitemap_of_the_latest_pages_is_found_out() -> None:
    assert leaving_means_nothing(Track(unlisted=40, lost=1))
    assert not leaving_means_nothing(Track(unlisted=40, lost=3))
    assert not leaving_means_nothing(Track(unlisted=5))
